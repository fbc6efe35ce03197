"""One thing the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """What was found; `mend` says what to do, and is empty where nothing is to be done."""

    check: str
    ok: bool
    detail: str
    mend: str = ""
