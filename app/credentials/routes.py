"""Credentials over HTTP: issue directly, read, change the status; and the published status lists."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.access.dependencies import authorized, wiring_of
from app.access.service import Caller
from app.credentials.holders import holder_key
from app.credentials.publication import PublishedList
from app.credentials.schemas import (
    CredentialList,
    CredentialObject,
    IssuedObject,
    IssueRequest,
    StatusChangeRequest,
    credential_object,
)
from app.credentials.states import State

__all__ = ["router"]

router = APIRouter(tags=["credentials"])

_ISSUE = authorized("credentials:issue")
_READ = authorized("credentials:read")
_REVOKE = authorized("credentials:revoke")


@router.post("/v1/credentials", status_code=201)
def issue(request: Request, body: IssueRequest, caller: Caller = _ISSUE) -> IssuedObject:
    """Issue a credential about an approved verification session; it is in this answer and nowhere else."""
    wiring = wiring_of(request)
    view, issued = wiring.direct_issuance.issue(
        verification_session=body.verification_session,
        configuration=body.configuration,
        holder=None if body.holder_did is None else holder_key(wiring.resolver, body.holder_did),
        holder_did=body.holder_did,
        livemode=caller.livemode,
        actor=caller.actor,
    )
    return IssuedObject(**credential_object(view).model_dump(), credential=issued.credential)


@router.get("/v1/credentials")
def list_credentials(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=60)] = None,
    verification_session: Annotated[str | None, Query(max_length=60)] = None,
    state: Literal["active", "suspended", "revoked"] | None = None,
    caller: Caller = _READ,
) -> CredentialList:
    """The caller's credentials, newest first."""
    views, more = wiring_of(request).credentials.list(
        livemode=caller.livemode, limit=limit, cursor=cursor, verification_session=verification_session, state=state
    )
    data = [credential_object(view) for view in views]
    return CredentialList(data=data, has_more=more, next_cursor=data[-1].id if more else None)


@router.get("/v1/credentials/{credential_id}")
def get_credential(request: Request, credential_id: str, caller: Caller = _READ) -> CredentialObject:
    """One credential, its status, and how far the chain is with it."""
    return credential_object(wiring_of(request).credentials.get(credential_id, livemode=caller.livemode))


@router.post("/v1/credentials/{credential_id}/revoke")
def revoke(request: Request, credential_id: str, body: StatusChangeRequest, caller: Caller = _REVOKE) -> dict[str, Any]:
    """Revoke for good. Repeating it changes nothing."""
    return _change(request, credential_id, "revoked", body, caller)


@router.post("/v1/credentials/{credential_id}/suspend")
def suspend(
    request: Request, credential_id: str, body: StatusChangeRequest, caller: Caller = _REVOKE
) -> dict[str, Any]:
    """Suspend until reinstated."""
    return _change(request, credential_id, "suspended", body, caller)


@router.post("/v1/credentials/{credential_id}/reinstate")
def reinstate(
    request: Request, credential_id: str, body: StatusChangeRequest, caller: Caller = _REVOKE
) -> dict[str, Any]:
    """End a suspension."""
    return _change(request, credential_id, "active", body, caller)


def _change(
    request: Request, credential_id: str, to_state: State, body: StatusChangeRequest, caller: Caller
) -> dict[str, Any]:
    credentials = wiring_of(request).credentials
    change = credentials.change_many(
        [credential_id],
        to_state,
        reason=body.reason,
        note=body.note,
        actor=caller.actor,
        livemode=caller.livemode,
        dry_run=body.dry_run,
    )[0]
    current = credential_object(credentials.get(credential_id, livemode=caller.livemode)).model_dump(mode="json")
    return {**current, "change": {"from": change.from_state, "to": change.to_state, "changed": change.changed}}


@router.get("/status/{list_id}", tags=["status lists"])
def token_status_list(request: Request, list_id: str) -> Response:
    """A status list as a Token Status List JWT, as the chain has it."""
    return _answer(request, wiring_of(request).publication.token(list_id))


@router.get("/status/{list_id}/{purpose}", tags=["status lists"])
def bitstring_status_list(request: Request, list_id: str, purpose: str) -> Response:
    """A status list as a BitstringStatusListCredential of one purpose, as the chain has it."""
    return _answer(request, wiring_of(request).publication.bitstring(list_id, purpose))


def _answer(request: Request, published: PublishedList) -> Response:
    headers = {"ETag": published.etag, "Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
    if request.headers.get("if-none-match") == published.etag:
        return Response(status_code=304, headers=headers)
    return Response(published.body, media_type=published.media_type, headers=headers)
