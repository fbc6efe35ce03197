"""`assay verification` on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.verification import verification
from app.settings import Settings
from app.verifications.service import CreatedSession, Verifications
from ml.gate import Decision, Reason, Report

REVIEW = Decision("in_review", (Reason("face_uncertain", "A person will compare the faces."),), retryable=False)
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ASSAY_DATA_DIR", str(settings.data_dir))

    def invoke(*arguments: str) -> tuple[int, Any]:
        result = CliRunner().invoke(verification, [*arguments, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout.strip() else None

    return invoke


@pytest.fixture
def in_review(
    room: Verifications,
    opened: CreatedSession,
    submit: Callable[[CreatedSession], None],
    make_report: Callable[..., Report],
) -> str:
    submit(opened)
    lease = room.examination.lease()
    assert lease is not None
    room.examination.settle(lease, make_report(face_match="consider"), REVIEW)
    return opened.row.id


def test_list_and_show(run: Run, in_review: str) -> None:
    code, listed = run("list", "--status", "in_review")
    assert (code, [session["id"] for session in listed["data"]]) == (0, [in_review])
    assert run("list", "--status", "approved")[1]["data"] == []
    code, shown = run("show", in_review)
    assert (code, shown["session"]["status"], shown["report"]["fields"]["surname"]) == (0, "in_review", "ERIKSSON")


def test_the_tables_for_people_name_the_session_and_its_checks(run: Run, in_review: str) -> None:
    assert in_review in CliRunner(env={"COLUMNS": "200"}).invoke(verification, ["list"]).stdout
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(verification, ["show", in_review]).stdout
    assert "face_match" in shown
    assert "ERIKSSON" in shown


def test_a_dry_run_changes_nothing_and_a_decision_counts_once(run: Run, in_review: str, room: Verifications) -> None:
    code, answer = run("decide", in_review, "approve", "--reason", "same person", "--dry-run")
    assert (code, answer) == (0, {"session": in_review, "outcome": "approved", "dry_run": True})
    assert room.get(in_review, livemode=False).status == "in_review"
    assert run("decide", in_review, "approve", "--reason", "same person")[0] == 0
    assert room.approved(in_review, livemode=False).claims["familyName"] == "ERIKSSON"
    code, answer = run("decide", in_review, "decline", "--reason", "second thoughts")
    assert (code, answer["error"]["code"]) == (1, "session_state")


def test_erase(run: Run, in_review: str, room: Verifications) -> None:
    assert run("erase", in_review, "--dry-run")[0] == 0
    assert room.get(in_review, livemode=False).record_key is not None
    assert run("erase", in_review)[0] == 0
    assert room.get(in_review, livemode=False).record_key is None


def test_exit_codes(run: Run, in_review: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("show", "vs_" + "0" * 32)[0] == 1
    assert run("decide", in_review, "approve")[0] == 2
    assert run("decide", in_review, "approve", "--reason", "x")[0] == 2
    monkeypatch.setenv("ASSAY_DATA_DIR", str(tmp_path / "elsewhere"))
    code, answer = run("list")
    assert (code, answer["error"]["code"]) == (3, "not_set_up")
    assert not (tmp_path / "elsewhere").exists()
