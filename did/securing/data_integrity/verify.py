"""Checking the proofs of a document (Data Integrity 1.0 sections 4.3 to 4.5), stricter than the text in one way.

Every proof of a set must hold: "one of them is good" is how a forged second proof gets a document past a reader
(threat 27). The key comes from the caller's resolver and only for the purpose that is expected (threats 18, 28, 33).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from did.credentials.canonical import LinkedDataProcessor
from did.errors import (
    InvalidEncoding,
    InvalidSignature,
    MalformedProof,
    ProofExpired,
    UnsupportedAlgorithm,
    WrongChallenge,
    WrongDomain,
    WrongProofPurpose,
)
from did.keys.public import PublicKey
from did.multibase import multibase_decode
from did.securing.data_integrity.proof import Proof, read_proofs
from did.securing.data_integrity.suites import suite_named

__all__ = ["KeyLookup", "ProofExpectation", "verify_proofs"]

KeyLookup = Callable[[str, str], PublicKey]


@dataclass(frozen=True)
class ProofExpectation:
    """What every proof must say. `challenge` and `domain` of None mean "not asked for", not "must be absent"."""

    purpose: str
    now: datetime
    leeway: timedelta = timedelta(seconds=60)
    challenge: str | None = None
    domain: str | None = None


def verify_proofs(
    document: Mapping[str, Any], key_for: KeyLookup, expected: ProofExpectation, processor: LinkedDataProcessor
) -> list[tuple[Proof, PublicKey]]:
    """Each proof with the key that made it; raises at the first proof that does not hold.

    `key_for(did_url, purpose)` finds the public key or raises. Raises MalformedProof, WrongProofPurpose,
    WrongChallenge, WrongDomain, ProofExpired, UnsupportedCryptosuite, UnsupportedAlgorithm, InvalidSignature, and
    what canonicalization and `key_for` raise.
    """
    proofs = read_proofs(document)
    for proof in proofs:
        suite_named(proof.cryptosuite, pointer=f"{proof.pointer}/cryptosuite")
        _check_members(proof, expected)
    keys = []
    for proof in proofs:
        key = key_for(proof.verification_method, proof.purpose)
        _check_signature(document, proof, proofs, key, processor)
        keys.append((proof, key))
    return keys


def _check_members(proof: Proof, expected: ProofExpectation) -> None:
    if proof.purpose != expected.purpose:
        raise WrongProofPurpose(f"proofPurpose is not {expected.purpose}", pointer=f"{proof.pointer}/proofPurpose")
    if expected.challenge is not None and proof.challenge != expected.challenge:
        raise WrongChallenge("challenge is not the nonce that was sent", pointer=f"{proof.pointer}/challenge")
    if expected.domain is not None and proof.domain != expected.domain:
        raise WrongDomain("domain is not this verifier", pointer=f"{proof.pointer}/domain")
    if proof.created is not None and proof.created > expected.now + expected.leeway:
        raise ProofExpired("the proof was made in the future", pointer=f"{proof.pointer}/created")
    if proof.expires is not None and proof.expires < expected.now - expected.leeway:
        raise ProofExpired("the proof has expired", pointer=f"{proof.pointer}/expires")


def _check_signature(
    document: Mapping[str, Any], proof: Proof, proofs: list[Proof], key: PublicKey, processor: LinkedDataProcessor
) -> None:
    suite = suite_named(proof.cryptosuite)
    if key.kind not in suite.KEY_KINDS:
        raise UnsupportedAlgorithm(f"{suite.NAME} does not verify with {key.kind}", pointer=proof.pointer)
    try:
        signature = multibase_decode(proof.value, bases="z")
    except InvalidEncoding as error:
        raise MalformedProof("proofValue is not base58btc", pointer=f"{proof.pointer}/proofValue") from error
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    if proof.previous:
        earlier = [dict(other.raw) for other in proofs if other.identifier in proof.previous]
        unsecured["proof"] = earlier if len(earlier) > 1 else earlier[0]
    configuration = {name: value for name, value in proof.raw.items() if name != "proofValue"}
    if not key.verify(suite.hash_data(unsecured, configuration, processor), signature):
        raise InvalidSignature("the signature does not verify", pointer=f"{proof.pointer}/proofValue")
