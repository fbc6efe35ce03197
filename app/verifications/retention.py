"""Keep pictures no longer than they are needed, and forget a session for good when asked to.

The rule: pictures go when the session has expired or was canceled; those of a decided session at the end of its time,
and those under review once a person has decided. Forgetting is deleting a wrapped key, so a copy of the files in a
backup is worthless; the files go too.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, or_, select, update

from app.verifications.dependencies import Dependencies, find, took_effect
from app.verifications.errors import SessionNotFound, SessionState
from app.verifications.tables import SessionRow

__all__ = ["Retention"]

_BATCH: Final = 100


class Retention:
    """Expiry, deletion of pictures, erasure."""

    def __init__(self, parts: Dependencies) -> None:
        self._parts = parts

    def sweep(self) -> int:
        """Expire what is over and purge what is due, a bounded number at a time; returns how many sessions changed."""
        return self._expire() + self._purge_due()

    def _expire(self) -> int:
        now = self._parts.now()
        over = and_(SessionRow.status == "requires_input", SessionRow.expires_at <= now)
        with self._parts.database.transaction() as session:
            ids = session.scalars(select(SessionRow.id).where(over).limit(_BATCH)).all()
            for session_id in ids:
                change = update(SessionRow).where(SessionRow.id == session_id, over).values(status="expired")
                if took_effect(session, change):
                    self._parts.record(session, "service", "verification_session.expired", session_id)
        return len(ids)

    def _purge_due(self) -> int:
        decided = and_(SessionRow.status.in_(("approved", "declined")), SessionRow.expires_at <= self._parts.now())
        due = and_(SessionRow.capture_key.is_not(None), or_(SessionRow.status.in_(("expired", "canceled")), decided))
        with self._parts.database.reading() as session:
            ids = session.scalars(select(SessionRow.id).where(due).limit(_BATCH)).all()
        for session_id in ids:
            self._parts.blobs.delete_all(session_id)
            with self._parts.database.transaction() as session:
                change = update(SessionRow).where(SessionRow.id == session_id, due)
                if took_effect(
                    session, change.values(capture_key=None, document_blob=None, selfie_blob=None, selfie_mac=None)
                ):
                    self._parts.record(session, "service", "capture.purged", session_id)
        return len(ids)

    def erase(self, session_id: str, *, livemode: bool | None, actor: str, dry_run: bool = False) -> None:
        """Forget pictures, report and claims of a session; erasing again changes nothing.

        Raises SessionState while the gate examines it. A session that still takes input is canceled.
        `dry_run` refuses alike and changes nothing.
        """
        with self._parts.database.transaction() as session:
            row = find(session, session_id)
            if row is None or livemode not in (None, row.livemode):
                raise SessionNotFound("no such verification session")
            if row.record_key is None:
                return
            if row.status == "processing":
                raise SessionState("the session is being examined; erase it when it is decided")
            if dry_run:
                return
            change = update(SessionRow).where(SessionRow.id == session_id, SessionRow.status == row.status)
            values = {
                "capture_key": None,
                "record_key": None,
                "document_blob": None,
                "selfie_blob": None,
                "selfie_mac": None,
            }
            status = "canceled" if row.status == "requires_input" else row.status
            if not took_effect(session, change.values(status=status, **values)):
                raise SessionState("the session has changed meanwhile; try again")
            self._parts.record(session, actor, "verification_session.erased", session_id)
        self._parts.blobs.delete_all(session_id)
