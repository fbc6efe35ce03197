"""What was issued and what was changed. No claim stands here in the clear: a credential is its id, its digest, its
place.

Unique (list, index) is what keeps two credentials from sharing a status.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["CredentialRow", "StatusChangeRow", "StatusListRow"]


class StatusListRow(Base):
    """One list in the registry. `id` is the list's bytes32 in hex; `allocated` counts the indices given out."""

    __tablename__ = "status_lists"

    id: Mapped[str] = mapped_column(String(66), primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    registry_address: Mapped[str] = mapped_column("registry", String(42))
    sequence: Mapped[int] = mapped_column(unique=True)
    capacity: Mapped[int]
    bits: Mapped[int]
    allocated: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int] = mapped_column(ForeignKey("ledger_jobs.id"))
    created_at: Mapped[datetime]


class CredentialRow(Base):
    """One credential. `state`: active, suspended, revoked."""

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("list_id", "list_index"), Index("ix_credentials_livemode_id", "livemode", "id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    credential_uri: Mapped[str] = mapped_column(String(60), unique=True)
    session_id: Mapped[str] = mapped_column(String(40), index=True)
    offer_id: Mapped[str | None] = mapped_column(String(40), index=True)
    configuration: Mapped[str] = mapped_column(String(60))
    format: Mapped[str] = mapped_column(String(20))
    issuer: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    list_id: Mapped[str] = mapped_column(ForeignKey("status_lists.id"))
    list_index: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    state_reason: Mapped[str | None] = mapped_column(String(40))
    livemode: Mapped[bool]
    simulated: Mapped[bool]
    issued_at: Mapped[datetime]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    changed_at: Mapped[datetime | None]


class StatusChangeRow(Base):
    """One change of a credential's status, bound to the ledger job that writes it on chain."""

    __tablename__ = "status_changes"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    credential_id: Mapped[str] = mapped_column(ForeignKey("credentials.id"), index=True)
    from_state: Mapped[str] = mapped_column(String(12))
    to_state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(80))
    job_id: Mapped[int] = mapped_column(ForeignKey("ledger_jobs.id"), unique=True)
    created_at: Mapped[datetime]
