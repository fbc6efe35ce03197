"""`assay demo`: the main job end to end, told on the terminal and on a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.demo.story import tell
from app.errors import ServiceError

__all__ = ["demo"]


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the page, the pictures and the demo's own data directory.")
    ] = Path("build/demo"),
) -> None:
    """Check a person, issue, verify, revoke on chain, refuse: with real models, contracts and protocols.

    The service runs in a process of its own on free loopback ports. Only the camera is simulated, and marked so.
    """
    console = Console()
    try:
        page = tell(out, console)
    except ServiceError as error:
        console.print(f"\n[red]The story stopped:[/red] {error.detail}", highlight=False)
        raise typer.Exit(1) from None
    console.print(f"\n[bold green]Done.[/bold green] Open {page.resolve()} to see it.", highlight=False)
