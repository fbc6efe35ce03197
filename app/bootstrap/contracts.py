"""Deploy the contracts once per chain, through the outbox, and remember where they are.

The dangers: a crash between sending and remembering that leaves the contracts lost or deployed twice, and a chain that
was swapped for another with the same id. A deployment is a ledger job with a fixed key; its address follows from sender
and nonce, which are stored before anything is sent. The genesis hash is compared at every start.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from app.bootstrap.tables import DeploymentRow
from app.clock import Clock
from app.database import Database
from app.errors import ServiceError
from app.ledger.sender import Sender
from app.ledger.service import JobState, Ledger, LedgerJobFailed, LedgerStalled
from contracts.chain import Chain
from contracts.deployment import created_address, deployment_calls
from contracts.errors import ChainUnavailable

__all__ = ["ChainReplaced", "SenderUnfunded", "ensure_contracts", "wait_written"]

DID_REGISTRY: Final = "DIDRegistry"
STATUS_REGISTRY: Final = "CredentialStatusRegistry"
WAIT_S: Final = 120.0


class ChainReplaced(ServiceError):
    """The chain is not the one that this data directory's contracts and credentials are on."""

    code = "chain_replaced"


class SenderUnfunded(ServiceError):
    """The service's address has nothing to pay gas with."""

    code = "sender_unfunded"


@dataclass(frozen=True)
class Deployer:
    """What deploying works with."""

    database: Database
    clock: Clock
    chain: Chain
    ledger: Ledger
    sender: Sender
    genesis: str


def ensure_contracts(deployer: Deployer) -> tuple[str, str]:
    """Return the addresses of the DID registry and the status registry, deployed first where they are not.

    Raises ChainReplaced, SenderUnfunded, LedgerJobFailed, LedgerStalled and ChainError leaves.
    """
    address = deployer.sender.address
    known = _recorded(deployer)
    did_registry = known.get(DID_REGISTRY)
    if did_registry is None:
        did_registry = _deploy(deployer, DID_REGISTRY, deployment_calls(address)[0].init_code)
    status_registry = known.get(STATUS_REGISTRY)
    if status_registry is None:
        nonce = _written_nonce(deployer, DID_REGISTRY)
        status_registry = _deploy(deployer, STATUS_REGISTRY, deployment_calls(address, nonce)[1].init_code)
    for name, where in ((DID_REGISTRY, did_registry), (STATUS_REGISTRY, status_registry)):
        if not deployer.chain.code(where):
            raise ChainReplaced(f"there is no {name} at {where}: the chain has lost it")
    return did_registry, status_registry


def _recorded(deployer: Deployer) -> dict[str, str]:
    with deployer.database.reading() as session:
        rows = list(session.scalars(select(DeploymentRow).where(DeploymentRow.chain_id == deployer.chain.chain_id)))
        session.expunge_all()
    if any(row.genesis != deployer.genesis for row in rows):
        raise ChainReplaced("the chain has the expected id but another genesis block than the one the contracts are on")
    return {row.contract: row.address for row in rows}


def _job_key(deployer: Deployer, contract: str) -> str:
    return f"deploy:{deployer.chain.chain_id}:{contract}"


def _deploy(deployer: Deployer, contract: str, init_code: bytes) -> str:
    if deployer.chain.balance(deployer.sender.address) == 0:
        raise SenderUnfunded(f"send ether of chain {deployer.chain.chain_id} to {deployer.sender.address}")
    with deployer.database.transaction() as session:
        job_id = deployer.ledger.enqueue_call(
            session, key=_job_key(deployer, contract), purpose=f"deploy {contract}", to=None, data=init_code
        )
    state = wait_written(deployer.ledger, deployer.sender, job_id)
    assert state.nonce is not None
    address = created_address(deployer.sender.address, state.nonce)
    if not deployer.chain.code(address):
        raise LedgerJobFailed(f"the deployment of {contract} left no code at {address}")
    with deployer.database.transaction() as session:
        session.add(
            DeploymentRow(
                chain_id=deployer.chain.chain_id,
                contract=contract,
                genesis=deployer.genesis,
                address=address,
                transaction_hash=state.transaction_hash,
                block_number=state.block_number,
                created_at=deployer.clock(),
            )
        )
    return address


def _written_nonce(deployer: Deployer, contract: str) -> int:
    with deployer.database.reading() as session:
        found = session.execute(
            select(DeploymentRow.transaction_hash).where(
                DeploymentRow.chain_id == deployer.chain.chain_id, DeploymentRow.contract == contract
            )
        ).scalar_one()
    return deployer.ledger.nonce_of(found)


def wait_written(ledger: Ledger, sender: Sender, job_id: int, *, timeout_s: float = WAIT_S) -> JobState:
    """Send until a block holds the job. Raises LedgerJobFailed, LedgerStalled, and ChainError leaves from the last
    try."""
    deadline = time.monotonic() + timeout_s
    unreachable: ChainUnavailable | None = None
    while not (state := ledger.state(job_id)).written:
        if state.state == "failed":
            raise LedgerJobFailed(state.reason or "the chain refused the transaction")
        if time.monotonic() >= deadline:
            raise unreachable or LedgerStalled(state.reason or "no block took the transaction in time")
        unreachable = None
        try:
            moved = sender.flush()
        except ChainUnavailable as error:
            unreachable, moved = error, False
        if not moved:
            time.sleep(0.2)
    return state
