"""The policy's face thresholds are the evaluation's, chosen on other people than they were judged on; never 0.6."""

import json
from pathlib import Path

import pytest

from ml.errors import InvalidPolicy
from ml.evaluation.card import CARDS, read_result
from ml.evaluation.face_match import is_test_person
from ml.policy import DEFAULT_POLICY, POLICY_PATH, GatePolicy


def test_face_thresholds_are_the_evaluations() -> None:
    result = read_result("face_match.json")
    assert DEFAULT_POLICY.face.match == result["thresholds"]["match"]
    assert DEFAULT_POLICY.face.review == result["thresholds"]["review"]
    assert DEFAULT_POLICY.face.review < 0.6


def test_the_evaluation_reached_its_goal_and_says_where_it_is_weak() -> None:
    result = read_result("face_match.json")
    for name, one in result["development"].items():
        assert one["fmr"]["rate"] <= result["goal"]["match_fmr"], name
    assert (
        result["test_at_match"]["faces-orl"]["fnmr"]["rate"]
        > result["test_at_match"]["faces-caltech101"]["fnmr"]["rate"]
    )
    assert "grey, 92x112" in (CARDS / "face-match.md").read_text()
    assert is_test_person("faces-orl/s1") == is_test_person("faces-orl/s1")


def test_liveness_was_measured_under_this_policy() -> None:
    assert read_result("liveness.json")["policy_sha256"] == DEFAULT_POLICY.sha256


def test_a_senseless_policy_is_refused(tmp_path: Path) -> None:
    good = json.loads(POLICY_PATH.read_text())
    bad = [
        good | {"face": good["face"] | {"match": 0.6, "review": 0.7}},
        good | {"face": good["face"] | {"match": float("nan")}},
        good | {"face": good["face"] | {"match": True}},
        good | {"liveness": {}},
        good | {"document": good["document"] | {"surprise": 1}},
    ]
    for number, policy in enumerate(bad):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(policy))
        with pytest.raises(InvalidPolicy):
            GatePolicy.read(path)
    with pytest.raises(InvalidPolicy):
        GatePolicy.read(tmp_path / "absent.json")
