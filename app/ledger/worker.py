"""The thread that empties the outbox while the service runs.

It looks when it is told to and every so often anyway, because another process (the command line) may have queued
something. A chain that does not answer slows it down and nothing else: what is queued stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from app.errors import ServiceError
from app.ledger.sender import Sender
from app.ledger.service import Ledger
from contracts.errors import ChainError

__all__ = ["LedgerWorker"]

INTERVAL_S: Final = 0.3
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0)
UPKEEP_S: Final = 30.0

log = structlog.get_logger("assay.ledger")


class LedgerWorker:
    """Flushes in a thread of its own. `upkeep` is run now and then, in the same thread."""

    def __init__(self, ledger: Ledger, sender: Sender, upkeep: Callable[[], object]) -> None:
        self._ledger = ledger
        self._sender = sender
        self._upkeep = upkeep
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, and be woken by whoever queues something in this process."""
        if self._thread is not None:
            return
        self._stopping.clear()
        self._ledger.notify = self._wake.set
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def stop(self, *, timeout_s: float = 15.0) -> None:
        """Finish the flush in progress and end."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None
        self._ledger.notify = lambda: None

    def _run(self) -> None:
        failures = 0
        upkeep_at = 0.0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if time.monotonic() >= upkeep_at:
                    self._upkeep()
                    upkeep_at = time.monotonic() + UPKEEP_S
                if self._ledger.has_work():
                    self._sender.flush()
                failures = 0
            except (ChainError, ServiceError) as error:
                failures += 1
                log.warning("ledger_flush_failed", code=error.code, detail=error.detail, failures=failures)
            except Exception as error:  # noqa: BLE001 - the thread must outlive a database that is busy or away for a moment
                failures += 1
                log.error("ledger_flush_failed", kind=type(error).__name__, failures=failures)
            if failures:
                self._stopping.wait(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
            else:
                self._wake.wait(INTERVAL_S)
