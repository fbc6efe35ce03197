"""The credential status registry and its client, on every backend."""

import hashlib
import random
import secrets

import pytest

from contracts.abi import selector
from contracts.did_registry import STATUS_UPDATER, ZERO_ADDRESS
from contracts.errors import InvalidArgument, StatusIndexOutOfRange, UnknownStatusList
from contracts.status_registry import ListFlag


@pytest.fixture
def issuer(world):
    return world.actor()


def make_list(world, issuer, *, bits=2, capacity=1024, irreversible=True):
    salt = secrets.token_bytes(32)
    call = world.status.encode_create_list(
        issuer.address, salt, bits=bits, capacity=capacity, irreversible=irreversible
    )
    issuer.send(world.status.address, call)
    return world.status.list_id(issuer.address, salt)


def change(world, issuer, list_id, changes, version=None):
    return issuer.send(world.status.address, world.status.encode_set_statuses(list_id, version, changes))


def pack(changes, capacity, bits):
    """A Token Status List's byte array, straight from its specification."""
    packed = bytearray(capacity * bits // 8)
    for index, status in changes.items():
        packed[index * bits // 8] |= status << (index * bits % 8)
    return bytes(packed)


def test_a_new_list_is_all_valid(world, issuer):
    list_id = make_list(world, issuer, bits=1, capacity=131_072)
    header = world.status.get_list(list_id)
    assert (header.owner, header.version, header.capacity, header.bits) == (issuer.address, 1, 131_072, 1)
    assert header.flags == ListFlag.IRREVERSIBLE
    assert header.updated_at == world.chain.head().timestamp
    assert world.status.words(list_id) == bytes(16_384)


@pytest.mark.threat(49)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_words_are_a_token_status_list(world, issuer, bits):
    capacity, draw = 1000, random.Random(bits)
    list_id = make_list(world, issuer, bits=bits, capacity=capacity, irreversible=False)
    changes = {draw.randrange(capacity): draw.randrange(1, 2**bits) for _ in range(60)}
    change(world, issuer, list_id, changes, version=1)
    snapshot = world.status.snapshot(list_id)
    assert snapshot.words == pack(changes, capacity, bits) == world.status.words(list_id)
    assert all(snapshot.status(index) == changes.get(index, 0) for index in range(capacity))
    index = max(changes)
    reading = world.status.status_of(list_id, index)
    assert (reading.status, reading.version, reading.block) == (changes[index], 2, snapshot.block)


def test_statuses_are_readable_at_a_past_block(world, issuer):
    list_id = make_list(world, issuer)
    suspended = change(world, issuer, list_id, {7: 2}).block_number
    change(world, issuer, list_id, {7: 0})
    assert world.status.status_of(list_id, 7, suspended).status == 2
    assert world.status.snapshot(list_id, suspended).status(7) == 2
    assert world.status.status_of(list_id, 7).status == 0


@pytest.mark.threat(50)
def test_a_stale_version_is_refused(world, issuer):
    list_id = make_list(world, issuer)
    change(world, issuer, list_id, {1: 1}, version=1)
    stale = world.status.encode_set_statuses(list_id, 1, {2: 1})
    expected = selector("StaleVersion(uint48)") + (2).to_bytes(32, "big")
    assert issuer.revert_of(world.status.address, stale) == expected
    anchor = world.status.encode_anchor(list_id, 1, bytes([1]) * 32)
    assert issuer.revert_of(world.status.address, anchor) == expected


def test_invalid_is_final_on_an_irreversible_list(world, issuer):
    list_id = make_list(world, issuer)
    change(world, issuer, list_id, {3: 2, 4: 1})
    change(world, issuer, list_id, {3: 0, 4: 1})
    back = world.status.encode_set_status(list_id, 4, 0)
    expected = selector("Irreversible(uint32)") + (4).to_bytes(32, "big")
    assert issuer.revert_of(world.status.address, back) == expected


@pytest.mark.threat(78)
def test_a_stranger_changes_nothing(world, issuer):
    stranger, status, list_id = world.actor(), world.status, make_list(world, issuer)
    calls = [
        status.encode_create_list(issuer.address, bytes(32), bits=1, capacity=256),
        status.encode_set_status(list_id, 1, 1),
        status.encode_set_statuses(list_id, None, {1: 1}),
        status.encode_anchor(list_id, None, bytes([1]) * 32),
        status.encode_pause(list_id, True),
        status.encode_freeze(list_id, revoke_all=True),
    ]
    expected = selector("NotAuthorized(address)") + bytes(12) + bytes.fromhex(stranger.address[2:])
    assert [stranger.revert_of(status.address, call) for call in calls] == [expected] * len(calls)
    assert status.get_list(list_id).version == 1


def test_authority_follows_the_did(world, issuer):
    heir, updater, list_id = world.actor(), world.actor(), make_list(world, issuer)
    issuer.send(world.did.address, world.did.encode_add_delegate(issuer.address, STATUS_UPDATER, updater.address, 3600))
    change(world, updater, list_id, {1: 1})
    issuer.send(world.did.address, world.did.encode_change_owner(issuer.address, heir.address))
    change(world, heir, list_id, {2: 1})
    call = world.status.encode_set_status(list_id, 3, 1)
    assert issuer.revert_of(world.status.address, call)[:4] == selector("NotAuthorized(address)")
    heir.send(world.did.address, world.did.encode_revoke_delegate(issuer.address, STATUS_UPDATER, updater.address))
    assert updater.revert_of(world.status.address, call)[:4] == selector("NotAuthorized(address)")


def test_a_deactivated_did_writes_nothing(world, issuer):
    list_id = make_list(world, issuer)
    issuer.send(world.did.address, world.did.encode_change_owner(issuer.address, ZERO_ADDRESS))
    call = world.status.encode_set_status(list_id, 3, 1)
    assert issuer.revert_of(world.status.address, call)[:4] == selector("NotAuthorized(address)")
    assert world.status.status_of(list_id, 3).status == 0


@pytest.mark.threat(47)
def test_an_anchor_names_one_document_and_moves_the_version_on(world, issuer):
    list_id, document = make_list(world, issuer), b"a signed status list"
    digest = hashlib.sha256(document).digest()
    wrong = world.status.encode_anchor(list_id, 1, digest, 0, document + b"!")
    assert issuer.revert_of(world.status.address, wrong) == selector("BadDigest()")
    receipt = issuer.send(world.status.address, world.status.encode_anchor(list_id, 1, digest, 2_000_000_000, document))
    header = world.status.get_list(list_id)
    assert (header.digest, header.version, header.anchored_version) == (digest, 2, 2)
    assert header.valid_until == 2_000_000_000
    assert document in receipt.logs[0].data
    change(world, issuer, list_id, {1: 1})
    header = world.status.get_list(list_id)
    assert (header.version, header.anchored_version) == (3, 2)


@pytest.mark.threat(79)
def test_a_paused_list_says_so(world, issuer):
    list_id = make_list(world, issuer)
    issuer.send(world.status.address, world.status.encode_pause(list_id, True))
    assert world.status.status_of(list_id, 1).flags & ListFlag.PAUSED
    assert not world.status.get_list(list_id).decided
    issuer.send(world.status.address, world.status.encode_pause(list_id, False))
    assert world.status.get_list(list_id).decided


@pytest.mark.parametrize("bits", [1, 2, 8])
def test_the_kill_switch_revokes_every_entry(world, issuer, bits):
    list_id = make_list(world, issuer, bits=bits, capacity=1000)
    issuer.send(world.status.address, world.status.encode_freeze(list_id, revoke_all=True))
    snapshot = world.status.snapshot(list_id)
    assert {snapshot.status(index) for index in range(1000)} == {1}
    assert len(snapshot.words) == 1000 * bits // 8
    assert world.status.status_of(list_id, 999).status == 1
    call = world.status.encode_set_status(list_id, 1, 1)
    assert issuer.revert_of(world.status.address, call)[:4] == selector("Locked(uint8)")


@pytest.mark.threat(45)
def test_unknown_lists_and_indices_are_never_valid(world, issuer):
    list_id, nowhere = make_list(world, issuer), secrets.token_bytes(32)
    assert world.status.get_list(nowhere) is None
    with pytest.raises(UnknownStatusList):
        world.status.status_of(nowhere, 0)
    with pytest.raises(UnknownStatusList):
        world.status.words(nowhere)
    for index in (-1, 1024, 2**32):
        with pytest.raises(StatusIndexOutOfRange):
            world.status.status_of(list_id, index)
        with pytest.raises(StatusIndexOutOfRange):
            world.status.snapshot(list_id).status(index)


def test_the_longest_list_is_read_whole(world, issuer):
    list_id = make_list(world, issuer, bits=1, capacity=1_048_576)
    change(world, issuer, list_id, {0: 1, 131_072: 1, 1_048_575: 1})
    words = world.status.words(list_id)
    assert len(words) == 131_072
    assert {at for at, byte in enumerate(words) if byte} == {0, 16_384, 131_071}


def test_copied_slots_equal_the_contract_s_answer(node_world):
    """The node's fast path skips the EVM; it must read what the contract would have said."""
    issuer = node_world.actor()
    list_id = make_list(node_world, issuer, bits=4, capacity=5000, irreversible=False)
    change(node_world, issuer, list_id, {index: index % 15 + 1 for index in range(0, 5000, 61)})
    number = node_world.chain.head().number
    header = node_world.status.get_list(list_id)
    called = node_world.status._called(list_id, 0, 79, number)
    by_contract = b"".join(called[i : i + 32][::-1] for i in range(0, len(called), 32))[: header.capacity // 2]
    assert node_world.status.words(list_id) == by_contract


@pytest.mark.parametrize(
    "arguments",
    [
        {"bits": 3, "capacity": 256},
        {"bits": 1, "capacity": 0},
        {"bits": 1, "capacity": 7},
        {"bits": 8, "capacity": 131_073},
    ],
)
def test_impossible_lists_are_not_encoded(node_world, arguments):
    with pytest.raises(InvalidArgument):
        node_world.status.encode_create_list(node_world.funder.address, bytes(32), **arguments)


@pytest.mark.parametrize("changes", [{}, {-1: 1}, {2**32: 1}, {1: 256}, {1: -1}])
def test_impossible_changes_are_not_encoded(node_world, changes):
    with pytest.raises(InvalidArgument):
        node_world.status.encode_set_statuses(bytes(32), None, changes)
