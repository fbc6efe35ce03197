"""Claims path pointers (OpenID4VP 1.0 section 7): text is a member, a number an index, None every element."""

from __future__ import annotations

from typing import Any

__all__ = ["ClaimsPath", "matches_value", "select_path"]

ClaimsPath = tuple[str | int | None, ...]


def select_path(claims: Any, path: ClaimsPath) -> list[tuple[tuple[str | int, ...], Any]]:
    """Concrete path and value of every element a path selects; empty when it selects nothing or meets a wrong type."""
    selected: list[tuple[tuple[str | int, ...], Any]] = [((), claims)]
    for component in path:
        following: list[tuple[tuple[str | int, ...], Any]] = []
        for here, value in selected:
            if isinstance(component, str):
                if not isinstance(value, dict):
                    return []
                if component in value:
                    following.append(((*here, component), value[component]))
            elif not isinstance(value, list):
                return []
            elif component is None:
                following.extend(((*here, index), item) for index, item in enumerate(value))
            elif component < len(value):
                following.append(((*here, component), value[component]))
        selected = following
    return selected


def matches_value(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Whether a value equals one of `allowed` in type and value: true is not 1, and 1 is not "1"."""
    return any(type(value) is type(item) and value == item for item in allowed)
