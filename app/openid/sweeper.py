"""Purge on time what offers and presentation requests keep sealed, also when nobody calls.

The danger: personal data that outlives its purpose because the code that deletes it ran only on the next request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

__all__ = ["Sweeper"]

SWEEP_EVERY_S: Final = 60.0

log = structlog.get_logger("assay.openid")


class Sweeper:
    """Calls each sweep once a minute in a thread of its own between `start` and `stop`."""

    def __init__(self, sweeps: Sequence[Callable[[], object]], *, every_s: float = SWEEP_EVERY_S) -> None:
        self._sweeps = sweeps
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Start the thread; the first sweep is at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the sweep under way."""
        self._stopping.set()
        self._thread.join(self._every_s)

    def _run(self) -> None:
        while True:
            for sweep in self._sweeps:
                try:
                    sweep()
                except Exception as error:  # noqa: BLE001 - the thread outlives a database that is away for a moment
                    log.error("sweep_failed", kind=type(error).__name__)
            if self._stopping.wait(self._every_s):
                return
