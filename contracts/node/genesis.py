"""The first block of an in-process chain, and the rules its blocks follow.

The genesis block is stored, not recomputed: its timestamp and funded accounts are part of its hash, so a chain opened
with other parameters would be another chain.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth import constants
from eth.abc import BlockHeaderAPI
from eth.chains.base import MiningChain
from eth.db.backends.base import BaseAtomicDB
from eth.vm.forks import PragueVM
from eth_typing import Address
from eth_utils.address import to_canonical_address

from contracts.errors import InvalidArgument, NodeCorrupted
from contracts.limits import BLOCK_GAS_LIMIT

_INITIAL_BASE_FEE_WEI = 1_000_000_000
_MAX_CHAIN_ID = 2**63 - 1


@dataclass(frozen=True)
class Genesis:
    """What the first block is made of. `timestamp` is Unix seconds, `balances` is wei by lower-case 0x address."""

    chain_id: int
    timestamp: int
    balances: Mapping[str, int]

    @classmethod
    def of(cls, chain_id: int, timestamp: int, fund: Mapping[str, int]) -> "Genesis":
        """Checked parameters; raises InvalidArgument for a chain id, address or balance that cannot be."""
        if not 0 < chain_id <= _MAX_CHAIN_ID:
            raise InvalidArgument(f"{chain_id} is no chain id", pointer="/chain_id")
        balances = {}
        for address, balance in fund.items():
            try:
                canonical = to_canonical_address(address)
            except ValueError as error:
                raise InvalidArgument(f"{address!r} is no address", pointer="/fund") from error
            if not 0 <= balance < 2**128:
                raise InvalidArgument("a balance is between 0 and 2^128 wei", pointer="/fund")
            balances["0x" + canonical.hex()] = balance
        return cls(chain_id, timestamp, dict(sorted(balances.items())))

    def to_text(self) -> str:
        """The stored form."""
        balances = {address: str(balance) for address, balance in self.balances.items()}
        return json.dumps({"chain_id": self.chain_id, "timestamp": self.timestamp, "balances": balances})

    @classmethod
    def from_text(cls, text: str) -> "Genesis":
        """Read the stored form; raises NodeCorrupted."""
        try:
            stored = json.loads(text)
            balances = {str(address): int(balance) for address, balance in stored["balances"].items()}
            return cls(int(stored["chain_id"]), int(stored["timestamp"]), balances)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NodeCorrupted("the stored genesis is damaged") from error


class _ConstantGasLimitVM(PragueVM):  # type: ignore[misc]
    """Prague rules, with the parent's gas limit kept: elsewhere validators vote on it, here nobody does."""

    @classmethod
    def create_header_from_parent(cls, parent_header: BlockHeaderAPI | None, **params: Any) -> BlockHeaderAPI:
        if parent_header is not None:
            params.setdefault("gas_limit", parent_header.gas_limit)
        return PragueVM.create_header_from_parent(parent_header, **params)


def chain_class(chain_id: int) -> type[MiningChain]:
    """The py-evm chain with our rules and this chain id (which transactions sign, EIP-155)."""
    rules = {
        "vm_configuration": ((constants.GENESIS_BLOCK_NUMBER, _ConstantGasLimitVM),),
        "chain_id": chain_id,
    }
    return type("InProcessChain", (MiningChain,), rules)


def create_chain(genesis: Genesis, database: BaseAtomicDB) -> MiningChain:
    """Write the genesis block and its accounts to an empty database, uncommitted, and return the chain."""
    accounts = {
        Address(to_canonical_address(address)): {"balance": balance, "nonce": 0, "code": b"", "storage": {}}
        for address, balance in genesis.balances.items()
    }
    parameters = {
        "difficulty": 0,
        "gas_limit": BLOCK_GAS_LIMIT,
        "timestamp": genesis.timestamp,
        "base_fee_per_gas": _INITIAL_BASE_FEE_WEI,
        "extra_data": b"",
        "coinbase": constants.ZERO_ADDRESS,
    }
    return chain_class(genesis.chain_id).from_genesis(database, parameters, accounts)
