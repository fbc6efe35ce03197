"""What every request passes: an id, a body limit that holds while the body streams, safe headers, one log line,
metrics.

The dangers: a body without end (a Content-Length that lies or is absent changes nothing), a page framed or sniffed into
something else, a log line that holds a query string, an id that a caller chose to inject text into logs.
"""

from __future__ import annotations

import re
import time
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.identifiers import new_id
from app.telemetry.metrics import Metrics

__all__ = ["BodyLimit", "RequestContext"]

JSON_LIMIT: Final = 1_000_000
_CALLER_ID: Final = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_UPLOADS: Final = ("multipart/", "image/", "application/octet-stream")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HSTS: Final = "max-age=31536000"

log = structlog.get_logger("assay.http")


class RequestContext:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, https: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _CALLER_ID.fullmatch(offered) else new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._https:
                    headers.setdefault("Strict-Transport-Security", _HSTS)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            self._account(scope, status, time.perf_counter() - started)

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _route_template(scope)
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.durations.labels(method, route).observe(seconds)
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _route_template(scope: Scope) -> str:
    """The template of the route that answered: a path would carry ids, and anything at all for a 404."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", None) or "unmatched")


class BodyLimit:
    """Counts a body as it arrives and ends the request with 413 when it is more than its kind may be."""

    def __init__(self, app: ASGIApp, *, upload_limit: int) -> None:
        self._app = app
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._upload_limit if Headers(scope=scope).get("content-type", "").startswith(_UPLOADS) else JSON_LIMIT
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit or _announced(scope) > limit:
                    # FastAPI lets an HTTPException out of body parsing as it is; the problem table answers it.
                    raise HTTPException(413)
            return message

        await self._app(scope, counted, send)


def _announced(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
