"""A private key held in this process, and the `Signer` protocol that a hardware or remote key satisfies as well.

ECDSA is deterministic (RFC 6979): a weak random source cannot leak the key. The private bytes leave only through
`private_bytes`, and `repr` shows none of them.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from did.errors import InvalidKey
from did.keys.public import CURVES, KeyKind, PublicKey

__all__ = ["LocalKey", "Signer"]


class Signer(Protocol):
    """Something that signs with one key; `alg` is the JOSE name, signatures are 64 bytes or raw r||s."""

    @property
    def alg(self) -> str: ...

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes: ...


class LocalKey:
    """A private key in memory."""

    def __init__(self, kind: KeyKind, private: bytes) -> None:
        spec = CURVES.get(kind)
        if spec is None or len(private) != spec.size:
            raise InvalidKey("unknown kind, or private key of the wrong length")
        self._kind = kind
        self._private = private
        if spec.curve is None:
            self._ed25519: SigningKey | None = SigningKey(private)
            self._ec: ec.EllipticCurvePrivateKey | None = None
            self._public = PublicKey(kind, bytes(self._ed25519.verify_key))
        else:
            scalar = int.from_bytes(private, "big")
            if not 0 < scalar < spec.order:
                raise InvalidKey("private scalar outside [1, n-1]")
            self._ed25519 = None
            self._ec = ec.derive_private_key(scalar, spec.curve)
            point = self._ec.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            self._public = PublicKey(kind, point)

    def __repr__(self) -> str:
        return f"LocalKey({self._kind!r}, {self._public.to_multikey()})"

    @classmethod
    def generate(cls, kind: KeyKind) -> LocalKey:
        """A new key from the operating system's random source."""
        spec = CURVES[kind]
        if spec.curve is None:
            return cls(kind, secrets.token_bytes(32))
        return cls(kind, (secrets.randbelow(spec.order - 1) + 1).to_bytes(spec.size, "big"))

    @classmethod
    def from_private_bytes(cls, kind: KeyKind, raw: bytes) -> LocalKey:
        """The key of a 32-byte Ed25519 seed, or of a big-endian scalar of 32 (P-384: 48) bytes."""
        return cls(kind, raw)

    def private_bytes(self) -> bytes:
        """The seed or scalar, for storage by the caller."""
        return self._private

    @property
    def alg(self) -> str:
        """JOSE algorithm of the signatures."""
        return self._public.alg

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Sign: 64 bytes for Ed25519, raw r||s for ECDSA (low-S for secp256k1)."""
        if self._ed25519 is not None:
            return self._ed25519.sign(message).signature
        spec = CURVES[self._kind]
        assert self._ec is not None
        assert spec.digest is not None
        der = self._ec.sign(message, ec.ECDSA(spec.digest, deterministic_signing=True))
        r, s = decode_dss_signature(der)
        if spec.low_s and s > spec.order // 2:
            s = spec.order - s
        return r.to_bytes(spec.size, "big") + s.to_bytes(spec.size, "big")
