"""`assay keys`: API keys. A secret is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.session import AsJson, answer, open_service

__all__ = ["keys"]

keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for; shown in lists.")],
    test: Annotated[bool, typer.Option("--test/--live", help="A test key makes test-mode objects only.")] = True,
    scope: Annotated[list[str] | None, typer.Option(help="Repeatable; all scopes if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print its secret, which cannot be read again.

    Example: assay keys create --name "till 3" --live --scope presentations:verify
    """
    from app.access.service import ALL_SCOPES

    with open_service() as wiring, wiring.database.transaction() as session:
        key_id, secret = wiring.access.create_key(
            session, name=name[:80], livemode=not test, scopes=scope or ALL_SCOPES, actor="cli"
        )
    answer(
        as_json,
        {"id": key_id, "name": name, "livemode": not test, "scopes": sorted(scope or ALL_SCOPES), "secret": secret},
        [f"{key_id}", f"[bold]{secret}[/bold]", "Keep it now: it is not stored and not shown again."],
    )


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    from sqlalchemy import select

    from app.access.tables import ApiKeyRow

    with open_service() as wiring, wiring.database.reading() as session:
        rows = [
            {
                "id": row.id,
                "name": row.name,
                "livemode": row.livemode,
                "scopes": row.scopes,
                "created_at": row.created_at.isoformat(),
                "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at))
        ]
    lines = [
        f"{row['id']}  {'live' if row['livemode'] else 'test'}  {'revoked' if row['revoked_at'] else 'valid  '}  "
        f"{row['name']}"
        for row in rows
    ]
    answer(as_json, {"data": rows}, lines or ["No keys yet: assay keys create"])


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="ak_...")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a key: from now on it opens nothing. Repeating it changes nothing."""
    from app.access.tables import ApiKeyRow
    from app.errors import NotFound

    with open_service() as wiring:
        if dry_run:
            with wiring.database.reading() as session:
                if session.get(ApiKeyRow, key_id) is None:
                    raise NotFound(f"no API key {key_id[:60]}")
        else:
            wiring.access.revoke_key(key_id, actor="cli")
    verb = "would be revoked" if dry_run else "is revoked"
    answer(as_json, {"id": key_id, "revoked": not dry_run, "dry_run": dry_run}, [f"{key_id} {verb}"])
