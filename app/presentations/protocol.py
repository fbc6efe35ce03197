"""OpenID4VP 1.0, the wallet's side of a request: read it, answer it by direct_post.

The dangers: an answer accepted twice (walt.id #1771, threat 54), one made for another request (55), an answer that
could not be verified taken for a good one. The first well-formed answer takes the request in one guarded update;
judging it reads DIDs and the chain outside any transaction; the decision is written only by the submission that still
holds the request, together with its event and its audit row. Anything but a `valid` verdict is a rejection.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.audit.service import Audit
from app.clock import Clock
from app.database import Database
from app.openid.vault import Vault
from app.openid.wire import ProtocolRefusal
from app.presentations.judging import Judgement, judge
from app.presentations.records import OPEN_STATES, add_event, by_reference, open_for_submission, state_at
from app.presentations.request_object import signed_request
from app.presentations.responses import Presented, WalletError, read_response
from app.presentations.tables import PresentationRequestRow
from did.verify import Policy, Verifier

if TYPE_CHECKING:
    from app.issuers.service import Issuers

__all__ = ["CLAIMS_RETENTION", "PresentationProtocol"]

CLAIMS_RETENTION: Final = timedelta(hours=24)
"""How long disclosed claims are kept for the operator to fetch."""
_ANSWERED: Final = "the request was answered already"


class PresentationProtocol:
    """The protocol's verbs. Each raises ProtocolRefusal."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        clock: Clock,
        base_url: str,
        vault: Vault,
        issuers: Issuers,
        verifier: Verifier,
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._base_url = base_url
        self._vault = vault
        self._issuers = issuers
        self._verifier = verifier

    def request_object(self, reference: str, *, wallet_nonce: str | None = None) -> str:
        """The signed request, the same questions, nonce and state at each reading until the answer is in."""
        row = self._open_row(reference)
        signer, kid, client_id = self._issuers.request_signer()
        if row.state == "requested":
            self._mark_retrieved(row.id)
        return signed_request(
            signer=signer,
            kid=kid,
            client_id=client_id,
            response_uri=f"{self._base_url}/oid4vp/response/{reference}",
            nonce=self._vault.derive("presentation-nonce", row.id),
            state=self._vault.derive("presentation-state", row.id),
            query=row.dcql_query,
            issued_at=self._clock(),
            expires_at=row.expires_at,
            wallet_nonce=wallet_nonce,
        )

    def respond(self, reference: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Take the wallet's answer and decide. The answer for a wallet whose response was processed is empty."""
        row = self._known_row(reference)
        state = self._vault.derive("presentation-state", row.id)
        try:
            response = read_response(form, state=state, query=row.dcql_query)
        except ProtocolRefusal as refusal:
            self._note_refusal(row.id, refusal)
            raise
        if isinstance(response, WalletError):
            self._close_with_error(row.id, response)
            return {}
        submission = self._take(row.id)
        judgement = self._judge(row, response)
        self._decide(row, submission, judgement)
        if judgement.verdict.outcome != "valid":
            reasons = ", ".join(judgement.verdict.reasons())
            kind = "not accepted" if judgement.verdict.outcome == "invalid" else "could not be verified"
            raise ProtocolRefusal("invalid_request", f"the presentation was {kind}: {reasons}")
        return {}

    def _known_row(self, reference: str) -> PresentationRequestRow:
        with self._database.reading() as session:
            row = by_reference(session, reference)
            if row is None:
                raise ProtocolRefusal("not_found", "no such presentation request", status=404)
            session.expunge(row)
        return row

    def _open_row(self, reference: str) -> PresentationRequestRow:
        row = self._known_row(reference)
        state = state_at(row, self._clock())
        if state == "expired":
            raise ProtocolRefusal("invalid_request", "the request has expired", status=410)
        if state not in OPEN_STATES:
            raise ProtocolRefusal("invalid_request", _ANSWERED, status=410)
        return row

    def _mark_retrieved(self, request_id: str) -> None:
        with self._database.transaction() as session:
            moved = session.execute(
                update(PresentationRequestRow)
                .where(PresentationRequestRow.id == request_id, PresentationRequestRow.state == "requested")
                .values(state="retrieved")
                .returning(PresentationRequestRow.id)
            ).first()
            if moved:
                add_event(session, request_id, self._clock(), "request_retrieved")

    def _note_refusal(self, request_id: str, refusal: ProtocolRefusal) -> None:
        """Keep the reason for whoever debugs it, while the request is open; a closed request has no more events."""
        with self._database.transaction() as session:
            row = session.get(PresentationRequestRow, request_id)
            if row is not None and state_at(row, self._clock()) in OPEN_STATES:
                detail = {"error": refusal.error, "description": refusal.description}
                add_event(session, request_id, self._clock(), "response_refused", detail, force=False)

    def _take(self, request_id: str) -> str:
        """Claim the request for one submission. Raises ProtocolRefusal if it is closed or being judged."""
        submission = secrets.token_hex(16)
        with self._database.transaction() as session:
            now = self._clock()
            taken = session.execute(
                update(PresentationRequestRow)
                .where(PresentationRequestRow.id == request_id, open_for_submission(now))
                .values(state="submitted", submission=submission, submitted_at=now)
                .returning(PresentationRequestRow.id)
            ).first()
            if taken:
                add_event(session, request_id, now, "response_submitted")
        if taken is None:
            raise self._closed(request_id)
        return submission

    def _closed(self, request_id: str) -> ProtocolRefusal:
        with self._database.reading() as session:
            row = session.get(PresentationRequestRow, request_id)
            expired = row is not None and state_at(row, self._clock()) == "expired"
        if expired:
            return ProtocolRefusal("invalid_request", "the request has expired")
        return ProtocolRefusal("invalid_request", _ANSWERED, status=409)

    def _judge(self, row: PresentationRequestRow, response: Presented) -> Judgement:
        _, _, client_id = self._issuers.request_signer()
        policy = Policy(
            now=self._clock(),
            audience=client_id,
            nonce=self._vault.derive("presentation-nonce", row.id),
            require_holder_binding=True,
            trusted_issuers=frozenset(row.trusted_issuers),
            accept_test_mode=not row.livemode,
        )
        return judge(self._verifier, policy, row.dcql_query, response.by_query)

    def _decide(self, row: PresentationRequestRow, submission: str, judgement: Judgement) -> None:
        valid = judgement.verdict.outcome == "valid"
        state, now = ("verified" if valid else "rejected"), self._clock()
        with self._database.transaction() as session:
            decided = session.execute(
                update(PresentationRequestRow)
                .where(PresentationRequestRow.id == row.id, PresentationRequestRow.state == "submitted")
                .where(PresentationRequestRow.submission == submission)
                .values(
                    state=state,
                    decided_at=now,
                    verdict={**judgement.verdict.to_json(), "credentials": list(judgement.credentials)},
                    sealed_claims=self._vault.seal(row.id, orjson.dumps(judgement.disclosed)) if valid else None,
                    claims_until=now + CLAIMS_RETENTION if valid else None,
                )
                .returning(PresentationRequestRow.id)
            ).first()
            if decided:
                self._record(session, row.id, state, {"reasons": judgement.verdict.reasons()})
        if decided is None:
            raise self._closed(row.id)

    def _close_with_error(self, request_id: str, error: WalletError) -> None:
        with self._database.transaction() as session:
            now = self._clock()
            closed = session.execute(
                update(PresentationRequestRow)
                .where(PresentationRequestRow.id == request_id, open_for_submission(now))
                .values(state="rejected", decided_at=now, wallet_error=error.code)
                .returning(PresentationRequestRow.id)
            ).first()
            if closed:
                self._record(session, request_id, "rejected", {"wallet_error": error.code})
        if closed is None:
            raise self._closed(request_id)

    def _record(self, session: Session, request_id: str, state: str, detail: dict[str, Any]) -> None:
        add_event(session, request_id, self._clock(), f"presentation_{state}", detail)
        self._audit.record(session, actor="wallet", action=f"presentation.{state}", subject=request_id, detail=detail)
