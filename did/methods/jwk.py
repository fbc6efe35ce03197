"""did:jwk: the DID is a JWK, the document is computed. The one verification method is `#0`."""

from __future__ import annotations

from typing import Any, Final

from did.credentials.contexts import DID_CONTEXT
from did.errors import InvalidDid, KernelError, PrivateKeyExposed
from did.keys.identifiers import did_jwk
from did.keys.public import PublicKey
from did.multibase import b64url_decode
from did.resolver import Resolution
from did.strict_json import parse_object

__all__ = ["JwkMethod", "did_jwk", "key_of_did_jwk"]

_PREFIX: Final = "did:jwk:"
_CONTEXT: Final = [DID_CONTEXT, "https://w3id.org/security/suites/jws-2020/v1"]
_SIGNING: Final = ("assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation")
_MAX_JWK_BYTES: Final = 2048
_MAX_JWK_DEPTH: Final = 4
# Curves that only agree on keys: a did:jwk of one has a document, but no key that could sign anything.
_AGREEMENT_ONLY: Final = ("X25519", "X448")


def _read_jwk(did: str) -> dict[str, Any]:
    try:
        return parse_object(
            b64url_decode(did.removeprefix(_PREFIX)), max_bytes=_MAX_JWK_BYTES, max_depth=_MAX_JWK_DEPTH
        )
    except KernelError as error:
        raise InvalidDid(f"no JWK in the DID: {error.code}") from error


def key_of_did_jwk(did: str) -> PublicKey:
    """The signing key that a did:jwk is. Raises InvalidDid."""
    try:
        return PublicKey.from_jwk(_read_jwk(did))
    except KernelError as error:
        raise InvalidDid(f"no usable key in the DID: {error.code}") from error


class JwkMethod:
    """Resolves did:jwk."""

    name = "jwk"

    def resolve(self, did: str) -> Resolution:
        """The document with the JWK as written in the DID. Raises InvalidDid."""
        jwk = _read_jwk(did)
        if "d" in jwk:
            raise InvalidDid(f"{PrivateKeyExposed.code}: the DID gives a private key away")
        url = f"{did}#0"
        method = {"id": url, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}
        document: dict[str, Any] = {"@context": list(_CONTEXT), "id": did, "verificationMethod": [method]}
        agreement = jwk.get("crv") in _AGREEMENT_ONLY or jwk.get("use") == "enc"
        if not agreement:
            key = key_of_did_jwk(did)
            document |= {relationship: [url] for relationship in _SIGNING}
        if agreement or (jwk.get("use") != "sig" and key.kind != "Ed25519"):
            document["keyAgreement"] = [url]
        return Resolution(did, document)
