"""The challenge is the nonce's alone, bounded in time, and of at least 2^8 distinguishable sequences."""

from dataclasses import replace
from itertools import pairwise

import pytest

from ml.errors import InvalidChallenge
from ml.liveness.challenge import SEQUENCES, Challenge


def test_same_nonce_same_challenge_and_known_value() -> None:
    assert Challenge.from_nonce("nonce") == Challenge.from_nonce("nonce")
    known = Challenge.from_nonce("assay")
    assert [(step.direction, step.start_ms) for step in known.steps] == [
        ("right", 800),
        ("left", 2600),
        ("right", 5000),
    ]
    assert Challenge.from_json(known.to_json()) == known


def test_bounds_and_variety() -> None:
    challenges = [Challenge.from_nonce(str(number)) for number in range(6000)]
    sequences = {challenge.steps for challenge in challenges}
    assert len(sequences) == SEQUENCES == 288 >= 2**8
    for challenge in challenges[:500]:
        assert 6000 <= challenge.duration_ms <= 8200
        directions = [step.direction for step in challenge.steps]
        assert all(one != other for one, other in pairwise(directions))
        gaps = [b.start_ms - a.end_ms for a, b in pairwise(challenge.steps)]
        assert min(gaps) >= 600


def test_a_challenge_that_is_not_its_nonces_is_refused() -> None:
    forged = replace(Challenge.from_nonce("a"), nonce="b").to_json()
    for data in (forged, {}, {"nonce": 3}):
        with pytest.raises(InvalidChallenge):
            Challenge.from_json(data)
