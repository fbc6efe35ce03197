"""Every error of the chain room: one root, one leaf per condition, each with a stable `code`.

The distinction that matters to a verifier is between "the chain answered" and "we could not ask": `ChainUnavailable`
and its kin mean unknown, and unknown is never valid. This module imports nothing, so that every other one can import
it.
"""


class ChainError(Exception):
    """Root of the chain room's errors.

    `detail` is English text for an operator; `pointer` is an RFC 6901 JSON pointer to the member at fault, or empty.
    """

    code: str = "chain_error"

    def __init__(self, detail: str = "", *, pointer: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.pointer = pointer


# Reaching a node


class ChainUnavailable(ChainError):
    """No answer: refused, timed out, an HTTP error, a redirect, or an answer over the size limit."""

    code = "chain_unavailable"


class MalformedAnswer(ChainError):
    """The node answered something that JSON-RPC or the ABI does not allow; nothing of it may be believed."""

    code = "malformed_answer"


class ChainIdMismatch(ChainError):
    """The endpoint is another chain than the one configured. Fatal: nothing read from it means anything."""

    code = "chain_id_mismatch"


class RpcError(ChainError):
    """The node answered a JSON-RPC error object.

    `rpc_code` is its number (-32601 unknown method, -32602 bad parameters, -32005 limit exceeded, 3 reverted, ...) and
    `data` its data member: for a revert the 0x hex of the revert bytes.
    """

    code = "rpc_error"

    def __init__(self, detail: str, *, rpc_code: int = -32000, data: object = None) -> None:
        super().__init__(detail)
        self.rpc_code = rpc_code
        self.data = data


# Calling and sending


class CallReverted(ChainError):
    """A call reverted. `data` is what the contract returned, `error_name` the custom error it is, where known."""

    code = "call_reverted"

    def __init__(self, detail: str = "", *, data: bytes = b"", error_name: str | None = None) -> None:
        super().__init__(detail or (error_name or "execution reverted"))
        self.data = data
        self.error_name = error_name


class TransactionRejected(ChainError):
    """The node refused a transaction, which is therefore not pending there.

    `reason` is one of nonce_too_low, nonce_too_high, insufficient_funds, underpriced, gas_limit, invalid, rejected.
    """

    code = "transaction_rejected"

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class TransactionReverted(ChainError):
    """A transaction was mined with status 0."""

    code = "transaction_reverted"

    def __init__(self, detail: str = "", *, tx_hash: str = "") -> None:
        super().__init__(detail)
        self.tx_hash = tx_hash


class BlockNotFound(ChainError):
    code = "block_not_found"


class ContractMissing(ChainError):
    """There is no code at the contract's address: a call there succeeds and says nothing."""

    code = "contract_missing"


class EventLimitExceeded(ChainError):
    """More events than a reader takes: an identity with endless history must not stall a verification."""

    code = "event_limit_exceeded"


class InvalidArgument(ChainError):
    """The caller asked for something that the ABI cannot say (an address, index or status out of range)."""

    code = "invalid_argument"


class UnknownArtifact(ChainError):
    code = "unknown_artifact"


# The in-process node


class NodeLocked(ChainError):
    """Another process holds this chain. A second writer would fork it."""

    code = "node_locked"


class NodeClosed(ChainError):
    code = "node_closed"


class NodeCorrupted(ChainError):
    """The stored chain does not replay to its own head, or its file is damaged or of another format."""

    code = "node_corrupted"


# Status lists


class UnknownStatusList(ChainError):
    """The registry has no such list at that block: the status is unknown, not valid."""

    code = "unknown_status_list"


class StatusIndexOutOfRange(ChainError):
    code = "status_index_out_of_range"
