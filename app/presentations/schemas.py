"""Bodies of the /v1 endpoints of this room."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.openid.wire import rfc3339
from app.presentations.judging import shown_claims
from app.presentations.service import Event, PresentationRequest
from did.verify import Verified

__all__ = ["CreateRequest", "VerifyCredential", "VerifyPresentation", "event_json", "request_json", "verified_json"]

_TRUSTED = Field(default=None, max_length=100, description="DIDs; left out: the issuers of this service.")


class CreateRequest(BaseModel):
    """What to ask for: a DCQL query, or a preset by name."""

    model_config = ConfigDict(extra="forbid")

    dcql_query: dict[str, Any] | None = None
    preset: Literal["verified_identity", "over_18"] | None = None
    trusted_issuers: list[str] | None = _TRUSTED


class VerifyCredential(BaseModel):
    """A credential that came some other way: an SD-JWT VC, or a VC with a Data Integrity proof."""

    model_config = ConfigDict(extra="forbid")

    credential: str | dict[str, Any]
    trusted_issuers: list[str] | None = _TRUSTED


class VerifyPresentation(BaseModel):
    """A presentation that came some other way, with the audience and nonce it was made for."""

    model_config = ConfigDict(extra="forbid")

    presentation: str | dict[str, Any]
    audience: str = Field(min_length=1, max_length=2048)
    nonce: str = Field(min_length=1, max_length=512)
    trusted_issuers: list[str] | None = _TRUSTED


def request_json(request: PresentationRequest) -> dict[str, Any]:
    """A presentation request and, once it was answered, its result."""
    body: dict[str, Any] = {
        "object": "presentation_request",
        "id": request.id,
        "state": request.state,
        "livemode": request.livemode,
        "created_at": rfc3339(request.created_at),
        "expires_at": rfc3339(request.expires_at),
        "dcql_query": request.dcql_query,
        "trusted_issuers": list(request.trusted_issuers),
    }
    if request.link is not None:
        body |= {
            "presentation_request": request.link,
            "request_uri": request.request_uri,
            "page_url": request.page_url,
        }
    if request.decided_at is not None:
        body["decided_at"] = rfc3339(request.decided_at)
    if request.wallet_error is not None:
        body["wallet_error"] = request.wallet_error
    if request.verdict is not None:
        body["verdict"] = {name: request.verdict[name] for name in ("outcome", "reasons", "checks")}
        body["credentials"] = _credentials(request)
    if request.claims_until is not None:
        body["claims_until"] = rfc3339(request.claims_until)
    return body


def _credentials(request: PresentationRequest) -> list[dict[str, Any]]:
    entries = [dict(entry) for entry in (request.verdict or {})["credentials"]]
    if request.disclosed is not None:
        for entry, disclosed in zip(entries, request.disclosed, strict=True):
            entry |= disclosed
    return entries


def event_json(event: Event) -> dict[str, Any]:
    """One event."""
    return {"at": rfc3339(event.at), "type": event.kind, "detail": event.detail}


def verified_json(verified: Verified) -> dict[str, Any]:
    """The verdict on one credential or presentation, and what it says if the verdict is `valid`."""
    body: dict[str, Any] = {"object": "verification_result", **verified.verdict.to_json(), "format": verified.format}
    if verified.verdict.outcome == "valid":
        body["credentials"] = [
            {"issuer": item.issuer, "types": list(item.types), "claims": shown_claims(item)}
            for item in verified.credentials or (verified,)
        ]
        if verified.holder_did is not None:
            body["holder"] = verified.holder_did
    return body
