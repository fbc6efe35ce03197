"""The committed contract artifacts and how they are deployed. Nothing here compiles.

Addresses follow from the sender and its nonce, so a deployment is known before it is sent and can go through an outbox
like any other transaction; doing it again from the same nonce is the same deployment.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rlp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from contracts.abi import check_address, encode_arguments
from contracts.chain import Chain
from contracts.errors import UnknownArtifact
from contracts.transactions import address_of, sign_transaction

CONTRACTS = ("DIDRegistry", "CredentialStatusRegistry")
_ARTIFACTS = Path(__file__).parent / "artifacts"


@dataclass(frozen=True)
class DeploymentCall:
    """One contract to create: the transaction's data, and the address it will have."""

    contract: str
    init_code: bytes
    address: str
    nonce: int


@dataclass(frozen=True)
class Deployment:
    """Where the contracts are, and the block from which they exist."""

    did_registry: str
    status_registry: str
    block: int


@cache
def artifact(name: str) -> dict[str, Any]:
    """A committed artifact, as `tools/compile_artifacts.py` writes it: abi, bytecode, deployedBytecode and more.

    Raises:
        UnknownArtifact: there is no contract of this name.
    """
    if name not in CONTRACTS:
        raise UnknownArtifact(f"there is no contract {name!r}")
    loaded: dict[str, Any] = json.loads((_ARTIFACTS / f"{name}.json").read_text())
    return loaded


def created_address(sender: str, nonce: int) -> str:
    """The checksummed address of the contract that `sender` creates with its transaction `nonce`."""
    encoded = rlp.encode([bytes.fromhex(check_address(sender, "/sender")[2:]), nonce])
    return str(to_checksum_address(keccak(encoded)[-20:]))


def deployment_calls(sender: str, first_nonce: int = 0) -> list[DeploymentCall]:
    """What to send, in order, from `sender` with consecutive nonces: the DID registry, then the status registry."""
    did_registry = created_address(sender, first_nonce)
    did_code = bytes.fromhex(artifact("DIDRegistry")["bytecode"][2:])
    status_code = bytes.fromhex(artifact("CredentialStatusRegistry")["bytecode"][2:])
    status_code += encode_arguments(["address"], (did_registry,))
    return [
        DeploymentCall("DIDRegistry", did_code, did_registry, first_nonce),
        DeploymentCall(
            "CredentialStatusRegistry", status_code, created_address(sender, first_nonce + 1), first_nonce + 1
        ),
    ]


def deploy(chain: Chain, private_key: bytes) -> Deployment:
    """Deploy both contracts now and wait for them. For a first start, tests and development.

    Raises:
        TransactionRejected, TransactionReverted, ChainUnavailable.
    """
    sender = address_of(private_key)
    calls = deployment_calls(sender, chain.nonce(sender))
    block = 0
    for call in calls:
        fees = chain.fees()
        gas = chain.estimate({"from": sender, "data": "0x" + call.init_code.hex()})
        signed = sign_transaction(
            private_key,
            chain_id=chain.chain_id,
            nonce=call.nonce,
            to=None,
            data=call.init_code,
            gas=gas + gas // 10,
            max_fee=fees.max_fee,
            priority_fee=fees.priority,
        )
        block = chain.wait_for_receipt(chain.send_raw(signed.raw)).block_number
    return Deployment(did_registry=calls[0].address, status_registry=calls[1].address, block=block)
