"""Find the holder's key from a DID that is a key: no network, no other document that could change later."""

from __future__ import annotations

from app.errors import ServiceError
from did.keys import PublicKey
from did.resolver import Resolver

__all__ = ["HolderDidUnsupported", "holder_key"]


class HolderDidUnsupported(ServiceError):
    """The holder is named by something else than a did:key or did:jwk that can authenticate."""

    code = "holder_did_unsupported"


def holder_key(resolver: Resolver, did: str) -> PublicKey:
    """The authentication key of a did:key or did:jwk. Raises HolderDidUnsupported."""
    if not did.startswith(("did:key:", "did:jwk:")):
        raise HolderDidUnsupported("holder_did is a did:key or a did:jwk", pointer="/holder_did")
    document = resolver.resolve(did).document
    listed = (document or {}).get("authentication") or []
    if not listed or not isinstance(listed[0], str):
        raise HolderDidUnsupported("the DID does not resolve to a key that can authenticate", pointer="/holder_did")
    url = listed[0] if listed[0].startswith("did:") else did + listed[0]
    return resolver.key_for(url, "authentication")
