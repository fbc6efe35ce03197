"""Token and credential requests of OpenID4VCI 1.0, read once into typed values (sections 6.1 and 8.2, appendix F).

Wallets differ: unknown members are ignored and the older `proof` is taken for `proofs`, but never both, never two
proofs (batch issuance is not advertised), never both identifiers. Section 8.3.1.2 fixes which code answers what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.openid.wire import ProtocolRefusal
from did.errors import KernelError
from did.strict_json import parse

__all__ = [
    "PRE_AUTHORIZED_GRANT",
    "CredentialRequest",
    "Notification",
    "TokenRequest",
    "authorized_configurations",
    "read_credential_request",
    "read_notification",
    "read_token_request",
]

PRE_AUTHORIZED_GRANT: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
NOTIFICATION_EVENTS: Final = frozenset({"credential_accepted", "credential_failure", "credential_deleted"})
MAX_PROOF_CHARS: Final = 16_384


@dataclass(frozen=True)
class TokenRequest:
    """A well-formed exchange of a pre-authorized code; `details` are raw authorization details, None if not sent."""

    code: str
    tx_code: str | None
    details: Any | None


@dataclass(frozen=True)
class CredentialRequest:
    """A well-formed credential request with one key proof (a JWT not yet verified); one of the two names is set."""

    configuration: str | None
    identifier: str | None
    proof: str


@dataclass(frozen=True)
class Notification:
    """What a wallet tells of a credential it was sent."""

    notification_id: str
    event: str


def read_token_request(form: Mapping[str, str]) -> TokenRequest:
    """Read the form of a token request. Raises ProtocolRefusal with the codes of RFC 6749 section 5.2."""
    grant_type = form.get("grant_type", "")
    if not grant_type:
        raise ProtocolRefusal("invalid_request", "grant_type is missing")
    if grant_type != PRE_AUTHORIZED_GRANT:
        raise ProtocolRefusal("unsupported_grant_type", "only the pre-authorized code grant is offered")
    code = form.get("pre-authorized_code", "")
    if not code:
        raise ProtocolRefusal("invalid_request", "pre-authorized_code is missing")
    details = None
    if "authorization_details" in form:
        try:
            details = parse(form["authorization_details"], max_bytes=8192)
        except KernelError as error:
            raise ProtocolRefusal("invalid_authorization_details", "authorization_details is not JSON") from error
    return TokenRequest(code, form.get("tx_code"), details)


def authorized_configurations(details: Any, offered: Sequence[str]) -> list[str]:
    """The offered configurations that authorization details (RFC 9396) ask for. Raises ProtocolRefusal."""
    wanted: list[str] = []
    if not isinstance(details, list) or not details:
        raise ProtocolRefusal("invalid_authorization_details", "authorization_details is an array of objects")
    for item in details:
        if not isinstance(item, dict) or item.get("type") != "openid_credential":
            raise ProtocolRefusal("invalid_authorization_details", "only type openid_credential is offered")
        name = item.get("credential_configuration_id")
        if not isinstance(name, str) or name not in offered or name in wanted:
            raise ProtocolRefusal("invalid_authorization_details", "a configuration is not offered, or named twice")
        wanted.append(name)
    return wanted


def read_credential_request(body: Mapping[str, Any]) -> CredentialRequest:
    """Read the body of a credential request. Raises ProtocolRefusal with the codes of OpenID4VCI section 8.3.1.2."""
    if "credential_response_encryption" in body:
        raise ProtocolRefusal("invalid_encryption_parameters", "encrypted responses are not offered")
    configuration, identifier = body.get("credential_configuration_id"), body.get("credential_identifier")
    if ("credential_configuration_id" in body) == ("credential_identifier" in body):
        raise ProtocolRefusal(
            "invalid_credential_request", "send exactly one of credential_configuration_id and credential_identifier"
        )
    if not isinstance(configuration if identifier is None else identifier, str):
        raise ProtocolRefusal("invalid_credential_request", "the name of the credential is a string")
    return CredentialRequest(configuration, identifier, _proof(body))


def _proof(body: Mapping[str, Any]) -> str:
    if "proof" in body and "proofs" in body:
        raise ProtocolRefusal("invalid_credential_request", "send proofs or the older proof, not both")
    if "proof" in body:
        older = body["proof"]
        if not isinstance(older, dict) or older.get("proof_type") != "jwt":
            raise ProtocolRefusal("invalid_proof", "proof has the proof_type jwt")
        found: Any = [older.get("jwt")]
    else:
        proofs = body.get("proofs")
        if not isinstance(proofs, dict) or set(proofs) != {"jwt"}:
            raise ProtocolRefusal("invalid_proof", "proofs holds exactly one type, jwt")
        found = proofs["jwt"]
    if not isinstance(found, list) or not found:
        raise ProtocolRefusal("invalid_proof", "proofs.jwt is an array with a key proof")
    if len(found) > 1:
        raise ProtocolRefusal("invalid_credential_request", "one key proof a request: batch issuance is not offered")
    if not isinstance(found[0], str) or not 0 < len(found[0]) <= MAX_PROOF_CHARS:
        raise ProtocolRefusal("invalid_proof", "a key proof is a JWT")
    return found[0]


def read_notification(body: Mapping[str, Any]) -> Notification:
    """Read the body of a notification (section 11.1). Raises ProtocolRefusal."""
    identifier, event = body.get("notification_id"), body.get("event")
    if not isinstance(identifier, str) or not isinstance(event, str) or event not in NOTIFICATION_EVENTS:
        raise ProtocolRefusal("invalid_notification_request", "send notification_id and a known event")
    if not isinstance(body.get("event_description", ""), str):
        raise ProtocolRefusal("invalid_notification_request", "event_description is text")
    return Notification(identifier, event)
