"""The one source of the current time, handed in so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "utc_now"]

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""


def utc_now() -> datetime:
    """Return the system time in UTC."""
    return datetime.now(UTC)
