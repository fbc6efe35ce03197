"""Faces: the largest plausible one, quality with reasons, distances that blur does not turn into another person's."""

import cv2
import numpy as np
import pytest

from ml.errors import ModelFault, SimulationError
from ml.face.compare import match
from ml.face.embedding import FaceEmbedder, distance
from ml.face.landmarks import FaceFinder, rivals
from ml.face.quality import measure_quality, quality_reasons
from ml.gate import DEFAULT_POLICY
from ml.models import ModelStore
from ml.simulation.portraits import portrait
from ml.simulation.selfie import HeadModel, Pose

POLICY = DEFAULT_POLICY.face


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(ModelStore.default())


@pytest.fixture(scope="module")
def embedder() -> FaceEmbedder:
    return FaceEmbedder(ModelStore.default())


@pytest.mark.threat(65)
def test_no_face_one_face_two_faces(finder: FaceFinder) -> None:
    assert finder.find(np.full((480, 640, 3), 128, np.uint8)) == ()
    one = portrait("other")
    assert rivals(finder.find(one)) == 0
    two = np.hstack([one, one])
    assert rivals(finder.find(two, side=1024)) == 1


@pytest.mark.threat(65)
def test_the_largest_face_is_taken(finder: FaceFinder) -> None:
    large = portrait("other")
    small = cv2.resize(large, None, fx=0.55, fy=0.55)
    scene = np.full((large.shape[0], large.shape[1] * 2, 3), 200, np.uint8)
    scene[: small.shape[0], : small.shape[1]] = small
    scene[:, large.shape[1] :] = large
    found = finder.find(scene, side=1024)
    assert len(found) == 2
    assert found[0].left > large.shape[1]


@pytest.mark.threat(65)
@pytest.mark.parametrize(
    ("pose", "change", "code"),
    [
        (Pose(0), "blur", "face_blurred"),
        (Pose(0), "dark", "face_exposure"),
        (Pose(0, yaw=20), "none", "face_not_frontal"),
        (Pose(0), "small", "face_too_small"),
        (Pose(0), "none", None),
    ],
)
def test_quality_has_a_reason_to_act_on(finder: FaceFinder, pose: Pose, change: str, code: str | None) -> None:
    picture = HeadModel(portrait("astronaut")).render(pose)
    face = finder.find(picture)[0]
    if change == "blur":
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 6), dtype=np.uint8)
    if change == "dark":
        picture = (picture * 0.15).astype(np.uint8)
    least = 100.0 if change == "small" else POLICY.min_selfie_eye_px
    reasons = quality_reasons(measure_quality(picture, face), POLICY, min_eye_px=least)
    assert all(reason.retryable for reason in reasons)
    assert {reason.code for reason in reasons} >= ({code} if code else set())
    assert code is not None or not reasons


@pytest.mark.threat(69)
def test_blur_and_recompression_never_turn_one_person_into_another(finder: FaceFinder, embedder: FaceEmbedder) -> None:
    mine, other = portrait("astronaut"), portrait("other")
    reference = embedder.embed(mine, finder.find(mine)[0])
    face = finder.find(other)[0]
    steps = []
    for blur in (0.0, 1.0, 2.0, 4.0):
        picture = other if blur == 0 else np.asarray(cv2.GaussianBlur(other, (0, 0), blur), dtype=np.uint8)
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
        again = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)
        steps.append(distance(reference, embedder.embed(again, face)))
    assert min(steps) > POLICY.review


def test_match_has_three_answers() -> None:
    here = np.zeros(128)

    def at(apart: float) -> str:
        there = here.copy()
        there[0] = apart
        finding = match(here, there, POLICY)
        return finding.reasons[0].code if finding.reasons else finding.result

    assert at(POLICY.match - 0.001) == "clear"
    assert at((POLICY.match + POLICY.review) / 2) == "face_uncertain"
    assert at(POLICY.review + 0.001) == "face_mismatch"
    with pytest.raises(ModelFault):
        match(here, np.full(128, np.nan), POLICY)


def test_a_portrait_without_a_face_cannot_perform() -> None:
    with pytest.raises(SimulationError):
        HeadModel(np.full((300, 300, 3), 90, np.uint8))
    with pytest.raises(SimulationError):
        portrait("nobody")
