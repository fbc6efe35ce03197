"""The two API keys of a first start, made once and returned once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from app.access.service import Access
from app.access.tables import ApiKeyRow
from app.database import Database

__all__ = ["FirstKeys", "create_first_keys"]


@dataclass(frozen=True)
class FirstKeys:
    """The secrets, which cannot be read again."""

    live: str
    test: str


def create_first_keys(database: Database, access: Access) -> FirstKeys | None:
    """Make a live and a test key if there has never been a key, revoked ones included; None otherwise."""
    with database.transaction() as session:
        if session.scalar(select(func.count()).select_from(ApiKeyRow)):
            return None
        _, live = access.create_key(session, name="first live key", livemode=True, actor="bootstrap")
        _, test = access.create_key(session, name="first test key", livemode=False, actor="bootstrap")
    return FirstKeys(live, test)
