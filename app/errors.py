"""The root of the service's errors: a stable code, a sentence for people and, where one field is at fault, its pointer.

A room defines its leaves beside its service; `app/problems.py` alone says which HTTP status and title a code has.
"""

from __future__ import annotations

__all__ = ["Conflict", "NotFound", "ServiceError"]


class ServiceError(Exception):
    """Something the caller can act on. `detail` says what to mend; it carries no personal data and no secret."""

    code = "service_error"

    def __init__(self, detail: str = "", *, pointer: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.pointer = pointer


class NotFound(ServiceError):
    """No such object for this caller; the same answer for a foreign one, so that ids cannot be probed."""

    code = "not_found"


class Conflict(ServiceError):
    """The object is not in a state that allows this."""

    code = "conflict"
