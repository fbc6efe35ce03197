"""Revoke, suspend, reinstate, and what a verifier then reads from the chain alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.tables import AuditRow
from app.credentials.configurations import CONFIGURATIONS
from app.credentials.states import CredentialNotFound, CredentialRevoked, IssuedCredential, UnknownReason
from app.credentials.status_source import ForeignRegistry, RegistryStatusSource
from app.ledger.tables import LedgerJobRow
from app.wiring import Wiring
from contracts.chain import Chain
from contracts.errors import ChainUnavailable
from contracts.rpc import Transport
from contracts.status_registry import CredentialStatusRegistry
from did.errors import StatusIndexOutOfRange
from did.status import RegistryStatusEntry, entry_from_vc
from did.verify import Policy, Verified, Verifier

Issue = Callable[..., IssuedCredential]
Verify = Callable[..., Verified]


class RewritingTransport:
    """The real node, with one thing changed about how it answers."""

    def __init__(self, node: Transport, rewrite: Callable[[str, list[Any]], list[Any]]) -> None:
        self._node = node
        self._rewrite = rewrite

    def request(self, method: str, params: Sequence[Any]) -> Any:
        return self._node.request(method, self._rewrite(method, list(params)))

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        return [self.request(method, params) for method, params in calls]


def entry_of(issued: IssuedCredential) -> RegistryStatusEntry:
    assert isinstance(issued.credential, dict)
    document: dict[str, Any] = issued.credential
    return entry_from_vc(document["credentialStatus"][0])


def verifier_over(wiring: Wiring, transport: Transport) -> Verifier:
    """A verifier that reads status through another transport."""
    registry = CredentialStatusRegistry(Chain(transport, chain_id=1337), wiring.status_registry.address)
    return Verifier(wiring.resolver, RegistryStatusSource(registry))


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_life_of_a_credential(issue: Issue, verify: Verify, wiring: Wiring, configuration: str) -> None:
    issued = issue(configuration)
    wiring.credentials.suspend(issued.credential_id, reason="under_investigation", actor="test")
    assert wiring.flush()
    assert verify(issued.credential).verdict.reasons() == ["suspended"]
    wiring.credentials.reinstate(issued.credential_id, reason="investigation_closed", actor="test")
    wiring.flush()
    assert verify(issued.credential).verdict.outcome == "valid"
    wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="test")
    wiring.flush()
    found = verify(issued.credential).verdict
    assert (found.outcome, found.reasons()) == ("invalid", ["revoked"])


def test_change_is_answered_before_the_chain_and_anchored_after(issue: Issue, wiring: Wiring) -> None:
    issued = issue()
    change = wiring.credentials.revoke(issued.credential_id, reason="document_lost", actor="test")
    before = wiring.credentials.get(issued.credential_id, livemode=None)
    assert (before.state, before.anchor and before.anchor.state) == ("revoked", "queued")
    wiring.flush()
    after = wiring.credentials.get(issued.credential_id, livemode=None)
    assert after.anchor is not None
    assert (after.anchor.id, after.anchor.state) == (change.job_id, "final")
    receipt = wiring.chain.receipt(str(after.anchor.transaction_hash))
    assert receipt is not None
    assert receipt.status == 1


def test_revoked_is_final(issue: Issue, wiring: Wiring) -> None:
    issued = issue()
    wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="test")
    for verb in (wiring.credentials.suspend, wiring.credentials.reinstate):
        with pytest.raises(CredentialRevoked):
            verb(issued.credential_id, reason="other", actor="test")


def test_repetition_changes_nothing_and_answers_with_the_first_change(issue: Issue, wiring: Wiring) -> None:
    issued = issue()
    first = wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="test")
    second = wiring.credentials.revoke(issued.credential_id, reason="document_lost", actor="test")
    assert first.changed
    assert not second.changed
    assert second.job_id == first.job_id
    view = wiring.credentials.get(issued.credential_id, livemode=None)
    assert view.state_reason == "fraud"


def test_reinstating_what_is_not_suspended_changes_nothing(issue: Issue, wiring: Wiring) -> None:
    change = wiring.credentials.reinstate(issue().credential_id, reason="other", actor="test")
    assert (change.changed, change.job_id) == (False, None)


def test_dry_run_tells_and_does_nothing(issue: Issue, wiring: Wiring) -> None:
    issued = issue()
    change = wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="test", dry_run=True)
    assert (change.from_state, change.to_state, change.changed) == ("active", "revoked", True)
    assert wiring.credentials.get(issued.credential_id, livemode=None).state == "active"
    assert not wiring.flush()


def test_chunk_with_one_unknown_id_changes_nothing(issue: Issue, wiring: Wiring) -> None:
    issued = issue()
    with pytest.raises(CredentialNotFound):
        wiring.credentials.change_many([issued.credential_id, "cred_no"], "revoked", reason="fraud", actor="test")
    assert wiring.credentials.get(issued.credential_id, livemode=None).state == "active"
    with wiring.database.reading() as session:
        assert session.scalar(select(LedgerJobRow.id).where(LedgerJobRow.kind == "status")) is None


def test_unknown_reason_is_refused(issue: Issue, wiring: Wiring) -> None:
    with pytest.raises(UnknownReason) as caught:
        wiring.credentials.revoke(issue().credential_id, reason="because", actor="test")
    assert "document_lost" in caught.value.detail


def test_every_change_has_its_audit_row_and_no_note_in_it(issue: Issue, wiring: Wiring) -> None:
    issued = issue()
    wiring.credentials.suspend(issued.credential_id, reason="other", note="called by a neighbour", actor="key:ak_1")
    with wiring.database.reading() as session:
        rows = list(session.scalars(select(AuditRow).where(AuditRow.subject == issued.credential_id)))
        assert [(row.action, row.actor) for row in rows] == [
            ("credential.issued", "test"),
            ("credential.suspended", "key:ak_1"),
        ]
        assert "neighbour" not in str([row.detail for row in rows])
        assert wiring.audit.verify(session) is None


@pytest.mark.threat(46)
def test_unreachable_chain_is_never_valid(issue: Issue, wiring: Wiring) -> None:
    def refuse(method: str, params: list[Any]) -> list[Any]:
        raise ChainUnavailable("no answer")

    assert wiring.node is not None
    credential = issue().credential
    verifier = verifier_over(wiring, RewritingTransport(wiring.node, refuse))
    found = verifier.verify(credential, Policy(now=datetime.now(UTC))).verdict
    assert (found.outcome, found.reasons()) == ("indeterminate", ["status_unknown"])


def test_registry_of_somebody_else_is_not_asked(issue: Issue, wiring: Wiring) -> None:
    entry = entry_of(issue())
    for changed in (
        RegistryStatusEntry(1, entry.registry, entry.list_id, entry.index),
        RegistryStatusEntry(entry.chain_id, wiring.did_registry.address.lower(), entry.list_id, entry.index),
    ):
        with pytest.raises(ForeignRegistry):
            wiring.status_source.status(changed)


@pytest.mark.threat(45)
def test_index_beyond_the_list_is_a_failure_not_a_status(issue: Issue, wiring: Wiring) -> None:
    entry = entry_of(issue())
    for index in (131_072, 2**32 - 1, 2**40):
        with pytest.raises(StatusIndexOutOfRange):
            wiring.status_source.status(RegistryStatusEntry(entry.chain_id, entry.registry, entry.list_id, index))


def test_unknown_list_is_unknown(issue: Issue, wiring: Wiring) -> None:
    entry = entry_of(issue())
    answer = wiring.status_source.status(RegistryStatusEntry(entry.chain_id, entry.registry, "0x" + "11" * 32, 0))
    assert answer.status is None


def test_revoked_counts_at_latest_and_valid_only_when_safe(issue: Issue, wiring: Wiring) -> None:
    """The node's safe block is held back, as on a chain whose blocks take time to become safe."""
    assert wiring.node is not None
    issued = issue()
    safe_block = hex(wiring.chain.head().number)

    def hold_back(method: str, params: list[Any]) -> list[Any]:
        return [safe_block if value == "safe" else value for value in params]

    verifier = verifier_over(wiring, RewritingTransport(wiring.node, hold_back))
    policy = Policy(now=datetime.now(UTC))
    wiring.credentials.suspend(issued.credential_id, reason="other", actor="test")
    wiring.flush()
    assert verifier.verify(issued.credential, policy).verdict.reasons() == ["suspended"]
    safe_block = hex(wiring.chain.head().number)
    wiring.credentials.reinstate(issued.credential_id, reason="other", actor="test")
    wiring.flush()
    assert verifier.verify(issued.credential, policy).verdict.reasons() == ["suspended"]
    safe_block = hex(wiring.chain.head().number)
    assert verifier.verify(issued.credential, policy).verdict.outcome == "valid"


def test_paused_list_is_unknown_and_killed_list_is_revoked(issue: Issue, verify: Verify, wiring: Wiring) -> None:
    issued = issue()
    list_id = bytes.fromhex(entry_of(issued).list_id[2:])

    def call(key: str, data: bytes) -> None:
        with wiring.database.transaction() as session:
            wiring.ledger.enqueue_call(session, key=key, purpose=key, to=wiring.status_registry.address, data=data)
        wiring.flush()

    call("pause", wiring.status_registry.encode_pause(list_id, True))
    assert verify(issued.credential).verdict.outcome == "indeterminate"
    call("unpause", wiring.status_registry.encode_pause(list_id, False))
    assert verify(issued.credential).verdict.outcome == "valid"
    call("kill", wiring.status_registry.encode_freeze(list_id, revoke_all=True))
    assert verify(issued.credential).verdict.reasons() == ["revoked"]
