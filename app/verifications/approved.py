"""What an approved session lets a credential say, and how it came to be known.

Only what the gate read from the document and its check digits held becomes a claim; the evidence names every check,
every model by digest and the policy, so that a relying party can judge the assurance for itself. The terms are those
of the `identity/v1` context; anything else would be lost in a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from app.verifications.errors import SessionNotApproved

__all__ = ["ApprovedVerification", "age_on", "approved_verification"]

_CLAIMS = {
    "given_names": "givenName",
    "surname": "familyName",
    "birth_date": "birthDate",
    "nationality": "nationality",
    "document_number": "documentNumber",
    "document_code": "documentType",
    "issuing_state": "issuingState",
    "expiry_date": "expiryDate",
    "sex": "sex",
}


@dataclass(frozen=True)
class ApprovedVerification:
    """The claims (terms of the identity context, dates `YYYY-MM-DD`) and the evidence they rest on.

    A claim whose field is empty on the document (a person without given names) is left out. `ageOver18` holds for the
    day of approval.
    """

    session_id: str
    livemode: bool
    approved_at: datetime
    claims: Mapping[str, str | bool]
    evidence: Mapping[str, Any]
    simulated: bool


def approved_verification(
    session_id: str, *, livemode: bool, approved_at: datetime, report: Mapping[str, Any], reviewed: bool
) -> ApprovedVerification:
    """Build it from a report in the operator's JSON form; raises SessionNotApproved if the document was not read."""
    fields = report["fields"]
    if fields is None:
        raise SessionNotApproved("the report holds no document fields")
    claims: dict[str, str | bool] = {term: str(fields[name]) for name, term in _CLAIMS.items() if fields[name]}
    claims["ageOver18"] = age_on(date.fromisoformat(fields["birth_date"]), approved_at.astimezone(UTC).date()) >= 18
    return ApprovedVerification(
        session_id=session_id,
        livemode=livemode,
        approved_at=approved_at,
        claims=claims,
        evidence=_evidence(report, livemode=livemode, approved_at=approved_at, reviewed=reviewed),
        simulated=bool(report["simulated"]),
    )


def age_on(born: date, day: date) -> int:
    """Completed years of life; whoever was born on 29 February completes one on 1 March of a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _evidence(report: Mapping[str, Any], *, livemode: bool, approved_at: datetime, reviewed: bool) -> dict[str, Any]:
    assurance = str(report["assurance"])
    return {
        "type": "IdentityCheckEvidence",
        "verifiedAt": approved_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "assuranceLevel": f"{assurance}+human-review" if reviewed else assurance,
        "testMode": not livemode,
        "simulatedCapture": bool(report["simulated"]),
        "policyDigest": f"sha256:{report['policy_sha256']}",
        "checks": [{"check": check["check"], "result": check["result"]} for check in report["checks"]],
        "models": [
            {"name": model["name"], "version": model["version"], "sha256": model["sha256"]}
            for model in report["models"]
        ],
    }
