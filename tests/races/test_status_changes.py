"""Many changes at once lose no bit, and one credential changed by many is changed once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.credentials.tables import StatusChangeRow
from app.ledger.worker import LedgerWorker
from app.settings import Settings
from app.wiring import Wiring, build


def test_a_thousand_revocations_by_threads_lose_no_bit(
    tmp_path: Path, issue_many: Callable[[Wiring, int], list[str]]
) -> None:
    with build(Settings(data_dir=tmp_path / "data")) as wiring:
        ids = issue_many(wiring, 1000)
        worker = LedgerWorker(wiring.ledger, wiring.sender, lambda: None)
        worker.start()
        try:
            with ThreadPoolExecutor(8) as pool:
                chunks = [ids[start : start + 5] for start in range(0, 1000, 5)]

                def revoke(chunk: list[str]) -> int:
                    changes = wiring.credentials.change_many(chunk, "revoked", reason="fraud", actor="race")
                    return sum(change.changed for change in changes)

                assert sum(pool.map(revoke, chunks)) == 1000
        finally:
            worker.stop()
        wiring.flush()
        views, more = wiring.credentials.list(livemode=True, limit=1000)
        assert not more
        snapshot = wiring.status_registry.snapshot(bytes.fromhex(views[0].list_id[2:]))
        assert [snapshot.status(view.list_index) for view in views] == [1] * 1000
        assert sum((byte & 0x55).bit_count() for byte in snapshot.words) == 1000
        assert {view.anchor and view.anchor.state for view in views} == {"final"}
        with wiring.database.reading() as session:
            assert wiring.audit.verify(session) is None


@pytest.mark.parametrize("verb", ["revoke", "suspend"])
def test_one_credential_changed_by_many_is_changed_once(
    tmp_path: Path, issue_in: Callable[[Wiring], str], verb: str
) -> None:
    with build(Settings(data_dir=tmp_path / "data")) as wiring:
        credential_id = issue_in(wiring)
        barrier = threading.Barrier(12)

        def change(_: int) -> bool:
            barrier.wait(20)
            return bool(getattr(wiring.credentials, verb)(credential_id, reason="other", actor="race").changed)

        with ThreadPoolExecutor(12) as pool:
            assert sum(pool.map(change, range(12))) == 1
        with wiring.database.reading() as session:
            assert session.scalar(select(func.count()).select_from(StatusChangeRow)) == 1


def test_two_senders_at_once_send_once(tmp_path: Path, issue_in: Callable[[Wiring], str]) -> None:
    with build(Settings(data_dir=tmp_path / "data")) as wiring:
        for _ in range(10):
            wiring.credentials.revoke(issue_in(wiring), reason="fraud", actor="race")
        sent = wiring.chain.nonce(wiring.sender.address)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: wiring.flush(), range(4)))
        assert wiring.chain.nonce(wiring.sender.address) == sent + 1
