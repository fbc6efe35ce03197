"""The checks that every format shares: trust, time, status, test mode, and how an error becomes a check.

Dangers: an unreadable time taken for "no limit" (threat 21), a status that could not be read taken for "not revoked"
(46), a rehearsal credential taken for a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from did.errors import DidUnavailable, KernelError, StatusIndexOutOfRange
from did.status.entry import LIST_PAUSED, LIST_REVOKED, RegistryStatusEntry, StatusSource
from did.status.token_status_list import TokenStatus
from did.verdict import Check, Result
from did.verification.policy import Policy

__all__ = [
    "check_test_mode",
    "failure",
    "has_failed",
    "issuer_trust",
    "match_check",
    "read_status",
    "skipped",
    "status_check",
    "validity_check",
]


def failure(name: str, error: KernelError) -> Check:
    """A failed check from an error; "could not be read now" is unknown instead."""
    result: Result = "unknown" if isinstance(error, DidUnavailable) else "failed"
    return Check(name, result, error.detail, error.code, error.pointer)


def skipped(name: str, detail: str) -> Check:
    """A check that was not asked for or not reached; it decides nothing."""
    return Check(name, "skipped", detail, mandatory=False)


def has_failed(checks: Iterable[Check]) -> bool:
    """Whether a mandatory check did not pass already."""
    return any(check.mandatory and check.result in ("failed", "unknown") for check in checks)


def issuer_trust(issuer: str | None, policy: Policy) -> Check:
    """Whether the policy trusts the issuer."""
    if policy.proof_only or policy.trusted_issuers is None:
        return skipped("issuer_trust", "no list of trusted issuers")
    if issuer in policy.trusted_issuers:
        return Check("issuer_trust", "passed")
    return Check("issuer_trust", "failed", "the issuer is not trusted here", "untrusted_issuer")


def match_check(name: str, expected: str | None, found: Iterable[str | None], code: str, pointer: str = "") -> Check:
    """Whether every value found is the expected one; nothing expected is skipped, nothing found fails."""
    if expected is None:
        return skipped(name, "not asked for")
    values = list(found)
    if values and all(value == expected for value in values):
        return Check(name, "passed")
    return Check(name, "failed", f"not the {name} of this request", code, pointer)


def validity_check(policy: Policy, start: datetime | None, end: datetime | None) -> Check:
    """Whether `now` lies between start and end, give or take the leeway."""
    if policy.proof_only:
        return skipped("validity_period", "proof only")
    leeway = timedelta(seconds=policy.leeway_s)
    if start is not None and start > policy.now + leeway:
        return Check("validity_period", "failed", "not valid yet", "not_yet_valid")
    if end is not None and end <= policy.now - leeway:
        return Check("validity_period", "failed", "expired", "expired")
    return Check("validity_period", "passed")


def check_test_mode(policy: Policy, marks: Iterable[object]) -> Check:
    """`marks` are the values of test mode members found; anything but false counts as test mode."""
    if all(mark is False for mark in marks):
        return Check("test_mode", "passed")
    if policy.accept_test_mode or policy.proof_only:
        return Check("test_mode", "passed", "made in test mode, which is accepted here")
    return Check("test_mode", "failed", "made in test mode", "test_mode_credential")


def status_check(
    source: StatusSource | None, policy: Policy, present: bool, read: Callable[[], list[RegistryStatusEntry]]
) -> Check:
    """The status of a credential. `read` gives its supported entries and may raise InvalidStatusEntry."""
    if policy.proof_only:
        return skipped("status", "proof only")
    if not present:
        if policy.require_status:
            return Check("status", "failed", "the credential names no status", "status_missing")
        return skipped("status", "the credential names no status")
    try:
        entries = read()
    except KernelError as error:
        return failure("status", error)
    if not entries:
        return Check("status", "unknown", "no status entry of a supported type", "status_unsupported")
    checks = [read_status(source, entry) for entry in entries]
    order = ("failed", "unknown", "passed")
    return min(checks, key=lambda check: order.index(check.result))


def read_status(source: StatusSource | None, entry: RegistryStatusEntry) -> Check:
    """Ask the source. Valid passes, revoked and suspended fail, everything else is unknown."""
    if source is None:
        return Check("status", "unknown", "no status source is configured", "status_unknown")
    try:
        answer = source.status(entry)
    except StatusIndexOutOfRange as error:
        return failure("status", error)
    except Exception as error:  # noqa: BLE001 - whatever kept the source from answering, the status is not known
        return Check("status", "unknown", f"the status could not be read: {type(error).__name__}", "status_unknown")
    if answer.flags & LIST_REVOKED or answer.status == TokenStatus.INVALID:
        return Check("status", "failed", f"revoked at block {answer.block}", "revoked")
    if answer.flags & LIST_PAUSED:
        return Check("status", "unknown", "the status list is paused", "status_paused")
    if answer.status == TokenStatus.SUSPENDED:
        return Check("status", "failed", f"suspended at block {answer.block}", "suspended")
    if answer.status == TokenStatus.VALID:
        return Check("status", "passed", f"valid at block {answer.block}")
    return Check("status", "unknown", "the status list does not say", "status_unknown")
