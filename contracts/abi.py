"""The ABI codec of our contracts: selectors, argument encoding, and reading the fixed words of hot reads by hand.

web3.py's contract objects spend about 9 ms of CPU per call on generality that two contracts do not need. Dynamic
arguments go through eth_abi; single words are sliced here.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from eth_abi.abi import encode as encode_abi
from eth_abi.exceptions import EncodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from contracts.chain import Chain
from contracts.errors import CallReverted, ContractMissing, InvalidArgument, MalformedAnswer
from contracts.hexadecimal import read_data


@cache
def selector(signature: str) -> bytes:
    """The first four bytes of the hash of `name(type,...)`."""
    return keccak(text=signature)[:4]


@cache
def event_topic(signature: str) -> bytes:
    return keccak(text=signature)


def encode_call(signature: str, *arguments: Any) -> bytes:
    """Calldata for a function given as `name(type,...)`; raises InvalidArgument where an argument does not fit."""
    return selector(signature) + encode_arguments(argument_types(signature), arguments)


def encode_arguments(types: Sequence[str], arguments: Sequence[Any]) -> bytes:
    try:
        return encode_abi(types, arguments)
    except (EncodingError, TypeError, ValueError, OverflowError) as error:
        raise InvalidArgument(f"not encodable as {','.join(types)}: {error}") from error


@cache
def argument_types(signature: str) -> tuple[str, ...]:
    """The top-level argument types of a signature, tuples kept whole."""
    inner = signature[signature.index("(") + 1 : -1]
    types, depth, start = [], 0, 0
    for at, character in enumerate(inner):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            types.append(inner[start:at])
            start = at + 1
    return (*types, inner[start:]) if inner else ()


def read_words(chain: Chain, to: str, data: bytes, count: int, block: str | int) -> list[int]:
    """Call and read exactly `count` words.

    Raises:
        ContractMissing: nothing came back, which is how an address without code answers.
        CallReverted, MalformedAnswer, RpcError, ChainUnavailable.
    """
    answer = chain.call(to, data, block)
    if not answer:
        raise ContractMissing(f"there is no contract at {to}")
    if len(answer) != 32 * count:
        raise MalformedAnswer(f"expected {count} words, got {len(answer)} bytes")
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]


def read_uint(word: int, bits: int) -> int:
    """An unsigned integer of at most `bits`; anything above would be another contract's answer."""
    if word >> bits:
        raise MalformedAnswer(f"a word does not fit {bits} bits")
    return word


def read_address(word: int) -> str:
    return str(to_checksum_address(read_uint(word, 160).to_bytes(20, "big")))


def check_address(address: str, pointer: str) -> str:
    """The address checksummed; raises InvalidArgument. Case is not compared: callers hold addresses from DIDs."""
    try:
        return str(to_checksum_address(read_data(address, 20)))
    except ValueError as error:
        raise InvalidArgument(f"{address!r} is no address", pointer=pointer) from error


def is_error(revert: CallReverted, signature: str) -> bool:
    """Whether a revert is this custom error."""
    return revert.data[:4] == selector(signature)
