"""Accepting a credential offer (OpenID4VCI 1.0, pre-authorized code), as any other wallet would.

The token and the keys are on disk before they are used, so that after a crash, or an answer that got lost, the same
command with the same offer goes on where it stopped: the issuer sends the same key the same credential again. Each
credential is checked before it is stored, and the issuer is told what became of it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.wallet.checking import Checker, readable_claims
from app.wallet.errors import CredentialRefused, IssuerRefused, OfferRefused, TxCodeNeeded, WalletError
from app.wallet.offers import PRE_AUTHORIZED_GRANT, Issuer, Offer, read_issuer
from app.wallet.store import Pending, Store, StoredCredential
from app.wallet.web import Answer, WalletWeb
from did.credentials.vcdm import members
from did.keys import KeyKind, Signer
from did.presentations.holder import key_proof

__all__ = ["accept"]


def accept(
    web: WalletWeb, store: Store, checker: Checker, offer: Offer, *, tx_code: str | None
) -> list[StoredCredential]:
    """Fetch every offered credential and store it. Raises WalletError leaves; what was stored before stays stored."""
    issuer = read_issuer(web, offer.credential_issuer)
    unknown = [name for name in offer.configurations if name not in issuer.configurations]
    if unknown:
        raise OfferRefused(f"the issuer's metadata does not describe {', '.join(unknown)[:200]}")
    pending = store.pending(offer.uri)
    # An offer read again may name another issuer by now: it must not be sent the first one's token.
    if pending is None or pending.expires_at <= time.time() or pending.credential_issuer != issuer.identifier:
        pending = _exchange(web, issuer, offer, tx_code)
        store.keep_pending(offer.uri, pending)
    received = []
    for name in offer.configurations:
        kept = store.find(pending.keys[name]) if name in pending.keys else None
        if kept is not None:
            received.append(kept)
            continue
        if name not in pending.keys:
            key_id = store.new_key(_key_kind(issuer.configurations[name]))
            pending = replace(pending, keys={**pending.keys, name: key_id})
            store.keep_pending(offer.uri, pending)
        received.append(_receive(web, store, checker, issuer, pending, name))
    store.drop_pending(offer.uri)
    return received


def _exchange(web: WalletWeb, issuer: Issuer, offer: Offer, tx_code: str | None) -> Pending:
    form = {"grant_type": PRE_AUTHORIZED_GRANT, "pre-authorized_code": offer.code}
    if offer.tx_code is not None:
        if not tx_code:
            raise TxCodeNeeded("the issuer wants a transaction code: give it with --tx-code")
        form["tx_code"] = tx_code
    answer = web.post_form(issuer.token_endpoint, form)
    body = _accepted(answer, "the token request")
    token, lifetime = body.get("access_token"), body.get("expires_in", 60)
    if not isinstance(token, str) or str(body.get("token_type")).lower() != "bearer" or not isinstance(lifetime, int):
        raise IssuerRefused("the token answer cannot be read")
    return Pending(offer.credential_issuer, token, time.time() + lifetime)


def _receive(
    web: WalletWeb, store: Store, checker: Checker, issuer: Issuer, pending: Pending, name: str
) -> StoredCredential:
    signer = store.key(pending.keys[name])
    answer = _requested(web, issuer, pending, name, signer)
    try:
        credential = _credential_in(answer, issuer.configurations[name])
        now = datetime.now(UTC)
        checked = checker.check(credential, key=signer.public, credential_issuer=issuer.identifier, now=now)
    except CredentialRefused:
        _notify(web, issuer, pending, answer, "credential_failure")
        raise
    stored = StoredCredential(
        id=store.credential_id(pending.keys[name]),
        configuration=name,
        format=str(issuer.configurations[name]["format"]),
        issuer=checked.issuer,
        credential_issuer=issuer.identifier,
        types=checked.types,
        key_id=pending.keys[name],
        received_at=now.isoformat(timespec="seconds"),
        verified=checked.verified,
        issuer_check=checked.statement,
        test_mode=checked.test_mode,
        credential=credential,
    )
    store.add(stored)
    _notify(web, issuer, pending, answer, "credential_accepted")
    return stored


def _requested(web: WalletWeb, issuer: Issuer, pending: Pending, name: str, signer: Signer) -> dict[str, Any]:
    """The credential answer; a nonce that the issuer calls stale is replaced once."""
    for last in (False, True):
        nonce = _accepted(web.post_json(issuer.nonce_endpoint, None), "the nonce request").get("c_nonce")
        if not isinstance(nonce, str):
            raise IssuerRefused("the nonce answer cannot be read")
        proof = key_proof(signer, audience=issuer.identifier, nonce=nonce, issued_at=int(time.time()))
        request = {"credential_configuration_id": name, "proofs": {"jwt": [proof]}}
        answer = web.post_json(issuer.credential_endpoint, request, token=pending.access_token)
        if last or answer.status == 200 or answer.json().get("error") != "invalid_nonce":
            break
    return _accepted(answer, "the credential request")


def _credential_in(answer: Mapping[str, Any], configuration: Mapping[str, Any]) -> str | dict[str, Any]:
    """The one credential of an answer, of the format and type that the metadata promised. Raises CredentialRefused."""
    credentials = answer.get("credentials")
    entry = credentials[0] if isinstance(credentials, list) and len(credentials) == 1 else None
    credential = entry.get("credential") if isinstance(entry, dict) else None
    if configuration.get("format") == "dc+sd-jwt" and isinstance(credential, str):
        if readable_claims(credential).get("vct") == configuration.get("vct"):
            return credential
    elif configuration.get("format") == "ldp_vc" and isinstance(credential, dict):
        definition = configuration.get("credential_definition")
        promised = members(definition.get("type")) if isinstance(definition, dict) else []
        if set(map(str, promised)) <= set(map(str, members(credential.get("type")))):
            return credential
    raise CredentialRefused("what came is not one credential of the promised format and type")


def _key_kind(configuration: Mapping[str, Any]) -> KeyKind:
    """The kind of key for a credential: Ed25519 where the presentation needs it, else what most verifiers take."""
    proofs = configuration.get("proof_types_supported")
    jwt = proofs.get("jwt") if isinstance(proofs, dict) else None
    taken = members(jwt.get("proof_signing_alg_values_supported")) if isinstance(jwt, dict) else []
    kinds: dict[str, KeyKind] = {"ES256": "P-256", "EdDSA": "Ed25519"}
    wanted = ["EdDSA"] if configuration.get("format") == "ldp_vc" else ["ES256", "EdDSA"]
    for alg in wanted:
        if alg in taken:
            return kinds[alg]
    raise OfferRefused(f"the issuer takes no key that this wallet could use for {configuration.get('format')}")


def _accepted(answer: Answer, what: str) -> dict[str, Any]:
    if answer.status != 200:
        raise IssuerRefused(f"{what} was refused: {answer.problem()}")
    return answer.json()


def _notify(web: WalletWeb, issuer: Issuer, pending: Pending, answer: Mapping[str, Any], event: str) -> None:
    """Tell the issuer what became of a credential; whether it hears that is not the holder's trouble."""
    identifier = answer.get("notification_id")
    if issuer.notification_endpoint is None or not isinstance(identifier, str):
        return
    with contextlib.suppress(WalletError):
        body = {"notification_id": identifier, "event": event}
        web.post_json(issuer.notification_endpoint, body, token=pending.access_token)
