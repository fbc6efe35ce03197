"""Verification sessions over HTTP: the operator's half with an API key, the person's half with the client secret."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from app.access.dependencies import authorized, wiring_of
from app.access.service import Caller
from app.verifications.capture import CONSENT_VERSION
from app.verifications.errors import SessionNotFound
from app.verifications.intake import ClientSecret, Selfie, document_upload, selfie_upload
from app.verifications.schemas import (
    ChallengeAnswer,
    ConsentRequest,
    CreatedSessionAnswer,
    CreateSession,
    ReportAnswer,
    SessionAnswer,
    SessionList,
    StatusAnswer,
)
from app.verifications.service import Verifications
from app.verifications.tables import Status
from app.web.rendering import render_page

__all__ = ["pages", "router"]

router = APIRouter(prefix="/v1/verification_sessions", tags=["verification sessions"])
pages = APIRouter(include_in_schema=False)

_READER = authorized("sessions:read")
_WRITER = authorized("sessions:write")
_Cursor = Annotated[str | None, Query(pattern=r"^vs_[0-9a-f]{32}$")]


def _room(request: Request) -> Verifications:
    room: Verifications = wiring_of(request).verifications
    return room


@router.post("", status_code=201)
def create_session(request: Request, body: CreateSession, caller: Caller = _WRITER) -> CreatedSessionAnswer:
    """Open a session; the client secret and the URL that carries it are shown this once."""
    room = _room(request)
    created = room.create(
        livemode=caller.livemode, actor=caller.actor, reference=body.reference, max_attempts=body.max_attempts
    )
    return CreatedSessionAnswer.of_new(created, now=room.clock())


@router.get("")
def list_sessions(
    request: Request,
    caller: Caller = _READER,
    status: Annotated[Status | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    starting_after: _Cursor = None,
) -> SessionList:
    """List sessions, newest first."""
    room = _room(request)
    rows, has_more = room.list(livemode=caller.livemode, status=status, limit=limit, starting_after=starting_after)
    return SessionList.of(rows, has_more, now=room.clock())


@router.get("/{session_id}")
def get_session(request: Request, session_id: str, caller: Caller = _READER) -> SessionAnswer:
    """Read a session."""
    room = _room(request)
    return SessionAnswer.of(room.get(session_id, livemode=caller.livemode), now=room.clock())


@router.post("/{session_id}/cancel")
def cancel_session(request: Request, session_id: str, caller: Caller = _WRITER) -> SessionAnswer:
    """Cancel a session that still takes input."""
    room = _room(request)
    row = room.cancel(session_id, livemode=caller.livemode, actor=caller.actor)
    return SessionAnswer.of(row, now=room.clock())


@router.get("/{session_id}/report")
def get_report(request: Request, session_id: str, caller: Caller = _READER) -> ReportAnswer:
    """Read the full report of the latest attempt: personal data, for the operator alone."""
    return ReportAnswer.of(_room(request).report(session_id, livemode=caller.livemode))


@router.get("/{session_id}/status")
def get_status(request: Request, session_id: str, secret: ClientSecret) -> StatusAnswer:
    """The person's view: state, what is missing, and a public reason."""
    room = _room(request)
    return StatusAnswer.of(room.capture.status(session_id, secret), now=room.clock())


@router.post("/{session_id}/consent")
def give_consent(request: Request, session_id: str, body: ConsentRequest, secret: ClientSecret) -> StatusAnswer:
    """Consent to the processing of biometric data, or withdraw it."""
    room = _room(request)
    return StatusAnswer.of(room.capture.consent(session_id, secret, granted=body.granted), now=room.clock())


@router.post("/{session_id}/challenge")
def issue_challenge(request: Request, session_id: str, secret: ClientSecret) -> ChallengeAnswer:
    """A new single-use liveness challenge; the service's clock starts now."""
    challenge, expires_at = _room(request).capture.issue_challenge(session_id, secret)
    return ChallengeAnswer(challenge=challenge.to_json(), expires_at=expires_at)


@router.post("/{session_id}/document")
def upload_document(
    request: Request, session_id: str, secret: ClientSecret, image: Annotated[bytes, Depends(document_upload)]
) -> StatusAnswer:
    """The photograph of the document (multipart, one file `image`)."""
    room = _room(request)
    return StatusAnswer.of(room.capture.store_document(session_id, secret, image), now=room.clock())


@router.post("/{session_id}/selfie")
def upload_selfie(
    request: Request, session_id: str, secret: ClientSecret, selfie: Annotated[Selfie, Depends(selfie_upload)]
) -> StatusAnswer:
    """The frames that answer the challenge (multipart: files `frames`, fields `timestamps` and `nonce`)."""
    room = _room(request)
    row = room.capture.store_selfie(session_id, secret, nonce=selfie.nonce, frames=selfie.frames)
    return StatusAnswer.of(row, now=room.clock())


@router.post("/{session_id}/submit", status_code=202)
def submit_session(request: Request, session_id: str, secret: ClientSecret) -> StatusAnswer:
    """Hand the capture to the gate."""
    room = _room(request)
    row = room.capture.submit(session_id, secret)
    room.submitted.set()
    return StatusAnswer.of(row, now=room.clock())


@pages.get("/verify/{session_id}", response_class=HTMLResponse)
def capture_page(request: Request, session_id: str) -> HTMLResponse:
    """The page on which a person is verified; its secret stands behind the `#`, which browsers do not send."""
    room = _room(request)
    try:
        row = room.get(session_id, livemode=None)
    except SessionNotFound:
        text = "The link is wrong or no longer valid. Ask whoever sent it to you for a new one."
        return render_page("message.html", status=404, heading="This verification does not exist", text=text)
    return render_page(
        "verify.html",
        test_mode=not row.livemode,
        session_id=row.id,
        consent_version=CONSENT_VERSION,
        keep_minutes=room.session_ttl_s // 60,
    )
