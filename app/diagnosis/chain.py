"""The doctor's look at the chain: is it there, is it the right one, can the service pay, is anything stuck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.bootstrap.chain import chain_path, genesis_hash, open_chain
from app.bootstrap.tables import DeploymentRow
from app.clock import utc_now
from app.database import Database
from app.diagnosis.finding import Finding
from app.issuers.keys import KEY_FILES
from app.ledger.service import Backlog, Ledger
from app.settings import Settings
from contracts.chain import Chain
from contracts.errors import ChainError
from contracts.rpc import Transport
from contracts.transactions import address_of

__all__ = ["examine_chain"]


def examine_chain(settings: Settings) -> Iterator[Finding]:
    """Findings on the chain, without creating one."""
    if settings.chain_url is None and not chain_path(settings).exists():
        yield Finding("chain", True, "no chain yet; assay serve makes it")
        return
    sender = _sender(settings)
    try:
        access = open_chain(settings, fund=sender or "0x" + "0" * 40, clock=_unix_time, own=False, wait_s=5.0)
    except ChainError as error:
        yield _wrong(settings, error)
        return
    try:
        yield from _look(settings, access.transport, sender)
    except ChainError as error:
        yield _wrong(settings, error)
    finally:
        if access.node is not None:
            access.node.close()


def _unix_time() -> float:
    return utc_now().timestamp()


def _wrong(settings: Settings, error: ChainError) -> Finding:
    mend = {
        "chain_id_mismatch": "set ASSAY_CHAIN_ID to the chain you mean, or ASSAY_CHAIN_URL to an endpoint of it",
        "node_locked": "wait for the other command to end, or stop the process that holds the chain",
        "node_corrupted": "restore the chain folder from your backup; assay chain verify says where it breaks",
    }.get(error.code, f"check that {settings.chain_url or 'the chain'} is reachable")
    return Finding("chain", False, f"{error.code}: {error.detail}", mend)


def _look(settings: Settings, transport: Transport, sender: str | None) -> Iterator[Finding]:
    chain = Chain(transport, chain_id=settings.chain_id)
    head = chain.head()
    kind = "external" if settings.chain_url else "in-process"
    yield Finding("chain", True, f"{kind}, id {chain.chain_id}, block {head.number}")
    if sender is not None:
        balance = chain.balance(sender)
        mend = "" if balance else f"send ether of chain {chain.chain_id} to {sender}"
        yield Finding("gas", balance > 0, f"{sender} has {balance / 10**18:.4f} ether", mend)
    yield from _contracts(settings, chain, genesis_hash(transport))


def _sender(settings: Settings) -> str | None:
    path = settings.keys_dir / f"{next(iter(KEY_FILES))}.key"
    with suppress(OSError, ChainError):
        return address_of(path.read_bytes())
    return None


def _contracts(settings: Settings, chain: Chain, genesis: str) -> Iterator[Finding]:
    if settings.database_url is None and not (settings.data_dir / "assay.sqlite3").exists():
        return
    database = Database(settings.resolved_database_url)
    try:
        with database.reading() as session:
            rows = list(session.scalars(select(DeploymentRow).where(DeploymentRow.chain_id == chain.chain_id)))
            session.expunge_all()
        backlog = Ledger(database, utc_now).backlog()
        reason = Ledger(database, utc_now).last_reason()
    except SQLAlchemyError:
        return  # the database finding says what is wrong with it
    finally:
        database.close()
    lost = [row.contract for row in rows if row.genesis != genesis or not chain.code(row.address)]
    if lost:
        mend = "this is not the chain that the credentials are on: restore it, or start with a fresh data directory"
        yield Finding("contracts", False, f"not on this chain: {', '.join(lost)}", mend)
    elif rows:
        yield Finding("contracts", True, ", ".join(f"{row.contract} at {row.address}" for row in rows))
    else:
        yield Finding("contracts", True, "not deployed yet; assay serve deploys them")
    yield _outbox(backlog, reason)


def _outbox(backlog: Backlog, reason: str | None) -> Finding:
    if backlog.failed:
        mend = "mend the cause, then assay chain retry"
        return Finding("outbox", False, f"{backlog.failed} changes were refused by the chain: {reason}", mend)
    if backlog.oldest_age_s > 300:
        mend = "see the chain findings; what waits is sent as soon as it can be"
        return Finding("outbox", False, f"{backlog.waiting} wait since {backlog.oldest_age_s:.0f} s: {reason}", mend)
    return Finding("outbox", True, f"{backlog.waiting} changes wait for the chain")
