"""`assay credential` and `assay status`: what was issued, and what the chain says of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.session import AsJson, answer, open_service

if TYPE_CHECKING:
    from app.credentials.service import CredentialView
    from app.wiring import Wiring

__all__ = ["credential", "status"]

credential = typer.Typer(no_args_is_help=True, help="Issued credentials: list them, show one. Claims are not kept.")

Identifier = Annotated[str, typer.Argument(metavar="ID", help="cred_...")]
_CODES = {0: "active", 1: "revoked", 2: "suspended"}


class StateFilter(StrEnum):
    """States that a list can be narrowed to."""

    active = "active"
    suspended = "suspended"
    revoked = "revoked"


@credential.command("list")
def list_credentials(
    state: Annotated[StateFilter | None, typer.Option(help="Only those in this state.")] = None,
    session: Annotated[str | None, typer.Option(help="Only those of this verification session.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    before: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those older than this one: the next page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List credentials of both modes, newest first."""
    with open_service() as wiring:
        views, more = wiring.credentials.list(
            livemode=None, limit=limit, cursor=before, verification_session=session, state=state and state.value
        )
    lines = [
        f"{view.id}  {view.state:<9}  {'live' if view.livemode else 'test'}  {view.configuration:<24}  "
        f"{view.issued_at:%Y-%m-%d %H:%M}"
        for view in views
    ]
    if more:
        lines.append(f"There are more: --before {views[-1].id}")
    answer(as_json, {"data": [_json(view) for view in views], "has_more": more}, lines or ["Nothing was issued yet."])


@credential.command()
def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """Show one credential's record: its place in the registry, its state, the last transaction. No claims."""
    with open_service() as wiring:
        body = _json(wiring.credentials.get(identifier, livemode=None))
    answer(as_json, body, _lines(body))


def status(identifier: Identifier, as_json: AsJson = False) -> None:
    """Say what the database and the registry on chain say of a credential's status.

    They differ while a change is on its way, or if the chain refused it. The chain is what verifiers believe.
    """
    with open_service() as wiring:
        view = wiring.credentials.get(identifier, livemode=None)
        on_chain = _on_chain(wiring, view)
    agree = on_chain["state"] == view.state
    body = {"credential": view.id, "database": view.state, "chain": on_chain, "agree": agree, "anchor": _anchor(view)}
    lines = [
        f"database  {view.state}",
        f"chain     {on_chain['state']} (block {on_chain['block']}, list version {on_chain['version']})",
        "They agree." if agree else _why_they_differ(view),
    ]
    answer(as_json, body, lines)


def _why_they_differ(view: CredentialView) -> str:
    if view.anchor is not None and view.anchor.state == "failed":
        return f"They differ: the chain refused the change ({view.anchor.reason}). Mend the cause: assay chain retry."
    return "They differ: the change is not on chain yet."


def _on_chain(wiring: Wiring, view: CredentialView) -> dict[str, Any]:
    registry = wiring.status_registry
    latest = registry.status_of(bytes.fromhex(view.list_id[2:]), view.list_index)
    return {
        "state": _CODES.get(latest.status, f"code {latest.status}"),
        "list": view.list_id,
        "index": view.list_index,
        "registry": registry.address,
        "version": latest.version,
        "flags": latest.flags,
        "block": latest.block,
    }


def _anchor(view: CredentialView) -> dict[str, Any] | None:
    if view.anchor is None:
        return None
    return {
        "state": view.anchor.state,
        "transaction": view.anchor.transaction_hash,
        "block": view.anchor.block_number,
        "reason": view.anchor.reason,
    }


def _json(view: CredentialView) -> dict[str, Any]:
    return {
        "id": view.id,
        "configuration": view.configuration,
        "format": view.format,
        "issuer": view.issuer,
        "verification_session": view.verification_session,
        "livemode": view.livemode,
        "simulated": view.simulated,
        "issued_at": view.issued_at.isoformat(),
        "valid_from": view.valid_from.isoformat(),
        "valid_until": view.valid_until.isoformat(),
        "status": {
            "state": view.state,
            "reason": view.state_reason,
            "list": view.list_id,
            "index": view.list_index,
            "anchor": _anchor(view),
        },
    }


def _lines(body: dict[str, Any]) -> list[str]:
    status_part = body["status"]
    anchor = status_part["anchor"]
    lines = [f"{name:<21} {body[name]}" for name in body if name != "status"]
    lines.append(
        f"{'state':<21} {status_part['state']}" + (f" ({status_part['reason']})" if status_part["reason"] else "")
    )
    lines.append(f"{'list':<21} {status_part['list']}")
    lines.append(f"{'index':<21} {status_part['index']}")
    if anchor:
        lines.append(
            f"{'last change':<21} {anchor['state']}, transaction {anchor['transaction']}, block {anchor['block']}"
        )
    return lines
