"""Ethereum JSON-RPC's two hex forms, read strictly: quantities (shortest form) and data (whole bytes).

A node is not trusted to send either, and a server is not trusted to be asked for either; `MalformedAnswer` or
`InvalidArgument` is the caller's choice, so these raise ValueError.
"""

import re

_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def to_quantity(value: int) -> str:
    return hex(value)


def to_data(value: bytes) -> str:
    return "0x" + value.hex()


def read_quantity(value: object) -> int:
    """An unsigned integer of at most 256 bits; raises ValueError."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ValueError("expected a hex quantity")
    return int(value, 16)


def read_data(value: object, size: int | None = None) -> bytes:
    """Bytes, of exactly `size` where it is given; raises ValueError."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise ValueError("expected 0x and whole bytes in hex")
    data = bytes.fromhex(value[2:])
    if size is not None and len(data) != size:
        raise ValueError(f"expected {size} bytes, got {len(data)}")
    return data
