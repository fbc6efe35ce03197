"""Reading from and sending to one EVM chain over any `Transport`, with every answer checked for its form.

A wrong chain id is fatal: it is compared once, before the first answer is believed. Transactions are sent as bytes that
were signed and stored before, so that sending again is harmless (`send_raw`).
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

from eth_utils.crypto import keccak

from contracts.answers import (
    Block,
    Fees,
    Log,
    Receipt,
    as_data,
    as_object,
    as_quantity,
    read_block,
    read_log,
    read_receipt,
)
from contracts.errors import (
    BlockNotFound,
    CallReverted,
    ChainIdMismatch,
    ChainUnavailable,
    InvalidArgument,
    MalformedAnswer,
    RpcError,
    TransactionRejected,
    TransactionReverted,
)
from contracts.hexadecimal import read_data, to_data, to_quantity
from contracts.limits import MAX_LOG_BLOCKS
from contracts.rpc import StorageRangeReader, Transport

__all__ = ["Block", "Chain", "Fees", "Log", "Receipt"]

_TAGS = ("latest", "safe", "finalized", "earliest", "pending")
_REVERTED = 3
_MIN_TIP_WEI = 1_000_000
_POLL_S = 0.1

# What nodes say when a transaction is not taken, by the words they share (geth, anvil, Nethermind, Besu, Erigon).
_REJECTIONS = (
    ("nonce too low", "nonce_too_low"),
    ("nonce too high", "nonce_too_high"),
    ("insufficient funds", "insufficient_funds"),
    ("underpriced", "underpriced"),
    ("less than block base fee", "underpriced"),
    ("gas limit", "gas_limit"),
    ("intrinsic gas", "gas_limit"),
    ("exceeds block gas", "gas_limit"),
    ("chain id", "invalid"),
    ("invalid", "invalid"),
    ("rlp", "invalid"),
    ("not supported", "invalid"),
)
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")


class Chain:
    """One chain, over one transport. Thread-safe where the transport is."""

    def __init__(self, transport: Transport, *, chain_id: int | None = None) -> None:
        """
        Args:
            transport: the in-process node, `HttpTransport`, or anything alike.
            chain_id: the chain that it must be; None takes whatever answers, for development only.
        """
        self._transport = transport
        self._expected_id = chain_id
        self._confirmed_id: int | None = None
        self._confirming = threading.Lock()

    @property
    def chain_id(self) -> int:
        """The chain's id, as the node confirmed it; raises ChainIdMismatch."""
        with self._confirming:
            if self._confirmed_id is None:
                actual = as_quantity(self._transport.request("eth_chainId", []), "chain id")
                if self._expected_id is not None and actual != self._expected_id:
                    raise ChainIdMismatch(f"the node serves chain {actual}, not {self._expected_id}")
                self._confirmed_id = actual
            return self._confirmed_id

    # Blocks

    def head(self, tag: str = "latest") -> Block:
        """The block at a tag: latest, safe, finalized, earliest or pending."""
        return self._block(tag)

    def block(self, number: int) -> Block:
        """A block by number; raises BlockNotFound."""
        return self._block(number)

    def _block(self, reference: str | int) -> Block:
        answer = self._request("eth_getBlockByNumber", [_block(reference), False])
        if answer is None:
            raise BlockNotFound(f"the node has no block {reference}")
        return read_block(answer)

    # State

    def call(self, to: str, data: bytes, block: str | int = "latest") -> bytes:
        """What a contract returns at a block, without a transaction; raises CallReverted with the revert's data."""
        try:
            answer = self._request("eth_call", [{"to": to, "data": to_data(data)}, _block(block)])
        except RpcError as error:
            raise _as_revert(error) from error
        return as_data(answer, "call result")

    def code(self, address: str, block: str | int = "latest") -> bytes:
        return as_data(self._request("eth_getCode", [address, _block(block)]), "code")

    def nonce(self, address: str, block: str | int = "pending") -> int:
        return as_quantity(self._request("eth_getTransactionCount", [address, _block(block)]), "nonce")

    def balance(self, address: str, block: str | int = "latest") -> int:
        """Wei."""
        return as_quantity(self._request("eth_getBalance", [address, _block(block)]), "balance")

    def storage_range(self, address: str, first_slot: int, count: int, block: int) -> bytes | None:
        """Consecutive storage words, where the transport can copy them; None where it cannot."""
        self.chain_id  # noqa: B018 -- confirms the chain before anything read from it counts
        if not isinstance(self._transport, StorageRangeReader):
            return None
        return self._transport.storage_range(bytes.fromhex(address[2:]), first_slot, count, block)

    # Events

    def logs(
        self,
        address: str,
        topics: Sequence[bytes | Sequence[bytes] | None],
        from_block: int,
        to_block: int,
    ) -> list[Log]:
        """The events of a contract in a range of blocks, both ends included, in block and log order.

        `topics` holds, per position, one topic, several alternatives, or None for any. Ranges that the node finds too
        large are halved until it does not.
        """
        if from_block > to_block:
            return []
        encoded = [_topic(topic) for topic in topics]
        found: list[Log] = []
        for first in range(from_block, to_block + 1, MAX_LOG_BLOCKS):
            found += self._logs(address, encoded, first, min(first + MAX_LOG_BLOCKS - 1, to_block))
        return sorted(found, key=lambda log: (log.block, log.log_index))

    def _logs(self, address: str, topics: list[Any], first: int, last: int) -> list[Log]:
        wanted = {"address": address, "topics": topics, "fromBlock": to_quantity(first), "toBlock": to_quantity(last)}
        try:
            answer = self._request("eth_getLogs", [wanted])
        except RpcError as error:
            # Endpoints disagree on number and words of this error, so any but a bad method or parameter may mean it.
            if first == last or error.rpc_code in (-32601, -32600):
                raise ChainUnavailable(f"the node does not answer for logs: {error.detail}") from error
            middle = (first + last) // 2
            return self._logs(address, topics, first, middle) + self._logs(address, topics, middle + 1, last)
        if not isinstance(answer, list):
            raise MalformedAnswer("logs: expected an array")
        logs = [read_log(entry) for entry in answer]
        if any(not first <= log.block <= last or log.address.lower() != address.lower() for log in logs):
            raise MalformedAnswer("the node answered logs that were not asked for")
        return logs

    # Transactions

    def fees(self) -> Fees:
        """Fees that hold for about six full blocks: twice the next base fee, plus the node's suggested tip."""
        history, tip = self._batch([("eth_feeHistory", ["0x1", "latest", []]), ("eth_maxPriorityFeePerGas", [])])
        base_fees = as_object(history, "fee history").get("baseFeePerGas")
        if not isinstance(base_fees, list) or not base_fees:
            raise MalformedAnswer("fee history: no base fees")
        priority = max(as_quantity(tip, "tip"), _MIN_TIP_WEI)
        return Fees(max_fee=2 * as_quantity(base_fees[-1], "base fee") + priority, priority=priority)

    def estimate(self, tx: dict[str, Any]) -> int:
        """Gas for a transaction object (`from`, `to`, `data` as 0x hex, `value`); raises CallReverted."""
        try:
            return as_quantity(self._request("eth_estimateGas", [tx]), "gas")
        except RpcError as error:
            raise _as_revert(error) from error

    def send_raw(self, raw: bytes) -> str:
        """Send signed bytes and return their hash. Sending the same bytes again is a success.

        Raises:
            TransactionRejected: the node will not take them, and they are not mined.
            ChainUnavailable: no answer. They may or may not have arrived: send the same bytes again.
        """
        expected = to_data(keccak(raw))
        try:
            answer = self._request("eth_sendRawTransaction", [to_data(raw)])
        except RpcError as error:
            message = error.detail.lower()
            if any(word in message for word in _KNOWN):
                return expected
            reason = next((reason for words, reason in _REJECTIONS if words in message), "rejected")
            if reason == "nonce_too_low" and self.receipt(expected) is not None:
                return expected
            raise TransactionRejected(error.detail, reason=reason) from error
        if answer != expected:
            raise MalformedAnswer("the node answered another transaction's hash")
        return expected

    def receipt(self, tx_hash: str) -> Receipt | None:
        """The receipt of a mined transaction; None while it is not mined (or no longer, after a reorganisation)."""
        answer = self._request("eth_getTransactionReceipt", [tx_hash])
        return None if answer is None else read_receipt(answer, tx_hash)

    def wait_for_receipt(self, tx_hash: str, *, timeout_s: float = 30.0) -> Receipt:
        """The receipt of a transaction that took effect, waited for.

        Raises:
            TransactionReverted: it was mined and reverted.
            ChainUnavailable: it was not mined in time.
        """
        deadline = time.monotonic() + timeout_s
        while (receipt := self.receipt(tx_hash)) is None:
            if time.monotonic() >= deadline:
                raise ChainUnavailable(f"{tx_hash} was not mined within {timeout_s} seconds")
            time.sleep(_POLL_S)
        if receipt.status != 1:
            raise TransactionReverted(f"{tx_hash} reverted", tx_hash=tx_hash)
        return receipt

    # Transport

    def _request(self, method: str, params: list[Any]) -> Any:
        self.chain_id  # noqa: B018 -- confirms the chain before anything read from it counts
        return self._transport.request(method, params)

    def _batch(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        self.chain_id  # noqa: B018
        results = self._transport.batch(calls)
        for result in results:
            if isinstance(result, RpcError):
                raise result
        return results


def _block(reference: str | int) -> str:
    if isinstance(reference, int) and reference >= 0:
        return to_quantity(reference)
    if reference in _TAGS:
        return str(reference)
    raise InvalidArgument(f"{reference!r} names no block", pointer="/block")


def _topic(topic: bytes | Sequence[bytes] | None) -> Any:
    if topic is None:
        return None
    return to_data(topic) if isinstance(topic, bytes) else [to_data(choice) for choice in topic]


def _as_revert(error: RpcError) -> RpcError | CallReverted:
    """Nodes say "reverted" by code 3, by the message, or by data alone."""
    data = error.data if isinstance(error.data, str) else "0x"
    if error.rpc_code != _REVERTED and "revert" not in error.detail.lower():
        return error
    try:
        return CallReverted(error.detail, data=read_data(data))
    except ValueError:
        return CallReverted(error.detail)
