"""Sessions and reports. No personal data stands here in the clear: reports are sealed under the session's record key.

The row of a session in state `processing` is the durable job itself (docs/decisions/0002): `lease_token` and
`lease_expires_at` say who works on it, `leases` how often somebody began.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["DECIDED", "ReportRow", "SessionRow", "Status"]

Status = Literal["requires_input", "processing", "approved", "declined", "in_review", "expired", "canceled"]

DECIDED: frozenset[str] = frozenset({"approved", "declined", "in_review"})


class SessionRow(Base):
    """One person's verification. Deleting a wrapped key makes what was sealed under it unreadable for ever."""

    __tablename__ = "verification_sessions"
    __table_args__ = (Index("ix_verification_sessions_work", "status", "submitted_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    livemode: Mapped[bool]
    status: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str | None] = mapped_column(String(80))
    client_secret_sha256: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    last_error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    consent_at: Mapped[datetime | None]
    consent_version: Mapped[str | None] = mapped_column(String(20))

    capture_key: Mapped[bytes | None] = mapped_column(LargeBinary(200))
    record_key: Mapped[bytes | None] = mapped_column(LargeBinary(200))
    document_blob: Mapped[str | None] = mapped_column(String(40))
    selfie_blob: Mapped[str | None] = mapped_column(String(40))
    selfie_mac: Mapped[str | None] = mapped_column(String(64))

    challenges: Mapped[int] = mapped_column(default=0)
    challenge_nonce: Mapped[str | None] = mapped_column(String(64))
    challenge_issued_at: Mapped[datetime | None]
    challenge_expires_at: Mapped[datetime | None]
    challenge_used_at: Mapped[datetime | None]

    lease_token: Mapped[str | None] = mapped_column(String(64))
    lease_expires_at: Mapped[datetime | None]
    leases: Mapped[int] = mapped_column(default=0)


class ReportRow(Base):
    """What the gate found in one attempt, sealed whole: reasons for operators may quote the document.

    `decision` has codes and public sentences alone and outlives the erasure of the rest.
    """

    __tablename__ = "verification_reports"
    __table_args__ = (UniqueConstraint("session_id", "attempt"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("verification_sessions.id"), index=True)
    attempt: Mapped[int]
    created_at: Mapped[datetime]
    decision: Mapped[dict[str, Any]]
    sealed_report: Mapped[bytes] = mapped_column(LargeBinary)
    review: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
