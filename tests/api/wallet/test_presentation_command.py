"""`assay presentation` over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.presentation import presentation


def run(service: Any, *arguments: str, expect: int = 0, key: str | None = None) -> str:
    environment = {"ASSAY_API_KEY": key or service.test_key, "ASSAY_URL": service.url}
    done = CliRunner().invoke(presentation, list(arguments), env=environment)
    assert done.exit_code == expect, (done.exit_code, done.output, done.exception)
    return done.stdout


def test_create_show_and_the_exit_codes(service: Any, wallet: Any, tmp_path: Path) -> None:
    offer = service.offer(tx_code=False)
    wallet("accept", offer["credential_offer"])
    created = json.loads(run(service, "create", "--preset", "verified_identity", "--json"))
    assert created["presentation_request"].startswith("openid4vp://")
    waiting = json.loads(run(service, "show", created["id"], "--json", expect=1))
    assert waiting["state"] == "requested", "a script that opens a door on exit code 0 must not open it yet"
    wallet("present", created["presentation_request"], "--yes")
    assert "valid" in run(service, "show", created["id"])

    declined = json.loads(run(service, "create", "--preset", "over_18", "--json"))
    wallet("present", declined["presentation_request"], input="n\n", as_json=False, expect=1)
    assert "access_denied" in run(service, "show", declined["id"], expect=1)

    query = tmp_path / "query.json"
    query.write_text(json.dumps(created["dcql_query"]))
    assert "openid4vp://" in run(service, "create", "--query", str(query))


@pytest.mark.parametrize(
    ("arguments", "expect"),
    [
        (("create",), 2),
        (("create", "--preset", "nothing", "--json"), 1),
        (("show", "preq_unknown", "--json"), 1),
        (("show", "preq_unknown", "--url", "http://127.0.0.1:9", "--json"), 3),
    ],
)
def test_refusals(service: Any, arguments: tuple[str, ...], expect: int) -> None:
    run(service, *arguments, expect=expect)


def test_a_wrong_key_is_refused(service: Any) -> None:
    assert json.loads(run(service, "show", "x", "--json", key="sk_test_wrong", expect=1))["error"] == "unauthorized"
