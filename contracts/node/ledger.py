"""The chain itself: opening it, adding one block, and replaying it.

Danger: py-evm keeps the next block's header in memory, so a failed block, or a second writer, would silently leave it
on a fork. Every failure here drops what was written and rebuilds that header from the stored head.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI, VirtualMachineAPI
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.db.header import HeaderDB
from eth.exceptions import CanonicalHeadNotFound, HeaderNotFound, PyEVMError
from eth_utils.exceptions import ValidationError

from contracts.errors import BlockNotFound, ChainIdMismatch, NodeCorrupted
from contracts.node import log_index
from contracts.node.database import FORMAT, BlockDatabase
from contracts.node.genesis import Genesis, chain_class, create_chain


@dataclass(frozen=True)
class Replay:
    """What re-executing a whole chain found: it is the chain that its head claims."""

    blocks: int
    transactions: int
    head_hash: str


class Ledger:
    """One durable chain. Not thread-safe by itself: the node holds its lock around every use."""

    def __init__(
        self, database: BlockDatabase, chain: MiningChain, genesis: Genesis, clock: Callable[[], float]
    ) -> None:
        self.database = database
        self.genesis = genesis
        self._chain = chain
        self._clock = clock

    @classmethod
    def open(
        cls, path: Path | None, *, chain_id: int, fund: Mapping[str, int], clock: Callable[[], float] = time.time
    ) -> "Ledger":
        """Create the chain, or reopen it. A reopened chain keeps its genesis: `fund` counts only at creation.

        Raises:
            ChainIdMismatch: the stored chain has another id.
            NodeCorrupted: the file is of another format, or its genesis or head is damaged.
        """
        database = BlockDatabase(path)
        try:
            if database.format != FORMAT:
                raise NodeCorrupted(f"the chain file has format {database.format}, this version reads {FORMAT}")
            stored = database.get_meta("genesis")
            if stored is None:
                genesis = Genesis.of(chain_id, int(clock()) - 1, fund)
                chain = create_chain(genesis, database)
                database.set_meta("genesis", genesis.to_text())
            else:
                genesis = Genesis.from_text(stored)
                if genesis.chain_id != chain_id:
                    raise ChainIdMismatch(f"the stored chain is {genesis.chain_id}, not {chain_id}")
                HeaderDB(database).get_canonical_head()
                chain = chain_class(chain_id)(database)
        except CanonicalHeadNotFound as error:
            database.close()
            raise NodeCorrupted("the chain file has no head") from error
        except BaseException:
            database.close()
            raise
        return cls(database, chain, genesis, clock)

    @property
    def chain_id(self) -> int:
        return self.genesis.chain_id

    # Reading

    def head(self) -> BlockHeaderAPI:
        return self._chain.get_canonical_head()

    def header(self, number: int) -> BlockHeaderAPI:
        """The header of a block by number; raises BlockNotFound."""
        try:
            return self._chain.get_canonical_block_header_by_number(number)
        except (HeaderNotFound, ValidationError) as error:
            raise BlockNotFound(f"there is no block {number}") from error

    def header_by_hash(self, block_hash: bytes) -> BlockHeaderAPI:
        """The header of a block by hash; raises BlockNotFound."""
        try:
            header = self._chain.get_block_header_by_hash(block_hash)
        except (HeaderNotFound, ValidationError) as error:
            raise BlockNotFound("there is no block with this hash") from error
        return header

    def block(self, header: BlockHeaderAPI) -> BlockAPI:
        return self._chain.get_block_by_header(header)

    def receipts(self, header: BlockHeaderAPI) -> tuple[ReceiptAPI, ...]:
        """The receipts of a block, in the order of its transactions."""
        builder = self._chain.get_vm_class(header).get_receipt_builder()
        return tuple(self._chain.chaindb.get_receipts(header, builder))

    def machine(self, header: BlockHeaderAPI) -> VirtualMachineAPI:
        """A virtual machine with the state after this block, in this block's context, as eth_call wants it."""
        return self._chain.get_vm(header)

    def next_header(self) -> BlockHeaderAPI:
        """The header that the next block starts from: strictly later than its parent, otherwise now.

        Under load of more than one block a second the chain's time runs ahead of the clock by the blocks beyond it.
        """
        head = self.head()
        timestamp = max(head.timestamp + 1, int(self._clock()))
        return self._chain.create_header_from_parent(head, timestamp=timestamp)

    def decode_transaction(self, raw: bytes) -> SignedTransactionAPI:
        return self._chain.get_vm_class(self.head()).get_transaction_builder().decode(raw)

    # Writing

    def append(self, transaction: SignedTransactionAPI) -> BlockHeaderAPI:
        """Add one block with one transaction; durable when this returns. On any failure the chain is as before.

        Raises:
            eth_utils.ValidationError: the transaction cannot be part of the next block.
        """
        try:
            self._chain.header = self.next_header()
            result, receipts, _ = self._chain.mine_all([transaction])
            block = result.imported_block
            self.database.commit(lambda db: log_index.insert_block(db, block, receipts))
        except BaseException:
            self.database.discard()
            self._chain.header = self._chain.ensure_header()
            raise
        return block.header

    # Proof

    def replayed(self) -> "Replayer":
        """A fresh in-memory chain with the same genesis, to be fed this one's blocks."""
        return Replayer(self.genesis, self.header(0))


class Replayer:
    """Executes a chain's blocks again, from its genesis parameters alone."""

    def __init__(self, genesis: Genesis, stored_genesis: BlockHeaderAPI) -> None:
        self._chain = create_chain(genesis, AtomicDB())
        if self._chain.get_canonical_head().hash != stored_genesis.hash:
            raise NodeCorrupted("the genesis block is not the one that its parameters make")
        self._transactions = 0

    def execute(self, block: BlockAPI) -> None:
        """Execute the next block; raises NodeCorrupted where the result is not the block that was stored."""
        try:
            self._chain.import_block(block)
        except (ValidationError, PyEVMError, KeyError) as error:
            raise NodeCorrupted(f"block {block.number} does not replay: {error}") from error
        self._transactions += len(block.transactions)

    def result(self) -> Replay:
        head = self._chain.get_canonical_head()
        return Replay(head.block_number + 1, self._transactions, "0x" + head.hash.hex())
