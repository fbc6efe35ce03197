"""A real service on a free loopback port, with a real chain and real signing, and wallets that reach it by HTTP alone.

The one thing that is not real is the person: the sessions are approved by decree, with a report of the form the gate
writes. Sessions of the gate itself are tested in tests/api/verifications and in the demo.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
import uvicorn
from typer.testing import CliRunner

from app.access.service import Caller
from app.main import create_app
from app.settings import Settings
from app.verifications.approved import ApprovedVerification, approved_verification
from app.verifications.errors import SessionNotApproved, SessionNotFound
from app.wiring import Wiring, build
from did.keys import LocalKey, did_jwk
from did.presentations.holder import key_proof, present_ldp, present_sd_jwt
from did.securing.jose import peek_compact

GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
PERSON = {
    "document_type": "TD3",
    "document_code": "P",
    "issuing_state": "UTO",
    "document_number": "L898902C3",
    "surname": "ERIKSSON",
    "given_names": "ANNA MARIA",
    "nationality": "UTO",
    "birth_date": "1974-08-12",
    "sex": "F",
    "expiry_date": "2032-04-15",
}


class MovableClock:
    """The system's time, moved by as much as a test says."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass
class ApprovedSessions:
    """Sessions approved by decree: id -> livemode; `withdrawn` ones are there and no longer approved."""

    known: dict[str, bool] = field(default_factory=lambda: {"vs_test": False, "vs_live": True})
    withdrawn: set[str] = field(default_factory=set)
    person: dict[str, str] = field(default_factory=lambda: dict(PERSON))

    def approved(self, session_id: str, *, livemode: bool) -> ApprovedVerification:
        if self.known.get(session_id) is not livemode:
            raise SessionNotFound("no such session")
        if session_id in self.withdrawn:
            raise SessionNotApproved("the session is declined")
        report = {
            "fields": self.person,
            "assurance": "document+liveness",
            "simulated": False,
            "policy_sha256": "0" * 64,
            "checks": [{"check": "face_match", "result": "clear"}],
            "models": [{"name": "face", "version": "1", "sha256": "1" * 64}],
        }
        now = datetime.now(UTC)
        return approved_verification(session_id, livemode=livemode, approved_at=now, report=report, reviewed=False)


@dataclass
class Service:
    """A running service and its operator's keys."""

    url: str
    wiring: Wiring
    clock: MovableClock
    sessions: ApprovedSessions
    test_key: str
    live_key: str
    http: httpx2.Client

    def operator(self, method: str, path: str, body: Any = None, *, live: bool = False) -> httpx2.Response:
        key = self.live_key if live else self.test_key
        headers = {"Authorization": f"Bearer {key}"}
        return self.http.request(method, self.url + path, json=body, headers=headers)

    def offer(self, *configurations: str, tx_code: bool = True, live: bool = False) -> dict[str, Any]:
        body = {
            "verification_session": "vs_live" if live else "vs_test",
            "configurations": list(configurations or ("person_identity_sd_jwt",)),
            "tx_code": tx_code,
        }
        answer = self.operator("POST", "/v1/credential_offers", body, live=live)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def request(self, *, live: bool = False, **body: Any) -> dict[str, Any]:
        body = body or {"preset": "verified_identity"}
        answer = self.operator("POST", "/v1/presentation_requests", body, live=live)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def result(self, request: dict[str, Any], *, live: bool = False) -> dict[str, Any]:
        return dict(self.operator("GET", f"/v1/presentation_requests/{request['id']}", live=live).json())

    def caller(self) -> Caller:
        return self.wiring.access.authenticate(self.test_key)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Standard output belongs to the wallet under test.
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
    )
    clock = MovableClock()
    port = _free_port()
    settings = Settings(data_dir=tmp_path_factory.mktemp("service") / "data", port=port, log_level="error")
    with build(settings, clock=clock, own_chain=True) as wiring:
        sessions = ApprovedSessions()
        wiring.verifications.approved = sessions.approved  # type: ignore[method-assign]
        with wiring.database.transaction() as session:
            _, test_key = wiring.access.create_key(session, name="t", livemode=False, actor="tests")
            _, live_key = wiring.access.create_key(session, name="l", livemode=True, actor="tests")
        server = uvicorn.Server(uvicorn.Config(create_app(wiring), port=port, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        deadline = time.monotonic() + 15
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        with httpx2.Client(trust_env=False, timeout=30) as http:
            yield Service(settings.base_url, wiring, clock, sessions, test_key, live_key, http)
        server.should_exit = True
        thread.join(timeout=15)
    structlog.reset_defaults()


@pytest.fixture
def at_rest(service: Service) -> Iterator[None]:
    """Put the clock and the sessions back after a test that moves them."""
    yield
    service.clock.offset = timedelta()
    service.sessions.withdrawn.clear()


@pytest.fixture
def rpc(service: Service) -> Iterator[str]:
    """The service's chain on JSON-RPC, as other processes see it."""
    from contracts.node.server import rpc_app

    assert service.wiring.node is not None
    port = _free_port()
    config = uvicorn.Config(rpc_app(service.wiring.node), port=port, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=15)


@dataclass
class WalletCommand:
    """`assay wallet` with a directory of its own."""

    directory: Path

    def __call__(self, verb: str, *arguments: str, expect: int = 0, as_json: bool = True, **options: Any) -> Any:
        from app.cli.wallet import wallet

        line = [verb, *arguments, "--dir", str(self.directory)]
        if verb in ("accept", "present"):
            line.append("--allow-http-loopback")
        done = CliRunner().invoke(wallet, [*line, *(["--json"] if as_json else [])], **options)
        assert done.exit_code == expect, (done.exit_code, done.output, done.exception)
        return json.loads(done.stdout) if as_json else done.output


@pytest.fixture
def new_wallet(tmp_path: Path) -> Callable[[str], WalletCommand]:
    return lambda name: WalletCommand(tmp_path / name)


@pytest.fixture
def wallet(new_wallet: Callable[[str], WalletCommand]) -> WalletCommand:
    return new_wallet("wallet")


@dataclass
class RawWallet:
    """A wallet taken apart: each step of OpenID4VCI and OpenID4VP alone, so that a test can do one of them wrongly."""

    service: Service

    def offer_object(self, offer: dict[str, Any]) -> dict[str, Any]:
        answer = self.service.http.get(offer["credential_offer_uri"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def token_form(self, offer: dict[str, Any], **changes: str | None) -> dict[str, str]:
        grant = self.offer_object(offer)["grants"][GRANT]
        form = {
            "grant_type": GRANT,
            "pre-authorized_code": grant["pre-authorized_code"],
            "tx_code": offer.get("tx_code"),
        }
        return {name: value for name, value in {**form, **changes}.items() if value is not None}

    def exchange(self, form: dict[str, str]) -> httpx2.Response:
        return self.service.http.post(f"{self.service.url}/oid4vci/token", data=form)

    def token(self, offer: dict[str, Any]) -> str:
        answer = self.exchange(self.token_form(offer))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def nonce(self) -> str:
        return str(self.service.http.post(f"{self.service.url}/oid4vci/nonce").json()["c_nonce"])

    def proof(self, key: LocalKey, *, nonce: str | None = None, audience: str | None = None, age_s: int = 0) -> str:
        return key_proof(
            key,
            audience=audience or self.service.url,
            nonce=self.nonce() if nonce is None else nonce,
            issued_at=int(self.service.clock().timestamp()) - age_s,
        )

    def ask(self, token: str, body: Any, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.service.http.post(f"{self.service.url}/oid4vci/credential", json=body, headers=headers, **options)

    def credential(self, token: str, key: LocalKey, configuration: str = "person_identity_sd_jwt") -> httpx2.Response:
        body = {"credential_configuration_id": configuration, "proofs": {"jwt": [self.proof(key)]}}
        return self.ask(token, body)

    def received(self, key: LocalKey, configuration: str = "person_identity_sd_jwt", *, live: bool = False) -> Any:
        token = self.token(self.service.offer(configuration, live=live))
        answer = self.credential(token, key, configuration)
        assert answer.status_code == 200, answer.text
        return answer.json()["credentials"][0]["credential"]

    def request_object(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.service.http.get(request["request_uri"])
        assert answer.status_code == 200, answer.text
        return dict(json.loads(peek_compact(answer.text).payload))

    def present(self, asked: dict[str, Any], credential: Any, key: LocalKey, **changes: Any) -> Any:
        """A presentation of the claims of the verified_identity preset, for the request object `asked`."""
        audience, nonce = changes.get("audience", asked["client_id"]), changes.get("nonce", asked["nonce"])
        now = self.service.clock() - timedelta(seconds=changes.get("age_s", 0))
        if isinstance(credential, str):
            disclose = changes.get("disclose", [("givenName",), ("familyName",), ("birthDate",), ("nationality",)])
            return present_sd_jwt(
                credential,
                disclose=disclose,
                signer=key,
                audience=audience,
                nonce=nonce,
                issued_at=int(now.timestamp()),
            )
        holder = changes.get("holder_did", did_jwk(key.public))
        return present_ldp([credential], signer=key, holder_did=holder, audience=audience, nonce=nonce, created=now)

    def respond(self, asked: dict[str, Any], vp_token: Any, **form: Any) -> httpx2.Response:
        body = {"vp_token": vp_token if isinstance(vp_token, str) else json.dumps(vp_token), "state": asked["state"]}
        sent = {name: value for name, value in {**body, **form}.items() if value is not None}
        return self.service.http.post(asked["response_uri"], data=sent)


@pytest.fixture
def raw(service: Service) -> RawWallet:
    return RawWallet(service)
