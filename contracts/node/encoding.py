"""Blocks, transactions, receipts and logs in the JSON forms of Ethereum JSON-RPC (execution-apis)."""

from typing import Any

import rlp
from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth_bloom.bloom import BloomFilter

from contracts.hexadecimal import to_data, to_quantity
from contracts.node.log_index import LogRow, TransactionRow

_LEGACY = 0


def block_json(block: BlockAPI, *, full: bool, chain_id: int) -> dict[str, Any]:
    """A block, with transaction objects (`full`) or their hashes."""
    transactions: list[Any] = [to_data(tx.hash) for tx in block.transactions]
    if full:
        transactions = [transaction_json(tx, block.header, i, chain_id) for i, tx in enumerate(block.transactions)]
    return {
        **header_json(block.header),
        "size": to_quantity(len(rlp.encode(block))),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def header_json(header: BlockHeaderAPI) -> dict[str, Any]:
    return {
        "number": to_quantity(header.block_number),
        "hash": to_data(header.hash),
        "parentHash": to_data(header.parent_hash),
        "nonce": to_data(header.nonce),
        "sha3Uncles": to_data(header.uncles_hash),
        "logsBloom": to_data(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": to_data(header.transaction_root),
        "stateRoot": to_data(header.state_root),
        "receiptsRoot": to_data(header.receipt_root),
        "miner": to_data(header.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": to_data(header.extra_data),
        "gasLimit": to_quantity(header.gas_limit),
        "gasUsed": to_quantity(header.gas_used),
        "timestamp": to_quantity(header.timestamp),
        "mixHash": to_data(header.mix_hash),
        "baseFeePerGas": to_quantity(header.base_fee_per_gas),
        "withdrawalsRoot": to_data(header.withdrawals_root),
        "blobGasUsed": to_quantity(header.blob_gas_used),
        "excessBlobGas": to_quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": to_data(header.parent_beacon_block_root),
        "requestsHash": to_data(header.requests_hash),
    }


def transaction_json(tx: SignedTransactionAPI, header: BlockHeaderAPI, index: int, chain_id: int) -> dict[str, Any]:
    """A mined transaction. `gasPrice` of an EIP-1559 transaction is what it paid."""
    kind = transaction_type(tx)
    fields: dict[str, Any] = {
        "type": to_quantity(kind),
        "hash": to_data(tx.hash),
        "nonce": to_quantity(tx.nonce),
        "blockHash": to_data(header.hash),
        "blockNumber": to_quantity(header.block_number),
        "transactionIndex": to_quantity(index),
        "from": to_data(tx.sender),
        "to": None if tx.to == CREATE_CONTRACT_ADDRESS else to_data(tx.to),
        "value": to_quantity(tx.value),
        "gas": to_quantity(tx.gas),
        "gasPrice": to_quantity(min(tx.max_fee_per_gas, header.base_fee_per_gas + tx.max_priority_fee_per_gas)),
        "input": to_data(tx.data),
        "chainId": to_quantity(chain_id),
        "r": to_quantity(tx.r),
        "s": to_quantity(tx.s),
    }
    if kind == _LEGACY:
        return {**fields, "v": to_quantity(tx.v)}
    access = [
        {"address": to_data(a), "storageKeys": [to_data(k.to_bytes(32, "big")) for k in keys]}
        for a, keys in tx.access_list
    ]
    fields |= {"v": to_quantity(tx.y_parity), "yParity": to_quantity(tx.y_parity), "accessList": access}
    if kind == 1:
        return fields
    fees = {"maxFeePerGas": tx.max_fee_per_gas, "maxPriorityFeePerGas": tx.max_priority_fee_per_gas}
    return {**fields, **{name: to_quantity(fee) for name, fee in fees.items()}}


def transaction_type(tx: SignedTransactionAPI) -> int:
    """The EIP-2718 type; 0 for legacy."""
    return int(getattr(tx, "type_id", None) or _LEGACY)


def receipt_json(
    tx: SignedTransactionAPI, receipt: ReceiptAPI, row: TransactionRow, header: BlockHeaderAPI, logs: list[LogRow]
) -> dict[str, Any]:
    bloom = BloomFilter.from_iterable(item for log in logs for item in (log.address, *log.topics))
    return {
        "type": to_quantity(transaction_type(tx)),
        "transactionHash": to_data(row.hash),
        "transactionIndex": to_quantity(row.tx_index),
        "blockHash": to_data(header.hash),
        "blockNumber": to_quantity(row.block),
        "from": to_data(row.sender),
        "to": None if tx.to == CREATE_CONTRACT_ADDRESS else to_data(tx.to),
        "contractAddress": None if row.contract is None else to_data(row.contract),
        "cumulativeGasUsed": to_quantity(receipt.gas_used),
        "gasUsed": to_quantity(row.gas_used),
        "effectiveGasPrice": to_quantity(int(row.gas_price)),
        "status": "0x1" if receipt.state_root == b"\x01" else "0x0",
        "logsBloom": to_data(int(bloom).to_bytes(256, "big")),
        "logs": [log_json(log, header.hash, header.timestamp) for log in logs],
    }


def log_json(log: LogRow, block_hash: bytes, timestamp: int) -> dict[str, Any]:
    return {
        "address": to_data(log.address),
        "topics": [to_data(topic) for topic in log.topics],
        "data": to_data(log.data),
        "blockNumber": to_quantity(log.block),
        "blockHash": to_data(block_hash),
        "blockTimestamp": to_quantity(timestamp),
        "transactionHash": to_data(log.tx_hash),
        "transactionIndex": to_quantity(log.tx_index),
        "logIndex": to_quantity(log.log_index),
        "removed": False,
    }
