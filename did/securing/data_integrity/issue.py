"""Adding a proof to a document (Data Integrity 1.0 section 4.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from did.credentials.canonical import PINNED, LinkedDataProcessor
from did.errors import DataLoss, MalformedProof, UnsupportedAlgorithm
from did.keys.local import Signer
from did.multibase import multibase_encode
from did.securing.data_integrity.suites import suite_named
from did.timestamps import format_time

__all__ = ["add_proof"]


def add_proof(
    document: dict[str, Any],
    *,
    suite: str,
    signer: Signer,
    verification_method: str,
    purpose: str,
    created: datetime,
    challenge: str | None = None,
    domain: str | None = None,
    processor: LinkedDataProcessor = PINNED,
) -> dict[str, Any]:
    """A new document with a proof by `signer`; proofs already there stay and form a set.

    Raises DataLoss, with a pointer, when the document holds anything that the proof would not cover; UnknownContext;
    UnsupportedCryptosuite; UnsupportedAlgorithm when the key does not fit the suite.
    """
    cryptosuite = suite_named(suite)
    if signer.public.kind not in cryptosuite.KEY_KINDS:
        raise UnsupportedAlgorithm(f"{suite} does not sign with {signer.public.kind}")
    if "#" not in verification_method:
        raise MalformedProof("the verification method is a DID URL with a fragment")
    if "@context" not in document:
        raise DataLoss("a document without @context says nothing", pointer="/@context")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": format_time(created),
        "verificationMethod": verification_method,
        "proofPurpose": purpose,
    }
    proof |= {k: v for k, v in (("challenge", challenge), ("domain", domain)) if v is not None}
    if cryptosuite.CONTEXT_IN_PROOF:
        proof["@context"] = document["@context"]
        # JCS would sign terms that no context defines; a reader of the JSON-LD would then not see them.
        processor.quads(unsecured)
    data = cryptosuite.hash_data(unsecured, proof, processor)
    proof["proofValue"] = multibase_encode(signer.sign(data))
    earlier = document.get("proof")
    if earlier is None:
        return {**unsecured, "proof": proof}
    return {**unsecured, "proof": [*(earlier if isinstance(earlier, list) else [earlier]), proof]}
