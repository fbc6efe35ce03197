"""Parallax separates a head from a moving flat picture, and the judge refuses every way of not answering in time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ml.face.landmarks import Face, FaceFinder
from ml.gate import DEFAULT_POLICY
from ml.liveness.active import judge
from ml.liveness.challenge import Challenge, Direction
from ml.liveness.parallax import ParallaxMeter, Rotation
from ml.liveness.track import Moment, Track
from ml.models import ModelStore
from ml.simulation.attacks import swing
from ml.simulation.portraits import portrait
from ml.simulation.selfie import HeadModel, Pose

POLICY = DEFAULT_POLICY.liveness
CHALLENGE = Challenge.from_nonce("judge")
PICTURE = np.zeros((4, 4, 3), np.uint8)
STILL = Rotation(0.0, 0.0, 0.01, 150)
TURNS: dict[Direction, tuple[float, float]] = {"left": (0.4, 0), "right": (-0.4, 0), "up": (0, -0.4), "down": (0, 0.4)}


@pytest.mark.threat(66)
@pytest.mark.parametrize("name", ["astronaut", "other"])
def test_parallax_of_a_head_and_of_a_flat_picture(name: str) -> None:
    finder, head = FaceFinder(ModelStore.default()), HeadModel(portrait(name))
    front = head.render(Pose(0))
    meter = ParallaxMeter(front, finder.find(front)[0])

    def measured(picture: np.ndarray) -> tuple[float, float]:
        rotation = meter.measure(picture, finder.find(picture)[0])
        assert rotation is not None
        return rotation.p, rotation.q

    for pose, axis, sign in (
        (Pose(0, yaw=18), 0, 1),
        (Pose(0, yaw=-18), 0, -1),
        (Pose(0, pitch=15), 1, 1),
        (Pose(0, pitch=-15), 1, -1),
    ):
        found = measured(head.render(pose))
        assert sign * found[axis] > POLICY.peak
        assert abs(found[1 - axis]) < POLICY.neutral
    for yaw, pitch, roll in ((30, 0, 0), (-30, 0, 8), (0, 25, 0), (0, -25, -8), (20, 20, 10)):
        assert np.abs(measured(swing(front, yaw=yaw, pitch=pitch, roll=roll))).max() < POLICY.turned


def face_at(x: float = 300.0, eye: float = 70.0) -> Face:
    points = np.array([[x + 50, 200], [x + 20, 200], [x - 50, 200], [x - 20, 200], [x, 250]], dtype=float)
    return Face(x - 90, 130, 180, 180, points * [1, 1], 1.0)


def honest(delay_ms: int = 300, challenge: Challenge = CHALLENGE) -> list[Moment]:
    moments = []
    for at in range(0, challenge.duration_ms, 125):
        p = q = 0.0
        for step in challenge.steps:
            if step.start_ms + delay_ms <= at < step.end_ms + delay_ms - 150:
                p, q = TURNS[step.direction]
        moments.append(Moment(at, PICTURE, face_at(), 0, Rotation(p, q, 0.01, 150), (0.25 * p, 0.7)))
    return moments


def codes(moments: list[Moment], challenge: Challenge = CHALLENGE) -> set[str]:
    return {reason.code for reason in judge(Track(tuple(moments), 0), challenge, POLICY).reasons}


def test_an_honest_track_answers_its_challenge_and_hardly_any_other() -> None:
    assert codes(honest()) == set()
    others = [Challenge.from_nonce(str(number)) for number in range(400)]
    fitting = [other for other in others if not codes(honest(), other)]
    assert len(fitting) <= 8


Change = Callable[[list[Moment]], list[Moment]]


def _late(moments: list[Moment]) -> list[Moment]:
    return [replace(moment, at_ms=moment.at_ms + 1000) for moment in moments]


def _opposite(moments: list[Moment]) -> list[Moment]:
    return [
        replace(m, rotation=Rotation(-m.rotation.p, -m.rotation.q, 0.01, 150), nose=(-m.nose[0], 0.7))
        for m in moments
        if m.rotation
    ]


def _flat_nose(moments: list[Moment]) -> list[Moment]:
    return [replace(moment, nose=(0.0, 0.7)) for moment in moments]


def _leap(moments: list[Moment]) -> list[Moment]:
    return [replace(m, face=face_at(500.0) if n >= len(moments) // 2 else m.face) for n, m in enumerate(moments)]


def _gap(moments: list[Moment]) -> list[Moment]:
    return [moment for moment in moments if not 300 < moment.at_ms < 1300]


def _company(moments: list[Moment]) -> list[Moment]:
    return [replace(moment, rivals=1) for moment in moments]


def _never_straight(moments: list[Moment]) -> list[Moment]:
    return [replace(m, rotation=Rotation(m.rotation.p or 0.14, m.rotation.q, 0.01, 150)) for m in moments if m.rotation]


def _faceless(moments: list[Moment]) -> list[Moment]:
    return [replace(m, face=None, rotation=None) if n % 3 == 0 else m for n, m in enumerate(moments)]


def _liquid(moments: list[Moment]) -> list[Moment]:
    return [replace(m, rotation=replace(m.rotation, residual=0.2)) for m in moments if m.rotation]


def _lost(moments: list[Moment]) -> list[Moment]:
    return [replace(m, rotation=None if m.at_ms > 5000 else m.rotation) for m in moments]


def _motionless(moments: list[Moment]) -> list[Moment]:
    return [replace(moment, rotation=STILL) for moment in moments]


@pytest.mark.threat(66)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_late, "wrong_timing"),
        (_opposite, "wrong_movements"),
        (_leap, "sequence_jump"),
        (_gap, "sequence_gap"),
        (_company, "several_faces"),
        (_never_straight, "head_not_straight"),
        (_faceless, "too_few_faces"),
        (_liquid, "motion_implausible"),
        (_lost, "sequence_jump"),
        (_motionless, "no_head_movement"),
        (lambda moments: moments[: len(moments) // 2], "sequence_incomplete"),
        (lambda moments: moments[:3], "too_few_faces"),
        (lambda moments: [], "too_few_faces"),
    ],
)
def test_each_way_of_not_answering_has_its_reason(change: Change, code: str) -> None:
    moments = change(honest())
    reference = 0 if moments else None
    finding = judge(Track(tuple(moments), reference), CHALLENGE, POLICY)
    assert code in {reason.code for reason in finding.reasons}


@pytest.mark.threat(66)
def test_landmarks_must_agree_with_a_sideways_turn() -> None:
    sideways = next(
        challenge
        for challenge in (Challenge.from_nonce(str(number)) for number in range(100))
        if any(step.direction in ("left", "right") for step in challenge.steps)
    )
    assert codes(honest(challenge=sideways), sideways) == set()
    assert codes(_flat_nose(honest(challenge=sideways)), sideways) == {"pose_disagrees"}


def test_uneven_reactions_are_refused() -> None:
    first_end = CHALLENGE.steps[0].end_ms + 400
    mixed = [m for m in honest(0) if m.at_ms < first_end] + [m for m in honest(500) if m.at_ms >= first_end]
    assert "wrong_timing" in codes(mixed)
