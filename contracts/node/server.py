"""The chain over HTTP, for the command line, workers and JavaScript clients on this machine.

Only what the node can do is reachable (an allow-list of methods), bodies and batches are bounded before they are
parsed, and a browser page cannot be the caller: a request with an Origin header, or with a Host that is not loopback,
is refused, since DNS rebinding would otherwise let any web page talk to it. Bind it to loopback.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.errors import RpcError
from contracts.limits import MAX_BATCH, MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from contracts.node.node import Node

_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_INTERNAL_ERROR = -32603


class _TooLarge(Exception):
    pass


def rpc_app(node: Node, *, allow: Collection[str] | None = None) -> Starlette:
    """An ASGI application that answers JSON-RPC 2.0 posts, single or batch, at `/`.

    Args:
        node: the chain to serve; it stays the caller's to close.
        allow: the methods to offer; all that the node has, where None.
    """
    allowed = node.methods if allow is None else frozenset(allow) & node.methods

    async def endpoint(request: Request) -> Response:
        if "origin" in request.headers or not _is_loopback(request.url.hostname):
            return Response(status_code=403)
        try:
            body = await _read_body(request)
        except _TooLarge:
            return Response(status_code=413)
        try:
            message = orjson.loads(body)
        except ValueError:
            return _json(_error(None, _PARSE_ERROR, "parse error"))
        answer = await run_in_threadpool(_answer, node, allowed, message)
        return Response(status_code=204) if answer is None else _json(answer)

    return Starlette(routes=[Route("/", endpoint, methods=["POST"])])


def _is_loopback(host: str | None) -> bool:
    if host in (None, "localhost"):
        return host is not None
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            raise _TooLarge
    return bytes(body)


def _answer(node: Node, allowed: Collection[str], message: Any) -> Any:
    if not isinstance(message, list):
        return _answer_one(node, allowed, message)
    if not 0 < len(message) <= MAX_BATCH:
        return _error(None, _INVALID_REQUEST, f"a batch holds 1 to {MAX_BATCH} calls")
    answers = [_answer_one(node, allowed, item) for item in message]
    return [answer for answer in answers if answer is not None] or None


def _answer_one(node: Node, allowed: Collection[str], message: Any) -> dict[str, Any] | None:
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return _error(None, _INVALID_REQUEST, "invalid request")
    method, params, is_call = message["method"], message.get("params", []), "id" in message
    call_id = message.get("id")
    if not isinstance(params, list) or not isinstance(call_id, str | int | float | None):
        return _error(None, _INVALID_REQUEST, "invalid request")
    try:
        if method not in allowed:
            raise RpcError(f"the method {method} does not exist/is not available", rpc_code=-32601)
        answer = {"jsonrpc": "2.0", "id": call_id, "result": node.request(method, params)}
    except RpcError as error:
        answer = _error(call_id, error.rpc_code, error.detail, error.data)
    except Exception:  # noqa: BLE001 -- a caller learns that it failed; what failed is the operator's
        answer = _error(call_id, _INTERNAL_ERROR, "internal error")
    return answer if is_call else None


def _error(call_id: Any, code: int, message: str, data: object = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": call_id, "error": error}


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
