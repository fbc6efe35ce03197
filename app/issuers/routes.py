"""Public documents: the did:web document, the issuer's keys, the identity context, and DID resolution."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.access.dependencies import wiring_of
from app.access.service import Unauthorized
from did.credentials.contexts import ASSAY_CONTEXT, load

__all__ = ["router"]

router = APIRouter(tags=["issuer"])

_PUBLIC = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
_LOCAL_METHODS = ("did:key:", "did:jwk:", "did:ethr:")


@router.get("/.well-known/did.json")
@router.get("/did.json", include_in_schema=False)
def did_document(request: Request) -> JSONResponse:
    """The issuer's did:web document."""
    document = wiring_of(request).issuers.web_document()
    return JSONResponse(document, media_type="application/did+json", headers=_PUBLIC)


@router.get("/.well-known/jwt-vc-issuer")
def jwt_vc_issuer(request: Request) -> JSONResponse:
    """The issuer's keys for SD-JWT VC verifiers that do not resolve DIDs."""
    wiring = wiring_of(request)
    return JSONResponse({"issuer": wiring.settings.base_url, "jwks": wiring.issuers.jwks()}, headers=_PUBLIC)


@router.get("/contexts/identity/v1")
def identity_context() -> JSONResponse:
    """The JSON-LD context of our terms, for wallets that want to preload it."""
    return JSONResponse(load(ASSAY_CONTEXT), media_type="application/ld+json", headers=_PUBLIC)


@router.get("/1.0/identifiers/{did:path}")
def resolve(request: Request, did: str) -> JSONResponse:
    """Resolve a DID (W3C DID Resolution). A did:web of somebody else is fetched for callers with an API key only."""
    wiring = wiring_of(request)
    did = _as_written(request, did)
    if not did.startswith(_LOCAL_METHODS) and did not in wiring.issuers.all_dids:
        _require_key(request)
    found = wiring.resolver.resolve(did)
    deactivated = bool(found.metadata.get("deactivated"))
    body: dict[str, Any] = {
        "@context": "https://w3id.org/did-resolution/v1",
        "didDocument": found.document,
        "didResolutionMetadata": {"error": found.error} if found.error else {"contentType": "application/did+json"},
        "didDocumentMetadata": {} if found.error else found.metadata,
    }
    return JSONResponse(body, status_code=_status(found.error, deactivated), media_type="application/did-resolution")


def _as_written(request: Request, decoded: str) -> str:
    """The DID as the client wrote it: a did:web's own `%3A` must survive, whether or not its `%` was encoded again."""
    path: bytes = request.scope.get("raw_path", b"")
    raw = path.decode("ascii", "replace").partition("/1.0/identifiers/")[2]
    if raw.startswith("did:") and "%" in raw and "%25" not in raw:
        return raw
    return unquote(raw) if "%25" in raw else decoded


def _require_key(request: Request) -> None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise Unauthorized("resolving this DID needs an API key, since it fetches a document")
    wiring_of(request).access.authenticate(secret.strip())


def _status(error: str | None, deactivated: bool) -> int:
    if deactivated:
        return 410
    if error is None:
        return 200
    known = {"invalid_did": 400, "did_method_unsupported": 501, "did_not_found": 404}
    return known.get(error, 503 if error in ("did_unavailable", "fetch_failed") else 404)
