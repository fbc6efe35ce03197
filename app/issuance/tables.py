"""Tables of this room. What opens a door is stored as a SHA-256 or not at all (see app/openid/vault.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["AccessTokenRow", "CredentialOfferRow", "NonceRow", "OfferedCredentialRow"]


class CredentialOfferRow(Base):
    """One offer: created -> retrieved -> exchanged -> issued, or expired, or canceled."""

    __tablename__ = "credential_offers"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    livemode: Mapped[bool]
    verification_session: Mapped[str] = mapped_column(String(40), index=True)
    configurations: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(12))
    tx_code_required: Mapped[bool]
    tx_code_tries: Mapped[int] = mapped_column(default=0)
    reference_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    code_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    retrieved_at: Mapped[datetime | None]
    exchanged_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(String(40))


class AccessTokenRow(Base):
    """The token an offer's code was exchanged for; the unique offer makes a second one impossible."""

    __tablename__ = "access_tokens"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("credential_offers.id"), unique=True)
    configurations: Mapped[list[Any]]
    by_identifier: Mapped[bool]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class NonceRow(Base):
    """A nonce handed out and not yet used; using it deletes it."""

    __tablename__ = "nonces"

    nonce_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OfferedCredentialRow(Base):
    """What an offer was spent on. `sealed` is the credential, to be sent again to the same key until the offer ends."""

    __tablename__ = "offered_credentials"

    offer_id: Mapped[str] = mapped_column(ForeignKey("credential_offers.id"), primary_key=True)
    configuration: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_thumbprint: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[str] = mapped_column(String(40), index=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime]
    notified: Mapped[str | None] = mapped_column(String(24))
