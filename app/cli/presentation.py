"""`assay presentation`: ask for credentials and read what came of it, over the service's HTTP API.

Exit codes: 0 done, 1 refused or not verified, 2 wrong usage, 3 not reachable.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["presentation"]

presentation = typer.Typer(no_args_is_help=True, help="Presentation requests: create one, read its result.")
console = Console()
TIMEOUT_S = 30.0

Url = Annotated[str, typer.Option("--url", envvar="ASSAY_URL", help="Base URL of the service.")]
ApiKey = Annotated[str, typer.Option("--api-key", envvar="ASSAY_API_KEY", help="An API key with presentations:verify.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]
DEFAULT_URL = "http://127.0.0.1:8420"


@presentation.command()
def create(
    api_key: ApiKey,
    preset: Annotated[str | None, typer.Option("--preset", help="verified_identity or over_18.")] = None,
    query: Annotated[Path | None, typer.Option("--query", help="File with a DCQL query.", exists=True)] = None,
    trusted_issuer: Annotated[list[str] | None, typer.Option("--trusted-issuer", help="A DID; repeatable.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Make a presentation request and print the link for a wallet."""
    if (preset is None) == (query is None):
        raise typer.BadParameter("give exactly one of --preset and --query")
    body: dict[str, Any] = {"preset": preset} if query is None else {"dcql_query": _query(query)}
    if trusted_issuer:
        body["trusted_issuers"] = trusted_issuer
    result = _call("POST", f"{url}/v1/presentation_requests", api_key, as_json, body)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    console.print(f"[bold]{result['id']}[/], until {result['expires_at']}")
    console.print(f"Page with the QR code: {escape(result['page_url'])}")
    typer.echo(result["presentation_request"])


@presentation.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID")],
    api_key: ApiKey,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Read a request and its verdict; ends with 0 if it is verified, with 1 if not or not yet."""
    result = _call("GET", f"{url}/v1/presentation_requests/{identifier}", api_key, as_json)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        _tell(result)
    if result["state"] != "verified":
        raise typer.Exit(1)


def _query(path: Path) -> dict[str, Any]:
    try:
        query = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path} is not JSON") from error
    if not isinstance(query, dict):
        raise typer.BadParameter(f"{path} is not a DCQL query")
    return query


def _call(method: str, url: str, api_key: str, as_json: bool, body: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        headers = {"Authorization": f"Bearer {api_key}"}
        response = httpx2.request(method, url, json=body, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        answer: dict[str, Any] = response.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        _fail({"error": "service_unreachable", "detail": f"{url} did not answer as the service does"}, as_json)
        raise typer.Exit(3) from error
    if response.status_code >= 400:
        detail = answer.get("detail") or answer.get("title") or str(response.status_code)
        _fail({"error": answer.get("code", "refused"), "detail": detail}, as_json)
        raise typer.Exit(1)
    return answer


def _fail(problem: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(problem))
    else:
        Console(stderr=True).print(f"[red]✗[/] {escape(str(problem['detail']))} [dim]({escape(problem['error'])})[/]")


def _tell(result: dict[str, Any]) -> None:
    console.print(f"[bold]{result['id']}[/] {result['state']}")
    if "wallet_error" in result:
        console.print(f"The wallet declined: {escape(result['wallet_error'])}")
    if "verdict" not in result:
        return
    verdict = result["verdict"]
    console.print(f"Verdict: {verdict['outcome']} {escape(', '.join(verdict['reasons']))}")
    table = Table("query", "check", "result", "why", box=None, pad_edge=False, header_style="dim")
    colours = {"passed": "green", "failed": "red", "unknown": "yellow", "skipped": "dim"}
    for check in verdict["checks"]:
        colour = colours[check["result"]]
        why = escape(check.get("detail", ""))
        table.add_row(check.get("query_id", ""), check["check"], f"[{colour}]{check['result']}[/]", why)
    console.print(table)
    for entry in result.get("credentials", []):
        if "claims" in entry:
            console.print_json(data={"query": entry["query_id"], "claims": entry["claims"]})
