"""The token endpoint: a pre-authorized code, with its transaction code, for the one access token of its offer.

The dangers: one code exchanged fifty times in parallel (threat 52), a transaction code guessed (53), a code that a
wrong guess burns for its owner (keycloak #49787). Counting, comparing and spending are one transaction, and the update
that counts comes first, so that parallel guesses get no more comparisons than sequential ones.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.issuance.requests import TokenRequest, authorized_configurations
from app.issuance.service import Offers, state_at
from app.issuance.tables import AccessTokenRow, CredentialOfferRow
from app.openid.vault import sha256_hex
from app.openid.wire import ProtocolRefusal

__all__ = ["CodeExchange"]

MAX_TX_CODE_TRIES: Final = 5
TOKEN_TTL: Final = timedelta(minutes=5)
"""Longest life of a bearer token (OpenID4VCI section 13.10); it never outlives its offer."""
_GONE: Final = "the code is unknown, used, expired or canceled"


class CodeExchange:
    """Spends codes."""

    def __init__(self, *, database: Database, audit: Audit, clock: Clock, offers: Offers) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._offers = offers

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        """Exchange a code for the one access token of its offer."""
        with self._database.reading() as session:
            found = CredentialOfferRow.code_sha256 == sha256_hex(request.code)
            row = session.scalar(select(CredentialOfferRow).where(found))
            session.expunge_all()
        if row is None or state_at(row, self._clock()) not in ("created", "retrieved"):
            raise ProtocolRefusal("invalid_grant", _GONE)
        if row.tx_code_required and not request.tx_code:
            raise ProtocolRefusal("invalid_request", "tx_code is missing")
        if not row.tx_code_required and request.tx_code is not None:
            raise ProtocolRefusal("invalid_request", "tx_code was sent though none is expected")
        names = list(row.configurations)
        if request.details is not None:
            names = authorized_configurations(request.details, names)
        now = self._clock()
        token = secrets.token_urlsafe(32)
        expires_at = min(now + TOKEN_TTL, row.expires_at)
        with self._database.transaction() as session:
            refusal = self._spend_code(session, row, request.tx_code)
            if refusal is None:
                session.add(
                    AccessTokenRow(
                        token_sha256=sha256_hex(token),
                        offer_id=row.id,
                        configurations=names,
                        by_identifier=request.details is not None,
                        issued_at=now,
                        expires_at=expires_at,
                    )
                )
                self._audit.record(session, actor="wallet", action="offer.exchanged", subject=row.id)
        if refusal is not None:
            raise refusal
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": max(1, int((expires_at - now).total_seconds())),
        }
        if request.details is not None:
            answer["authorization_details"] = [
                {"type": "openid_credential", "credential_configuration_id": name, "credential_identifiers": [name]}
                for name in names
            ]
        return answer

    def _spend_code(self, session: Session, row: CredentialOfferRow, tx_code: str | None) -> ProtocolRefusal | None:
        """Count the try, compare, spend the code. A refusal is returned, so that what was counted is committed."""
        gone = ProtocolRefusal("invalid_grant", _GONE)
        unspent = (
            CredentialOfferRow.id == row.id,
            CredentialOfferRow.state.in_(("created", "retrieved")),
            CredentialOfferRow.expires_at > self._clock(),
        )
        if row.tx_code_required:
            tries = session.scalar(
                update(CredentialOfferRow)
                .where(*unspent, CredentialOfferRow.tx_code_tries < MAX_TX_CODE_TRIES)
                .values(tx_code_tries=CredentialOfferRow.tx_code_tries + 1)
                .returning(CredentialOfferRow.tx_code_tries)
            )
            if tries is None:
                return gone
            if not hmac.compare_digest((tx_code or "").encode(), self._offers.tx_code_of(row.id).encode()):
                return self._wrong_tx_code(session, row, tries)
        spent = session.execute(
            update(CredentialOfferRow)
            .where(*unspent)
            .values(state="exchanged", exchanged_at=self._clock())
            .returning(CredentialOfferRow.id)
        ).first()
        return gone if spent is None else None

    def _wrong_tx_code(self, session: Session, row: CredentialOfferRow, tries: int) -> ProtocolRefusal:
        left = MAX_TX_CODE_TRIES - tries
        detail = {"tries": tries}
        self._audit.record(session, actor="wallet", action="offer.wrong_tx_code", subject=row.id, detail=detail)
        if left > 0:
            return ProtocolRefusal("invalid_grant", f"wrong tx_code; tries left: {left}")
        self._offers.close(session, row.id, state="canceled", reason="too_many_tx_codes")
        self._audit.record(session, actor="system", action="offer.locked", subject=row.id)
        return ProtocolRefusal("invalid_grant", "wrong tx_code; the offer is closed")
