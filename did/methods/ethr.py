"""did:ethr over an ERC-1056 registry: the document is what an identity's events say at the head of the chain.

Documents have the shape of ethr-did-resolver 14: `#controller` as EcdsaSecp256k1RecoveryMethod2020, delegates as
`#delegate-N`, attributes as Multikey with publicKeyMultibase. Numbering counts every delegate and key event in the
order they happened, as upstream does, so that a key keeps its fragment when an earlier one ends.
Dangers (threat 40): more events than anyone wants to read, events of one block out of order, delegates that contradict
each other, validity beyond 2^64, a registry of another chain, a deactivated identity still signing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from did.errors import DidUnavailable, InvalidDid, TooManyEvents
from did.limits import MAX_DID_EVENTS
from did.methods.ethr_document import EthrDocument
from did.resolver import Resolution

__all__ = [
    "EthrAttributeChanged",
    "EthrDelegateChanged",
    "EthrEvent",
    "EthrMethod",
    "EthrOwnerChanged",
    "EthrRegistryReader",
    "did_ethr",
]

_DID: Final = re.compile(r"did:ethr:(?:0x([0-9a-fA-F]{1,16}):)?(0x[0-9a-fA-F]{40})\Z")
_NULL: Final = "0x" + "0" * 40


@dataclass(frozen=True)
class EthrOwnerChanged:
    """DIDOwnerChanged: `owner` is an address; zero deactivates."""

    identity: str
    block: int
    log_index: int
    owner: str


@dataclass(frozen=True)
class EthrDelegateChanged:
    """DIDDelegateChanged: `delegate_type` is bytes32, `valid_to` seconds since 1970."""

    identity: str
    block: int
    log_index: int
    valid_to: int
    delegate_type: bytes
    delegate: str


@dataclass(frozen=True)
class EthrAttributeChanged:
    """DIDAttributeChanged: `name` is bytes32, `valid_to` seconds since 1970."""

    identity: str
    block: int
    log_index: int
    valid_to: int
    name: bytes
    value: bytes


EthrEvent = EthrOwnerChanged | EthrDelegateChanged | EthrAttributeChanged


class EthrRegistryReader(Protocol):
    """Reads one registry on one chain. Any exception it raises means "could not be read now"."""

    @property
    def chain_id(self) -> int: ...

    def events(self, identity: str) -> Sequence[EthrEvent]:
        """All events of an identity, of every block in full."""
        ...

    def head(self) -> tuple[int, int]:
        """Block number and timestamp (seconds since 1970) of the head."""
        ...

    def deactivated(self, identity: str) -> bool: ...

    def timestamp(self, block: int) -> int: ...


def did_ethr(chain_id: int, address: str) -> str:
    """The did:ethr of an address on a chain, in lower case; chain 1 has no chain part."""
    return f"did:ethr:{address.lower()}" if chain_id == 1 else f"did:ethr:{chain_id:#x}:{address.lower()}"


class EthrMethod:
    """Resolves did:ethr from the given registries, by chain id."""

    name = "ethr"

    def __init__(self, registries: Mapping[int, EthrRegistryReader]) -> None:
        self._registries = registries

    def resolve(self, did: str) -> Resolution:
        """The document at the head. Raises InvalidDid, DidUnavailable, TooManyEvents."""
        match = _DID.match(did)
        if match is None:
            raise InvalidDid("not did:ethr:0x<chain>:0x<address>")
        chain_id = int(match[1], 16) if match[1] else 1
        registry = self._registries.get(chain_id)
        if registry is None:
            raise DidUnavailable(f"no registry is configured for chain {chain_id}")
        identity = match[2]
        try:
            if registry.chain_id != chain_id:
                raise DidUnavailable("the registry is on another chain")
            head, now = registry.head()
            events = registry.events(identity)
            deactivated = registry.deactivated(identity)
        except Exception as error:
            # Whatever went wrong between here and a node, the answer is the same: unknown.
            raise DidUnavailable(f"the registry could not be read: {type(error).__name__}") from error
        if len(events) > MAX_DID_EVENTS:
            raise TooManyEvents(f"more than {MAX_DID_EVENTS} events")
        return _build(did, chain_id, identity, events, head, now, deactivated)


def _build(
    did: str, chain_id: int, identity: str, events: Sequence[EthrEvent], head: int, now: int, deactivated: bool
) -> Resolution:
    own = [event for event in events if event.identity.lower() == identity.lower() and event.block <= head]
    own.sort(key=lambda event: (event.block, event.log_index))
    metadata: dict[str, Any] = {"versionId": str(own[-1].block)} if own else {}
    document = EthrDocument(did, chain_id, identity)
    for event in own:
        match event:
            case EthrOwnerChanged():
                deactivated = deactivated or event.owner.lower() == _NULL
                document.controller = event.owner
            case EthrDelegateChanged():
                document.delegate(event.delegate_type, event.delegate, valid=event.valid_to >= now)
            case EthrAttributeChanged():
                document.attribute(event.name, event.value, valid=event.valid_to >= now)
    if deactivated:
        return Resolution(did, EthrDocument.deactivated(did), None, metadata | {"deactivated": True})
    return Resolution(did, document.build(), None, metadata)
