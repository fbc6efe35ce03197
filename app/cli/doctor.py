"""`assay doctor`: look at everything a working service needs, change nothing, and say how to mend what is wrong."""

from __future__ import annotations

import typer

from app.cli.session import AsJson, answer, load_settings
from app.telemetry.logging import configure_logging

__all__ = ["doctor"]


def doctor(as_json: AsJson = False) -> None:
    """Find what is wrong with this installation: ports, files, models, clock, database, chain.

    Works while the service runs and while it does not. Exit code 1 if anything is wrong.
    """
    settings = load_settings()
    configure_logging(settings.model_copy(update={"log_level": "error"}))
    from app.diagnosis.examination import examine

    findings = examine(settings)
    healthy = all(finding.ok for finding in findings)
    body = {
        "healthy": healthy,
        "checks": [
            {"check": finding.check, "ok": finding.ok, "detail": finding.detail, "mend": finding.mend}
            for finding in findings
        ],
    }
    lines: list[str] = []
    for finding in findings:
        mark = "[green]OK   [/green]" if finding.ok else "[red]WRONG[/red]"
        lines.append(f"{mark} {finding.check:<12} {finding.detail}")
        if finding.mend:
            lines.append(f"      {'':<12} -> {finding.mend}")
    answer(as_json, body, [*lines, "Everything is in order." if healthy else "Something is wrong."])
    if not healthy:
        raise typer.Exit(1)
