"""Bring sent transactions to their end: send again, confirm, bury, or give their jobs back.

Sending is an idempotent repetition of stored bytes. A receipt decides; what it says, for good or ill, is final when it
is buried `confirmations` deep. A transaction that a reorganisation removed goes back to submitted, and one whose nonce
another transaction of the sender took can never be mined, so its jobs are queued anew.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import select, update

from app.clock import Clock
from app.database import Database
from app.ledger.tables import ChainTransactionRow, LedgerJobRow
from contracts.chain import Chain
from contracts.errors import TransactionRejected

__all__ = ["Settlement"]

MAX_ATTEMPTS: Final = 5

log = structlog.get_logger("assay.ledger")


class Settlement:
    """Works on the transactions of one sender on one chain; the caller holds the ledger's lock."""

    def __init__(self, *, database: Database, clock: Clock, chain: Chain, address: str, confirmations: int) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._address = address
        self._confirmations = confirmations

    def settle(self) -> bool:
        """Send again what no block holds, and note what one does; returns whether any state changed."""
        with self._database.reading() as session:
            rows = list(
                session.scalars(
                    select(ChainTransactionRow)
                    .where(
                        ChainTransactionRow.state.in_(("submitted", "mined")),
                        ChainTransactionRow.chain_id == self._chain.chain_id,
                        ChainTransactionRow.sender == self._address,
                    )
                    .order_by(ChainTransactionRow.nonce)
                )
            )
            session.expunge_all()
        moved = [self._settle_one(row) for row in rows]
        return any(moved)

    def _settle_one(self, row: ChainTransactionRow) -> bool:
        head = self._chain.head().number
        # Read before the receipt: in this order a transaction mined in between is not taken for a displaced one.
        settled_nonce = self._chain.nonce(self._address, max(0, head - self._confirmations + 1))
        receipt = self._chain.receipt(row.hash)
        if receipt is None:
            if row.state == "mined":
                log.warning("transaction_reorganised", transaction=row.hash, nonce=row.nonce)
                self._record(row, "submitted", block_number=None, block_hash=None)
                return True
            if settled_nonce > row.nonce:
                return self._displaced(row)
            self.broadcast(row)
            receipt = self._chain.receipt(row.hash)
            if receipt is None:
                return False
        deep = max(head, receipt.block_number) - receipt.block_number + 1 >= self._confirmations
        if receipt.status != 1:
            return self._reverted(row) if deep else False
        state = "final" if deep else "mined"
        if state == row.state and receipt.block_hash == row.block_hash:
            return False
        self._record(
            row, state, block_number=receipt.block_number, block_hash=receipt.block_hash, gas_used=receipt.gas_used
        )
        return True

    def broadcast(self, row: ChainTransactionRow) -> None:
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

        A stale list version, gas that no longer suffices or a list paused for a moment pass on a fresh attempt, which
        reads everything anew; what fails for good shows its reason at the next estimate.
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
                    state="queued",
                    reason=why,
                    attempts=LedgerJobRow.attempts + 1,
                    transaction_hash=None,
                    updated_at=now,
                )
            )
        return True
