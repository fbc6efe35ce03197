"""Record what happened, in the transaction in which it happened, and check that nothing was altered since.

The danger: an audit log that its own database owner can edit. Each row's SHA-256 covers the row before it, so an
edited, removed or reordered row breaks the chain at a sequence number that `verify` names. The sequence is contiguous.
What it cannot show is rows cut off at the end: compare the last hash with one that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit.tables import AuditRow
from app.clock import Clock

__all__ = ["Audit"]

GENESIS = "0" * 64
_APPEND_LOCK = 0x41535341  # one number for PostgreSQL's advisory lock, "ASSA"


class Audit:
    """Appends rows and verifies the chain."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record(
        self, session: Session, *, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None
    ) -> None:
        """Append one row to the caller's transaction; if it cannot be written, neither is what it tells of."""
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPEND_LOCK})
        last = session.execute(
            select(AuditRow.sequence, AuditRow.row_hash).order_by(AuditRow.sequence.desc()).limit(1)
        ).first()
        row = AuditRow(
            sequence=last[0] + 1 if last else 1,
            at=self._clock(),
            actor=actor,
            action=action,
            subject=subject,
            detail=detail or {},
            previous_hash=last[1] if last else GENESIS,
        )
        row.row_hash = _hash(row)
        session.add(row)
        session.flush()

    def verify(self, session: Session) -> int | None:
        """Return the first sequence number that does not hold, or None if the whole chain holds."""
        expected, previous = 1, GENESIS
        for row in session.scalars(select(AuditRow).order_by(AuditRow.sequence)).yield_per(500):
            if row.sequence != expected or row.previous_hash != previous or row.row_hash != _hash(row):
                return expected
            expected, previous = expected + 1, row.row_hash
        return None


def _hash(row: AuditRow) -> str:
    content: dict[str, Any] = {
        "sequence": row.sequence,
        "at": row.at.isoformat(),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "previous": row.previous_hash,
    }
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
