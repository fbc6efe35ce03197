"""The client of `CredentialStatusRegistry`: whole status lists and single statuses, read from the chain alone.

Whole lists are the normal read: asking a node for one index tells it which credential is being looked at. Every reading
names the block it was taken at, and a list that is paused or missing is unknown, never valid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

from eth_utils.crypto import keccak

from contracts.abi import check_address, encode_arguments, encode_call, is_error, read_address, read_uint, read_words
from contracts.chain import Chain
from contracts.errors import (
    CallReverted,
    ContractMissing,
    InvalidArgument,
    MalformedAnswer,
    StatusIndexOutOfRange,
    UnknownStatusList,
)
from contracts.limits import WORDS_PER_CALL

ANY_VERSION = 2**48 - 1
_WORDS_SLOT = 1
_MAX_BITS = 1_048_576
_INVALID = 1


class ListFlag(IntFlag):
    PAUSED = 1
    FROZEN = 2
    REVOKED = 4
    IRREVERSIBLE = 8


@dataclass(frozen=True)
class StatusList:
    """A list's header at a block.

    `owner` is the DID identity whose controller writes it; `digest` the SHA-256 of the document last anchored (zeros
    where none), `anchored_version` the version that made, `valid_until` its intended end; times are Unix seconds.
    """

    list_id: bytes
    owner: str
    version: int
    capacity: int
    bits: int
    flags: int
    digest: bytes
    updated_at: int
    valid_until: int
    anchored_version: int

    @property
    def decided(self) -> bool:
        """False while the list is paused: its statuses then mean "unknown"."""
        return not self.flags & ListFlag.PAUSED


@dataclass(frozen=True)
class StatusReading:
    """One status as stored at `block`. With the PAUSED flag it means "unknown"; `updated_at` is Unix seconds."""

    status: int
    version: int
    updated_at: int
    flags: int
    block: int


@dataclass(frozen=True)
class ListSnapshot:
    """A whole list at one block. `words` is packed as in a Token Status List: index 0 in the lowest bits of byte 0."""

    header: StatusList
    words: bytes
    block: int

    def status(self, index: int) -> int:
        """The status at an index; raises StatusIndexOutOfRange."""
        if not 0 <= index < self.header.capacity:
            raise StatusIndexOutOfRange(f"index {index} of {self.header.capacity}")
        bit = index * self.header.bits
        return (self.words[bit // 8] >> (bit % 8)) & ((1 << self.header.bits) - 1)


class CredentialStatusRegistry:
    """Reads at a block (a tag or a number) and calldata for writes."""

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain = chain
        self.address = check_address(address, "/registry")

    @staticmethod
    def list_id(creator: str, salt: bytes) -> bytes:
        """The id of the list that the DID identity `creator` makes with a 32-byte salt."""
        return bytes(keccak(encode_arguments(["address", "bytes32"], (check_address(creator, "/creator"), salt))))

    def get_list(self, list_id: bytes, block: str | int = "latest") -> StatusList | None:
        """A list's header; None where there is no such list."""
        data = encode_call("getList(bytes32)", list_id)
        try:
            words = read_words(self.chain, self.address, data, 9, block)
        except CallReverted as error:
            if is_error(error, "UnknownList()"):
                return None
            raise
        header = StatusList(
            list_id=list_id,
            owner=read_address(words[0]),
            version=read_uint(words[1], 48),
            capacity=read_uint(words[2], 32),
            bits=read_uint(words[3], 8),
            flags=read_uint(words[4], 8),
            digest=words[5].to_bytes(32, "big"),
            updated_at=read_uint(words[6], 64),
            valid_until=read_uint(words[7], 64),
            anchored_version=read_uint(words[8], 48),
        )
        if header.bits not in (1, 2, 4, 8) or not 0 < header.capacity * header.bits <= _MAX_BITS:
            raise MalformedAnswer("no such list can exist")
        return header

    def snapshot(self, list_id: bytes, block: str | int = "latest") -> ListSnapshot:
        """A whole list and its header, all at one block; raises UnknownStatusList.

        The REVOKED flag makes every status INVALID here, as it does in the contract.
        """
        number = self._number(block)
        header = self.get_list(list_id, number)
        if header is None:
            raise UnknownStatusList(f"no list {list_id.hex()} at block {number}")
        size = header.capacity * header.bits // 8
        words = self._all_invalid(header) if header.flags & ListFlag.REVOKED else self._stored(header, number)
        return ListSnapshot(header, words[:size], number)

    def words(self, list_id: bytes, block: str | int = "latest") -> bytes:
        """The packed statuses of a whole list, capacity * bits / 8 bytes; raises UnknownStatusList.

        Index 0 is in the lowest bits of byte 0, as in a Token Status List. Look at `snapshot` where the flags matter.
        """
        return self.snapshot(list_id, block).words

    def status_of(self, list_id: bytes, index: int, block: str | int = "latest") -> StatusReading:
        """One status. Tells the node which credential is looked at: prefer `snapshot` where the node is not yours.

        Raises:
            UnknownStatusList: no such list at that block.
            StatusIndexOutOfRange: beyond the list's capacity, or no index at all.
        """
        if not 0 <= index < 2**32:
            raise StatusIndexOutOfRange(f"index {index}")
        number = self._number(block)
        data = encode_call("statusOf(bytes32,uint32)", list_id, index)
        try:
            status, version, updated_at, flags = read_words(self.chain, self.address, data, 4, number)
        except CallReverted as error:
            if is_error(error, "UnknownList()"):
                raise UnknownStatusList(f"no list {list_id.hex()} at block {number}") from error
            if is_error(error, "OutOfRange()"):
                raise StatusIndexOutOfRange(f"index {index}") from error
            raise
        return StatusReading(
            status=read_uint(status, 8),
            version=read_uint(version, 48),
            updated_at=read_uint(updated_at, 64),
            flags=read_uint(flags, 8),
            block=number,
        )

    # Calldata

    def encode_create_list(
        self, identity: str, salt: bytes, bits: int, capacity: int, irreversible: bool = True, uri: str = ""
    ) -> bytes:
        """Calldata that creates the list `list_id(identity, salt)`; only the identity's controller can.

        Args:
            bits: 1, 2, 4 or 8 per status. capacity * bits is a multiple of 8 and at most 1,048,576.
            irreversible: INVALID is then final for each entry; suspending and reinstating stay possible with 2 bits.
        """
        if bits not in (1, 2, 4, 8):
            raise InvalidArgument("1, 2, 4 or 8 bits", pointer="/bits")
        if not 0 < capacity * bits <= _MAX_BITS or capacity * bits % 8:
            raise InvalidArgument("capacity * bits must be a multiple of 8, at most 1048576", pointer="/capacity")
        who = check_address(identity, "/identity")
        signature = "createList(address,bytes32,uint8,uint32,bool,string)"
        return encode_call(signature, who, salt, bits, capacity, irreversible, uri)

    def encode_set_status(self, list_id: bytes, index: int, status: int) -> bytes:
        return encode_call("setStatus(bytes32,uint32,uint8)", list_id, index, status)

    def encode_set_statuses(self, list_id: bytes, expected_version: int | None, changes: Mapping[int, int]) -> bytes:
        """Calldata for many changes (status by index). `expected_version` None changes whatever version there is."""
        if not changes:
            raise InvalidArgument("no changes", pointer="/changes")
        if any(not (0 <= index < 2**32 and 0 <= status < 256) for index, status in changes.items()):
            raise InvalidArgument("an index or status is out of range", pointer="/changes")
        packed = b"".join(index.to_bytes(4, "big") + bytes([changes[index]]) for index in sorted(changes))
        version = _version(expected_version)
        return encode_call("setStatuses(bytes32,uint48,bytes)", list_id, version, packed)

    def encode_anchor(
        self, list_id: bytes, expected_version: int | None, digest: bytes, valid_until: int = 0, data: bytes = b""
    ) -> bytes:
        """Calldata that anchors a published document by its SHA-256, optionally with the document itself."""
        version = _version(expected_version)
        signature = "anchor(bytes32,uint48,bytes32,uint64,bytes)"
        return encode_call(signature, list_id, version, digest, valid_until, data)

    def encode_pause(self, list_id: bytes, on: bool) -> bytes:
        return encode_call("pause(bytes32,bool)", list_id, on)

    def encode_freeze(self, list_id: bytes, *, revoke_all: bool) -> bytes:
        """Calldata that ends all writing for ever; with `revoke_all` every entry is INVALID from then on."""
        return encode_call("freeze(bytes32,bool)", list_id, revoke_all)

    # Reading words

    def _number(self, block: str | int) -> int:
        return block if isinstance(block, int) else self.chain.head(block).number

    def _stored(self, header: StatusList, number: int) -> bytes:
        count = _word_count(header)
        base = int.from_bytes(keccak(header.list_id + _WORDS_SLOT.to_bytes(32, "big")), "big")
        copied = self.chain.storage_range(self.address, base, count, number)
        if copied is None:
            copied = b"".join(
                self._called(header.list_id, first, min(WORDS_PER_CALL, count - first), number)
                for first in range(0, count, WORDS_PER_CALL)
            )
        return b"".join(copied[i : i + 32][::-1] for i in range(0, len(copied), 32))

    def _called(self, list_id: bytes, first: int, count: int, number: int) -> bytes:
        data = encode_call("getWords(bytes32,uint256,uint256)", list_id, first, count)
        answer = self.chain.call(self.address, data, number)
        if not answer:
            raise ContractMissing(f"there is no contract at {self.address}")
        # Head: offset of the array and version; then its length and its words.
        if len(answer) != 32 * (3 + count) or answer[64:96] != count.to_bytes(32, "big"):
            raise MalformedAnswer(f"expected {count} words, got {len(answer)} bytes")
        return answer[96:]

    @staticmethod
    def _all_invalid(header: StatusList) -> bytes:
        entry = sum(_INVALID << shift for shift in range(0, 8, header.bits))
        return bytes([entry]) * (32 * _word_count(header))


def _word_count(header: StatusList) -> int:
    return (header.capacity * header.bits + 255) // 256


def _version(expected: int | None) -> int:
    if expected is None:
        return ANY_VERSION
    if not 0 < expected < ANY_VERSION:
        raise InvalidArgument("a version is between 1 and 2^48 - 2", pointer="/expected_version")
    return expected
