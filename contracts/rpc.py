"""JSON-RPC 2.0 to a node that is not trusted: bounded answers, one deadline, no redirects, no CCIP-Read.

A hostile or broken endpoint can lie (callers compare chain ids and block hashes), but it must not be able to hang a
verification, exhaust memory, or send us to another host. http.client follows no redirect and unpacks no compression.
"""

from __future__ import annotations

import http.client
import io
import itertools
import socket
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

import orjson

from contracts.errors import ChainUnavailable, InvalidArgument, MalformedAnswer, RpcError
from contracts.limits import MAX_ANSWER_BYTES, MAX_BATCH

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Transport(Protocol):
    """Where JSON-RPC calls go: the in-process node, or HTTP."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one call; raises RpcError, ChainUnavailable, MalformedAnswer."""

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The results in the order of the calls; an RpcError stands in the place of a result that failed."""


@runtime_checkable
class StorageRangeReader(Protocol):
    """A transport that can copy consecutive storage words without running the EVM. The in-process node can."""

    def storage_range(self, address: bytes, first_slot: int, count: int, block: str | int) -> bytes:
        """`count` words of 32 bytes, big-endian."""


class HttpTransport:
    """JSON-RPC over HTTP(S). Thread-safe: each thread keeps one connection.

    Args:
        url: `http://` or `https://`, with credentials in the path or query if the provider wants them there.
        timeout_s: seconds for a whole call, connecting and reading included.
        headers: sent with each call, for providers that authenticate by header.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        headers: dict[str, str] | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise InvalidArgument("the node's URL has no valid port", pointer="/url") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise InvalidArgument("the node's URL must be http(s)://host[:port][/path]", pointer="/url")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout_s = timeout_s
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        self._max_answer_bytes = max_answer_bytes
        self._ids = itertools.count(1)
        self._local = threading.local()

    def request(self, method: str, params: Sequence[Any]) -> Any:
        call_id = next(self._ids)
        answer = self._post({"jsonrpc": "2.0", "id": call_id, "method": method, "params": list(params)})
        if not isinstance(answer, dict) or answer.get("id") not in (call_id, None):
            raise MalformedAnswer("the answer is not for this call")
        result = _result(answer)
        if isinstance(result, RpcError):
            raise result
        return result

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        results: list[Any] = []
        for first in range(0, len(calls), MAX_BATCH):
            results += self._batch(calls[first : first + MAX_BATCH])
        return results

    def close(self) -> None:
        """Close this thread's connection; the next call opens another."""
        kept: _Kept | None = getattr(self._local, "kept", None)
        self._local.kept = None
        if kept is not None:
            kept.connection.close()

    def _batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        ids = [next(self._ids) for _ in calls]
        body = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": list(params)}
            for i, (method, params) in zip(ids, calls, strict=True)
        ]
        answers = self._post(body)
        if not isinstance(answers, list):
            result = _result(answers) if isinstance(answers, dict) else None
            raise result if isinstance(result, RpcError) else MalformedAnswer("expected an array of answers")
        by_id = {
            answer["id"]: answer for answer in answers if isinstance(answer, dict) and isinstance(answer.get("id"), int)
        }
        if len(answers) != len(ids) or by_id.keys() != set(ids):
            raise MalformedAnswer("the answers are not for these calls")
        return [_result(by_id[i]) for i in ids]

    def _post(self, message: Any) -> Any:
        deadline = time.monotonic() + self._timeout_s
        body = orjson.dumps(message)
        kept = getattr(self._local, "kept", None) is not None
        try:
            status, answer = self._exchange(body, deadline)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            if not kept:
                raise ChainUnavailable(f"the node closed the connection: {error}") from error
            # The node had closed an idle connection. Every call is safe to repeat: sending is by the bytes' hash.
            status, answer = self._exchange_again(body, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise ChainUnavailable(f"no answer from the node: {type(error).__name__}: {error}") from error
        try:
            parsed = orjson.loads(answer)
        except ValueError as error:
            if status != 200:
                raise ChainUnavailable(f"the node answered HTTP {status}") from error
            raise MalformedAnswer("the answer is not JSON") from error
        if status != 200 and not (isinstance(parsed, dict) and isinstance(parsed.get("error"), dict)):
            raise ChainUnavailable(f"the node answered HTTP {status}")
        return parsed

    def _exchange_again(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        try:
            return self._exchange(body, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise ChainUnavailable(f"no answer from the node: {type(error).__name__}: {error}") from error

    def _exchange(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        try:
            connection = self._connection(deadline)
            connection.request("POST", self._target, body=body, headers=self._headers)
            response = connection.getresponse()
            answer = response.read(self._max_answer_bytes + 1)
            if len(answer) > self._max_answer_bytes:
                raise ChainUnavailable(f"the node's answer is over {self._max_answer_bytes} bytes")
            if response.length:
                raise ChainUnavailable("the node's answer ended early")
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return response.status, answer

    def _connection(self, deadline: float) -> http.client.HTTPConnection:
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._local.kept = kept = _Kept(kind(self._host, self._port))
        connection = kept.connection
        connection.timeout = _left(deadline)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        # typeshed fixes the class; http.client takes any callable.
        connection.response_class = partial(_DeadlineResponse, deadline)  # type: ignore[assignment]
        return connection


class _Kept:
    """A thread's connection, closed when the thread ends or the transport is dropped."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class _DeadlineResponse(http.client.HTTPResponse):
    """A response read against one deadline: a socket's own timeout is per read, and a byte a second outlasts it."""

    def __init__(self, deadline: float, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(deadline, sock, self.fp.detach()))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, deadline: float, sock: socket.socket, raw: io.RawIOBase) -> None:
        super().__init__()
        self._deadline, self._sock, self._raw = deadline, sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise MalformedAnswer("the answer has neither result nor error")
        return answer["result"]
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        raise MalformedAnswer("the error is not an error object")
    code = error.get("code")
    return RpcError(error["message"][:2000], rpc_code=code if isinstance(code, int) else -32000, data=error.get("data"))
