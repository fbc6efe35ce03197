"""What the two halves of this room do to a request's row: find it, see its state, write its events.

States move requested -> retrieved -> submitted -> verified or rejected. A submission holds its request for a lease: one
response is judged at a time, and if the process that judged it died, the wallet may send it again after the lease.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.openid.vault import sha256_hex
from app.presentations.tables import PresentationEventRow, PresentationRequestRow

__all__ = ["OPEN_STATES", "SUBMISSION_LEASE", "add_event", "by_reference", "open_for_submission", "state_at"]

OPEN_STATES: Final = ("requested", "retrieved", "submitted")
SUBMISSION_LEASE: Final = timedelta(seconds=60)
MAX_EVENTS: Final = 100


def state_at(row: PresentationRequestRow, now: datetime) -> str:
    """The state that holds at `now`: an open request whose time has passed is expired, whatever its row still says."""
    return "expired" if row.state in OPEN_STATES and row.expires_at <= now else row.state


def by_reference(session: Session, reference: str) -> PresentationRequestRow | None:
    """The request behind an unguessable reference."""
    found = PresentationRequestRow.reference_sha256 == sha256_hex(reference)
    return session.scalar(select(PresentationRequestRow).where(found))


def open_for_submission(now: datetime) -> ColumnElement[bool]:
    """Whether a response may be taken: unexpired, and no other one is being judged."""
    free = or_(
        PresentationRequestRow.state.in_(("requested", "retrieved")),
        (PresentationRequestRow.state == "submitted") & (PresentationRequestRow.submitted_at <= now - SUBMISSION_LEASE),
    )
    return (PresentationRequestRow.expires_at > now) & free


def add_event(
    session: Session,
    request_id: str,
    at: datetime,
    kind: str,
    detail: dict[str, Any] | None = None,
    *,
    force: bool = True,
) -> None:
    """Append an event. One that a stranger can cause again and again is not forced and stops at a limit."""
    row = PresentationRequestRow
    session.execute(select(row.id).where(row.id == request_id).with_for_update())
    ours = PresentationEventRow.request_id == request_id
    last = session.scalar(select(func.max(PresentationEventRow.sequence)).where(ours)) or 0
    if last >= MAX_EVENTS and not force:
        return
    session.add(PresentationEventRow(request_id=request_id, sequence=last + 1, at=at, kind=kind, detail=detail or {}))
    session.flush()
