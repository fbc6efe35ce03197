"""Kill the whole service with -9 at random moments of the main job; whatever it acknowledged must be there once.

One client does what wallets and operators do, as fast as it can, and writes down each acknowledgement. A timer kills
the service at a random moment. After each restart the client goes on; at the end the database and the chain are
compared with what was acknowledged (threats 52, 59, 87).
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from app.demo.applicant import Applicant
from app.demo.child import RunningService, run_command
from app.demo.pictures import Studio
from contracts.chain import Chain
from contracts.node import Node
from contracts.status_registry import CredentialStatusRegistry
from did.keys import LocalKey
from did.presentations.holder import key_proof

pytestmark = [pytest.mark.slow, pytest.mark.timeout(360)]

KILLS = 10
SEED = 20261125
PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


@dataclass
class Acknowledged:
    """What the service said it had done, as its clients remember it."""

    credentials: dict[str, bytes] = field(default_factory=dict)
    """Offer id -> the credential as received."""
    states: dict[str, str] = field(default_factory=dict)
    """Credential id -> the last state that was acknowledged."""
    spent_nonces: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)


class Client:
    """A wallet and an operator in one, without memory of anything but acknowledgements."""

    def __init__(self, service: RunningService, api_key: str, approved_session: str) -> None:
        self._http = httpx2.Client(base_url=service.url, timeout=10)
        self._operator = {"Authorization": f"Bearer {api_key}"}
        self._session = approved_session
        self.acknowledged = Acknowledged()
        self._half_spent: dict[str, tuple[str, LocalKey]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def one_round(self) -> None:
        """Issue one credential, then change the status of an older one."""
        offer = self._post("/v1/credential_offers", self._offer_request())
        token = self._token(offer)
        key = LocalKey.generate("P-256")
        self._half_spent[offer["id"]] = (token, key)
        self._fetch(offer["id"])
        self._change_a_status()
        created = self._post("/v1/verification_sessions", {})
        self.acknowledged.sessions.append(created["id"])

    def fetch_what_was_cut_off(self) -> None:
        """Ask again, with the same key, for what was spent but never arrived."""
        for offer_id in list(self._half_spent):
            self._fetch(offer_id)

    def _offer_request(self) -> dict[str, Any]:
        return {"verification_session": self._session, "configurations": ["person_identity_sd_jwt"], "tx_code": True}

    def _token(self, offer: dict[str, Any]) -> str:
        by_reference = offer["credential_offer"].split("credential_offer_uri=", 1)[1]
        grants = self._http.get(httpx2.URL(unquote(by_reference))).raise_for_status().json()["grants"]
        form = {
            "grant_type": PRE_AUTHORIZED,
            "pre-authorized_code": grants[PRE_AUTHORIZED]["pre-authorized_code"],
            "tx_code": offer["tx_code"],
        }
        return str(self._http.post("/oid4vci/token", data=form).raise_for_status().json()["access_token"])

    def _fetch(self, offer_id: str) -> None:
        token, key = self._half_spent[offer_id]
        nonce = self._http.post("/oid4vci/nonce").raise_for_status().json()["c_nonce"]
        issuer = self._http.get("/.well-known/openid-credential-issuer").raise_for_status().json()["credential_issuer"]
        proof = key_proof(key, audience=issuer, nonce=nonce, issued_at=int(time.time()))
        body = {"credential_configuration_id": "person_identity_sd_jwt", "proofs": {"jwt": [proof]}}
        answer = self._http.post("/oid4vci/credential", json=body, headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        received = answer.json()["credentials"][0]["credential"].encode()
        assert self.acknowledged.credentials.setdefault(offer_id, received) == received, "an offer gave two credentials"
        self.acknowledged.spent_nonces.append(nonce)
        replay = self._http.post("/oid4vci/credential", json=body, headers={"Authorization": f"Bearer {token}"})
        assert replay.status_code == 400, f"a spent nonce was taken again: {replay.text[:200]}"
        del self._half_spent[offer_id]
        self._learn(offer_id)

    def _learn(self, offer_id: str) -> None:
        listed = (
            self._http.get("/v1/credentials", params={"limit": 100}, headers=self._operator).raise_for_status().json()
        )
        for credential in listed["data"]:
            self.acknowledged.states.setdefault(credential["id"], credential["status"]["state"])

    def _change_a_status(self) -> None:
        active = [name for name, state in self.acknowledged.states.items() if state != "revoked"]
        if len(active) < 2:
            return
        chosen = random.choice(active)
        verb = random.choice(
            ["revoke", "suspend"] if self.acknowledged.states[chosen] == "active" else ["revoke", "reinstate"]
        )
        reason = {"revoke": "document_lost", "suspend": "under_investigation", "reinstate": "investigation_closed"}[
            verb
        ]
        self._post(f"/v1/credentials/{chosen}/{verb}", {"reason": reason})
        self.acknowledged.states[chosen] = {"revoke": "revoked", "suspend": "suspended", "reinstate": "active"}[verb]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._http.post(path, json=body, headers=self._operator).raise_for_status().json()
        return answer


def _approved_session(service: RunningService, api_key: str, folder: Path) -> str:
    applicant, studio = Applicant(service.url, api_key), Studio(folder)
    session = applicant.open_session()
    applicant.consent(session)
    applicant.send_document(session, studio.document("passport").photograph)
    challenge = applicant.challenge(session)
    applicant.send_selfie(session, challenge.nonce, studio.selfie(challenge))
    state = applicant.submit(session)
    applicant.close()
    assert state["status"] == "approved", state
    return session.id


def test_kill_minus_nine_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    random.seed(SEED)
    service = RunningService(tmp_path / "data")
    service.start()
    api_key = run_command(["keys", "create", "--name", "crash", "--test"], service.environment)["secret"]
    client = Client(service, api_key, _approved_session(service, api_key, tmp_path))
    in_flight = 0
    for _ in range(KILLS):
        killer = threading.Timer(random.uniform(0.02, 1.5), service.kill)
        killer.start()
        try:
            while True:
                client.one_round()
        except httpx2.TransportError:
            in_flight += 1
        finally:
            killer.join()
        service.start()
        client.fetch_what_was_cut_off()
    assert in_flight == KILLS
    _wait_until_anchored(tmp_path / "data" / "assay.sqlite3")
    service.stop()
    client.close()
    acknowledged = client.acknowledged
    assert len(acknowledged.credentials) >= KILLS, "the service was hardly used; the test proves nothing"
    _assert_database_agrees(tmp_path / "data" / "assay.sqlite3", acknowledged)
    _assert_chain_agrees(tmp_path / "data", service.environment)


def _wait_until_anchored(database: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            (left,) = connection.execute(
                "SELECT count(*) FROM ledger_jobs WHERE state IN ('queued', 'submitted')"
            ).fetchone()
        if not left:
            return
        time.sleep(0.2)
    raise AssertionError("the ledger did not drain")


def _assert_database_agrees(database: Path, acknowledged: Acknowledged) -> None:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        states = dict(connection.execute("SELECT id, state FROM credentials"))
        offers = connection.execute("SELECT offer_id, count(*) FROM credentials GROUP BY offer_id").fetchall()
        places = connection.execute("SELECT list_id, list_index FROM credentials").fetchall()
        jobs = connection.execute("SELECT state, count(*) FROM ledger_jobs GROUP BY state").fetchall()
        nonces = [row[0] for row in connection.execute("SELECT nonce FROM chain_transactions ORDER BY nonce")]
        orphans = connection.execute(
            "SELECT count(*) FROM status_changes WHERE job_id NOT IN (SELECT id FROM ledger_jobs)"
        ).fetchone()
        sessions = {row[0] for row in connection.execute("SELECT id FROM verification_sessions")}
    for credential, state in acknowledged.states.items():
        assert credential in states, f"{credential} was acknowledged and is gone"
        if state == "revoked":
            assert states[credential] == "revoked", f"the revocation of {credential} was acknowledged and is gone"
    assert {offer for offer, _ in offers} >= set(acknowledged.credentials)
    assert all(count == 1 for _, count in offers), "an offer was spent twice"
    assert len(places) == len(set(places)), "two credentials share a status"
    assert orphans == (0,), "a status change without its job"
    assert {state for state, _ in jobs} <= {"mined", "final"}, jobs
    assert nonces == list(range(len(nonces))), "a nonce was skipped or used twice"
    assert sessions >= set(acknowledged.sessions)


def _assert_chain_agrees(data_dir: Path, environment: dict[str, str]) -> None:
    assert run_command(["chain", "verify"], environment)["valid"] is True
    codes = {"active": 0, "revoked": 1, "suspended": 2}
    with sqlite3.connect(f"file:{data_dir / 'assay.sqlite3'}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT c.list_id, c.list_index, c.state, s.registry"
            " FROM credentials c JOIN status_lists s ON s.id = c.list_id"
        ).fetchall()
    node = Node.open(data_dir / "chain" / "chain.sqlite3")
    try:
        for list_id, index, state, address in rows:
            registry = CredentialStatusRegistry(Chain(node, chain_id=1337), address)
            reading = registry.status_of(bytes.fromhex(list_id.removeprefix("0x")), index)
            assert reading.status == codes[state], (
                f"index {index} is {reading.status} on chain and {state} in the database"
            )
    finally:
        node.close()
