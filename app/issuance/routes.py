"""HTTP of this room: `router` for operators (/v1), `protocol` for wallets (OpenID4VCI 1.0), `pages` for people.

`pages` know the public state of an offer and nothing of the person it is about; the transaction code is never on them.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from app.access.dependencies import authorized, wiring_of
from app.access.service import Caller
from app.issuance.protocol import Issuance
from app.issuance.requests import read_credential_request, read_notification, read_token_request
from app.issuance.schemas import CreateOffer, offer_json
from app.issuance.service import Offers
from app.openid.qr import qr_response
from app.openid.wire import (
    ProtocolRefusal,
    ProtocolRoute,
    answer,
    body_within,
    json_body,
    read_form,
    read_json,
    rfc3339,
)
from app.web.rendering import render_page

__all__ = ["pages", "protocol", "router"]

router = APIRouter(prefix="/v1/credential_offers", tags=["credential offers"])
protocol = APIRouter(route_class=ProtocolRoute, tags=["OpenID4VCI"])
pages = APIRouter(include_in_schema=False)


def _offers(request: Request) -> Offers:
    offers: Offers = wiring_of(request).offers
    return offers


def _issuance(request: Request) -> Issuance:
    issuance: Issuance = wiring_of(request).issuance
    return issuance


OffersHere = Annotated[Offers, Depends(_offers)]
IssuanceHere = Annotated[Issuance, Depends(_issuance)]
Issues = Annotated[Caller, authorized("credentials:issue")]
Reads = Annotated[Caller, authorized("credentials:read")]
SmallBody = Annotated[bytes, body_within(32 * 1024)]
NewOffer = Annotated[CreateOffer, json_body(CreateOffer)]
_CREATE_BODY = {"requestBody": {"content": {"application/json": {"schema": CreateOffer.model_json_schema()}}}}


@router.post("", status_code=201, openapi_extra=_CREATE_BODY)
def create_offer(caller: Issues, offers: OffersHere, body: NewOffer) -> dict[str, Any]:
    """Offer credentials about an approved session; the answer is the only place that shows `tx_code`."""
    offer = offers.create(
        verification_session=body.verification_session,
        configurations=body.configurations,
        tx_code=body.tx_code,
        caller=caller,
    )
    return offer_json(offer)


@router.get("/{offer_id}")
def get_offer(offer_id: str, offers: OffersHere, caller: Reads) -> dict[str, Any]:
    """Read an offer and what it was spent on."""
    return offer_json(offers.get(offer_id, livemode=caller.livemode))


@router.post("/{offer_id}/cancel")
def cancel_offer(offer_id: str, offers: OffersHere, caller: Issues) -> dict[str, Any]:
    """Cancel an offer that is not spent."""
    return offer_json(offers.cancel(offer_id, caller=caller))


@protocol.get("/.well-known/openid-credential-issuer")
@protocol.get("/.well-known/openid-credential-issuer/{path:path}", include_in_schema=False)
def issuer_metadata(issuance: IssuanceHere, path: str = "") -> dict[str, Any]:
    """Credential issuer metadata; for a base URL with a path, under the path inserted after the well-known part."""
    return issuance.issuer_metadata(path)


@protocol.get("/.well-known/oauth-authorization-server")
@protocol.get("/.well-known/oauth-authorization-server/{path:path}", include_in_schema=False)
def authorization_server_metadata(issuance: IssuanceHere, path: str = "") -> dict[str, Any]:
    """Authorization server metadata (RFC 8414)."""
    return issuance.authorization_server_metadata(path)


@protocol.get("/oid4vci/offers/{reference}")
def offer_object(reference: str, issuance: IssuanceHere) -> JSONResponse:
    """The credential offer by reference."""
    return answer(issuance.offer_object(reference))


@protocol.post("/oid4vci/token")
def token(request: Request, issuance: IssuanceHere, body: SmallBody) -> JSONResponse:
    """The token endpoint; unknown parameters are ignored."""
    return answer(issuance.exchange(read_token_request(read_form(request, body))))


@protocol.post("/oid4vci/nonce")
def nonce(issuance: IssuanceHere) -> JSONResponse:
    """The nonce endpoint."""
    return answer(issuance.nonce())


@protocol.post("/oid4vci/credential")
def credential(request: Request, issuance: IssuanceHere, body: SmallBody) -> JSONResponse:
    """The credential endpoint."""
    access_token = _access_token(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/jwt":
        raise ProtocolRefusal("invalid_encryption_parameters", "encrypted requests are not offered")
    read = read_credential_request(read_json(request, body, error="invalid_credential_request"))
    return answer(issuance.credential(access_token, read))


@protocol.post("/oid4vci/notification", status_code=204)
def notification(request: Request, issuance: IssuanceHere, body: SmallBody) -> Response:
    """The notification endpoint."""
    access_token = _access_token(request)
    read = read_notification(read_json(request, body, error="invalid_notification_request"))
    issuance.notify(access_token, read)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _access_token(request: Request) -> str:
    """The bearer token of the Authorization header; one in the query would end in logs (RFC 6750 section 2.3)."""
    if "access_token" in request.query_params:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_request"'}
        raise ProtocolRefusal("invalid_request", "no access token in the query", status=401, headers=challenge)
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        challenge = {"WWW-Authenticate": "Bearer"}
        raise ProtocolRefusal("invalid_token", "send Authorization: Bearer", status=401, headers=challenge)
    return value.strip()


@pages.get("/offer/{reference}")
def offer_page(reference: str, offers: OffersHere) -> Response:
    """The page with the QR code, for the phone that holds the wallet or the screen beside it."""
    offer = offers.by_reference(reference)
    if offer is None:
        text = "The link is wrong, or the offer is long gone. Ask whoever sent it to you for a new one."
        return render_page("message.html", status=404, heading="There is no such offer", text=text)
    return render_page(
        "offer.html",
        test_mode=not offer.livemode,
        link=offer.link,
        state=offer.state,
        reference=reference,
        tx_code_required=offer.tx_code_required,
        expires_at=rfc3339(offer.expires_at),
    )


@pages.get("/offer/{reference}/qr.svg")
def offer_qr(reference: str, offers: OffersHere) -> Response:
    """The offer's deep link as a QR code."""
    offer = offers.by_reference(reference)
    if offer is None or offer.link is None:
        return Response(status_code=404)
    return qr_response(offer.link)


@pages.get("/offer/{reference}/state")
def offer_state(reference: str, offers: OffersHere) -> JSONResponse:
    """The public state of an offer, for the page's script."""
    offer = offers.by_reference(reference)
    if offer is None:
        return answer({"state": "unknown"}, status=404)
    return answer({"state": offer.state, "expires_at": rfc3339(offer.expires_at)})
