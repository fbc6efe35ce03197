"""API keys: only a hash of the secret is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["ApiKeyRow"]


class ApiKeyRow(Base):
    """One key. `livemode` False marks a test key: what it makes is marked as test mode for ever."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    livemode: Mapped[bool]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
