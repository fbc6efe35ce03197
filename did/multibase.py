"""Base64url without padding and multibase (base58btc `z`, base64url `u`), each accepting exactly one spelling per
value.

Danger: two spellings of one signature or digest (threat 7), and base58, whose decoding is quadratic (threat 9): lengths
are checked first.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from did.errors import InvalidEncoding
from did.limits import MAX_MULTIBASE_CHARS

__all__ = ["b58decode", "b58encode", "b64url", "b64url_decode", "multibase_decode", "multibase_encode"]

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT: Final = {symbol: value for value, symbol in enumerate(_ALPHABET)}
_B64URL: Final = re.compile(r"[A-Za-z0-9_-]*\Z")


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Strict inverse of `b64url`: no padding, no whitespace, no other alphabet, no stray trailing bits."""
    if not isinstance(text, str) or not _B64URL.match(text) or len(text) % 4 == 1:
        raise InvalidEncoding("not base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url(data) != text:
        raise InvalidEncoding("base64url has stray trailing bits")
    return data


def b58encode(data: bytes) -> str:
    """Base58 with the Bitcoin alphabet."""
    number = int.from_bytes(data, "big")
    symbols = []
    while number:
        number, digit = divmod(number, 58)
        symbols.append(_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(symbols))


def b58decode(text: str) -> bytes:
    """Inverse of `b58encode`; at most 4,096 characters."""
    if len(text) > MAX_MULTIBASE_CHARS:
        raise InvalidEncoding("base58 text is too long")
    number = 0
    for symbol in text:
        digit = _DIGIT.get(symbol)
        if digit is None:
            raise InvalidEncoding("not base58btc")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multibase_encode(data: bytes, base: str = "z") -> str:
    """Multibase text; `base` is "z" (base58btc) or "u" (base64url)."""
    if base == "z":
        return "z" + b58encode(data)
    if base == "u":
        return "u" + b64url(data)
    raise InvalidEncoding("multibase other than base58btc and base64url")


def multibase_decode(text: str, *, bases: str = "zu") -> bytes:
    """Bytes of a multibase text whose prefix is one of `bases`; at most 4,096 characters."""
    if not isinstance(text, str) or len(text) < 2 or len(text) > MAX_MULTIBASE_CHARS or text[0] not in bases:
        raise InvalidEncoding(f"not multibase with one of the prefixes {bases}")
    return b58decode(text[1:]) if text[0] == "z" else b64url_decode(text[1:])
