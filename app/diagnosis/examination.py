"""The doctor's examination: one finding per part, made without creating or changing anything.

A part that does not exist yet, because the service was never started, is in order: the first start makes it.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx2
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.audit.service import Audit
from app.bootstrap.schema import check_schema, is_migrated
from app.clock import utc_now
from app.database import Database
from app.diagnosis.chain import examine_chain
from app.diagnosis.finding import Finding
from app.errors import ServiceError
from app.issuers.keys import KEY_FILES, missing_keys
from app.settings import Settings
from ml.errors import EvidenceError
from ml.models import ModelStore

__all__ = ["examine"]

RELEASED: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""No correct clock can show an earlier time to this version."""
MIN_FREE_BYTES: Final = 200_000_000


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a start would meet the problems."""
    found: list[Finding] = []
    for check in (_storage, _keys, _ports, _models, _clock, _database, _chain):
        try:
            found.extend(check(settings))
        except Exception as error:  # noqa: BLE001 - the doctor must finish; what it could not look at is a finding
            found.append(
                Finding(check.__name__.strip("_"), False, f"could not be looked at: {error}", "see the detail")
            )
    return found


def _storage(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if (refusal := _refused_write(folder)) is not None:
        mend = f"give this user a folder to write in: chown or mount {folder}, or set ASSAY_DATA_DIR"
        yield Finding("data", False, f"{folder} cannot be written: {refusal}", mend)
        return
    if not folder.exists():
        yield Finding("data", True, f"{folder} does not exist yet; assay serve makes it")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        yield Finding("data", False, f"{folder} has mode {mode:04o}: others can look into it", f"chmod 700 {folder}")
    else:
        yield Finding("data", True, f"{folder} is private")
    free = shutil.disk_usage(folder).free
    mend = "" if free >= MIN_FREE_BYTES else "make room: a full disk stops every write"
    yield Finding("disk", free >= MIN_FREE_BYTES, f"{free // 1_000_000} MB free", mend)


def _refused_write(folder: Path) -> str | None:
    """Why nothing can be written in the folder, or in the one it would be made in; asked with a file without a name."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0")
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _keys(settings: Settings) -> Iterator[Finding]:
    folder = settings.keys_dir
    missing = missing_keys(folder)
    if missing and _was_started(settings):
        mend = "restore the keys folder from your backup: credentials and chain know these keys and no others"
        yield Finding("keys", False, f"missing: {', '.join(missing)}", mend)
        return
    if not folder.exists():
        yield Finding("keys", True, "no keys yet; assay serve makes them")
        return
    exposed = [path for path in (folder, *sorted(folder.iterdir())) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if exposed:
        names = " ".join(str(path) for path in exposed)
        yield Finding("keys", False, f"others can read {names}", f"chmod go= {names}, and replace keys that were read")
        return
    damaged = [name for name in KEY_FILES if (folder / f"{name}.key").exists() and _size(folder / f"{name}.key") != 32]
    if damaged:
        yield Finding("keys", False, f"damaged: {', '.join(damaged)}", "restore the keys folder from your backup")
        return
    yield Finding("keys", True, f"{len(KEY_FILES)} keys, private")


def _was_started(settings: Settings) -> bool:
    """Whether there is a database that an earlier start has filled; one that does not answer has a finding of its
    own."""
    if settings.database_url is None and not (settings.data_dir / "assay.sqlite3").exists():
        return False
    database = Database(settings.resolved_database_url)
    try:
        return is_migrated(database)
    except SQLAlchemyError:
        return False
    finally:
        database.close()


def _size(path: Path) -> int:
    return path.stat().st_size


def _ports(settings: Settings) -> Iterator[Finding]:
    in_use = settings.chain_url is None and _announced(settings)
    # A chain of its own tells this service from one of another data directory; an external one cannot.
    ours = in_use or settings.chain_url is not None
    yield _port("port", settings.host, settings.port, "ASSAY_PORT", lambda: ours and _is_assay(settings))
    if settings.chain_url is None:
        yield _port("chain port", "127.0.0.1", settings.chain_port, "ASSAY_CHAIN_PORT", lambda: in_use)


def _port(name: str, host: str, port: int, variable: str, ours: Callable[[], bool]) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if ours():
                return Finding(name, True, f"{host}:{port} is served by assay serve")
            detail = f"{host}:{port} cannot be used: {error.strerror}"
            return Finding(name, False, detail, f"stop what listens there, or set {variable} to a free port")
    return Finding(name, True, f"{host}:{port} is free")


def _is_assay(settings: Settings) -> bool:
    with suppress(httpx2.HTTPError, ValueError):
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        found = httpx2.get(f"http://{host}:{settings.port}/healthz", timeout=3.0)
        return bool(found.json() == {"status": "alive"})
    return False


def _announced(settings: Settings) -> bool:
    from app.bootstrap.chain import announced

    return announced(settings.data_dir) is not None


def _models(_settings: Settings) -> Iterator[Finding]:
    try:
        refs = ModelStore.default().refs()
    except EvidenceError as error:
        mend = "install the locked dependencies again: make setup"
        yield Finding("models", False, f"{error.code}: {error.detail}", mend)
        return
    yield Finding("models", True, f"{len(refs)} model files have the expected digests")


def _clock(settings: Settings) -> Iterator[Finding]:
    now = utc_now()
    if now < RELEASED:
        yield Finding(
            "clock", False, f"it says {now:%Y-%m-%d}, before this version was made", "set the system clock (NTP)"
        )
        return
    last = _last_written(settings)
    if last is not None and (last - now).total_seconds() > 60:
        detail = f"it says {now:%Y-%m-%d %H:%M}, but the audit log has an entry of {last:%Y-%m-%d %H:%M}"
        yield Finding("clock", False, detail, "set the system clock (NTP): credentials would be dated wrongly")
        return
    yield Finding("clock", True, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _last_written(settings: Settings) -> datetime | None:
    path = settings.data_dir / "assay.sqlite3"
    if settings.database_url is not None or not path.exists():
        return None
    with suppress(sqlite3.Error, ValueError, TypeError), closing(_read_only(path)) as connection:
        value = connection.execute("SELECT max(at) FROM audit_log").fetchone()[0]
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return None


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _database(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir / "assay.sqlite3"
    if settings.database_url is None and not path.exists():
        yield Finding("database", True, "no database yet; assay serve makes it")
        return
    if settings.database_url is None:
        with closing(_read_only(path)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            yield Finding("database", False, f"the file is damaged: {problem}", "restore it from your backup")
            return
    database = Database(settings.resolved_database_url)
    try:
        yield _schema(database)
        yield _audit_log(database)
    finally:
        database.close()


def _schema(database: Database) -> Finding:
    try:
        with database.reading() as session:
            session.execute(text("SELECT 1"))
        check_schema(database)
    except ServiceError as error:
        return Finding("database", False, f"{error.code}: {error.detail}", "start assay serve of the right version")
    except Exception as error:  # noqa: BLE001 - a driver's own errors: whatever it is, the database is not usable
        mend = (
            "check that its file and folder can be written"
            if database.is_sqlite
            else "check ASSAY_DATABASE_URL and the server"
        )
        return Finding("database", False, f"cannot be used: {type(error).__name__}", mend)
    return Finding("database", True, f"{database.engine.dialect.name}, schema up to date")


def _audit_log(database: Database) -> Finding:
    try:
        with database.reading() as session:
            broken = Audit(utc_now).verify(session)
    except Exception as error:  # noqa: BLE001 - as above
        return Finding("audit log", False, f"cannot be read: {type(error).__name__}", "see the database finding")
    if broken is not None:
        mend = "compare with a backup: somebody or something altered the log"
        return Finding("audit log", False, f"the hash chain breaks at entry {broken}", mend)
    return Finding("audit log", True, "the hash chain holds")


def _chain(settings: Settings) -> Iterator[Finding]:
    yield from examine_chain(settings)
