"""`assay wallet`: a holder's wallet in the terminal.

Exit codes: 0 done, 1 refused by somebody, 2 wrong usage, 3 not reachable. With --json the answer goes to standard
output as one JSON object, also when it is an error. Text from issuers and verifiers is made harmless before it is
printed: no markup, no control characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.wallet.accepting import accept as accept_offer
from app.wallet.checking import Checker, readable_claims
from app.wallet.errors import WalletError
from app.wallet.offers import read_offer
from app.wallet.presenting import Share, decline, plan, send
from app.wallet.requests import PresentationRequest, read_request
from app.wallet.store import Store, StoredCredential
from app.wallet.web import WalletWeb
from did.errors import KernelError

__all__ = ["wallet"]

wallet = typer.Typer(no_args_is_help=True, help="A holder's wallet: accept credentials, look at them, present them.")
console = Console()

Directory = Annotated[Path, typer.Option("--dir", help="The wallet's directory.", show_default="~/.assay-wallet")]
Rpc = Annotated[str | None, typer.Option("--rpc", help="JSON-RPC URL of a chain, to resolve did:ethr issuers.")]
Registry = Annotated[str | None, typer.Option("--did-registry", help="Address of the DID registry on that chain.")]
Loopback = Annotated[bool, typer.Option("--allow-http-loopback", help="Development: plain http to this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]
HOME = Path("~/.assay-wallet")


@wallet.command()
def accept(
    offer: Annotated[str, typer.Argument(help="The offer: openid-credential-offer://... or its https address.")],
    tx_code: Annotated[str | None, typer.Option("--tx-code", help="The transaction code you were given.")] = None,
    directory: Directory = HOME,
    rpc: Rpc = None,
    did_registry: Registry = None,
    allow_http_loopback: Loopback = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the credentials of an offer, check them and keep them."""

    def run() -> dict[str, Any]:
        checker = Checker(rpc, did_registry, allow_http_loopback)
        with WalletWeb(allow_http_loopback=allow_http_loopback) as web:
            read = read_offer(web, offer)
            code = tx_code
            if read.tx_code is not None and code is None and sys.stdin.isatty() and not as_json:
                code = typer.prompt("Transaction code")
            received = accept_offer(web, Store(directory.expanduser()), checker, read, tx_code=code)
        return {"credential_issuer": read.credential_issuer, "credentials": [_summary(item) for item in received]}

    result = _guarded(run, as_json)
    _print(result, as_json, lambda: _credentials_table(result["credentials"]))


@wallet.command("list")
def list_credentials(directory: Directory = HOME, as_json: AsJson = False) -> None:
    """List what the wallet holds, newest first."""
    result = _guarded(
        lambda: {"credentials": [_summary(item) for item in Store(directory.expanduser()).credentials()]}, as_json
    )
    _print(result, as_json, lambda: _credentials_table(result["credentials"]))


@wallet.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The id that `list` shows.")],
    directory: Directory = HOME,
    as_json: AsJson = False,
) -> None:
    """Show one credential and what it says."""

    def run() -> dict[str, Any]:
        item = Store(directory.expanduser()).credential(identifier)
        return {**_summary(item), "claims": readable_claims(item.credential), "credential": item.credential}

    result = _guarded(run, as_json)

    def tell() -> None:
        _credentials_table([result])
        console.print_json(data=result["claims"])

    _print(result, as_json, tell)


@wallet.command()
def present(
    request: Annotated[str, typer.Argument(help="The request: openid4vp://...")],
    yes: Annotated[bool, typer.Option("--yes", help="Share without asking.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Answer this query of the request alone.")] = None,
    directory: Directory = HOME,
    rpc: Rpc = None,
    did_registry: Registry = None,
    allow_http_loopback: Loopback = False,
    as_json: AsJson = False,
) -> None:
    """Answer a verifier, after showing who asks and what would be shared."""

    def run() -> dict[str, Any]:
        store = Store(directory.expanduser())
        resolver = Checker(rpc, did_registry, allow_http_loopback).resolver()
        with WalletWeb(allow_http_loopback=allow_http_loopback) as web:
            read = read_request(web, resolver, request)
            shares = plan(store, read, only=only or [])
            if not as_json or not yes:
                _tell_plan(Console(stderr=True) if as_json else console, read, shares)
            if not yes and not _confirmed(as_json):
                decline(web, read)
                return {"outcome": "declined", "verifier": read.host}
            send(web, store, read, shares)
        return {"outcome": "accepted", "verifier": read.host, "shared": [_shared(share) for share in shares]}

    result = _guarded(run, as_json)
    accepted = result["outcome"] == "accepted"

    def tell() -> None:
        verifier = _plain(result["verifier"])
        console.print(f"[green]✓[/] {verifier} accepted it." if accepted else f"Nothing was shared with {verifier}.")

    _print(result, as_json, tell)
    if not accepted:
        raise typer.Exit(1)


def _confirmed(as_json: bool) -> bool:
    """Whether the holder agrees; an interrupt, or nobody there to answer, is a no."""
    try:
        return typer.confirm("Share this?", default=False, err=as_json)
    except typer.Abort:
        return False


def _plain(text: str) -> str:
    """Text of a stranger for the terminal: rich would take brackets for markup and pass escape sequences on."""
    return escape("".join(c if c.isprintable() else " " for c in text))


def _guarded(run: Callable[[], dict[str, Any]], as_json: bool) -> dict[str, Any]:
    """Run, or tell the error and end with its exit code."""
    try:
        return run()
    except WalletError as error:
        cause: Exception = error
        code, detail, exit_code = error.code, error.detail, error.exit_code
    except KernelError as error:
        code, detail, exit_code, cause = error.code, error.detail, 1, error
    except OSError as error:
        detail = f"{error.strerror or type(error).__name__}: {error.filename or ''}".rstrip(": ")
        code, exit_code, cause = "system_error", 1, error
    if as_json:
        typer.echo(json.dumps({"error": code, "detail": detail}))
    else:
        Console(stderr=True).print(f"[red]✗[/] {_plain(detail)} [dim]({code})[/]")
    raise typer.Exit(exit_code) from cause


def _print(result: dict[str, Any], as_json: bool, tell: Callable[[], None]) -> None:
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        tell()


def _summary(item: StoredCredential) -> dict[str, Any]:
    return {
        "id": item.id,
        "configuration": item.configuration,
        "format": item.format,
        "types": list(item.types),
        "issuer": item.issuer,
        "credential_issuer": item.credential_issuer,
        "received_at": item.received_at,
        "verified": item.verified,
        "issuer_check": item.issuer_check,
        "test_mode": item.test_mode,
    }


def _shared(share: Share) -> dict[str, Any]:
    return {
        "query_id": share.query_id,
        "credential": share.credential.id,
        "shown": list(share.shown),
        "unasked": list(share.unasked),
    }


def _credentials_table(credentials: Sequence[dict[str, Any]]) -> None:
    if not credentials:
        console.print("The wallet is empty.")
        return
    table = Table("id", "what", "issuer", "checked", box=None, pad_edge=False, header_style="dim")
    for item in credentials:
        mark = "[green]✓[/]" if item["verified"] else "[yellow]?[/]"
        test = " [yellow]test mode[/]" if item["test_mode"] else ""
        what = f"{_plain(item['configuration'])} [dim]{_plain(item['format'])}[/]{test}"
        table.add_row(item["id"], what, _plain(item["issuer"]), f"{mark} {_plain(item['issuer_check'])}")
    console.print(table)


def _tell_plan(console: Console, request: PresentationRequest, shares: Sequence[Share]) -> None:
    console.print(f"[bold]{_plain(request.host)}[/] asks. Its request is signed by {_plain(request.client_id)}.")
    for share in shares:
        item = share.credential
        what = f"[bold]{_plain(item.configuration)}[/] ({item.id})"
        console.print(f"You would show {what} for query {_plain(share.query_id)}:")
        for name in share.shown:
            extra = " [yellow](not asked for; this credential cannot hide it)[/]" if name in share.unasked else ""
            console.print(f"  · {_plain(name)}{extra}")
        if not share.shown:
            console.print("  · that you hold it, and nothing else")
