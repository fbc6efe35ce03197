"""A worker killed in the middle of an examination: nothing is lost, nothing is decided twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.verifications.examination import LEASE_S
from app.verifications.tables import ReportRow
from app.verifications.worker import VerificationWorker
from app.wiring import Wiring
from ml.gate import Frame

ROOT = Path(__file__).resolve().parents[3]
DYING_WORKER = """
import os, signal, sys
from pathlib import Path
from app.audit.service import Audit
from app.clock import utc_now
from app.database import Database
from app.settings import Settings
from app.verifications.blobs import BlobStore
from app.verifications.service import Verifications
from ml.gate import Gate
from ml.models import ModelStore

class DyingGate(Gate):
    def examine(self, evidence, progress=None):
        def die(check):
            if check == "document.face":
                os.kill(os.getpid(), signal.SIGKILL)
        return super().examine(evidence, die)

settings = Settings(data_dir=Path(sys.argv[1]))
blobs = BlobStore.open(settings.data_dir / "blobs", key_file=settings.keys_dir / "blob.key")
gate = DyingGate(ModelStore.default())
database = Database(settings.resolved_database_url)
audit = Audit(utc_now)
room = Verifications(
    database=database, audit=audit, clock=utc_now, settings=settings, blobs=blobs, gate=lambda: gate
)
room.examination.run_once()
"""


@pytest.mark.threat(87)
def test_a_killed_examination_is_taken_over(
    consented: Any,
    passport: Callable[..., bytes],
    act: Callable[..., tuple[Frame, ...]],
    wiring: Wiring,
    worker: VerificationWorker,
    clock: Any,
) -> None:
    consented.send_document(passport())
    challenge = consented.challenge()
    consented.send_selfie(challenge.nonce, act(challenge))
    consented.post("submit")

    dead = subprocess.run(
        [sys.executable, "-c", DYING_WORKER, str(wiring.settings.data_dir)], cwd=ROOT, capture_output=True, timeout=120
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()[-2000:]
    row = wiring.verifications.get(consented.id, livemode=False)
    assert (row.status, row.leases) == ("processing", 1)
    assert not worker.run_once()

    clock.move(seconds=LEASE_S)
    assert worker.run_once()
    assert consented.read().json()["status"] == "approved"
    with wiring.database.reading() as session:
        reports = session.scalar(select(func.count()).where(ReportRow.session_id == consented.id))
    assert reports == 1
    with wiring.database.reading() as session:
        assert wiring.audit.verify(session) is None
