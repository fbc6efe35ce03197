"""The HTTP service: middleware, routers, health and metrics around wired rooms."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import text

from app import problems
from app.bootstrap.schema import check_schema
from app.credentials.routes import router as credentials_router
from app.errors import ServiceError
from app.issuance import routes as issuance_routes
from app.issuers.routes import router as issuers_router
from app.middleware import BodyLimit, RequestContext
from app.presentations import routes as presentation_routes
from app.verifications import routes as verification_routes
from app.web.rendering import STATIC_DIR
from app.wiring import Wiring
from contracts.errors import ChainError
from ml.errors import EvidenceError
from ml.models import ModelStore

__all__ = ["create_app", "readiness"]

VERSION: Final = "0.1.0"

log = structlog.get_logger("assay.main")


def create_app(wiring: Wiring) -> FastAPI:
    """Build the application; starting and stopping workers is `assay serve`'s part."""
    app = FastAPI(
        title="Assay",
        version=VERSION,
        summary="Checks a person, then certifies what it checked.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.wiring = wiring
    problems.install(app)
    app.add_middleware(BodyLimit, upload_limit=wiring.settings.max_upload_bytes)
    app.add_middleware(RequestContext, metrics=wiring.metrics, https=not wiring.settings.loopback)
    _add_operations(app, wiring)
    for router in (
        verification_routes.router,
        verification_routes.pages,
        issuance_routes.router,
        issuance_routes.protocol,
        issuance_routes.pages,
        presentation_routes.router,
        presentation_routes.protocol,
        presentation_routes.pages,
        credentials_router,
        issuers_router,
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC_DIR), name="static")
    return app


def _add_operations(app: FastAPI, wiring: Wiring) -> None:
    @app.get("/healthz", tags=["operations"])
    def healthz() -> dict[str, str]:
        """Whether the process answers at all."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["operations"])
    def readyz() -> JSONResponse:
        """Whether it can do its work: database, migrations, chain, models."""
        checks = readiness(wiring)
        ready = all(result == "ok" for result in checks.values())
        body = {"status": "ready" if ready else "not_ready", "checks": checks}
        return JSONResponse(body, status_code=200 if ready else 503)

    @app.get("/metrics", tags=["operations"])
    def metrics() -> Response:
        """Prometheus text format."""
        return Response(wiring.metrics.render(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def readiness(wiring: Wiring) -> dict[str, str]:
    """What each part says: "ok", or the code of what is wrong."""

    def database() -> None:
        with wiring.database.reading() as session:
            session.execute(text("SELECT 1"))

    parts: dict[str, Callable[[], Any]] = {
        "database": database,
        "migrations": lambda: check_schema(wiring.database),
        "chain": wiring.chain.head,
        "models": _verify_models,
    }
    return {name: _outcome(name, check) for name, check in parts.items()}


@cache
def _verify_models() -> None:
    """Hash every model file, once: an error is not remembered, success is, and loading checks again anyway."""
    ModelStore.default()


def _outcome(name: str, check: Callable[[], Any]) -> str:
    try:
        check()
    except (ServiceError, ChainError, EvidenceError) as error:
        return error.code
    except Exception as error:  # noqa: BLE001 - a part that fails in a way of its own is not ready either
        log.error("readiness_check_failed", part=name, kind=type(error).__name__)
        return "failed"
    return "ok"
