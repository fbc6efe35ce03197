"""Credentials, status lists and DIDs over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.credentials.direct import DirectIssuance
from app.credentials.states import IssuedCredential
from app.verifications.approved import ApprovedVerification
from did.keys import LocalKey, did_key

Issue = Callable[..., IssuedCredential]


class ApprovedSession:
    """Stands where the verification room does: running the gate belongs to that room's own tests."""

    def __init__(self, person: ApprovedVerification) -> None:
        self._person = person

    def approved(self, session_id: str, *, livemode: bool) -> ApprovedVerification:
        return self._person


def test_direct_issue_needs_an_approved_session(service: Any) -> None:
    body = {"verification_session": "vs_" + "0" * 32, "configuration": "person_identity_ldp"}
    answer = service.client.post("/v1/credentials", json=body, headers=service.live)
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


def test_direct_issue(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person = ApprovedVerification(
        session_id="vs_" + "1" * 32,
        livemode=True,
        approved_at=service.wiring.clock(),
        claims={"familyName": "ERIKSSON", "expiryDate": "2034-04-15"},
        evidence={"type": "IdentityCheckEvidence", "testMode": False},
        simulated=False,
    )
    direct = DirectIssuance(
        database=service.wiring.database,
        credentials=service.wiring.credentials,
        verifications=ApprovedSession(person),  # type: ignore[arg-type]
    )
    monkeypatch.setattr(service.wiring, "direct_issuance", direct)
    holder = did_key(LocalKey.generate("Ed25519").public)
    for configuration in ("person_identity_ldp", "person_identity_ldp_jcs", "person_identity_sd_jwt"):
        body = {"verification_session": "vs_1", "configuration": configuration, "holder_did": holder}
        answer = service.client.post("/v1/credentials", json=body, headers=service.live)
        assert answer.status_code == 201, answer.text
        created = answer.json()
        assert created["status"]["state"] == "active"
        again = service.client.get(f"/v1/credentials/{created['id']}", headers=service.live).json()
        assert "credential" not in again
    for wrong, code in (
        ({"configuration": "nothing"}, "unknown_configuration"),
        ({"holder_did": "did:web:example.com"}, "holder_did_unsupported"),
        ({"holder_did": "did:key:zNotAKey"}, "holder_did_unsupported"),
        ({"configuration": "person_identity_sd_jwt", "holder_did": None}, "holder_key_required"),
    ):
        answer = service.client.post("/v1/credentials", json=body | wrong, headers=service.live)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_life_over_http(service: Any, issue_in: Issue) -> None:
    identifier = issue_in(service.wiring).credential_id
    path = f"/v1/credentials/{identifier}"

    def post(verb: str, **body: object) -> Any:
        return service.client.post(f"{path}/{verb}", json={"reason": "other", **body}, headers=service.live)

    assert post("suspend", dry_run=True).json()["status"]["state"] == "active"
    assert post("suspend").json()["change"] == {"from": "active", "to": "suspended", "changed": True}
    assert post("reinstate").json()["status"]["state"] == "active"
    assert post("revoke").json()["status"]["state"] == "revoked"
    assert post("revoke").json()["change"]["changed"] is False
    assert (post("reinstate").status_code, post("reinstate").json()["code"]) == (409, "credential_revoked")
    assert post("revoke", reason="nonsense").json()["code"] == "unknown_reason"
    service.wiring.flush()
    anchor = service.client.get(path, headers=service.live).json()["status"]["anchor"]
    assert anchor["state"] == "final"
    assert anchor["transaction"].startswith("0x")


def test_other_mode_does_not_exist(service: Any, issue_in: Issue) -> None:
    identifier = issue_in(service.wiring, livemode=False).credential_id
    for method, path in (("GET", ""), ("POST", "/revoke"), ("POST", "/suspend")):
        body = {"reason": "other"} if method == "POST" else None
        answer = service.client.request(method, f"/v1/credentials/{identifier}{path}", json=body, headers=service.live)
        assert (answer.status_code, answer.json()["code"]) == (404, "credential_not_found")
    listed = service.client.get("/v1/credentials?limit=100", headers=service.live).json()["data"]
    assert identifier not in [item["id"] for item in listed]
    assert service.client.get(f"/v1/credentials/{identifier}", headers=service.test).status_code == 200


def test_scope_is_needed(service: Any, issue_in: Issue) -> None:
    with service.wiring.database.transaction() as session:
        _, secret = service.wiring.access.create_key(
            session, name="reader", livemode=True, scopes=["credentials:read"], actor="test"
        )
    reader = {"Authorization": f"Bearer {secret}"}
    identifier = issue_in(service.wiring).credential_id
    assert service.client.get(f"/v1/credentials/{identifier}", headers=reader).status_code == 200
    answer = service.client.post(f"/v1/credentials/{identifier}/revoke", json={"reason": "other"}, headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_status_lists_are_public_and_revalidate(service: Any, issue_in: Issue) -> None:
    view = service.wiring.credentials.get(issue_in(service.wiring).credential_id, livemode=None)
    for path, media_type in (
        (f"/status/{view.list_id}", "application/statuslist+jwt"),
        (f"/status/{view.list_id}/revocation", "application/vc"),
        (f"/status/{view.list_id}/suspension", "application/vc"),
    ):
        first = service.client.get(path)
        assert (first.status_code, first.headers["content-type"]) == (200, media_type)
        again = service.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert service.client.get(f"/status/{view.list_id}/other").json()["code"] == "unknown_status_purpose"


def test_issuer_documents(service: Any) -> None:
    document = service.client.get("/.well-known/did.json").json()
    assert document == service.wiring.issuers.web_document()
    keys = service.client.get("/.well-known/jwt-vc-issuer").json()["jwks"]["keys"]
    assert not any("d" in key for key in keys)
    context = service.client.get("/contexts/identity/v1").json()
    assert "PersonIdentityCredential" in json.dumps(context)


def test_did_resolution(service: Any) -> None:
    did = service.wiring.issuers.did("ethr")
    found = service.client.get(f"/1.0/identifiers/{did}").json()
    assert found["didDocument"]["id"] == did
    assert service.client.get("/1.0/identifiers/did:key:zBroken").status_code in (400, 404)
    own = service.client.get(f"/1.0/identifiers/{service.wiring.issuers.did('web').replace('%', '%25')}")
    assert own.status_code == 200


@pytest.mark.threat(35)
def test_nobody_makes_us_fetch_without_a_key(service: Any) -> None:
    answer = service.client.get("/1.0/identifiers/did:web:example.com")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
