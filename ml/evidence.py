"""What crosses the gate's door: evidence in, findings and a decision out (typed, immutable, no pictures outbound).

A `Report` never holds an image or an embedding, so it can be stored, exported and shown; scores of the liveness checks
are for operators only, because a score shown to a person is an oracle to probe thresholds with (threat 73).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from ml.liveness.challenge import Challenge

CheckName = Literal[
    "document.image_quality",
    "document.mrz",
    "document.data_validation",
    "document.data_consistency",
    "document.face",
    "selfie.quality",
    "liveness.active",
    "liveness.injection",
    "face_match",
]
CheckOutcome = Literal["clear", "consider", "unidentified", "error"]
Outcome = Literal["approved", "declined", "in_review"]


@dataclass(frozen=True)
class Frame:
    """One picture of the selfie sequence: JPEG or PNG as received, unmirrored, `at_ms` since the challenge began."""

    image: bytes
    at_ms: int


@dataclass(frozen=True)
class Evidence:
    """All a session hands in. `today` is the date that expiry is judged against."""

    document: bytes
    frames: tuple[Frame, ...]
    challenge: Challenge
    today: date
    livemode: bool


@dataclass(frozen=True)
class Reason:
    """Why a check is not clear. `public` may be shown to the person, `operator` only to a reviewer.

    A note on a clear check has no `public` text and is left out of what the person sees.
    """

    code: str
    public: str
    operator: str = ""
    retryable: bool = False

    def to_json(self, *, operator: bool = False) -> dict[str, Any]:
        """JSON form; the operator's text only where asked for."""
        out: dict[str, Any] = {"code": self.code, "public": self.public, "retryable": self.retryable}
        if operator and self.operator:
            out["operator"] = self.operator
        return out


@dataclass(frozen=True)
class ModelRef:
    """The exact model file that took part in a check."""

    name: str
    version: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        """JSON form."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True)
class CheckResult:
    """The finding of one check; `error` means it could not be carried out and never counts for the person."""

    check: str
    result: CheckOutcome
    score: float | None = None
    threshold: float | None = None
    reasons: tuple[Reason, ...] = ()
    models: tuple[ModelRef, ...] = ()
    duration_ms: int = 0

    def to_json(self, *, operator: bool = False) -> dict[str, Any]:
        """JSON form. Scores and thresholds of biometric checks are left out unless `operator`."""
        out: dict[str, Any] = {
            "check": self.check,
            "result": self.result,
            "reasons": [reason.to_json(operator=operator) for reason in self.reasons if operator or reason.public],
        }
        if operator:
            out |= {
                "score": self.score,
                "threshold": self.threshold,
                "models": [model.to_json() for model in self.models],
                "duration_ms": self.duration_ms,
            }
        return out


@dataclass(frozen=True)
class DocumentFields:
    """What the machine-readable zone says, after its check digits held (ICAO Doc 9303 parts 4 to 7)."""

    document_type: str
    document_code: str
    issuing_state: str
    document_number: str
    surname: str
    given_names: str
    nationality: str
    birth_date: date
    sex: str
    expiry_date: date
    optional_data: str = ""
    names_truncated: bool = False

    def to_json(self) -> dict[str, Any]:
        """JSON form, dates as ISO 8601."""
        out = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return out | {"birth_date": self.birth_date.isoformat(), "expiry_date": self.expiry_date.isoformat()}


@dataclass(frozen=True)
class Report:
    """Every check's finding. `simulated` is true when any picture bears the simulator's mark.

    `assurance` says what the evidence can support at best, for instance `active-liveness-only` where no passive
    presentation-attack model took part.
    """

    checks: tuple[CheckResult, ...]
    fields: DocumentFields | None
    simulated: bool
    policy_sha256: str
    assurance: str = "active-liveness-only"
    models: tuple[ModelRef, ...] = field(default=())

    def check(self, name: str) -> CheckResult | None:
        """The finding of one check, or None if it did not run."""
        return next((check for check in self.checks if check.check == name), None)

    def to_json(self, operator: bool = False) -> dict[str, Any]:
        """JSON form without pictures; `operator=False` hides operator texts, scores, thresholds and models."""
        out: dict[str, Any] = {
            "checks": [check.to_json(operator=operator) for check in self.checks],
            "fields": self.fields.to_json() if self.fields else None,
            "simulated": self.simulated,
            "assurance": self.assurance,
            "policy_sha256": self.policy_sha256,
        }
        if operator:
            out["models"] = [model.to_json() for model in self.models]
        return out


@dataclass(frozen=True)
class Decision:
    """What follows from a report under a policy; `retryable` says whether better pictures could change it."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    retryable: bool

    def to_json(self, *, operator: bool = False) -> dict[str, Any]:
        """JSON form."""
        return {
            "outcome": self.outcome,
            "reasons": [reason.to_json(operator=operator) for reason in self.reasons],
            "retryable": self.retryable,
        }
