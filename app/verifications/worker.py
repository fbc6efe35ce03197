"""The thread that examines submitted sessions one after the other and keeps house in between.

It polls, so a session submitted to another process, or left by one that died, is found too; a submission to this
process wakes it at once. The gate's models keep one core busy, so one thread a process is enough.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog

from app.verifications.service import Verifications

__all__ = ["VerificationWorker"]

POLL_S: Final = 1.0
SWEEP_EVERY_S: Final = 60.0
STOP_TIMEOUT_S: Final = 120.0

log = structlog.get_logger("assay.verifications")


class VerificationWorker:
    """Runs `run_once` in a thread of its own between `start` and `stop`."""

    def __init__(self, verifications: Verifications) -> None:
        self._verifications = verifications
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def run_once(self) -> bool:
        """Examine one submitted session; False if none waits."""
        return self._verifications.examination.run_once()

    def start(self) -> None:
        """Start the thread; the leases of a process that died are taken over at once where there can be only one."""
        if self._thread is not None:
            return
        if self._verifications.embedded:
            self._verifications.examination.recover()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="verification-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the examination under way, if any, and end the thread."""
        if self._thread is None:
            return
        self._stopping.set()
        self._verifications.submitted.set()
        self._thread.join(STOP_TIMEOUT_S)
        self._thread = None

    def _run(self) -> None:
        swept = time.monotonic() - SWEEP_EVERY_S
        while not self._stopping.is_set():
            try:
                if time.monotonic() - swept >= SWEEP_EVERY_S:
                    self._verifications.retention.sweep()
                    swept = time.monotonic()
                worked = self.run_once()
            except Exception as error:  # noqa: BLE001 - the thread outlives a database that is away for a moment
                log.error("worker_failed", kind=type(error).__name__)
                worked = False
            if not worked:
                self._verifications.submitted.wait(POLL_S)
                self._verifications.submitted.clear()
