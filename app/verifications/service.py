"""The operator's verbs on verification sessions, and the room's front door for the others.

An integrating developer opens a session and gets a client secret, once; the person's verbs are in `capture`, the
worker's in `examination`. A session of the other mode does not exist for a caller. Only an approved session whose
record has not been erased can be certified, and that is `approved`'s answer alone.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.identifiers import new_id
from app.settings import Settings
from app.verifications.approved import ApprovedVerification, approved_verification
from app.verifications.blobs import BlobStore
from app.verifications.capture import Capture
from app.verifications.dependencies import Dependencies, find, secret_digest, took_effect
from app.verifications.errors import (
    ReportNotFound,
    ReviewImpossible,
    SessionNotApproved,
    SessionNotFound,
    SessionState,
)
from app.verifications.examination import Examination
from app.verifications.retention import Retention
from app.verifications.tables import ReportRow, SessionRow
from ml.gate import Gate

__all__ = ["CreatedSession", "FullReport", "Verifications"]


@dataclass(frozen=True)
class CreatedSession:
    """A new session; the client secret cannot be read again."""

    row: SessionRow
    client_secret: str
    url: str


@dataclass(frozen=True)
class FullReport:
    """A report as the operator may see it: with reasons for operators, scores, and the document's fields."""

    row: ReportRow
    livemode: bool
    content: dict[str, Any]


class Verifications:
    """The room. `capture` is the person's half, `examination` the worker's, `retention` the housekeeping."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        settings: Settings,
        blobs: BlobStore,
        gate: Callable[[], Gate],
    ) -> None:
        self._parts = Dependencies(database, audit, clock, settings, blobs)
        self.capture = Capture(self._parts)
        self.examination = Examination(self._parts, gate)
        self.retention = Retention(self._parts)
        self.submitted = threading.Event()
        self.max_upload_bytes = settings.max_upload_bytes
        self.session_ttl_s = settings.session_ttl_s
        self.embedded = database.is_sqlite
        self.clock = clock

    def create(
        self, *, livemode: bool, actor: str, reference: str | None = None, max_attempts: int | None = None
    ) -> CreatedSession:
        """Open a session; `reference` is the caller's own name for it and must not be personal data."""
        session_id, client_secret = new_id("vs"), f"vscs_{secrets.token_urlsafe(32)}"
        now, settings = self._parts.now(), self._parts.settings
        row = SessionRow(
            id=session_id,
            livemode=livemode,
            status="requires_input",
            reference=reference,
            client_secret_sha256=secret_digest(client_secret),
            created_by=actor,
            created_at=now,
            expires_at=now + timedelta(seconds=settings.session_ttl_s),
            attempts=0,
            max_attempts=min(max_attempts or settings.max_attempts, settings.max_attempts),
            capture_key=self._parts.blobs.new_key(session_id),
            record_key=self._parts.blobs.new_key(session_id),
            challenges=0,
            leases=0,
        )
        with self._parts.database.transaction() as session:
            session.add(row)
            session.flush()
            self._parts.record(session, actor, "verification_session.created", session_id, {"livemode": livemode})
        return CreatedSession(row, client_secret, f"{settings.base_url}/verify/{session_id}#{client_secret}")

    def get(self, session_id: str, *, livemode: bool | None) -> SessionRow:
        """One session; `livemode` None is for the operator's own command line, which sees both modes."""
        with self._parts.database.reading() as session:
            return _owned(session, session_id, livemode)

    def list(
        self, *, livemode: bool | None, status: str | None = None, limit: int = 20, starting_after: str | None = None
    ) -> tuple[list[SessionRow], bool]:
        """Sessions, newest first, and whether there are more."""
        query = select(SessionRow).order_by(SessionRow.id.desc()).limit(limit + 1)
        if livemode is not None:
            query = query.where(SessionRow.livemode == livemode)
        if status is not None:
            query = query.where(SessionRow.status == status)
        if starting_after is not None:
            query = query.where(SessionRow.id < starting_after)
        with self._parts.database.reading() as session:
            rows = list(session.scalars(query))
        return rows[:limit], len(rows) > limit

    def cancel(self, session_id: str, *, livemode: bool, actor: str) -> SessionRow:
        """Cancel a session that still takes input; canceling again changes nothing."""
        with self._parts.database.transaction() as session:
            row = _owned(session, session_id, livemode)
            if row.status == "canceled":
                return row
            change = update(SessionRow).where(SessionRow.id == session_id, SessionRow.status == "requires_input")
            if not took_effect(session, change.values(status="canceled")):
                raise SessionState(f"the session is {row.status}")
            self._parts.record(session, actor, "verification_session.canceled", session_id)
        return self.get(session_id, livemode=livemode)

    def report(self, session_id: str, *, livemode: bool | None) -> FullReport:
        """The report of the latest examined attempt; raises ReportNotFound before there is one or after erasure."""
        with self._parts.database.reading() as session:
            row = _owned(session, session_id, livemode)
            return self._report(session, row)

    def approved(self, session_id: str, *, livemode: bool) -> ApprovedVerification:
        """What a credential may say of an approved session.

        Raises SessionNotFound for a session of the other mode and SessionNotApproved for one in any other state.
        """
        with self._parts.database.reading() as session:
            row = _owned(session, session_id, livemode)
            if row.status != "approved" or row.decided_at is None:
                raise SessionNotApproved(f"the session is {row.status}")
            if row.record_key is None:
                raise SessionNotApproved("the session has been erased")
            report = self._report(session, row, attempt=row.attempts)
        return approved_verification(
            row.id,
            livemode=row.livemode,
            approved_at=row.decided_at,
            report=report.content,
            reviewed=report.row.review is not None,
        )

    def decide(
        self,
        session_id: str,
        outcome: Literal["approved", "declined"],
        *,
        reason: str,
        actor: str,
        dry_run: bool = False,
    ) -> SessionRow:
        """A person's decision on a session in review, with its reason; it is audited as theirs.

        Raises SessionState unless the session is in review, and ReviewImpossible where there is nothing to certify: no
        report, no document read, or, in live mode, a capture that is simulated or was never examined for that.
        """
        with self._parts.database.transaction() as session:
            row = _owned(session, session_id, None)
            if row.status != "in_review":
                raise SessionState(f"the session is {row.status}, not in review")
            if outcome == "approved":
                self._require_certifiable(session, row)
            if dry_run:
                return row
            now = self._parts.now()
            change = update(SessionRow).where(SessionRow.id == session_id, SessionRow.status == "in_review")
            if not took_effect(session, change.values(status=outcome, decided_at=now)):
                raise SessionState("the session has been decided meanwhile")
            review = {"outcome": outcome, "reason": reason, "actor": actor, "at": now.isoformat()}
            latest = update(ReportRow).where(ReportRow.session_id == session_id, ReportRow.attempt == row.attempts)
            session.execute(latest.values(review=review))
            detail = {"outcome": outcome, "reason": reason, "by": "person"}
            self._parts.record(session, actor, f"verification_session.{outcome}", session_id, detail)
        return self.get(session_id, livemode=None)

    def _require_certifiable(self, session: Session, row: SessionRow) -> None:
        try:
            content = self._report(session, row, attempt=row.attempts).content
        except ReportNotFound as error:
            raise ReviewImpossible("the gate left no report to decide on; let the person try again") from error
        if content["fields"] is None:
            raise ReviewImpossible("the document was not read, so there is nothing to certify")
        if row.livemode and content["simulated"]:
            raise ReviewImpossible("a simulated capture is never approved in live mode")
        examined = any(
            check["check"] == "liveness.injection" and check["result"] in ("clear", "consider")
            for check in content["checks"]
        )
        if row.livemode and not examined:
            raise ReviewImpossible("whether the capture is simulated was not examined; let the person try again")

    def _report(self, session: Session, row: SessionRow, *, attempt: int | None = None) -> FullReport:
        query = select(ReportRow).where(ReportRow.session_id == row.id).order_by(ReportRow.attempt.desc()).limit(1)
        if attempt is not None:
            query = query.where(ReportRow.attempt == attempt)
        report = session.scalar(query)
        if report is None or row.record_key is None:
            raise ReportNotFound("the session has no report")
        plain = self._parts.blobs.unseal(row.record_key, row.id, report.id, report.sealed_report)
        return FullReport(report, row.livemode, json.loads(plain))


def _owned(session: Session, session_id: str, livemode: bool | None) -> SessionRow:
    row = find(session, session_id)
    if row is None or livemode not in (None, row.livemode):
        raise SessionNotFound("no such verification session")
    return row
