"""What every operator command shares: settings, the wired service, answers in two forms, and errors without tracebacks.

Exit codes: 0 done, 1 refused or something is wrong, 2 wrong usage, 3 not reachable.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console

from app.settings import Settings
from app.telemetry.logging import configure_logging

if TYPE_CHECKING:
    from app.wiring import Wiring

__all__ = ["AsJson", "answer", "console", "describe_error", "load_settings", "open_service"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREACHABLE: Final = 3
_UNREACHABLE: Final = frozenset(
    {"chain_unavailable", "node_locked", "ledger_stalled", "lock_busy", "did_unavailable", "fetch_failed"}
)

console = Console(highlight=False, soft_wrap=True)


def load_settings() -> Settings:
    """Read the settings; a wrong one ends the command with exit code 2 and says which and why."""
    config = os.environ.get("ASSAY_CONFIG")
    if config and not Path(config).is_file():
        typer.echo(f"ASSAY_CONFIG: there is no file {config}", err=True)
        raise typer.Exit(EXIT_USAGE)
    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        typer.echo(f"ASSAY_CONFIG: {config} is not TOML: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    except ValidationError as error:
        for item in error.errors():
            name = "_".join(str(part) for part in item["loc"]) or "settings"
            typer.echo(f"ASSAY_{name.upper()}: {item['msg']}", err=True)
        raise typer.Exit(EXIT_USAGE) from None


@contextmanager
def open_service(*, quiet: bool = True) -> Iterator[Wiring]:
    """Wire the service on its data directory, beside a running `assay serve` or without one."""
    settings = load_settings()
    if quiet and "ASSAY_LOG_LEVEL" not in os.environ:
        settings = settings.model_copy(update={"log_level": "error"})
    configure_logging(settings)
    from app.wiring import build  # takes seconds to import; `--help` and the wallet need none of it

    with build(settings) as wiring:
        yield wiring


def answer(as_json: bool, body: Any, lines: list[str]) -> None:
    """Print JSON, or lines for people."""
    if as_json:
        typer.echo(json.dumps(body, indent=2, default=str))
    else:
        for line in lines:
            console.print(line)
    sys.stdout.flush()


def describe_error(error: Exception, *, as_json: bool) -> int:
    """Tell an expected error and return the exit code; anything unexpected is raised again."""
    from sqlalchemy.exc import DBAPIError

    code = getattr(error, "code", "")
    detail = str(getattr(error, "detail", "") or error)
    if isinstance(error, DBAPIError):
        code, detail = "database_unavailable", f"the database refused: {type(error.orig).__name__}"
    elif isinstance(error, OSError):
        code, detail = "system_error", f"{error.strerror or type(error).__name__}: {error.filename or ''}".rstrip(": ")
    elif not isinstance(error, _roots()):
        raise error
    if as_json:
        typer.echo(json.dumps({"error": {"code": code, "detail": detail}}))
    else:
        typer.echo(f"{code}: {detail}", err=True)
    sys.stdout.flush()
    return EXIT_UNREACHABLE if code in _UNREACHABLE or code == "database_unavailable" else EXIT_REFUSED


def _roots() -> tuple[type[Exception], ...]:
    from app.errors import ServiceError
    from contracts.errors import ChainError
    from did.errors import KernelError
    from ml.errors import EvidenceError

    return (ServiceError, ChainError, KernelError, EvidenceError)
