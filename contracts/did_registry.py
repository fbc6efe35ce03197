"""The client of `DIDRegistry`: who controls an identity, and the events its DID document is built from.

Resolvers of ERC-1056 have dropped events that share a block, or stalled on long histories; here every log of a block is
kept in order, and the walk is bounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from eth_abi.abi import decode as decode_abi
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from contracts.abi import (
    check_address,
    encode_arguments,
    encode_call,
    event_topic,
    read_address,
    read_uint,
    read_words,
)
from contracts.chain import Chain, Log
from contracts.errors import EventLimitExceeded, InvalidArgument, MalformedAnswer
from contracts.limits import MAX_IDENTITY_EVENTS

STATUS_UPDATER = b"statusUpdater".ljust(32, b"\0")
ZERO_ADDRESS = "0x0000000000000000000000000000000000000000"

_OWNER_CHANGED = event_topic("DIDOwnerChanged(address,address,uint256)")
_DELEGATE_CHANGED = event_topic("DIDDelegateChanged(address,bytes32,address,uint256,uint256)")
_ATTRIBUTE_CHANGED = event_topic("DIDAttributeChanged(address,bytes32,bytes,uint256,uint256)")
_OP = "(uint8,bytes32,bytes,uint64)"


class DIDOpKind(IntEnum):
    SET_ATTRIBUTE = 0
    REVOKE_ATTRIBUTE = 1
    ADD_DELEGATE = 2
    REVOKE_DELEGATE = 3
    CHANGE_OWNER = 4


@dataclass(frozen=True)
class DIDOp:
    """One operation of a batch.

    `name` is the attribute name or delegate type in 32 bytes; `value` the attribute's value, or for delegates and
    owners the 20 bytes of an address; `validity` seconds from now, for kinds 0 and 2. A change of owner must come last.
    """

    kind: int
    name: bytes = bytes(32)
    value: bytes = b""
    validity: int = 0


@dataclass(frozen=True)
class _Event:
    identity: str
    block: int
    log_index: int
    previous_change: int


@dataclass(frozen=True)
class OwnerChanged(_Event):
    owner: str


@dataclass(frozen=True)
class DelegateChanged(_Event):
    """`valid_to` is Unix seconds."""

    delegate_type: bytes
    delegate: str
    valid_to: int


@dataclass(frozen=True)
class AttributeChanged(_Event):
    """`valid_to` is Unix seconds; 0 where the attribute was revoked."""

    name: bytes
    value: bytes
    valid_to: int


DIDEvent = OwnerChanged | DelegateChanged | AttributeChanged


class DIDRegistry:
    """Reads at a block (a tag or a number) and calldata for writes."""

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain = chain
        self.address = check_address(address, "/registry")

    def identity_owner(self, identity: str, block: str | int = "latest") -> str:
        """Who controls the identity: itself, the owner it named, or the zero address once deactivated."""
        return read_address(self._word("identityOwner(address)", identity, block))

    def changed(self, identity: str, block: str | int = "latest") -> int:
        """The block of the identity's latest event; 0 where there is none."""
        return read_uint(self._word("changed(address)", identity, block), 64)

    def deactivated(self, identity: str, block: str | int = "latest") -> bool:
        return bool(read_uint(self._word("deactivated(address)", identity, block), 1))

    def nonce(self, signer: str, block: str | int = "latest") -> int:
        """The nonce that the signer's next relayed update must carry."""
        return self._word("nonce(address)", signer, block)

    def valid_delegate(self, identity: str, delegate_type: bytes, delegate: str, block: str | int = "latest") -> bool:
        """Whether a delegate holds a type (32 bytes) at the block's time."""
        who, delegate = check_address(identity, "/identity"), check_address(delegate, "/delegate")
        data = encode_call("validDelegate(address,bytes32,address)", who, delegate_type, delegate)
        return bool(read_uint(read_words(self.chain, self.address, data, 1, block)[0], 1))

    def events(self, identity: str, block: str | int = "latest") -> list[DIDEvent]:
        """Every event of the identity up to a block, in block and log order.

        Raises:
            EventLimitExceeded: more than MAX_IDENTITY_EVENTS.
            MalformedAnswer: the events do not lead back through the chain as the registry writes them.
        """
        who = check_address(identity, "/identity")
        topics: list[bytes | Sequence[bytes] | None] = [
            [_OWNER_CHANGED, _DELEGATE_CHANGED, _ATTRIBUTE_CHANGED],
            bytes(12) + bytes.fromhex(who[2:]),
        ]
        at = self.changed(who, block)
        found: list[DIDEvent] = []
        while at:
            events = [_read_event(log) for log in self.chain.logs(self.address, topics, at, at)]
            if not events:
                raise MalformedAnswer(f"block {at} should hold an event of {who} and does not")
            found[:0] = events
            if len(found) > MAX_IDENTITY_EVENTS:
                raise EventLimitExceeded(f"{who} has more than {MAX_IDENTITY_EVENTS} events")
            previous = events[0].previous_change
            if previous >= at:
                raise MalformedAnswer("an event claims a predecessor that is not before it")
            at = previous
        return found

    # Calldata

    def encode_update(self, identity: str, ops: Sequence[DIDOp]) -> bytes:
        """Calldata that applies several operations in one transaction."""
        return encode_call(f"update(address,{_OP}[])", check_address(identity, "/identity"), _op_tuples(ops))

    def encode_update_signed(self, identity: str, ops: Sequence[DIDOp], deadline: int, signature: bytes) -> bytes:
        """Calldata that relays operations the owner signed (`update_digest`); `signature` is r, s, v in 65 bytes."""
        who = check_address(identity, "/identity")
        return encode_call(f"updateSigned(address,{_OP}[],uint256,bytes)", who, _op_tuples(ops), deadline, signature)

    def encode_set_attribute(self, identity: str, name: bytes, value: bytes, validity: int) -> bytes:
        who = check_address(identity, "/identity")
        return encode_call("setAttribute(address,bytes32,bytes,uint256)", who, name, value, validity)

    def encode_revoke_attribute(self, identity: str, name: bytes, value: bytes) -> bytes:
        return encode_call("revokeAttribute(address,bytes32,bytes)", check_address(identity, "/identity"), name, value)

    def encode_add_delegate(self, identity: str, delegate_type: bytes, delegate: str, validity: int) -> bytes:
        who, delegate = check_address(identity, "/identity"), check_address(delegate, "/delegate")
        return encode_call("addDelegate(address,bytes32,address,uint256)", who, delegate_type, delegate, validity)

    def encode_revoke_delegate(self, identity: str, delegate_type: bytes, delegate: str) -> bytes:
        who, delegate = check_address(identity, "/identity"), check_address(delegate, "/delegate")
        return encode_call("revokeDelegate(address,bytes32,address)", who, delegate_type, delegate)

    def encode_change_owner(self, identity: str, new_owner: str) -> bytes:
        """Calldata that hands the identity over. The zero address deactivates it for ever."""
        who, owner = check_address(identity, "/identity"), check_address(new_owner, "/new_owner")
        return encode_call("changeOwner(address,address)", who, owner)

    def update_digest(self, identity: str, ops: Sequence[DIDOp], *, nonce: int, deadline: int) -> bytes:
        """The EIP-712 digest that the owner signs for `updateSigned`, bound to this chain and this registry."""
        domain_type = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
        op_text = "Op(uint8 kind,bytes32 name,bytes value,uint64 validity)"
        update_type = keccak(text=f"Update(address identity,Op[] ops,uint256 nonce,uint256 deadline){op_text}")
        domain = (domain_type, keccak(text="DIDRegistry"), keccak(text="1"), self.chain.chain_id, self.address)
        separator = keccak(encode_arguments(["bytes32", "bytes32", "bytes32", "uint256", "address"], domain))
        op_types = ["bytes32", "uint8", "bytes32", "bytes32", "uint64"]
        hashes = [
            keccak(encode_arguments(op_types, (keccak(text=op_text), kind, name, keccak(value), validity)))
            for kind, name, value, validity in _op_tuples(ops)
        ]
        fields = (update_type, check_address(identity, "/identity"), keccak(b"".join(hashes)), nonce, deadline)
        struct = keccak(encode_arguments(["bytes32", "address", "bytes32", "uint256", "uint256"], fields))
        return bytes(keccak(b"\x19\x01" + separator + struct))

    def _word(self, signature: str, address: str, block: str | int) -> int:
        data = encode_call(signature, check_address(address, "/identity"))
        return read_words(self.chain, self.address, data, 1, block)[0]


def _op_tuples(ops: Sequence[DIDOp]) -> list[tuple[int, bytes, bytes, int]]:
    for index, op in enumerate(ops):
        if op.kind not in set(DIDOpKind):
            raise InvalidArgument("unknown kind of operation", pointer=f"/ops/{index}/kind")
        if op.kind >= DIDOpKind.ADD_DELEGATE and len(op.value) != 20:
            raise InvalidArgument("expected the 20 bytes of an address", pointer=f"/ops/{index}/value")
        if op.kind == DIDOpKind.CHANGE_OWNER and index + 1 < len(ops):
            raise InvalidArgument("a change of owner must come last", pointer=f"/ops/{index}")
    return [(int(op.kind), op.name, op.value, op.validity) for op in ops]


def _read_event(log: Log) -> DIDEvent:
    if len(log.topics) != 2:
        raise MalformedAnswer("an identity event has two topics")
    identity = read_address(int.from_bytes(log.topics[1], "big"))
    place = (identity, log.block, log.log_index)
    try:
        if log.topics[0] == _OWNER_CHANGED:
            owner, previous = decode_abi(["address", "uint256"], log.data)
            return OwnerChanged(*place, previous, check_address(owner, "/owner"))
        if log.topics[0] == _DELEGATE_CHANGED:
            kind, delegate, valid_to, previous = decode_abi(["bytes32", "address", "uint256", "uint256"], log.data)
            return DelegateChanged(*place, previous, kind, check_address(delegate, "/delegate"), valid_to)
        if log.topics[0] == _ATTRIBUTE_CHANGED:
            name, value, valid_to, previous = decode_abi(["bytes32", "bytes", "uint256", "uint256"], log.data)
            return AttributeChanged(*place, previous, name, value, valid_to)
    except (DecodingError, OverflowError) as error:
        raise MalformedAnswer(f"an identity event does not decode: {error}") from error
    raise MalformedAnswer("the node answered another kind of event")
