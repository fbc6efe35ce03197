"""Where a credential's status is kept, read from the signed credential, and what the keeper answers.

Danger (threat 45): "1e3", "-1" or " 1" as an index, an address in another notation. Entries are parsed to typed values
here, once, and what does not parse is a failure rather than "no status".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from did.errors import InvalidStatusEntry

__all__ = [
    "LIST_PAUSED",
    "LIST_REVOKED",
    "REGISTRY_ENTRY_TYPE",
    "RegistryStatusEntry",
    "StatusAnswer",
    "StatusSource",
    "entry_from_sd_jwt",
    "entry_from_vc",
]

REGISTRY_ENTRY_TYPE: Final = "EvmStatusRegistryEntry"
# Bits of `StatusAnswer.flags`, as the registry contract keeps them per list (PAUSED and REVOKED there).
LIST_PAUSED: Final = 1
LIST_REVOKED: Final = 4

_CHAIN: Final = re.compile(r"eip155:([1-9][0-9]{0,18})\Z", re.ASCII)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_LIST: Final = re.compile(r"0x[0-9a-fA-F]{64}\Z")
_INDEX: Final = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z", re.ASCII)


@dataclass(frozen=True)
class RegistryStatusEntry:
    """One entry of one list; `registry` and `list_id` are lower-case hex with 0x."""

    chain_id: int
    registry: str
    list_id: str
    index: int


@dataclass(frozen=True)
class StatusAnswer:
    """What a list says at a block. `status` None: the list does not exist or says nothing now. `flags`: see LIST_*."""

    status: int | None
    flags: int
    version: int
    block: int


class StatusSource(Protocol):
    """Answers for an entry. StatusIndexOutOfRange means the list exists and is shorter; any other exception means that
    the answer is not known."""

    def status(self, entry: RegistryStatusEntry) -> StatusAnswer: ...


def entry_from_vc(entry: Mapping[str, Any], *, pointer: str = "") -> RegistryStatusEntry:
    """Read an EvmStatusRegistryEntry object. Raises InvalidStatusEntry."""
    return _entry(
        entry.get("chain"), entry.get("registry"), entry.get("statusList"), entry.get("statusListIndex"), pointer
    )


def entry_from_sd_jwt(entry: Mapping[str, Any], *, pointer: str = "") -> RegistryStatusEntry:
    """Read `status.evm_registry` of an SD-JWT VC. Raises InvalidStatusEntry."""
    index = entry.get("idx")
    text = str(index) if isinstance(index, int) and not isinstance(index, bool) else None
    return _entry(entry.get("chain"), entry.get("registry"), entry.get("list"), text, pointer)


def _entry(chain: Any, registry: Any, list_id: Any, index: Any, pointer: str) -> RegistryStatusEntry:
    texts = (chain, registry, list_id, index)
    if not all(isinstance(text, str) for text in texts):
        raise InvalidStatusEntry("a member is missing or not text", pointer=pointer)
    match = _CHAIN.match(chain)
    if not (match and _ADDRESS.match(registry) and _LIST.match(list_id) and _INDEX.match(index)):
        raise InvalidStatusEntry("chain, registry, list or index is malformed", pointer=pointer)
    return RegistryStatusEntry(int(match[1]), registry.lower(), list_id.lower(), int(index))
