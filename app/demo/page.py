"""Render the chronicle as one page that opens from disk: no script, no network, pictures beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.demo.chronicle import Chronicle

__all__ = ["write_page"]


def write_page(out: Path, chronicle: Chronicle) -> Path:
    """Write `index.html` below `out` and return its path."""
    environment = Environment(
        loader=PackageLoader("app.demo"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pretty"] = _pretty
    html = environment.get_template("story.html").render(
        chapters=chronicle.chapters, total=chronicle.elapsed, told_at=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    )
    path = out / "index.html"
    path.write_text(html, encoding="utf-8")
    return path


def _pretty(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False)
