"""The limits of the chain room, with where each comes from."""

# EIP-7825: the most gas one transaction may ask for. py-evm stops at Prague and does not know it, so the node enforces
# it.
TX_GAS_LIMIT = 16_777_216

# Gas limit of the in-process chain's blocks; the same magnitude as public chains, so what fits here fits there.
BLOCK_GAS_LIMIT = 30_000_000

# Gas for eth_call and eth_estimateGas: what a transaction can have. py-evm runs about 2 million gas of tight loop a
# second and the node answers nobody else meanwhile, so geth's 50 million (--rpc.gascap) would be half a minute.
CALL_GAS_LIMIT = TX_GAS_LIMIT

# A signed transaction's largest encoding: geth's pool takes 128 KiB (txMaxSize).
MAX_TRANSACTION_BYTES = 131_072

# One JSON-RPC request over HTTP: two of the largest transactions in hex, with room for a batch of small ones.
MAX_REQUEST_BYTES = 1_048_576

# Calls in one JSON-RPC batch: geth's default (--rpc.batch-request-limit).
MAX_BATCH = 1000

# An HTTP answer the client reads at most: 4,096 storage words of 66 hex digits are 0.3 MiB; logs can be larger.
MAX_ANSWER_BYTES = 33_554_432

# What eth_getLogs spans and answers at most: the figures public endpoints use.
MAX_LOG_BLOCKS = 10_000
MAX_LOG_RESULTS = 10_000

# Blocks of eth_feeHistory: geth's default.
MAX_FEE_HISTORY = 1024

# Storage slots copied by one direct read: the words of the longest status list.
MAX_STORAGE_SLOTS = 4096

# Events a client follows for one identity (threats: a did:ethr history of 10^6 events).
MAX_IDENTITY_EVENTS = 1000

# Words asked of the contract in one call: 512 cost about 1.3 million gas, far below every node's cap.
WORDS_PER_CALL = 512
