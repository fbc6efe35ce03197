"""The gate's policy as data: every threshold with where it came from, read from `policy.json` and named by its
SHA-256.

A threshold of the face comparison is never a library's default: it is copied from `ml/evaluation/face_match.json`,
and a test holds the two together. A report quotes the policy's digest, so a decision can be repeated.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from ml.errors import InvalidPolicy

Section = TypeVar("Section")
POLICY_PATH: Final = Path(__file__).with_name("policy.json")


@dataclass(frozen=True)
class FacePolicy:
    """Embedding distances: a match up to `match`, review up to `review`, beyond it another person; and face quality."""

    match: float
    review: float
    same_person: float
    min_document_eye_px: float
    min_selfie_eye_px: float
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    max_frontal_yaw: float


@dataclass(frozen=True)
class LivenessPolicy:
    """Active check: parallax levels (about the sine of the angle), times in milliseconds, frame counts and shares."""

    turned: float
    peak: float
    neutral: float
    max_cross: float
    min_reaction_ms: int
    max_reaction_ms: int
    rhythm_tolerance_ms: int
    min_hold_ms: int
    min_frames: int
    min_face_share: float
    max_gap_ms: int
    jump_eyes: float
    jump_eyes_per_s: float
    min_yaw_shift: float
    max_residual: float
    identity_samples: int


@dataclass(frozen=True)
class InjectionPolicy:
    """Repeated frames and clock: shares of the sequence and milliseconds."""

    max_identical: int
    max_frozen_share: float
    frozen_difference: float
    clock_slack_ms: int


@dataclass(frozen=True)
class DocumentPolicy:
    """Quality of the picture and the dates."""

    min_side_px: int
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    max_glare_share: float
    min_agreeing_fields: int
    max_age_years: int


@dataclass(frozen=True)
class GatePolicy:
    """All of the above with the digest of the file they were read from."""

    face: FacePolicy
    liveness: LivenessPolicy
    injection: InjectionPolicy
    document: DocumentPolicy
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "GatePolicy":
        """Read a policy file; raises InvalidPolicy when a value is missing, unknown, not finite or senseless."""
        try:
            data = path.read_bytes()
            sections = json.loads(data)
            policy = cls(
                face=_section(FacePolicy, sections["face"]),
                liveness=_section(LivenessPolicy, sections["liveness"]),
                injection=_section(InjectionPolicy, sections["injection"]),
                document=_section(DocumentPolicy, sections["document"]),
                sha256=hashlib.sha256(data).hexdigest(),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidPolicy(f"{path.name}: {error}") from error
        if not 0 < policy.face.match < policy.face.review < 0.6:
            raise InvalidPolicy("face thresholds must satisfy 0 < match < review < 0.6", pointer="/face")
        return policy


def _section(kind: type[Section], values: dict[str, Any]) -> Section:
    """One section without its provenance; every value must be a finite number and every name known."""
    numbers = {name: value for name, value in values.items() if name != "provenance"}
    if any(isinstance(value, bool) or not math.isfinite(value) for value in numbers.values()):
        raise ValueError("a threshold is not a finite number")
    return kind(**numbers)


DEFAULT_POLICY: Final = GatePolicy.read(POLICY_PATH)
