"""OpenID4VP as a hostile wallet meets it: the MUSTs that implementers miss, replay, tampering, what stays unknown."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from did.errors import DidUnavailable
from did.keys import LocalKey, did_key
from did.multibase import b64url, b64url_decode
from did.securing.data_integrity import add_proof
from did.securing.jose import peek_compact, sign_compact
from did.verify import Verifier

SD_JWT, LDP = "identity_sd_jwt", "identity_ldp"
CONFIGURATION = {SD_JWT: "person_identity_sd_jwt", LDP: "person_identity_ldp"}


@pytest.fixture(scope="module")
def holder() -> dict[str, LocalKey]:
    return {SD_JWT: LocalKey.generate("P-256"), LDP: LocalKey.generate("Ed25519")}


@pytest.fixture
def held(raw: Any, holder: dict[str, LocalKey]) -> dict[str, Any]:
    return {query: raw.received(holder[query], CONFIGURATION[query]) for query in (SD_JWT, LDP)}


def refused(answer: Any, status: int = 400) -> str:
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == "invalid_request"
    return str(answer.json()["error_description"])


def verdict_reasons(service: Any, request: dict[str, Any]) -> list[str]:
    result = service.result(request)
    assert result["state"] == "rejected"
    assert "claims" not in json.dumps(result["credentials"])
    return list(result["verdict"]["reasons"])


# The request


def test_the_request_object_is_as_wallets_want_it(service: Any, raw: Any) -> None:
    request = service.request()
    answer = service.http.get(request["request_uri"])
    assert answer.headers["content-type"] == "application/oauth-authz-req+jwt"
    jws = peek_compact(answer.text)
    payload = json.loads(jws.payload)
    assert jws.header["typ"] == "oauth-authz-req+jwt"
    assert jws.header["kid"].startswith(payload["client_id"].removeprefix("decentralized_identifier:") + "#")
    assert payload["aud"] == "https://self-issued.me/v2"
    assert "iss" not in payload
    assert "wallet_nonce" not in payload
    assert "redirect_uri" not in payload
    assert (payload["response_type"], payload["response_mode"]) == ("vp_token", "direct_post")
    assert len(payload["nonce"]) >= 22
    assert len(payload["state"]) >= 22
    assert set(payload["client_metadata"]["vp_formats_supported"]) == {"dc+sd-jwt", "ldp_vc"}
    assert jws.verified_by(service.wiring.resolver.key_for(jws.header["kid"], "authentication"))


def test_request_uri_is_read_twice_and_by_post(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    first, second = raw.request_object(request), raw.request_object(request)
    assert {**first, "iat": 0} == {**second, "iat": 0}
    posted = service.http.post(request["request_uri"], data={"wallet_nonce": "n-1234", "unknown": "x"})
    assert json.loads(peek_compact(posted.text).payload)["wallet_nonce"] == "n-1234"
    assert "wallet_nonce" not in json.loads(peek_compact(service.http.post(request["request_uri"]).text).payload)
    assert raw.respond(first, {SD_JWT: [raw.present(first, held[SD_JWT], holder[SD_JWT])]}).status_code == 200
    assert refused(service.http.get(request["request_uri"]), 410)


def test_the_page_knows_the_public_state_and_no_claim(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    page = service.http.get(request["page_url"])
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert "onclick" not in page.text
    assert request["id"] not in page.text
    qr = service.http.get(request["page_url"] + "/qr.svg")
    assert qr.headers["content-type"].startswith("image/svg+xml")
    assert service.http.get(request["page_url"] + "/state").json()["state"] == "requested"
    asked = raw.request_object(request)
    raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]})
    state = service.http.get(request["page_url"] + "/state")
    assert set(state.json()) == {"state", "expires_at"}
    assert state.json()["state"] == "verified"
    assert "ERIKSSON" not in service.http.get(request["page_url"]).text
    assert service.http.get(request["page_url"] + "/qr.svg").status_code == 404
    for path in ("/present/unknown", "/present/unknown/qr.svg", "/present/unknown/state", "/oid4vp/request/unknown"):
        assert service.http.get(service.url + path).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"preset": "verified_identity", "dcql_query": {"credentials": []}}, "invalid_presentation_request"),
        ({"trusted_issuers": []}, "invalid_presentation_request"),
        ({"preset": "verified_identity", "trusted_issuers": []}, "invalid_presentation_request"),
        ({"preset": "verified_identity", "trusted_issuers": ["https://x"]}, "invalid_presentation_request"),
        ({"preset": "unknown"}, "invalid_request"),
        ({"dcql_query": {"credentials": [{"id": "a b", "format": "dc+sd-jwt"}]}}, "invalid_query"),
        (
            {
                "dcql_query": {
                    "credentials": [
                        {
                            "id": "a",
                            "format": "dc+sd-jwt",
                            "meta": {"vct_values": ["x"]},
                            "require_cryptographic_holder_binding": False,
                        }
                    ]
                }
            },
            "invalid_presentation_request",
        ),
    ],
)
def test_requests_that_cannot_be_made(service: Any, body: dict[str, Any], code: str) -> None:
    answer = service.operator("POST", "/v1/presentation_requests", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_request_belongs_to_its_mode(service: Any) -> None:
    request = service.request()
    for path in ("", "/events"):
        assert service.operator("GET", f"/v1/presentation_requests/{request['id']}{path}", live=True).status_code == 404


# The answer: form


@pytest.mark.parametrize("query", [SD_JWT, LDP])
def test_a_good_answer_has_every_check_with_its_query_and_place(
    service: Any, raw: Any, held: Any, holder: Any, query: str
) -> None:
    request = service.request()
    asked = raw.request_object(request)
    answer = raw.respond(asked, {query: [raw.present(asked, held[query], holder[query])]})
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["cache-control"] == "no-store"
    result = service.result(request)
    placed = [check for check in result["verdict"]["checks"] if check.get("query_id") == query]
    for name in ("signature", "issuer_trust", "holder_binding", "validity_period", "status", "nonce", "audience"):
        assert any(check["check"] == name and check["result"] == "passed" for check in placed), name
    assert all(check["credential_index"] == 0 for check in placed if check["check"] != "query")
    events = service.operator("GET", f"/v1/presentation_requests/{request['id']}/events").json()["data"]
    assert [event["type"] for event in events] == [
        "request_created",
        "request_retrieved",
        "response_submitted",
        "presentation_verified",
    ]


@pytest.mark.parametrize(
    "vp_token",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"identity_sd_jwt": "a~"}',
        '{"identity_sd_jwt": []}',
        '{"identity_sd_jwt": [1]}',
        '{"identity_sd_jwt": [null]}',
        '{"identity_sd_jwt": ["a~", "b~"]}',
        '{"other": ["a~"]}',
        '{"identity_sd_jwt": ["a~"], "identity_sd_jwt": ["b~"]}',
        "[" * 100_000,
    ],
)
def test_malformed_tokens_are_refused_and_leave_the_request_open(
    service: Any, raw: Any, held: Any, holder: Any, vp_token: str
) -> None:
    request = service.request()
    asked = raw.request_object(request)
    refused(raw.respond(asked, vp_token))
    assert service.result(request)["state"] == "retrieved"
    events = service.operator("GET", f"/v1/presentation_requests/{request['id']}/events").json()["data"]
    assert events[-1]["type"] == "response_refused"
    assert raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}).status_code == 200


def test_state_is_checked(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request, other = service.request(), service.request()
    asked, foreign = raw.request_object(request), raw.request_object(other)
    token = {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}
    refused(raw.respond(asked, token, state=None))
    refused(raw.respond(asked, token, state=foreign["state"]))
    refused(raw.respond(asked, token, state="é"))
    refused(raw.respond(asked, token, error="access_denied"))
    assert raw.respond(asked, token).status_code == 200


def test_a_wallet_error_is_processed_once(service: Any, raw: Any) -> None:
    request = service.request()
    asked = raw.request_object(request)
    error = {"error": "access_denied", "error_description": "no", "state": asked["state"]}
    answer = service.http.post(asked["response_uri"], data=error)
    assert (answer.status_code, answer.json()) == (200, {})
    assert service.result(request)["wallet_error"] == "access_denied"
    refused(service.http.post(asked["response_uri"], data=error), 409)
    strange = service.request()
    asked = raw.request_object(strange)
    service.http.post(asked["response_uri"], data={"error": "<script>", "state": asked["state"]})
    assert service.result(strange)["wallet_error"] == "unreadable_error_code"


def test_garbage_at_the_response_uri_is_4xx(service: Any, raw: Any) -> None:
    asked = raw.request_object(service.request())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content, headers in (
        (b"\xff", form),
        (b"a=1&a=1", form),
        (b"{}", {"Content-Type": "application/json"}),
        (b"", {}),
    ):
        assert 400 <= service.http.post(asked["response_uri"], content=content, headers=headers).status_code < 500
    assert service.http.post(f"{service.url}/oid4vp/response/unknown", data={"state": "x"}).status_code == 404
    assert service.http.post(asked["response_uri"], data={"vp_token": "x" * 2_000_000}).status_code == 413


# The answer: replay and tampering


@pytest.mark.threat(54)
@pytest.mark.parametrize("query", [SD_JWT, LDP])
def test_the_same_answer_twice_is_a_conflict_without_an_event(
    service: Any, raw: Any, held: Any, holder: Any, query: str
) -> None:
    request = service.request()
    asked = raw.request_object(request)
    token = {query: [raw.present(asked, held[query], holder[query])]}
    assert raw.respond(asked, token).status_code == 200
    path = f"/v1/presentation_requests/{request['id']}"
    before = service.operator("GET", path + "/events").json()
    refused(raw.respond(asked, token), 409)
    refused(raw.respond(asked, "{"), 400)
    assert service.operator("GET", path + "/events").json() == before
    assert service.result(request)["state"] == "verified"


@pytest.mark.threat(55)
@pytest.mark.parametrize("query", [SD_JWT, LDP])
def test_an_answer_to_another_request_does_not_fit(service: Any, raw: Any, held: Any, holder: Any, query: str) -> None:
    earlier, later = service.request(), service.request()
    asked_before, asked = raw.request_object(earlier), raw.request_object(later)
    refused(raw.respond(asked, {query: [raw.present(asked_before, held[query], holder[query])]}))
    assert "wrong_nonce" in verdict_reasons(service, later)


@pytest.mark.threat(55)
@pytest.mark.parametrize("query", [SD_JWT, LDP])
@pytest.mark.parametrize("short", [True, False])
def test_the_audience_is_the_whole_client_id(
    service: Any, raw: Any, held: Any, holder: Any, query: str, short: bool
) -> None:
    request = service.request()
    asked = raw.request_object(request)
    did = asked["client_id"].removeprefix("decentralized_identifier:")
    audience = did if short else "decentralized_identifier:did:web:verifier.example"
    refused(raw.respond(asked, {query: [raw.present(asked, held[query], holder[query], audience=audience)]}))
    assert "wrong_audience" in verdict_reasons(service, request)


@pytest.mark.threat(58)
@pytest.mark.parametrize("age_s", [600, -600])
@pytest.mark.parametrize("query", [SD_JWT, LDP])
def test_an_answer_from_another_time(service: Any, raw: Any, held: Any, holder: Any, age_s: int, query: str) -> None:
    request = service.request()
    asked = raw.request_object(request)
    answer = raw.respond(asked, {query: [raw.present(asked, held[query], holder[query], age_s=age_s)]})
    if query == LDP and age_s > 0:
        assert answer.status_code == 200, "a Data Integrity proof has the nonce for its age and no window of its own"
    else:
        refused(answer)
        assert service.result(request)["state"] == "rejected"


def test_a_stolen_credential_is_of_no_use(service: Any, raw: Any, held: Any) -> None:
    for query, kind in ((SD_JWT, "P-256"), (LDP, "Ed25519")):
        request = service.request()
        asked = raw.request_object(request)
        thief = LocalKey.generate(kind)
        refused(raw.respond(asked, {query: [raw.present(asked, held[query], thief)]}))
        assert service.result(request)["verdict"]["outcome"] == "invalid"


@pytest.mark.threat(30)
def test_without_holder_binding_nothing_is_shown(service: Any, raw: Any, held: Any) -> None:
    for query in (SD_JWT, LDP):
        request = service.request()
        refused(raw.respond(raw.request_object(request), {query: [held[query]]}))
        assert "holder_binding_missing" in verdict_reasons(service, request)


@pytest.mark.threat(29)
@pytest.mark.parametrize("fault", ["altered", "foreign", "added", "removed", "typ", "sd_hash"])
def test_tampered_disclosures_and_key_bindings(service: Any, raw: Any, held: Any, holder: Any, fault: str) -> None:
    request = service.request()
    asked = raw.request_object(request)
    key = holder[SD_JWT]
    presented = raw.present(asked, held[SD_JWT], key)
    issuer_jwt, *disclosures, binding = presented.split("~")
    salt, name, _ = json.loads(b64url_decode(disclosures[0]))
    forged = b64url(json.dumps([salt, name, "somebody else"]).encode())
    credential = held[SD_JWT]
    match fault:
        case "altered":
            presented = "~".join([issuer_jwt, forged, *disclosures[1:], binding])
        case "foreign":
            strange = b64url(json.dumps([salt, "isGod", True]).encode())
            presented = "~".join([issuer_jwt, *disclosures, strange, binding])
        case "added":
            extra = next(item for item in credential.split("~")[1:-1] if item not in disclosures)
            presented = "~".join([issuer_jwt, *disclosures, extra, binding])
        case "removed":
            presented = "~".join([issuer_jwt, *disclosures[1:], binding])
        case "typ" | "sd_hash":
            payload = json.loads(peek_compact(binding).payload)
            if fault == "sd_hash":
                payload["sd_hash"] = b64url(bytes(32))
            typ = "kb+jwt" if fault == "sd_hash" else "JWT"
            presented = "~".join([issuer_jwt, *disclosures, sign_compact({"typ": typ}, payload, key)])
    refused(raw.respond(asked, {SD_JWT: [presented]}))
    assert service.result(request)["verdict"]["outcome"] == "invalid"
    assert verdict_reasons(service, request)


def test_an_altered_ldp_credential(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    asked = raw.request_object(request)
    altered = {**held[LDP], "credentialSubject": {**held[LDP]["credentialSubject"], "familyName": "SMITH"}}
    refused(raw.respond(asked, {LDP: [raw.present(asked, altered, holder[LDP])]}))
    assert "invalid_signature" in verdict_reasons(service, request)


# The answer: the query again, trust, status


def test_the_query_is_evaluated_again(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    asked = raw.request_object(request)
    too_little = raw.present(asked, held[SD_JWT], holder[SD_JWT], disclose=[("familyName",)])
    refused(raw.respond(asked, {SD_JWT: [too_little]}))
    assert "claims_mismatch" in verdict_reasons(service, request)

    wanted = {
        "credentials": [
            {
                "id": SD_JWT,
                "format": "dc+sd-jwt",
                "meta": {"vct_values": ["urn:assay:vct:person-identity:1"]},
                "claims": [{"path": ["nationality"], "values": ["SWE"]}],
            }
        ]
    }
    request = service.request(dcql_query=wanted)
    asked = raw.request_object(request)
    refused(raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}))
    assert "claims_mismatch" in verdict_reasons(service, request)

    wanted["credentials"][0] |= {"meta": {"vct_values": ["urn:other"]}, "claims": [{"path": ["nationality"]}]}
    request = service.request(dcql_query=wanted)
    asked = raw.request_object(request)
    refused(raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}))
    assert "type_mismatch" in verdict_reasons(service, request)


def test_the_wrong_format_under_a_query(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    asked = raw.request_object(request)
    refused(raw.respond(asked, {LDP: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}))
    assert "format_mismatch" in verdict_reasons(service, request)


def test_every_credential_of_a_query_without_sets_must_come(service: Any, raw: Any, held: Any, holder: Any) -> None:
    both = service.request()["dcql_query"]
    query = {"credentials": [{**entry, "claims": entry["claims"][:1]} for entry in both["credentials"]]}
    for entry in query["credentials"]:
        entry.pop("claim_sets")
    request = service.request(dcql_query=query)
    asked = raw.request_object(request)
    refused(raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}))
    assert "credential_missing" in verdict_reasons(service, request)
    request = service.request(dcql_query=query)
    asked = raw.request_object(request)
    token = {name: [raw.present(asked, held[name], holder[name])] for name in (SD_JWT, LDP)}
    assert raw.respond(asked, token).status_code == 200
    assert [entry["query_id"] for entry in service.result(request)["credentials"]] == [SD_JWT, LDP]


def test_an_issuer_that_is_not_trusted(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request(preset="verified_identity", trusted_issuers=["did:web:other.example"])
    asked = raw.request_object(request)
    refused(raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}))
    assert verdict_reasons(service, request) == ["untrusted_issuer"]


def test_a_test_credential_opens_no_live_door(service: Any, raw: Any, held: Any, holder: Any) -> None:
    for query in (SD_JWT, LDP):
        request = service.request(live=True)
        asked = raw.request_object(request)
        refused(raw.respond(asked, {query: [raw.present(asked, held[query], holder[query])]}))
        result = service.result(request, live=True)
        assert (result["state"], result["verdict"]["reasons"]) == ("rejected", ["test_mode_credential"])
    key = LocalKey.generate("P-256")
    credential = raw.received(key, live=True)
    request = service.request(live=True)
    asked = raw.request_object(request)
    assert raw.respond(asked, {SD_JWT: [raw.present(asked, credential, key)]}).status_code == 200


def test_revoked_by_the_chain_is_invalid_and_suspension_ends(service: Any, raw: Any) -> None:
    key = LocalKey.generate("P-256")
    offer = service.offer()
    credential = raw.credential(raw.token(offer), key).json()["credentials"][0]["credential"]
    [issued] = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()["credentials"]
    verbs = service.wiring.credentials
    for change, code in ((verbs.suspend, "suspended"), (verbs.reinstate, None), (verbs.revoke, "revoked")):
        change(issued["credential"], reason="document_lost", actor="tests")
        service.wiring.flush()
        request = service.request()
        asked = raw.request_object(request)
        answer = raw.respond(asked, {SD_JWT: [raw.present(asked, credential, key)]})
        if code is None:
            assert answer.status_code == 200, answer.text
        else:
            assert code in refused(answer)
            assert verdict_reasons(service, request) == [code]


@pytest.mark.parametrize("broken", ["status", "issuer"])
def test_what_cannot_be_checked_is_never_verified(
    service: Any, raw: Any, held: Any, holder: Any, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreachable:
        def status(self, entry: object) -> None:
            raise ConnectionError

        def key_for(self, did_url: str, purpose: str) -> None:
            raise DidUnavailable("the chain did not answer")

    wiring = service.wiring
    resolver = Unreachable() if broken == "issuer" else wiring.resolver
    source = Unreachable() if broken == "status" else wiring.status_source
    monkeypatch.setattr(wiring.presentations.protocol, "_verifier", Verifier(resolver, source))  # type: ignore[arg-type]
    request = service.request()
    asked = raw.request_object(request)
    answer = raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]})
    assert "could not be verified" in refused(answer)
    result = service.result(request)
    assert (result["state"], result["verdict"]["outcome"]) == ("rejected", "indeterminate")
    assert all("claims" not in entry for entry in result["credentials"])


@pytest.mark.usefixtures("at_rest")
def test_an_expired_request_takes_nothing(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    asked = raw.request_object(request)
    service.clock.offset = timedelta(seconds=601)
    assert service.result(request)["state"] == "expired"
    refused(raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}))
    refused(service.http.get(request["request_uri"]), 410)
    assert service.wiring.presentations.sweep() >= 1
    events = service.operator("GET", f"/v1/presentation_requests/{request['id']}/events").json()["data"]
    assert events[-1]["type"] == "request_expired"


@pytest.mark.usefixtures("at_rest")
def test_disclosed_claims_are_erased_on_demand_and_after_a_day(service: Any, raw: Any, held: Any, holder: Any) -> None:
    requests = []
    for _ in range(2):
        request = service.request()
        asked = raw.request_object(request)
        raw.respond(asked, {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]})
        assert service.result(request)["credentials"][0]["claims"]["familyName"] == "ERIKSSON"
        requests.append(request)
    path = f"/v1/presentation_requests/{requests[0]['id']}/claims"
    for _ in range(2):
        assert "claims" not in service.operator("DELETE", path).json()["credentials"][0]
    service.clock.offset = timedelta(hours=24, seconds=1)
    assert "claims" not in service.result(requests[1])["credentials"][0]
    service.wiring.presentations.sweep()
    service.clock.offset = timedelta()
    assert "claims" not in service.result(requests[1])["credentials"][0]
    assert service.result(requests[1])["verdict"]["outcome"] == "valid"


def test_a_submission_whose_process_died_can_be_sent_again(service: Any, raw: Any, held: Any, holder: Any) -> None:
    request = service.request()
    asked = raw.request_object(request)
    protocol = service.wiring.presentations.protocol
    protocol._take(request["id"])  # what a process does before it dies
    token = {SD_JWT: [raw.present(asked, held[SD_JWT], holder[SD_JWT])]}
    refused(raw.respond(asked, token), 409)
    service.clock.offset = timedelta(seconds=61)
    try:
        assert raw.respond(asked, token).status_code == 200
    finally:
        service.clock.offset = timedelta()
    assert service.result(request)["state"] == "verified"


# Without a request


def test_stateless_verification(service: Any, raw: Any, held: Any, holder: Any) -> None:
    for query in (SD_JWT, LDP):
        answer = service.operator("POST", "/v1/credentials/verify", {"credential": held[query]})
        assert answer.status_code == 200
        assert answer.json()["outcome"] == "valid"
        asked = {"client_id": "my-verifier", "nonce": "my-nonce-1234567890"}
        presentation = raw.present(asked, held[query], holder[query])
        body = {"presentation": presentation, "audience": "my-verifier", "nonce": asked["nonce"]}
        assert service.operator("POST", "/v1/presentations/verify", body).json()["outcome"] == "valid"
        wrong = service.operator("POST", "/v1/presentations/verify", {**body, "nonce": "another"}).json()
        assert (wrong["outcome"], wrong["reasons"]) == ("invalid", ["wrong_nonce"])
        bare = service.operator("POST", "/v1/presentations/verify", {**body, "presentation": held[query]}).json()
        assert bare["outcome"] == "invalid"
        live = service.operator("POST", "/v1/credentials/verify", {"credential": held[query]}, live=True).json()
        assert live["reasons"] == ["test_mode_credential"]
    for nonsense in ("", "a.b.c~", {"a": 1}, {"type": "VerifiablePresentation"}):
        answer = service.operator("POST", "/v1/credentials/verify", {"credential": nonsense})
        assert answer.status_code == 200
        assert answer.json()["outcome"] == "invalid"
    assert service.operator("POST", "/v1/credentials/verify", {}).status_code == 400
    assert service.http.post(f"{service.url}/v1/credentials/verify", json={}).status_code == 401


def test_a_self_made_credential_of_our_form_is_not_ours(service: Any, raw: Any, held: Any, holder: Any) -> None:
    forger = LocalKey.generate("Ed25519")
    unsigned = {name: value for name, value in held[LDP].items() if name != "proof"}
    did = did_key(forger.public)
    forged = add_proof(
        {**unsigned, "issuer": {**unsigned["issuer"], "id": did}},
        suite="eddsa-rdfc-2022",
        signer=forger,
        verification_method=f"{did}#{did.removeprefix('did:key:')}",
        purpose="assertionMethod",
        created=service.clock(),
    )
    request = service.request()
    asked = raw.request_object(request)
    refused(raw.respond(asked, {LDP: [raw.present(asked, forged, holder[LDP])]}))
    assert verdict_reasons(service, request) == ["untrusted_issuer"]
