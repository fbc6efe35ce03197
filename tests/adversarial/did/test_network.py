"""Threats 19 and 35 to 39: the way out, over real loopback sockets where a server is needed."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from did.document import key_in_document
from did.errors import KernelError
from did.fetch import FetchResult, SafeFetch
from did.methods import WebMethod
from did.methods.web import document_url
from did.resolver import Resolution, Resolver

Serve = Callable[[Callable[[socket.socket], None]], int]


def _code(function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(KernelError) as refusal:
        function(*args, **kwargs)
    return refusal.value.code


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Runs a handler for each connection on a free loopback port."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(handler: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def loop() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(3)
                    try:
                        while b"\r\n\r\n" not in connection.recv(65_536):
                            pass
                        handler(connection)
                    except OSError:
                        pass

        thread = threading.Thread(target=loop)
        thread.start()
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(timeout=5)
        assert not thread.is_alive()


def _answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _get(port: int, **changes: Any) -> FetchResult:
    settings: dict[str, Any] = {"accept": "application/json", "max_bytes": 1000}
    fetch = SafeFetch(allow_http_loopback=True, timeout_s=changes.pop("timeout_s", 2.0))
    return fetch.get(f"http://127.0.0.1:{port}/x", **(settings | changes))


@pytest.mark.threat(35)
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "127.0.0.1",
        "localhost:5432",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "10.0.0.1",
        "100.64.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "224.0.0.1",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "metadata.internal",
        "printer.local",
        "a.localhost",
        "intranet",
    ],
)
def test_addresses_of_the_own_network_are_blocked(host: str) -> None:
    for fetch in (SafeFetch(timeout_s=1), SafeFetch(timeout_s=1, allow_http_loopback=True)):
        assert _code(fetch.get, f"https://{host}/did.json", accept="*/*") == "blocked_address"


@pytest.mark.threat(35)
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "https://user:pw@example.com/",
        "https://example.com/#x",
        "https://exa mple.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com/\r\nX: y",
        "https:///x",
        "https://exämple.com/",
        "http://127.0.0.1/",
    ],
)
def test_urls_that_are_not_plain_https_are_blocked(url: str) -> None:
    assert _code(SafeFetch(timeout_s=1).get, url, accept="*/*") == "blocked_address"


@pytest.mark.threat(36)
def test_every_address_of_a_name_must_be_public() -> None:
    for addresses in (["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"]):
        fetch = SafeFetch(resolve=lambda _host, _port, found=addresses: found)
        assert _code(fetch.get, "https://rebind.example/", accept="*/*") == "blocked_address"


@pytest.mark.threat(36)
def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    connected: list[Any] = []

    def connect(address: Any, **_settings: Any) -> socket.socket:
        connected.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "create_connection", connect)
    fetch = SafeFetch(resolve=lambda _host, _port: next(answers))
    assert _code(fetch.get, "https://rebind.example/", accept="*/*") == "fetch_failed"
    assert connected == [("93.184.216.34", 443)]


@pytest.mark.threat(37)
@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "file:///etc/passwd", "https://example.com/"])
def test_redirects_are_not_followed(serve: Serve, target: str) -> None:
    port = serve(lambda c: c.sendall(_answer(b"", f"Location: {target}", status="302 Found")))
    assert _get(port).status == 302
    resolver = Resolver([WebMethod(SafeFetch(allow_http_loopback=True))])
    assert resolver.resolve(f"did:web:127.0.0.1%3A{port}").error == "did_not_found"


@pytest.mark.threat(38)
def test_a_byte_a_second_runs_into_the_deadline(serve: Serve) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX: yyyyyyyyyyyyyyyyyyyyy":
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    port = serve(drip)
    start = time.monotonic()
    assert _code(_get, port, timeout_s=0.5) == "fetch_failed"
    assert time.monotonic() - start < 1.5


@pytest.mark.threat(38)
def test_bodies_without_end_and_oversized_ones_are_cut_off(serve: Serve) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 10_000)

    assert _code(_get, serve(endless)) == "response_too_large"
    assert _code(_get, serve(lambda c: c.sendall(_answer(b"x" * 1001)))) == "response_too_large"
    assert _code(_get, serve(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000))) == "response_too_large"
    assert _get(serve(lambda c: c.sendall(_answer(b"x" * 1000)))).body == b"x" * 1000


@pytest.mark.threat(38)
def test_compressed_and_truncated_answers_are_refused(serve: Serve) -> None:
    packed = gzip.compress(bytes(1_000_000))
    assert (
        _code(_get, serve(lambda c: c.sendall(_answer(packed, "Content-Encoding: gzip"))), max_bytes=5000)
        == "fetch_failed"
    )
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
    assert _code(_get, serve(lambda c: c.sendall(short))) == "fetch_failed"
    assert _code(_get, serve(lambda c: c.sendall(b"nonsense\r\n\r\n"))) == "fetch_failed"
    assert _code(_get, serve(lambda _c: None)) == "fetch_failed"


def test_chunked_answers_are_read(serve: Serve) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: Text/Plain; x=y\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    answer = _get(serve(lambda c: c.sendall(chunked)))
    assert (answer.status, answer.content_type, answer.body) == (200, "text/plain", b"abc")


def _web(body: Any) -> Resolution:
    class Fixed:
        def get(self, url: str, *, accept: str, max_bytes: int = 0) -> FetchResult:
            assert url == "https://example.com/.well-known/did.json"
            return FetchResult(200, "application/json", body if isinstance(body, bytes) else json.dumps(body).encode())

    return Resolver([WebMethod(Fixed())]).resolve("did:web:example.com")


@pytest.mark.threat(39)
@pytest.mark.parametrize(
    "identifier", ["did:web:example.org", "did:web:example.com:x", "did:web:EXAMPLE.com", "", None]
)
def test_a_document_about_another_did_is_refused(identifier: Any) -> None:
    assert _web({"id": "did:web:example.com"}).document == {"id": "did:web:example.com"}
    assert _web({"id": identifier}).error == "invalid_did_document"


@pytest.mark.threat(39)
def test_the_method_itself_checks_the_id(serve: Serve) -> None:
    port = serve(lambda c: c.sendall(_answer(b'{"id":"did:web:example.org"}')))
    method = WebMethod(SafeFetch(allow_http_loopback=True))
    assert _code(method.resolve, f"did:web:127.0.0.1%3A{port}") == "invalid_did_document"


@pytest.mark.threat(18)
def test_a_document_gives_no_key_of_another_did(world: Any) -> None:
    document = world.resolver.resolve(world.issuer_did).document
    foreign = f"{world.other_did}#{world.other_did[8:]}"
    method = document["verificationMethod"][0]
    planted = [method, method | {"id": foreign}]
    smuggled = document | {"verificationMethod": planted, "assertionMethod": [foreign]}
    assert _code(key_in_document, smuggled, foreign, "assertionMethod") == "verification_method_not_found"
    for change in ({"controller": world.other_did}, {"publicKeyJwk": world.issuer.public.to_jwk()}):
        changed = document | {"verificationMethod": [method | change]}
        assert _code(key_in_document, changed, method["id"], "assertionMethod") == "invalid_did_document"
    twice = document | {"verificationMethod": [method, method]}
    assert _code(key_in_document, twice, method["id"], "assertionMethod") == "invalid_did_document"
    unknown = document | {"verificationMethod": [method | {"type": "Unknown2030"}]}
    assert _code(key_in_document, unknown, method["id"], "assertionMethod") == "invalid_key"


@pytest.mark.threat(39)
def test_documents_that_are_too_big_or_malformed_are_refused() -> None:
    did = "did:web:example.com"
    keys = [{"id": f"{did}#{i}", "type": "Multikey", "controller": did} for i in range(10_000)]
    assert _web({"id": did, "verificationMethod": keys}).error is not None
    assert _web({"id": did, "authentication": ["#a"] * 300}).error == "invalid_did_document"
    assert _web({"id": did, "verificationMethod": "x"}).error == "invalid_did_document"
    assert _web({"id": did, "assertionMethod": [7]}).error == "invalid_did_document"
    assert _web(b'{"id":"did:web:example.com","id":"did:web:example.com"}').error == "invalid_did_document"
    assert _web(b"<html>").error == "invalid_did_document"


@pytest.mark.threat(35)
@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:web:example.com%2F..",
        "did:web:a%40b",
        "did:web:example.com:..:x",
        "did:web:example.com:a%2Fb",
        "did:web:example.com%3A99999999",
        "did:web:[::1]",
        "did:web:-a",
        "did:web:a..b",
        "did:web:example.com:",
        "did:web:example.com?x",
        "did:web:exa mple.com",
        "did:web:example.com\n",
    ],
)
def test_did_web_names_that_are_no_hosts_are_refused(did: str) -> None:
    assert Resolver([WebMethod(SafeFetch(timeout_s=0.1))]).resolve(did).error == "invalid_did"


@pytest.mark.threat(35)
@pytest.mark.parametrize(
    "host", ["169.254.169.254", "localhost%3A5432", "2130706433", "db.internal", "127.0.0.1%3A8420"]
)
def test_did_web_inside_the_own_network_is_blocked(host: str) -> None:
    assert Resolver([WebMethod(SafeFetch(timeout_s=1))]).resolve(f"did:web:{host}").error == "blocked_address"


def test_did_web_locations() -> None:
    assert document_url("did:web:example.com") == "https://example.com/.well-known/did.json"
    assert document_url("did:web:example.com:user:alice") == "https://example.com/user/alice/did.json"
    assert document_url("did:web:example.com%3A8443:x") == "https://example.com:8443/x/did.json"
    assert document_url("did:web:127.0.0.1%3A8420") == "http://127.0.0.1:8420/.well-known/did.json"


def test_did_web_over_loopback_http_gives_a_key(serve: Serve, world: Any) -> None:
    documents: dict[str, Any] = {}
    port = serve(
        lambda c: c.sendall(_answer(json.dumps(documents["did"]).encode(), "Content-Type: application/did+json"))
    )
    did = f"did:web:127.0.0.1%3A{port}"
    key = world.issuer.public
    method = {"id": "#key-1", "type": "Multikey", "controller": did, "publicKeyMultibase": key.to_multikey()}
    documents["did"] = {"id": did, "verificationMethod": [method], "assertionMethod": ["#key-1"]}
    resolver = Resolver([WebMethod(SafeFetch(allow_http_loopback=True))])
    assert resolver.key_for(f"{did}#key-1", "assertionMethod") == key
    assert _code(resolver.key_for, f"{did}#key-1", "authentication") == "purpose_not_allowed"
    assert _code(resolver.key_for, f"{did}#key-2", "assertionMethod") == "verification_method_not_found"


class Counting:
    """A DID method that counts its lookups and knows one DID."""

    name = "count"

    def __init__(self) -> None:
        self.lookups = 0

    def resolve(self, did: str) -> Resolution:
        self.lookups += 1
        if did == "did:count:good":
            return Resolution(did, {"id": did})
        return Resolution(did, None, "did_not_found")


@pytest.mark.threat(19)
def test_random_names_neither_repeat_lookups_nor_push_out_good_entries() -> None:
    method = Counting()
    now = [0.0]
    resolver = Resolver([method], clock=lambda: now[0], max_entries=100, ttl_s=60, negative_ttl_s=10)
    assert resolver.resolve("did:count:good").document is not None
    for _ in range(100):
        resolver.resolve("did:count:bad")
    assert method.lookups == 2
    for index in range(1000):
        resolver.resolve(f"did:count:random-{index}")
    assert method.lookups == 1002
    assert resolver.resolve("did:count:good").document is not None
    for index in range(1000):
        assert _code(resolver.key_for, f"did:count:good#{index}", "assertionMethod") == "verification_method_not_found"
    assert method.lookups == 1002
    now[0] = 61.0
    resolver.resolve("did:count:good")
    assert method.lookups == 1003
    resolver.resolve("did:count:good", fresh=True)
    assert method.lookups == 1004
