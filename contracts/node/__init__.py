"""The in-process chain: py-evm over SQLite, durable before it answers, speaking Ethereum JSON-RPC.

`Node` is loaded on first use, because importing py-evm takes seconds and most processes never open a chain.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contracts.node.node import Node

__all__ = ["Node"]


def __getattr__(name: str) -> Any:
    if name == "Node":
        from contracts.node.node import Node

        return Node
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
