"""What the in-process chain keeps: through kills, reopening, and attempts to open it twice."""

import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from contracts.chain import Chain
from contracts.deployment import deploy
from contracts.did_registry import DIDRegistry
from contracts.errors import (
    ChainIdMismatch,
    ChainUnavailable,
    InvalidArgument,
    NodeClosed,
    NodeCorrupted,
    NodeLocked,
    TransactionRejected,
)
from contracts.node import Node
from contracts.transactions import address_of, sign_transaction

KEY = b"\x07" * 32
SENDER = address_of(KEY)
ROOT = Path(__file__).resolve().parents[2]
FUND = {SENDER: 10**24}


def transfer(nonce, key=KEY):
    fields = {"chain_id": 1337, "to": SENDER, "data": b"", "gas": 21_000, "max_fee": 10**10, "priority_fee": 1}
    return sign_transaction(key, nonce=nonce, **fields)


@pytest.mark.threat(87)
def test_killing_the_writer_loses_no_acknowledged_transaction(tmp_path):
    path, draw, acknowledged = tmp_path / "chain.sqlite", random.Random(5), []
    for _ in range(4):
        command = [sys.executable, str(Path(__file__).with_name("killed_writer.py")), str(path), KEY.hex()]
        with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as child:
            acknowledged.append(child.stdout.readline().decode().strip())
            time.sleep(draw.uniform(0.02, 0.4))
            child.kill()
            acknowledged += [line.decode().strip() for line in child.stdout if line.endswith(b"\n")]
        with Node.open(path, fund=FUND) as node:
            chain = Chain(node, chain_id=1337)
            head = chain.head().number
            mined = [
                tx
                for n in range(head + 1)
                for tx in node.request("eth_getBlockByNumber", [hex(n), False])["transactions"]
            ]
            assert len(mined) == len(set(mined))
            assert set(acknowledged) <= set(mined)
            # At most the one in flight when the kill came was mined without being acknowledged.
            assert len(mined) <= len(acknowledged) + 1
            assert chain.nonce(SENDER) == len(mined)
            acknowledged = mined
            assert node.verify().transactions == len(mined)
    assert len(acknowledged) > 10


@pytest.mark.threat(75)
def test_a_second_opener_is_refused_until_the_first_is_gone(tmp_path):
    path = tmp_path / "chain.sqlite"
    with Node.open(path):
        with pytest.raises(NodeLocked):
            Node.open(path)
        program = "import sys,pathlib,contracts.node as n\nn.Node.open(pathlib.Path(sys.argv[1]))"
        child = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        assert b"NodeLocked" in child.stderr
    Node.open(path).close()


def test_reopening_continues_the_same_chain(tmp_path):
    path = tmp_path / "chain.sqlite"
    with Node.open(path, fund=FUND) as node:
        deployment = deploy(Chain(node), KEY)
        before = node.request("eth_getBlockByNumber", ["latest", True])
    with Node.open(path, fund={}) as node:
        assert node.request("eth_getBlockByNumber", ["latest", True]) == before
        assert Chain(node).code(deployment.did_registry)
        node.request("eth_sendRawTransaction", ["0x" + transfer(2).raw.hex()])
        assert node.request("eth_blockNumber", []) == hex(int(before["number"], 16) + 1)
        assert node.verify().blocks == int(before["number"], 16) + 2


def test_a_stored_chain_keeps_its_id(tmp_path):
    path = tmp_path / "chain.sqlite"
    Node.open(path, chain_id=1337).close()
    with pytest.raises(ChainIdMismatch):
        Node.open(path, chain_id=1338)
    Node.open(path, chain_id=1337).close()


def test_a_file_that_is_no_chain_is_refused(tmp_path):
    path = tmp_path / "chain.sqlite"
    path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(NodeCorrupted):
        Node.open(path)
    newer = tmp_path / "newer.sqlite"
    Node.open(newer).close()
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(NodeCorrupted):
        Node.open(newer)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE log SET data = x'00' WHERE log_index = 0",
        "DELETE FROM tx WHERE block = 3",
        "UPDATE meta SET value = replace(value, '1000000000000000000000000', '2000000000000000000000000')",
    ],
)
def test_verify_finds_what_was_tampered_with(tmp_path, tamper):
    path = tmp_path / "chain.sqlite"
    with Node.open(path, fund=FUND) as node:
        deployment = deploy(Chain(node), KEY)
        call = DIDRegistry(Chain(node), deployment.did_registry).encode_set_attribute(SENDER, bytes(32), b"x", 1)
        fields = {"chain_id": 1337, "gas": 200_000, "max_fee": 10**10, "priority_fee": 1}
        signed = sign_transaction(KEY, nonce=2, to=deployment.did_registry, data=call, **fields)
        Chain(node).wait_for_receipt(Chain(node).send_raw(signed.raw))
        node.verify()
    with sqlite3.connect(path) as db:
        db.execute(tamper)
    db.close()
    with Node.open(path) as node, pytest.raises(NodeCorrupted):
        node.verify()


def test_a_failed_commit_leaves_the_chain_as_it_was(tmp_path):
    """A full disk, say: nothing of the block may stay, in the file or in memory."""
    with Node.open(tmp_path / "chain.sqlite", fund=FUND) as node:
        database = node._ledger.database
        database.connection.execute("PRAGMA max_page_count=1")
        refused = -1
        with pytest.raises(ChainUnavailable):  # noqa: PT012 -- which of the blocks meets the full disk is SQLite's to say
            for refused in range(200):
                before = node.request("eth_getBlockByNumber", ["latest", False])
                Chain(node).send_raw(transfer(refused).raw)
        assert node.request("eth_getBlockByNumber", ["latest", False]) == before
        assert Chain(node).nonce(SENDER) == refused
        database.connection.execute("PRAGMA max_page_count=1000000")
        Chain(node).send_raw(transfer(refused).raw)
        assert Chain(node).nonce(SENDER) == refused + 1
        node.verify()


def test_block_times_are_the_clock_s_and_always_later():
    now = [1_800_000_000.0]
    with Node.open(Path(":memory:"), fund=FUND, clock=lambda: now[0]) as node:
        chain, times = Chain(node), []
        for nonce, at in enumerate([1_800_000_000.0, 1_800_000_000.5, 1_800_000_100.0, 1_700_000_000.0]):
            now[0] = at
            chain.send_raw(transfer(nonce).raw)
            times.append(chain.head().timestamp)
    assert times == [1_800_000_000, 1_800_000_001, 1_800_000_100, 1_800_000_101]


def test_threads_share_one_chain():
    keys = [bytes([n]) * 32 for n in range(1, 5)]
    with Node.open(Path(":memory:"), fund={address_of(key): 10**24 for key in keys}) as node:

        def send(key):
            for nonce in range(10):
                Chain(node).send_raw(transfer(nonce, key).raw)

        threads = [threading.Thread(target=send, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [Chain(node).nonce(address_of(key)) for key in keys] == [10] * 4
        assert node.verify().transactions == 40


def test_a_rejected_transaction_adds_no_block():
    with Node.open(Path(":memory:"), fund=FUND) as node:
        chain = Chain(node)
        with pytest.raises(TransactionRejected) as caught:
            chain.send_raw(transfer(3).raw)
        assert caught.value.reason == "nonce_too_high"
        assert chain.head().number == 0


def test_a_closed_node_says_so(tmp_path):
    node = Node.open(tmp_path / "chain.sqlite")
    node.close()
    node.close()
    with pytest.raises(NodeClosed):
        node.request("eth_chainId", [])


@pytest.mark.parametrize("arguments", [{"chain_id": 0}, {"fund": {"0x12": 1}}, {"fund": {SENDER: -1}}])
def test_an_impossible_genesis_is_refused(tmp_path, arguments):
    path = tmp_path / "chain.sqlite"
    with pytest.raises(InvalidArgument):
        Node.open(path, **arguments)
    Node.open(path).close()
