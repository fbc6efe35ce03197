"""did:key (W3C CCG did:key method): the DID is the key, the document is computed, nothing is read from anywhere."""

from __future__ import annotations

from typing import Any, Final

from did.credentials.contexts import DID_CONTEXT, MULTIKEY_CONTEXT
from did.errors import InvalidDid, InvalidKey
from did.keys.identifiers import did_key
from did.keys.public import PublicKey
from did.resolver import Resolution

__all__ = ["KeyMethod", "did_key"]

_PREFIX: Final = "did:key:"
_SIGNING: Final = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation")


class KeyMethod:
    """Resolves did:key for Ed25519, P-256, P-384 and secp256k1."""

    name = "key"

    def resolve(self, did: str) -> Resolution:
        """The document with one Multikey. Raises InvalidDid, also for a key that is no point of its curve."""
        multikey = did.removeprefix(_PREFIX)
        try:
            key = PublicKey.from_multikey(multikey)
        except InvalidKey as error:
            raise InvalidDid(f"no usable key in the DID: {error.detail}") from error
        if key.to_multikey() != multikey:
            raise InvalidDid("the key is not in its canonical form")
        url = f"{did}#{multikey}"
        method = {"id": url, "type": "Multikey", "controller": did, "publicKeyMultibase": multikey}
        document: dict[str, Any] = {
            "@context": [DID_CONTEXT, MULTIKEY_CONTEXT],
            "id": did,
            "verificationMethod": [method],
        }
        return Resolution(did, document | {relationship: [url] for relationship in _SIGNING})
