"""State what must be written on chain, in the transaction that caused it, and ask what became of it.

The danger: an acknowledged change that never reaches the chain, or reaches it twice. A job row commits or rolls back
with its cause; its key makes a repeated intention the same job; `Sender` alone moves it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.clock import Clock
from app.database import Database
from app.errors import ServiceError
from app.ledger.tables import ChainTransactionRow, LedgerJobRow

__all__ = ["OPEN_STATES", "Backlog", "JobState", "Ledger", "LedgerJobFailed", "LedgerStalled"]

OPEN_STATES: Final = ("queued", "submitted", "mined")
WRITTEN_STATES: Final = ("mined", "final")


class LedgerJobFailed(ServiceError):
    """The chain refused what a job wanted to write."""

    code = "ledger_job_failed"


class LedgerStalled(ServiceError):
    """A job did not get onto the chain in the time given; it stays in the outbox and is tried again."""

    code = "ledger_stalled"


@dataclass(frozen=True)
class JobState:
    """Where a job stands. `state`: queued, submitted, mined, final, failed; `nonce` and `to` are the transaction's."""

    id: int
    state: str
    reason: str | None
    transaction_hash: str | None = None
    block_number: int | None = None
    nonce: int | None = None

    @property
    def written(self) -> bool:
        """Whether a block holds it."""
        return self.state in WRITTEN_STATES


@dataclass(frozen=True)
class Backlog:
    """What waits: jobs not yet in a block, the age of the oldest in seconds, jobs that failed for good."""

    waiting: int
    oldest_age_s: float
    failed: int


class Ledger:
    """The outbox as the other rooms see it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.notify: Callable[[], None] = lambda: None
        """Called after a transaction that queued something, so that a worker need not wait for its next look."""

    def enqueue_call(self, session: Session, *, key: str, purpose: str, to: str | None, data: bytes) -> int:
        """Queue a contract call, or a deployment if `to` is None; returns the job id. A failed job of that key is tried
        anew."""
        return self._enqueue(session, LedgerJobRow(key=key, kind="call", purpose=purpose, to=to, data=data))

    def enqueue_status(self, session: Session, *, key: str, list_id: str, index: int, status: int) -> int:
        """Queue the change of one entry of a status list; many of one list travel in one transaction."""
        row = LedgerJobRow(
            key=key, kind="status", purpose="setStatuses", list_id=list_id, list_index=index, status=status
        )
        return self._enqueue(session, row)

    def _enqueue(self, session: Session, row: LedgerJobRow) -> int:
        now = self._clock()
        known = session.scalar(select(LedgerJobRow).where(LedgerJobRow.key == row.key))
        if known is None:
            row.state, row.attempts, row.created_at, row.updated_at = "queued", 0, now, now
            session.add(row)
            session.flush()
            return row.id
        if known.state == "failed":
            self._requeue_failed(session, [known.id])
        return known.id

    def retry_failed(self, session: Session, ids: Sequence[int] | None = None) -> int:
        """Queue failed jobs again, all or those of `ids`, after the cause was mended; returns how many."""
        query = select(LedgerJobRow.id).where(LedgerJobRow.state == "failed")
        failed = list(session.scalars(query if ids is None else query.where(LedgerJobRow.id.in_(ids))))
        self._requeue_failed(session, failed)
        return len(failed)

    def _requeue_failed(self, session: Session, ids: list[int]) -> None:
        session.execute(
            update(LedgerJobRow)
            .where(LedgerJobRow.id.in_(ids), LedgerJobRow.state == "failed")
            .values(state="queued", attempts=0, reason=None, transaction_hash=None, updated_at=self._clock())
            .execution_options(synchronize_session=False)
        )

    def states(self, session: Session, job_ids: Iterable[int]) -> dict[int, JobState]:
        """Where these jobs stand, by id."""
        found: dict[int, JobState] = {}
        ids = list(job_ids)
        for start in range(0, len(ids), 500):
            rows = session.execute(
                select(LedgerJobRow, ChainTransactionRow.block_number, ChainTransactionRow.nonce)
                .outerjoin(ChainTransactionRow, ChainTransactionRow.hash == LedgerJobRow.transaction_hash)
                .where(LedgerJobRow.id.in_(ids[start : start + 500]))
                .execution_options(populate_existing=True)
            )
            for job, block, nonce in rows:
                found[job.id] = JobState(job.id, job.state, job.reason, job.transaction_hash, block, nonce)
        return found

    def state(self, job_id: int) -> JobState:
        """Where one job stands."""
        with self._database.reading() as session:
            return self.states(session, [job_id])[job_id]

    def nonce_of(self, transaction_hash: str) -> int:
        """The nonce of a transaction of the outbox."""
        with self._database.reading() as session:
            return session.execute(
                select(ChainTransactionRow.nonce).where(ChainTransactionRow.hash == transaction_hash)
            ).scalar_one()

    def has_work(self) -> bool:
        """Whether anything is queued, or sent and not final."""
        with self._database.reading() as session:
            return (
                session.scalar(select(LedgerJobRow.id).where(LedgerJobRow.state.in_(OPEN_STATES)).limit(1)) is not None
            )

    def backlog(self) -> Backlog:
        """What waits, for metrics and `assay doctor`."""
        with self._database.reading() as session:
            waiting, oldest = session.execute(
                select(func.count(), func.min(LedgerJobRow.created_at)).where(
                    LedgerJobRow.state.in_(("queued", "submitted"))
                )
            ).one()
            failed = session.scalar(
                select(func.count()).where(LedgerJobRow.state == "failed").select_from(LedgerJobRow)
            )
        age = (self._clock() - oldest).total_seconds() if isinstance(oldest, datetime) else 0.0
        return Backlog(waiting, max(0.0, age), failed or 0)

    def last_reason(self) -> str | None:
        """Why the oldest waiting job is not on chain yet, if that is known."""
        with self._database.reading() as session:
            return session.scalar(
                select(LedgerJobRow.reason)
                .where(LedgerJobRow.state.in_(("queued", "failed")), LedgerJobRow.reason.is_not(None))
                .order_by(LedgerJobRow.id)
                .limit(1)
            )
