"""Render a page with the headers that keep it safe.

The danger: a page that handles faces and secrets and runs somebody else's script. The policy allows this origin's
files alone, nothing inline, no framing; templates escape everything, and an undefined variable is an error rather
than a blank.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

__all__ = ["CONTENT_SECURITY_POLICY", "PAGE_HEADERS", "STATIC_DIR", "render_page"]

STATIC_DIR: Final = Path(__file__).with_name("static")
"""What the application serves under `/static`."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""`data:` and `blob:` pictures are QR codes and the previews of what a person has just chosen."""

PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(template: str, *, status: int = 200, test_mode: bool = False, **context: Any) -> HTMLResponse:
    """Render `templates/<template>`; `test_mode` shows the banner that says so on every page of a test-mode object."""
    html = _environment().get_template(template).render(test_mode=test_mode, **context)
    return HTMLResponse(html, status_code=status, headers=PAGE_HEADERS)
