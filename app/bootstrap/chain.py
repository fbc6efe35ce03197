"""Open the chain: an external endpoint, the in-process node, or the node of the process that already holds it.

The in-process chain has one writer behind a file lock. Whoever serves it writes its loopback address and genesis hash
to `chain.json`; other processes of the same data directory use that, and believe it only if the genesis is the same,
for another service may have taken the port since.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.settings import Settings
from contracts.errors import ChainError, ChainUnavailable, NodeLocked
from contracts.rpc import HttpTransport, Transport

if TYPE_CHECKING:
    from contracts.node import Node

__all__ = ["ChainAccess", "announce", "announced", "chain_path", "genesis_hash", "open_chain", "withdraw"]

GENESIS_FUNDS_WEI: Final = 10**24
"""A million ether of the in-process chain, whose ether is worth nothing; a deployment costs about 0.005."""
_ANNOUNCEMENT: Final = "chain.json"


@dataclass(frozen=True)
class ChainAccess:
    """How this process reaches the chain; `node` is set when it holds the in-process chain itself."""

    transport: Transport
    node: Node | None = None


def chain_path(settings: Settings) -> Path:
    """The file of the in-process chain."""
    return settings.data_dir / "chain" / "chain.sqlite3"


def open_chain(
    settings: Settings, *, fund: str, clock: Callable[[], float], own: bool, wait_s: float = 15.0
) -> ChainAccess:
    """Reach the chain that the settings name.

    `fund` is the address that a new in-process chain's genesis pays; `own` demands to hold the in-process chain, as
    `assay serve` must. Raises NodeLocked or ChainUnavailable after `wait_s` seconds.
    """
    if settings.chain_url is not None:
        return ChainAccess(HttpTransport(settings.chain_url))
    deadline = time.monotonic() + wait_s
    while True:
        if not own and (served := announced(settings.data_dir)) is not None:
            return ChainAccess(served)
        try:
            return _open_node(settings, fund, clock)
        except NodeLocked as error:
            if time.monotonic() >= deadline:
                raise NodeLocked(_who_holds(settings, own=own)) from error
        time.sleep(0.1)


def _open_node(settings: Settings, fund: str, clock: Callable[[], float]) -> ChainAccess:
    from contracts.node import Node  # importing py-evm takes seconds, which most commands need not spend

    path = chain_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    node = Node.open(path, chain_id=settings.chain_id, fund={fund: GENESIS_FUNDS_WEI}, clock=clock)
    return ChainAccess(node, node)


def _who_holds(settings: Settings, *, own: bool) -> str:
    if own:
        return f"another process, probably `assay serve`, already serves {settings.data_dir}"
    return f"another process holds the chain of {settings.data_dir} and does not serve it; try again when it has ended"


def announced(data_dir: Path) -> HttpTransport | None:
    """The transport to the process that serves this data directory's chain; None if nobody does."""
    try:
        note = json.loads((data_dir / _ANNOUNCEMENT).read_text())
        transport = HttpTransport(note["url"])
        if genesis_hash(transport) == note["genesis"]:
            return transport
    except (OSError, ValueError, KeyError, TypeError, ChainError):
        return None
    return None


def genesis_hash(transport: Transport) -> str:
    """The hash of block 0, which tells one chain from another with the same id."""
    block: Any = transport.request("eth_getBlockByNumber", ["0x0", False])
    if not isinstance(block, dict) or not isinstance(block.get("hash"), str):
        raise ChainUnavailable("the chain has no block 0")
    return str(block["hash"])


def announce(data_dir: Path, node: Node, url: str) -> None:
    """Tell other processes of this data directory where the chain is served."""
    path = data_dir / _ANNOUNCEMENT
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "genesis": genesis_hash(node), "pid": os.getpid()}, file)
    partial.rename(path)


def withdraw(data_dir: Path) -> None:
    """Take the announcement back."""
    with contextlib.suppress(FileNotFoundError):
        (data_dir / _ANNOUNCEMENT).unlink()
