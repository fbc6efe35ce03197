"""Running code without a transaction: eth_call and eth_estimateGas, at any block.

Both cost the node whatever the caller's code does, so gas is capped. Each works on a state of its own, which is never
persisted.
"""

from dataclasses import dataclass
from typing import Any

from eth.abc import ComputationAPI, StateAPI, VirtualMachineAPI
from eth.constants import CREATE_CONTRACT_ADDRESS, ZERO_ADDRESS
from eth.exceptions import Revert
from eth.vm.message import Message
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode as decode_abi
from eth_abi.exceptions import DecodingError
from eth_utils.exceptions import ValidationError

from contracts.errors import RpcError
from contracts.hexadecimal import to_data
from contracts.limits import CALL_GAS_LIMIT, TX_GAS_LIMIT

REVERTED = 3
SERVER_ERROR = -32000

_ERROR_STRING = bytes.fromhex("08c379a0")
_SEARCH_TOLERANCE_GAS = 500


@dataclass(frozen=True)
class CallRequest:
    """The parameters of eth_call and eth_estimateGas. `to` is None for a creation; `gas` None for the cap."""

    sender: bytes = ZERO_ADDRESS
    to: bytes | None = None
    data: bytes = b""
    value: int = 0
    gas: int | None = None


def call(machine: VirtualMachineAPI, request: CallRequest) -> bytes:
    """What the code returns at the machine's block; raises RpcError (3 with the revert's data, -32000 otherwise)."""
    state = machine.state
    gas = min(request.gas or CALL_GAS_LIMIT, CALL_GAS_LIMIT)
    code = request.data if request.to is None else _code_at(state, request.to)
    message = Message(
        gas=gas,
        to=CREATE_CONTRACT_ADDRESS if request.to is None else request.to,
        sender=request.sender,
        value=request.value,
        data=b"" if request.to is None else request.data,
        code=code,
        create_address=ZERO_ADDRESS if request.to is None else None,
    )
    context = state.get_transaction_context_class()(gas_price=0, origin=request.sender)
    if request.value and state.get_balance(request.sender) < request.value:
        raise RpcError("insufficient funds for transfer", rpc_code=SERVER_ERROR)
    for address in (request.sender, request.to):
        if address is not None:
            state.mark_address_warm(address)
    run = state.computation_class.apply_create_message if request.to is None else state.computation_class.apply_message
    return _output(run(state, message, context))


def estimate_gas(machine: VirtualMachineAPI, request: CallRequest) -> int:
    """Gas with which the transaction succeeds: what it used, or a little more where it needs headroom for inner calls.

    Raises:
        RpcError: it reverts (3) or fails (-32000) even with the most gas a transaction may have.
    """
    with machine.in_costless_state() as state:
        cap = min(request.gas or TX_GAS_LIMIT, TX_GAS_LIMIT)
        sender_nonce = state.get_nonce(request.sender)
        unsigned = machine.create_unsigned_transaction(
            nonce=sender_nonce, gas_price=0, gas=cap, to=request.to or b"", value=request.value, data=request.data
        )
        if request.value > state.get_balance(request.sender):
            raise RpcError("insufficient funds for gas * price + value", rpc_code=SERVER_ERROR)

        def attempt(gas: int) -> ComputationAPI | None:
            spoof: Any = SpoofTransaction(unsigned, from_=request.sender, gas=gas, gas_price=0)
            return _attempt(state, spoof)

        first = attempt(cap)
        if first is None:
            raise RpcError(f"gas required exceeds allowance ({cap})", rpc_code=SERVER_ERROR)
        _output(first)
        used = cap - first.get_gas_remaining()
        return _search(attempt, max(used, _floor_gas(request.data)), cap)


def _search(attempt: Any, low: int, high: int) -> int:
    if _succeeds(attempt(low)):
        return low
    while high - low > _SEARCH_TOLERANCE_GAS:
        middle = (low + high) // 2
        if _succeeds(attempt(middle)):
            high = middle
        else:
            low = middle
    return high


def _attempt(state: StateAPI, transaction: Any) -> ComputationAPI | None:
    snapshot = state.snapshot()
    try:
        if transaction.gas < transaction.intrinsic_gas:
            return None
        return state.apply_transaction(transaction)
    except ValidationError as error:
        raise RpcError(str(error), rpc_code=SERVER_ERROR) from error
    finally:
        state.revert(snapshot)


def _succeeds(computation: ComputationAPI | None) -> bool:
    return computation is not None and not computation.is_error


def _floor_gas(data: bytes) -> int:
    """EIP-7623: calldata costs at least this much, whatever it does."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


def _code_at(state: StateAPI, address: bytes) -> bytes:
    return bytes(state.get_code(address))


def _output(computation: ComputationAPI) -> bytes:
    if not computation.is_error:
        return bytes(computation.output)
    if isinstance(computation.error, Revert):
        data = bytes(computation.output)
        raise RpcError(_revert_message(data), rpc_code=REVERTED, data=to_data(data))
    name = type(computation.error).__name__
    raise RpcError("out of gas" if name == "OutOfGas" else f"execution failed: {name}", rpc_code=SERVER_ERROR)


def _revert_message(data: bytes) -> str:
    if data[:4] == _ERROR_STRING:
        try:
            return f"execution reverted: {decode_abi(['string'], data[4:])[0]}"
        except (DecodingError, UnicodeDecodeError, OverflowError):
            return "execution reverted"
    return "execution reverted"
