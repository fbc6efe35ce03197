"""Signs that pictures did not come from a live camera: repeated frames, an impossible clock, our own simulator's
mark.

A first depth only. Everything here can be evaded by someone who writes their own simulator or drives a virtual
camera; platform attestation on a phone is the real control.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from ml.evidence import Frame, Reason
from ml.face.landmarks import Rgb
from ml.liveness.challenge import Challenge
from ml.liveness.simulator_mark import is_marked
from ml.policy import InjectionPolicy

_PUBLIC = "The pictures could not be confirmed to come from a live camera."
SIMULATED = "simulated_capture"


def clock_reasons(frames: Sequence[Frame], challenge: Challenge, policy: InjectionPolicy) -> list[Reason]:
    """Times must rise strictly, start within the challenge and not run past its end by more than the slack."""
    times = [frame.at_ms for frame in frames]
    if any(later <= earlier for earlier, later in pairwise(times)):
        return [Reason("timestamps_not_rising", _PUBLIC, "frame times repeat or run backwards")]
    if times and (times[0] < 0 or times[-1] > challenge.duration_ms + policy.clock_slack_ms):
        return [Reason("timestamps_out_of_range", _PUBLIC, f"frames from {times[0]} to {times[-1]} ms")]
    return []


def repetition_reasons(frames: Sequence[Frame], pictures: Sequence[Rgb], policy: InjectionPolicy) -> list[Reason]:
    """No file may occur twice, and few neighbours may be alike to the sensor's noise (a looped or frozen picture)."""
    counts = Counter(hashlib.sha256(frame.image).digest() for frame in frames)
    repeated = sum(count - 1 for count in counts.values())
    if repeated > policy.max_identical:
        return [Reason("repeated_frames", _PUBLIC, f"{repeated} frames are byte for byte repeats")]
    thumbs = [cv2.resize(picture, (64, 48), interpolation=cv2.INTER_AREA).astype(np.float32) for picture in pictures]
    frozen = sum(
        a.shape == b.shape and float(np.abs(a - b).mean()) < policy.frozen_difference for a, b in pairwise(thumbs)
    )
    if len(thumbs) > 1 and frozen > policy.max_frozen_share * (len(thumbs) - 1):
        return [Reason("frozen_frames", _PUBLIC, f"{frozen} of {len(thumbs)} frames hardly differ from the one before")]
    return []


def simulated_reasons(marked: int, total: int) -> list[Reason]:
    """The reason for a session in which any picture bears the simulator's mark."""
    if not marked:
        return []
    return [Reason(SIMULATED, "These pictures come from a simulator.", f"{marked} of {total} pictures bear its mark")]


def count_marked(pictures: Sequence[tuple[bytes, Rgb]]) -> int:
    """How many of the pictures (encoded, decoded) bear the simulator's mark."""
    return sum(is_marked(picture, encoded) for encoded, picture in pictures)
