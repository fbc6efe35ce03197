"""The main job between the terminal wallet and the service, each a program of its own, over HTTP."""

from __future__ import annotations

import stat
from typing import Any

import pytest

BOTH_FORMATS = ("person_identity_sd_jwt", "person_identity_ldp", "person_identity_ldp_jcs")


def accept(service: Any, wallet: Any, *configurations: str, rpc: str | None = None, **options: Any) -> list[Any]:
    offer = service.offer(*configurations, **options)
    arguments = [offer["credential_offer"]]
    if offer["tx_code_required"]:
        arguments += ["--tx-code", offer["tx_code"]]
    if rpc:
        arguments += ["--rpc", rpc]
    return list(wallet("accept", *arguments)["credentials"])


def test_every_configuration_is_accepted_verified_and_presented(service: Any, wallet: Any, rpc: str) -> None:
    stored = accept(service, wallet, *BOTH_FORMATS, rpc=rpc)
    assert [item["configuration"] for item in stored] == list(BOTH_FORMATS)
    for item in stored:
        assert item["verified"] is True, item
        assert item["test_mode"] is True
        assert "names it as its own" in item["issuer_check"]
    for query in ("identity_sd_jwt", "identity_ldp"):
        request = service.request(preset="verified_identity")
        answer = wallet("present", request["presentation_request"], "--yes", "--only", query)
        assert answer["outcome"] == "accepted"
        result = service.result(request)
        assert result["state"] == "verified"
        assert result["verdict"]["outcome"] == "valid"
        [entry] = result["credentials"]
        assert entry["query_id"] == query
        assert entry["claims"] == {
            "givenName": "ANNA MARIA",
            "familyName": "ERIKSSON",
            "birthDate": "1974-08-12",
            "nationality": "UTO",
        }
        names = {check["check"] for check in result["verdict"]["checks"] if check["result"] == "passed"}
        assert {
            "signature",
            "issuer_trust",
            "holder_binding",
            "nonce",
            "audience",
            "validity_period",
            "status",
        } <= names


def test_the_jcs_credential_is_presented_too(service: Any, wallet: Any) -> None:
    accept(service, wallet, "person_identity_ldp_jcs")
    request = service.request(preset="over_18")
    wallet("present", request["presentation_request"], "--yes")
    [entry] = service.result(request)["credentials"]
    assert entry["claims"] == {"ageOver18": True}, "what nobody asked for is not kept, though the format shows it"


def test_the_sd_jwt_shows_one_claim_and_hides_the_others(service: Any, wallet: Any) -> None:
    accept(service, wallet, "person_identity_sd_jwt")
    request = service.request(preset="over_18")
    [shared] = wallet("present", request["presentation_request"], "--yes")["shared"]
    assert shared["shown"] == ["ageOver18"]
    assert shared["unasked"] == []


def test_a_revoked_credential_is_refused_with_the_reason(service: Any, wallet: Any) -> None:
    offer = service.offer("person_identity_sd_jwt", tx_code=False)
    wallet("accept", offer["credential_offer"])
    [issued] = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()["credentials"]
    service.wiring.credentials.revoke(issued["credential"], reason="document_lost", actor="tests")
    service.wiring.flush()
    request = service.request()
    refusal = wallet("present", request["presentation_request"], "--yes", expect=1)
    assert refusal["error"] == "verifier_refused"
    assert "revoked" in refusal["detail"]
    result = service.result(request)
    assert (result["state"], result["verdict"]["outcome"]) == ("rejected", "invalid")
    assert result["verdict"]["reasons"] == ["revoked"]
    assert all("claims" not in entry for entry in result["credentials"])


def test_without_a_chain_the_wallet_says_that_it_could_not_verify(service: Any, wallet: Any) -> None:
    [item] = accept(service, wallet, "person_identity_sd_jwt")
    assert item["verified"] is False
    assert "NOT verified" in item["issuer_check"]


def test_an_offer_without_a_transaction_code(service: Any, wallet: Any) -> None:
    offer = service.offer(tx_code=False)
    assert "tx_code" not in offer
    assert len(wallet("accept", offer["credential_offer_uri"])["credentials"]) == 1
    state = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()
    assert state["state"] == "issued"
    assert state["credentials"][0]["wallet_event"] == "credential_accepted"


def test_the_wallet_asks_before_it_shares_and_tells_a_refusal(service: Any, wallet: Any) -> None:
    accept(service, wallet, "person_identity_ldp")
    request = service.request(preset="over_18")
    output = wallet("present", request["presentation_request"], as_json=False, input="n\n", expect=1)
    assert "asks" in output
    assert "not asked for; this credential cannot hide it" in output.replace("\n", " ")
    result = service.result(request)
    assert (result["state"], result["wallet_error"]) == ("rejected", "access_denied")
    assert "verdict" not in result


def test_wrong_and_missing_transaction_codes_end_with_their_exit_codes(service: Any, wallet: Any) -> None:
    offer = service.offer()
    assert wallet("accept", offer["credential_offer"], expect=2)["error"] == "tx_code_needed"
    wrong = f"{(int(offer['tx_code']) + 1) % 1_000_000:06}"
    refusal = wallet("accept", offer["credential_offer"], "--tx-code", wrong, expect=1)
    assert "invalid_grant" in refusal["detail"]
    wallet("accept", offer["credential_offer"], "--tx-code", offer["tx_code"])


def test_list_and_show_and_the_safety_of_the_directory(service: Any, wallet: Any) -> None:
    [item] = accept(service, wallet, "person_identity_sd_jwt")
    assert [entry["id"] for entry in wallet("list")["credentials"]] == [item["id"]]
    shown = wallet("show", item["id"])
    assert shown["claims"]["familyName"] == "ERIKSSON"
    assert wallet("show", "cred_0000000000000000", expect=1)["error"] == "credential_not_found"
    assert wallet("show", "../../etc/passwd", expect=1)["error"] == "credential_not_found"
    assert stat.S_IMODE(wallet.directory.stat().st_mode) == 0o700
    for path in wallet.directory.rglob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wallet.directory.chmod(0o755)
    assert wallet("list", expect=1)["error"] == "unsafe_directory"


def test_a_wallet_with_nothing_fitting_says_so(service: Any, wallet: Any) -> None:
    request = service.request()
    assert wallet("present", request["presentation_request"], "--yes", expect=1)["error"] == "no_matching_credential"
    assert service.result(request)["state"] == "retrieved"


@pytest.mark.parametrize("link", ["https", "mailto:x", "openid4vp://?client_id=x", "openid-credential-offer://"])
def test_links_that_are_none(service: Any, wallet: Any, link: str) -> None:
    verb = "accept" if "offer" in link else "present"
    assert wallet(verb, link, expect=2)["error"] == "invalid_link"


def test_nobody_there_is_exit_code_3(wallet: Any) -> None:
    link = "openid-credential-offer://?credential_offer_uri=http%3A%2F%2F127.0.0.1%3A9%2Foffer"
    assert wallet("accept", link, expect=3)["error"] == "peer_unreachable"
