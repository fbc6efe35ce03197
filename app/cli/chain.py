"""`assay chain`: what chain the service uses, and proof that the in-process one is what it claims."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from app.cli.session import AsJson, answer, load_settings, open_service

__all__ = ["chain"]

chain = typer.Typer(no_args_is_help=True, help="The chain: what it is, whether it holds, what waits to be written.")


@chain.command()
def info(as_json: AsJson = False) -> None:
    """Show chain, contracts, the service's address and what waits to be written."""
    with open_service() as wiring:
        head = wiring.chain.head()
        backlog = wiring.ledger.backlog()
        body = {
            "chain_id": wiring.chain.chain_id,
            "kind": "external" if wiring.settings.chain_url else "in-process",
            "head": {"number": head.number, "hash": head.hash, "timestamp": head.timestamp},
            "did_registry": wiring.did_registry.address,
            "status_registry": wiring.status_registry.address,
            "issuer": wiring.issuers.did("ethr"),
            "sender": wiring.sender.address,
            "balance_wei": str(wiring.chain.balance(wiring.sender.address)),
            "waiting": backlog.waiting,
            "failed": backlog.failed,
            "reason": wiring.ledger.last_reason(),
        }
    answer(as_json, body, [f"{name:<16} {value}" for name, value in body.items()])


@chain.command()
def verify(as_json: AsJson = False) -> None:
    """Execute every block of the in-process chain again and compare: the proof that nothing in it was altered.

    Works on a consistent copy, so the service may be running.
    """
    from app.bootstrap.chain import chain_path
    from app.errors import NotFound, ServiceError

    settings = load_settings()
    if settings.chain_url is not None:
        raise ServiceError("this data directory uses an external chain, whose nodes verify it themselves")
    path = chain_path(settings)
    if not path.exists():
        raise NotFound(f"there is no chain in {settings.data_dir} yet: assay serve makes it")
    from contracts.node import Node

    with tempfile.TemporaryDirectory(prefix="assay-chain-") as folder:
        copy = Path(folder) / path.name
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        with Node.open(copy, chain_id=settings.chain_id) as node:
            replay = node.verify()
    body = {"valid": True, "blocks": replay.blocks, "transactions": replay.transactions, "head": replay.head_hash}
    answer(
        as_json,
        body,
        [f"{replay.blocks} blocks with {replay.transactions} transactions replay to head {replay.head_hash}"],
    )


@chain.command()
def retry(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Queue again what the chain refused, after you have mended the cause (funds, a paused list, a lost delegate)."""
    with open_service() as wiring:
        failed = wiring.ledger.backlog().failed
        if failed and not dry_run:
            with wiring.database.transaction() as session:
                failed = wiring.ledger.retry_failed(session)
            wiring.flush()
        waiting = wiring.ledger.backlog().waiting
    verb = "would be queued" if dry_run else "queued"
    answer(
        as_json,
        {"failed": failed, "dry_run": dry_run, "waiting": waiting},
        [f"{failed} jobs {verb} again, {waiting} wait"],
    )
