"""The genuine simulated session passes in test mode, not in live mode, and its report gives nothing away."""

import io
import json
import time
from dataclasses import replace
from datetime import date

import pytest
from PIL import Image

from ml.decision import MANDATORY
from ml.gate import Evidence, Gate, Report, decide


@pytest.fixture(scope="module")
def report(gate: Gate, genuine: Evidence) -> Report:
    return gate.examine(genuine)


def test_genuine_session_is_approved_in_test_mode(gate: Gate, report: Report) -> None:
    decision = decide(report, gate.policy, livemode=False)
    assert decision.outcome == "approved", report.to_json(operator=True)
    assert decision.reasons == ()
    assert [check.check for check in report.checks] == list(MANDATORY)


@pytest.mark.threat(66)
def test_simulated_session_is_declined_in_live_mode(gate: Gate, report: Report) -> None:
    assert report.simulated
    decision = decide(report, gate.policy, livemode=True)
    assert (decision.outcome, decision.retryable) == ("declined", False)
    assert [reason.code for reason in decision.reasons] == ["simulated_capture"]


def test_fields_are_those_printed_on_the_specimen(report: Report) -> None:
    fields = report.fields
    assert fields is not None
    assert (fields.surname, fields.given_names, fields.document_number) == ("ERIKSSON", "ANNA MARIA", "L898902C3")
    assert (fields.birth_date, fields.expiry_date) == (date(1974, 8, 12), date(2034, 4, 15))
    assert (fields.document_type, fields.document_code, fields.issuing_state, fields.sex) == ("TD3", "P", "UTO", "F")


@pytest.mark.threat(73)
def test_report_for_others_holds_no_scores(report: Report) -> None:
    public = json.dumps(report.to_json())
    assert "score" not in public
    assert "threshold" not in public
    assert "distance" not in public
    operator = report.to_json(operator=True)
    assert {model["name"] for model in operator["models"]} >= {"face.embedding", "text.recognition"}
    assert all(len(model["sha256"]) == 64 for model in operator["models"])


def test_assurance_says_that_no_passive_model_took_part(report: Report) -> None:
    assert report.to_json()["assurance"] == "active-liveness-only"


def test_a_page_lying_on_its_side_is_read(gate: Gate, genuine: Evidence) -> None:
    with Image.open(io.BytesIO(genuine.document)) as image:
        out = io.BytesIO()
        image.transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", quality=92)
    report = gate.examine(replace(genuine, document=out.getvalue(), frames=()))
    results = {check.check: check.result for check in report.checks if check.check.startswith("document.")}
    assert set(results.values()) == {"clear"}, report.to_json(operator=True)
    assert report.simulated


def test_notes_on_clear_checks_are_for_operators(report: Report) -> None:
    assert all(reason["public"] for check in report.to_json()["checks"] for reason in check["reasons"])


def test_progress_is_told_and_its_faults_are_ignored(gate: Gate, genuine: Evidence) -> None:
    seen: list[str] = []

    def listen(name: str) -> None:
        seen.append(name)
        raise RuntimeError

    started = time.process_time()
    gate.examine(replace(genuine, document=b"", frames=()), progress=listen)
    assert seen == list(MANDATORY)
    assert time.process_time() - started < 2
