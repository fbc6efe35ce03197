"""Make, check and revoke API keys.

A key is `sk_live_` or `sk_test_` and 32 random bytes; 256 bits of entropy make a plain SHA-256 the right hash, and the
lookup by hash is its own constant-time comparison. The secret is returned once and never logged.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.access.tables import ApiKeyRow
from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.errors import NotFound, ServiceError
from app.identifiers import new_id

__all__ = ["ALL_SCOPES", "Access", "Caller", "Forbidden", "Unauthorized"]

ALL_SCOPES = (
    "sessions:write",
    "sessions:read",
    "credentials:issue",
    "credentials:read",
    "credentials:revoke",
    "presentations:verify",
)


class Unauthorized(ServiceError):
    """No API key, or not one that is valid now."""

    code = "unauthorized"


class Forbidden(ServiceError):
    """The key is valid but lacks the scope."""

    code = "forbidden"


@dataclass(frozen=True)
class Caller:
    """Who calls, as the key says."""

    key_id: str
    livemode: bool
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """The name under which the audit log knows the caller."""
        return f"key:{self.key_id}"

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the key has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"the API key needs the scope {scope}")


class Access:
    """The verbs on API keys."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def create_key(
        self, session: Session, *, name: str, livemode: bool, scopes: Iterable[str] = ALL_SCOPES, actor: str
    ) -> tuple[str, str]:
        """Create a key in the caller's transaction and return (id, secret); the secret cannot be read again."""
        unknown = sorted(set(scopes) - set(ALL_SCOPES))
        if unknown:
            raise ServiceError(f"unknown scopes: {', '.join(unknown)}", pointer="/scopes")
        secret = f"sk_{'live' if livemode else 'test'}_{secrets.token_urlsafe(32)}"
        row = ApiKeyRow(
            id=new_id("ak"),
            name=name,
            secret_sha256=_digest(secret),
            scopes=sorted(scopes),
            livemode=livemode,
            created_at=self._clock(),
        )
        session.add(row)
        self._audit.record(
            session,
            actor=actor,
            action="api_key.created",
            subject=row.id,
            detail={"scopes": row.scopes, "livemode": livemode},
        )
        return row.id, secret

    def authenticate(self, secret: str) -> Caller:
        """Return the caller behind a secret, or raise Unauthorized."""
        if not secret.startswith(("sk_live_", "sk_test_")) or len(secret) > 100:
            raise Unauthorized("send `Authorization: Bearer sk_...`")
        with self._database.reading() as session:
            row = session.scalar(
                select(ApiKeyRow).where(ApiKeyRow.secret_sha256 == _digest(secret), ApiKeyRow.revoked_at.is_(None))
            )
        if row is None:
            raise Unauthorized("the API key is unknown or revoked")
        return Caller(key_id=row.id, livemode=row.livemode, scopes=frozenset(row.scopes))

    def revoke_key(self, key_id: str, *, actor: str) -> None:
        """Revoke a key; revoking it again changes nothing."""
        with self._database.transaction() as session:
            if session.get(ApiKeyRow, key_id) is None:
                raise NotFound(f"no API key {key_id}")
            changed = session.execute(
                update(ApiKeyRow)
                .where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
                .values(revoked_at=self._clock())
                .returning(ApiKeyRow.id)
            ).first()
            if changed:
                self._audit.record(session, actor=actor, action="api_key.revoked", subject=key_id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
