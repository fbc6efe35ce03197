"""Presentation requests as an operator sees them, and verification without any request.

A request's questions, nonce, state and the issuers it trusts are fixed when it is made. What was disclosed is sealed in
the database, kept for a day and erased on demand before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.identifiers import new_id
from app.openid.vault import Vault, sha256_hex
from app.presentations.errors import InvalidPresentationRequest, PresentationRequestNotFound
from app.presentations.presets import PRESETS
from app.presentations.protocol import PresentationProtocol
from app.presentations.records import OPEN_STATES, add_event, by_reference, state_at
from app.presentations.tables import PresentationEventRow, PresentationRequestRow
from app.settings import Settings
from did.presentations.dcql import parse
from did.verify import Policy, Verified, Verifier

if TYPE_CHECKING:
    from app.access.service import Caller
    from app.issuers.service import Issuers

__all__ = ["Event", "PresentationRequest", "Presentations"]

MAX_TRUSTED_ISSUERS: Final = 100


@dataclass(frozen=True)
class Event:
    """One thing that happened to a request."""

    at: datetime
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class PresentationRequest:
    """A request at a moment. `verdict` once it was judged; `disclosed` follows the verdict's credentials, if kept."""

    id: str
    state: str
    livemode: bool
    dcql_query: dict[str, Any]
    trusted_issuers: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    wallet_error: str | None
    verdict: dict[str, Any] | None
    disclosed: tuple[dict[str, Any], ...] | None
    claims_until: datetime | None
    request_uri: str | None
    link: str | None
    page_url: str | None


class Presentations:
    """The verbs on presentation requests; `protocol` is the half that wallets see."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        settings: Settings,
        issuers: Issuers,
        verifier: Verifier,
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._settings = settings
        self._issuers = issuers
        self._verifier = verifier
        self._vault = Vault(settings.keys_dir / "openid.key")
        self.protocol = PresentationProtocol(
            database=database,
            audit=audit,
            clock=clock,
            base_url=settings.base_url,
            vault=self._vault,
            issuers=issuers,
            verifier=verifier,
        )

    def create(
        self,
        *,
        dcql_query: Mapping[str, Any] | None,
        preset: str | None,
        trusted_issuers: Sequence[str] | None,
        caller: Caller,
    ) -> PresentationRequest:
        """Make a request from a DCQL query or a preset. Raises InvalidPresentationRequest, InvalidQuery."""
        query = self._query(dcql_query, preset)
        trusted = self._trusted(trusted_issuers)
        self.sweep()
        now, request_id = self._clock(), new_id("preq")
        row = PresentationRequestRow(
            id=request_id,
            livemode=caller.livemode,
            dcql_query=query,
            trusted_issuers=trusted,
            state="requested",
            reference_sha256=sha256_hex(self._vault.derive("presentation-reference", request_id)),
            created_at=now,
            expires_at=now + timedelta(seconds=self._settings.presentation_ttl_s),
        )
        with self._database.transaction() as session:
            session.add(row)
            session.flush()
            add_event(session, request_id, now, "request_created")
            self._audit.record(session, actor=caller.actor, action="presentation.requested", subject=request_id)
        return self._view(row)

    def get(self, request_id: str, *, livemode: bool) -> PresentationRequest:
        """Read a request and its result. Raises PresentationRequestNotFound."""
        with self._database.reading() as session:
            return self._view(self._owned(session, request_id, livemode))

    def events(self, request_id: str, *, livemode: bool) -> list[Event]:
        """What happened to a request, oldest first."""
        with self._database.reading() as session:
            self._owned(session, request_id, livemode)
            rows = session.scalars(
                select(PresentationEventRow)
                .where(PresentationEventRow.request_id == request_id)
                .order_by(PresentationEventRow.sequence)
            )
            return [Event(row.at, row.kind, row.detail) for row in rows]

    def erase_claims(self, request_id: str, *, caller: Caller) -> PresentationRequest:
        """Forget what was disclosed; the verdict stays. A second time changes nothing."""
        with self._database.transaction() as session:
            row = self._owned(session, request_id, caller.livemode)
            if row.sealed_claims is not None:
                row.sealed_claims, row.claims_until = None, None
                add_event(session, request_id, self._clock(), "claims_erased")
                self._audit.record(session, actor=caller.actor, action="presentation.claims_erased", subject=request_id)
            return self._view(row)

    def by_reference(self, reference: str) -> PresentationRequest | None:
        """The request behind an unguessable reference, for its page."""
        with self._database.reading() as session:
            row = by_reference(session, reference)
            return None if row is None else self._view(row, with_claims=False)

    def verify(
        self,
        thing: str | dict[str, Any],
        *,
        trusted_issuers: Sequence[str] | None,
        audience: str | None,
        nonce: str | None,
        presentation: bool,
        caller: Caller,
    ) -> Verified:
        """Verify a credential or a presentation that came some other way; nothing is kept."""
        policy = Policy(
            now=self._clock(),
            audience=audience,
            nonce=nonce,
            require_holder_binding=presentation,
            trusted_issuers=frozenset(self._trusted(trusted_issuers)),
            accept_test_mode=not caller.livemode,
        )
        return self._verifier.verify(thing, policy)

    def sweep(self) -> int:
        """Write down what has expired and erase claims whose retention is over; returns how many requests expired."""
        now = self._clock()
        table = PresentationRequestRow
        overdue = (table.expires_at <= now) & table.state.in_(OPEN_STATES)
        with self._database.reading() as session:
            due = session.scalars(select(table.id).where(overdue).limit(500)).all()
            stale = session.scalars(select(table.id).where(table.claims_until <= now).limit(500)).all()
        if not due and not stale:
            return 0
        with self._database.transaction() as session:
            expired = session.scalars(
                update(table).where(table.id.in_(due), overdue).values(state="expired").returning(table.id)
            ).all()
            session.execute(update(table).where(table.id.in_(stale)).values(sealed_claims=None, claims_until=None))
            for request_id in expired:
                add_event(session, request_id, now, "request_expired")
                self._audit.record(session, actor="system", action="presentation.expired", subject=request_id)
        return len(expired)

    def _query(self, dcql_query: Mapping[str, Any] | None, preset: str | None) -> dict[str, Any]:
        if (dcql_query is None) == (preset is None):
            raise InvalidPresentationRequest("send exactly one of dcql_query and preset", pointer="/dcql_query")
        if preset is not None:
            if preset not in PRESETS:
                raise InvalidPresentationRequest(f"one of: {', '.join(PRESETS)}", pointer="/preset")
            return PRESETS[preset]()
        query = dict(dcql_query or {})
        parse(query)
        for index, entry in enumerate(query["credentials"]):
            if entry.get("require_cryptographic_holder_binding", True) is not True:
                raise InvalidPresentationRequest(
                    "a presentation without holder binding is not accepted here",
                    pointer=f"/dcql_query/credentials/{index}/require_cryptographic_holder_binding",
                )
        return query

    def _trusted(self, trusted_issuers: Sequence[str] | None) -> list[str]:
        """The issuers to trust; by default this deployment's own."""
        if trusted_issuers is None:
            return sorted({self._issuers.did("ethr"), self._issuers.did("web")})
        if not 0 < len(trusted_issuers) <= MAX_TRUSTED_ISSUERS or not all(
            d.startswith("did:") for d in trusted_issuers
        ):
            raise InvalidPresentationRequest(
                f"between 1 and {MAX_TRUSTED_ISSUERS} DIDs; leave it out for this service's own",
                pointer="/trusted_issuers",
            )
        return sorted(set(trusted_issuers))

    def _owned(self, session: Session, request_id: str, livemode: bool) -> PresentationRequestRow:
        row = session.get(PresentationRequestRow, request_id)
        if row is None or row.livemode != livemode:
            raise PresentationRequestNotFound("no such presentation request for this API key")
        return row

    def _view(self, row: PresentationRequestRow, *, with_claims: bool = True) -> PresentationRequest:
        now = self._clock()
        state = state_at(row, now)
        kept = with_claims and row.sealed_claims is not None and row.claims_until is not None and row.claims_until > now
        reference = self._vault.derive("presentation-reference", row.id)
        request_uri = f"{self._settings.base_url}/oid4vp/request/{reference}"
        usable = state in ("requested", "retrieved")
        return PresentationRequest(
            id=row.id,
            state=state,
            livemode=row.livemode,
            dcql_query=row.dcql_query,
            trusted_issuers=tuple(row.trusted_issuers),
            created_at=row.created_at,
            expires_at=row.expires_at,
            decided_at=row.decided_at,
            wallet_error=row.wallet_error,
            verdict=row.verdict,
            disclosed=tuple(orjson.loads(self._vault.unseal(row.id, row.sealed_claims or b""))) if kept else None,
            claims_until=row.claims_until if kept else None,
            request_uri=request_uri if usable else None,
            link=self._link(request_uri) if usable else None,
            page_url=f"{self._settings.base_url}/present/{reference}" if usable else None,
        )

    def _link(self, request_uri: str) -> str:
        _, _, client_id = self._issuers.request_signer()
        return (
            f"openid4vp://?client_id={quote(client_id, safe='')}"
            f"&request_uri={quote(request_uri, safe='')}&request_uri_method=post"
        )
