"""The JSON-RPC methods of the in-process chain: the ones our clients, web3.py, ethers and did:ethr resolvers call.

Anything else answers -32601. There is no account management, no tracing and no way to move the clock or the chain: a
caller can read, and send what it signed itself.
"""

from collections.abc import Callable
from typing import Any

from eth.abc import BlockHeaderAPI
from eth_utils.exceptions import ValidationError

from contracts.errors import BlockNotFound, RpcError
from contracts.hexadecimal import to_data, to_quantity
from contracts.limits import MAX_FEE_HISTORY, MAX_LOG_BLOCKS, MAX_STORAGE_SLOTS
from contracts.node import admission, encoding, execution, log_index
from contracts.node.ledger import Ledger
from contracts.node.parameters import (
    BlockReference,
    invalid,
    read_block,
    read_bytes,
    read_call,
    read_count,
    read_log_filter,
    read_slot,
)

METHOD_NOT_FOUND = -32601
_SUGGESTED_TIP_WEI = 1_000_000
_CLIENT_VERSION = "assay-node/1/py-evm"


class Methods:
    """Answers JSON-RPC calls on one ledger. Not thread-safe by itself: the node holds its lock around every use."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._table: dict[str, tuple[Callable[..., Any], int, int]] = {
            # name: (method, fewest parameters, most parameters)
            "web3_clientVersion": (self._client_version, 0, 0),
            "net_version": (self._net_version, 0, 0),
            "eth_chainId": (self._chain_id, 0, 0),
            "eth_syncing": (self._syncing, 0, 0),
            "eth_accounts": (self._accounts, 0, 0),
            "eth_blockNumber": (self._block_number, 0, 0),
            "eth_getBlockByNumber": (self._get_block, 1, 2),
            "eth_getBlockByHash": (self._get_block_by_hash, 1, 2),
            "eth_getTransactionCount": (self._get_transaction_count, 1, 2),
            "eth_getBalance": (self._get_balance, 1, 2),
            "eth_getCode": (self._get_code, 1, 2),
            "eth_getStorageAt": (self._get_storage_at, 2, 3),
            "eth_call": (self._call, 1, 2),
            "eth_estimateGas": (self._estimate_gas, 1, 2),
            "eth_gasPrice": (self._gas_price, 0, 0),
            "eth_maxPriorityFeePerGas": (self._tip, 0, 0),
            "eth_feeHistory": (self._fee_history, 2, 3),
            "eth_sendRawTransaction": (self._send_raw_transaction, 1, 1),
            "eth_getTransactionByHash": (self._get_transaction, 1, 1),
            "eth_getTransactionReceipt": (self._get_receipt, 1, 1),
            "eth_getLogs": (self._get_logs, 1, 1),
        }

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._table)

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one call; raises RpcError."""
        if method not in self._table:
            raise RpcError(f"the method {method} does not exist/is not available", rpc_code=METHOD_NOT_FOUND)
        function, fewest, most = self._table[method]
        if not fewest <= len(params) <= most:
            raise invalid(f"{method} takes {fewest} to {most} parameters")
        return function(*params)

    def storage_range(self, address: bytes, first_slot: int, count: int, block: Any) -> bytes:
        """`count` consecutive storage words as 32-byte big-endian words, read without the EVM."""
        if not 0 <= count <= MAX_STORAGE_SLOTS:
            raise invalid(f"at most {MAX_STORAGE_SLOTS} slots")
        state = self._ledger.machine(self._header(read_block(block))).state
        slots = range(first_slot, first_slot + count)
        return b"".join(state.get_storage(address, slot % 2**256).to_bytes(32, "big") for slot in slots)

    # The node

    def _client_version(self) -> str:
        return _CLIENT_VERSION

    def _net_version(self) -> str:
        return str(self._ledger.chain_id)

    def _chain_id(self) -> str:
        return to_quantity(self._ledger.chain_id)

    def _syncing(self) -> bool:
        return False

    def _accounts(self) -> list[str]:
        return []

    # Blocks

    def _header(self, reference: BlockReference) -> BlockHeaderAPI:
        """A block is final once mined, so every tag but earliest is the head."""
        try:
            if reference.hash is not None:
                return self._ledger.header_by_hash(reference.hash)
            if reference.number is not None:
                return self._ledger.header(reference.number)
        except BlockNotFound as error:
            raise RpcError("header not found", rpc_code=execution.SERVER_ERROR) from error
        return self._ledger.header(0) if reference.tag == "earliest" else self._ledger.head()

    def _block_number(self) -> str:
        return to_quantity(self._ledger.head().block_number)

    def _get_block(self, block: Any, full: Any = False) -> dict[str, Any] | None:
        return self._block_at(read_block(block), full)

    def _get_block_by_hash(self, block_hash: Any, full: Any = False) -> dict[str, Any] | None:
        return self._block_at(BlockReference(hash=read_bytes(block_hash, 32, "block hash")), full)

    def _block_at(self, reference: BlockReference, full: Any) -> dict[str, Any] | None:
        if not isinstance(full, bool):
            raise invalid("expected a boolean")
        try:
            header = self._header(reference)
        except RpcError:
            return None
        return encoding.block_json(self._ledger.block(header), full=full, chain_id=self._ledger.chain_id)

    # State

    def _state(self, block: Any) -> Any:
        return self._ledger.machine(self._header(read_block(block))).state

    def _get_transaction_count(self, address: Any, block: Any = None) -> str:
        return to_quantity(self._state(block).get_nonce(read_bytes(address, 20, "address")))

    def _get_balance(self, address: Any, block: Any = None) -> str:
        return to_quantity(self._state(block).get_balance(read_bytes(address, 20, "address")))

    def _get_code(self, address: Any, block: Any = None) -> str:
        return to_data(self._state(block).get_code(read_bytes(address, 20, "address")))

    def _get_storage_at(self, address: Any, slot: Any, block: Any = None) -> str:
        word = self._state(block).get_storage(read_bytes(address, 20, "address"), read_slot(slot))
        return to_data(word.to_bytes(32, "big"))

    # Execution

    def _call(self, request: Any, block: Any = None) -> str:
        machine = self._ledger.machine(self._header(read_block(block)))
        return to_data(execution.call(machine, read_call(request)))

    def _estimate_gas(self, request: Any, block: Any = None) -> str:
        machine = self._ledger.machine(self._header(read_block(block)))
        return to_quantity(execution.estimate_gas(machine, read_call(request)))

    # Fees

    def _gas_price(self) -> str:
        return to_quantity(self._ledger.next_header().base_fee_per_gas + _SUGGESTED_TIP_WEI)

    def _tip(self) -> str:
        return to_quantity(_SUGGESTED_TIP_WEI)

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
        wanted = min(read_count(count, "block count"), MAX_FEE_HISTORY)
        if percentiles is not None and (not isinstance(percentiles, list) or len(percentiles) > 100):
            raise invalid("reward percentiles")
        last = self._header(read_block(newest))
        first = max(0, last.block_number - wanted + 1)
        headers = [self._ledger.header(number) for number in range(first, last.block_number + 1)] if wanted else []
        following = self._ledger.next_header()
        if last.block_number < self._ledger.head().block_number:
            following = self._ledger.header(last.block_number + 1)
        answer: dict[str, Any] = {
            "oldestBlock": to_quantity(first),
            "baseFeePerGas": [to_quantity(header.base_fee_per_gas) for header in [*headers, following]],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        }
        if percentiles:
            # One transaction a block: every percentile of a block is the tip of that transaction.
            answer["reward"] = [[to_quantity(self._paid_tip(header))] * len(percentiles) for header in headers]
        return answer

    def _paid_tip(self, header: BlockHeaderAPI) -> int:
        tips = [
            min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas - header.base_fee_per_gas)
            for tx in self._ledger.block(header).transactions
        ]
        return int(min(tips, default=0))

    # Transactions

    def _send_raw_transaction(self, raw: Any) -> str:
        """Mine the transaction in a block of its own. The same bytes again are a success: their hash, nothing more."""
        tx = admission.decode_transaction(self._ledger, read_bytes(raw, None, "transaction"))
        if log_index.find_transaction(self._ledger.database.connection, tx.hash) is None:
            admission.check_transaction(self._ledger, tx)
            try:
                self._ledger.append(tx)
            except ValidationError as error:
                raise RpcError(f"invalid transaction: {error}") from error
        return to_data(tx.hash)

    def _get_transaction(self, tx_hash: Any) -> dict[str, Any] | None:
        row = log_index.find_transaction(self._ledger.database.connection, read_bytes(tx_hash, 32, "hash"))
        if row is None:
            return None
        header = self._ledger.header(row.block)
        tx = self._ledger.block(header).transactions[row.tx_index]
        return encoding.transaction_json(tx, header, row.tx_index, self._ledger.chain_id)

    def _get_receipt(self, tx_hash: Any) -> dict[str, Any] | None:
        db = self._ledger.database.connection
        row = log_index.find_transaction(db, read_bytes(tx_hash, 32, "hash"))
        if row is None:
            return None
        header = self._ledger.header(row.block)
        tx = self._ledger.block(header).transactions[row.tx_index]
        receipt = self._ledger.receipts(header)[row.tx_index]
        logs = log_index.logs_of_transaction(db, row.block, row.tx_index)
        return encoding.receipt_json(tx, receipt, row, header, logs)

    def _get_logs(self, log_filter: Any) -> list[dict[str, Any]]:
        wanted = read_log_filter(log_filter)
        head = self._ledger.head().block_number
        first, last = self._log_bound(wanted.first, head), self._log_bound(wanted.last, head)
        if first > last:
            raise invalid("the block range is backwards")
        last = min(last, head)
        if last - first >= MAX_LOG_BLOCKS:
            raise RpcError(f"exceed maximum block range: {MAX_LOG_BLOCKS}", rpc_code=log_index.LIMIT_EXCEEDED)
        rows = log_index.find_logs(self._ledger.database.connection, first, last, wanted.addresses, wanted.topics)
        headers = {number: self._ledger.header(number) for number in {row.block for row in rows}}
        return [encoding.log_json(row, headers[row.block].hash, headers[row.block].timestamp) for row in rows]

    def _log_bound(self, reference: BlockReference, head: int) -> int:
        if reference.number is not None:
            return reference.number
        return int(self._header(reference).block_number) if reference.tag == "earliest" or reference.hash else head
