"""The outbox: what is to be written on chain, and the signed transactions that write it.

A job is written in the transaction of what caused it. A chain transaction is written, signed and with its nonce, before
it is sent; unique (chain, sender, nonce) is the backstop against a second writer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["ChainTransactionRow", "LedgerJobRow"]


class ChainTransactionRow(Base):
    """One signed transaction. `state`: submitted, mined, final, failed (reverted, or its nonce used by another)."""

    __tablename__ = "chain_transactions"
    __table_args__ = (
        UniqueConstraint("chain_id", "sender", "nonce"),
        Index("ix_chain_transactions_state_nonce", "state", "nonce"),
    )

    hash: Mapped[str] = mapped_column(String(66), primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[str] = mapped_column(String(42))
    nonce: Mapped[int] = mapped_column(BigInteger)
    to: Mapped[str | None] = mapped_column(String(42))
    purpose: Mapped[str] = mapped_column(String(60))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    gas: Mapped[int] = mapped_column(BigInteger)
    max_fee: Mapped[str] = mapped_column(String(40))
    expected_version: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(12))
    note: Mapped[str | None] = mapped_column(String(200))
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None] = mapped_column(String(66))
    gas_used: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    mined_at: Mapped[datetime | None]


class LedgerJobRow(Base):
    """One thing to write. A call has `to` and `data` (a deployment has `data` alone), a status change list, index,
    code.

    `state`: queued, submitted, mined, final, failed. `key` makes the same intention one job however often it is stated.
    """

    __tablename__ = "ledger_jobs"
    __table_args__ = (Index("ix_ledger_jobs_state_id", "state", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    purpose: Mapped[str] = mapped_column(String(60))
    to: Mapped[str | None] = mapped_column(String(42))
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    list_id: Mapped[str | None] = mapped_column(String(66))
    list_index: Mapped[int | None]
    status: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(200))
    transaction_hash: Mapped[str | None] = mapped_column(ForeignKey("chain_transactions.hash"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
