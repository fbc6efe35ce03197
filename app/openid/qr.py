"""A deep link as a QR code, served as a picture of its own so that pages need no inline markup."""

from __future__ import annotations

import io

import segno
from fastapi import Response

__all__ = ["qr_response"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def qr_response(link: str) -> Response:
    """The QR code of `link` as SVG, error correction M, with the quiet zone that scanners need."""
    picture = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(picture, kind="svg", omitsize=True, border=4, light="#fff", xmldecl=False)
    return Response(picture.getvalue(), media_type="image/svg+xml", headers=_HEADERS)
