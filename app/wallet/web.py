"""How the wallet reaches issuers and verifiers: https, no redirects, bounded answers, strict JSON.

Dangers: a link from a stranger's QR code that sends requests elsewhere by a redirect, through a proxy of the
environment or over plain http; an answer without end; text from a server that moves the cursor of the holder's
terminal. Plain http is for loopback, and only when the holder has asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from app.wallet.errors import PeerUnreachable
from did.errors import KernelError
from did.fetch import LOOPBACK_HOSTS
from did.strict_json import parse_object

__all__ = ["Answer", "WalletWeb"]

MAX_ANSWER_BYTES: Final = 1024 * 1024
TIMEOUT_S: Final = 20.0


@dataclass(frozen=True)
class Answer:
    """An answer in full: status, media type without parameters, body."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises PeerUnreachable."""
        try:
            return parse_object(self.body, max_bytes=MAX_ANSWER_BYTES)
        except KernelError as error:
            raise PeerUnreachable(f"the answer ({self.status}) is not a JSON object") from error

    def problem(self) -> str:
        """What an error answer says, in one line."""
        try:
            body = parse_object(self.body, max_bytes=MAX_ANSWER_BYTES)
        except KernelError:
            return f"HTTP {self.status}"
        said = ": ".join(str(body[name]) for name in ("error", "error_description") if name in body)
        return "".join(c if c.isprintable() else " " for c in said)[:300] or f"HTTP {self.status}"


class WalletWeb:
    """Requests of a wallet; use it as a context manager."""

    def __init__(self, *, allow_http_loopback: bool = False) -> None:
        self._allow_http_loopback = allow_http_loopback
        self._client = httpx2.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S)

    def __enter__(self) -> WalletWeb:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, *, accept: str = "application/json") -> Answer:
        """GET."""
        return self._request("GET", url, headers={"Accept": accept})

    def post_form(self, url: str, form: Mapping[str, str], *, accept: str = "application/json") -> Answer:
        """POST a form."""
        return self._request("POST", url, headers={"Accept": accept}, data=dict(form))

    def post_json(self, url: str, body: Mapping[str, Any] | None, *, token: str | None = None) -> Answer:
        """POST a JSON object, or nothing, with a bearer token where one is given."""
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self._request("POST", url, headers=headers, **({} if body is None else {"json": dict(body)}))

    def _request(self, method: str, url: str, **options: Any) -> Answer:
        self._check(url)
        body = bytearray()
        try:
            with self._client.stream(method, url, **options) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise PeerUnreachable(f"{urlsplit(url).netloc} sent more than {MAX_ANSWER_BYTES} bytes")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise PeerUnreachable(f"{urlsplit(url).netloc} did not answer: {type(error).__name__}") from error
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, content_type, bytes(body))

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError as error:
            raise PeerUnreachable("not a URL") from error
        loopback = parts.scheme == "http" and host in LOOPBACK_HOSTS and self._allow_http_loopback
        if not (parts.scheme == "https" or loopback) or not host or "@" in parts.netloc or not url.isascii():
            raise PeerUnreachable("only https is allowed, and plain http on loopback with --allow-http-loopback")
