"""A node's answers as typed values, each checked for its form before anything is built on it.

Nothing an endpoint sends is trusted to be what the method promises: a missing field, a negative number or a log with
five topics is `MalformedAnswer`, which a verifier treats as unknown.
"""

from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from contracts.errors import MalformedAnswer
from contracts.hexadecimal import read_data, read_quantity, to_data


@dataclass(frozen=True)
class Block:
    """A block's place in the chain; `timestamp` is Unix seconds."""

    number: int
    hash: str
    timestamp: int
    parent_hash: str = ""


@dataclass(frozen=True)
class Log:
    """An event. `address` is checksummed; `topics` are 32 bytes each."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: str
    tx_hash: str
    log_index: int


@dataclass(frozen=True)
class Receipt:
    """What became of a mined transaction: `status` 1 means it took effect, 0 that it reverted."""

    tx_hash: str
    status: int
    block_number: int
    block_hash: str
    gas_used: int
    logs: tuple[Log, ...]
    contract_address: str | None = None


@dataclass(frozen=True)
class Fees:
    """Wei per gas for an EIP-1559 transaction sent now."""

    max_fee: int
    priority: int


def read_block(value: object) -> Block:
    """A block header; raises MalformedAnswer."""
    fields = as_object(value, "block")
    return Block(
        number=as_quantity(fields.get("number"), "block number"),
        hash=to_data(as_data(fields.get("hash"), "block hash", 32)),
        timestamp=as_quantity(fields.get("timestamp"), "timestamp"),
        parent_hash=to_data(as_data(fields.get("parentHash"), "parent hash", 32)),
    )


def read_receipt(value: object, tx_hash: str) -> Receipt:
    """The receipt of this transaction; raises MalformedAnswer."""
    fields = as_object(value, "receipt")
    logs = fields.get("logs")
    if not isinstance(logs, list) or fields.get("transactionHash") != tx_hash:
        raise MalformedAnswer("the receipt is not this transaction's")
    created = fields.get("contractAddress")
    return Receipt(
        tx_hash=tx_hash,
        status=as_quantity(fields.get("status"), "status"),
        block_number=as_quantity(fields.get("blockNumber"), "block number"),
        block_hash=to_data(as_data(fields.get("blockHash"), "block hash", 32)),
        gas_used=as_quantity(fields.get("gasUsed"), "gas used"),
        logs=tuple(read_log(entry) for entry in logs),
        contract_address=None if created is None else to_checksum_address(as_data(created, "contract", 20)),
    )


def as_quantity(value: object, name: str) -> int:
    try:
        return read_quantity(value)
    except ValueError as error:
        raise MalformedAnswer(f"{name}: {error}") from error


def as_data(value: object, name: str, size: int | None = None) -> bytes:
    try:
        return read_data(value, size)
    except ValueError as error:
        raise MalformedAnswer(f"{name}: {error}") from error


def as_object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedAnswer(f"{name}: expected an object")
    return value


def read_log(value: object) -> Log:
    fields = as_object(value, "log")
    topics = fields.get("topics")
    if not isinstance(topics, list) or len(topics) > 4:
        raise MalformedAnswer("log: bad topics")
    return Log(
        address=to_checksum_address(as_data(fields.get("address"), "log address", 20)),
        topics=tuple(as_data(topic, "topic", 32) for topic in topics),
        data=as_data(fields.get("data"), "log data"),
        block=as_quantity(fields.get("blockNumber"), "block number"),
        block_hash=to_data(as_data(fields.get("blockHash"), "block hash", 32)),
        tx_hash=to_data(as_data(fields.get("transactionHash"), "transaction hash", 32)),
        log_index=as_quantity(fields.get("logIndex"), "log index"),
    )
