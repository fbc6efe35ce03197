"""py-evm's key-value store on SQLite, where one block is one transaction.

The danger is a crash between a block's state and its head pointer: either half alone is another chain. So py-evm's
writes collect in memory, and `commit()` stores them together with the block's receipts and logs in a single SQL
transaction (WAL, synchronous=FULL), which is durable when it returns. Whatever happens before leaves exactly the block
before.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eth.abc import AtomicWriteBatchAPI
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB

FORMAT = 1
_CACHED_VALUES = 50_000

_SCHEMA = """
CREATE TABLE kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tx (
    hash BLOB PRIMARY KEY, block INTEGER NOT NULL, tx_index INTEGER NOT NULL, first_log INTEGER NOT NULL,
    sender BLOB NOT NULL, contract BLOB, gas_used INTEGER NOT NULL, gas_price TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE log (
    block INTEGER NOT NULL, log_index INTEGER NOT NULL, tx_index INTEGER NOT NULL, tx_hash BLOB NOT NULL,
    address BLOB NOT NULL, topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (block, log_index)
) WITHOUT ROWID;
CREATE INDEX log_by_address ON log (address, topic0, block);
CREATE INDEX log_by_topic1 ON log (topic1, block);
"""


class BlockDatabase(BaseAtomicDB):  # type: ignore[misc]
    """The store of one chain. Not thread-safe by itself: the node holds its lock around every use.

    Args:
        path: the SQLite file, or None for a chain in memory.
    """

    def __init__(self, path: Path | None) -> None:
        target = ":memory:" if path is None else str(path)
        self.connection = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        self._pending: dict[bytes, bytes | None] = {}
        self._cache: dict[bytes, bytes] = {}
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        if self.connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            self.connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={FORMAT}; COMMIT;")

    @property
    def format(self) -> int:
        """The version of the file's tables."""
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        self.connection.close()

    def get_meta(self, name: str) -> str | None:
        """A stored parameter of the chain, such as its genesis."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Commit a parameter, together with everything written since the last commit."""

        def insert(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (name, value))

        self.commit(insert)

    # The key-value interface of py-evm

    def __getitem__(self, key: bytes) -> bytes:
        if key in self._pending:
            value = self._pending[key]
            if value is None:
                raise KeyError(key)
            return value
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        row = self.connection.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        value = bytes(row[0])
        self._remember(key, value)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self._pending[key] = None

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        with AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch

    # Blocks

    def discard(self) -> None:
        """Forget everything written since the last commit."""
        self._pending.clear()

    def commit(self, index: Callable[[sqlite3.Connection], None] | None = None) -> None:
        """Make everything written since the last commit durable, in one transaction with what `index` writes.

        Raises:
            sqlite3.Error: nothing was stored, and nothing is pending any more.
        """
        written, self._pending = self._pending, {}
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            puts = [(key, value) for key, value in written.items() if value is not None]
            self.connection.executemany("INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)", puts)
            deleted = [(key,) for key, value in written.items() if value is None]
            self.connection.executemany("DELETE FROM kv WHERE key = ?", deleted)
            if index is not None:
                index(self.connection)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        for key, value in written.items():
            if value is None:
                self._cache.pop(key, None)
            else:
                self._remember(key, value)

    def _remember(self, key: bytes, value: bytes) -> None:
        if len(self._cache) >= _CACHED_VALUES:
            self._cache.clear()
        self._cache[key] = value
