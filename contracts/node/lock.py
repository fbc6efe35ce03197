"""One writer per chain, held by the kernel.

The next block's header lives in memory, so two processes on one file would both extend the same head. An flock on a
file beside the chain goes away with the process, however it ends; a lock on the database file itself would be
released by the first unrelated close of it (POSIX locks), so it is a file of its own.
"""

import fcntl
import os
from pathlib import Path

from contracts.errors import NodeLocked


class ChainLock:
    """An exclusive claim on a chain's path, until released or the process ends."""

    def __init__(self, path: Path) -> None:
        """Claim the path; raises NodeLocked where another holder, in this process or another, has it."""
        self._descriptor: int | None = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise NodeLocked(f"another process holds the chain at {path}") from error

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
