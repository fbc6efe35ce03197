"""The conjunction: nothing but clear everywhere approves; errors, gaps and NaN only ever take approval away."""

import math
from dataclasses import replace

import pytest

from ml.decision import MANDATORY
from ml.gate import DEFAULT_POLICY, CheckResult, Reason, Report, decide

CLEAR = Report(tuple(CheckResult(name, "clear") for name in MANDATORY), None, False, DEFAULT_POLICY.sha256)


def with_check(name: str, result: CheckResult) -> Report:
    return replace(CLEAR, checks=tuple(result if check.check == name else check for check in CLEAR.checks))


def outcome(report: Report, *, livemode: bool = True) -> str:
    return decide(report, DEFAULT_POLICY, livemode=livemode).outcome


def test_all_clear_approves() -> None:
    assert outcome(CLEAR) == "approved"


@pytest.mark.parametrize("name", MANDATORY)
@pytest.mark.threat(71)
def test_a_missing_check_never_approves(name: str) -> None:
    report = replace(CLEAR, checks=tuple(check for check in CLEAR.checks if check.check != name))
    assert outcome(report) == outcome(report, livemode=False) == "in_review"


@pytest.mark.parametrize("name", MANDATORY)
@pytest.mark.parametrize("result", ["consider", "unidentified", "error"])
def test_anything_but_clear_never_approves_even_without_a_reason(name: str, result: str) -> None:
    report = with_check(name, CheckResult(name, result))  # type: ignore[arg-type]
    assert outcome(report) != "approved"
    assert outcome(report, livemode=False) != "approved"


@pytest.mark.threat(71)
@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_not_finite_never_approves(number: float) -> None:
    assert outcome(with_check("face_match", CheckResult("face_match", "clear", score=number))) == "in_review"


def test_a_check_listed_twice_never_approves() -> None:
    assert outcome(replace(CLEAR, checks=(*CLEAR.checks, CheckResult("face_match", "clear")))) == "in_review"


def test_a_report_under_another_policy_never_approves() -> None:
    assert outcome(replace(CLEAR, policy_sha256="0" * 64)) == "in_review"


def test_test_mode_tolerates_simulation_and_only_it() -> None:
    simulated = Reason("simulated_capture", "")
    only = with_check("liveness.injection", CheckResult("liveness.injection", "consider", reasons=(simulated,)))
    assert outcome(only, livemode=False) == "approved"
    assert outcome(only, livemode=True) == "declined"
    more = CheckResult("liveness.injection", "consider", reasons=(simulated, Reason("repeated_frames", "")))
    assert outcome(with_check("liveness.injection", more), livemode=False) == "declined"
    elsewhere = CheckResult("liveness.active", "consider", reasons=(simulated,))
    assert outcome(with_check("liveness.active", elsewhere), livemode=False) != "approved"


@pytest.mark.parametrize(
    ("check", "code", "expected"),
    [
        ("face_match", "face_mismatch", "declined"),
        ("face_match", "face_uncertain", "in_review"),
        ("document.mrz", "mrz_corrected", "in_review"),
        ("document.data_consistency", "visual_zone_differs", "in_review"),
        ("document.data_validation", "document_expired", "declined"),
        ("document.data_validation", "a_code_nobody_listed", "in_review"),
    ],
)
def test_where_a_reason_leads(check: str, code: str, expected: str) -> None:
    assert outcome(with_check(check, CheckResult(check, "consider", reasons=(Reason(code, ""),)))) == expected


def test_low_quality_declines_with_another_try_and_an_error_outranks_it() -> None:
    poor = CheckResult("selfie.quality", "unidentified", reasons=(Reason("face_blurred", "", retryable=True),))
    report = with_check("selfie.quality", poor)
    decision = decide(report, DEFAULT_POLICY, livemode=True)
    assert (decision.outcome, decision.retryable) == ("declined", True)
    failed = tuple(
        CheckResult("face_match", "error") if check.check == "face_match" else check for check in report.checks
    )
    assert outcome(replace(report, checks=failed)) == "in_review"
