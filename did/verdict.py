"""What a verification answers: every check with its result, and one outcome computed in one place.

CVE-2024-21669 (an inner `verified: false` that never reached the outer result) shaped this: the outcome is a
conjunction of the mandatory checks, `Verdict.of` is its only constructor in use, and "not known" is never "valid".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Check", "Outcome", "Result", "Verdict"]

Result = Literal["passed", "failed", "unknown", "skipped"]
Outcome = Literal["valid", "invalid", "indeterminate"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    `name` is one of signature, issuer_binding, issuer_trust, holder_binding, nonce, audience, validity_period, status,
    data_model, query, test_mode. `code` says why it did not pass; `pointer` (RFC 6901) says where.
    """

    name: str
    result: Result
    detail: str = ""
    code: str | None = None
    pointer: str = ""
    mandatory: bool = True
    query_id: str | None = None
    credential_index: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The check as JSON; members without information are left out."""
        body: dict[str, Any] = {"check": self.name, "result": self.result, "mandatory": self.mandatory}
        optional = {"code": self.code, "detail": self.detail or None, "pointer": self.pointer or None}
        optional |= {"query_id": self.query_id}
        body.update({name: value for name, value in optional.items() if value is not None})
        if self.credential_index is not None:
            body["credential_index"] = self.credential_index
        return body


@dataclass(frozen=True)
class Verdict:
    """The outcome and the checks it follows from; build it with `Verdict.of`."""

    outcome: Outcome
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Verdict:
        """Conjunction: a mandatory failure is invalid; a mandatory unknown, or nothing passed at all, is
        indeterminate.
        """
        found = tuple(checks)
        results = {check.result for check in found if check.mandatory}
        if "failed" in results:
            return cls("invalid", found)
        if "unknown" in results or "passed" not in results:
            return cls("indeterminate", found)
        return cls("valid", found)

    def reasons(self) -> list[str]:
        """Codes of the mandatory checks that failed or are unknown, in order, each once."""
        bad = [c.code or c.name for c in self.checks if c.mandatory and c.result in ("failed", "unknown")]
        return list(dict.fromkeys(bad))

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON: outcome, reasons and every check."""
        return {"outcome": self.outcome, "reasons": self.reasons(), "checks": [c.to_json() for c in self.checks]}
