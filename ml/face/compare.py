"""Two faces of a session compared, and one face held to be the same throughout a selfie sequence."""

from collections.abc import Callable, Sequence

import numpy as np

from ml.evidence import Reason
from ml.face.embedding import Embedding, distance
from ml.findings import Finding
from ml.liveness.active import Movement
from ml.liveness.track import Moment, Track
from ml.policy import FacePolicy


def match(document: Embedding, selfie: Embedding, policy: FacePolicy) -> Finding:
    """Clear up to the match threshold, doubtful in the review band, another person beyond it."""
    apart = distance(document, selfie)
    detail = f"distance {apart:.3f}"
    if apart <= policy.match:
        return Finding("clear", (), apart, policy.match)
    if apart <= policy.review:
        reason = Reason("face_uncertain", "The faces could not be compared with certainty.", detail)
    else:
        reason = Reason("face_mismatch", "The face does not match the document's portrait.", detail)
    return Finding("consider", (reason,), apart, policy.match)


def sample_moments(track: Track, movements: Sequence[Movement], count: int) -> list[Moment]:
    """Up to `count` moments besides the frontal one: the onset of each movement, then spread over the sequence.

    An embedding drifts as a head turns, so a movement is sampled where it begins, not at its extreme.
    """
    seen = track.with_face
    wanted = [float(movement.start_ms) for movement in movements]
    if seen:
        spread = np.linspace(seen[0].at_ms, seen[-1].at_ms, max(2, count - len(wanted) + 1))[1:]
        wanted += [float(at) for at in spread]
    chosen: list[Moment] = []
    for at in wanted[:count]:
        nearest = min(seen, key=lambda moment: abs(moment.at_ms - at))
        if all(nearest is not moment for moment in (*chosen, track.frontal)):
            chosen.append(nearest)
    return chosen


def same_person(
    frontal: Embedding, moments: Sequence[Moment], embed: Callable[[Moment], Embedding], policy: FacePolicy
) -> tuple[Reason, ...]:
    """A reason if any sampled moment shows another face than the frontal one."""
    apart = [distance(frontal, embed(moment)) for moment in moments]
    if apart and max(apart) <= policy.same_person:
        return ()
    detail = f"largest distance {max(apart):.3f}" if apart else "nothing to compare"
    return (Reason("identity_changed", "The face changes during the sequence.", detail),)
