"""Reading a presentation request (OpenID4VP 1.0): who asks, for what, and where an answer would go.

Dangers: a request that nobody signed, or that somebody else signed; an answer sent to another host than the one that
asks; an old request put before the holder again. The signature must be by a key that the DID document of the very
`client_id` lists for authentication, and a did:web ties that DID to the host that receives the answer.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from app.wallet.errors import InvalidLink, RequestRefused
from app.wallet.links import link_parameters, split_url
from app.wallet.web import WalletWeb
from did.errors import KernelError
from did.presentations.dcql import DcqlQuery, parse
from did.resolver import Resolver
from did.securing.jose import peek_compact, verify_compact

__all__ = ["PresentationRequest", "read_request"]

REQUEST_TYPE: Final = "oauth-authz-req+jwt"
PREFIX: Final = "decentralized_identifier:"
SELF_ISSUED: Final = "https://self-issued.me/v2"
LEEWAY_S: Final = 60
_NONCE: Final = re.compile(r"[A-Za-z0-9._~-]{16,512}\Z")


@dataclass(frozen=True)
class PresentationRequest:
    """A request whose signature held. `host` is who asks, as the holder knows them."""

    client_id: str
    host: str
    response_uri: str
    nonce: str
    state: str | None
    query: dict[str, Any]
    parsed: DcqlQuery
    verifier_name: str | None


def read_request(web: WalletWeb, resolver: Resolver, link: str) -> PresentationRequest:
    """Fetch and verify the request behind an openid4vp:// link. Raises InvalidLink, RequestRefused, PeerUnreachable."""
    client_id, request_uri, method = _read_link(link)
    if not client_id.startswith(f"{PREFIX}did:web:"):
        raise RequestRefused("this wallet answers verifiers that sign with a did:web only")
    did = client_id.removeprefix(PREFIX)
    host = _host_of(did)
    _require_host(request_uri, did, host, "the request is kept at")
    wallet_nonce = secrets.token_urlsafe(24) if method == "post" else None
    form = {} if wallet_nonce is None else {"wallet_nonce": wallet_nonce}
    accept = f"application/{REQUEST_TYPE}"
    answer = web.get(request_uri, accept=accept) if method == "get" else web.post_form(request_uri, form, accept=accept)
    if answer.status != 200:
        raise RequestRefused(f"the request cannot be read: {answer.problem()}")
    payload = _verified(resolver, did, answer.body)
    return _checked(payload, client_id=client_id, did=did, host=host, wallet_nonce=wallet_nonce)


def _read_link(link: str) -> tuple[str, str, str]:
    parts = split_url(link)
    if parts.scheme != "openid4vp":
        raise InvalidLink("a presentation request begins with openid4vp://")
    query = link_parameters(parts.query)
    values = {name: found[0] for name, found in query.items() if len(found) == 1}
    method = values.get("request_uri_method", "get")
    if "client_id" not in values or "request_uri" not in values or method not in ("get", "post"):
        raise InvalidLink("the link lacks client_id or request_uri, or names an unknown request_uri_method")
    return values["client_id"], values["request_uri"], method


def _verified(resolver: Resolver, did: str, body: bytes) -> dict[str, Any]:
    try:
        token = body.decode("ascii")
        kid = peek_compact(token).header.get("kid")
        if not isinstance(kid, str) or kid.partition("#")[0] != did:
            raise RequestRefused("the request is signed with a key of another DID than its client_id")
        return verify_compact(token, resolver.key_for(kid, "authentication"), typ=REQUEST_TYPE)
    except UnicodeDecodeError as error:
        raise RequestRefused("the request is not a signed token") from error
    except KernelError as error:
        raise RequestRefused(f"nobody could be found who signed the request: {error.code}: {error.detail}") from error


def _checked(
    payload: dict[str, Any], *, client_id: str, did: str, host: str, wallet_nonce: str | None
) -> PresentationRequest:
    if payload.get("client_id") != client_id:
        raise RequestRefused("the signed client_id is not the one of the link")
    if payload.get("aud") != SELF_ISSUED or payload.get("wallet_nonce") != wallet_nonce:
        raise RequestRefused("the request was made for another wallet or another time")
    expires = payload.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int) or expires <= datetime.now(UTC).timestamp() - LEEWAY_S:
        raise RequestRefused("the request has expired, or does not say when it does")
    if payload.get("response_type") != "vp_token" or payload.get("response_mode") != "direct_post":
        raise RequestRefused("the request wants an answer of a kind that this wallet does not give")
    if "redirect_uri" in payload or "transaction_data" in payload:
        raise RequestRefused("the request holds redirect_uri or transaction_data, which this wallet does not take")
    response_uri, nonce, state = payload.get("response_uri"), payload.get("nonce"), payload.get("state")
    if not isinstance(response_uri, str) or not isinstance(nonce, str) or not _NONCE.match(nonce):
        raise RequestRefused("the request lacks a response_uri or a strong nonce")
    if state is not None and not isinstance(state, str):
        raise RequestRefused("the request's state is not text")
    _require_host(response_uri, did, host, "the answer would go to")
    query = payload.get("dcql_query")
    try:
        parsed = parse(query if isinstance(query, dict) else {})
    except KernelError as error:
        raise RequestRefused(f"the question cannot be read: {error.detail} {error.pointer}") from error
    assert isinstance(query, dict)
    metadata = payload.get("client_metadata")
    name = metadata.get("client_name") if isinstance(metadata, dict) else None
    return PresentationRequest(
        client_id, host, response_uri, nonce, state, query, parsed, name if isinstance(name, str) else None
    )


def _host_of(did: str) -> str:
    return unquote(did.removeprefix("did:web:").partition(":")[0]).lower()


def _require_host(url: str, did: str, host: str, what: str) -> None:
    netloc = split_url(url).netloc.lower()
    if netloc != host:
        raise RequestRefused(f"{what} {netloc}, but {did} asks")
