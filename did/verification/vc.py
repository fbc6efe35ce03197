"""Verifying a VC 2.0 with Data Integrity proofs.

Order: form, signatures, issuer binding, trust, time, test mode, status. A credential that failed already does not make
anybody read a status list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from did.credentials.canonical import LinkedDataProcessor, expanded_types
from did.credentials.vcdm import CredentialForm, check_credential, members
from did.errors import KernelError
from did.resolver import Resolver
from did.securing.data_integrity import Proof, ProofExpectation, verify_proofs
from did.status.entry import REGISTRY_ENTRY_TYPE, RegistryStatusEntry, StatusSource, entry_from_vc
from did.strict_json import check_value
from did.verdict import Check, Verdict
from did.verification.checks import (
    check_test_mode,
    failure,
    has_failed,
    issuer_trust,
    skipped,
    status_check,
    validity_check,
)
from did.verification.policy import Policy, Verified

__all__ = ["Kernel", "verify_credential"]

FORMAT = "ldp_vc"


@dataclass(frozen=True)
class Kernel:
    """What verification reads from: DIDs, status, and the contexts of the processor."""

    resolver: Resolver
    status: StatusSource | None
    processor: LinkedDataProcessor


def verify_credential(document: dict[str, Any], policy: Policy, kernel: Kernel, *, bound: bool = False) -> Verified:
    """Verify a credential; `bound` says that a presentation around it already answers for the holder."""
    checks: list[Check] = []
    try:
        check_value(document)
        form = check_credential(document)
        unsecured = {name: value for name, value in document.items() if name != "proof"}
        types = expanded_types(unsecured, kernel.processor)
    except KernelError as error:
        return Verified(Verdict.of([failure("data_model", error)]), FORMAT)
    checks.append(Check("data_model", "passed"))
    try:
        expected = ProofExpectation("assertionMethod", policy.now, timedelta(seconds=policy.leeway_s))
        proofs = [p for p, _ in verify_proofs(document, kernel.resolver.key_for, expected, kernel.processor)]
    except KernelError as error:
        checks.append(failure("signature", error))
        return Verified(Verdict.of(checks), FORMAT)
    checks.append(Check("signature", "passed"))
    checks.append(_issuer_binding(form, proofs, policy))
    checks.append(issuer_trust(form.issuer, policy))
    checks.append(validity_check(policy, form.valid_from, form.valid_until))
    checks.append(check_test_mode(policy, _test_marks(document)))
    if not bound:
        checks.append(_holder_binding(policy))
    checks.append(_status(document, policy, kernel, has_failed(checks)))
    return Verified(
        verdict=Verdict.of(checks),
        format=FORMAT,
        issuer=form.issuer,
        types=tuple(dict.fromkeys((*form.types, *types))),
        claims=_claims(form),
        credential=unsecured,
    )


def _issuer_binding(form: CredentialForm, proofs: list[Proof], policy: Policy) -> Check:
    """At least one proof is the issuer's own; the others hold too, but they only add to it."""
    if policy.proof_only:
        return skipped("issuer_binding", "proof only")
    if any(proof.controller == form.issuer for proof in proofs):
        return Check("issuer_binding", "passed")
    detail = "no proof is by a key of the issuer"
    return Check("issuer_binding", "failed", detail, "issuer_mismatch", f"{proofs[0].pointer}/verificationMethod")


def _holder_binding(policy: Policy) -> Check:
    if policy.require_holder_binding and not policy.proof_only:
        detail = "a credential by itself does not show who presents it"
        return Check("holder_binding", "failed", detail, "holder_binding_missing")
    return skipped("holder_binding", "not asked for")


def _test_marks(document: dict[str, Any]) -> list[object]:
    return [item["testMode"] for item in members(document.get("evidence")) if "testMode" in item]


def _status(document: dict[str, Any], policy: Policy, kernel: Kernel, failed: bool) -> Check:
    if failed:
        return skipped("status", "not read, since another check did not pass")
    present = "credentialStatus" in document

    def read() -> list[RegistryStatusEntry]:
        entries = members(document["credentialStatus"])
        pointers = [f"/credentialStatus/{i}" for i in range(len(entries))]
        return [
            entry_from_vc(entry, pointer=pointer)
            for entry, pointer in zip(entries, pointers, strict=True)
            if REGISTRY_ENTRY_TYPE in members(entry["type"])
        ]

    return status_check(kernel.status, policy, present, read)


def _claims(form: CredentialForm) -> dict[str, Any]:
    if len(form.subjects) == 1:
        return dict(form.subjects[0])
    return {"credentialSubject": [dict(subject) for subject in form.subjects]}
