"""Which status changes travel together: those of one list, oldest first, the last word on each index.

A batch is bounded by the gas of one transaction (EIP-7825): a change costs at most about 24,000 gas, when it is the
first to touch its word of storage. A list has one batch on its way at a time, because each names the list version it
builds on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.ledger.tables import LedgerJobRow

__all__ = ["MAX_CHANGES", "StatusBatch", "next_batch", "waiting_lists"]

MAX_CHANGES: Final = 500
"""500 first touches of a word cost about 12 million gas, of the 16.78 million a transaction may have."""
_MAX_JOBS: Final = 2000


@dataclass(frozen=True)
class StatusBatch:
    """The status to set by index, and every job that this settles: also those that a later one overrode."""

    changes: dict[int, int]
    job_ids: tuple[int, ...]


def waiting_lists(session: Session) -> list[str]:
    """Lists with queued changes and no batch on its way."""
    busy = select(LedgerJobRow.list_id).where(LedgerJobRow.kind == "status", LedgerJobRow.state == "submitted")
    found = session.scalars(
        select(LedgerJobRow.list_id)
        .where(LedgerJobRow.kind == "status", LedgerJobRow.state == "queued", LedgerJobRow.list_id.not_in(busy))
        .distinct()
    )
    return [list_id for list_id in found if list_id is not None]


def next_batch(session: Session, list_id: str, size: int) -> StatusBatch | None:
    """The next changes of a list, at most `size` different indices; None if nothing is queued."""
    rows = session.execute(
        select(LedgerJobRow.id, LedgerJobRow.list_index, LedgerJobRow.status)
        .where(LedgerJobRow.kind == "status", LedgerJobRow.state == "queued", LedgerJobRow.list_id == list_id)
        .order_by(LedgerJobRow.id)
        .limit(_MAX_JOBS)
    )
    changes: dict[int, int] = {}
    jobs: list[int] = []
    for job_id, index, status in rows:
        assert index is not None
        assert status is not None
        if index not in changes and len(changes) == size:
            break
        changes[index] = status
        jobs.append(job_id)
    return StatusBatch(changes, tuple(jobs)) if jobs else None
