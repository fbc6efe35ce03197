"""The states of an issued credential and the only ways between them.

Revoked is final, in the database and in the registry (the list is irreversible). A change to the state that already
holds changes nothing and is no error, so that a command can be repeated after a lost answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from app.errors import Conflict, NotFound, ServiceError
from did.status import TokenStatus

__all__ = [
    "FROM_STATES",
    "REASONS",
    "STATUS_CODES",
    "Change",
    "CredentialNotFound",
    "CredentialRevoked",
    "IssuedCredential",
    "State",
    "UnknownReason",
    "check_reason",
]

State = Literal["active", "suspended", "revoked"]

FROM_STATES: Final[Mapping[State, tuple[State, ...]]] = {
    "revoked": ("active", "suspended"),
    "suspended": ("active",),
    "active": ("suspended",),
}
STATUS_CODES: Final[Mapping[State, int]] = {
    "active": TokenStatus.VALID,
    "revoked": TokenStatus.INVALID,
    "suspended": TokenStatus.SUSPENDED,
}
REASONS: Final = (
    "document_lost",
    "document_stolen",
    "document_expired",
    "holder_request",
    "holder_deceased",
    "information_incorrect",
    "information_changed",
    "issued_in_error",
    "fraud",
    "key_compromised",
    "superseded",
    "under_investigation",
    "investigation_closed",
    "other",
)


class CredentialNotFound(NotFound):
    """No such credential for this caller."""

    code = "credential_not_found"


class CredentialRevoked(Conflict):
    """The credential is revoked, which is final."""

    code = "credential_revoked"


class UnknownReason(ServiceError):
    """The reason is none of the short codes."""

    code = "unknown_reason"


@dataclass(frozen=True)
class IssuedCredential:
    """What the holder gets: a signed document (ldp_vc) or a compact token (dc+sd-jwt)."""

    credential_id: str
    format: str
    credential: dict[str, object] | str


@dataclass(frozen=True)
class Change:
    """What a verb did to one credential, or would do. `job_id` is the ledger job of the change that made the state."""

    credential_id: str
    from_state: str
    to_state: str
    changed: bool
    job_id: int | None


def check_reason(reason: str) -> str:
    """Return the reason. Raises UnknownReason, which lists those there are."""
    if reason not in REASONS:
        raise UnknownReason(f"choose one of {', '.join(REASONS)}", pointer="/reason")
    return reason
