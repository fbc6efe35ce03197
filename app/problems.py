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
from sqlalchemy.exc import DataError
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
    # issuance, presentations and what they share
    "offer_not_found": Problem(404, "No such credential offer"),
    "offer_closed": Problem(409, "The credential offer is closed"),
    "unknown_configuration": Problem(400, "No such credential configuration"),
    "presentation_request_not_found": Problem(404, "No such presentation request"),
    "invalid_presentation_request": Problem(400, "The presentation request is not valid"),
    "sealed_data_unreadable": Problem(500, "Stored data cannot be opened"),
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
    # keys, database and start
    "key_file_exposed": Problem(500, "A private key file can be read by others"),
    "key_file_missing": Problem(500, "A private key file is missing"),
    "key_file_damaged": Problem(500, "A private key file does not hold a key"),
    "lock_busy": Problem(503, "Another process is at the same work", retryable=True),
    "schema_too_new": Problem(503, "The database belongs to a newer version"),
    "schema_outdated": Problem(503, "The database has not been migrated"),
    "chain_replaced": Problem(503, "The chain is not the one that the contracts are on"),
    "sender_unfunded": Problem(503, "The service cannot pay for transactions"),
    # command line
    "port_taken": Problem(503, "The port is in use"),
    "invalid_id_file": Problem(400, "The file has lines that name no credential"),
    # demo
    "unexpected_answer": Problem(500, "The service answered otherwise than the demo needs"),
    "command_failed": Problem(500, "A command of the demo failed"),
    "service_not_ready": Problem(503, "The service did not start in time"),
    # ledger
    "ledger_job_failed": Problem(502, "The chain refused the change"),
    "ledger_stalled": Problem(503, "The chain has not taken the change yet", retryable=True),
    # issuers and credentials
    "issuer_not_anchored": Problem(503, "The issuer's key is not in the registry"),
    "credential_not_found": Problem(404, "No such credential"),
    "credential_revoked": Problem(409, "The credential is revoked, which is final"),
    "document_expired": Problem(409, "The identity document has expired"),
    "holder_key_required": Problem(400, "The holder's key is needed"),
    "holder_did_unsupported": Problem(400, "The holder's DID is not supported"),
    "unknown_reason": Problem(400, "The reason is not one of the codes"),
    "status_list_not_found": Problem(404, "No such status list"),
    "status_list_full": Problem(503, "No status list has room yet", retryable=True),
    "status_list_paused": Problem(503, "The status list is paused", retryable=True),
    "unknown_status_purpose": Problem(404, "A status list has no such purpose"),
    "foreign_registry": Problem(400, "The status entry names another registry"),
    # kernel: reading and parsing
    "duplicate_key": Problem(400, "A JSON object has a member twice"),
    "invalid_text": Problem(400, "A text has characters that do not belong there"),
    "number_out_of_range": Problem(400, "A number has no exact form"),
    "input_too_large": Problem(413, "The input is too large"),
    "input_too_deep": Problem(400, "The input is nested too deep"),
    "invalid_encoding": Problem(400, "An encoded value cannot be read"),
    "invalid_time": Problem(400, "A point in time cannot be read"),
    # kernel: keys and signatures
    "invalid_key": Problem(400, "The key is not valid"),
    "private_key_exposed": Problem(400, "A private key was sent"),
    "unsupported_algorithm": Problem(400, "The algorithm is not supported"),
    "invalid_signature": Problem(400, "The signature does not verify"),
    "malformed_jws": Problem(400, "The token is not well formed"),
    "wrong_token_type": Problem(400, "The token is of another type"),
    "unsupported_critical_header": Problem(400, "A critical header is not supported"),
    # kernel: DIDs and the network
    "invalid_did": Problem(400, "The DID is not valid"),
    "did_method_unsupported": Problem(400, "The DID method is not supported"),
    "invalid_did_document": Problem(400, "The DID document is not valid"),
    "did_not_found": Problem(404, "The DID does not exist"),
    "did_unavailable": Problem(503, "The DID cannot be resolved now", retryable=True),
    "did_deactivated": Problem(400, "The DID is deactivated"),
    "did_event_limit": Problem(400, "The DID has too long a history"),
    "verification_method_not_found": Problem(400, "The DID document has no such key"),
    "purpose_not_allowed": Problem(400, "The key is not meant for this"),
    "blocked_address": Problem(400, "The address may not be fetched"),
    "fetch_failed": Problem(502, "A document could not be fetched", retryable=True),
    "response_too_large": Problem(502, "A fetched document is too large"),
    # kernel: JSON-LD, proofs, selective disclosure
    "unknown_context": Problem(400, "A JSON-LD context is not known here"),
    "context_tampered": Problem(500, "A JSON-LD context file has changed"),
    "inline_context": Problem(400, "Inline JSON-LD contexts are not accepted"),
    "data_loss": Problem(400, "Something would not be covered by the signature"),
    "invalid_jsonld": Problem(400, "The document is not valid JSON-LD"),
    "ambiguous_node": Problem(400, "A node of the document is ambiguous"),
    "canonicalization_limit": Problem(400, "The document is too costly to canonicalize"),
    "unsupported_cryptosuite": Problem(400, "The cryptosuite is not supported"),
    "proof_missing": Problem(400, "There is no proof"),
    "malformed_proof": Problem(400, "The proof is not well formed"),
    "proof_chain_broken": Problem(400, "The chain of proofs does not hold"),
    "wrong_proof_purpose": Problem(400, "The proof has another purpose"),
    "wrong_nonce": Problem(400, "The nonce is another one"),
    "wrong_audience": Problem(400, "The presentation is for somebody else"),
    "proof_expired": Problem(400, "The proof has expired"),
    "malformed_sd_jwt": Problem(400, "The SD-JWT is not well formed"),
    "invalid_disclosure": Problem(400, "A disclosure is not valid"),
    "not_disclosable": Problem(400, "A claim cannot be made disclosable"),
    "holder_binding_missing": Problem(400, "There is no proof of the holder's key"),
    "invalid_key_binding": Problem(400, "The key binding does not hold"),
    # kernel: data model, status, presentations
    "invalid_credential": Problem(400, "The credential does not follow the data model"),
    "invalid_status_list": Problem(400, "The status list is not valid"),
    "status_list_too_large": Problem(400, "The status list is too large"),
    "status_index_out_of_range": Problem(400, "The status index is beyond the list"),
    "invalid_status_entry": Problem(400, "The status entry is not valid"),
    "invalid_query": Problem(400, "The query is not valid"),
    "no_matching_credential": Problem(404, "No credential matches the query"),
    "invalid_proof": Problem(400, "The key proof does not hold"),
    # chain
    "chain_unavailable": Problem(503, "The chain does not answer", retryable=True),
    "malformed_answer": Problem(502, "The chain's answer makes no sense"),
    "chain_id_mismatch": Problem(503, "The endpoint is another chain"),
    "rpc_error": Problem(502, "The chain answered with an error", retryable=True),
    "call_reverted": Problem(502, "The contract refused the call"),
    "transaction_rejected": Problem(502, "The chain refused the transaction"),
    "transaction_reverted": Problem(502, "The transaction had no effect"),
    "block_not_found": Problem(404, "There is no such block"),
    "contract_missing": Problem(503, "There is no contract at the address"),
    "event_limit_exceeded": Problem(400, "There are too many events to read"),
    "invalid_argument": Problem(400, "An argument does not fit the contract"),
    "unknown_artifact": Problem(500, "There is no such contract"),
    "node_locked": Problem(503, "Another process holds the chain", retryable=True),
    "node_closed": Problem(503, "The chain is closed"),
    "node_corrupted": Problem(503, "The chain file is damaged"),
    "unknown_status_list": Problem(404, "The registry has no such status list"),
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

    @app.exception_handler(DataError)
    def answer_unstorable(request: Request, error: DataError) -> JSONResponse:
        """PostgreSQL takes no NUL in a text, SQLite does: it is the caller's mistake wherever it stood."""
        if "NUL" in str(error.orig):
            return problem_response(request, "invalid_text", "a text has a NUL character")
        return answer_unexpected(request, error)


def _field_error(item: dict[str, Any]) -> dict[str, str]:
    """Name the field and the fix; the input itself is never echoed, it may be personal."""
    pointer = "/" + "/".join(str(part) for part in item["loc"] if part not in {"body", "query", "path"})
    return {"pointer": pointer, "code": str(item["type"]), "detail": f"{pointer}: {item['msg']}"}
