"""What every verb of this room works with, and the two things that all of them do to a row."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.settings import Settings
from app.verifications.blobs import BlobStore
from app.verifications.errors import SessionNotFound
from app.verifications.tables import SessionRow

__all__ = ["Dependencies", "authenticated", "find", "secret_digest", "took_effect"]

_SESSION_ID: Final = re.compile(r"vs_[0-9a-f]{32}")


@dataclass(frozen=True)
class Dependencies:
    """The parts handed to `Verifications`."""

    database: Database
    audit: Audit
    clock: Clock
    settings: Settings
    blobs: BlobStore

    def record(
        self, session: Session, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None
    ) -> None:
        """Append an audit row in the caller's transaction."""
        self.audit.record(session, actor=actor, action=action, subject=subject, detail=detail)

    def now(self) -> datetime:
        """The current time, UTC."""
        return self.clock()


def secret_digest(client_secret: str) -> str:
    """How a client secret is stored: 256 random bits need no slow hash."""
    return hashlib.sha256(client_secret.encode()).hexdigest()


def find(session: Session, session_id: str) -> SessionRow | None:
    """The row of a session as it is now, or None; what is no session id does not reach the database."""
    if not _SESSION_ID.fullmatch(session_id):
        return None
    return session.get(SessionRow, session_id, populate_existing=True)


def authenticated(session: Session, session_id: str, client_secret: str) -> SessionRow:
    """The session that this secret opens; an unknown id and a wrong secret get the same answer, SessionNotFound."""
    row = find(session, session_id)
    stored = row.client_secret_sha256 if row is not None else secret_digest("")
    if not hmac.compare_digest(stored, secret_digest(client_secret)) or row is None:
        raise SessionNotFound("no such verification session, or the secret does not belong to it")
    return row


def took_effect(session: Session, statement: Update) -> bool:
    """Run a guarded UPDATE of sessions and say whether it changed the row: that, and nothing read before, decides."""
    changed = session.execute(statement.returning(SessionRow.id).execution_options(synchronize_session=False)).first()
    return changed is not None
