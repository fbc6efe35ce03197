"""Threats 13 to 18 and 21: what an attacker can do to a JOSE header, a signature or a key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from nacl.signing import SigningKey

from did.errors import InvalidTime, KernelError
from did.keys import LocalKey, PublicKey
from did.keys.public import CURVES, KeyKind
from did.multibase import b64url, b64url_decode
from did.presentations.openid4vci_proof import verify_key_proof
from did.securing.jose import peek_compact, sign_compact, verify_compact
from did.timestamps import parse_numeric_date, parse_time

ED_ORDER = CURVES["Ed25519"].order
# The canonical encodings of the eight small-order points (RFC 8032 cofactor 8), and non-canonical spellings of two.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def _code(function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(KernelError) as refusal:
        function(*args, **kwargs)
    return refusal.value.code


def _token(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"x") -> str:
    return ".".join(b64url(part) for part in (json.dumps(header).encode(), json.dumps(payload).encode(), signature))


@pytest.mark.threat(13)
@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", "PS256", "", None, 7, "ES512", "eddsa"])
def test_algorithms_outside_the_list_are_refused_before_any_key(alg: Any) -> None:
    assert _code(peek_compact, _token({"alg": alg}, {})) == "unsupported_algorithm"


@pytest.mark.threat(13)
def test_hmac_with_the_public_key_is_no_signature() -> None:
    key = LocalKey.generate("P-256")
    head = f"{b64url(json.dumps({'alg': 'HS256'}).encode())}.{b64url(b'{}')}"
    forged = hmac.new(json.dumps(key.public.to_jwk()).encode(), head.encode(), hashlib.sha256).digest()
    assert _code(verify_compact, f"{head}.{b64url(forged)}", key.public) == "unsupported_algorithm"


@pytest.mark.threat(13)
def test_the_algorithm_must_be_the_keys_own() -> None:
    p256, k1 = LocalKey.generate("P-256"), LocalKey.generate("secp256k1")
    assert _code(verify_compact, sign_compact({}, {}, p256), k1.public) == "unsupported_algorithm"
    assert _code(sign_compact, {"alg": "none"}, {}, p256) == "unsupported_algorithm"


@pytest.mark.threat(14)
@pytest.mark.parametrize("extra", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True}])
def test_crit_and_b64_are_refused(extra: dict[str, Any]) -> None:
    key = LocalKey.generate("Ed25519")
    assert _code(verify_compact, sign_compact(extra, {}, key), key.public) == "unsupported_critical_header"


@pytest.mark.threat(15)
def test_keys_in_the_header_are_never_followed(world: Any) -> None:
    attacker = world.other
    for extra in ({"jwk": attacker.public.to_jwk()}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}):
        forged = world.sd_jwt(signer=attacker, extra_header=extra)
        assert world.verify(forged).verdict.reasons() == ["invalid_signature"]
        assert _code(verify_compact, sign_compact(extra, {}, attacker), world.issuer.public) == "invalid_signature"


@pytest.mark.threat(15)
def test_a_key_proof_may_not_send_a_private_key(world: Any) -> None:
    secret = world.phone.public.to_jwk() | {"d": b64url(world.phone.private_bytes())}
    header = {"typ": "openid4vci-proof+jwt", "jwk": secret}
    proof = sign_compact(header, {"aud": "https://issuer.example", "iat": 100}, world.phone)
    assert _code(verify_key_proof, proof, audience="https://issuer.example", now=100) == "invalid_proof"


@pytest.mark.threat(16)
@pytest.mark.parametrize("kind", ["P-256", "P-384", "secp256k1"])
def test_ecdsa_signatures_have_one_form(kind: KeyKind) -> None:
    key, message = LocalKey.generate(kind), b"message"
    spec = CURVES[kind]
    signature = key.sign(message)
    r, s = (int.from_bytes(part, "big") for part in (signature[: spec.size], signature[spec.size :]))
    assert key.public.verify(message, signature)

    def raw(r_value: int, s_value: int) -> bytes:
        return r_value.to_bytes(spec.size, "big") + s_value.to_bytes(spec.size, "big")

    for bad in (
        encode_dss_signature(r, s),
        raw(0, s),
        raw(r, 0),
        raw(spec.order, s),
        signature + b"\0",
        signature[1:],
        b"",
    ):
        assert not key.public.verify(message, bad)
    if s + spec.order < 1 << (8 * spec.size):
        assert not key.public.verify(message, raw(r, s + spec.order))
    high = raw(r, max(s, spec.order - s))
    assert key.public.verify(message, high) is (kind != "secp256k1")


@pytest.mark.threat(17)
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_small_order_ed25519_keys_are_refused(point: str) -> None:
    assert _code(PublicKey, "Ed25519", bytes.fromhex(point)) == "invalid_key"


@pytest.mark.threat(17)
def test_ed25519_scalars_beyond_the_order_are_refused() -> None:
    key = LocalKey.generate("Ed25519")
    signature = key.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + ED_ORDER
    assert not key.public.verify(b"message", signature[:32] + s.to_bytes(32, "little"))
    for point in SMALL_ORDER:
        assert not key.public.verify(b"message", bytes.fromhex(point) + signature[32:])


@pytest.mark.threat(17)
def test_a_mixed_order_key_is_refused() -> None:
    # A + T for a key A and the point T of order two: (x, y) becomes (-x, -y), which keeps a torsion component.
    prime = 2**255 - 19
    raw = bytes(SigningKey(b"\x05" * 32).verify_key)
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    mixed = ((prime - y) | ((1 - sign) << 255)).to_bytes(32, "little")
    assert _code(PublicKey, "Ed25519", mixed) == "invalid_key"


@pytest.mark.threat(18)
def test_the_key_comes_from_the_issuers_own_document(world: Any) -> None:
    other_kid = f"{world.other_did}#{world.other_did[8:]}"
    token = world.sd_jwt()
    head, payload, _ = token.split("~")[0].split(".")
    header = json.loads(b64url_decode(head)) | {"kid": other_kid}
    signing_input = f"{b64url(json.dumps(header).encode())}.{payload}"
    forged = f"{signing_input}.{b64url(world.other.sign(signing_input.encode()))}~"
    assert world.verify(forged).verdict.reasons() == ["issuer_mismatch"]


@pytest.mark.threat(21)
@pytest.mark.parametrize("value", ["1900000000", 1.5, -1, 10**15, True, None, [], {}])
def test_a_time_that_cannot_be_read_fails_closed(world: Any, value: Any) -> None:
    with pytest.raises(InvalidTime):
        parse_numeric_date(value)
    verdict = world.verify(world.sd_jwt(expires_at=value if value is not None else [])).verdict
    assert verdict.outcome == "invalid"


@pytest.mark.threat(21)
@pytest.mark.parametrize(
    "value",
    [
        "2027-01-01",
        "2027-02-30T00:00:00Z",
        "2027-01-01T00:00:00",
        "never",
        7,
        "12027-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_an_unreadable_valid_until_fails_closed(world: Any, value: Any) -> None:
    with pytest.raises(InvalidTime):
        parse_time(value)
    document = world.credential()
    document["validUntil"] = value
    assert world.verify(document).verdict.reasons() == ["invalid_credential"]


def test_base64_of_the_standard_alphabet_is_no_token() -> None:
    key = LocalKey.generate("Ed25519")
    token = sign_compact({}, {"a": "???>>>"}, key)
    standard = base64.b64encode(b64url_decode(token.split(".")[1])).decode()
    assert _code(peek_compact, f"{token.split('.')[0]}.{standard}.{token.split('.')[2]}") == "malformed_jws"
