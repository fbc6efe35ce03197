"""Inflating a compressed list without letting it choose how much memory that takes (threat 44)."""

from __future__ import annotations

import zlib
from typing import Final

from did.errors import InvalidStatusList, StatusListTooLarge

__all__ = ["GZIP", "ZLIB", "inflate"]

ZLIB: Final = zlib.MAX_WBITS
GZIP: Final = zlib.MAX_WBITS | 16
_STEP: Final = 64 * 1024


def inflate(data: bytes, *, wbits: int, max_bytes: int) -> bytes:
    """Inflate exactly one stream of at most `max_bytes`. Raises StatusListTooLarge or InvalidStatusList."""
    machine = zlib.decompressobj(wbits)
    out = bytearray()
    pending = data
    try:
        while not machine.eof:
            block = machine.decompress(pending, min(_STEP, max_bytes + 1 - len(out)))
            out += block
            if len(out) > max_bytes:
                raise StatusListTooLarge(f"the list inflates to more than {max_bytes} bytes")
            pending = machine.unconsumed_tail
            if not block and not pending and not machine.eof:
                raise InvalidStatusList("the compressed list ends early")
    except zlib.error as error:
        raise InvalidStatusList("the list is not compressed as it should be") from error
    if machine.unused_data:
        raise InvalidStatusList("bytes after the compressed list")
    return bytes(out)
