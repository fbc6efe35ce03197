"""Reading and sending through `Chain`, on every backend."""

import secrets

import pytest

from contracts.abi import event_topic, selector
from contracts.chain import Chain
from contracts.errors import (
    BlockNotFound,
    CallReverted,
    ChainIdMismatch,
    InvalidArgument,
    TransactionRejected,
    TransactionReverted,
)

NAME = bytes(32)
ATTRIBUTE = event_topic("DIDAttributeChanged(address,bytes32,bytes,uint256,uint256)")


@pytest.mark.threat(76)
def test_another_chain_s_id_is_fatal(world):
    wrong = Chain(world.transport, chain_id=1)
    for read in (lambda: wrong.chain_id, wrong.head, lambda: wrong.code(world.did.address)):
        with pytest.raises(ChainIdMismatch):
            read()


def test_blocks_are_read_by_tag_and_number(world):
    head = world.chain.head()
    assert world.chain.block(head.number) == head
    assert world.chain.block(head.number - 1).hash == head.parent_hash
    assert world.chain.block(head.number - 1).timestamp <= head.timestamp
    assert world.chain.head("earliest").number == 0
    with pytest.raises(BlockNotFound):
        world.chain.block(head.number + 1000)
    with pytest.raises(InvalidArgument):
        world.chain.head("newest")


def test_sending_the_same_bytes_again_is_a_success(world):
    actor = world.actor()
    raw = actor.sign(actor.address, b"", gas=21_000)
    tx_hash = world.chain.send_raw(raw)
    receipt = world.chain.wait_for_receipt(tx_hash)
    assert world.chain.send_raw(raw) == tx_hash
    assert world.chain.receipt(tx_hash) == receipt
    assert world.chain.nonce(actor.address) == 1


@pytest.mark.threat(75)
@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"nonce": 0}, "nonce_too_low"),
        ({"gas": 17_000_000}, "gas_limit"),
        ({"gas": 20_000}, "gas_limit"),
        ({"value": 10**19}, "insufficient_funds"),
        ({"max_fee": 1, "priority_fee": 1}, "underpriced"),
        ({"chain_id": 5}, "invalid"),
    ],
)
def test_a_transaction_that_cannot_be_mined_is_refused_with_a_reason(world, over, reason):
    actor = world.actor()
    actor.send(actor.address, gas=21_000)
    with pytest.raises(TransactionRejected) as caught:
        world.chain.send_raw(actor.sign(actor.address, b"", **({"gas": 21_000} | over)))
    assert caught.value.reason == reason
    assert world.chain.nonce(actor.address, "latest") == 1


def test_garbage_is_refused(world):
    for raw in (b"", b"\x00", b"\x02\xc0", b"\xc0", secrets.token_bytes(200), b"\x03" + bytes(10)):
        with pytest.raises(TransactionRejected):
            world.chain.send_raw(raw)


def test_a_reverted_transaction_is_mined_and_says_so(world):
    actor, stranger = world.actor(), world.actor()
    raw = stranger.sign(world.did.address, world.did.encode_set_attribute(actor.address, NAME, b"", 1))
    tx_hash = world.chain.send_raw(raw)
    with pytest.raises(TransactionReverted):
        world.chain.wait_for_receipt(tx_hash)
    receipt = world.chain.receipt(tx_hash)
    assert (receipt.status, receipt.logs) == (0, ())


def test_a_revert_carries_its_data(world):
    with pytest.raises(CallReverted) as caught:
        world.chain.call(world.status.address, selector("getList(bytes32)") + bytes(32))
    assert caught.value.data == selector("UnknownList()")


def test_an_estimate_is_enough_and_not_much_more(world):
    actor = world.actor()
    call = world.did.encode_set_attribute(actor.address, NAME, b"x" * 100, 60)
    gas = world.chain.estimate({"from": actor.address, "to": world.did.address, "data": "0x" + call.hex()})
    receipt = actor.send(world.did.address, call, gas=gas)
    assert receipt.gas_used <= gas <= receipt.gas_used * 1.1


def test_logs_are_found_by_address_topic_and_range(world):
    actor, other = world.actor(), world.actor()
    blocks = [
        who.send(world.did.address, world.did.encode_set_attribute(who.address, NAME, b"", 1)).block_number
        for who in (actor, other, actor)
    ]
    whose = bytes(12) + bytes.fromhex(actor.address[2:])
    both = [whose, bytes(12) + bytes.fromhex(other.address[2:])]

    head = world.chain.head().number

    def found(topics, first=0, last=head):
        return [log.block for log in world.chain.logs(world.did.address, topics, first, last)]

    assert found([ATTRIBUTE, whose]) == [blocks[0], blocks[2]]
    assert found([None, both]) == blocks
    assert found([[ATTRIBUTE, NAME], whose], last=blocks[1]) == blocks[:1]
    assert found([NAME, whose]) == []
    assert found([ATTRIBUTE, whose], first=blocks[1], last=blocks[1]) == []
    assert found([], first=5, last=4) == []
    log = world.chain.logs(world.did.address, [ATTRIBUTE, whose], blocks[0], blocks[0])[0]
    assert log == world.chain.receipt(log.tx_hash).logs[0]
    assert log.block_hash == world.chain.block(log.block).hash


def test_balances_fees_and_code(world):
    actor = world.actor()
    assert world.chain.balance(actor.address) == 10**18
    assert world.chain.code(actor.address) == b""
    fees = world.chain.fees()
    assert fees.max_fee > fees.priority > 0
    start = world.chain.head().number
    receipt = actor.send(world.funder.address, value=5, gas=21_000)
    assert receipt.gas_used == 21_000
    assert world.chain.balance(actor.address) < 10**18 - 5
    assert world.chain.balance(actor.address, start) == 10**18
