"""Health, headers, limits and problem documents: what holds for every address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.settings import Settings
from app.telemetry.logging import configure_logging, redact


def test_health_and_readiness(service: Any) -> None:
    assert service.client.get("/healthz").json() == {"status": "alive"}
    ready = service.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert set(ready.json()["checks"]) == {"database", "migrations", "chain", "models"}


def test_readiness_says_which_part_is_missing(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from contracts.errors import ChainUnavailable

    def fail(*_: object) -> None:
        raise ChainUnavailable("no answer")

    monkeypatch.setattr(service.wiring.chain, "head", fail)
    answer = service.client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["chain"]) == (503, "chain_unavailable")


def test_every_answer_has_safe_headers_and_an_id(service: Any) -> None:
    for path in ("/healthz", "/v1/credentials", "/nowhere", "/.well-known/did.json"):
        headers = service.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src" in headers["content-security-policy"]
        assert headers["x-request-id"].startswith("req_")


def test_callers_request_id_is_kept_if_it_is_harmless(service: Any) -> None:
    assert service.client.get("/healthz", headers={"X-Request-Id": "trace-12345678"}).headers["x-request-id"] == (
        "trace-12345678"
    )
    for bad in ("a b\tc and more", "x" * 65, 'inject"quote'):
        assert service.client.get("/healthz", headers={"X-Request-Id": bad}).headers["x-request-id"] != bad


def test_problems_are_problem_documents(service: Any) -> None:
    for method, path, status, code in (
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
        ("GET", "/v1/credentials", 401, "unauthorized"),
        ("GET", f"/status/0x{'00' * 32}", 404, "status_list_not_found"),
    ):
        answer = service.client.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == code
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_malformed_json_is_told_apart_from_a_wrong_field(service: Any) -> None:
    headers = service.live | {"Content-Type": "application/json"}
    broken = service.client.post("/v1/credentials", content=b"{", headers=headers)
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_json")
    wrong = service.client.post("/v1/credentials", json={"verification_session": 5}, headers=service.live)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_request")


def test_announced_body_is_refused_before_it_comes(service: Any) -> None:
    answer = service.client.post("/v1/credentials", content=b"x" * 1_000_001, headers=service.live)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_body_without_length_is_counted_as_it_comes(service: Any) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 65_536
            yield b"x" * 65_536

    headers = service.live | {"Content-Type": "application/json"}
    answer = service.client.post("/v1/credentials", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_metrics_name_routes_and_no_ids(service: Any) -> None:
    service.client.get("/v1/credentials/cred_0123456789abcdef", headers=service.live)
    text = service.client.get("/metrics").text
    assert 'route="/v1/credentials/{credential_id}"' in text
    assert "cred_0123456789abcdef" not in text
    for name in ("assay_http_request_seconds", "assay_ledger_waiting", "assay_ledger_lag_seconds"):
        assert name in text


def test_unexpected_error_tells_nothing_of_itself(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("secret detail of a stack")

    monkeypatch.setattr(service.wiring.credentials, "list", fail)
    answer = service.client.get("/v1/credentials", headers=service.live)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text


def test_logs_lose_secrets_that_somebody_logs() -> None:
    event = redact(None, "info", {"event": "failed with sk_live_abcDEF-123 and Bearer eyJabc.def"})
    assert event["event"] == "failed with [secret] and [secret]"


def test_exceptions_in_logs_hold_neither_secrets_nor_what_was_stored(tmp_path: Path, capsys: Any) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from app.database import Database

    # Tracebacks quote source lines, so the value is not written on one.
    stored = bytes.fromhex("4552494b53534f4e").decode()
    settings = Settings(data_dir=tmp_path)
    handlers, level = logging.root.handlers[:], logging.root.level
    configure_logging(settings)
    database = Database(settings.resolved_database_url)
    try:
        try:
            with database.reading() as session:
                session.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": stored})
        except DBAPIError as error:
            structlog.get_logger("t").error("failed", exc_info=error)
        secret = f"sk_live_{'a' * 8}"
        try:
            raise ValueError(secret)
        except ValueError:
            structlog.get_logger("t").exception("failed")
            logging.getLogger("t").exception("failed")
    finally:
        database.close()
        structlog.reset_defaults()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
    said = capsys.readouterr().err
    assert said.count('"exception"') == 3
    assert "nowhere" in said
    assert stored not in said
    assert secret not in said
