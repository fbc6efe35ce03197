"""Keys that sign and verify: Ed25519, P-256, P-384 and secp256k1, as JWK (RFC 7517), Multikey and DID."""

from did.keys.identifiers import did_jwk, did_key
from did.keys.local import LocalKey, Signer
from did.keys.public import KeyKind, PublicKey

__all__ = ["KeyKind", "LocalKey", "PublicKey", "Signer", "did_jwk", "did_key"]
