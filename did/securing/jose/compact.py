"""Compact JWS (RFC 7515), read strictly.

Dangers: `alg` chosen by the attacker (none, HS256 with a public key: threat 13), unknown `crit` and `b64` (14), a
key named by the header (15: `jwk`, `jku`, `x5u`, `x5c` are never followed here), segments that cost memory before
they are refused (6), non-canonical base64url (7). The algorithm is refused before any key is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from did.errors import (
    CriticalHeader,
    InputTooLarge,
    InvalidEncoding,
    InvalidSignature,
    KernelError,
    MalformedJws,
    UnsupportedAlgorithm,
    WrongTokenType,
)
from did.keys.local import Signer
from did.keys.public import CURVES, PublicKey
from did.limits import MAX_JWS_BYTES
from did.multibase import b64url, b64url_decode
from did.strict_json import parse_object

__all__ = ["UnverifiedJws", "peek_compact", "sign_compact", "verify_compact"]

_ALGORITHMS: Final = frozenset(spec.alg for spec in CURVES.values())
_MAX_HEADER_DEPTH: Final = 8


@dataclass(frozen=True)
class UnverifiedJws:
    """A well-formed token of which nothing has been checked but its form."""

    header: dict[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    def verified_by(self, key: PublicKey) -> bool:
        """Whether `key` made the signature and `alg` names that key's algorithm."""
        return self.header["alg"] == key.alg and key.verify(self.signing_input, self.signature)


def sign_compact(header: dict[str, Any], payload: dict[str, Any] | bytes, signer: Signer) -> str:
    """Sign; `alg` is set from the signer and must not say anything else."""
    if header.get("alg", signer.alg) != signer.alg:
        raise UnsupportedAlgorithm("the header names another algorithm than the key's")
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    signing_input = f"{b64url(orjson.dumps({**header, 'alg': signer.alg}))}.{b64url(body)}"
    return f"{signing_input}.{b64url(signer.sign(signing_input.encode('ascii')))}"


def peek_compact(token: str, *, max_bytes: int = MAX_JWS_BYTES) -> UnverifiedJws:
    """Take a token apart without believing it. Raises MalformedJws, InputTooLarge, UnsupportedAlgorithm,
    CriticalHeader.
    """
    if not isinstance(token, str):
        raise MalformedJws("a token is a string")
    if len(token) > max_bytes:
        raise InputTooLarge(f"token longer than {max_bytes} bytes")
    segments = token.split(".", 3)
    if len(segments) != 3 or not all(segments):
        raise MalformedJws("not three segments")
    try:
        head, payload, signature = (b64url_decode(segment) for segment in segments)
    except InvalidEncoding as error:
        raise MalformedJws("a segment is not base64url") from error
    try:
        header = parse_object(head, max_depth=_MAX_HEADER_DEPTH)
    except KernelError as error:
        raise MalformedJws(f"the header is not a JSON object: {error.code}") from error
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise UnsupportedAlgorithm("alg is not one of " + ", ".join(sorted(_ALGORITHMS)))
    if "crit" in header or "b64" in header:
        raise CriticalHeader("crit and b64 are not supported")
    signing_input = f"{segments[0]}.{segments[1]}".encode("ascii")
    return UnverifiedJws(header, payload, signing_input, signature)


def verify_compact(
    token: str, key: PublicKey, *, typ: str | None = None, max_bytes: int = MAX_JWS_BYTES
) -> dict[str, Any]:
    """The payload of a token that `key` signed; `typ`, if given, must be the header's. Times are the caller's to
    check.
    """
    jws = peek_compact(token, max_bytes=max_bytes)
    if typ is not None and jws.header.get("typ") != typ:
        raise WrongTokenType(f"typ is not {typ}")
    if jws.header["alg"] != key.alg:
        raise UnsupportedAlgorithm("alg is not the key's algorithm")
    if not jws.verified_by(key):
        raise InvalidSignature("the signature does not verify")
    return parse_object(jws.payload, max_bytes=max_bytes)
