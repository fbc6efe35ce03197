"""did:key and did:jwk vectors: the key that each DID is, and what its document lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from did.keys import KeyKind, PublicKey, did_key
from did.methods import JwkMethod, KeyMethod
from did.multibase import b58decode
from did.resolver import Resolver

Vectors = Callable[[str], Path]
_KINDS: dict[str, KeyKind] = {
    "Ed25519VerificationKey2018": "Ed25519",
    "EcdsaSecp256k1VerificationKey2019": "secp256k1",
    "P256Key2021": "P-256",
    "P384Key2021": "P-384",
}
_SUPPORTED = ("z6Mk", "zDn", "z82", "zQ3s")


def _material(method: dict[str, Any]) -> PublicKey:
    if "publicKeyJwk" in method:
        return PublicKey.from_jwk(method["publicKeyJwk"])
    return PublicKey.from_point(_KINDS[method["type"]], b58decode(method["publicKeyBase58"]))


@pytest.mark.parametrize("name", ["ed25519-x25519", "nist-curves", "secp256k1"])
def test_did_key_resolves_to_the_published_key(vectors: Vectors, name: str) -> None:
    resolver = Resolver([KeyMethod()])
    cases = json.loads((vectors("did-key") / f"{name}.json").read_text())
    checked = 0
    for did, case in cases.items():
        if not did.removeprefix("did:key:").startswith(_SUPPORTED):
            assert resolver.resolve(did).error == "invalid_did"
            continue
        expected = case["didDocument"]["verificationMethod"][0]
        found = resolver.resolve(did)
        assert found.document is not None, did
        method = found.document["verificationMethod"][0]
        assert method["id"] == expected["id"]
        assert resolver.key_for(method["id"], "assertionMethod") == _material(expected)
        assert did_key(_material(expected)) == did
        for relationship in ("assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation"):
            assert found.document[relationship] == case["didDocument"][relationship]
        checked += 1
    assert checked >= 4


@pytest.mark.parametrize("name", ["p256DidJwkEyJjcnYi0i", "x25519DidJwkEyJrdHkiOiJ"])
def test_did_jwk_document_is_the_published_one(vectors: Vectors, name: str) -> None:
    expected = json.loads((vectors("did-jwk") / f"{name}.json").read_text())
    assert Resolver([JwkMethod()]).resolve(expected["id"]).document == expected


def test_did_jwk_specification_examples(vectors: Vectors) -> None:
    for example in json.loads((vectors("did-jwk") / "spec-examples.json").read_text())["examples"]:
        document = Resolver([JwkMethod()]).resolve(example["did"]).document
        assert document is not None
        assert document["verificationMethod"][0]["publicKeyJwk"] == example["jwk"]
