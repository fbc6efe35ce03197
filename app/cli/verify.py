"""`assay verify`: the verdict on a credential or presentation in a file, from the chain and without the issuer's
server."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.session import EXIT_REFUSED, AsJson, answer, open_service

__all__ = ["verify"]

MAX_BYTES = 2_000_000


def verify(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or a compact token; - reads standard input.")],
    accept_test_mode: Annotated[
        bool, typer.Option("--accept-test-mode", help="Let credentials from rehearsals pass.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a credential or presentation and print every check. Exit code 0 means valid, 1 anything else.

    The status is read from the registry on chain; a presentation's nonce and audience are not compared, since a file by
    itself does not say whom it was meant for.
    """
    from datetime import UTC, datetime

    from app.errors import ServiceError
    from did.verify import Policy

    with contextlib.nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ServiceError(f"more than {MAX_BYTES} bytes")
    with open_service() as wiring:
        policy = Policy(now=datetime.now(UTC), accept_test_mode=accept_test_mode)
        found = wiring.verifier.verify(text.decode("utf-8", "replace").strip(), policy)
    verdict = found.verdict
    lines = [
        f"{check.result:<8} {check.name:<16} {check.code or ''} {check.detail}".rstrip() for check in verdict.checks
    ]
    reasons = f": {', '.join(verdict.reasons())}" if verdict.reasons() else ""
    body = {"verdict": verdict.to_json(), "format": found.format, "issuer": found.issuer, "types": list(found.types)}
    answer(as_json, body, [*lines, f"[bold]{verdict.outcome}[/bold]{reasons}"])
    if verdict.outcome != "valid":
        raise typer.Exit(EXIT_REFUSED)
