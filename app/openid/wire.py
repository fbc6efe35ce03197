"""How OAuth and OpenID endpoints speak: strict bodies in, JSON without nulls out, errors in RFC 6749 form.

Dangers: a parameter sent twice and read differently by two layers, a body without end, a bad request answered with 5xx
or with a format that wallets do not read (FastAPI's own 422). Everything here answers `Cache-Control: no-store`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from did.errors import KernelError
from did.strict_json import parse_object

__all__ = [
    "ProtocolRefusal",
    "ProtocolRoute",
    "answer",
    "body_within",
    "json_body",
    "read_form",
    "read_json",
    "rfc3339",
]

log = structlog.get_logger("assay.openid")

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
FORM_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS: Final = 64
MAX_JSON_BYTES: Final = 1024 * 1024
"""Bodies of the /v1 endpoints; a presentation to verify may be this large (the kernel's own limit)."""
# OpenID4VCI 8.3.1 and RFC 6749 5.2: printable ASCII without the quote and the backslash.
_NOT_DESCRIPTION: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ProtocolRefusal(Exception):
    """An error answer of OAuth, OpenID4VCI or OpenID4VP: its code belongs to those specifications, not to our table."""

    def __init__(
        self, error: str, description: str = "", *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = _NOT_DESCRIPTION.sub(" ", description)[:300]
        self.status = status
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer for the wallet."""
        body = {"error": self.error}
        if self.description:
            body["error_description"] = self.description
        return answer(body, status=self.status, headers=self.headers)


def answer(body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A JSON object that no cache keeps."""
    return JSONResponse(dict(body), status_code=status, headers={**NO_STORE, **(headers or {})})


class ProtocolRoute(APIRoute):
    """A route whose every failure is an OAuth error object; only a fault of ours is 5xx, and it says nothing more."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route so that errors never reach the problem+json handlers."""
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except ProtocolRefusal as refusal:
                return refusal.response()
            except RequestValidationError:
                return ProtocolRefusal("invalid_request", "the request is not well formed").response()
            except HTTPException as error:
                return ProtocolRefusal("invalid_request", str(error.detail), status=error.status_code).response()
            except ClientDisconnect:
                return ProtocolRefusal("invalid_request", "the body ended early").response()
            except Exception as error:
                log.error("protocol_endpoint_failed", kind=type(error).__name__, route=self.path, exc_info=error)
                return ProtocolRefusal("server_error", "something went wrong in the service", status=500).response()

        return handle


def body_within(max_bytes: int) -> Any:
    """A dependency that yields the raw body and stops reading at `max_bytes`."""

    async def read(request: Request) -> bytes:
        return await _read_body(request, max_bytes)

    return Depends(read)


async def _read_body(request: Request, max_bytes: int) -> bytes:
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > max_bytes:
            raise HTTPException(413)
    return bytes(collected)


def read_form(request: Request, body: bytes) -> dict[str, str]:
    """The parameters of a form body; one sent twice is refused (RFC 6749 section 3.2). Raises ProtocolRefusal."""
    if _media_type(request) != FORM_TYPE:
        raise ProtocolRefusal("invalid_request", f"send {FORM_TYPE}")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise ProtocolRefusal("invalid_request", "the form is not well formed") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise ProtocolRefusal("invalid_request", "a parameter is sent twice")
    return form


def read_json(request: Request, body: bytes, *, error: str) -> dict[str, Any]:
    """The JSON object of a body, read strictly; whatever is wrong is a ProtocolRefusal with the code `error`."""
    if _media_type(request) != "application/json":
        raise ProtocolRefusal(error, "send application/json")
    try:
        return parse_object(body)
    except KernelError as fault:
        raise ProtocolRefusal(error, f"the body is not a JSON object: {fault.code}") from fault


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_body(model: type[BaseModel]) -> Any:
    """A dependency for /v1 endpoints: the body read strictly (no duplicate names, bounded depth) into `model`."""

    async def read(request: Request) -> BaseModel:
        body = await _read_body(request, MAX_JSON_BYTES)
        value = parse_object(body or b"{}")
        try:
            return model.model_validate(value)
        except ValidationError as error:
            errors = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
            raise RequestValidationError(errors) from error

    return Depends(read)


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as the API writes it, ending in Z."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
