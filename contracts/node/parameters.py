"""Reading JSON-RPC parameters: whatever a client sent becomes typed values or error -32602."""

import re
from dataclasses import dataclass
from typing import Any

from eth.constants import ZERO_ADDRESS

from contracts.errors import RpcError
from contracts.hexadecimal import read_data, read_quantity
from contracts.node.execution import CallRequest

INVALID_PARAMS = -32602
_MAX_FILTER_ENTRIES = 1000

TAGS = ("latest", "safe", "finalized", "pending", "earliest")


@dataclass(frozen=True)
class BlockReference:
    """A block as a client names it: a tag, a number, or (EIP-1898) a hash."""

    tag: str | None = None
    number: int | None = None
    hash: bytes | None = None


@dataclass(frozen=True)
class LogFilter:
    first: BlockReference
    last: BlockReference
    addresses: tuple[bytes, ...]
    topics: tuple[tuple[bytes, ...] | None, ...]


def invalid(detail: str) -> RpcError:
    return RpcError(f"invalid argument: {detail}", rpc_code=INVALID_PARAMS)


def read_block(value: Any) -> BlockReference:
    """A block reference; nothing means latest."""
    if value is None:
        return BlockReference(tag="latest")
    if isinstance(value, str) and value in TAGS:
        return BlockReference(tag=value)
    try:
        if isinstance(value, dict):
            if "blockHash" in value:
                return BlockReference(hash=read_data(value["blockHash"], 32))
            return BlockReference(number=read_quantity(value.get("blockNumber")))
        return BlockReference(number=read_quantity(value))
    except ValueError as error:
        raise invalid("block") from error


def read_bytes(value: Any, size: int | None, name: str) -> bytes:
    try:
        return read_data(value, size)
    except ValueError as error:
        raise invalid(f"{name}: {error}") from error


def read_slot(value: Any) -> int:
    """A storage slot: a quantity, or the 32 bytes that most clients send."""
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{1,64}", value):
        return int(value, 16)
    raise invalid("storage slot")


def read_count(value: Any, name: str) -> int:
    """A number that clients send as a quantity or as a JSON integer."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        return read_quantity(value)
    except ValueError as error:
        raise invalid(f"{name}: {error}") from error


def read_call(value: Any) -> CallRequest:
    """The transaction object of eth_call and eth_estimateGas; fee fields are ignored, for a call costs nothing."""
    if not isinstance(value, dict):
        raise invalid("transaction: expected an object")
    data = value.get("input", value.get("data")) or "0x"
    to = value.get("to") or None
    sender = value.get("from") or None
    return CallRequest(
        sender=ZERO_ADDRESS if sender is None else read_bytes(sender, 20, "from"),
        to=None if to is None else read_bytes(to, 20, "to"),
        data=read_bytes(data, None, "input"),
        value=read_count(value.get("value") or "0x0", "value"),
        gas=None if value.get("gas") is None else read_count(value["gas"], "gas"),
    )


def read_log_filter(value: Any) -> LogFilter:
    if not isinstance(value, dict):
        raise invalid("filter: expected an object")
    if value.get("blockHash") is not None:
        first = last = BlockReference(hash=read_bytes(value["blockHash"], 32, "blockHash"))
    else:
        first, last = read_block(value.get("fromBlock")), read_block(value.get("toBlock"))
    address = value.get("address")
    wanted = [] if address is None else address if isinstance(address, list) else [address]
    topics = value.get("topics") or []
    if not isinstance(topics, list) or len(topics) > 4 or len(wanted) > _MAX_FILTER_ENTRIES:
        raise invalid("filter")
    addresses = tuple(read_bytes(item, 20, "address") for item in wanted)
    return LogFilter(first, last, addresses, tuple(_read_topic(topic) for topic in topics))


def _read_topic(value: Any) -> tuple[bytes, ...] | None:
    if value is None or value == []:
        return None
    choices = value if isinstance(value, list) else [value]
    if len(choices) > _MAX_FILTER_ENTRIES:
        raise invalid("topics")
    return None if None in choices else tuple(read_bytes(item, 32, "topic") for item in choices)
