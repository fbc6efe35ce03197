"""The in-process chain as one object: a `Transport` for the clients in this process, and what `rpc_app` serves to
others.

Thread-safe by one lock, single-writer by one file lock. An answer to `eth_sendRawTransaction` means that the block is
on disk: killing the process at any moment afterwards loses nothing.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from contracts.errors import ChainUnavailable, NodeClosed, NodeCorrupted, RpcError
from contracts.node import log_index
from contracts.node.ledger import Ledger, Replay
from contracts.node.lock import ChainLock
from contracts.node.methods import Methods

_MEMORY = ":memory:"


class Node:
    """A durable single-process chain. Use `Node.open`."""

    def __init__(self, path: Path, ledger: Ledger, lock: ChainLock | None) -> None:
        self.path = path
        self._ledger = ledger
        self._file_lock = lock
        self._methods = Methods(ledger)
        self._guard = threading.RLock()
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        chain_id: int = 1337,
        fund: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> "Node":
        """Create the chain at `path`, or reopen it.

        Args:
            path: the SQLite file; `Path(":memory:")` for a chain that ends with the process.
            chain_id: EIP-155 id; a stored chain must have the same.
            fund: wei by address, given out by the genesis block. Counts at creation only: a reopened chain keeps its
                own genesis, for other balances would make it another chain.
            clock: Unix time in seconds, for block timestamps.

        Raises:
            NodeLocked: another process, or another Node here, holds the chain.
            ChainIdMismatch, NodeCorrupted, InvalidArgument.
        """
        if str(path) == _MEMORY:
            return cls(path, Ledger.open(None, chain_id=chain_id, fund=fund or {}, clock=clock), None)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = ChainLock(path)
        try:
            ledger = Ledger.open(path, chain_id=chain_id, fund=fund or {}, clock=clock)
        except sqlite3.DatabaseError as error:
            lock.release()
            raise NodeCorrupted(f"the chain file cannot be read: {error}") from error
        except BaseException:
            lock.release()
            raise
        return cls(path, ledger, lock)

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others open it. Closing twice is fine."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._ledger.database.close()
            if self._file_lock is not None:
                self._file_lock.release()

    @property
    def chain_id(self) -> int:
        return self._ledger.chain_id

    @property
    def methods(self) -> frozenset[str]:
        """The JSON-RPC methods there are; every other one answers -32601."""
        return self._methods.names

    # Transport

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one JSON-RPC call; raises RpcError, or NodeClosed."""
        with self._open_ledger():
            return self._answer(method, list(params))

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The results of several calls, in order and against one head; an RpcError stands in place of a result."""
        with self._open_ledger():
            return [self._answer_or_error(method, list(params)) for method, params in calls]

    def storage_range(self, address: bytes, first_slot: int, count: int, block: str | int) -> bytes:
        """Consecutive storage words (32 bytes, big-endian) at a block: the fast way to read a whole status list."""
        with self._open_ledger():
            return self._methods.storage_range(
                address, first_slot, count, hex(block) if isinstance(block, int) else block
            )

    def _answer(self, method: str, params: list[Any]) -> Any:
        try:
            return self._methods.answer(method, params)
        except sqlite3.Error as error:
            raise ChainUnavailable(f"the chain file cannot be used: {error}") from error

    def _answer_or_error(self, method: str, params: list[Any]) -> Any:
        try:
            return self._answer(method, params)
        except RpcError as error:
            return error

    def _open_ledger(self) -> AbstractContextManager[bool]:
        if self._closed:
            raise NodeClosed("the node is closed")
        return self._guard

    # Health

    def verify(self) -> Replay:
        """Check the file, then execute every block again in a fresh in-memory chain and compare each result.

        Calls keep being answered meanwhile; blocks mined after the start are not looked at.

        Raises:
            NodeCorrupted: the file is damaged, a block does not replay, or an index row differs from its block.
        """
        with self._open_ledger():
            problem = self._ledger.database.connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if problem != "ok":
                raise NodeCorrupted(f"the chain file is damaged: {problem}")
            head = self._ledger.head()
            replayer = self._ledger.replayed()
        for number in range(1, head.block_number + 1):
            with self._open_ledger():
                header = self._ledger.header(number)
                block = self._ledger.block(header)
                log_index.check_block(self._ledger.database.connection, block, self._ledger.receipts(header))
            replayer.execute(block)
        result = replayer.result()
        if result.head_hash != "0x" + head.hash.hex():
            raise NodeCorrupted("the replayed head is another block")
        return result
