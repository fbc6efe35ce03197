"""Codes, nonces, offers and requests are spent once, however many ask at the same moment."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from sqlalchemy import func, select

from app.credentials.tables import CredentialRow
from app.issuance.errors import OfferClosed
from app.issuance.requests import CredentialRequest, TokenRequest
from app.issuance.tables import AccessTokenRow
from app.presentations.tables import PresentationEventRow
from did.keys import LocalKey
from did.presentations.holder import key_proof, present_sd_jwt
from did.securing.jose import peek_compact

PARALLEL = 50
SD_JWT = "person_identity_sd_jwt"


def offer(wiring: Any, caller: Any) -> Any:
    return wiring.offers.create(verification_session="vs_race", configurations=[SD_JWT], tx_code=True, caller=caller)


def token_request(wiring: Any, made: Any, tx_code: str | None = None) -> TokenRequest:
    return TokenRequest(wiring.offers.code_of(made.id), tx_code or made.tx_code, None)


def credential_request(wiring: Any, key: LocalKey, nonce: str | None = None) -> CredentialRequest:
    nonce = nonce or wiring.issuance.nonce()["c_nonce"]
    proof = key_proof(key, audience=wiring.settings.base_url, nonce=nonce, issued_at=int(time.time()))
    return CredentialRequest(SD_JWT, None, proof)


def issued_for(wiring: Any, offer_id: str) -> int:
    with wiring.database.reading() as session:
        rows = select(func.count()).select_from(CredentialRow).where(CredentialRow.offer_id == offer_id)
        return int(session.scalar(rows) or 0)


@pytest.mark.threat(52)
def test_fifty_exchanges_of_one_code_give_one_token(wiring: Any, caller: Any, at_once: Any, split: Any) -> None:
    made = offer(wiring, caller)
    request = token_request(wiring, made)
    tokens, refusals = split(at_once([lambda: wiring.issuance.exchange(request)] * PARALLEL))
    assert len(tokens) == 1
    assert {refusal.error for refusal in refusals} == {"invalid_grant"}
    with wiring.database.reading() as session:
        rows = select(func.count()).select_from(AccessTokenRow).where(AccessTokenRow.offer_id == made.id)
        assert session.scalar(rows) == 1


@pytest.mark.threat(53)
def test_fifty_parallel_guesses_get_five_comparisons(wiring: Any, caller: Any, at_once: Any, split: Any) -> None:
    made = offer(wiring, caller)
    guesses = [f"{(int(made.tx_code) + step) % 1_000_000:06}" for step in range(1, PARALLEL + 1)]
    calls = [lambda guess=guess: wiring.issuance.exchange(token_request(wiring, made, guess)) for guess in guesses]
    tokens, refusals = split(at_once(calls))
    assert tokens == []
    assert sum("wrong tx_code" in refusal.description for refusal in refusals) == 5
    assert wiring.offers.get(made.id, livemode=False).close_reason == "too_many_tx_codes"


@pytest.mark.threat(52)
def test_fifty_requests_of_one_key_give_one_credential(wiring: Any, caller: Any, at_once: Any, split: Any) -> None:
    made, key = offer(wiring, caller), LocalKey.generate("P-256")
    token = wiring.issuance.exchange(token_request(wiring, made))["access_token"]
    requests = [credential_request(wiring, key) for _ in range(PARALLEL)]
    calls = [lambda request=request: wiring.issuance.credential(token, request) for request in requests]
    answers, refusals = split(at_once(calls))
    assert refusals == []
    assert len({json.dumps(answer, sort_keys=True) for answer in answers}) == 1, "the same credential each time"
    assert issued_for(wiring, made.id) == 1


@pytest.mark.threat(52)
def test_fifty_keys_at_one_grant_and_one_gets_it(wiring: Any, caller: Any, at_once: Any, split: Any) -> None:
    made = offer(wiring, caller)
    token = wiring.issuance.exchange(token_request(wiring, made))["access_token"]
    requests = [credential_request(wiring, LocalKey.generate("P-256")) for _ in range(PARALLEL)]
    calls = [lambda request=request: wiring.issuance.credential(token, request) for request in requests]
    answers, refusals = split(at_once(calls))
    assert len(answers) == 1
    assert {refusal.error for refusal in refusals} == {"credential_request_denied"}
    assert issued_for(wiring, made.id) == 1
    assert wiring.offers.get(made.id, livemode=False).state == "issued"


def test_one_nonce_at_many_grants_is_good_for_one(wiring: Any, caller: Any, at_once: Any, split: Any) -> None:
    key, nonce = LocalKey.generate("P-256"), wiring.issuance.nonce()["c_nonce"]
    request = credential_request(wiring, key, nonce)
    offers = [offer(wiring, caller) for _ in range(10)]
    tokens = [wiring.issuance.exchange(token_request(wiring, made))["access_token"] for made in offers]
    calls = [lambda token=token: wiring.issuance.credential(token, request) for token in tokens]
    answers, refusals = split(at_once(calls))
    assert len(answers) == 1
    assert {refusal.error for refusal in refusals} == {"invalid_nonce"}
    assert sum(issued_for(wiring, made.id) for made in offers) == 1


@pytest.mark.threat(57)
def test_canceling_while_the_wallet_asks(wiring: Any, caller: Any, at_once: Any) -> None:
    for _ in range(5):
        made, key = offer(wiring, caller), LocalKey.generate("P-256")
        token = wiring.issuance.exchange(token_request(wiring, made))["access_token"]
        request = credential_request(wiring, key)

        def cancel(offer_id: str = made.id) -> Any:
            with contextlib.suppress(OfferClosed):
                return wiring.offers.cancel(offer_id, caller=caller)

        canceled, answer = at_once([cancel, lambda t=token, r=request: wiring.issuance.credential(t, r)])
        state = wiring.offers.get(made.id, livemode=False).state
        received = isinstance(answer, dict)
        assert received == (state == "issued") == (issued_for(wiring, made.id) == 1)
        assert (canceled is not None) == (state == "canceled")


@pytest.mark.threat(54)
def test_one_answer_posted_by_many_at_once_is_decided_once(wiring: Any, caller: Any, at_once: Any, split: Any) -> None:
    made, key = offer(wiring, caller), LocalKey.generate("P-256")
    token = wiring.issuance.exchange(token_request(wiring, made))["access_token"]
    answer = wiring.issuance.credential(token, credential_request(wiring, key))
    credential = answer["credentials"][0]["credential"]
    request = wiring.presentations.create(dcql_query=None, preset="over_18", trusted_issuers=None, caller=caller)
    reference = request.request_uri.rpartition("/")[2]
    asked = json.loads(peek_compact(wiring.presentations.protocol.request_object(reference)).payload)
    presented = present_sd_jwt(
        credential,
        disclose=[("ageOver18",)],
        signer=key,
        audience=asked["client_id"],
        nonce=asked["nonce"],
        issued_at=int(time.time()),
    )
    form = {"vp_token": json.dumps({"identity_sd_jwt": [presented]}), "state": asked["state"]}
    accepted, refusals = split(at_once([lambda: wiring.presentations.protocol.respond(reference, form)] * 20))
    assert len(accepted) == 1
    assert {refusal.status for refusal in refusals} == {409}
    with wiring.database.reading() as session:
        mine = PresentationEventRow.request_id == request.id
        kinds = session.scalars(
            select(PresentationEventRow.kind).where(mine).order_by(PresentationEventRow.sequence)
        ).all()
    assert kinds == ["request_created", "request_retrieved", "response_submitted", "presentation_verified"]
