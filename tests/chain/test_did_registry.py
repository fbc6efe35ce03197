"""The DID registry and its client, on every backend."""

import pytest
from coincurve import PrivateKey

from contracts.abi import selector
from contracts.deployment import artifact
from contracts.did_registry import (
    STATUS_UPDATER,
    ZERO_ADDRESS,
    AttributeChanged,
    DelegateChanged,
    DIDOp,
    DIDOpKind,
    OwnerChanged,
)
from contracts.errors import ContractMissing, InvalidArgument

NAME = b"did/pub/Multikey/veriKey".ljust(32, b"\0")


def sign_update(key: bytes, digest: bytes) -> bytes:
    signature = PrivateKey(key).sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes([27 + signature[64]])


def test_the_deployed_code_is_the_committed_artifact(world):
    assert "0x" + world.chain.code(world.did.address).hex() == artifact("DIDRegistry")["deployedBytecode"]


def test_an_identity_owns_itself_and_has_no_events(world):
    somebody = world.actor().address
    assert world.did.identity_owner(somebody) == somebody
    assert world.did.changed(somebody) == 0
    assert world.did.events(somebody) == []
    assert not world.did.deactivated(somebody)


def test_a_batch_is_one_block_of_ordered_events(world):
    did, actor, other = world.did, world.actor(), world.actor()
    ops = [
        DIDOp(DIDOpKind.SET_ATTRIBUTE, NAME, b"\xed\x01key", 1000),
        DIDOp(DIDOpKind.ADD_DELEGATE, STATUS_UPDATER, bytes.fromhex(other.address[2:]), 500),
        DIDOp(DIDOpKind.REVOKE_ATTRIBUTE, NAME, b"old"),
        DIDOp(DIDOpKind.CHANGE_OWNER, value=bytes.fromhex(other.address[2:])),
    ]
    receipt = actor.send(did.address, did.encode_update(actor.address, ops))
    now = world.chain.block(receipt.block_number).timestamp
    at = {"identity": actor.address, "block": receipt.block_number}
    prev = receipt.block_number
    assert did.events(actor.address) == [
        AttributeChanged(**at, log_index=0, previous_change=0, name=NAME, value=b"\xed\x01key", valid_to=now + 1000),
        DelegateChanged(
            **at,
            log_index=1,
            previous_change=prev,
            delegate_type=STATUS_UPDATER,
            delegate=other.address,
            valid_to=now + 500,
        ),
        AttributeChanged(**at, log_index=2, previous_change=prev, name=NAME, value=b"old", valid_to=0),
        OwnerChanged(**at, log_index=3, previous_change=prev, owner=other.address),
    ]
    assert did.identity_owner(actor.address) == other.address
    assert did.valid_delegate(actor.address, STATUS_UPDATER, other.address)


def test_events_are_followed_back_over_blocks(world):
    did, actor = world.did, world.actor()
    blocks = []
    for n in range(4):
        blocks.append(
            actor.send(did.address, did.encode_set_attribute(actor.address, NAME, bytes([n]), 60)).block_number
        )
        world.actor()  # blocks in between
    events = did.events(actor.address)
    assert [(event.block, event.value) for event in events] == [(block, bytes([n])) for n, block in enumerate(blocks)]
    assert did.events(actor.address, blocks[1]) == events[:2]


def test_state_is_readable_at_a_past_block(world):
    did, actor, other = world.did, world.actor(), world.actor()
    before = world.chain.head().number
    at = actor.send(did.address, did.encode_change_owner(actor.address, other.address)).block_number
    other.send(did.address, did.encode_change_owner(actor.address, actor.address))
    assert did.identity_owner(actor.address, before) == actor.address
    assert did.identity_owner(actor.address, at) == other.address
    assert did.identity_owner(actor.address) == actor.address


@pytest.mark.threat(78)
def test_only_the_owner_writes(world):
    did, actor, stranger = world.did, world.actor(), world.actor()
    calls = [
        did.encode_set_attribute(actor.address, NAME, b"x", 1),
        did.encode_revoke_attribute(actor.address, NAME, b"x"),
        did.encode_add_delegate(actor.address, STATUS_UPDATER, stranger.address, 1),
        did.encode_revoke_delegate(actor.address, STATUS_UPDATER, stranger.address),
        did.encode_change_owner(actor.address, stranger.address),
        did.encode_update(actor.address, [DIDOp(DIDOpKind.SET_ATTRIBUTE, NAME, b"x", 1)]),
    ]
    assert [stranger.revert_of(did.address, call) for call in calls] == [selector("BadActor()")] * len(calls)


def test_deactivation_is_final(world):
    did, actor = world.did, world.actor()
    actor.send(did.address, did.encode_change_owner(actor.address, ZERO_ADDRESS))
    assert did.deactivated(actor.address)
    assert did.identity_owner(actor.address) == ZERO_ADDRESS
    again = did.encode_set_attribute(actor.address, NAME, b"zombie", 60)
    assert actor.revert_of(did.address, again) == selector("Deactivated()")
    assert [type(event) for event in did.events(actor.address)] == [OwnerChanged]


@pytest.mark.threat(78)
def test_a_signed_update_is_relayed_once_on_this_chain_alone(world):
    did, actor, relay = world.did, world.actor(), world.actor()
    ops = [DIDOp(DIDOpKind.SET_ATTRIBUTE, NAME, b"relayed", 60)]
    deadline = world.chain.head().timestamp + 3600
    digest = did.update_digest(actor.address, ops, nonce=did.nonce(actor.address), deadline=deadline)
    call = did.encode_update_signed(actor.address, ops, deadline, sign_update(actor.key, digest))
    relay.send(did.address, call)
    assert [event.value for event in did.events(actor.address)] == [b"relayed"]
    assert did.nonce(actor.address) == 1
    assert relay.revert_of(did.address, call) == selector("BadSignature()")
    late = did.encode_update_signed(actor.address, ops, 1, bytes(65))
    assert relay.revert_of(did.address, late) == selector("Expired()")


def test_an_address_without_code_is_not_a_registry(world):
    did = type(world.did)(world.chain, world.actor().address)
    with pytest.raises(ContractMissing):
        did.identity_owner(did.address)


@pytest.mark.parametrize(
    ("ops", "pointer"),
    [
        ([DIDOp(7)], "/ops/0/kind"),
        ([DIDOp(DIDOpKind.ADD_DELEGATE, NAME, b"short")], "/ops/0/value"),
        ([DIDOp(DIDOpKind.CHANGE_OWNER, value=bytes(20)), DIDOp(DIDOpKind.SET_ATTRIBUTE, NAME)], "/ops/0"),
    ],
)
def test_operations_that_the_contract_would_refuse_are_not_encoded(node_world, ops, pointer):
    with pytest.raises(InvalidArgument) as caught:
        node_world.did.encode_update(node_world.funder.address, ops)
    assert caught.value.pointer == pointer
