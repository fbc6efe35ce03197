"""Sessions that must not be approved, each examined in full in test mode, where only simulation is tolerated."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from ml.errors import ModelUntrusted
from ml.face.embedding import FaceEmbedder
from ml.gate import Challenge, Decision, Evidence, Frame, Gate, Report, decide
from ml.models import ModelStore
from ml.simulation.attacks import Scene, still, swung_photo
from ml.simulation.camera import photograph
from ml.simulation.portraits import portrait
from ml.simulation.selfie import perform
from ml.simulation.specimen import SpecimenFields, render_specimen

Judged = tuple[Report, Decision]


@pytest.fixture(scope="module")
def judge(gate: Gate) -> Callable[[Evidence], Judged]:
    def examine(evidence: Evidence) -> Judged:
        report = gate.examine(evidence)
        decision = decide(report, gate.policy, livemode=False)
        assert decision.outcome != "approved"
        assert decide(report, gate.policy, livemode=True).outcome != "approved"
        return report, decision

    return examine


def codes(report: Report, check: str) -> set[str]:
    found = report.check(check)
    assert found is not None
    return {reason.code for reason in found.reasons}


def specimen(fields: SpecimenFields) -> bytes:
    return photograph(render_specimen(fields, portrait("astronaut")), seed=8)


def png(pixels: np.ndarray) -> bytes:
    import io

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.mark.threat(67)
def test_another_persons_face(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    frames = perform(portrait("other"), genuine.challenge, seed=3, fps=6)
    report, decision = judge(replace(genuine, frames=frames))
    assert codes(report, "face_match") == {"face_mismatch"}
    assert (decision.outcome, decision.retryable) == ("declined", False)
    assert [reason.code for reason in decision.reasons] == ["face_mismatch"]


@pytest.mark.threat(66)
def test_sequence_made_for_another_challenge(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    report, decision = judge(replace(genuine, challenge=Challenge.from_nonce("another session")))
    assert codes(report, "liveness.active") & {"wrong_movements", "wrong_timing"}
    assert (decision.outcome, decision.retryable) == ("declined", True)


@pytest.mark.threat(66)
@pytest.mark.parametrize("attack", [still, swung_photo])
def test_flat_pictures(
    judge: Callable[[Evidence], Judged], genuine: Evidence, attack: Callable[[Scene], tuple[Frame, ...]]
) -> None:
    scene = Scene(portrait("astronaut"), portrait("other"), genuine.challenge, seed=5, fps=5)
    report, decision = judge(replace(genuine, frames=attack(scene)))
    assert "no_head_movement" in codes(report, "liveness.active")
    assert decision.outcome == "declined"


@pytest.mark.threat(68)
def test_broken_check_digit(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    document = specimen(SpecimenFields(broken_digit="birth_date"))
    report, decision = judge(replace(genuine, document=document))
    assert codes(report, "document.mrz") == {"check_digit_wrong"}
    assert report.fields is None
    assert (decision.outcome, [reason.code for reason in decision.reasons]) == ("declined", ["check_digit_wrong"])


@pytest.mark.threat(68)
def test_visual_zone_that_differs(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    document = specimen(SpecimenFields(printed={"birth_date": "12 AUG 1984"}))
    report, decision = judge(replace(genuine, document=document))
    assert codes(report, "document.data_consistency") == {"visual_zone_differs"}
    assert decision.outcome == "in_review"


def test_expired_document(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    report, decision = judge(replace(genuine, today=date(2034, 4, 16)))
    assert codes(report, "document.data_validation") == {"document_expired"}
    assert (decision.outcome, decision.retryable) == ("declined", False)


def test_black_document_and_black_frames(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    black = png(np.zeros((480, 640, 3), np.uint8))
    frames = tuple(Frame(black + bytes([n]), 100 * n) for n in range(40))
    report, decision = judge(replace(genuine, document=black, frames=frames))
    assert "document_too_dark" in codes(report, "document.image_quality")
    assert codes(report, "document.mrz") == {"not_a_document"}
    assert codes(report, "selfie.quality") == {"selfie_face_not_found"}
    assert (decision.outcome, decision.retryable) == ("declined", True)


@pytest.mark.threat(65)
def test_a_selfie_is_no_document(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    report, decision = judge(replace(genuine, document=genuine.frames[0].image, frames=()))
    assert codes(report, "document.mrz") == {"mrz_unreadable"}
    assert (decision.outcome, decision.retryable) == ("declined", True)


@pytest.mark.threat(64)
@pytest.mark.parametrize("bad", [b"", b"GIF89a" + bytes(100), b"%PDF-1.7", b"\xff\xd8\xff\xe0" + bytes(64)])
def test_undecodable_bytes_are_reasons_and_not_faults(
    judge: Callable[[Evidence], Judged], genuine: Evidence, bad: bytes
) -> None:
    report, decision = judge(replace(genuine, document=bad, frames=(Frame(bad, 0), *genuine.frames[1:3])))
    assert codes(report, "document.image_quality") <= {"unsupported_media", "undecodable_image"}
    assert codes(report, "selfie.quality") <= {"unsupported_media", "undecodable_image"}
    assert not any(check.result == "error" for check in report.checks)
    assert (decision.outcome, decision.retryable) == ("declined", True)


def test_too_many_frames_are_not_decoded(judge: Callable[[Evidence], Judged], genuine: Evidence) -> None:
    frames = tuple(Frame(genuine.frames[0].image, n) for n in range(1000))
    report, _ = judge(replace(genuine, document=b"", frames=frames))
    assert codes(report, "selfie.quality") == {"image_too_large"}
    wide = Frame(png(np.zeros((3001, 3000, 3), np.uint8)), 0)
    heavy = Frame(genuine.frames[0].image + bytes(3 * 1024 * 1024), 0)
    for frame in (wide, heavy):
        report, _ = judge(replace(genuine, document=b"", frames=(frame,)))
        assert codes(report, "selfie.quality") == {"image_too_large"}


@pytest.mark.threat(66)
def test_repeated_frames_and_impossible_times(gate: Gate, genuine: Evidence) -> None:
    looped = tuple(Frame(genuine.frames[n % 3].image, 200 * n) for n in range(30))
    report = gate.examine(replace(genuine, document=b"", frames=looped))
    assert "repeated_frames" in codes(report, "liveness.injection")
    backwards = tuple(
        Frame(frame.image, other.at_ms) for frame, other in zip(looped[:6], reversed(looped[:6]), strict=True)
    )
    report = gate.examine(replace(genuine, document=b"", frames=backwards))
    assert "timestamps_not_rising" in codes(report, "liveness.injection")
    assert decide(report, gate.policy, livemode=False).outcome == "declined"
    assert all(a.at_ms > b.at_ms for a, b in pairwise(backwards))


@pytest.mark.threat(71)
def test_a_model_that_answers_nan_is_an_error_and_never_approves(
    gate: Gate, genuine: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def compute_face_descriptor(self, *_: object) -> list[float]:
            return [float("nan")] * 128

    class Failing:
        def compute_face_descriptor(self, *_: object) -> list[float]:
            raise MemoryError

    embedder = FaceEmbedder(ModelStore.default())
    for model in (Broken(), Failing()):
        monkeypatch.setattr(embedder, "_model", model)
        broken = Gate(ModelStore.default())
        monkeypatch.setattr(broken, "_loaded", (gate._load()[0], embedder, gate._load()[2]))
        report = broken.examine(replace(genuine, document=b""))
        found = report.check("liveness.active")
        assert found is not None
        assert found.result == "error"
        assert decide(report, gate.policy, livemode=False).outcome == "in_review"


@pytest.mark.threat(70)
def test_a_gate_over_a_changed_model_does_not_load(tmp_path: object) -> None:
    from ml.models.store import MANIFEST_PATH, read_manifest

    entries = [replace(entry, sha256="0" * 64) for entry in read_manifest(MANIFEST_PATH)]
    with pytest.raises(ModelUntrusted):
        Gate(ModelStore(entries)).warm()
