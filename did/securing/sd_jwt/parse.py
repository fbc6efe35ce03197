"""Taking an SD-JWT apart (RFC 9901 section 4): issuer JWT, disclosures, key binding JWT. Nothing is believed yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from did.errors import InputTooLarge, MalformedSdJwt
from did.limits import MAX_DISCLOSURES, MAX_SD_JWT_BYTES
from did.securing.jose import UnverifiedJws, peek_compact
from did.securing.sd_jwt.disclosure import Disclosure
from did.strict_json import parse_object

__all__ = ["UnverifiedSdJwt", "parse"]


@dataclass(frozen=True)
class UnverifiedSdJwt:
    """A well-formed SD-JWT. `presented` is the text up to and including the last `~`, which `sd_hash` covers."""

    issuer_jwt: str
    jws: UnverifiedJws
    payload: dict[str, Any]
    disclosures: tuple[Disclosure, ...]
    key_binding_jwt: str | None
    presented: str


def parse(text: str, *, max_bytes: int = MAX_SD_JWT_BYTES) -> UnverifiedSdJwt:
    """Take apart the compact serialization. Raises MalformedSdJwt, InputTooLarge, InvalidDisclosure, MalformedJws."""
    if not isinstance(text, str) or not text.isascii():
        raise MalformedSdJwt("an SD-JWT is ASCII text")
    if len(text) > max_bytes:
        raise InputTooLarge(f"SD-JWT longer than {max_bytes} bytes")
    if text.count("~") < 1:
        raise MalformedSdJwt("no ~ in it")
    if text.count("~") > MAX_DISCLOSURES + 1:
        raise MalformedSdJwt(f"more than {MAX_DISCLOSURES} disclosures")
    issuer_jwt, *encoded, last = text.split("~")
    if len(set(encoded)) != len(encoded):
        raise MalformedSdJwt("a disclosure occurs twice")
    jws = peek_compact(issuer_jwt, max_bytes=max_bytes)
    return UnverifiedSdJwt(
        issuer_jwt=issuer_jwt,
        jws=jws,
        payload=parse_object(jws.payload, max_bytes=max_bytes),
        disclosures=tuple(Disclosure.read(item) for item in encoded),
        key_binding_jwt=last or None,
        presented=text[: len(text) - len(last)],
    )
