"""Carry queued jobs onto the chain: sign and store, then send, then confirm; safe to stop at any point.

The order is the whole idea (notes on outboxes: 11 kills, no duplicate, no gap). The nonce is MAX + 1 in the database and is
taken in the same transaction that stores the signed bytes, so a crash before that leaves a queued job and a crash after it
leaves bytes that can be sent again and again: a chain takes one transaction per nonce. One process sends at a time, behind
a lock; a transaction counts as final when it is buried `confirmations` deep, and one that a reorganisation removed goes
back to submitted.
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
from app.ledger.tables import ChainTransactionRow, LedgerJobRow
from contracts.chain import Chain
from contracts.errors import CallReverted, TransactionRejected
from contracts.limits import TX_GAS_LIMIT
from contracts.status_registry import CredentialStatusRegistry
from contracts.transactions import address_of, sign_transaction

__all__ = ["Sender"]

MAX_ATTEMPTS: Final = 5
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
        self._confirmations = confirmations
        self.address = address_of(private_key)
        self.status_registry: CredentialStatusRegistry | None = None
        """Set once it is deployed; until then status changes wait."""

    def flush(self, *, wait_s: float = 10.0) -> bool:
        """Do all that can be done now; returns whether anything moved. Raises ChainError leaves and LockBusy."""
        moved = False
        with exclusive(self._database, self._lock_dir, "ledger", wait_s=wait_s):
            for _ in range(MAX_ROUNDS):
                progress = self._settle()
                progress = self._send_next_call() or progress
                progress = self._send_statuses() or progress
                if not progress:
                    break
                moved = True
        return moved

    # Confirming

    def _settle(self) -> bool:
        """Send again what no block holds, and note what one does; returns whether any state changed."""
        with self._database.reading() as session:
            rows = list(
                session.scalars(
                    select(ChainTransactionRow)
                    .where(
                        ChainTransactionRow.state.in_(("submitted", "mined")),
                        ChainTransactionRow.chain_id == self._chain.chain_id,
                        ChainTransactionRow.sender == self.address,
                    )
                    .order_by(ChainTransactionRow.nonce)
                )
            )
            session.expunge_all()
        return any([self._settle_one(row) for row in rows])

    def _settle_one(self, row: ChainTransactionRow) -> bool:
        head = self._chain.head().number
        # Read before the receipt: in this order a transaction mined in between is not taken for a displaced one.
        settled_nonce = self._chain.nonce(self.address, max(0, head - self._confirmations + 1))
        receipt = self._chain.receipt(row.hash)
        if receipt is None:
            if row.state == "mined":
                log.warning("transaction_reorganised", transaction=row.hash, nonce=row.nonce)
                self._record(row, "submitted", block_number=None, block_hash=None)
                return True
            if settled_nonce > row.nonce:
                return self._displaced(row)
            self._broadcast(row)
            receipt = self._chain.receipt(row.hash)
            if receipt is None:
                return False
        if receipt.status != 1:
            return self._reverted(row)
        deep = head - receipt.block_number + 1 >= self._confirmations
        state = "final" if deep else "mined"
        if state == row.state and receipt.block_hash == row.block_hash:
            return False
        self._record(
            row, state, block_number=receipt.block_number, block_hash=receipt.block_hash, gas_used=receipt.gas_used
        )
        return True

    def _broadcast(self, row: ChainTransactionRow) -> None:
        try:
            self._chain.send_raw(row.raw)
        except TransactionRejected as error:
            # The bytes are kept and sent again: what refuses them (funds, fees, a gap before them) can pass.
            log.warning("transaction_rejected", transaction=row.hash, nonce=row.nonce, reason=error.reason)
            note = f"rejected: {error.reason}"
            if row.note != note:
                self._record(row, "submitted", note=note)

    def _record(self, row: ChainTransactionRow, state: str, **values: object) -> None:
        """Write a transaction's state and its jobs' together."""
        now = self._clock()
        if state in ("mined", "final"):
            values["note"] = None
            if row.mined_at is None:
                values["mined_at"] = now
        with self._database.transaction() as session:
            session.execute(
                update(ChainTransactionRow).where(ChainTransactionRow.hash == row.hash).values(state=state, **values)
            )
            session.execute(
                update(LedgerJobRow)
                .where(LedgerJobRow.transaction_hash == row.hash)
                .values(state=state, reason=values.get("note"), updated_at=now)
            )

    def _reverted(self, row: ChainTransactionRow) -> bool:
        log.warning("transaction_reverted", transaction=row.hash, purpose=row.purpose)
        return self._give_back(row, "reverted")

    def _displaced(self, row: ChainTransactionRow) -> bool:
        log.warning("nonce_used_by_another", transaction=row.hash, nonce=row.nonce)
        return self._give_back(row, "another transaction of this sender took the nonce")

    def _give_back(self, row: ChainTransactionRow, why: str) -> bool:
        """End a transaction without effect, and queue its jobs again, a few times at most.

        A stale list version, gas that no longer suffices or a list paused for a moment pass on a fresh attempt, which reads
        everything anew; what fails for good shows its reason at the next estimate.
        """
        now = self._clock()
        with self._database.transaction() as session:
            session.execute(
                update(ChainTransactionRow).where(ChainTransactionRow.hash == row.hash).values(state="failed", note=why)
            )
            mine = LedgerJobRow.transaction_hash == row.hash
            session.execute(
                update(LedgerJobRow)
                .where(mine, LedgerJobRow.attempts + 1 >= MAX_ATTEMPTS)
                .values(state="failed", reason=why, attempts=LedgerJobRow.attempts + 1, updated_at=now)
            )
            session.execute(
                update(LedgerJobRow)
                .where(mine, LedgerJobRow.attempts + 1 < MAX_ATTEMPTS)
                .values(
                    state="queued", reason=why, attempts=LedgerJobRow.attempts + 1, transaction_hash=None, updated_at=now
                )
            )
        return True

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
        return any([self._send_batch(registry, list_id) for list_id in lists])

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
        self._broadcast(row)
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
