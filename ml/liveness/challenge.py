"""The active liveness challenge: which head movements, in which order, at which times, decided by a nonce.

Three movements out of left, right, up and down, no two alike in a row (36 orders), and three pauses that are each
short or long (8 timings): 288 sequences that the judge tells apart, so a recording of another session fits one nonce
in 288. The nonce itself must be unpredictable and single-use; that is its issuer's duty.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Literal

from ml.errors import InvalidChallenge

Direction = Literal["left", "right", "up", "down"]
"""As the person sees it: `left` is their own left, which in an unmirrored picture lies on the right."""

DIRECTIONS: Final[tuple[Direction, ...]] = ("left", "right", "up", "down")
OPPOSITE: Final[dict[Direction, Direction]] = {"left": "right", "right": "left", "up": "down", "down": "up"}
STEP_COUNT: Final = 3
STEP_MS: Final = 1200
LEAD_MS: Final = (800, 1400)
PAUSE_MS: Final = (600, 1200)
TAIL_MS: Final = 700
SEQUENCES: Final = len(DIRECTIONS) * (len(DIRECTIONS) - 1) ** (STEP_COUNT - 1) * 2**STEP_COUNT


@dataclass(frozen=True)
class Step:
    """One movement: the head is turned between `start_ms` and `end_ms`, and straight again afterwards."""

    direction: Direction
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Challenge:
    """The movements asked for; `duration_ms` is between 6,300 and 8,100."""

    nonce: str
    steps: tuple[Step, ...]
    duration_ms: int

    @classmethod
    def from_nonce(cls, nonce: str) -> "Challenge":
        """The one challenge that belongs to a nonce (deterministic, from SHA-256 with a domain tag)."""
        seed = int.from_bytes(hashlib.sha256(b"assay liveness challenge 1\x00" + nonce.encode()).digest())
        steps: list[Step] = []
        clock = 0
        for position in range(STEP_COUNT):
            pauses = LEAD_MS if position == 0 else PAUSE_MS
            seed, which_pause = divmod(seed, 2)
            choices = [d for d in DIRECTIONS if not steps or d != steps[-1].direction]
            seed, which = divmod(seed, len(choices))
            clock += pauses[which_pause]
            steps.append(Step(choices[which], clock, clock + STEP_MS))
            clock += STEP_MS
        return cls(nonce=nonce, steps=tuple(steps), duration_ms=clock + TAIL_MS)

    def to_json(self) -> dict[str, Any]:
        """JSON form, for the capture page."""
        return {
            "nonce": self.nonce,
            "duration_ms": self.duration_ms,
            "steps": [{"direction": s.direction, "start_ms": s.start_ms, "end_ms": s.end_ms} for s in self.steps],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Challenge":
        """Read `to_json`'s form back; raises InvalidChallenge unless it is exactly what its nonce yields."""
        nonce = data.get("nonce") if isinstance(data, dict) else None
        if not isinstance(nonce, str):
            raise InvalidChallenge("nonce missing", pointer="/nonce")
        challenge = cls.from_nonce(nonce)
        if challenge.to_json() != data:
            raise InvalidChallenge("steps are not the nonce's", pointer="/steps")
        return challenge
