"""Credential offers as an operator sees them: create, read, cancel, expire.

The dangers: an offer spent twice (threat 52), a transaction code that can be guessed (53), an offer that still works
after it was canceled (57). An offer is one row whose state changes by guarded updates; `expired` is also what a row
says whose time has passed before anybody wrote so. The offer URI, the code and the transaction code are derived from
the id under the deployment's key, so the URI can be read again until the offer ends and the database holds none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.credentials.configurations import CONFIGURATIONS
from app.database import Database
from app.identifiers import new_id
from app.issuance.errors import OfferClosed, OfferNotFound, UnknownConfiguration
from app.issuance.tables import CredentialOfferRow, NonceRow, OfferedCredentialRow
from app.openid.vault import Vault, sha256_hex
from app.settings import Settings

if TYPE_CHECKING:
    from app.access.service import Caller
    from app.verifications.approved import ApprovedVerification
    from app.verifications.service import Verifications

__all__ = ["OPEN_STATES", "TX_CODE_LENGTH", "Offer", "OfferedCredential", "Offers", "state_at"]

OPEN_STATES: Final = ("created", "retrieved", "exchanged")
TX_CODE_LENGTH: Final = 6


@dataclass(frozen=True)
class OfferedCredential:
    """One credential that an offer was spent on; `notified` is the event the wallet reported, if any."""

    configuration: str
    credential_id: str
    issued_at: datetime
    notified: str | None


@dataclass(frozen=True)
class Offer:
    """An offer at a moment. `uri`, `link` and `page_url` are there while a wallet can use them; `tx_code` at birth."""

    id: str
    state: str
    livemode: bool
    verification_session: str
    configurations: tuple[str, ...]
    tx_code_required: bool
    created_at: datetime
    expires_at: datetime
    close_reason: str | None
    issued: tuple[OfferedCredential, ...] = ()
    uri: str | None = None
    link: str | None = None
    page_url: str | None = None
    tx_code: str | None = None


def state_at(row: CredentialOfferRow, now: datetime) -> str:
    """The state that holds at `now`: an open offer whose time has passed is expired, whatever its row still says."""
    return "expired" if row.state in OPEN_STATES and row.expires_at <= now else row.state


class Offers:
    """The verbs on offers."""

    def __init__(
        self, *, database: Database, audit: Audit, clock: Clock, settings: Settings, verifications: Verifications
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._settings = settings
        self._verifications = verifications
        self._vault = Vault(settings.keys_dir / "openid.key")

    def create(
        self, *, verification_session: str, configurations: Sequence[str], tx_code: bool, caller: Caller
    ) -> Offer:
        """Offer credentials about an approved session. Raises UnknownConfiguration and what the session raises."""
        for index, name in enumerate(configurations):
            if name not in CONFIGURATIONS or name in configurations[:index]:
                known = ", ".join(sorted(CONFIGURATIONS))
                raise UnknownConfiguration(f"each once, of: {known}", pointer=f"/configurations/{index}")
        self._verifications.approved(verification_session, livemode=caller.livemode)
        self.sweep()
        now, offer_id = self._clock(), new_id("off")
        row = CredentialOfferRow(
            id=offer_id,
            livemode=caller.livemode,
            verification_session=verification_session,
            configurations=list(configurations),
            state="created",
            tx_code_required=tx_code,
            tx_code_tries=0,
            reference_sha256=sha256_hex(self._vault.derive("offer-reference", offer_id)),
            code_sha256=sha256_hex(self.code_of(offer_id)),
            created_at=now,
            expires_at=now + timedelta(seconds=self._settings.offer_ttl_s),
        )
        with self._database.transaction() as session:
            session.add(row)
            detail = {"verification_session": verification_session, "configurations": list(configurations)}
            self._audit.record(session, actor=caller.actor, action="offer.created", subject=offer_id, detail=detail)
        offer = self._view(row, (), now)
        return replace(offer, tx_code=self.tx_code_of(offer_id)) if tx_code else offer

    def get(self, offer_id: str, *, livemode: bool) -> Offer:
        """Read one offer. Raises OfferNotFound."""
        with self._database.reading() as session:
            row = self._owned(session, offer_id, livemode)
            return self._view(row, self._issued(session, offer_id), self._clock())

    def cancel(self, offer_id: str, *, caller: Caller) -> Offer:
        """Close an offer that is not yet spent; a second time changes nothing. Raises OfferNotFound, OfferClosed."""
        with self._database.transaction() as session:
            row = self._owned(session, offer_id, caller.livemode)
            closed = self.close(session, offer_id, state="canceled", reason="canceled_by_operator")
            if closed:
                self._audit.record(session, actor=caller.actor, action="offer.canceled", subject=offer_id)
            session.refresh(row)
            if not closed and row.state != "canceled":
                raise OfferClosed(f"the offer is {state_at(row, self._clock())}")
            return self._view(row, self._issued(session, offer_id), self._clock())

    def by_reference(self, reference: str, *, mark_retrieved: bool = False) -> Offer | None:
        """The offer behind an unguessable reference, or None. `mark_retrieved` when a wallet reads the offer itself."""
        found = CredentialOfferRow.reference_sha256 == sha256_hex(reference)
        with self._database.reading() as session:
            row = session.scalar(select(CredentialOfferRow).where(found))
            if row is None:
                return None
            session.expunge(row)
        if mark_retrieved and state_at(row, self._clock()) == "created":
            self._mark_retrieved(row)
        return self._view(row, (), self._clock())

    def approved(self, offer: Offer) -> ApprovedVerification:
        """The session behind an offer, if it is approved still."""
        return self._verifications.approved(offer.verification_session, livemode=offer.livemode)

    def code_of(self, offer_id: str) -> str:
        """The pre-authorized code, 256 bits."""
        return self._vault.derive("pre-authorized-code", offer_id)

    def tx_code_of(self, offer_id: str) -> str:
        """The transaction code, decimal digits."""
        return self._vault.digits("tx-code", offer_id, TX_CODE_LENGTH)

    def close(self, session: Session, offer_id: str, *, state: str, reason: str) -> bool:
        """Move an unspent offer to a final state and forget what it kept; False if it was closed or spent already."""
        now = self._clock()
        moved = session.execute(
            update(CredentialOfferRow)
            .where(CredentialOfferRow.id == offer_id, CredentialOfferRow.state.in_(OPEN_STATES))
            .where(CredentialOfferRow.expires_at > now)
            .values(state=state, closed_at=now, close_reason=reason)
            .returning(CredentialOfferRow.id)
        ).first()
        if moved is None:
            return False
        self._forget(session, [offer_id])
        return True

    def sweep(self) -> int:
        """Write down what has expired and forget what was kept for it; returns how many offers expired."""
        now = self._clock()
        with self._database.reading() as session:
            due = session.scalars(
                select(CredentialOfferRow.id)
                .join(OfferedCredentialRow, OfferedCredentialRow.offer_id == CredentialOfferRow.id, isouter=True)
                .where(CredentialOfferRow.expires_at <= now)
                .where(CredentialOfferRow.state.in_(OPEN_STATES) | OfferedCredentialRow.sealed.is_not(None))
                .distinct()
                .limit(500)
            ).all()
        if not due:
            return 0
        with self._database.transaction() as session:
            expired = session.scalars(
                update(CredentialOfferRow)
                .where(CredentialOfferRow.id.in_(due), CredentialOfferRow.state.in_(OPEN_STATES))
                .values(state="expired", closed_at=now)
                .returning(CredentialOfferRow.id)
            ).all()
            self._forget(session, due)
            session.execute(delete(NonceRow).where(NonceRow.expires_at <= now))
            for offer_id in expired:
                self._audit.record(session, actor="system", action="offer.expired", subject=offer_id)
        return len(expired)

    def _forget(self, session: Session, offer_ids: Sequence[str]) -> None:
        ours = OfferedCredentialRow.offer_id.in_(offer_ids)
        session.execute(update(OfferedCredentialRow).where(ours).values(sealed=None))

    def _mark_retrieved(self, row: CredentialOfferRow) -> None:
        with self._database.transaction() as session:
            moved = session.execute(
                update(CredentialOfferRow)
                .where(CredentialOfferRow.id == row.id, CredentialOfferRow.state == "created")
                .values(state="retrieved", retrieved_at=self._clock())
                .returning(CredentialOfferRow.id)
            ).first()
            if moved:
                self._audit.record(session, actor="wallet", action="offer.retrieved", subject=row.id)
        row.state = "retrieved"

    def _owned(self, session: Session, offer_id: str, livemode: bool) -> CredentialOfferRow:
        row = session.get(CredentialOfferRow, offer_id)
        if row is None or row.livemode != livemode:
            raise OfferNotFound("no such offer for this API key")
        return row

    def _issued(self, session: Session, offer_id: str) -> tuple[OfferedCredential, ...]:
        rows = session.scalars(
            select(OfferedCredentialRow)
            .where(OfferedCredentialRow.offer_id == offer_id)
            .order_by(OfferedCredentialRow.issued_at, OfferedCredentialRow.configuration)
        )
        return tuple(OfferedCredential(r.configuration, r.credential_id, r.issued_at, r.notified) for r in rows)

    def _view(self, row: CredentialOfferRow, issued: tuple[OfferedCredential, ...], now: datetime) -> Offer:
        state = state_at(row, now)
        reference = self._vault.derive("offer-reference", row.id)
        uri = f"{self._settings.base_url}/oid4vci/offers/{reference}"
        usable = state in ("created", "retrieved")
        return Offer(
            id=row.id,
            state=state,
            livemode=row.livemode,
            verification_session=row.verification_session,
            configurations=tuple(row.configurations),
            tx_code_required=row.tx_code_required,
            created_at=row.created_at,
            expires_at=row.expires_at,
            close_reason=row.close_reason,
            issued=issued,
            uri=uri if usable else None,
            link=f"openid-credential-offer://?credential_offer_uri={quote(uri, safe='')}" if usable else None,
            page_url=f"{self._settings.base_url}/offer/{reference}" if usable else None,
        )
