"""A public key: read strictly, compared by value, and able to check one signature form.

Sources: RFC 7517/7518/8037/8812 (JWK), W3C Controlled Identifiers 1.0 (Multikey), RFC 7638 (thumbprint), FIPS 186-5.
Dangers (threats 16, 17): small-order and mixed-order Ed25519 points, S >= L, DER where raw r||s is due, scalars outside
[1, n-1], a second valid signature by negating s. secp256k1 must be low-S as on Ethereum; ES256 and ES384 accept either
half, since wallets' hardware emits both, and therefore nothing in Assay identifies a token by its signature bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import rfc8785
from cryptography.exceptions import InvalidSignature as BackendRefusal
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_BYTES
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from did.errors import InvalidEncoding, InvalidKey, PrivateKeyExposed
from did.multibase import b64url, b64url_decode, multibase_decode, multibase_encode

__all__ = ["CURVES", "Curve", "KeyKind", "PublicKey"]

KeyKind = Literal["Ed25519", "P-256", "P-384", "secp256k1"]


@dataclass(frozen=True)
class Curve:
    """What differs between the kinds: JOSE names, multicodec prefix, byte length of a coordinate, group order."""

    alg: str
    multicodec: bytes
    size: int
    order: int
    curve: ec.EllipticCurve | None = None
    digest: hashes.HashAlgorithm | None = None
    low_s: bool = False


# Multicodec table: ed25519-pub 0xed, p256-pub 0x1200, p384-pub 0x1201, secp256k1-pub 0xe7, as unsigned varints.
CURVES: Final[dict[KeyKind, Curve]] = {
    "Ed25519": Curve("EdDSA", b"\xed\x01", 32, 2**252 + 27742317777372353535851937790883648493),
    "P-256": Curve(
        "ES256",
        b"\x80\x24",
        32,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        ec.SECP256R1(),
        hashes.SHA256(),
    ),
    "P-384": Curve(
        "ES384",
        b"\x81\x24",
        48,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        ec.SECP384R1(),
        hashes.SHA384(),
    ),
    "secp256k1": Curve(
        "ES256K",
        b"\xe7\x01",
        32,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
        ec.SECP256K1(),
        hashes.SHA256(),
        low_s=True,
    ),
}
_PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


@dataclass(frozen=True)
class PublicKey:
    """A public key that is a valid point of its curve.

    `raw` is the 32-byte Ed25519 key, or the compressed SEC 1 point (33 or 49 bytes). Two keys are equal exactly when
    they are the same point.
    """

    kind: KeyKind
    raw: bytes

    def __post_init__(self) -> None:
        if self.kind not in CURVES:
            raise InvalidKey("unknown kind of key")
        if self.kind == "Ed25519":
            if len(self.raw) != 32 or not crypto_core_ed25519_is_valid_point(self.raw):
                raise InvalidKey("not an Ed25519 point of the prime-order subgroup")
        else:
            self._backend()

    @property
    def alg(self) -> str:
        """The one JOSE algorithm this key verifies: EdDSA, ES256, ES384 or ES256K."""
        return CURVES[self.kind].alg

    def _backend(self) -> ec.EllipticCurvePublicKey:
        spec = CURVES[self.kind]
        assert spec.curve is not None
        if len(self.raw) != spec.size + 1 or self.raw[0] not in (2, 3):
            raise InvalidKey("not a compressed point")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(spec.curve, self.raw)
        except ValueError as error:
            raise InvalidKey("not a point of the curve") from error

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> PublicKey:
        """Read a public JWK. Refuses private members, coordinates of another length, and keys meant for other uses."""
        if any(member in jwk for member in _PRIVATE_MEMBERS):
            raise PrivateKeyExposed("the JWK carries private members")
        kind = jwk.get("crv")
        if kind not in CURVES or jwk.get("kty") != ("OKP" if kind == "Ed25519" else "EC"):
            raise InvalidKey("unsupported kty or crv")
        spec = CURVES[cast(KeyKind, kind)]
        if jwk.get("use", "sig") != "sig" or jwk.get("alg", spec.alg) not in (spec.alg, kind):
            raise InvalidKey("the JWK is meant for something else")
        if "key_ops" in jwk and (not isinstance(jwk["key_ops"], list) or "verify" not in jwk["key_ops"]):
            raise InvalidKey("key_ops does not allow verify")
        try:
            x = b64url_decode(cast(str, jwk.get("x")))
            y = b"" if kind == "Ed25519" else b64url_decode(cast(str, jwk.get("y")))
        except InvalidEncoding as error:
            raise InvalidKey("a coordinate is not base64url") from error
        if kind == "Ed25519":
            return cls("Ed25519", x)
        if len(x) != spec.size or len(y) != spec.size:
            raise InvalidKey("a coordinate has the wrong length")
        return cls.from_point(cast(KeyKind, kind), b"\x04" + x + y)

    @classmethod
    def from_point(cls, kind: KeyKind, point: bytes) -> PublicKey:
        """Read a SEC 1 point, compressed or not, that must lie on the curve of `kind`."""
        curve = CURVES[kind].curve
        if curve is None:
            return cls(kind, point)
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
        except ValueError as error:
            raise InvalidKey("not a point of the curve") from error
        return cls(kind, key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))

    def to_jwk(self) -> dict[str, str]:
        """The public JWK with only its required members, in lexicographic order."""
        if self.kind == "Ed25519":
            return {"crv": "Ed25519", "kty": "OKP", "x": b64url(self.raw)}
        size = CURVES[self.kind].size
        point = self._backend().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"crv": self.kind, "kty": "EC", "x": b64url(point[1 : 1 + size]), "y": b64url(point[1 + size :])}

    @classmethod
    def from_multikey(cls, text: str) -> PublicKey:
        """Read a Multikey `publicKeyMultibase` (base58btc only, as the cryptosuites demand)."""
        try:
            data = multibase_decode(text, bases="z")
        except InvalidEncoding as error:
            raise InvalidKey("not base58btc multibase") from error
        return cls.from_multicodec(data)

    @classmethod
    def from_multicodec(cls, data: bytes) -> PublicKey:
        """Read key bytes behind their two-byte multicodec prefix."""
        for kind, spec in CURVES.items():
            if data[:2] == spec.multicodec:
                return cls(kind, data[2:])
        raise InvalidKey("unsupported multicodec prefix")

    def multicodec(self) -> bytes:
        """Key bytes behind their multicodec prefix."""
        return CURVES[self.kind].multicodec + self.raw

    def to_multikey(self) -> str:
        """The Multikey text, `z...`."""
        return multibase_encode(self.multicodec())

    def thumbprint(self) -> str:
        """RFC 7638 thumbprint: base64url of the SHA-256 of the required members."""
        return b64url(hashlib.sha256(rfc8785.dumps(dict(self.to_jwk()))).digest())

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes, or raw r||s) over `message` was made by this key. Never raises for bad
        bytes.
        """
        spec = CURVES[self.kind]
        if len(signature) != 2 * spec.size:
            return False
        if spec.curve is None:
            return self._verify_ed25519(message, signature)
        r = int.from_bytes(signature[: spec.size], "big")
        s = int.from_bytes(signature[spec.size :], "big")
        if not (0 < r < spec.order and 0 < s < spec.order) or (spec.low_s and s > spec.order // 2):
            return False
        assert spec.digest is not None
        try:
            self._backend().verify(encode_dss_signature(r, s), message, ec.ECDSA(spec.digest))
        except BackendRefusal:
            return False
        return True

    def _verify_ed25519(self, message: bytes, signature: bytes) -> bool:
        assert len(signature) == crypto_sign_BYTES
        if int.from_bytes(signature[32:], "little") >= CURVES["Ed25519"].order:
            return False
        try:
            VerifyKey(self.raw).verify(message, signature)
        except BadSignatureError:
            return False
        return True
