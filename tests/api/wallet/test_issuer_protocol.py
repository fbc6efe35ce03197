"""OpenID4VCI as a stranger's wallet meets it: the MUSTs that implementers miss, and the threats of section F."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.issuance.tables import OfferedCredentialRow
from did.keys import LocalKey, did_jwk, did_key
from did.multibase import b64url
from did.securing.jose import sign_compact
from did.securing.sd_jwt import parse

SD_JWT = "person_identity_sd_jwt"


@pytest.fixture
def key() -> LocalKey:
    return LocalKey.generate("P-256")


def error_of(answer: Any, status: int = 400) -> str:
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error_description"].isascii()
    return str(answer.json()["error"])


def holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(holds_null(item) for item in value.values())
    return value is None or (isinstance(value, list) and any(map(holds_null, value)))


# Metadata and offers


def test_the_metadata_is_complete_and_holds_no_null(service: Any) -> None:
    issuer = service.http.get(f"{service.url}/.well-known/openid-credential-issuer").json()
    server = service.http.get(f"{service.url}/.well-known/oauth-authorization-server").json()
    assert issuer["credential_issuer"] == server["issuer"] == service.url
    assert not holds_null(issuer)
    assert not holds_null(server)
    assert server["pre-authorized_grant_anonymous_access_supported"] is True
    assert "authorization_servers" not in issuer
    assert "batch_credential_issuance" not in issuer
    for entry in issuer["credential_configurations_supported"].values():
        assert entry["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"]
        assert entry["cryptographic_binding_methods_supported"]
        assert ("vct" in entry) == (entry["format"] == "dc+sd-jwt")
        assert ("credential_definition" in entry) == (entry["format"] == "ldp_vc")
    assert service.http.get(f"{service.url}/.well-known/openid-credential-issuer/elsewhere").status_code == 404


def test_an_offer_is_read_again_until_it_ends(service: Any, raw: Any) -> None:
    offer = service.offer()
    first, second = raw.offer_object(offer), raw.offer_object(offer)
    assert first == second
    assert not holds_null(first)
    assert service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()["state"] == "retrieved"
    assert service.operator("POST", f"/v1/credential_offers/{offer['id']}/cancel").json()["state"] == "canceled"
    assert service.http.get(offer["credential_offer_uri"]).status_code == 410


def test_an_offer_belongs_to_its_mode_and_shows_its_code_once(service: Any) -> None:
    offer = service.offer()
    assert len(offer["tx_code"]) == 6
    assert service.operator("GET", f"/v1/credential_offers/{offer['id']}", live=True).status_code == 404
    assert "tx_code" not in service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()
    page = service.http.get(offer["page_url"])
    assert page.status_code == 200
    assert offer["tx_code"] not in page.text
    for text in ("ERIKSSON", offer["id"], "vs_test"):
        assert text not in page.text


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"configurations": ["nothing"]}, 400, "unknown_configuration"),
        ({"configurations": [SD_JWT, SD_JWT]}, 400, "unknown_configuration"),
        ({"configurations": []}, 400, "invalid_request"),
        ({"verification_session": "vs_live"}, 404, "session_not_found"),
        ({"verification_session": "vs_nobody"}, 404, "session_not_found"),
        ({"tx_code": "yes"}, 400, "invalid_request"),
        ({"surprise": 1}, 400, "invalid_request"),
    ],
)
def test_offers_that_cannot_be_made(service: Any, change: dict[str, Any], status: int, code: str) -> None:
    body = {"verification_session": "vs_test", "configurations": [SD_JWT], **change}
    answer = service.operator("POST", "/v1/credential_offers", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.threat(1)
@pytest.mark.threat(2)
def test_the_v1_body_is_read_strictly(service: Any) -> None:
    headers = {"Authorization": f"Bearer {service.test_key}", "Content-Type": "application/json"}
    deep = "[" * 100_000
    twice = '{"verification_session":"vs_test","verification_session":"vs_live","configurations":["a"]}'
    for body, code in ((deep, "input_too_deep"), (twice, "duplicate_key"), ("{", "malformed_json")):
        answer = service.http.post(f"{service.url}/v1/credential_offers", content=body, headers=headers)
        assert 400 <= answer.status_code < 500
        assert answer.json()["code"] == code


# Token endpoint (items 4 and 6)


def test_a_token_lives_five_minutes_at_most_and_is_not_cached(service: Any, raw: Any) -> None:
    answer = raw.exchange({**raw.token_form(service.offer()), "user_pin": "1", "unknown": "ignored"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert 0 < answer.json()["expires_in"] <= 300
    assert answer.json()["token_type"] == "Bearer"
    assert not holds_null(answer.json())


@pytest.mark.threat(53)
def test_a_wrong_tx_code_counts_and_five_close_the_offer(service: Any, raw: Any) -> None:
    offer = service.offer()
    wrong = f"{(int(offer['tx_code']) + 1) % 1_000_000:06}"
    form = raw.token_form(offer)
    assert error_of(raw.exchange({**form, "tx_code": wrong})) == "invalid_grant"
    assert raw.exchange(form).status_code == 200, "one wrong try does not burn the code"

    offer = service.offer()
    wrong = f"{(int(offer['tx_code']) + 1) % 1_000_000:06}"
    form = raw.token_form(offer)
    for _ in range(5):
        assert error_of(raw.exchange({**form, "tx_code": wrong})) == "invalid_grant"
    assert error_of(raw.exchange(form)) == "invalid_grant"
    state = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()
    assert (state["state"], state["close_reason"]) == ("canceled", "too_many_tx_codes")


def test_a_missing_tx_code_and_one_too_many_are_invalid_requests(service: Any, raw: Any) -> None:
    with_code, without = service.offer(), service.offer(tx_code=False)
    assert error_of(raw.exchange(raw.token_form(with_code, tx_code=None))) == "invalid_request"
    assert error_of(raw.exchange(raw.token_form(without, tx_code="123456"))) == "invalid_request"
    assert raw.exchange(raw.token_form(with_code)).status_code == 200, "neither was a try"


def test_the_code_works_once(service: Any, raw: Any) -> None:
    form = raw.token_form(service.offer())
    assert raw.exchange(form).status_code == 200
    assert error_of(raw.exchange(form)) == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"pre-authorized_code": None}, "invalid_request"),
        ({"pre-authorized_code": "guess"}, "invalid_grant"),
        ({"authorization_details": "["}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"other"}]'}, "invalid_authorization_details"),
    ],
)
def test_token_requests_that_are_refused(service: Any, raw: Any, change: dict[str, Any], error: str) -> None:
    assert error_of(raw.exchange(raw.token_form(service.offer(), **change))) == error


@pytest.mark.parametrize("body", ["a=1&a=2", "\xff\xfe", "&".join(f"p{i}=1" for i in range(200))])
def test_forms_that_cannot_be_read(service: Any, body: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    content = body.encode("latin-1")
    assert (
        error_of(service.http.post(f"{service.url}/oid4vci/token", content=content, headers=headers))
        == "invalid_request"
    )


def test_a_json_token_request_and_a_huge_one_are_refused(service: Any) -> None:
    assert error_of(service.http.post(f"{service.url}/oid4vci/token", json={})) == "invalid_request"
    form = {"grant_type": "x" * 2_000_000}
    assert error_of(service.http.post(f"{service.url}/oid4vci/token", data=form), 413) == "invalid_request"


def test_authorization_details_give_identifiers_that_must_then_be_used(service: Any, raw: Any, key: LocalKey) -> None:
    details = json.dumps([{"type": "openid_credential", "credential_configuration_id": SD_JWT}])
    answer = raw.exchange(raw.token_form(service.offer(SD_JWT, "person_identity_ldp"), authorization_details=details))
    [entry] = answer.json()["authorization_details"]
    [identifier] = entry["credential_identifiers"]
    token = answer.json()["access_token"]
    proofs = {"jwt": [raw.proof(key)]}
    by_name = {"credential_configuration_id": SD_JWT, "proofs": proofs}
    assert error_of(raw.ask(token, by_name)) == "invalid_credential_request"
    other = {"credential_identifier": "person_identity_ldp", "proofs": proofs}
    assert error_of(raw.ask(token, other)) == "unknown_credential_identifier"
    assert raw.ask(token, {"credential_identifier": identifier, "proofs": proofs}).status_code == 200


# Credential endpoint (items 1, 2, 3, 5 and 10)


def test_the_older_proof_member_is_taken_and_both_are_refused(service: Any, raw: Any, key: LocalKey) -> None:
    token = raw.token(service.offer())
    older = {"proof_type": "jwt", "jwt": raw.proof(key)}
    both = {"credential_configuration_id": SD_JWT, "proof": older, "proofs": {"jwt": [older["jwt"]]}}
    assert error_of(raw.ask(token, both)) == "invalid_credential_request"
    answer = raw.ask(token, {"credential_configuration_id": SD_JWT, "proof": older, "format": "dc+sd-jwt"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert not holds_null(answer.json())


def test_a_nonce_is_good_for_one_request_of_any_grant(service: Any, raw: Any, key: LocalKey) -> None:
    first, second = raw.token(service.offer()), raw.token(service.offer())
    proof = raw.proof(key)
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [proof]}}
    assert raw.ask(first, body).status_code == 200
    assert error_of(raw.ask(second, body)) == "invalid_nonce", "a whole proof of an earlier issuance"
    assert error_of(raw.ask(first, body)) == "invalid_nonce"
    unknown = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [raw.proof(key, nonce="invented")]}}
    assert error_of(raw.ask(second, unknown)) == "invalid_nonce"
    assert raw.credential(second, key).status_code == 200, "the grant outlives a bad nonce"


@pytest.mark.usefixtures("at_rest")
def test_a_nonce_ends_after_five_minutes(service: Any, raw: Any, key: LocalKey) -> None:
    nonce = raw.nonce()
    service.clock.offset = timedelta(minutes=5, seconds=1)
    token = raw.token(service.offer())
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [raw.proof(key, nonce=nonce)]}}
    assert error_of(raw.ask(token, body)) == "invalid_nonce"


@pytest.mark.threat(58)
@pytest.mark.parametrize("age_s", [600, -600])
def test_a_proof_of_another_time_is_refused(service: Any, raw: Any, key: LocalKey, age_s: int) -> None:
    token = raw.token(service.offer())
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [raw.proof(key, age_s=age_s)]}}
    assert error_of(raw.ask(token, body)) == "invalid_proof"


@pytest.mark.threat(13)
@pytest.mark.parametrize(
    "fault", ["typ", "aud", "no_nonce", "private_jwk", "kid_and_jwk", "no_key", "none", "hmac", "signature", "es384"]
)
def test_key_proofs_that_do_not_hold(service: Any, raw: Any, key: LocalKey, fault: str) -> None:
    header: dict[str, Any] = {"typ": "openid4vci-proof+jwt", "jwk": key.public.to_jwk()}
    payload: dict[str, Any] = {"aud": service.url, "iat": int(service.clock().timestamp()), "nonce": raw.nonce()}
    signer = key
    match fault:
        case "typ":
            header["typ"] = "JWT"
        case "aud":
            payload["aud"] = "https://issuer.example"
        case "no_nonce":
            del payload["nonce"]
        case "private_jwk":
            header["jwk"] = {**header["jwk"], "d": b64url(key.private_bytes())}
        case "kid_and_jwk":
            header["kid"] = did_key(key.public)
        case "no_key":
            del header["jwk"]
        case "es384":
            signer = LocalKey.generate("P-384")
            header["jwk"] = signer.public.to_jwk()
    proof = sign_compact(header, payload, signer)
    head, body, signature = proof.split(".")
    if fault in ("none", "hmac"):
        forged = {**header, "alg": "none" if fault == "none" else "HS256"}
        proof = f"{b64url(json.dumps(forged).encode())}.{body}.{signature}"
    if fault == "signature":
        proof = f"{head}.{body}.{b64url(bytes(64))}"
    token = raw.token(service.offer())
    answer = raw.ask(token, {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [proof]}})
    assert error_of(answer) == "invalid_proof"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"credential_identifier": "x"}, "invalid_credential_request"),
        ({"credential_configuration_id": None}, "invalid_credential_request"),
        ({"credential_configuration_id": 7}, "invalid_credential_request"),
        ({"credential_configuration_id": "nothing"}, "unknown_credential_configuration"),
        ({"credential_configuration_id": "person_identity_ldp"}, "credential_request_denied"),
        ({"credential_configuration_id": None, "credential_identifier": "x"}, "unknown_credential_identifier"),
        ({"proofs": None}, "invalid_proof"),
        ({"proofs": {}}, "invalid_proof"),
        ({"proofs": {"jwt": []}}, "invalid_proof"),
        ({"proofs": {"jwt": ["a.b.c"]}}, "invalid_proof"),
        ({"proofs": {"jwt": ["a"], "di_vp": []}}, "invalid_proof"),
        ({"proofs": {"jwt": ["a", "b"]}}, "invalid_credential_request"),
        ({"credential_response_encryption": {"alg": "x"}}, "invalid_encryption_parameters"),
    ],
)
def test_credential_requests_that_are_refused(
    service: Any, raw: Any, key: LocalKey, change: dict[str, Any], error: str
) -> None:
    token = raw.token(service.offer())
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [raw.proof(key)]}, **change}
    body = {name: value for name, value in body.items() if value is not None}
    assert error_of(raw.ask(token, body)) == error
    assert raw.credential(token, key).status_code == 200, "a refused request spends nothing"


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a":1,"a":2}', '{"a":NaN}', "[" * 20_000])
def test_bodies_that_are_no_objects(service: Any, raw: Any, body: str) -> None:
    headers = {"Authorization": f"Bearer {raw.token(service.offer())}", "Content-Type": "application/json"}
    answer = service.http.post(f"{service.url}/oid4vci/credential", content=body, headers=headers)
    assert error_of(answer) == "invalid_credential_request"


def test_access_tokens_come_by_header_alone(service: Any, raw: Any, key: LocalKey) -> None:
    token = raw.token(service.offer())
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [raw.proof(key)]}}
    endpoint = f"{service.url}/oid4vci/credential"
    in_query = service.http.post(f"{endpoint}?access_token={token}", json=body)
    assert in_query.status_code == 401
    assert in_query.headers["www-authenticate"].startswith("Bearer")
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {token}"}):
        answer = service.http.post(endpoint, json=body, headers=header)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert service.http.post(endpoint, json=body, headers={"Authorization": f"BEARER {token}"}).status_code == 200


# Redelivery, cancellation, expiry


def test_a_lost_answer_is_sent_again_to_the_same_key_only(service: Any, raw: Any, key: LocalKey) -> None:
    offer = service.offer()
    token = raw.token(offer)
    first = raw.credential(token, key).json()
    again = raw.credential(token, key).json()
    assert again == first
    stranger = raw.credential(token, LocalKey.generate("P-256"))
    assert error_of(stranger) == "credential_request_denied"
    issued = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()
    assert len(issued["credentials"]) == 1
    accepted = {"notification_id": first["notification_id"], "event": "credential_accepted"}
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(2):
        answer = service.http.post(f"{service.url}/oid4vci/notification", json=accepted, headers=headers)
        assert answer.status_code == 204
    assert error_of(raw.credential(token, key)) == "credential_request_denied", "the copy is gone once it was accepted"


def test_notifications_that_are_refused(service: Any, raw: Any, key: LocalKey) -> None:
    token = raw.token(service.offer())
    identifier = raw.credential(token, key).json()["notification_id"]
    endpoint, headers = f"{service.url}/oid4vci/notification", {"Authorization": f"Bearer {token}"}
    for body, error in (
        ({"notification_id": "other", "event": "credential_accepted"}, "invalid_notification_id"),
        ({"notification_id": identifier, "event": "something"}, "invalid_notification_request"),
        ({"event": "credential_accepted"}, "invalid_notification_request"),
    ):
        assert error_of(service.http.post(endpoint, json=body, headers=headers)) == error
    assert service.http.post(endpoint, json={}, headers={}).status_code == 401


@pytest.mark.threat(57)
def test_an_offer_canceled_between_token_and_credential(service: Any, raw: Any, key: LocalKey) -> None:
    offer = service.offer()
    token = raw.token(offer)
    cancel = f"/v1/credential_offers/{offer['id']}/cancel"
    assert service.operator("POST", cancel).status_code == 200
    assert service.operator("POST", cancel).status_code == 200, "a second time changes nothing"
    before = service.wiring.credentials.counts()
    assert error_of(raw.credential(token, key)) == "credential_request_denied"
    assert service.wiring.credentials.counts() == before


@pytest.mark.threat(57)
@pytest.mark.usefixtures("at_rest")
def test_expiry_ends_codes_tokens_and_what_was_kept(service: Any, raw: Any, key: LocalKey) -> None:
    unspent, begun, done = service.offer(), service.offer(), service.offer()
    form, begun_token, done_token = raw.token_form(unspent), raw.token(begun), raw.token(done)
    assert raw.credential(done_token, key).status_code == 200
    service.clock.offset = timedelta(seconds=301)
    assert raw.credential(begun_token, key).status_code == 401
    service.clock.offset = timedelta(seconds=601)
    assert error_of(raw.exchange(form)) == "invalid_grant"
    assert error_of(raw.credential(begun_token, key)) == "credential_request_denied"
    assert service.wiring.offers.sweep() >= 2
    assert service.wiring.offers.sweep() == 0
    states = [
        service.operator("GET", f"/v1/credential_offers/{o['id']}").json()["state"] for o in (unspent, begun, done)
    ]
    assert states == ["expired", "expired", "issued"]

    with service.wiring.database.reading() as session:
        kept = session.scalars(
            select(OfferedCredentialRow.sealed).where(OfferedCredentialRow.offer_id == done["id"])
        ).all()
    assert kept == [None]


@pytest.mark.usefixtures("at_rest")
def test_a_session_withdrawn_after_the_offer_issues_nothing(service: Any, raw: Any, key: LocalKey) -> None:
    token = raw.token(service.offer())
    service.sessions.withdrawn.add("vs_test")
    assert error_of(raw.credential(token, key)) == "credential_request_denied"


@pytest.mark.usefixtures("at_rest")
def test_a_document_that_has_expired_since_issues_nothing(service: Any, raw: Any, key: LocalKey) -> None:
    token = raw.token(service.offer())
    service.sessions.person["expiry_date"] = "2020-01-01"
    try:
        assert error_of(raw.credential(token, key)) == "credential_request_denied"
    finally:
        service.sessions.person["expiry_date"] = "2032-04-15"


def test_the_database_holds_no_secret_in_the_clear(service: Any, raw: Any, key: LocalKey) -> None:
    offer = service.offer()
    code = raw.token_form(offer)["pre-authorized_code"]
    token = raw.token(offer)
    credential = raw.credential(token, key).json()["credentials"][0]["credential"]
    path = service.wiring.settings.data_dir / "assay.sqlite3"
    stored = b"".join(file.read_bytes() for file in path.parent.glob("assay.sqlite3*"))
    reference = offer["credential_offer_uri"].rpartition("/")[2]
    for secret in (code, token, reference, parse(credential).disclosures[0].encoded):
        assert secret.encode() not in stored


def test_the_subject_is_the_key_that_made_the_proof(service: Any, raw: Any) -> None:
    key = LocalKey.generate("Ed25519")
    credential = raw.received(key, "person_identity_ldp")
    assert credential["credentialSubject"]["id"] == did_jwk(key.public)
    token = raw.token(service.offer())
    header = {"typ": "openid4vci-proof+jwt", "kid": did_key(key.public)}
    payload = {"aud": service.url, "iat": int(service.clock().timestamp()), "nonce": raw.nonce()}
    proofs = {"jwt": [sign_compact(header, payload, key)]}
    answer = raw.ask(token, {"credential_configuration_id": SD_JWT, "proofs": proofs})
    bound = parse(answer.json()["credentials"][0]["credential"]).payload["cnf"]["jwk"]
    assert bound == key.public.to_jwk()
