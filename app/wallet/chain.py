"""did:ethr for the wallet: the DID registry, read over JSON-RPC.

Which registry contract is the right one the holder can say. Otherwise the status registry that the credential itself
names is asked for its DID registry: then the signature is checked against the chain, but the credential chose the
contract, and the wallet says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.abi import encode_call, read_address, read_words
from contracts.chain import Chain
from contracts.did_registry import AttributeChanged, DelegateChanged, DIDRegistry, OwnerChanged
from contracts.rpc import HttpTransport
from did.methods.ethr import EthrAttributeChanged, EthrDelegateChanged, EthrEvent, EthrOwnerChanged

__all__ = ["ChainReader", "connect", "registry_named_by"]


class ChainReader:
    """A `did.methods.ethr.EthrRegistryReader` over one registry contract."""

    def __init__(self, registry: DIDRegistry) -> None:
        self._registry = registry

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self._registry.chain.chain_id

    def events(self, identity: str) -> Sequence[EthrEvent]:
        """All events of an identity."""
        return [_translated(event) for event in self._registry.events(identity)]

    def head(self) -> tuple[int, int]:
        """Number and Unix time of the latest block."""
        block = self._registry.chain.head()
        return block.number, block.timestamp

    def deactivated(self, identity: str) -> bool:
        """Whether the identity was deactivated."""
        return self._registry.deactivated(identity)

    def timestamp(self, block: int) -> int:
        """Unix time of a block."""
        return self._registry.chain.block(block).timestamp


def connect(rpc_url: str) -> Chain:
    """The chain behind a JSON-RPC URL, whatever chain it is: the DID names the chain it wants."""
    return Chain(HttpTransport(rpc_url))


def registry_named_by(chain: Chain, status_registry: str) -> str:
    """The DID registry that a status registry asks for its authority. Raises ChainError leaves."""
    return read_address(read_words(chain, status_registry, encode_call("didRegistry()"), 1, "latest")[0])


def _translated(event: OwnerChanged | DelegateChanged | AttributeChanged) -> EthrEvent:
    if isinstance(event, OwnerChanged):
        return EthrOwnerChanged(event.identity, event.block, event.log_index, event.owner)
    if isinstance(event, DelegateChanged):
        return EthrDelegateChanged(
            event.identity, event.block, event.log_index, event.valid_to, event.delegate_type, event.delegate
        )
    return EthrAttributeChanged(event.identity, event.block, event.log_index, event.valid_to, event.name, event.value)
