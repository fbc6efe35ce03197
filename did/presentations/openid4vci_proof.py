"""OpenID4VCI 1.0 key proofs (Appendix F.1 and F.4): a wallet shows that it holds the key a credential will be bound to.

Dangers: the header naming a key by two ways at once, a private key sent along, a proof made for another issuer or long
ago. The nonce is returned, not judged: whether it is fresh and unused is the issuer's to know.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from did.errors import InvalidKeyProof, KernelError
from did.keys.identifiers import did_jwk
from did.keys.public import PublicKey
from did.methods.jwk import key_of_did_jwk
from did.securing.jose import UnverifiedJws, peek_compact
from did.strict_json import parse_object
from did.timestamps import parse_numeric_date

__all__ = ["PROOF_TYP", "KeyProof", "verify_key_proof"]

PROOF_TYP: Final = "openid4vci-proof+jwt"
_KEY_MEMBERS: Final = ("kid", "jwk", "x5c")
_CLOCK_SKEW_S: Final = 60
_MAX_PROOF_BYTES: Final = 16 * 1024
_ALL_ALGORITHMS: Final = ("EdDSA", "ES256", "ES384", "ES256K")


@dataclass(frozen=True)
class KeyProof:
    """A proof that held. `holder_did` is the did:key or did:jwk named by `kid`, or the did:jwk of the header's key."""

    public: PublicKey
    nonce: str | None
    holder_did: str
    client_id: str | None = None


def verify_key_proof(
    proof: str, *, audience: str, now: int, max_age_s: int = 300, algs: Collection[str] = _ALL_ALGORITHMS
) -> KeyProof:
    """Check a key proof JWT; `now` in seconds since 1970. Raises InvalidKeyProof, whatever the fault is."""
    try:
        jws = peek_compact(proof, max_bytes=_MAX_PROOF_BYTES)
        body = parse_object(jws.payload)
        if jws.header.get("typ") != PROOF_TYP:
            raise InvalidKeyProof(f"typ is not {PROOF_TYP}", pointer="/typ")
        if jws.header["alg"] not in algs:
            raise InvalidKeyProof("alg is not accepted here", pointer="/alg")
        key, holder_did = _key(jws)
        if not jws.verified_by(key):
            raise InvalidKeyProof("the signature does not verify")
        _check_claims(body, audience, now, max_age_s)
    except InvalidKeyProof:
        raise
    except KernelError as error:
        raise InvalidKeyProof(f"{error.code}: {error.detail}", pointer=error.pointer) from error
    return KeyProof(key, body.get("nonce"), holder_did, body.get("iss"))


def _key(jws: UnverifiedJws) -> tuple[PublicKey, str]:
    present = [name for name in _KEY_MEMBERS if name in jws.header]
    if len(present) != 1:
        raise InvalidKeyProof("exactly one of kid, jwk and x5c names the key")
    value = jws.header[present[0]]
    if present[0] == "jwk" and isinstance(value, dict):
        key = PublicKey.from_jwk(value)
        return key, did_jwk(key)
    if present[0] == "kid" and isinstance(value, str):
        did, _, fragment = value.partition("#")
        if did.startswith("did:key:") and fragment in ("", did.removeprefix("did:key:")):
            return PublicKey.from_multikey(did.removeprefix("did:key:")), did
        if did.startswith("did:jwk:") and fragment in ("", "0"):
            return key_of_did_jwk(did), did
    raise InvalidKeyProof("the key is not a jwk, did:key or did:jwk", pointer=f"/{present[0]}")


def _check_claims(body: dict[str, Any], audience: str, now: int, max_age_s: int) -> None:
    if body.get("aud") not in (audience, [audience]):
        raise InvalidKeyProof("aud is not this issuer", pointer="/aud")
    issued_at = parse_numeric_date(body.get("iat"), pointer="/iat")
    if not now - max_age_s <= issued_at <= now + _CLOCK_SKEW_S:
        raise InvalidKeyProof("iat is too old or in the future", pointer="/iat")
    if "exp" in body and parse_numeric_date(body["exp"], pointer="/exp") <= now - _CLOCK_SKEW_S:
        raise InvalidKeyProof("expired", pointer="/exp")
    for name in ("nonce", "iss"):
        if name in body and not isinstance(body[name], str):
            raise InvalidKeyProof(f"{name} is not text", pointer=f"/{name}")
