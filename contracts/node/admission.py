"""What a transaction must satisfy before the node spends work on it, with geth's wording for what it does not.

Clients parse these messages (outboxes, ethers, web3.py), so the words are part of the interface.
"""

from eth.abc import SignedTransactionAPI, StateAPI
from eth.exceptions import PyEVMError
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from contracts.errors import RpcError
from contracts.limits import MAX_TRANSACTION_BYTES, TX_GAS_LIMIT
from contracts.node.encoding import transaction_type
from contracts.node.ledger import Ledger

_REJECTED = -32000
_SUPPORTED_TYPES = (0, 1, 2)


def decode_transaction(ledger: Ledger, raw: bytes) -> SignedTransactionAPI:
    """Decode signed bytes; raises RpcError for anything that is not one canonical transaction of a supported type."""
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise RpcError(f"oversized data: transaction size {len(raw)}, limit {MAX_TRANSACTION_BYTES}")
    if not raw or (raw[0] < 0x80 and raw[0] not in (1, 2)):
        raise RpcError("transaction type not supported")
    try:
        tx = ledger.decode_transaction(raw)
        canonical = keccak(raw) == tx.hash
    except (RLPException, ValidationError, PyEVMError, ValueError, TypeError) as error:
        raise RpcError(f"rlp: invalid transaction: {error}") from error
    if not canonical or transaction_type(tx) not in _SUPPORTED_TYPES:
        raise RpcError("transaction type not supported")
    return tx


def check_transaction(ledger: Ledger, tx: SignedTransactionAPI) -> None:
    """Check a transaction against the chain's rules and the state it would meet; raises RpcError."""
    if tx.chain_id is None:
        raise RpcError("only replay-protected (EIP-155) transactions allowed over RPC")
    if tx.chain_id != ledger.chain_id:
        raise RpcError(f"invalid chain id for signer: have {tx.chain_id} want {ledger.chain_id}")
    if tx.gas > TX_GAS_LIMIT:
        raise RpcError(f"transaction gas limit too high (cap: {TX_GAS_LIMIT}, tx: {tx.gas})")
    try:
        tx.validate()
    except (ValidationError, BadSignature) as error:
        raise RpcError(f"invalid transaction: {error}") from error
    if tx.gas < tx.intrinsic_gas:
        raise RpcError(f"intrinsic gas too low: gas {tx.gas}, minimum needed {tx.intrinsic_gas}")
    if tx.max_priority_fee_per_gas > tx.max_fee_per_gas:
        raise RpcError("max priority fee per gas higher than max fee per gas")
    base_fee = ledger.next_header().base_fee_per_gas
    if tx.max_fee_per_gas < base_fee:
        raise RpcError(
            f"max fee per gas less than block base fee: maxFeePerGas: {tx.max_fee_per_gas}, baseFee: {base_fee}"
        )
    _check_sender(ledger.machine(ledger.head()).state, tx)


def _check_sender(state: StateAPI, tx: SignedTransactionAPI) -> None:
    nonce = state.get_nonce(tx.sender)
    if tx.nonce < nonce:
        raise RpcError(f"nonce too low: next nonce {nonce}, tx nonce {tx.nonce}")
    if tx.nonce > nonce:
        raise RpcError(f"nonce too high: next nonce {nonce}, tx nonce {tx.nonce}")
    balance = state.get_balance(tx.sender)
    cost = tx.gas * tx.max_fee_per_gas + tx.value
    if balance < cost:
        raise RpcError(f"insufficient funds for gas * price + value: have {balance} want {cost}", rpc_code=_REJECTED)
