"""FastAPI dependencies: the wired rooms and the authenticated caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from fastapi import Depends, Request

from app.access.service import Caller, Unauthorized

if TYPE_CHECKING:
    from app.wiring import Wiring

__all__ = ["authorized", "wiring_of"]


def wiring_of(request: Request) -> Wiring:
    """Return the objects that `create_app` was given."""
    return cast("Wiring", request.app.state.wiring)


def authorized(scope: str) -> Any:
    """Build a dependency that yields the Caller of a request and refuses one without the scope.

    The key is taken from the Authorization header alone: one in a query string would end in logs.
    """

    def authenticate(request: Request) -> Caller:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise Unauthorized("send `Authorization: Bearer sk_...`")
        caller: Caller = wiring_of(request).access.authenticate(secret.strip())
        caller.require(scope)
        return caller

    dependency: Callable[[Request], Caller] = authenticate
    return Depends(dependency)
