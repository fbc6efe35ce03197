"""JSON Canonicalization Scheme (RFC 8785) over values that survive it.

Danger (threat 4): NaN, infinities, integers beyond 2^53, lone surrogates and duplicate names have no single canonical
form. They are refused before the serializer sees them.
"""

from __future__ import annotations

from typing import Any

import rfc8785

from did.strict_json import check_value

__all__ = ["canonicalize_jcs"]


def canonicalize_jcs(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value. Raises NumberOutOfRange, InvalidText, InputTooDeep, InputTooLarge."""
    check_value(value)
    return rfc8785.dumps(value)
