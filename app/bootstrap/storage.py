"""Folders, secrets and locks in the data directory.

The dangers: a key that others on the machine can read, a key file that a crash left half written, two processes that do
the same first step at once. A secret is written to a file of its own, flushed and then linked to its name, so it is
there whole or not at all, and of two processes that start together the first one's stays.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import text

from app.database import Database
from app.errors import ServiceError

__all__ = ["KeyFileDamaged", "KeyFileExposed", "LockBusy", "exclusive", "flush_folder", "private_folder", "secret_file"]


class KeyFileExposed(ServiceError):
    """A private key can be read by others on this machine."""

    code = "key_file_exposed"


class KeyFileDamaged(ServiceError):
    """A private key file does not hold a key."""

    code = "key_file_damaged"


class LockBusy(ServiceError):
    """Another process does the same thing right now and does not come to an end."""

    code = "lock_busy"


def private_folder(path: Path) -> Path:
    """Create a folder with mode 0700; an existing one is left as it is (`assay doctor` looks at its mode)."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def secret_file(path: Path, create: Callable[[], bytes]) -> bytes:
    """Return the secret in a file, made by `create` the first time. Raises KeyFileExposed if others can read it."""
    if not path.exists():
        _write_once(path, create())
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileExposed(
            f"{path} has mode {mode:04o}: run chmod 600 on it, and replace the key if others may have read it"
        )
    content = path.read_bytes()
    if not content:
        raise KeyFileDamaged(f"{path} is empty")
    return content


def _write_once(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.{secrets.token_hex(6)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink()
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def exclusive(database: Database, folder: Path, name: str, *, wait_s: float) -> Iterator[None]:
    """Hold the deployment-wide lock `name`: an flock beside an SQLite database, an advisory lock in PostgreSQL.

    Both go away with their holder, however it ends. Raises LockBusy after `wait_s` seconds.
    """
    holder = (
        _file_lock(folder / f"{name}.lock", wait_s) if database.is_sqlite else _advisory_lock(database, name, wait_s)
    )
    with holder:
        yield


@contextlib.contextmanager
def _file_lock(path: Path, wait_s: float) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _until(wait_s, path.name, lambda: _try_flock(descriptor))
        yield
    finally:
        os.close(descriptor)


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _advisory_lock(database: Database, name: str, wait_s: float) -> Iterator[None]:
    number = int.from_bytes(b"assay" + name.encode()[:3].ljust(3, b"\0"), "big") & (2**63 - 1)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        attempt = text("SELECT pg_try_advisory_lock(:number)")
        _until(wait_s, name, lambda: bool(connection.execute(attempt, {"number": number}).scalar()))
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})


def _until(wait_s: float, name: str, attempt: Callable[[], bool]) -> None:
    deadline = time.monotonic() + wait_s
    while not attempt():
        if time.monotonic() >= deadline:
            raise LockBusy(f"another process holds {name}")
        time.sleep(0.02)
