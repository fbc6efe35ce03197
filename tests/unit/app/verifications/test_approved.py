"""What an approval lets a credential say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.verifications.approved import age_on, approved_verification
from app.verifications.errors import SessionNotApproved
from did.credentials import contexts
from ml.gate import DocumentFields, Report

APPROVED_AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2008, 11, 25), date(2026, 11, 24), 17),
        (date(2008, 11, 25), date(2026, 11, 25), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 11, 25), date(2026, 11, 25), 0),
    ],
)
def test_years_are_completed_on_the_birthday(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


def _approved(report: Report, **changes: Any) -> Any:
    arguments: dict[str, Any] = {"livemode": False, "approved_at": APPROVED_AT, "reviewed": False} | changes
    return approved_verification("vs_1", report=report.to_json(operator=True), **arguments)


def test_claims_are_what_the_document_says(make_report: Callable[..., Report]) -> None:
    assert _approved(make_report()).claims == {
        "givenName": "ANNA MARIA",
        "familyName": "ERIKSSON",
        "birthDate": "1974-08-12",
        "ageOver18": True,
        "nationality": "UTO",
        "documentNumber": "L898902C3",
        "documentType": "P",
        "issuingState": "UTO",
        "expiryDate": "2034-04-15",
        "sex": "F",
    }


def test_every_term_is_defined_in_the_context(make_report: Callable[..., Report]) -> None:
    terms = contexts.load(contexts.ASSAY_CONTEXT)["@context"]
    approved = _approved(make_report())
    assert set(approved.claims) <= set(terms)
    assert set(approved.evidence) <= set(terms[approved.evidence["type"]]["@context"])
    evidence_terms = terms["IdentityCheckEvidence"]["@context"]
    assert {key for check in approved.evidence["checks"] for key in check} <= set(evidence_terms["checks"]["@context"])


def test_test_mode_simulation_and_review_are_marked(make_report: Callable[..., Report]) -> None:
    test = _approved(make_report())
    assert (test.evidence["testMode"], test.evidence["simulatedCapture"], test.simulated) == (True, True, True)
    live = _approved(make_report(simulated=False), livemode=True, reviewed=True)
    assert (live.evidence["testMode"], live.evidence["simulatedCapture"], live.simulated) == (False, False, False)
    assert live.evidence["assuranceLevel"] == "active-liveness-only+human-review"
    assert live.evidence["verifiedAt"] == "2026-11-25T12:00:00Z"


def test_a_minor_is_not_over_18_and_an_empty_field_is_no_claim(make_report: Callable[..., Report]) -> None:
    fields = make_report().fields
    assert isinstance(fields, DocumentFields)
    child = replace(fields, birth_date=date(2008, 11, 26), given_names="")
    claims = _approved(make_report(fields=child)).claims
    assert claims["ageOver18"] is False
    assert "givenName" not in claims


def test_without_fields_there_is_nothing_to_certify(make_report: Callable[..., Report]) -> None:
    with pytest.raises(SessionNotApproved):
        _approved(make_report(fields=None))
