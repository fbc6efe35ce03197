"""The key binding JWT (RFC 9901 sections 4.3 and 7.3): the holder's signature over this presentation, for this
verifier.

Dangers (threats 30, 55): a presentation replayed to another verifier, an old one kept, one with disclosures added or
taken away (`sd_hash` covers the text up to the last `~`), a key from anywhere but the signed `cnf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from did.errors import InvalidKeyBinding, InvalidSignature, InvalidTime, KernelError
from did.keys.public import PublicKey
from did.securing.jose import peek_compact
from did.securing.sd_jwt.disclosure import hash_for
from did.securing.sd_jwt.parse import UnverifiedSdJwt
from did.strict_json import parse_object
from did.timestamps import parse_numeric_date

__all__ = ["KB_TYP", "KeyBinding", "bound_key", "verify_key_binding"]

KB_TYP: Final = "kb+jwt"


@dataclass(frozen=True)
class KeyBinding:
    """What a valid key binding JWT says. `nonce` and `audience` are the caller's to compare."""

    key: PublicKey
    nonce: str
    audience: str
    issued_at: int


def bound_key(payload: Mapping[str, Any]) -> PublicKey | None:
    """The key that the issuer bound the credential to, or None. Raises InvalidKeyBinding if `cnf` is not a lone
    `jwk`.
    """
    if "cnf" not in payload:
        return None
    confirmation = payload["cnf"]
    if not isinstance(confirmation, dict) or set(confirmation) != {"jwk"} or not isinstance(confirmation["jwk"], dict):
        raise InvalidKeyBinding("cnf is not a jwk", pointer="/cnf")
    try:
        return PublicKey.from_jwk(confirmation["jwk"])
    except KernelError as error:
        raise InvalidKeyBinding(f"cnf holds no usable key: {error.code}", pointer="/cnf/jwk") from error


def verify_key_binding(token: UnverifiedSdJwt, *, now: int, max_age_s: int, leeway_s: int) -> KeyBinding:
    """Check form, signature, `sd_hash` and age of the key binding JWT of a token whose issuer signature already held.

    Raises InvalidKeyBinding or InvalidSignature.
    """
    key = bound_key(token.payload)
    if key is None or token.key_binding_jwt is None:
        raise InvalidKeyBinding("no key is bound, or no key binding JWT is there")
    try:
        jws = peek_compact(token.key_binding_jwt)
        body = parse_object(jws.payload)
    except KernelError as error:
        raise InvalidKeyBinding(f"not a key binding JWT: {error.code}") from error
    if jws.header.get("typ") != KB_TYP:
        raise InvalidKeyBinding(f"typ is not {KB_TYP}")
    if not jws.verified_by(key):
        raise InvalidSignature("the key binding JWT is not signed by the bound key")
    digest = hash_for(token.payload.get("_sd_alg", "sha-256"))
    if body.get("sd_hash") != digest(token.presented):
        raise InvalidKeyBinding("sd_hash does not cover what was presented", pointer="/sd_hash")
    nonce, audience = body.get("nonce"), body.get("aud")
    if not isinstance(nonce, str) or not isinstance(audience, str):
        raise InvalidKeyBinding("nonce and aud are required strings")
    try:
        issued_at = parse_numeric_date(body.get("iat"))
    except InvalidTime as error:
        raise InvalidKeyBinding("iat is not a time", pointer="/iat") from error
    if not now - max_age_s - leeway_s <= issued_at <= now + leeway_s:
        raise InvalidKeyBinding("iat is too old or in the future", pointer="/iat")
    return KeyBinding(key, nonce, audience, issued_at)
