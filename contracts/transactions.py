"""Signing EIP-1559 transactions. The bytes are what an outbox stores before anything is sent.

A transaction carries its chain id (EIP-155), so it is worth nothing on another chain, and its nonce, so that it takes
effect at most once.
"""

from dataclasses import dataclass

from coincurve import PrivateKey
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from contracts.errors import InvalidArgument
from contracts.hexadecimal import to_data


@dataclass(frozen=True)
class SignedTransaction:
    """`raw` is what is sent, `hash` its 0x name, `sender` the checksummed address of the key."""

    raw: bytes
    hash: str
    sender: str


def address_of(private_key: bytes) -> str:
    """The checksummed address of a secp256k1 key of 32 bytes; raises InvalidArgument."""
    try:
        public = PrivateKey(private_key).public_key.format(compressed=False)
    except (ValueError, TypeError) as error:
        raise InvalidArgument("not a secp256k1 private key", pointer="/private_key") from error
    return str(to_checksum_address(keccak(public[1:])[-20:]))


def sign_transaction(
    private_key: bytes,
    *,
    chain_id: int,
    nonce: int,
    to: str | None,
    data: bytes,
    gas: int,
    max_fee: int,
    priority_fee: int,
    value: int = 0,
) -> SignedTransaction:
    """Sign a type 2 transaction.

    Args:
        to: an address, or None to create a contract from `data`.
        gas: the most it may use; nodes refuse more than 16,777,216 (EIP-7825).
        max_fee, priority_fee: wei per gas.

    Raises:
        InvalidArgument: a field does not fit a transaction.
    """
    sender = address_of(private_key)
    fields = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "value": value,
        "data": data,
        "gas": gas,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": priority_fee,
    }
    if to is not None:
        fields["to"] = to_checksum_address(to)
    try:
        signed = Account.sign_transaction(fields, private_key)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"not a transaction: {error}") from error
    return SignedTransaction(raw=bytes(signed.raw_transaction), hash=to_data(bytes(signed.hash)), sender=sender)
