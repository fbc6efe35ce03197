"""Revoke, suspend, reinstate: state, ledger job and audit row in one transaction, answered before the chain knows.

The danger: a change that is acknowledged and lost, or two changes that race and leave database and chain apart. The
state moves by one guarded UPDATE whose row count decides; the same transaction queues what must be written on chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.credentials.states import (
    FROM_STATES,
    STATUS_CODES,
    Change,
    CredentialNotFound,
    CredentialRevoked,
    State,
    check_reason,
)
from app.credentials.tables import CredentialRow, StatusChangeRow
from app.database import Database
from app.errors import ServiceError
from app.identifiers import new_id
from app.ledger.service import Ledger

__all__ = ["StatusVerbs"]

CHUNK: Final = 200
"""Credentials changed in one transaction: long enough to save flushes, short enough not to hold up other writers."""
_ACTIONS: Final = {
    "revoked": "credential.revoked",
    "suspended": "credential.suspended",
    "active": "credential.reinstated",
}


class StatusVerbs:
    """The verbs that change a status. Each is idempotent: repeating it answers with the change that was made."""

    def __init__(self, *, database: Database, audit: Audit, clock: Clock, ledger: Ledger) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._ledger = ledger

    def revoke(
        self,
        credential_id: str,
        *,
        reason: str,
        actor: str,
        note: str | None = None,
        livemode: bool | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Revoke for good. Raises CredentialNotFound, UnknownReason."""
        return self.change_many(
            [credential_id], "revoked", reason=reason, actor=actor, note=note, livemode=livemode, dry_run=dry_run
        )[0]

    def suspend(
        self,
        credential_id: str,
        *,
        reason: str,
        actor: str,
        note: str | None = None,
        livemode: bool | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Suspend until reinstated. Raises CredentialNotFound, CredentialRevoked, UnknownReason."""
        return self.change_many(
            [credential_id], "suspended", reason=reason, actor=actor, note=note, livemode=livemode, dry_run=dry_run
        )[0]

    def reinstate(
        self,
        credential_id: str,
        *,
        reason: str,
        actor: str,
        note: str | None = None,
        livemode: bool | None = None,
        dry_run: bool = False,
    ) -> Change:
        """End a suspension. Raises CredentialNotFound, CredentialRevoked, UnknownReason."""
        return self.change_many(
            [credential_id], "active", reason=reason, actor=actor, note=note, livemode=livemode, dry_run=dry_run
        )[0]

    def change_many(
        self,
        credential_ids: Sequence[str],
        to_state: State,
        *,
        reason: str,
        actor: str,
        note: str | None = None,
        livemode: bool | None = None,
        dry_run: bool = False,
    ) -> list[Change]:
        """Bring credentials to a state, in chunks of one transaction each; a chunk with an error changes nothing.

        With `dry_run` returns what would change and changes nothing.
        """
        check_reason(reason)
        changes: list[Change] = []
        for start in range(0, len(credential_ids), CHUNK):
            chunk = credential_ids[start : start + CHUNK]
            if dry_run:
                with self._database.reading() as session:
                    changes += [self._plan(session, credential_id, to_state, livemode) for credential_id in chunk]
                continue
            with self._database.transaction() as session:
                # Rows are locked in one order and the audit log's one lock comes last: two chunks cannot deadlock.
                made = {
                    credential_id: self._change(session, credential_id, to_state, reason, note, actor, livemode)
                    for credential_id in sorted(set(chunk))
                }
                for change in made.values():
                    self._audit_change(session, change, reason, actor)
            changes += [made[credential_id] for credential_id in chunk]
            self._ledger.notify()
        return changes

    def _audit_change(self, session: Session, change: Change, reason: str, actor: str) -> None:
        if change.changed:
            detail = {"from": change.from_state, "reason": reason}
            action = _ACTIONS[change.to_state]
            self._audit.record(session, actor=actor, action=action, subject=change.credential_id, detail=detail)

    def plan_many(
        self, credential_ids: Sequence[str], to_state: State, *, livemode: bool | None = None
    ) -> list[Change | ServiceError]:
        """What `change_many` would do to each, or the error it would end with; changes nothing."""
        found: list[Change | ServiceError] = []
        with self._database.reading() as session:
            for credential_id in credential_ids:
                try:
                    found.append(self._plan(session, credential_id, to_state, livemode))
                except (CredentialNotFound, CredentialRevoked) as error:
                    found.append(error)
        return found

    def _plan(self, session: Session, credential_id: str, to_state: State, livemode: bool | None) -> Change:
        row = session.get(CredentialRow, credential_id, populate_existing=True)
        if row is None or livemode not in (None, row.livemode):
            raise CredentialNotFound(f"no credential {credential_id[:60]}")
        if row.state == to_state:
            return Change(row.id, row.state, to_state, False, self._latest_job(session, row.id))
        if row.state not in FROM_STATES[to_state]:
            raise CredentialRevoked(f"credential {row.id} is {row.state}, which is final")
        return Change(row.id, row.state, to_state, True, None)

    def _change(
        self,
        session: Session,
        credential_id: str,
        to_state: State,
        reason: str,
        note: str | None,
        actor: str,
        livemode: bool | None,
    ) -> Change:
        planned = self._plan(session, credential_id, to_state, livemode)
        if not planned.changed:
            return planned
        now = self._clock()
        moved = session.execute(
            update(CredentialRow)
            .where(CredentialRow.id == credential_id, CredentialRow.state == planned.from_state)
            .values(state=to_state, state_reason=reason, changed_at=now)
            .returning(CredentialRow.list_id, CredentialRow.list_index)
            .execution_options(synchronize_session=False)
        ).first()
        if moved is None:
            # Somebody else's change committed in between (PostgreSQL): judge the state that holds now.
            return self._change(session, credential_id, to_state, reason, note, actor, livemode)
        job_id = self._ledger.enqueue_status(
            session, key=new_id("chg"), list_id=moved[0], index=moved[1], status=STATUS_CODES[to_state]
        )
        session.add(
            StatusChangeRow(
                credential_id=credential_id,
                from_state=planned.from_state,
                to_state=to_state,
                reason=reason,
                note=note,
                actor=actor,
                job_id=job_id,
                created_at=now,
            )
        )
        return Change(credential_id, planned.from_state, to_state, True, job_id)

    @staticmethod
    def _latest_job(session: Session, credential_id: str) -> int | None:
        return session.scalar(
            select(StatusChangeRow.job_id)
            .where(StatusChangeRow.credential_id == credential_id)
            .order_by(StatusChangeRow.id.desc())
            .limit(1)
        )
