"""Receipts and logs by SQL, so that neither has to be searched for in the blocks.

Without an index `eth_getLogs` opens every block of its range; with one a did:ethr history costs what it is long. Rows
are written in the same SQL transaction as the block they describe (`database.commit`), so an index row without its
block, or the reverse, cannot exist.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth._utils.address import generate_contract_address
from eth.abc import BlockAPI, ReceiptAPI
from eth.constants import CREATE_CONTRACT_ADDRESS

from contracts.errors import NodeCorrupted, RpcError
from contracts.limits import MAX_LOG_RESULTS

LIMIT_EXCEEDED = -32005


@dataclass(frozen=True)
class TransactionRow:
    """Where a transaction is and what it cost (wei per gas as text, since it may pass 64 bits)."""

    hash: bytes
    block: int
    tx_index: int
    first_log: int
    sender: bytes
    contract: bytes | None
    gas_used: int
    gas_price: str


@dataclass(frozen=True)
class LogRow:
    block: int
    log_index: int
    tx_index: int
    tx_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def insert_block(db: sqlite3.Connection, block: BlockAPI, receipts: Sequence[ReceiptAPI]) -> None:
    """Index a block's transactions and logs."""
    next_log = 0
    gas_before = 0
    for tx_index, (tx, receipt) in enumerate(zip(block.transactions, receipts, strict=True)):
        base_fee = block.header.base_fee_per_gas
        price = min(tx.max_fee_per_gas, base_fee + tx.max_priority_fee_per_gas)
        created = generate_contract_address(tx.sender, tx.nonce) if tx.to == CREATE_CONTRACT_ADDRESS else None
        gas = receipt.gas_used - gas_before
        row = (tx.hash, block.number, tx_index, next_log, tx.sender, created, gas, str(price))
        db.execute("INSERT INTO tx VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        for entry in receipt.logs:
            topics = [topic.to_bytes(32, "big") for topic in entry.topics]
            padded: list[bytes | None] = [*topics, None, None, None, None]
            values = (block.number, next_log, tx_index, tx.hash, entry.address, *padded[:4], entry.data)
            db.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            next_log += 1
        gas_before = receipt.gas_used


def find_transaction(db: sqlite3.Connection, tx_hash: bytes) -> TransactionRow | None:
    """The indexed transaction with this hash."""
    row = db.execute("SELECT * FROM tx WHERE hash = ?", (tx_hash,)).fetchone()
    if row is None:
        return None
    return TransactionRow(*row)


def find_logs(
    db: sqlite3.Connection,
    first: int,
    last: int,
    addresses: Sequence[bytes],
    topics: Sequence[Sequence[bytes] | None],
) -> list[LogRow]:
    """The logs in blocks first..last from any of the addresses (all, where empty) with any topic wanted per position.

    Raises:
        RpcError: more than MAX_LOG_RESULTS match (-32005); the caller should ask for fewer blocks.
    """
    where = ["block BETWEEN ? AND ?"]
    values: list[object] = [first, last]
    for column, wanted in [("address", list(addresses) or None), *_topic_columns(topics)]:
        if wanted is not None:
            where.append(f"{column} IN ({','.join('?' * len(wanted))})")
            values.extend(wanted)
    # Column names come from this module and every value is bound.
    sql = f"SELECT * FROM log WHERE {' AND '.join(where)} ORDER BY block, log_index LIMIT ?"  # noqa: S608
    rows = [_row(row) for row in db.execute(sql, [*values, MAX_LOG_RESULTS + 1])]
    if len(rows) > MAX_LOG_RESULTS:
        raise RpcError(f"query returned more than {MAX_LOG_RESULTS} results", rpc_code=LIMIT_EXCEEDED)
    return rows


def logs_of_transaction(db: sqlite3.Connection, block: int, tx_index: int) -> list[LogRow]:
    """The logs that one transaction wrote, in order."""
    sql = "SELECT * FROM log WHERE block = ? AND tx_index = ? ORDER BY log_index"
    return [_row(row) for row in db.execute(sql, (block, tx_index))]


def check_block(db: sqlite3.Connection, block: BlockAPI, receipts: Sequence[ReceiptAPI]) -> None:
    """Compare a block's index rows with the block; raises NodeCorrupted."""
    hashes = [
        bytes(row[0]) for row in db.execute("SELECT hash FROM tx WHERE block = ? ORDER BY tx_index", (block.number,))
    ]
    rows = [_row(row) for row in db.execute("SELECT * FROM log WHERE block = ? ORDER BY log_index", (block.number,))]
    indexed = [(row.address, row.topics, row.data) for row in rows]
    entries = [entry for receipt in receipts for entry in receipt.logs]
    logged = [(e.address, tuple(topic.to_bytes(32, "big") for topic in e.topics), e.data) for e in entries]
    if hashes != [tx.hash for tx in block.transactions] or indexed != logged:
        raise NodeCorrupted(f"the index of block {block.number} is not what the block holds")


def _topic_columns(topics: Sequence[Sequence[bytes] | None]) -> Iterator[tuple[str, list[bytes] | None]]:
    for position, wanted in enumerate(topics):
        yield f"topic{position}", None if wanted is None else list(wanted)


def _row(row: tuple[Any, ...]) -> LogRow:
    block, log_index, tx_index, tx_hash, address, *topics, data = row
    present = tuple(bytes(topic) for topic in topics if isinstance(topic, bytes))
    return LogRow(block, log_index, tx_index, tx_hash, address, present, data)
