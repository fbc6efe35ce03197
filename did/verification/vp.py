"""Verifying a presentation: the holder's proof over credentials that are all about the holder.

Dangers: credentials of two people in one presentation (threat 32), a presentation made for somebody else (28, 55),
an inner failure that never reaches the outer verdict (CVE-2024-21669): inner checks are part of the outer conjunction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from did.credentials.vcdm import check_presentation, identifier_of, members
from did.errors import KernelError
from did.keys.public import PublicKey
from did.securing.data_integrity import Proof, ProofExpectation, verify_proofs
from did.strict_json import check_value
from did.verdict import Check, Verdict
from did.verification.checks import failure, match_check, skipped
from did.verification.policy import Policy, Verified
from did.verification.vc import Kernel, verify_credential

__all__ = ["verify_presentation"]

FORMAT = "ldp_vp"


def verify_presentation(document: dict[str, Any], policy: Policy, kernel: Kernel) -> Verified:
    """Verify a VP 2.0 with a Data Integrity proof for authentication, and every credential in it."""
    checks: list[Check] = []
    try:
        check_value(document)
        credentials = check_presentation(document)
    except KernelError as error:
        return Verified(Verdict.of([failure("data_model", error)]), FORMAT)
    if not credentials and not policy.proof_only:
        empty = Check("data_model", "failed", "no credential in it", "presentation_empty", "/verifiableCredential")
        return Verified(Verdict.of([empty]), FORMAT)
    checks.append(Check("data_model", "passed"))
    try:
        expected = ProofExpectation("authentication", policy.now, timedelta(seconds=policy.leeway_s))
        proofs = verify_proofs(document, kernel.resolver.key_for, expected, kernel.processor)
    except KernelError as error:
        checks.append(failure("signature", error))
        return Verified(Verdict.of(checks), FORMAT)
    checks.append(Check("signature", "passed"))
    challenges = [proof.challenge for proof, _ in proofs]
    checks.append(match_check("nonce", policy.nonce, challenges, "wrong_nonce", "/proof/challenge"))
    domains = [proof.domain for proof, _ in proofs]
    checks.append(match_check("audience", policy.audience, domains, "wrong_audience", "/proof/domain"))
    holder_did, holder = _holder(proofs)
    checks.append(_holder_binding(document, credentials, holder_did, policy))
    inner = []
    for index, credential in enumerate(credentials):
        verified = _verify_inner(dict(credential), policy, kernel)
        inner.append(verified)
        checks.extend(_moved(check, index, document) for check in verified.verdict.checks)
    return Verified(
        verdict=Verdict.of(checks),
        format=FORMAT,
        holder=holder,
        holder_did=holder_did,
        types=tuple(members(document.get("type"))),
        credentials=tuple(inner),
    )


def _verify_inner(credential: dict[str, Any], policy: Policy, kernel: Kernel) -> Verified:
    if str(credential.get("id", "")).startswith("data:"):
        detail = "an enveloped credential is not supported"
        return Verified(Verdict.of([Check("data_model", "failed", detail, "unsupported_format")]), "")
    return verify_credential(credential, policy, kernel, bound=True)


def _moved(check: Check, index: int, document: dict[str, Any]) -> Check:
    single = not isinstance(document["verifiableCredential"], list)
    place = "/verifiableCredential" if single else f"/verifiableCredential/{index}"
    return replace(check, credential_index=index, pointer=f"{place}{check.pointer}" if check.pointer else "")


def _holder(proofs: list[tuple[Proof, PublicKey]]) -> tuple[str | None, PublicKey | None]:
    """The one DID that all proofs are by, and the key of the first; nobody if they are by several."""
    controllers = {proof.controller for proof, _ in proofs}
    if len(controllers) != 1:
        return None, None
    return controllers.pop(), proofs[0][1]


def _holder_binding(document: dict[str, Any], credentials: list[Any], holder_did: str | None, policy: Policy) -> Check:
    if policy.proof_only:
        return skipped("holder_binding", "proof only")
    code = "holder_mismatch"
    if holder_did is None:
        return Check("holder_binding", "failed", "proofs by several parties", code, "/proof")
    if "holder" in document and identifier_of(document["holder"]) != holder_did:
        return Check("holder_binding", "failed", "holder is not who made the proof", code, "/holder")
    for index, credential in enumerate(credentials):
        for subject in members(credential.get("credentialSubject")):
            if not isinstance(subject, dict) or subject.get("id") != holder_did:
                pointer = f"/verifiableCredential/{index}/credentialSubject/id"
                return Check("holder_binding", "failed", "the credential is about somebody else", code, pointer)
    return Check("holder_binding", "passed")
