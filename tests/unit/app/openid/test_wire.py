"""The wire format of OAuth and OpenID endpoints, on an application of its own."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from app.openid.qr import qr_response
from app.openid.wire import ProtocolRefusal, ProtocolRoute, answer, body_within, read_form, read_json, rfc3339

router = APIRouter(prefix="/p", route_class=ProtocolRoute)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Body = Annotated[bytes, body_within(1000)]


@router.post("/form")
def form(request: Request, body: Body) -> JSONResponse:
    return answer(read_form(request, body))


@router.post("/json")
def json_object(request: Request, body: Body) -> JSONResponse:
    return answer(read_json(request, body, error="some_code"))


@router.get("/bug")
def bug() -> None:
    raise RuntimeError("a secret")


@router.get("/typed/{number}")
def typed(number: int) -> dict[str, int]:
    return {"number": number}


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.include_router(router)
    return TestClient(app, raise_server_exceptions=False)


def test_faults_are_oauth_errors_also_when_the_router_is_included(client: TestClient) -> None:
    cases = [
        (client.post("/p/form", data={"a": "1"}), 200, None),
        (
            client.post("/p/form", content="a=1&a=2", headers=FORM),
            400,
            "invalid_request",
        ),
        (client.post("/p/form", json={}), 400, "invalid_request"),
        (client.post("/p/form", data={"a": "x" * 2000}), 413, "invalid_request"),
        (client.post("/p/json", json=[]), 400, "some_code"),
        (client.post("/p/json", content="{}"), 400, "some_code"),
        (client.get("/p/typed/x"), 400, "invalid_request"),
        (client.get("/p/bug"), 500, "server_error"),
    ]
    for response, status, error in cases:
        assert response.status_code == status
        assert response.json().get("error") == error
        assert response.headers["cache-control"] == "no-store"
    assert "secret" not in client.get("/p/bug").text


def test_a_refusal_has_its_headers_and_no_empty_description() -> None:
    response = ProtocolRefusal("invalid_token", status=401, headers={"WWW-Authenticate": "Bearer"}).response()
    assert (response.status_code, response.body) == (401, b'{"error":"invalid_token"}')
    assert response.headers["www-authenticate"] == "Bearer"


def test_the_qr_code_is_a_picture_without_script_or_style() -> None:
    response = qr_response("openid4vp://?client_id=" + "x" * 400)
    text = bytes(response.body).decode()
    assert text.startswith("<svg ")
    assert "viewBox" in text
    assert "script" not in text
    assert "style=" not in text


def test_a_client_that_hangs_up_is_no_fault_of_ours() -> None:
    app = FastAPI()
    app.include_router(router)
    sent: list[dict[str, Any]] = []
    arriving = iter(({"type": "http.request", "body": b"a=", "more_body": True}, {"type": "http.disconnect"}))

    async def receive() -> Any:
        return next(arriving)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", FORM["Content-Type"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/p/form", "query_string": b"", "headers": headers}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400


def test_times_end_in_z() -> None:
    east = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2026, 11, 25, 5, 0, tzinfo=east)) == "2026-11-25T03:00:00Z"
