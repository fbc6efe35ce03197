"""Name the custom error a contract refused with, so that an operator reads `Locked` and not 36 bytes of hex."""

from __future__ import annotations

from typing import Final

from contracts.abi import is_error
from contracts.errors import CallReverted

__all__ = ["ENTRY_ERRORS", "revert_name"]

_ERRORS: Final = (
    "NotAuthorized(address)",
    "UnknownList()",
    "ListExists()",
    "StaleVersion(uint48)",
    "Locked(uint8)",
    "OutOfRange()",
    "BadStatus(uint8)",
    "Irreversible(uint32)",
    "BadPacking()",
    "BadActor()",
    "Deactivated()",
)
ENTRY_ERRORS: Final = frozenset({"Irreversible", "OutOfRange", "BadStatus"})
"""Reverts that are one entry's own fault; every other concerns the list or the sender and is worth trying again."""


def revert_name(error: CallReverted) -> str:
    """The error's name, or what the node said where it is not one of ours."""
    for signature in _ERRORS:
        if is_error(error, signature):
            return signature.partition("(")[0]
    return error.error_name or error.detail
