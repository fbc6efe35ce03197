"""IETF Token Status List: zlib, 1, 2, 4 or 8 bits an entry, index 0 in the lowest bits of byte 0.

The packed form is also how the registry on the chain keeps its words. Dangers: a decompression bomb (threat 44), an
index beyond the list (45), the other format's bit order (49).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from did.errors import InvalidEncoding, InvalidStatusList, StatusIndexOutOfRange
from did.limits import MAX_STATUS_LIST_BYTES
from did.multibase import b64url, b64url_decode
from did.status.inflate import ZLIB, inflate

__all__ = ["TokenStatus", "decode", "encode", "get", "pack_token_list"]

_BITS: Final = (1, 2, 4, 8)


class TokenStatus(IntEnum):
    """Registered status values (Token Status List section 7.1)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


def pack_token_list(codes: Mapping[int, int], capacity: int, bits: int) -> bytes:
    """A list of `capacity` entries of `bits` bits, 0 where `codes` says nothing. Raises StatusIndexOutOfRange."""
    _check_bits(bits)
    packed = bytearray((capacity * bits + 7) // 8)
    for index, code in codes.items():
        if not 0 <= index < capacity:
            raise StatusIndexOutOfRange("index outside the list")
        if not 0 <= code < 1 << bits:
            raise InvalidStatusList(f"status {code} does not fit into {bits} bits")
        packed[index * bits // 8] |= code << (index * bits % 8)
    return bytes(packed)


def encode(packed: bytes, bits: int) -> dict[str, Any]:
    """The `status_list` claim of a packed list."""
    _check_bits(bits)
    return {"bits": bits, "lst": b64url(zlib.compress(packed, 9))}


def decode(claim: Any, max_bytes: int = MAX_STATUS_LIST_BYTES) -> tuple[bytes, int]:
    """The packed list and its bits per entry. Raises InvalidStatusList or StatusListTooLarge."""
    if not isinstance(claim, dict) or not isinstance(claim.get("lst"), str):
        raise InvalidStatusList("status_list has no lst")
    bits = claim.get("bits")
    _check_bits(bits)
    assert isinstance(bits, int)
    try:
        data = b64url_decode(claim["lst"])
    except InvalidEncoding as error:
        raise InvalidStatusList("lst is not base64url") from error
    return inflate(data, wbits=ZLIB, max_bytes=max_bytes), bits


def get(packed: bytes, bits: int, index: int) -> int:
    """The status of an entry. Raises StatusIndexOutOfRange."""
    _check_bits(bits)
    if not 0 <= index < len(packed) * 8 // bits:
        raise StatusIndexOutOfRange("index outside the list")
    return packed[index * bits // 8] >> (index * bits % 8) & ((1 << bits) - 1)


def _check_bits(bits: Any) -> None:
    if isinstance(bits, bool) or bits not in _BITS:
        raise InvalidStatusList("bits is not 1, 2, 4 or 8")
