"""W3C Bitstring Status List 1.0: `u` + base64url of GZIP, index 0 in the highest bit of byte 0, 131,072 entries or
more.

Dangers: a decompression bomb (threat 44), reading the other list format's bit order (threat 49).
"""

from __future__ import annotations

import gzip

from did.errors import InvalidEncoding, InvalidStatusList, StatusIndexOutOfRange
from did.limits import MAX_STATUS_LIST_BYTES, MIN_BITSTRING_ENTRIES
from did.multibase import b64url, b64url_decode
from did.status.inflate import GZIP, inflate

__all__ = ["bit_at", "decode_list", "encode_list", "pack_bits"]


def pack_bits(indices: list[int] | set[int] | frozenset[int], capacity: int) -> bytes:
    """A bitstring of `capacity` entries with the bits of `indices` set. Raises StatusIndexOutOfRange."""
    bits = bytearray((capacity + 7) // 8)
    for index in indices:
        if not 0 <= index < capacity:
            raise StatusIndexOutOfRange("index outside the list")
        bits[index // 8] |= 0x80 >> (index % 8)
    return bytes(bits)


def encode_list(bits: bytes) -> str:
    """`encodedList` of a bitstring. The same bits give the same text: the GZIP time stamp is 0."""
    if len(bits) * 8 < MIN_BITSTRING_ENTRIES:
        raise InvalidStatusList(f"a list has at least {MIN_BITSTRING_ENTRIES} entries")
    return "u" + b64url(gzip.compress(bits, mtime=0))


def decode_list(encoded: str, max_bytes: int = MAX_STATUS_LIST_BYTES) -> bytes:
    """The bitstring of an `encodedList`. Raises InvalidStatusList or StatusListTooLarge."""
    if not isinstance(encoded, str) or not encoded.startswith("u"):
        raise InvalidStatusList("encodedList is not base64url multibase")
    try:
        data = b64url_decode(encoded[1:])
    except InvalidEncoding as error:
        raise InvalidStatusList("encodedList is not base64url") from error
    bits = inflate(data, wbits=GZIP, max_bytes=max_bytes)
    if len(bits) * 8 < MIN_BITSTRING_ENTRIES:
        raise InvalidStatusList(f"a list has at least {MIN_BITSTRING_ENTRIES} entries")
    return bits


def bit_at(bits: bytes, index: int) -> bool:
    """Whether the bit of `index` is set. Raises StatusIndexOutOfRange."""
    if not 0 <= index < len(bits) * 8:
        raise StatusIndexOutOfRange("index outside the list")
    return bool(bits[index // 8] & (0x80 >> (index % 8)))
