"""The active check: does the head's track answer the challenge, in order, in time, as a solid head of one person
would?

Rotation comes from parallax, so a flat picture that is swung about does not turn; a movement must begin within a
reaction time after it is asked for, the rhythm between movements must be the challenge's, and the head must be
straight before, between and after. For left and right the five landmarks must agree (they are too weak to judge up
and down). What this cannot catch: a recording or a puppet made for this very nonce, a mask, or a sheet bent to a
face's relief.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ml.evidence import Reason
from ml.liveness.challenge import Challenge, Direction
from ml.liveness.track import Moment, Track
from ml.policy import LivenessPolicy

_RETRY: Final = "Follow the movements shown, one after the other, with only your face in view."


@dataclass(frozen=True)
class Movement:
    """One stretch in which the head was turned; times in milliseconds, `extreme` the largest parallax in it."""

    direction: Direction
    start_ms: int
    end_ms: int
    extreme: float
    cross: float
    nose_shift: float


@dataclass(frozen=True)
class ActiveFinding:
    """No `reasons`: the challenge was answered. `score` is the weakest step's extreme over the least allowed."""

    reasons: tuple[Reason, ...]
    movements: tuple[Movement, ...]
    score: float


def judge(track: Track, challenge: Challenge, policy: LivenessPolicy) -> ActiveFinding:
    """Compare a track with the challenge it was recorded for; every reason found is listed."""
    gaps = _continuity(track, challenge, policy)
    if track.reference is None or any(reason.code == "too_few_faces" for reason in gaps):
        return ActiveFinding(gaps or (_reason("too_few_faces", "no face"),), (), 0.0)
    movements = find_movements(track, policy)
    reasons = [*gaps, *_sequence(movements, challenge, policy), *_rest(track, movements, policy)]
    score = min((movement.extreme / policy.peak for movement in movements), default=0.0)
    return ActiveFinding(tuple(reasons), movements, score)


def find_movements(track: Track, policy: LivenessPolicy) -> tuple[Movement, ...]:
    """Stretches of frames turned one way beyond the policy's `turned` level."""
    movements: list[Movement] = []
    stretch: list[Moment] = []
    heading: Direction | None = None
    for moment in track.with_face:
        way = _way(moment, policy)
        if way != heading:
            if heading is not None:
                movements.append(_movement(heading, stretch, track))
            stretch, heading = [], way
        stretch.append(moment)
    if heading is not None:
        movements.append(_movement(heading, stretch, track))
    return tuple(movements)


def _way(moment: Moment, policy: LivenessPolicy) -> Direction | None:
    if moment.rotation is None:
        return None
    p, q = moment.rotation.p, moment.rotation.q
    if max(abs(p), abs(q)) < policy.turned:
        return None
    if abs(p) >= abs(q):
        return "left" if p > 0 else "right"
    return "down" if q > 0 else "up"


def _movement(direction: Direction, stretch: Sequence[Moment], track: Track) -> Movement:
    turns = [(moment.rotation.p, moment.rotation.q) for moment in stretch if moment.rotation is not None]
    sideways = direction in ("left", "right")
    along = [abs(p if sideways else q) for p, q in turns]
    across = [abs(q if sideways else p) for p, q in turns]
    still = track.frontal.nose[0] if track.frontal else 0.0
    shift = float(np.median([moment.nose[0] - still for moment in stretch]))
    return Movement(direction, stretch[0].at_ms, stretch[-1].at_ms, max(along), float(np.median(across)), shift)


def _continuity(track: Track, challenge: Challenge, policy: LivenessPolicy) -> tuple[Reason, ...]:
    """Enough frames with exactly one face, from before the first step to after the last, without a jump."""
    found = []
    seen = track.with_face
    if len(seen) < policy.min_frames or len(seen) < policy.min_face_share * len(track.moments):
        found.append(_reason("too_few_faces", f"{len(seen)} of {len(track.moments)} frames have a face"))
    if sum(moment.rivals > 0 for moment in seen) > 0.1 * len(seen):
        found.append(_reason("several_faces", "another face of similar size in more than a tenth of the frames"))
    if seen and (seen[0].at_ms > challenge.steps[0].start_ms or seen[-1].at_ms < challenge.steps[-1].end_ms):
        found.append(_reason("sequence_incomplete", f"faces from {seen[0].at_ms} to {seen[-1].at_ms} ms"))
    for before, after in pairwise(seen):
        if after.at_ms - before.at_ms > policy.max_gap_ms:
            found.append(_reason("sequence_gap", f"no face between {before.at_ms} and {after.at_ms} ms"))
            break
    if any(_jumps(before, after, policy) for before, after in pairwise(seen)):
        found.append(_reason("sequence_jump", "the face leaps between two frames"))
    return tuple(found)


def _jumps(before: Moment, after: Moment, policy: LivenessPolicy) -> bool:
    assert before.face is not None
    assert after.face is not None
    eye = before.face.eye_distance
    moved = np.linalg.norm(after.face.left_eye + after.face.right_eye - before.face.left_eye - before.face.right_eye)
    grown = abs(np.log(after.face.eye_distance / eye))
    allowed = policy.jump_eyes + policy.jump_eyes_per_s * (after.at_ms - before.at_ms) / 1000
    return bool(moved / 2 > allowed * eye or grown > 0.35)


def _sequence(movements: Sequence[Movement], challenge: Challenge, policy: LivenessPolicy) -> list[Reason]:
    """The movements are the asked ones, in order, each begun and held in time and large enough."""
    asked = [step.direction for step in challenge.steps]
    made = [movement.direction for movement in movements]
    if not made:
        return [_reason("no_head_movement", "no parallax above the level of a turn (a flat picture has none)")]
    if made != asked:
        return [_reason("wrong_movements", f"asked {' '.join(asked)}, made {' '.join(made)}")]
    found = []
    delays = []
    for step, movement in zip(challenge.steps, movements, strict=True):
        delay = movement.start_ms - step.start_ms
        delays.append(delay)
        if not policy.min_reaction_ms <= delay <= policy.max_reaction_ms:
            found.append(_reason("wrong_timing", f"{step.direction} began {delay} ms after it was asked for"))
        if movement.end_ms - movement.start_ms < policy.min_hold_ms:
            found.append(_reason("movement_too_short", f"{step.direction} lasted too short"))
        if movement.extreme < policy.peak or movement.cross > policy.max_cross * movement.extreme:
            found.append(_reason("movement_unclear", f"{step.direction} reached {movement.extreme:.2f}"))
        if not _landmarks_agree(movement, policy):
            found.append(_reason("pose_disagrees", f"landmarks contradict a turn {step.direction}"))
    if max(delays) - min(delays) > policy.rhythm_tolerance_ms:
        found.append(_reason("wrong_timing", f"reaction times differ by {max(delays) - min(delays)} ms"))
    return found


def _landmarks_agree(movement: Movement, policy: LivenessPolicy) -> bool:
    sign = {"left": 1.0, "right": -1.0}.get(movement.direction)
    return sign is None or sign * movement.nose_shift >= policy.min_yaw_shift


def _rest(track: Track, movements: Sequence[Movement], policy: LivenessPolicy) -> list[Reason]:
    """Straight at the start, between movements and at the end; and the motion is that of a face throughout."""
    found = []
    edges = [(-1, movements[0].start_ms)] if movements else []
    edges += [(a.end_ms, b.start_ms) for a, b in pairwise(movements)]
    edges += [(movements[-1].end_ms, 10**9)] if movements else []
    for after, before in edges:
        between = [m for m in track.with_face if after < m.at_ms < before and m.rotation is not None]
        if not any(_is_neutral(moment, policy) for moment in between):
            found.append(_reason("head_not_straight", f"not straight between {after} and {min(before, 99999)} ms"))
    residuals = [moment.rotation.residual for moment in track.with_face if moment.rotation is not None]
    if not residuals or float(np.quantile(residuals, 0.9)) > policy.max_residual:
        found.append(_reason("motion_implausible", "the face does not move like one solid face"))
    if len(residuals) < policy.min_face_share * len(track.with_face):
        found.append(_reason("sequence_jump", "the first face cannot be followed through the sequence"))
    return found


def _is_neutral(moment: Moment, policy: LivenessPolicy) -> bool:
    return moment.rotation is not None and max(abs(moment.rotation.p), abs(moment.rotation.q)) < policy.neutral


def _reason(code: str, operator: str) -> Reason:
    return Reason(code, _RETRY, operator, retryable=True)
