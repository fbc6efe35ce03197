"""The wallet before issuers and verifiers that lie: whatever is wrong, nothing is stored and nothing is shared."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.wallet.store import Store
from did.keys import LocalKey
from did.multibase import b64url, b64url_decode
from did.securing.jose import sign_compact

QUERY = {
    "credentials": [
        {"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:assay:vct:person-identity:1"]}},
    ]
}


@dataclass
class Verifier:
    """A verifier of its own, whose request a test spoils, and which keeps what it was sent."""

    url: str
    key: LocalKey
    change: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signer: LocalKey | None = None
    raw: str | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def did(self) -> str:
        return "did:web:" + self.url.removeprefix("http://").replace(":", "%3A")

    @property
    def client_id(self) -> str:
        return f"decentralized_identifier:{self.did}"

    def link(self, *, client_id: str | None = None, request_uri: str | None = None, method: str = "post") -> str:
        where = request_uri or f"{self.url}/request"
        return (
            f"openid4vp://?client_id={quote(client_id or self.client_id, safe='')}"
            f"&request_uri={quote(where, safe='')}&request_uri_method={method}"
        )

    def document(self) -> dict[str, Any]:
        method = {"id": f"{self.did}#k", "type": "JsonWebKey", "controller": self.did}
        return {
            "@context": "https://www.w3.org/ns/did/v1",
            "id": self.did,
            "verificationMethod": [{**method, "publicKeyJwk": self.key.public.to_jwk()}],
            "authentication": [f"{self.did}#k"],
        }

    def request(self, wallet_nonce: str | None) -> str:
        now = int(time.time())
        payload = {
            "client_id": self.client_id,
            "aud": "https://self-issued.me/v2",
            "iat": now,
            "exp": now + 300,
            "response_type": "vp_token",
            "response_mode": "direct_post",
            "response_uri": f"{self.url}/response",
            "nonce": "n" * 32,
            "state": "s" * 32,
            "dcql_query": QUERY,
            "wallet_nonce": wallet_nonce,
            **self.change,
        }
        header = {"typ": "oauth-authz-req+jwt", "kid": f"{self.did}#k", **self.header}
        payload = {name: value for name, value in payload.items() if value is not None}
        return self.raw or sign_compact(header, payload, self.signer or self.key)


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    peer = Verifier(f"http://127.0.0.1:{port}", LocalKey.generate("P-256"))

    async def request_object(request: Request) -> Response:
        form = await request.form() if request.method == "POST" else {}
        nonce = form.get("wallet_nonce")
        return Response(peer.request(str(nonce) if nonce else None), media_type="application/oauth-authz-req+jwt")

    async def response(request: Request) -> Response:
        peer.answers.append(dict(await request.form()))
        return JSONResponse({})

    app = Starlette(
        routes=[
            Route("/.well-known/did.json", lambda _: JSONResponse(peer.document())),
            Route("/request", request_object, methods=["GET", "POST"]),
            Route("/moved", lambda _: RedirectResponse("/request"), methods=["GET", "POST"]),
            Route("/response", response, methods=["POST"]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield peer
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def holding(service: Any, wallet: Any) -> Any:
    """A wallet with one SD-JWT VC."""
    offer = service.offer(tx_code=False)
    wallet("accept", offer["credential_offer"])
    return wallet


def test_an_honest_stranger_gets_an_answer(verifier: Verifier, holding: Any) -> None:
    for method in ("post", "get"):
        holding("present", verifier.link(method=method), "--yes")
    assert len(verifier.answers) == 2
    [presented] = json.loads(verifier.answers[0]["vp_token"])["q"]
    assert presented.count("~") == 1, "no claim was asked for and none is disclosed"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.change.update(client_id="decentralized_identifier:did:web:other.example"),
        lambda v: v.change.update(response_uri="https://collector.example/response"),
        lambda v: v.change.update(response_uri=v.url.replace("127.0.0.1", "localhost") + "/response"),
        lambda v: v.change.update(exp=int(time.time()) - 600),
        lambda v: v.change.update(exp=None),
        lambda v: v.change.update(aud="https://wallet.example"),
        lambda v: v.change.update(wallet_nonce="another"),
        lambda v: v.change.update(wallet_nonce=None),
        lambda v: v.change.update(nonce=None),
        lambda v: v.change.update(nonce="short"),
        lambda v: v.change.update(response_mode="fragment"),
        lambda v: v.change.update(redirect_uri="https://x.example"),
        lambda v: v.change.update(transaction_data=["e30"]),
        lambda v: v.change.update(dcql_query={"credentials": []}),
        lambda v: v.header.update(typ="JWT"),
        lambda v: v.header.update(kid="did:web:other.example#k"),
        lambda v: v.header.update(kid=f"{v.did}#unknown"),
        lambda v: setattr(v, "signer", LocalKey.generate("P-256")),
        lambda v: setattr(v, "raw", b64url(b'{"alg":"none"}') + "." + b64url(b"{}") + "."),
        lambda v: setattr(v, "raw", json.dumps({"client_id": v.client_id})),
    ],
)
def test_spoiled_requests_are_refused(verifier: Verifier, holding: Any, spoil: Callable[[Verifier], None]) -> None:
    spoil(verifier)
    assert holding("present", verifier.link(), "--yes", expect=1)["error"] == "request_refused"
    assert verifier.answers == []


def test_links_to_somebody_else_are_refused(verifier: Verifier, holding: Any) -> None:
    for client_id in ("decentralized_identifier:did:web:other.example", "x509_san_dns:other.example", "redirect_uri:x"):
        link = verifier.link(client_id=client_id)
        assert holding("present", link, "--yes", expect=1)["error"] == "request_refused"
    moved = verifier.link(request_uri=f"{verifier.url}/moved")
    assert holding("present", moved, "--yes", expect=1)["error"] == "request_refused"
    assert verifier.answers == []


def test_only_limits_the_answer(verifier: Verifier, holding: Any) -> None:
    assert holding("present", verifier.link(), "--yes", "--only", "other", expect=1)["error"] == "request_refused"
    holding("present", verifier.link(), "--yes", "--only", "q")


# Issuers


@pytest.fixture
def spoiled_answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[dict[str, Any]], None]], None]:
    """Change the JSON of answers on their way to the wallet, as a lying issuer would send them."""
    from app.wallet.web import Answer, WalletWeb

    real = WalletWeb._request

    def spoil(path: str, change: Callable[[dict[str, Any]], None]) -> None:
        def request(self: WalletWeb, method: str, url: str, **options: Any) -> Answer:
            answer = real(self, method, url, **options)
            if path not in url:
                return answer
            body = answer.json()
            change(body)
            return Answer(answer.status, answer.content_type, json.dumps(body).encode())

        monkeypatch.setattr(WalletWeb, "_request", request)

    return spoil


def _other_disclosure(body: dict[str, Any]) -> None:
    entry = body["credentials"][0]
    issuer_jwt, first, *rest = entry["credential"].split("~")
    salt, name, _ = json.loads(b64url_decode(first))
    entry["credential"] = "~".join([issuer_jwt, b64url(json.dumps([salt, name, "x"]).encode()), *rest])


def _cut_signature(body: dict[str, Any]) -> None:
    entry = body["credentials"][0]
    token, *rest = entry["credential"].split("~")
    head, payload, _ = token.split(".")
    entry["credential"] = "~".join([f"{head}.{payload}.{b64url(bytes(64))}", *rest])


@pytest.mark.parametrize(
    ("path", "change", "error"),
    [
        ("openid-credential-issuer", lambda b: b.update(credential_issuer="http://127.0.0.1:1"), "offer_refused"),
        ("oauth-authorization-server", lambda b: b.update(issuer="http://127.0.0.1:1"), "offer_refused"),
        ("openid-credential-issuer", lambda b: b.pop("nonce_endpoint"), "offer_refused"),
        ("openid-credential-issuer", lambda b: b["credential_configurations_supported"].clear(), "offer_refused"),
        ("/oid4vci/offers", lambda b: b.update(credential_configuration_ids=[]), "offer_refused"),
        ("/oid4vci/token", lambda b: b.update(token_type="mac"), "issuer_refused"),
        ("/oid4vci/nonce", lambda b: b.clear(), "issuer_refused"),
        ("/oid4vci/credential", lambda b: b.clear(), "credential_refused"),
        ("/oid4vci/credential", _other_disclosure, "credential_refused"),
        ("/oid4vci/credential", _cut_signature, "credential_refused"),
    ],
)
def test_lying_issuers(
    service: Any, wallet: Any, rpc: str, spoiled_answers: Any, path: str, change: Any, error: str
) -> None:
    offer = service.offer(tx_code=False)
    spoiled_answers(path, change)
    assert wallet("accept", offer["credential_offer"], "--rpc", rpc, expect=1)["error"] == error
    assert wallet("list")["credentials"] == []
    if error == "credential_refused" and change is _cut_signature:
        [told] = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()["credentials"]
        assert told["wallet_event"] == "credential_failure"


def test_plain_http_needs_to_be_asked_for(service: Any, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from app.cli.wallet import wallet as command

    offer = service.offer(tx_code=False)
    done = CliRunner().invoke(command, ["accept", offer["credential_offer"], "--dir", str(tmp_path / "w"), "--json"])
    assert done.exit_code == 3
    assert json.loads(done.stdout)["error"] == "peer_unreachable"


# Crashes of the wallet


@pytest.mark.parametrize("where", ["before_the_answer", "after_storing"])
def test_a_wallet_that_dies_goes_on_where_it_stopped(
    service: Any, wallet: Any, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.wallet import accepting

    class PowerCut(BaseException):
        pass

    offer = service.offer("person_identity_sd_jwt", "person_identity_ldp", tx_code=False)
    real_request, real_notify = accepting._requested, accepting._notify

    def lost(*arguments: Any) -> Any:
        real_request(*arguments)
        raise PowerCut

    def told_and_died(*arguments: Any) -> Any:
        real_notify(*arguments)
        raise PowerCut

    if where == "before_the_answer":
        monkeypatch.setattr(accepting, "_requested", lost)
    else:
        monkeypatch.setattr(accepting, "_notify", told_and_died)
    with pytest.raises((PowerCut, AssertionError)):
        wallet("accept", offer["credential_offer"])
    monkeypatch.undo()
    received = wallet("accept", offer["credential_offer"])["credentials"]
    assert [item["configuration"] for item in received] == ["person_identity_sd_jwt", "person_identity_ldp"]
    assert len(Store(wallet.directory).credentials()) == 2
    issued = service.operator("GET", f"/v1/credential_offers/{offer['id']}").json()
    assert (issued["state"], len(issued["credentials"])) == ("issued", 2)
    assert list((wallet.directory / "pending").iterdir()) == []
