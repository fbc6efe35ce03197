"""What crosses HTTP: requests checked field by field, answers that say no more than their reader may know.

The person gets public sentences; codes of checks, scores and reasons for operators are in the operator's report alone,
because a score shown to a person is an oracle to probe thresholds with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.verifications.service import CreatedSession, FullReport
from app.verifications.tables import SessionRow

__all__ = [
    "ChallengeAnswer",
    "ConsentRequest",
    "CreateSession",
    "CreatedSessionAnswer",
    "ReportAnswer",
    "SessionAnswer",
    "SessionList",
    "StatusAnswer",
    "requirements",
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateSession(_Request):
    """Open a session. `reference` is your own name for it: an order or user id, never a person's name."""

    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{1,80}$")] | None = None
    max_attempts: Annotated[int, Field(ge=1, le=10)] | None = None


class ConsentRequest(_Request):
    """Consent to biometric processing, or its withdrawal."""

    granted: StrictBool


class LastError(BaseModel):
    """Why the latest attempt was not approved, in words for the person."""

    code: str
    reason: str
    retryable: bool


class Consent(BaseModel):
    """When consent was given, and to which version of the text."""

    granted_at: datetime
    version: str


class SessionAnswer(BaseModel):
    """A session as the operator sees it."""

    object: Literal["verification_session"] = "verification_session"
    id: str
    livemode: bool
    status: str
    reference: str | None
    created_at: datetime
    expires_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    attempts: int
    max_attempts: int
    requirements: list[str]
    last_error: LastError | None
    consent: Consent | None
    erased: bool

    @classmethod
    def of(cls, row: SessionRow, *, now: datetime) -> SessionAnswer:
        """Show a row."""
        return cls(**_session_fields(row, now))


class CreatedSessionAnswer(SessionAnswer):
    """A new session with what its page needs; hand `url` to the person, or `client_secret` to your own page."""

    client_secret: str
    url: str

    @classmethod
    def of_new(cls, created: CreatedSession, *, now: datetime) -> CreatedSessionAnswer:
        """Show a new session."""
        return cls(**_session_fields(created.row, now), client_secret=created.client_secret, url=created.url)


class SessionList(BaseModel):
    """A page of sessions, newest first."""

    object: Literal["list"] = "list"
    data: list[SessionAnswer]
    has_more: bool
    next_cursor: str | None

    @classmethod
    def of(cls, rows: list[SessionRow], has_more: bool, *, now: datetime) -> SessionList:
        """Show a page."""
        cursor = rows[-1].id if rows and has_more else None
        return cls(data=[SessionAnswer.of(row, now=now) for row in rows], has_more=has_more, next_cursor=cursor)


class StatusAnswer(BaseModel):
    """A session as the person sees it."""

    id: str
    livemode: bool
    status: str
    requirements: list[str]
    attempts_left: int
    expires_at: datetime
    last_error: LastError | None

    @classmethod
    def of(cls, row: SessionRow, *, now: datetime) -> StatusAnswer:
        """Show a row to the person."""
        return cls(
            id=row.id,
            livemode=row.livemode,
            status=_status(row, now),
            requirements=requirements(row),
            attempts_left=row.max_attempts - row.attempts,
            expires_at=row.expires_at,
            last_error=LastError(**row.last_error) if row.last_error else None,
        )


class ChallengeAnswer(BaseModel):
    """The movements to make; `challenge` is what the SDK shows and what the frames answer."""

    challenge: dict[str, Any]
    expires_at: datetime


class ReportAnswer(BaseModel):
    """Everything the gate found, for the operator: scores, thresholds, operator reasons and the document's fields."""

    object: Literal["verification_report"] = "verification_report"
    id: str
    verification_session: str
    attempt: int
    created_at: datetime
    livemode: bool
    test_mode: bool
    simulated: bool
    assurance: str
    policy_sha256: str
    decision: dict[str, Any]
    checks: list[dict[str, Any]]
    fields: dict[str, Any] | None
    models: list[dict[str, Any]]
    review: dict[str, Any] | None

    @classmethod
    def of(cls, report: FullReport) -> ReportAnswer:
        """Show a report."""
        content = report.content
        return cls(
            id=report.row.id,
            verification_session=report.row.session_id,
            attempt=report.row.attempt,
            created_at=report.row.created_at,
            livemode=report.livemode,
            test_mode=not report.livemode,
            simulated=content["simulated"],
            assurance=content["assurance"],
            policy_sha256=content["policy_sha256"],
            decision=content["decision"],
            checks=content["checks"],
            fields=content["fields"],
            models=content["models"],
            review=report.row.review,
        )


def requirements(row: SessionRow) -> list[str]:
    """What the person still has to give, in order."""
    if row.status != "requires_input":
        return []
    missing = {
        "consent": row.consent_at is None,
        "document": row.document_blob is None,
        "selfie": row.selfie_blob is None,
    }
    return [name for name, is_missing in missing.items() if is_missing]


def _status(row: SessionRow, now: datetime) -> str:
    """A session whose time is over is expired, also before the sweep has written so."""
    return "expired" if row.status == "requires_input" and row.expires_at <= now else row.status


def _session_fields(row: SessionRow, now: datetime) -> dict[str, Any]:
    consent = Consent(granted_at=row.consent_at, version=row.consent_version or "") if row.consent_at else None
    return {
        "id": row.id,
        "livemode": row.livemode,
        "status": _status(row, now),
        "reference": row.reference,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "submitted_at": row.submitted_at,
        "decided_at": row.decided_at,
        "attempts": row.attempts,
        "max_attempts": row.max_attempts,
        "requirements": requirements(row),
        "last_error": LastError(**row.last_error) if row.last_error else None,
        "consent": consent,
        "erased": row.record_key is None,
    }
