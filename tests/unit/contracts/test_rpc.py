"""An endpoint that is broken or hostile: every answer it can give ends in time, in a typed error."""

import json
import socket
import threading
import time

import pytest

from contracts.errors import (
    ChainUnavailable,
    InvalidArgument,
    MalformedAnswer,
    RpcError,
)
from contracts.rpc import HttpTransport


class HostileServer:
    """A loopback socket that gives every connection the same bytes, whole or a little at a time."""

    def __init__(self, answer: bytes, *, drip_s: float = 0.0, keep_open: bool = False) -> None:
        self._answer, self._drip_s, self._keep_open = answer, drip_s, keep_open
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._listener.settimeout(0.05)
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            with connection:
                connection.settimeout(2)
                self._answer_one(connection)

    def _answer_one(self, connection: socket.socket) -> None:
        try:
            self._read_request(connection)
            step = 1 if self._drip_s else len(self._answer) or 1
            for at in range(0, len(self._answer), step):
                connection.sendall(self._answer[at : at + step])
                if self._drip_s and self._stop.wait(self._drip_s):
                    return
            while self._keep_open and not self._stop.wait(0.01):
                pass
        except OSError:
            return

    @staticmethod
    def _read_request(connection: socket.socket) -> None:
        """Read all of it: closing with bytes unread would reset the connection and take the answer along."""
        with connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def hostile():
    servers: list[HostileServer] = []

    def make(answer: bytes, **how: object) -> HostileServer:
        servers.append(HostileServer(answer, **how))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def result(value: object, call_id: object = 1) -> bytes:
    return http(json.dumps({"jsonrpc": "2.0", "id": call_id, "result": value}).encode())


@pytest.mark.threat(76)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", ChainUnavailable),
        (b"not http at all\r\n\r\n", ChainUnavailable),
        (http(b"", "429 Too Many Requests"), ChainUnavailable),
        (http(b"{}", "500 Oops"), ChainUnavailable),
        (http(b"", "301 Moved", "Location: http://127.0.0.1:1/\r\n"), ChainUnavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", ChainUnavailable),
        (http(b"<html>"), MalformedAnswer),
        (http(b"[" * 3000), MalformedAnswer),
        (http(b"[]"), MalformedAnswer),
        (http(b'{"id":1}'), MalformedAnswer),
        (http(b'{"id":1,"error":"no"}'), MalformedAnswer),
        (result("0x539", call_id=999), MalformedAnswer),
        (http(b'{"id":1,"error":{"code":-32005,"message":"limit"}}'), RpcError),
        (http(b'{"id":null,"error":{"code":-32700,"message":"parse"}}', "400 Bad Request"), RpcError),
    ],
)
def test_a_broken_endpoint_is_a_typed_error(hostile, answer, error):
    with pytest.raises(error):
        HttpTransport(hostile(answer).url, timeout_s=2).request("eth_chainId", [])


@pytest.mark.threat(37)
def test_a_redirect_is_not_followed(hostile):
    elsewhere = hostile(result("0x1"))
    moved = hostile(http(b"", "307 Temporary Redirect", f"Location: {elsewhere.url}\r\n"))
    with pytest.raises(ChainUnavailable):
        HttpTransport(moved.url).request("eth_chainId", [])
    assert elsewhere.connections == 0


@pytest.mark.threat(38)
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"])
def test_a_byte_at_a_time_ends_at_the_deadline(hostile, head):
    server = hostile(head + b"H" * 9000, drip_s=0.02)
    started = time.monotonic()
    with pytest.raises(ChainUnavailable):
        HttpTransport(server.url, timeout_s=0.3).request("eth_chainId", [])
    assert time.monotonic() - started < 1.5


@pytest.mark.threat(38)
def test_silence_ends_at_the_deadline(hostile):
    started = time.monotonic()
    with pytest.raises(ChainUnavailable):
        HttpTransport(hostile(b"", keep_open=True).url, timeout_s=0.3).request("eth_chainId", [])
    assert time.monotonic() - started < 1.5


@pytest.mark.threat(38)
def test_an_endless_body_is_cut_off(hostile):
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 2_000_000
    with pytest.raises(ChainUnavailable, match="over 1000000 bytes"):
        HttpTransport(hostile(endless).url, max_answer_bytes=1_000_000).request("eth_chainId", [])


def test_nobody_there_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ChainUnavailable):
        HttpTransport(f"http://127.0.0.1:{port}", timeout_s=1).request("eth_chainId", [])


def test_a_batch_must_answer_every_call_once(hostile):
    calls = [("eth_chainId", []), ("eth_blockNumber", [])]
    for answers in (
        [],
        [{"id": 1, "result": "0x1"}],
        [{"id": 1, "result": "0x1"}] * 2,
        [{"id": 1}, {"id": 2}],
        7,
        {"id": 1},
    ):
        with pytest.raises(MalformedAnswer):
            HttpTransport(hostile(http(json.dumps(answers).encode())).url).batch(calls)
    swapped = http(json.dumps([{"id": 2, "result": "b"}, {"id": 1, "result": "a"}]).encode())
    assert HttpTransport(hostile(swapped).url).batch(calls) == ["a", "b"]


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "file:///etc/passwd", "http://user:pw@x/", "http://x:99999/"]
)
def test_what_is_no_endpoint_is_refused(url):
    with pytest.raises(InvalidArgument):
        HttpTransport(url)
