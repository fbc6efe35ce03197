"""Status lists: made in the registry before they are used, filled at random, replaced in time.

The danger is an index that tells something: sequential indices give away how many credentials there are and when they
were issued, so a free one is drawn at random. A list takes credentials up to half its capacity, its successor being
made on chain from then on; the rest is room for the draw and for a successor that is late.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.clock import Clock
from app.credentials.tables import CredentialRow, StatusListRow
from app.database import Database
from app.errors import NotFound, ServiceError
from app.ledger.service import Ledger
from app.settings import Settings
from contracts.status_registry import CredentialStatusRegistry

__all__ = ["CAPACITY", "Allocation", "StatusListFull", "StatusListNotFound", "StatusLists"]

CAPACITY: Final = 131_072
"""The least that Bitstring Status List 1.0 allows, so that one entry hides among many."""
BITS: Final = 2
_HARD_LIMIT: Final = 0.9
_DRAWS: Final = 400
"""At nine tenths full, 400 draws all miss with a probability of 0.9^400, below 1e-18."""


class StatusListFull(ServiceError):
    """No list in the registry has room; a new one is on its way."""

    code = "status_list_full"


class StatusListNotFound(NotFound):
    """No such status list here."""

    code = "status_list_not_found"


@dataclass(frozen=True)
class Allocation:
    """A place in a list: what a credential's status entries name."""

    chain_id: int
    registry: str
    list_id: str
    index: int


class StatusLists:
    """Makes lists and gives out places."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        settings: Settings,
        ledger: Ledger,
        registry: CredentialStatusRegistry,
        identity: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._ledger = ledger
        self._registry = registry
        self._identity = identity

    def uri(self, list_id: str) -> str:
        """Where the list is published."""
        return f"{self._settings.base_url}/status/{list_id}"

    def ensure_current(self) -> int:
        """See to it that a list with room exists or is on its way; returns the job that makes the newest one."""
        with self._database.transaction() as session:
            newest = session.scalar(self._ours().order_by(StatusListRow.sequence.desc()).limit(1))
            if newest is not None and newest.allocated < CAPACITY // 2:
                return newest.job_id
            salt = secrets.token_bytes(32)
            list_id = "0x" + self._registry.list_id(self._identity, salt).hex()
            job_id = self._ledger.enqueue_call(
                session,
                key=f"list:{list_id}",
                purpose="createList",
                to=self._registry.address,
                data=self._registry.encode_create_list(
                    self._identity, salt, bits=BITS, capacity=CAPACITY, irreversible=True, uri=self.uri(list_id)
                ),
            )
            highest = session.scalar(select(func.max(StatusListRow.sequence))) or 0
            session.add(
                StatusListRow(
                    id=list_id,
                    chain_id=self._registry.chain.chain_id,
                    registry_address=self._registry.address,
                    sequence=highest + 1,
                    capacity=CAPACITY,
                    bits=BITS,
                    job_id=job_id,
                    created_at=self._clock(),
                )
            )
        self._ledger.notify()
        return job_id

    def have_room(self) -> bool:
        """Whether a list that is in the registry takes credentials now."""
        with self._database.reading() as session:
            lists = self._candidates(session)
            states = self._ledger.states(session, [row.job_id for row in lists])
            return any(states[row.job_id].written and row.allocated < int(row.capacity * _HARD_LIMIT) for row in lists)

    def allocate(self, session: Session) -> Allocation:
        """Take a random free place in the caller's transaction. Raises StatusListFull."""
        lists = self._candidates(session)
        states = self._ledger.states(session, [row.job_id for row in lists])
        for row in lists:
            if not states[row.job_id].written:
                continue
            taken = session.scalar(
                update(StatusListRow)
                .where(StatusListRow.id == row.id, StatusListRow.allocated < int(row.capacity * _HARD_LIMIT))
                .values(allocated=StatusListRow.allocated + 1)
                .returning(StatusListRow.id)
                .execution_options(synchronize_session=False)
            )
            if taken is not None:
                return Allocation(row.chain_id, row.registry_address, row.id, self._draw(session, row))
        raise StatusListFull("no status list has room yet; try again in a moment")

    def _candidates(self, session: Session) -> list[StatusListRow]:
        return list(session.scalars(self._ours().order_by(StatusListRow.sequence.desc()).limit(3)))

    def _draw(self, session: Session, row: StatusListRow) -> int:
        for _ in range(_DRAWS):
            index = secrets.randbelow(row.capacity)
            used = select(CredentialRow.id).where(CredentialRow.list_id == row.id, CredentialRow.list_index == index)
            if session.scalar(used) is None:
                return index
        raise StatusListFull("no free place was found")

    def known(self, list_id: str) -> StatusListRow:
        """The row of one of our lists. Raises StatusListNotFound."""
        with self._database.reading() as session:
            row = session.scalar(self._ours().where(StatusListRow.id == list_id.lower()))
            session.expunge_all()
        if row is None:
            raise StatusListNotFound(f"no status list {list_id[:70]}")
        return row

    def _ours(self) -> Select[StatusListRow]:
        return select(StatusListRow).where(
            StatusListRow.chain_id == self._registry.chain.chain_id,
            StatusListRow.registry_address == self._registry.address,
        )
