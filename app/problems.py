"""Errors become RFC 9457 problem documents here and nowhere else.

`PROBLEMS` is the one table from a stable code to an HTTP status and a title; a test walks every error class of every
room and fails for a code without a row. OAuth and OpenID endpoints answer in their own format and do not pass here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import ServiceError
from contracts.errors import ChainError
from did.errors import KernelError
from ml.errors import EvidenceError

__all__ = ["PROBLEMS", "Problem", "install", "problem_response"]

log = structlog.get_logger("assay.problems")


@dataclass(frozen=True)
class Problem:
    """How a code is told over HTTP. `retryable`: the same request may succeed later without a change."""

    status: int
    title: str
    retryable: bool = False


PROBLEMS: dict[str, Problem] = {
    # anywhere
    "service_error": Problem(500, "Something went wrong in the service"),
    "internal_error": Problem(500, "Something went wrong in the service", retryable=True),
    "invalid_request": Problem(400, "The request is not valid"),
    "malformed_json": Problem(400, "The body is not valid JSON"),
    "body_too_large": Problem(413, "The body is too large"),
    "not_found": Problem(404, "No such object"),
    "conflict": Problem(409, "The object is not in a state that allows this"),
    "method_not_allowed": Problem(405, "This address does not take that method"),
    # access
    "unauthorized": Problem(401, "An API key is needed"),
    "forbidden": Problem(403, "The API key lacks the scope for this"),
    # kernel, gate and chain roots; their leaves follow by room
    "kernel_error": Problem(400, "The credential or DID could not be processed"),
    "evidence_error": Problem(400, "The evidence could not be processed"),
    "chain_error": Problem(503, "The chain could not be used", retryable=True),
    # verifications and the evidence they take
    "session_not_found": Problem(404, "No such verification session"),
    "report_not_found": Problem(404, "The session has no report"),
    "session_not_approved": Problem(409, "The session is not approved"),
    "session_state": Problem(409, "The session is not in a state that allows this"),
    "session_expired": Problem(410, "The session has expired"),
    "consent_required": Problem(409, "Consent has not been given"),
    "capture_incomplete": Problem(409, "The capture is not complete"),
    "review_impossible": Problem(409, "There is nothing that this decision could rest on"),
    "challenge_unknown": Problem(409, "The challenge is not this session's"),
    "challenge_expired": Problem(409, "The challenge has expired"),
    "challenge_used": Problem(409, "The challenge has been used"),
    "upload_too_early": Problem(409, "The frames came in before they can have been taken"),
    "too_many_challenges": Problem(429, "The session has no challenges left"),
    "malformed_upload": Problem(400, "The upload is not well formed"),
    "too_many_frames": Problem(413, "The upload has too many frames"),
    "blob_corrupt": Problem(500, "A stored capture cannot be opened"),
    "unsupported_media": Problem(415, "The file is not a JPEG or PNG picture"),
    "undecodable_image": Problem(400, "The picture cannot be decoded"),
    "image_too_large": Problem(413, "The picture is too large"),
    "decoder_timeout": Problem(503, "The picture could not be decoded in time", retryable=True),
    "decoder_crashed": Problem(503, "The picture could not be decoded", retryable=True),
    "model_untrusted": Problem(503, "A model file is not the one that was approved"),
    "model_fault": Problem(503, "A model gave no usable answer"),
    "face_not_found": Problem(400, "No face was found"),
    "mrz_unreadable": Problem(400, "The machine-readable zone could not be read"),
    "invalid_challenge": Problem(400, "The challenge is not valid"),
    "invalid_policy": Problem(500, "The gate's policy is not valid"),
    "simulation_error": Problem(500, "The simulator cannot draw this"),
}


def problem_response(
    request: Request, code: str, detail: str = "", *, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """Build the problem document for a code of the table."""
    problem = PROBLEMS.get(code, PROBLEMS["internal_error"])
    body: dict[str, Any] = {
        "type": f"urn:assay:problem:{code}",
        "title": problem.title,
        "status": problem.status,
        "code": code,
        "retryable": problem.retryable,
    }
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = errors
    request_id = getattr(request.state, "request_id", None)
    if request_id:
        body["request_id"] = request_id
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None
    return JSONResponse(body, status_code=problem.status, media_type="application/problem+json", headers=headers)


def install(app: FastAPI) -> None:
    """Register the handlers that turn every error into a problem document."""

    def answer_known(request: Request, error: Exception) -> JSONResponse:
        code = getattr(error, "code", "internal_error")
        pointer = getattr(error, "pointer", "")
        detail = getattr(error, "detail", "")
        problem = PROBLEMS.get(code)
        if problem is None or problem.status >= 500:
            log.error(
                "request_failed", code=code, path=request.scope.get("route_path", request.url.path), detail=detail
            )
        errors = [{"pointer": pointer, "code": code, "detail": detail}] if pointer else None
        return problem_response(request, code, detail, errors=errors)

    for root in (ServiceError, KernelError, EvidenceError, ChainError):
        app.add_exception_handler(root, answer_known)

    @app.exception_handler(RequestValidationError)
    def answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_field_error(item) for item in error.errors()]
        code = "malformed_json" if any(item["type"] == "json_invalid" for item in error.errors()) else "invalid_request"
        return problem_response(request, code, errors[0]["detail"] if errors else "", errors=errors)

    @app.exception_handler(HTTPException)
    def answer_http(request: Request, error: HTTPException) -> JSONResponse:
        code = {
            404: "not_found",
            405: "method_not_allowed",
            413: "body_too_large",
            401: "unauthorized",
            403: "forbidden",
        }.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal_error")
        return problem_response(request, code)

    @app.exception_handler(Exception)
    def answer_unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected_error", kind=type(error).__name__, path=request.url.path, exc_info=error)
        return problem_response(request, "internal_error")


def _field_error(item: dict[str, Any]) -> dict[str, str]:
    """Name the field and the fix; the input itself is never echoed, it may be personal."""
    pointer = "/" + "/".join(str(part) for part in item["loc"] if part not in {"body", "query", "path"})
    return {"pointer": pointer, "code": str(item["type"]), "detail": f"{pointer}: {item['msg']}"}
