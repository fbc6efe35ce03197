"""Keys in and out of JWK, Multikey and DID, RFC 7638 and RFC 8032 values, and strictness of what is read."""

from __future__ import annotations

from typing import Any

import pytest

from did.credentials.canonical import LinkedDataProcessor
from did.errors import InvalidKey, PrivateKeyExposed
from did.keys import LocalKey, PublicKey, did_jwk, did_key
from did.keys.public import KeyKind
from did.methods import JwkMethod, KeyMethod
from did.multibase import b64url, multibase_encode
from did.resolver import Resolver
from did.securing.data_integrity.suites import suite_named

KINDS: list[KeyKind] = ["Ed25519", "P-256", "P-384", "secp256k1"]


@pytest.mark.parametrize("kind", KINDS)
def test_round_trips(kind: KeyKind) -> None:
    key = LocalKey.generate(kind)
    public = key.public
    assert PublicKey.from_jwk(public.to_jwk()) == public
    assert PublicKey.from_multikey(public.to_multikey()) == public
    assert LocalKey.from_private_bytes(kind, key.private_bytes()).public == public
    resolver = Resolver([KeyMethod(), JwkMethod()])
    for did, fragment in ((did_key(public), public.to_multikey()), (did_jwk(public), "0")):
        for purpose in ("assertionMethod", "authentication"):
            assert resolver.key_for(f"{did}#{fragment}", purpose) == public
    signature = key.sign(b"message")
    assert public.verify(b"message", signature)
    assert not public.verify(b"messagE", signature)
    assert not LocalKey.generate(kind).public.verify(b"message", signature)


def test_rfc_8037_thumbprint_and_rfc_8032_signature() -> None:
    key = LocalKey.from_private_bytes(
        "Ed25519", bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert key.public.to_jwk()["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key.public.thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "P-521"},
        {"crv": "P-384"},
        {"x": "AA"},
        {"y": None},
        {"y": "AA"},
        {"use": "enc"},
        {"alg": "ES384"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
    ],
)
def test_jwks_that_do_not_fit_are_refused(change: dict[str, Any]) -> None:
    jwk = LocalKey.generate("P-256").public.to_jwk() | change
    with pytest.raises(InvalidKey):
        PublicKey.from_jwk(jwk)


def test_points_off_the_curve_and_private_members_are_refused() -> None:
    jwk = LocalKey.generate("P-256").public.to_jwk()
    with pytest.raises(InvalidKey):
        PublicKey.from_jwk(jwk | {"y": jwk["x"]})
    with pytest.raises(PrivateKeyExposed):
        PublicKey.from_jwk(jwk | {"d": "AA"})
    for bad in (b"", b"\x00" * 33, b"\x05" + b"\x01" * 32):
        with pytest.raises(InvalidKey):
            PublicKey("P-256", bad)


@pytest.mark.parametrize("kind", KINDS)
def test_private_keys_out_of_range_are_refused(kind: KeyKind) -> None:
    with pytest.raises(InvalidKey):
        LocalKey.from_private_bytes(kind, b"\x01" * 31)
    if kind != "Ed25519":
        size = 48 if kind == "P-384" else 32
        for scalar in (b"\0" * size, b"\xff" * size):
            with pytest.raises(InvalidKey):
                LocalKey.from_private_bytes(kind, scalar)


def test_a_private_key_does_not_show_itself() -> None:
    key = LocalKey.generate("P-256")
    assert key.private_bytes().hex() not in repr(key)
    assert repr(key.private_bytes()) not in repr(key)


@pytest.mark.parametrize(
    "did",
    [
        "did:key:",
        "did:key:z",
        "did:key:zQ3s",
        "did:key:f0123",
        "did:jwk:",
        "did:jwk:e30",
        "did:jwk:!",
        "did:key:z6Mk#x",
        "x",
        "",
    ],
)
def test_dids_without_a_key_are_refused(did: str) -> None:
    assert Resolver([KeyMethod(), JwkMethod()]).resolve(did).error in ("invalid_did", "did_method_unsupported")


def test_a_did_jwk_with_a_private_key_is_refused() -> None:
    did = "did:jwk:" + b64url(
        b'{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}'
    )
    assert Resolver([JwkMethod()]).resolve(did).error == "invalid_did"


def test_an_id_added_to_a_proof_after_signing_breaks_it(world: Any) -> None:
    document = world.credential()
    document["proof"]["id"] = "urn:proof:1"
    assert world.verify(document).verdict.reasons() == ["invalid_signature"]


def test_a_proof_chain_in_order_holds(world: Any) -> None:
    """The second proof covers the first, as Data Integrity 1.0 section 4.3 has it; without the first it fails."""
    unsigned = world.unsigned()
    processor = LinkedDataProcessor()
    suite = suite_named("eddsa-rdfc-2022")

    def prove(document: dict[str, Any], **members: Any) -> dict[str, Any]:
        proof = {
            "id": members.pop("id"),
            "type": "DataIntegrityProof",
            "cryptosuite": suite.NAME,
            "created": "2026-06-01T12:00:00Z",
            "verificationMethod": world.kid,
            "proofPurpose": "assertionMethod",
            **members,
        }
        signature = world.issuer.sign(suite.hash_data(document, proof, processor))
        return proof | {"proofValue": multibase_encode(signature)}

    first = prove(unsigned, id="urn:proof:1")
    second = prove(unsigned | {"proof": first}, id="urn:proof:2", previousProof="urn:proof:1")
    assert world.verify(unsigned | {"proof": [first, second]}).verdict.outcome == "valid"
    other = prove(unsigned, id="urn:proof:1", nonce="x")
    assert world.verify(unsigned | {"proof": [other, second]}).verdict.reasons() == ["invalid_signature"]
