"""Answering a presentation request: choose, show the holder what would be shared, and send only after consent.

The danger is sharing more than was asked. From an SD-JWT VC only the selected claims are disclosed, beside those
that its issuer left open to all; a credential with a Data Integrity proof cannot hide anything. The plan lists both.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from app.wallet.checking import bound_to, readable_claims
from app.wallet.errors import NothingMatches, RequestRefused, VerifierRefused
from app.wallet.requests import PresentationRequest
from app.wallet.store import Store, StoredCredential
from app.wallet.web import Answer, WalletWeb
from did.credentials.canonical import expanded_types
from did.credentials.vcdm import members
from did.errors import KernelError
from did.presentations.dcql import Held, Match, parse, select
from did.presentations.holder import present_ldp, present_sd_jwt
from did.securing.sd_jwt import parse as parse_sd_jwt

__all__ = ["Share", "decline", "plan", "send"]

# Members of an SD-JWT VC that are about the credential and how it came about, not about the person.
_ABOUT_THE_CREDENTIAL: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "_sd", "_sd_alg"}
    | {"evidence", "test_mode"}
)


@dataclass(frozen=True)
class Share:
    """One credential that would be shown, for one query. `shown` are the claims the verifier would learn;
    `unasked` those among them that it did not ask for, because the credential cannot hide them."""

    query_id: str
    credential: StoredCredential
    paths: tuple[tuple[str | int, ...], ...]
    shown: tuple[str, ...]
    unasked: tuple[str, ...]


def plan(store: Store, request: PresentationRequest, *, only: Collection[str] = ()) -> list[Share]:
    """What would be shared, and nothing more. `only` limits the answer to these query ids. Raises NothingMatches."""
    stored = store.credentials()
    held = [_held(item) for item in stored]
    try:
        query = parse(_limited(request.query, only)) if only else request.parsed
        selection = select(query, held)
    except KernelError as error:
        raise NothingMatches(f"nothing in this wallet answers the request: {error.detail}") from error
    return [
        _share(query_id, stored[match.index], match)
        for query_id, matches in selection.matches.items()
        for match in matches
    ]


def _limited(query: Mapping[str, Any], only: Collection[str]) -> dict[str, Any]:
    """The query cut down to some ids: other credentials, and options that need them, fall away."""
    credentials = [entry for entry in query["credentials"] if entry["id"] in only]
    if len(credentials) != len(set(only)):
        raise RequestRefused(f"the request has no query {', '.join(sorted(only))}")
    limited: dict[str, Any] = {**query, "credentials": credentials}
    sets = [
        {**group, "options": [option for option in group["options"] if set(option) <= set(only)]}
        for group in query.get("credential_sets", [])
    ]
    limited.pop("credential_sets", None)
    if any(not group["options"] and group.get("required", True) for group in sets):
        raise NothingMatches("the request cannot be answered with these queries alone")
    kept = [group for group in sets if group["options"]]
    return {**limited, "credential_sets": kept} if kept else limited


def _held(item: StoredCredential) -> Held:
    claims = readable_claims(item.credential)
    if item.format == "dc+sd-jwt":
        return Held(item.format, claims, vct=str(claims.get("vct")), types=(str(claims.get("vct")),))
    unsecured = {name: value for name, value in claims.items() if name != "proof"}
    try:
        types = (*map(str, members(unsecured.get("type"))), *expanded_types(unsecured))
    except KernelError:
        types = ()
    return Held(item.format, claims, types=types)


def _share(query_id: str, item: StoredCredential, match: Match) -> Share:
    asked = tuple(dict.fromkeys(_label(path) for path in match.paths))
    if item.format == "dc+sd-jwt":
        bare = parse_sd_jwt(str(item.credential)).payload
        roots = {str(path[0]) for path in match.paths}
        open_to_all = tuple(name for name in bare if name not in _ABOUT_THE_CREDENTIAL and name not in roots)
        return Share(query_id, item, match.paths, asked + open_to_all, open_to_all)
    subjects = members(readable_claims(item.credential).get("credentialSubject"))
    names = dict.fromkeys(name for subject in subjects if isinstance(subject, dict) for name in subject)
    everything = tuple(name for name in names if name not in ("id", "type"))
    return Share(query_id, item, match.paths, everything, tuple(name for name in everything if name not in asked))


def _label(path: Sequence[str | int]) -> str:
    named = path[1:] if len(path) > 1 and path[0] == "credentialSubject" else path
    return ".".join(map(str, named))


def send(web: WalletWeb, store: Store, request: PresentationRequest, shares: Sequence[Share]) -> None:
    """Make the presentations and send them. Raises VerifierRefused with what the verifier says."""
    token: dict[str, list[str | dict[str, Any]]] = {}
    for share in shares:
        token.setdefault(share.query_id, []).append(_presentation(store, request, share))
    answer = _post(web, request, {"vp_token": orjson.dumps(token).decode()})
    if answer.status != 200:
        raise VerifierRefused(f"{request.host} answered: {answer.problem()}")


def decline(web: WalletWeb, request: PresentationRequest) -> None:
    """Tell the verifier that there will be no answer."""
    _post(web, request, {"error": "access_denied"})


def _presentation(store: Store, request: PresentationRequest, share: Share) -> str | dict[str, Any]:
    signer = store.key(share.credential.key_id)
    credential = share.credential.credential
    if isinstance(credential, str):
        return present_sd_jwt(
            credential,
            disclose=share.paths,
            signer=signer,
            audience=request.client_id,
            nonce=request.nonce,
            issued_at=int(time.time()),
        )
    return present_ldp(
        [credential],
        signer=signer,
        holder_did=str(bound_to(credential, sd_jwt=False)),
        audience=request.client_id,
        nonce=request.nonce,
        created=datetime.now(UTC),
    )


def _post(web: WalletWeb, request: PresentationRequest, form: dict[str, str]) -> Answer:
    if request.state is not None:
        form["state"] = request.state
    return web.post_form(request.response_uri, form)
