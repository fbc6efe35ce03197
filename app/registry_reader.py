"""What did:ethr needs of a registry, over the contracts room's client: the one seam between two libraries.

It stands outside the rooms because both the service and the terminal wallet, which share nothing else, resolve by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.did_registry import AttributeChanged, DelegateChanged, DIDRegistry, OwnerChanged
from did.methods.ethr import EthrAttributeChanged, EthrDelegateChanged, EthrEvent, EthrOwnerChanged

__all__ = ["RegistryReader"]


class RegistryReader:
    """A `did.methods.ethr.EthrRegistryReader`; its errors are ChainError leaves, which the kernel reads as unknown."""

    def __init__(self, registry: DIDRegistry) -> None:
        self._registry = registry

    @property
    def chain_id(self) -> int:
        """The chain the registry is on."""
        return self._registry.chain.chain_id

    def events(self, identity: str) -> Sequence[EthrEvent]:
        """All events of an identity, in block and log order."""
        return [_translate(event) for event in self._registry.events(identity)]

    def head(self) -> tuple[int, int]:
        """Number and timestamp (Unix seconds) of the latest block."""
        block = self._registry.chain.head()
        return block.number, block.timestamp

    def deactivated(self, identity: str) -> bool:
        """Whether the identity was deactivated."""
        return self._registry.deactivated(identity)

    def timestamp(self, block: int) -> int:
        """Unix seconds of a block."""
        return self._registry.chain.block(block).timestamp


def _translate(event: OwnerChanged | DelegateChanged | AttributeChanged) -> EthrEvent:
    match event:
        case OwnerChanged():
            return EthrOwnerChanged(event.identity, event.block, event.log_index, event.owner)
        case DelegateChanged():
            return EthrDelegateChanged(
                event.identity, event.block, event.log_index, event.valid_to, event.delegate_type, event.delegate
            )
        case AttributeChanged():
            return EthrAttributeChanged(
                event.identity, event.block, event.log_index, event.valid_to, event.name, event.value
            )
