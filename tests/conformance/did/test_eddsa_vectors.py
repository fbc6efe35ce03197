"""W3C vc-di-eddsa vectors: every intermediate value, and the signatures both ways."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from did.credentials.canonical import LinkedDataProcessor, canonicalize_jcs
from did.keys import LocalKey
from did.methods import KeyMethod
from did.multibase import multibase_decode
from did.resolver import Resolver
from did.securing.data_integrity import ProofExpectation, add_proof, verify_proofs
from did.securing.data_integrity.suites import suite_named
from did.verify import Policy, Verifier

Vectors = Callable[[str], Path]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    suite: str
    folder: Path
    suffix: str

    def text(self, stem: str) -> str:
        return (self.folder / f"{stem}{self.suffix}.txt").read_text().strip("\r")

    def json(self, stem: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / f"{stem}{self.suffix}.json").read_text())
        return value


@pytest.fixture(params=[("eddsa-rdfc-2022", "DataInt"), ("eddsa-jcs-2022", "JCS")], ids=lambda p: p[0])
def case(request: pytest.FixtureRequest, vectors: Vectors) -> Case:
    suite, suffix = request.param
    return Case(suite, vectors("vc-di-eddsa") / suite, suffix)


@pytest.fixture
def key(vectors: Vectors) -> LocalKey:
    pair = json.loads((vectors("vc-di-eddsa") / "keyPair.json").read_text())
    key = LocalKey.from_private_bytes("Ed25519", multibase_decode(pair["privateKeyMultibase"])[2:])
    assert key.public.to_multikey() == pair["publicKeyMultibase"]
    return key


def test_canonical_forms_and_hashes(case: Case, vectors: Vectors, processor: LinkedDataProcessor) -> None:
    unsigned = json.loads((vectors("vc-di-eddsa") / "unsigned.json").read_text())
    configuration = case.json("proofConfig")
    if case.suite == "eddsa-rdfc-2022":
        document_form, proof_form = processor.canonicalize(unsigned), processor.canonicalize(configuration)
    else:
        document_form = canonicalize_jcs(unsigned).decode()
        proof_form = canonicalize_jcs(configuration).decode()
    assert document_form == case.text("canonDoc")
    assert proof_form == case.text("proofCanon")
    assert hashlib.sha256(document_form.encode()).hexdigest() == case.text("docHash").strip()
    assert hashlib.sha256(proof_form.encode()).hexdigest() == case.text("proofHash").strip()
    stripped = {k: v for k, v in configuration.items() if k != "@context" or case.suite == "eddsa-jcs-2022"}
    data = suite_named(case.suite).hash_data(unsigned, stripped, processor)
    assert data.hex() == case.text("combinedHash").strip()


def test_signing_gives_the_published_document(
    case: Case, vectors: Vectors, key: LocalKey, processor: LinkedDataProcessor
) -> None:
    unsigned = json.loads((vectors("vc-di-eddsa") / "unsigned.json").read_text())
    expected = case.json("signed")
    signed = add_proof(
        unsigned,
        suite=case.suite,
        signer=key,
        verification_method=expected["proof"]["verificationMethod"],
        purpose="assertionMethod",
        created=datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC),
        processor=processor,
    )
    assert signed == expected
    assert multibase_decode(signed["proof"]["proofValue"]).hex() == case.text("sigHex").strip()
    assert signed["proof"]["proofValue"] == case.text("sigBTC58").strip()


def test_published_proof_holds(case: Case, processor: LinkedDataProcessor) -> None:
    resolver = Resolver([KeyMethod()])
    proofs = verify_proofs(case.json("signed"), resolver.key_for, ProofExpectation("assertionMethod", NOW), processor)
    assert [proof.cryptosuite for proof, _ in proofs] == [case.suite]


def test_proof_only_passes_and_the_default_does_not(case: Case, example_contexts: dict[str, Any]) -> None:
    verifier = Verifier(Resolver([KeyMethod()]), None, contexts=example_contexts)
    assert verifier.verify(case.json("signed"), Policy(NOW, proof_only=True)).verdict.outcome == "valid"
    strict = verifier.verify(case.json("signed"), Policy(NOW, require_status=False))
    assert strict.verdict.outcome == "invalid"
    assert strict.verdict.reasons() == ["issuer_mismatch"]
