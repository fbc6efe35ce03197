"""From a report to a decision: one function, one conjunction, and nothing but `clear` everywhere approves.

What a reason leads to is stated per code; a code that is not listed goes to a person (`in_review`), never to approval.
An error, a missing check or a number that is not finite can only take approval away (threat 71).
"""

import math
from typing import Final, Literal

from ml.evidence import CheckResult, Decision, Reason, Report
from ml.findings import NOT_EXAMINED
from ml.liveness.injection import SIMULATED
from ml.policy import GatePolicy

Disposition = Literal["decline", "retry", "review"]

MANDATORY: Final = (
    "document.image_quality",
    "document.mrz",
    "document.data_validation",
    "document.data_consistency",
    "document.face",
    "selfie.quality",
    "liveness.active",
    "liveness.injection",
    "face_match",
)
_DECLINE: Final = frozenset(
    {
        "document_expired",
        "face_mismatch",
        "identity_changed",
        SIMULATED,
        "repeated_frames",
        "timestamps_not_rising",
        "timestamps_out_of_range",
    }
)
_REVIEW: Final = frozenset({"mrz_corrected", "visual_zone_differs", "face_uncertain"})


def decide(report: Report, policy: GatePolicy, *, livemode: bool) -> Decision:
    """Approve only if every mandatory check is there and clear.

    A conclusive reason declines; then an error, a missing check, a report made under another policy or a doubtful
    finding goes to review; then reasons that better pictures may cure decline with `retryable`. Only in test mode, and
    only the reason `simulated_capture`, is passed over.
    """
    checks = [check for check in report.checks if check.check in MANDATORY]
    open_reasons = [(check, reason) for check in checks for reason in _open(check, livemode=livemode)]
    kinds = [(_disposition(check, reason), reason) for check, reason in open_reasons]
    broken = _broken(report, checks, policy)
    final = tuple(reason for kind, reason in kinds if kind == "decline")
    if final:
        return Decision("declined", _without_echo(final), retryable=False)
    if broken:
        return Decision("in_review", (*broken, *_without_echo(tuple(r for _, r in kinds))), retryable=False)
    retry = tuple(reason for kind, reason in kinds if kind == "retry")
    if retry:
        return Decision("declined", _without_echo(retry), retryable=True)
    if kinds or any(_blocks(check, livemode=livemode) for check in checks):
        return Decision("in_review", tuple(reason for _, reason in kinds), retryable=False)
    return Decision("approved", (), retryable=False)


def _open(check: CheckResult, *, livemode: bool) -> list[Reason]:
    if check.result == "clear" or not _blocks(check, livemode=livemode):
        return []
    return [reason for reason in check.reasons if livemode or reason.code != SIMULATED]


def _blocks(check: CheckResult, *, livemode: bool) -> bool:
    """Whether a check stands against approval: anything but clear, save the tolerated simulation in test mode."""
    if check.result == "clear":
        return False
    tolerated = not livemode and check.check == "liveness.injection" and check.result == "consider"
    return not (tolerated and {reason.code for reason in check.reasons} == {SIMULATED})


def _disposition(check: CheckResult, reason: Reason) -> Disposition:
    if check.result == "error":
        return "review"
    if reason.code in _DECLINE:
        return "decline"
    return "retry" if reason.retryable and reason.code not in _REVIEW else "review"


def _broken(report: Report, checks: list[CheckResult], policy: GatePolicy) -> list[Reason]:
    """Reasons why the report as a whole cannot carry an approval or a retry."""
    public = "The check could not be completed; a person will look at it."
    names = [check.check for check in checks]
    found = [Reason("check_missing", public, name) for name in MANDATORY if names.count(name) != 1]
    found += [Reason("check_error", public, check.check) for check in checks if check.result == "error"]
    numbers = [(check, value) for check in checks for value in (check.score, check.threshold) if value is not None]
    found += [Reason("check_error", public, check.check) for check, value in numbers if not math.isfinite(value)]
    if report.policy_sha256 != policy.sha256:
        found.append(Reason("policy_changed", public, "the report was made under another policy"))
    return found


def _without_echo(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Reasons of their own; `not_examined` only where there is nothing else to say."""
    own = tuple(reason for reason in reasons if reason.code != NOT_EXAMINED)
    return own or reasons
