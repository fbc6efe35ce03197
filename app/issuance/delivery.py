"""The credential and notification endpoints: a key proof for a credential, and what became of it.

The dangers: a nonce or proof used twice, also for another grant; one grant claimed by two keys (walt.id #2074); two
parallel requests that burn two status indices (threat 57); a credential that was signed and never arrived. Whatever can
be checked without writing is checked first. Then one transaction locks the offer, consumes the nonce and either issues
or finds what was issued; the same key gets the same bytes again, any other key nothing (docs/decisions/0007).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.credentials.configurations import CONFIGURATIONS, CredentialConfiguration
from app.database import Database
from app.errors import Conflict, ServiceError
from app.issuance.requests import CredentialRequest, Notification
from app.issuance.service import Offer, Offers, state_at
from app.issuance.tables import AccessTokenRow, CredentialOfferRow, NonceRow, OfferedCredentialRow
from app.openid.vault import Vault, sha256_hex
from app.openid.wire import ProtocolRefusal
from did.errors import KernelError
from did.presentations.openid4vci_proof import KeyProof, verify_key_proof

if TYPE_CHECKING:
    from app.credentials.service import Credentials
    from app.verifications.approved import ApprovedVerification

__all__ = ["Delivery"]


@dataclass(frozen=True)
class _Grant:
    """What an access token allows, and when it ends."""

    offer: Offer
    configurations: tuple[str, ...]
    by_identifier: bool
    expires_at: datetime


class Delivery:
    """Hands out credentials."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        issuer: str,
        vault: Vault,
        offers: Offers,
        credentials: Credentials,
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._issuer = issuer
        self._vault = vault
        self._offers = offers
        self._credentials = credentials

    def credential(self, token: str, request: CredentialRequest) -> dict[str, Any]:
        """Issue the credential of a grant to the key that made the proof, or send it to that key again."""
        grant = self._grant(token)
        configuration = self._configuration(grant, request)
        proof = self._verified_proof(request.proof, configuration)
        try:
            verification = self._offers.approved(grant.offer)
        except ServiceError as error:
            raise ProtocolRefusal("credential_request_denied", f"the verification forbids it: {error.code}") from error
        try:
            with self._database.transaction() as session:
                outcome = self._issue_once(session, grant.offer, configuration, proof, verification)
        except Conflict as error:
            raise ProtocolRefusal("credential_request_denied", f"it can no longer be issued: {error.code}") from error
        if isinstance(outcome, ProtocolRefusal):
            raise outcome
        return {
            "credentials": [{"credential": outcome}],
            "notification_id": self._notification_id(grant.offer.id, configuration.id),
        }

    def _issue_once(
        self,
        session: Session,
        offer: Offer,
        configuration: CredentialConfiguration,
        proof: KeyProof,
        verification: ApprovedVerification,
    ) -> dict[str, Any] | str | ProtocolRefusal:
        """Consume the nonce, then issue or find the credential. A refusal is returned: the nonce stays consumed."""
        now = self._clock()
        # The update locks the offer's row: two requests of one grant follow each other on every database.
        alive = session.execute(
            update(CredentialOfferRow)
            .where(CredentialOfferRow.id == offer.id, CredentialOfferRow.state.in_(("exchanged", "issued")))
            .where(CredentialOfferRow.expires_at > now)
            .values(tx_code_tries=CredentialOfferRow.tx_code_tries)
            .returning(CredentialOfferRow.id)
        ).first()
        if alive is None:
            return ProtocolRefusal("credential_request_denied", "the offer has ended")
        consumed = session.execute(
            delete(NonceRow)
            .where(NonceRow.nonce_sha256 == sha256_hex(proof.nonce or ""), NonceRow.expires_at > now)
            .returning(NonceRow.nonce_sha256)
        ).first()
        if consumed is None:
            return ProtocolRefusal("invalid_nonce", "the nonce is unknown, used or expired; ask for a new one")
        subject = f"{offer.id}/{configuration.id}"
        given = session.get(OfferedCredentialRow, (offer.id, configuration.id))
        if given is not None:
            if given.holder_thumbprint != proof.public.thumbprint() or given.sealed is None:
                return ProtocolRefusal("credential_request_denied", "the credential was issued already")
            self._audit.record(session, actor="wallet", action="credential.sent_again", subject=given.credential_id)
            again: dict[str, Any] | str = orjson.loads(self._vault.unseal(subject, given.sealed))
            return again
        issued = self._credentials.issue(
            session,
            verification=verification,
            configuration=configuration,
            holder=proof.public,
            holder_did=proof.holder_did,
            actor=f"offer:{offer.id}",
            offer_id=offer.id,
        )
        session.add(
            OfferedCredentialRow(
                offer_id=offer.id,
                configuration=configuration.id,
                holder_thumbprint=proof.public.thumbprint(),
                credential_id=issued.credential_id,
                sealed=self._vault.seal(subject, orjson.dumps(issued.credential)),
                issued_at=now,
            )
        )
        session.flush()
        self._note_spent(session, offer, now)
        return issued.credential

    def _note_spent(self, session: Session, offer: Offer, now: datetime) -> None:
        """Call the offer issued once every configuration that its token allows was issued."""
        ours = OfferedCredentialRow.offer_id == offer.id
        issued = session.scalar(select(func.count()).select_from(OfferedCredentialRow).where(ours)) or 0
        allowed = session.scalar(select(AccessTokenRow.configurations).where(AccessTokenRow.offer_id == offer.id)) or []
        if issued < len(allowed):
            return
        session.execute(
            update(CredentialOfferRow)
            .where(CredentialOfferRow.id == offer.id, CredentialOfferRow.state == "exchanged")
            .values(state="issued", closed_at=now)
        )
        self._audit.record(session, actor="system", action="offer.issued", subject=offer.id)

    def notify(self, token: str, notification: Notification) -> None:
        """Take note of an event; the same again succeeds. Once a wallet has accepted, the sealed copy is forgotten."""
        grant = self._grant(token, for_notification=True)
        for name in grant.configurations:
            expected = self._notification_id(grant.offer.id, name)
            if hmac.compare_digest(notification.notification_id.encode(), expected.encode()):
                self._note(grant.offer.id, name, notification.event)
                return
        raise ProtocolRefusal("invalid_notification_id", "no credential was sent under this id")

    def _note(self, offer_id: str, configuration: str, event: str) -> None:
        with self._database.transaction() as session:
            row = session.get(OfferedCredentialRow, (offer_id, configuration))
            if row is None:
                raise ProtocolRefusal("invalid_notification_id", "no credential was sent under this id")
            if row.notified == event:
                return
            row.notified = event
            if event != "credential_failure":
                row.sealed = None
            self._audit.record(session, actor="wallet", action=f"wallet.{event}", subject=row.credential_id)

    def _grant(self, token: str, *, for_notification: bool = False) -> _Grant:
        """The grant behind an access token. Raises ProtocolRefusal as RFC 6750 wants it."""
        now = self._clock()
        with self._database.reading() as session:
            row = session.get(AccessTokenRow, sha256_hex(token))
            offer_row = session.get(CredentialOfferRow, row.offer_id) if row else None
            session.expunge_all()
        if row is None or offer_row is None:
            raise _token_refusal("the access token is unknown")
        state = state_at(offer_row, now)
        if state in ("expired", "canceled") and not for_notification:
            raise ProtocolRefusal("credential_request_denied", f"the offer is {state}")
        if row.expires_at <= now:
            raise _token_refusal("the access token has expired")
        offer = self._offers.get(offer_row.id, livemode=offer_row.livemode)
        return _Grant(offer, tuple(row.configurations), row.by_identifier, row.expires_at)

    def _configuration(self, grant: _Grant, request: CredentialRequest) -> CredentialConfiguration:
        if request.identifier is not None:
            if not grant.by_identifier or request.identifier not in grant.configurations:
                raise ProtocolRefusal("unknown_credential_identifier", "not an identifier of the token response")
            return CONFIGURATIONS[request.identifier]
        name = request.configuration or ""
        if name not in CONFIGURATIONS:
            raise ProtocolRefusal("unknown_credential_configuration", "no such credential configuration")
        if grant.by_identifier:
            raise ProtocolRefusal("invalid_credential_request", "use a credential_identifier of the token response")
        if name not in grant.configurations:
            raise ProtocolRefusal("credential_request_denied", "the offer does not cover this credential")
        return CONFIGURATIONS[name]

    def _verified_proof(self, jwt: str, configuration: CredentialConfiguration) -> KeyProof:
        try:
            proof = verify_key_proof(
                jwt,
                audience=self._issuer,
                now=int(self._clock().timestamp()),
                algs=frozenset(configuration.key_kinds),
            )
        except KernelError as error:
            raise ProtocolRefusal("invalid_proof", f"{error.code}: {error.detail}") from error
        if not proof.nonce:
            raise ProtocolRefusal("invalid_proof", "the key proof has no nonce")
        return proof

    def _notification_id(self, offer_id: str, configuration: str) -> str:
        return self._vault.derive("notification", f"{offer_id}/{configuration}")


def _token_refusal(description: str) -> ProtocolRefusal:
    challenge = {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{description}"'}
    return ProtocolRefusal("invalid_token", description, status=401, headers=challenge)
