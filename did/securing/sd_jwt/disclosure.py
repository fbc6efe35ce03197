"""One disclosure: salt, name and value (RFC 9901 section 4.2), and the digest that stands for it.

The digest is over the base64url text as received, so the text is kept; a disclosure is never re-encoded.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from did.errors import InvalidDisclosure, InvalidEncoding, KernelError, UnsupportedAlgorithm
from did.multibase import b64url, b64url_decode
from did.strict_json import parse

__all__ = ["Disclosure", "hash_for"]

_HASHES: Final[dict[str, Callable[[bytes], hashlib._Hash]]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
_SALT_BYTES: Final = 16  # RFC 9901 section 9.3: at least 128 bits


def hash_for(name: Any) -> Callable[[str], str]:
    """Digest function for an `_sd_alg` value (IANA Named Information names). Raises UnsupportedAlgorithm."""
    function = _HASHES.get(name) if isinstance(name, str) else None
    if function is None:
        raise UnsupportedAlgorithm("_sd_alg is not sha-256, sha-384 or sha-512", pointer="/_sd_alg")

    def digest(text: str) -> str:
        return b64url(function(text.encode("ascii")).digest())

    return digest


@dataclass(frozen=True)
class Disclosure:
    """`encoded` is the text as it travels; `name` is None for an array element."""

    encoded: str
    name: str | None
    value: Any

    @classmethod
    def create(cls, name: str | None, value: Any) -> Disclosure:
        """A new disclosure with a random salt."""
        salt = b64url(secrets.token_bytes(_SALT_BYTES))
        parts = [salt, value] if name is None else [salt, name, value]
        return cls(b64url(orjson.dumps(parts)), name, value)

    @classmethod
    def read(cls, encoded: str) -> Disclosure:
        """Read the text of a disclosure. Raises InvalidDisclosure."""
        try:
            parts = parse(b64url_decode(encoded))
        except InvalidEncoding as error:
            raise InvalidDisclosure("a disclosure is not base64url") from error
        except KernelError as error:
            raise InvalidDisclosure(f"a disclosure is not JSON: {error.code}") from error
        if not isinstance(parts, list) or len(parts) not in (2, 3) or not isinstance(parts[0], str):
            raise InvalidDisclosure("a disclosure is an array of salt, name and value, or of salt and value")
        if len(parts) == 2:
            return cls(encoded, None, parts[1])
        if not isinstance(parts[1], str) or parts[1] in ("_sd", "..."):
            raise InvalidDisclosure("a disclosure may not be named _sd or ...")
        return cls(encoded, parts[1], parts[2])
