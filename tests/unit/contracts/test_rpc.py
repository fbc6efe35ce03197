"""An endpoint that is broken or hostile: every answer it can give ends in time, in a typed error."""

import json
import socket
import threading
import time

import pytest

from contracts.chain import Chain
from contracts.did_registry import DIDRegistry
from contracts.errors import (
    ChainError,
    ChainUnavailable,
    EventLimitExceeded,
    InvalidArgument,
    MalformedAnswer,
    RpcError,
)
from contracts.rpc import HttpTransport
from contracts.status_registry import CredentialStatusRegistry

REGISTRY = "0x" + "11" * 20


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
            connection.recv(65_536)
            step = 1 if self._drip_s else len(self._answer) or 1
            for at in range(0, len(self._answer), step):
                connection.sendall(self._answer[at : at + step])
                if self._drip_s and self._stop.wait(self._drip_s):
                    return
            while self._keep_open and not self._stop.wait(0.01):
                pass
        except OSError:
            return

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


class Scripted:
    """An endpoint that answers as a test says: the only way to have a node lie."""

    def __init__(self, **answers: object) -> None:
        self._answers = {"eth_chainId": "0x1", **answers}

    def request(self, method, params):
        answer = self._answers[method]
        return answer(*params) if callable(answer) else answer

    def batch(self, calls):
        return [self.request(method, params) for method, params in calls]


BLOCK = {"number": "0x5", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32, "timestamp": "0x64"}
LOG = {
    "address": REGISTRY,
    "topics": ["0x" + "00" * 32],
    "data": "0x",
    "blockNumber": "0x5",
    "blockHash": "0x" + "11" * 32,
    "transactionHash": "0x" + "33" * 32,
    "logIndex": "0x0",
}


@pytest.mark.threat(76)
@pytest.mark.parametrize("wrong", [None, "", "5", "0x", "0x05", "-0x1", "0xzz", 5, [], "0x" + "f" * 65])
def test_malformed_numbers_are_not_believed(wrong):
    chain = Chain(Scripted(eth_getBalance=wrong, eth_getBlockByNumber=BLOCK | {"number": wrong}))
    with pytest.raises(MalformedAnswer):
        chain.balance(REGISTRY)
    with pytest.raises(MalformedAnswer):
        chain.head()
    with pytest.raises(MalformedAnswer):
        _ = Chain(Scripted(eth_chainId=wrong)).chain_id


@pytest.mark.threat(76)
@pytest.mark.parametrize(
    "logs",
    [
        None,
        {},
        [None],
        [LOG | {"address": "0x" + "99" * 20}],
        [LOG | {"blockNumber": "0x99"}],
        [LOG | {"topics": ["0x" + "00" * 32] * 5}],
        [LOG | {"topics": ["0x00"]}],
        [LOG | {"data": "0xabc"}],
    ],
)
def test_logs_that_were_not_asked_for_are_not_believed(logs):
    with pytest.raises(MalformedAnswer):
        Chain(Scripted(eth_getLogs=logs)).logs(REGISTRY, [], 0, 9)


def test_ranges_that_are_too_large_are_halved():
    asked = []

    def logs(wanted):
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        asked.append((first, last))
        if last - first >= 300:
            raise RpcError("query returned more than 10000 results", rpc_code=-32005)
        return [LOG | {"blockNumber": hex(first)}]

    found = Chain(Scripted(eth_getLogs=logs)).logs(REGISTRY, [], 0, 999)
    assert [log.block for log in found] == [0, 250, 500, 750]
    assert len(asked) == 7


def test_a_node_that_never_answers_for_logs_is_given_up_on():
    asked = []

    def logs(wanted):
        asked.append(wanted)
        raise RpcError("no", rpc_code=-32000)

    with pytest.raises(ChainUnavailable):
        Chain(Scripted(eth_getLogs=logs)).logs(REGISTRY, [], 0, 9999)
    assert len(asked) < 20


@pytest.mark.threat(40)
def test_an_endless_identity_history_is_bounded():
    """Each block claims one event and a predecessor; a million of them must not be walked."""
    topic = "0x38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3"

    def call(request, block):
        return "0x" + (10**6).to_bytes(32, "big").hex()

    def logs(wanted):
        at = int(wanted["fromBlock"], 16)
        data = bytes(32) + (at - 1).to_bytes(32, "big")
        return [LOG | {"topics": [topic, "0x" + "00" * 32], "data": "0x" + data.hex(), "blockNumber": hex(at)}]

    with pytest.raises(EventLimitExceeded):
        DIDRegistry(Chain(Scripted(eth_call=call, eth_getLogs=logs)), REGISTRY).events("0x" + "00" * 20)


@pytest.mark.threat(40)
def test_a_history_that_runs_in_circles_is_not_believed():
    topic = "0x38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3"
    data = bytes(32) + (9).to_bytes(32, "big")
    entry = LOG | {"topics": [topic, "0x" + "00" * 32], "data": "0x" + data.hex(), "blockNumber": "0x9"}
    nine = "0x" + (9).to_bytes(32, "big").hex()
    for logs in ([entry], []):
        with pytest.raises(MalformedAnswer):
            DIDRegistry(Chain(Scripted(eth_call=nine, eth_getLogs=logs)), REGISTRY).events("0x" + "00" * 20)


@pytest.mark.threat(42)
def test_offchain_lookup_is_a_revert_and_nothing_more():
    """EIP-3668 would have the caller fetch a URL that the contract names."""
    calls = []

    def call(request, block):
        calls.append(request)
        raise RpcError("execution reverted", rpc_code=3, data="0x556f1830" + "00" * 160)

    chain = Chain(Scripted(eth_call=call, eth_getBlockByNumber=BLOCK))
    with pytest.raises(ChainError) as caught:
        DIDRegistry(chain, REGISTRY).identity_owner(REGISTRY)
    assert caught.value.code == "call_reverted"
    assert len(calls) == 1


@pytest.mark.parametrize(
    "words",
    [
        [1] * 8,
        [2**160, 1, 256, 1, 0, 0, 0, 0, 0],
        [1, 1, 256, 3, 0, 0, 0, 0, 0],
        [1, 1, 0, 1, 0, 0, 0, 0, 0],
        [1, 1, 2**32 - 1, 8, 0, 0, 0, 0, 0],
        [1, 2**48, 256, 1, 0, 0, 0, 0, 0],
    ],
)
def test_a_list_that_cannot_exist_is_not_believed(words):
    answer = "0x" + b"".join(word.to_bytes(32, "big") for word in words).hex()
    chain = Chain(Scripted(eth_call=answer, eth_getBlockByNumber=BLOCK))
    with pytest.raises(MalformedAnswer):
        CredentialStatusRegistry(chain, REGISTRY).get_list(bytes(32))


def test_a_lying_send_is_noticed():
    chain = Chain(Scripted(eth_sendRawTransaction="0x" + "00" * 32))
    with pytest.raises(MalformedAnswer):
        chain.send_raw(b"\x02")
