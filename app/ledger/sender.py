"""Carry queued jobs onto the chain: sign and store, then send; safe to stop at any point.

The order is the whole idea. The nonce is MAX + 1 in the database and is taken in the same transaction that stores the
signed bytes, so a crash before that leaves a queued job, and a crash after it leaves bytes that can be sent again and
again: a chain takes one transaction per nonce. One process sends at a time, behind a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.bootstrap.storage import exclusive
from app.clock import Clock
from app.database import Database
from app.ledger.batches import MAX_CHANGES, StatusBatch, next_batch, waiting_lists
from app.ledger.reverts import ENTRY_ERRORS, revert_name
from app.ledger.settlement import Settlement
from app.ledger.tables import ChainTransactionRow, LedgerJobRow
from contracts.chain import Chain
from contracts.errors import CallReverted
from contracts.limits import TX_GAS_LIMIT
from contracts.status_registry import CredentialStatusRegistry
from contracts.transactions import address_of, sign_transaction

__all__ = ["Sender"]

MAX_ROUNDS: Final = 1000
"""Rounds of one flush: an upper bound against endless work, far above what 100,000 waiting changes need."""

log = structlog.get_logger("assay.ledger")


@dataclass(frozen=True)
class _Draft:
    purpose: str
    to: str | None
    data: bytes
    gas: int
    job_ids: tuple[int, ...]
    expected_version: int | None = None


class Sender:
    """Sends with one private key on one chain."""

    def __init__(
        self, *, database: Database, clock: Clock, chain: Chain, private_key: bytes, lock_dir: Path, confirmations: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._private_key = private_key
        self._lock_dir = lock_dir
        self.address = address_of(private_key)
        self._settlement = Settlement(
            database=database, clock=clock, chain=chain, address=self.address, confirmations=confirmations
        )
        self.status_registry: CredentialStatusRegistry | None = None
        """Set once it is deployed; until then status changes wait."""

    def flush(self, *, wait_s: float = 10.0) -> bool:
        """Do all that can be done now; returns whether anything moved. Raises ChainError leaves and LockBusy."""
        moved = False
        with exclusive(self._database, self._lock_dir, "ledger", wait_s=wait_s):
            for _ in range(MAX_ROUNDS):
                progress = self._settlement.settle()
                progress = self._send_next_call() or progress
                progress = self._send_statuses() or progress
                if not progress:
                    break
                moved = True
        return moved

    # Sending

    def _send_next_call(self) -> bool:
        """Send the oldest queued contract call, unless one is still on its way: calls build on each other."""
        with self._database.reading() as session:
            job = session.scalar(
                select(LedgerJobRow)
                .where(LedgerJobRow.kind == "call", LedgerJobRow.state.in_(("queued", "submitted")))
                .order_by(LedgerJobRow.id)
                .limit(1)
            )
            session.expunge_all()
        if job is None or job.state != "queued":
            return False
        data = job.data or b""
        try:
            gas = self._estimate(job.to, data)
        except CallReverted as error:
            return self._note([job.id], f"would revert: {revert_name(error)}")
        return self._submit(_Draft(job.purpose, job.to, data, gas, (job.id,)))

    def _send_statuses(self) -> bool:
        """Send one batch per list that has changes waiting and none on its way."""
        registry = self.status_registry
        if registry is None:
            return False
        with self._database.reading() as session:
            lists = waiting_lists(session)
        moved = [self._send_batch(registry, list_id) for list_id in lists]
        return any(moved)

    def _send_batch(self, registry: CredentialStatusRegistry, list_id: str) -> bool:
        known = registry.get_list(bytes.fromhex(list_id[2:]))
        if known is None:
            return False
        size = MAX_CHANGES
        while True:
            with self._database.reading() as session:
                batch = next_batch(session, list_id, size)
            if batch is None:
                return False
            data = registry.encode_set_statuses(bytes.fromhex(list_id[2:]), known.version, batch.changes)
            try:
                gas = self._estimate(registry.address, data)
            except CallReverted as error:
                name = revert_name(error)
                if name not in ENTRY_ERRORS:
                    return self._note(batch.job_ids, f"would revert: {name}")
                if len(batch.changes) == 1:
                    return self._refuse(batch, name)
                size = len(batch.changes) // 2
                continue
            return self._submit(_Draft("setStatuses", registry.address, data, gas, batch.job_ids, known.version))

    def _estimate(self, to: str | None, data: bytes) -> int:
        transaction = {"from": self.address, "data": "0x" + data.hex()} | ({"to": to} if to else {})
        return min(TX_GAS_LIMIT, self._chain.estimate(transaction) * 12 // 10 + 10_000)

    def _submit(self, draft: _Draft) -> bool:
        """Sign and store in one transaction, then send; sending may fail without harm."""
        fees = self._chain.fees()
        floor = self._chain.nonce(self.address, "latest")
        with self._database.transaction() as session:
            nonce = self._next_nonce(session, floor)
            signed = sign_transaction(
                self._private_key,
                chain_id=self._chain.chain_id,
                nonce=nonce,
                to=draft.to,
                data=draft.data,
                gas=draft.gas,
                max_fee=fees.max_fee,
                priority_fee=fees.priority,
            )
            row = ChainTransactionRow(
                hash=signed.hash,
                chain_id=self._chain.chain_id,
                sender=self.address,
                nonce=nonce,
                to=draft.to,
                purpose=draft.purpose,
                raw=signed.raw,
                gas=draft.gas,
                max_fee=str(fees.max_fee),
                expected_version=draft.expected_version,
                state="submitted",
                created_at=self._clock(),
            )
            session.add(row)
            session.flush()
            taken = session.scalars(
                update(LedgerJobRow)
                .where(LedgerJobRow.id.in_(draft.job_ids), LedgerJobRow.state == "queued")
                .values(state="submitted", reason=None, transaction_hash=signed.hash, updated_at=self._clock())
                .returning(LedgerJobRow.id)
            ).all()
            if len(taken) != len(draft.job_ids):
                session.rollback()
                return True
        self._settlement.broadcast(row)
        return True

    def _next_nonce(self, session: Session, floor: int) -> int:
        last = session.scalar(
            select(func.max(ChainTransactionRow.nonce)).where(
                ChainTransactionRow.chain_id == self._chain.chain_id, ChainTransactionRow.sender == self.address
            )
        )
        return floor if last is None else max(floor, last + 1)

    def _note(self, job_ids: tuple[int, ...] | list[int], reason: str) -> bool:
        """Leave jobs queued, and say why they cannot go yet."""
        reason = reason[:200]
        other = or_(LedgerJobRow.reason.is_(None), LedgerJobRow.reason != reason)
        news = LedgerJobRow.id.in_(job_ids) & (LedgerJobRow.state == "queued") & other
        with self._database.reading() as session:
            known = session.scalar(select(LedgerJobRow.id).where(news).limit(1)) is None
        if not known:
            log.warning("ledger_job_waits", jobs=len(job_ids), reason=reason)
            with self._database.transaction() as session:
                session.execute(update(LedgerJobRow).where(news).values(reason=reason, updated_at=self._clock()))
        return False

    def _refuse(self, batch: StatusBatch, reason: str) -> bool:
        """Fail the jobs of one entry that the contract will never take; the others go on."""
        log.error("ledger_job_failed", jobs=len(batch.job_ids), reason=reason)
        with self._database.transaction() as session:
            session.execute(
                update(LedgerJobRow)
                .where(LedgerJobRow.id.in_(batch.job_ids), LedgerJobRow.state == "queued")
                .values(state="failed", reason=reason, updated_at=self._clock())
            )
        return True
