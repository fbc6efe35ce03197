"""DIDs that are keys: did:key (W3C CCG, Multikey form) and did:jwk."""

from __future__ import annotations

import rfc8785

from did.keys.public import PublicKey
from did.multibase import b64url

__all__ = ["did_jwk", "did_key"]


def did_key(public: PublicKey) -> str:
    """The did:key of a public key."""
    return "did:key:" + public.to_multikey()


def did_jwk(public: PublicKey) -> str:
    """The did:jwk of a public key; its JWK is written in canonical form, so a key has one did:jwk here."""
    return "did:jwk:" + b64url(rfc8785.dumps(dict(public.to_jwk())))
