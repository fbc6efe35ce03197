"""OpenID4VCI 1.0, pre-authorized code: what a wallet may ask of this issuer, in the order in which it asks.

1. the metadata of the issuer and of its authorization server (metadata.py);
2. the offer by reference, readable again until the offer ends: only its code is single use;
3. an access token for the code and the transaction code (exchange.py);
4. a nonce, single use, five minutes;
5. the credential for a key proof over that nonce, and a notification of what became of it (delivery.py).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete

from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.issuance.delivery import Delivery
from app.issuance.exchange import CodeExchange
from app.issuance.metadata import authorization_server_metadata, issuer_metadata
from app.issuance.requests import PRE_AUTHORIZED_GRANT, CredentialRequest, Notification, TokenRequest
from app.issuance.service import TX_CODE_LENGTH, Offers
from app.issuance.tables import NonceRow
from app.openid.vault import Vault, sha256_hex
from app.openid.wire import ProtocolRefusal
from app.settings import Settings

if TYPE_CHECKING:
    from app.credentials.service import Credentials

__all__ = ["Issuance"]

NONCE_TTL: Final = timedelta(minutes=5)
SERVICE_NAME: Final = "Assay"


class Issuance:
    """The protocol's verbs. Each raises ProtocolRefusal with the code that the specification names."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        settings: Settings,
        offers: Offers,
        credentials: Credentials,
    ) -> None:
        self._database = database
        self._clock = clock
        self._issuer = settings.base_url
        self._offers = offers
        self._codes = CodeExchange(database=database, audit=audit, clock=clock, offers=offers)
        self._delivery = Delivery(
            database=database,
            audit=audit,
            clock=clock,
            issuer=settings.base_url,
            vault=Vault(settings.keys_dir / "openid.key"),
            offers=offers,
            credentials=credentials,
        )

    def issuer_metadata(self, path: str = "") -> dict[str, Any]:
        """The credential issuer metadata; `path` is what followed the well-known part of the URL."""
        self._require_own(path)
        return issuer_metadata(self._issuer, SERVICE_NAME)

    def authorization_server_metadata(self, path: str = "") -> dict[str, Any]:
        """The authorization server metadata; `path` as above."""
        self._require_own(path)
        return authorization_server_metadata(self._issuer)

    def _require_own(self, path: str) -> None:
        if path and path != urlsplit(self._issuer).path.strip("/"):
            raise ProtocolRefusal("not_found", "no issuer has this path", status=404)

    def offer_object(self, reference: str) -> dict[str, Any]:
        """The credential offer behind an offer URI."""
        offer = self._offers.by_reference(reference, mark_retrieved=True)
        if offer is None:
            raise ProtocolRefusal("not_found", "no such offer", status=404)
        if offer.state in ("expired", "canceled") or offer.expires_at <= self._clock():
            raise ProtocolRefusal("gone", "the offer has ended", status=410)
        grant: dict[str, Any] = {"pre-authorized_code": self._offers.code_of(offer.id)}
        if offer.tx_code_required:
            grant["tx_code"] = {
                "input_mode": "numeric",
                "length": TX_CODE_LENGTH,
                "description": "The code that the issuer gave you together with this offer.",
            }
        return {
            "credential_issuer": self._issuer,
            "credential_configuration_ids": list(offer.configurations),
            "grants": {PRE_AUTHORIZED_GRANT: grant},
        }

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        """Exchange a code for the one access token of its offer."""
        return self._codes.exchange(request)

    def nonce(self) -> dict[str, Any]:
        """Hand out a nonce for one key proof."""
        nonce, now = secrets.token_urlsafe(32), self._clock()
        with self._database.transaction() as session:
            session.execute(delete(NonceRow).where(NonceRow.expires_at <= now))
            session.add(NonceRow(nonce_sha256=sha256_hex(nonce), expires_at=now + NONCE_TTL))
        return {"c_nonce": nonce}

    def credential(self, token: str, request: CredentialRequest) -> dict[str, Any]:
        """Issue the credential of a grant to the key that made the proof, or send it to that key again."""
        return self._delivery.credential(token, request)

    def notify(self, token: str, notification: Notification) -> None:
        """Take note of what a wallet says of a credential."""
        self._delivery.notify(token, notification)
