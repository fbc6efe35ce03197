"""Tables of this room. Disclosed claims are sealed (app/openid/vault.py) and forgotten after their retention."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["PresentationEventRow", "PresentationRequestRow"]


class PresentationRequestRow(Base):
    """One request: requested -> retrieved -> submitted -> verified or rejected, or expired.

    `verdict` holds outcome, reasons and checks; `sealed_claims` what was disclosed. `submission` names the one response
    that is being judged; `submitted_at` ends its claim if the process that judged it died.
    """

    __tablename__ = "presentation_requests"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    livemode: Mapped[bool]
    dcql_query: Mapped[dict[str, Any]]
    trusted_issuers: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(12))
    reference_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    submission: Mapped[str | None] = mapped_column(String(32))
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    wallet_error: Mapped[str | None] = mapped_column(String(64))
    verdict: Mapped[dict[str, Any] | None]
    sealed_claims: Mapped[bytes | None] = mapped_column(LargeBinary)
    claims_until: Mapped[datetime | None] = mapped_column(index=True)


class PresentationEventRow(Base):
    """What happened to a request, in order."""

    __tablename__ = "presentation_events"

    request_id: Mapped[str] = mapped_column(ForeignKey("presentation_requests.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]
