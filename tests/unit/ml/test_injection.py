"""Repeats, frozen pictures and impossible clocks are told from a live sequence."""

import io

import numpy as np
import pytest
from PIL import Image

from ml.gate import DEFAULT_POLICY, Challenge, Evidence, Frame
from ml.liveness.injection import clock_reasons, count_marked, repetition_reasons, simulated_reasons
from ml.simulation.portraits import portrait

POLICY = DEFAULT_POLICY.injection
CHALLENGE = Challenge.from_nonce("clock")


def decoded(frames: tuple[Frame, ...]) -> list[np.ndarray]:
    return [np.array(Image.open(io.BytesIO(frame.image)).convert("RGB")) for frame in frames]


def test_a_live_sequence_has_no_signs(genuine: Evidence) -> None:
    assert clock_reasons(genuine.frames, genuine.challenge, POLICY) == []
    assert repetition_reasons(genuine.frames, decoded(genuine.frames), POLICY) == []


@pytest.mark.threat(66)
def test_one_picture_stored_again_and_again_is_frozen() -> None:
    picture = Image.fromarray(portrait("other"))
    frames = []
    for number in range(20):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=90 - number % 3, comment=str(number))
        frames.append(Frame(out.getvalue(), 100 * number))
    assert len({frame.image for frame in frames}) == 20
    reasons = repetition_reasons(frames, decoded(tuple(frames)), POLICY)
    assert [reason.code for reason in reasons] == ["frozen_frames"]


def test_the_same_file_twice_is_a_repeat(genuine: Evidence) -> None:
    frames = (*genuine.frames[:10], genuine.frames[4])
    assert [r.code for r in repetition_reasons(frames, decoded(frames), POLICY)] == ["repeated_frames"]


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ([0, 100, 100], "timestamps_not_rising"),
        ([0, 200, 100], "timestamps_not_rising"),
        ([-1, 100], "timestamps_out_of_range"),
        ([0, 60_000], "timestamps_out_of_range"),
        ([0, 100, CHALLENGE.duration_ms], None),
    ],
)
def test_clock(times: list[int], code: str | None) -> None:
    reasons = clock_reasons([Frame(b"", at) for at in times], CHALLENGE, POLICY)
    assert [reason.code for reason in reasons] == ([code] if code else [])


def test_one_marked_picture_is_enough(genuine: Evidence) -> None:
    pairs = [(b"", portrait("other")), (b"", decoded(genuine.frames[:1])[0])]
    assert count_marked(pairs) == 1
    assert simulated_reasons(1, 2)[0].code == "simulated_capture"
    assert simulated_reasons(0, 2) == []
