"""kill -9 at random moments, many times: what was acknowledged is there once, and nothing is half there.

The child is forked from this process, so that a start costs no imports and more kills fit into the time; it says on a
pipe what it has been told is done, one line each, after the call that did it returned.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.audit.tables import AuditRow
from app.bootstrap.tables import DeploymentRow
from app.credentials.tables import CredentialRow, StatusChangeRow, StatusListRow
from app.ledger.tables import ChainTransactionRow, LedgerJobRow
from app.settings import Settings
from app.wiring import Wiring, build

CODES = {"active": 0, "revoked": 1, "suspended": 2}


def _work(settings: Settings, issue: Callable[[Wiring], str], say: Callable[[str], None]) -> None:
    with build(settings) as wiring:
        say("started")
        while True:
            credential_id = issue(wiring)
            say(f"issued {credential_id}")
            wiring.credentials.suspend(credential_id, reason="other", actor="race")
            say(f"suspended {credential_id}")
            if random.random() < 0.5:
                wiring.flush()
            wiring.credentials.revoke(credential_id, reason="fraud", actor="race")
            say(f"revoked {credential_id}")
            if random.random() < 0.5:
                wiring.flush()


def _run_and_kill(settings: Settings, issue: Callable[[Wiring], str], after_s: float) -> list[str]:
    """Fork a child that works, kill it, and return what it acknowledged."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        random.seed(os.getpid())
        with contextlib.suppress(BaseException):
            _work(settings, issue, lambda line: _say(writable, line))
        os._exit(3)
    os.close(writable)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(readable) as pipe:
        said = pipe.read().splitlines()
    assert os.WIFSIGNALED(status), "the child ended by itself: a start after a kill failed"
    return said


def _say(descriptor: int, line: str) -> None:
    os.write(descriptor, f"{line}\n".encode())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(tmp_path: Path, issue_in: Callable[[Wiring], str]) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    said: list[str] = []
    chance = random.Random(2)
    for _ in range(14):
        said += _run_and_kill(settings, issue_in, chance.uniform(0.02, 0.5))
    for _ in range(12):
        said += _run_and_kill(settings, issue_in, chance.uniform(0.3, 0.9))
    assert sum(line.startswith("revoked") for line in said) > 20
    with build(settings) as wiring:
        wiring.flush()
        _check_acknowledged(wiring, said)
        _check_chain(wiring)
        _check_whole(wiring)


def _check_acknowledged(wiring: Wiring, said: list[str]) -> None:
    state = {}
    for line in said:
        verb, _, credential_id = line.partition(" ")
        if credential_id:
            state[credential_id] = {"issued": "active"}.get(verb, verb)
    order = ("active", "suspended", "revoked")
    for credential_id, acknowledged in state.items():
        view = wiring.credentials.get(credential_id, livemode=None)
        # A change may have been committed whose acknowledgment the kill cut off; never the other way round.
        assert order.index(view.state) >= order.index(acknowledged)
        reading = wiring.status_registry.status_of(bytes.fromhex(view.list_id[2:]), view.list_index)
        assert reading.status == CODES[view.state]


def _check_chain(wiring: Wiring) -> None:
    with wiring.database.reading() as session:
        rows = list(session.scalars(select(ChainTransactionRow).order_by(ChainTransactionRow.nonce)))
        unfinished = session.scalar(select(func.count()).select_from(LedgerJobRow).where(LedgerJobRow.state != "final"))
        assert [row.nonce for row in rows] == list(range(len(rows)))
        assert {row.state for row in rows} == {"final"}
        assert unfinished == 0
        assert wiring.chain.nonce(wiring.sender.address) == len(rows) == wiring.chain.head().number
        assert session.scalar(select(func.count()).select_from(DeploymentRow)) == 2
        assert sum(row.to is None for row in rows) == 2
        assert sum(row.purpose == "DIDRegistry.update" for row in rows) == 1
        assert sum(row.purpose == "createList" for row in rows) == 1
    assert wiring.node is not None
    wiring.node.verify()


def _check_whole(wiring: Wiring) -> None:
    """Every credential has its place, its audit row, and one job per change; every key file is whole."""
    with wiring.database.reading() as session:
        count = session.scalar(select(func.count()).select_from(CredentialRow))
        assert session.scalar(select(StatusListRow.allocated)) == count
        audited = select(func.count()).select_from(AuditRow).where(AuditRow.action == "credential.issued")
        assert session.scalar(audited) == count
        changes = session.scalar(select(func.count()).select_from(StatusChangeRow))
        jobs = session.scalar(select(func.count()).select_from(LedgerJobRow).where(LedgerJobRow.kind == "status"))
        assert changes == jobs
        assert wiring.audit.verify(session) is None
