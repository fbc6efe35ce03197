"""What the credential endpoints take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.credentials.service import CredentialView

__all__ = [
    "CredentialList",
    "CredentialObject",
    "IssueRequest",
    "IssuedObject",
    "StatusChangeRequest",
    "credential_object",
]


class IssueRequest(BaseModel):
    """Issue directly, without a wallet protocol: for systems that deliver credentials themselves."""

    model_config = ConfigDict(extra="forbid")

    verification_session: str = Field(min_length=1, max_length=60)
    configuration: str = Field(min_length=1, max_length=60)
    holder_did: str | None = Field(default=None, max_length=2048, description="did:key or did:jwk of the holder's key.")


class StatusChangeRequest(BaseModel):
    """Why a status changes: one of the short codes, and a note for operators that never leaves the service."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=40)
    note: str | None = Field(default=None, max_length=200)
    dry_run: bool = False


class AnchorObject(BaseModel):
    """Where the last change of status stands on the chain: queued, submitted, mined, final or failed."""

    state: str
    transaction: str | None
    block: int | None
    reason: str | None


class StatusObject(BaseModel):
    """State in the database, place in the registry, and how far the chain is; `anchor` is null before any change."""

    state: str
    reason: str | None
    list: str
    index: int
    changed_at: datetime | None
    anchor: AnchorObject | None


class CredentialObject(BaseModel):
    """An issued credential; its claims are the holder's and are not kept here."""

    object: Literal["credential"] = "credential"
    id: str
    configuration: str
    format: str
    issuer: str
    verification_session: str
    livemode: bool
    simulated: bool
    issued_at: datetime
    valid_from: datetime
    valid_until: datetime
    status: StatusObject


class IssuedObject(CredentialObject):
    """With the credential itself, given out once."""

    credential: dict[str, Any] | str


class CredentialList(BaseModel):
    """A page of credentials, newest first."""

    object: Literal["list"] = "list"
    data: list[CredentialObject]
    has_more: bool
    next_cursor: str | None


def credential_object(view: CredentialView) -> CredentialObject:
    """A view in the form of the API."""
    anchor = None
    if view.anchor is not None:
        anchor = AnchorObject(
            state=view.anchor.state,
            transaction=view.anchor.transaction_hash,
            block=view.anchor.block_number,
            reason=view.anchor.reason,
        )
    return CredentialObject(
        id=view.id,
        configuration=view.configuration,
        format=view.format,
        issuer=view.issuer,
        verification_session=view.verification_session,
        livemode=view.livemode,
        simulated=view.simulated,
        issued_at=view.issued_at,
        valid_from=view.valid_from,
        valid_until=view.valid_until,
        status=StatusObject(
            state=view.state,
            reason=view.state_reason,
            list=view.list_id,
            index=view.list_index,
            changed_at=view.changed_at,
            anchor=anchor,
        ),
    )
