"""HTTP of this room: `router` for operators (/v1), `protocol` for wallets (OpenID4VP 1.0), `pages` for people.

`pages` know the public state of a request and no claim; the result is for the API key that made the request.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from app.access.dependencies import authorized, wiring_of
from app.access.service import Caller
from app.openid.qr import qr_response
from app.openid.wire import ProtocolRoute, answer, body_within, json_body, read_form, rfc3339
from app.presentations.request_object import REQUEST_OBJECT_TYPE, read_wallet_nonce
from app.presentations.responses import MAX_RESPONSE_BYTES
from app.presentations.schemas import (
    CreateRequest,
    VerifyCredential,
    VerifyPresentation,
    event_json,
    request_json,
    verified_json,
)
from app.presentations.service import Presentations
from app.web.rendering import render_page

__all__ = ["pages", "protocol", "router"]

router = APIRouter(prefix="/v1", tags=["presentations"])
protocol = APIRouter(prefix="/oid4vp", route_class=ProtocolRoute, tags=["OpenID4VP"])
pages = APIRouter(include_in_schema=False)


def _presentations(request: Request) -> Presentations:
    presentations: Presentations = wiring_of(request).presentations
    return presentations


Here = Annotated[Presentations, Depends(_presentations)]
Verifies = Annotated[Caller, authorized("presentations:verify")]
NewRequest = Annotated[CreateRequest, json_body(CreateRequest)]
CredentialBody = Annotated[VerifyCredential, json_body(VerifyCredential)]
PresentationBody = Annotated[VerifyPresentation, json_body(VerifyPresentation)]
FormBody = Annotated[bytes, body_within(MAX_RESPONSE_BYTES + 64 * 1024)]


def _documented(model: type[CreateRequest] | type[VerifyCredential] | type[VerifyPresentation]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


@router.post("/presentation_requests", status_code=201, openapi_extra=_documented(CreateRequest))
def create_request(caller: Verifies, here: Here, body: NewRequest) -> dict[str, Any]:
    """Ask for credentials; the answer holds the link for wallets and the page with its QR code."""
    request = here.create(
        dcql_query=body.dcql_query, preset=body.preset, trusted_issuers=body.trusted_issuers, caller=caller
    )
    return request_json(request)


@router.get("/presentation_requests/{request_id}")
def get_request(request_id: str, here: Here, caller: Verifies) -> dict[str, Any]:
    """Read a request and its result."""
    return request_json(here.get(request_id, livemode=caller.livemode))


@router.get("/presentation_requests/{request_id}/events")
def list_events(request_id: str, here: Here, caller: Verifies) -> dict[str, Any]:
    """What happened to a request, oldest first."""
    data = [event_json(event) for event in here.events(request_id, livemode=caller.livemode)]
    return {"object": "list", "data": data, "has_more": False, "next_cursor": None}


@router.delete("/presentation_requests/{request_id}/claims")
def erase_claims(request_id: str, here: Here, caller: Verifies) -> dict[str, Any]:
    """Forget what was disclosed before its retention ends; the verdict stays."""
    return request_json(here.erase_claims(request_id, caller=caller))


@router.post("/credentials/verify", openapi_extra=_documented(VerifyCredential))
def verify_credential(caller: Verifies, here: Here, body: CredentialBody) -> dict[str, Any]:
    """Verify a credential without a request; it does not show who holds it."""
    verified = here.verify(
        body.credential,
        trusted_issuers=body.trusted_issuers,
        audience=None,
        nonce=None,
        presentation=False,
        caller=caller,
    )
    return verified_json(verified)


@router.post("/presentations/verify", openapi_extra=_documented(VerifyPresentation))
def verify_presentation(caller: Verifies, here: Here, body: PresentationBody) -> dict[str, Any]:
    """Verify a presentation made for an audience and nonce of yours; keeping nonces single use is then yours too."""
    verified = here.verify(
        body.presentation,
        trusted_issuers=body.trusted_issuers,
        audience=body.audience,
        nonce=body.nonce,
        presentation=True,
        caller=caller,
    )
    return verified_json(verified)


@protocol.get("/request/{reference}")
def get_request_object(reference: str, here: Here) -> Response:
    """The signed request object."""
    return _request_object(here.protocol.request_object(reference))


@protocol.post("/request/{reference}")
def post_request_object(request: Request, reference: str, here: Here, body: FormBody) -> Response:
    """The same by `request_uri_method=post`; the wallet's metadata is not needed and ignored."""
    form = read_form(request, body) if body else {}
    return _request_object(here.protocol.request_object(reference, wallet_nonce=read_wallet_nonce(form)))


def _request_object(token: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(token, media_type=f"application/{REQUEST_OBJECT_TYPE}", headers=headers)


@protocol.post("/response/{reference}")
def direct_post(request: Request, reference: str, here: Here, body: FormBody) -> JSONResponse:
    """Where the wallet sends its answer."""
    return answer(here.protocol.respond(reference, read_form(request, body)))


@pages.get("/present/{reference}")
def present_page(reference: str, here: Here) -> Response:
    """The page with the QR code, for the phone that holds the wallet or the screen beside it."""
    request = here.by_reference(reference)
    if request is None:
        text = "The link is wrong, or the request is long gone. Ask whoever sent it to you for a new one."
        return render_page("message.html", status=404, heading="There is no such request", text=text)
    return render_page(
        "present.html",
        test_mode=not request.livemode,
        link=request.link,
        state=request.state,
        reference=reference,
        expires_at=rfc3339(request.expires_at),
    )


@pages.get("/present/{reference}/qr.svg")
def present_qr(reference: str, here: Here) -> Response:
    """The request's deep link as a QR code."""
    request = here.by_reference(reference)
    if request is None or request.link is None:
        return Response(status_code=404)
    return qr_response(request.link)


@pages.get("/present/{reference}/state")
def present_state(reference: str, here: Here) -> JSONResponse:
    """The public state of a request, for the page's script."""
    request = here.by_reference(reference)
    if request is None:
        return answer({"state": "unknown"}, status=404)
    return answer({"state": request.state, "expires_at": rfc3339(request.expires_at)})
