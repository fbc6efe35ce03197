"""How a check states its finding, before the gate adds the name, the models and the time it took."""

from dataclasses import dataclass

from ml.evidence import CheckOutcome, Reason


@dataclass(frozen=True)
class Finding:
    """Outcome of one check's own logic. `score` and `threshold` are in the check's own unit."""

    result: CheckOutcome
    reasons: tuple[Reason, ...] = ()
    score: float | None = None
    threshold: float | None = None


NOT_EXAMINED = "not_examined"


def not_examined(because: str) -> Finding:
    """A check that could not begin because an earlier one has nothing to give it."""
    return Finding("unidentified", (Reason(NOT_EXAMINED, "Not examined.", because, retryable=True),))
