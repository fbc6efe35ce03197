"""The outbox against a real chain that misbehaves: exactly once, whatever is lost in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from app.credentials.states import IssuedCredential
from app.ledger.batches import MAX_CHANGES
from app.ledger.sender import Sender
from app.ledger.tables import ChainTransactionRow, LedgerJobRow
from app.wiring import Wiring
from contracts.chain import Chain
from contracts.did_registry import STATUS_UPDATER
from contracts.errors import ChainUnavailable
from contracts.status_registry import CredentialStatusRegistry
from contracts.transactions import address_of, sign_transaction

Issue = Callable[..., IssuedCredential]


class Interfering:
    """The real node behind a transport that a test can make fail at one method, before or after it took effect."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.fail_before: set[str] = set()
        self.fail_after: set[str] = set()
        self.hide_receipts = False

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if method in self.fail_before:
            raise ChainUnavailable("the line was cut before")
        answer = self.node.request(method, params)
        if method in self.fail_after:
            raise ChainUnavailable("the line was cut after")
        if method == "eth_getTransactionReceipt" and self.hide_receipts:
            return None
        return answer

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        return [self.request(method, params) for method, params in calls]


@pytest.fixture
def line(wiring: Wiring) -> Interfering:
    return Interfering(wiring.node)


@pytest.fixture
def sender(wiring: Wiring, line: Interfering) -> Sender:
    chain = Chain(line, chain_id=1337)
    made = Sender(
        database=wiring.database,
        clock=wiring.clock,
        chain=chain,
        private_key=wiring.keys.controller.private_bytes(),
        lock_dir=wiring.settings.data_dir,
        confirmations=1,
    )
    made.status_registry = CredentialStatusRegistry(chain, wiring.status_registry.address)
    return made


def place(wiring: Wiring, issued: IssuedCredential) -> tuple[bytes, int]:
    view = wiring.credentials.get(issued.credential_id, livemode=None)
    return bytes.fromhex(view.list_id[2:]), view.list_index


def on_chain(wiring: Wiring, issued: IssuedCredential) -> int:
    list_id, index = place(wiring, issued)
    return wiring.status_registry.status_of(list_id, index).status


def transactions(wiring: Wiring) -> list[ChainTransactionRow]:
    with wiring.database.reading() as session:
        rows = list(session.scalars(select(ChainTransactionRow).order_by(ChainTransactionRow.nonce)))
        session.expunge_all()
    return rows


def test_many_changes_travel_in_one_transaction(wiring: Wiring, issue: Issue) -> None:
    issued = [issue("person_identity_ldp_jcs") for _ in range(30)]
    before = len(transactions(wiring))
    wiring.credentials.change_many([item.credential_id for item in issued], "revoked", reason="fraud", actor="t")
    wiring.flush()
    assert len(transactions(wiring)) == before + 1
    assert {on_chain(wiring, item) for item in issued} == {1}


def test_batch_is_bounded_and_keeps_the_last_word(wiring: Wiring) -> None:
    list_id = wiring.status_lists.known(_only_list(wiring)).id
    with wiring.database.transaction() as session:
        for number in range(MAX_CHANGES + 5):
            wiring.ledger.enqueue_status(session, key=f"a{number}", list_id=list_id, index=number * 256, status=2)
        wiring.ledger.enqueue_status(session, key="later", list_id=list_id, index=0, status=0)
    before = len(transactions(wiring))
    wiring.flush()
    assert len(transactions(wiring)) == before + 2
    snapshot = wiring.status_registry.snapshot(bytes.fromhex(list_id[2:]))
    assert snapshot.status(0) == 0
    assert {snapshot.status(number * 256) for number in range(1, MAX_CHANGES + 5)} == {2}


def _only_list(wiring: Wiring) -> str:
    with wiring.database.reading() as session:
        key = session.scalar(select(LedgerJobRow.key).where(LedgerJobRow.purpose == "createList"))
    assert key is not None
    return key.removeprefix("list:")


@pytest.mark.parametrize("cut", ["fail_before", "fail_after"])
def test_cut_line_at_sending_neither_loses_nor_doubles(
    wiring: Wiring, issue: Issue, sender: Sender, line: Interfering, cut: str
) -> None:
    issued = issue()
    wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="t")
    getattr(line, cut).add("eth_sendRawTransaction")
    with pytest.raises(ChainUnavailable):
        sender.flush()
    getattr(line, cut).clear()
    sender.flush()
    assert on_chain(wiring, issued) == 1
    rows = transactions(wiring)
    assert [row.nonce for row in rows] == list(range(len(rows)))
    assert {row.state for row in rows} == {"final"}
    assert wiring.chain.nonce(sender.address) == len(rows)


def test_outage_before_signing_leaves_the_job_queued(
    wiring: Wiring, issue: Issue, sender: Sender, line: Interfering
) -> None:
    issued = issue()
    wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="t")
    line.fail_before.add("eth_estimateGas")
    with pytest.raises(ChainUnavailable):
        sender.flush()
    assert wiring.ledger.backlog().waiting == 1
    line.fail_before.clear()
    sender.flush()
    assert on_chain(wiring, issued) == 1


def test_nonce_taken_by_another_transaction_queues_the_job_again(
    wiring: Wiring, issue: Issue, sender: Sender, line: Interfering
) -> None:
    issued = issue()
    wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="t")
    line.fail_before.add("eth_sendRawTransaction")
    with pytest.raises(ChainUnavailable):
        sender.flush()
    line.fail_before.clear()
    fees = wiring.chain.fees()
    foreign = sign_transaction(
        wiring.keys.controller.private_bytes(),
        chain_id=1337,
        nonce=wiring.chain.nonce(sender.address),
        to=sender.address,
        data=b"",
        gas=21_000,
        max_fee=fees.max_fee,
        priority_fee=fees.priority,
    )
    wiring.chain.send_raw(foreign.raw)
    sender.flush()
    assert on_chain(wiring, issued) == 1
    assert [row.state for row in transactions(wiring)][-2:] == ["failed", "final"]


def test_list_changed_by_a_delegate_meanwhile_is_read_again(
    wiring: Wiring, issue: Issue, sender: Sender, line: Interfering
) -> None:
    """The stored transaction builds on a version that is gone when it is mined: it reverts, and the job goes again."""
    first, second = issue(), issue()
    write = _delegate(wiring)
    wiring.credentials.revoke(first.credential_id, reason="fraud", actor="t")
    line.fail_before.add("eth_sendRawTransaction")
    with pytest.raises(ChainUnavailable):
        sender.flush()
    line.fail_before.clear()
    list_id, index = place(wiring, second)
    write(wiring.status_registry.encode_set_status(list_id, index, 2))
    sender.flush()
    assert [(row.state, row.note) for row in transactions(wiring)][-2:] == [("failed", "reverted"), ("final", None)]
    assert (on_chain(wiring, first), on_chain(wiring, second)) == (1, 2)


def _delegate(wiring: Wiring) -> Callable[[bytes], None]:
    """Entitle another key to write the issuer's lists, fund it, and return what writes with it."""
    delegate = b"\x07" * 32
    address = address_of(delegate)
    with wiring.database.transaction() as session:
        data = wiring.did_registry.encode_add_delegate(wiring.sender.address, STATUS_UPDATER, address, 3600)
        wiring.ledger.enqueue_call(session, key="d", purpose="delegate", to=wiring.did_registry.address, data=data)
    wiring.flush()
    fees = wiring.chain.fees()
    common: dict[str, int] = {"chain_id": 1337, "max_fee": fees.max_fee, "priority_fee": fees.priority, "gas": 200_000}
    key, nonce = wiring.keys.controller.private_bytes(), wiring.chain.nonce(wiring.sender.address)
    wiring.chain.send_raw(sign_transaction(key, nonce=nonce, to=address, data=b"", value=10**17, **common).raw)

    def write(payload: bytes) -> None:
        to = wiring.status_registry.address
        wiring.chain.send_raw(sign_transaction(delegate, nonce=0, to=to, data=payload, **common).raw)

    return write


def test_reorganised_transaction_is_sent_again(
    wiring: Wiring, issue: Issue, line: Interfering, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(line, chain_id=1337)
    slow = Sender(
        database=wiring.database,
        clock=wiring.clock,
        chain=chain,
        private_key=wiring.keys.controller.private_bytes(),
        lock_dir=wiring.settings.data_dir,
        confirmations=3,
    )
    slow.status_registry = CredentialStatusRegistry(chain, wiring.status_registry.address)
    issued = issue()
    change = wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="t")
    slow.flush()
    assert change.job_id is not None
    assert wiring.ledger.state(change.job_id).state == "mined"
    line.hide_receipts = True
    slow._settlement.settle()
    assert wiring.ledger.state(change.job_id).state == "submitted"
    line.hide_receipts = False
    slow.flush()
    assert wiring.ledger.state(change.job_id).state == "mined"
    for _ in range(2):
        wiring.credentials.suspend(issue().credential_id, reason="other", actor="t")
        slow.flush()
    assert wiring.ledger.state(change.job_id).state == "final"


def test_entry_that_the_contract_refuses_fails_alone(wiring: Wiring, issue: Issue) -> None:
    revoked, other = issue(), issue()
    wiring.credentials.revoke(revoked.credential_id, reason="fraud", actor="t")
    wiring.flush()
    list_id, index = place(wiring, revoked)
    with wiring.database.transaction() as session:
        impossible = wiring.ledger.enqueue_status(
            session, key="undo", list_id="0x" + list_id.hex(), index=index, status=0
        )
    wiring.credentials.suspend(other.credential_id, reason="other", actor="t")
    wiring.flush()
    assert (wiring.ledger.state(impossible).state, wiring.ledger.state(impossible).reason) == ("failed", "Irreversible")
    assert on_chain(wiring, other) == 2
    assert wiring.ledger.backlog().failed == 1


def test_frozen_list_keeps_changes_waiting_and_says_why(wiring: Wiring, issue: Issue) -> None:
    issued = issue()
    list_id, _ = place(wiring, issued)
    with wiring.database.transaction() as session:
        data = wiring.status_registry.encode_freeze(list_id, revoke_all=False)
        wiring.ledger.enqueue_call(session, key="f", purpose="freeze", to=wiring.status_registry.address, data=data)
    wiring.flush()
    wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="t")
    wiring.flush()
    assert wiring.ledger.backlog().waiting == 1
    assert wiring.ledger.last_reason() == "would revert: Locked"


def test_same_intention_is_one_job(wiring: Wiring) -> None:
    with wiring.database.transaction() as session:
        call = {"purpose": "x", "to": wiring.sender.address, "data": b""}
        assert wiring.ledger.enqueue_call(session, key="k", **call) == wiring.ledger.enqueue_call(
            session, key="k", **call
        )
