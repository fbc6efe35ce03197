"""Prefixed UUIDv7 identifiers (RFC 9562 section 5.7).

The prefix tells a person what an id in a log is; the leading 48 bits of time keep index inserts local. An id is never a
secret: whatever opens a door is drawn with `secrets` where it is needed.
"""

from __future__ import annotations

import secrets
import time
import uuid

__all__ = ["new_id"]


def new_id(prefix: str) -> str:
    """Return `<prefix>_<uuid7 as 32 hex digits>`, unique without coordination and sortable by its millisecond."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= secrets.randbits(12) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return f"{prefix}_{uuid.UUID(int=value).hex}"
