"""The only way out of the kernel: one GET, to a public address, without redirects, within a size and a time.

Dangers (threats 35 to 38): addresses of the own network in every notation, DNS that answers differently the second time
(the checked address is the one connected to), redirects, a byte a second, bodies without end, compression bombs
(none is asked for, none is accepted). `allow_http_loopback` is for development: plain http, and only to this very
machine.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from did.errors import BlockedAddress, FetchFailed, ResponseTooLarge

__all__ = ["LOOPBACK_HOSTS", "Fetch", "FetchResult", "SafeFetch"]

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MAX_HEAD_BYTES: Final = 16 * 1024
_DEFAULT_MAX_BYTES: Final = 256 * 1024
_READ_BYTES: Final = 16 * 1024
# Names that only mean something inside a network (RFC 6761, 6762, 8375, ICANN's reserved .internal).
_PRIVATE_SUFFIXES: Final = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".onion")
# NAT64 (RFC 6052, 8215) reaches IPv4 addresses through IPv6 ones.
_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_Resolve = Callable[[str, int], list[str]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class FetchResult:
    """An answer: any status, the media type without parameters, the body in full."""

    status: int
    content_type: str
    body: bytes


class Fetch(Protocol):
    """Gets a URL or raises BlockedAddress, FetchFailed, ResponseTooLarge."""

    def get(self, url: str, *, accept: str, max_bytes: int = _DEFAULT_MAX_BYTES) -> FetchResult: ...


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class SafeFetch:
    """A `Fetch` over TCP and TLS that reaches public addresses only."""

    def __init__(
        self, *, allow_http_loopback: bool = False, timeout_s: float = 5.0, resolve: _Resolve = _look_up
    ) -> None:
        """`timeout_s` bounds the whole request after name resolution; `resolve(host, port)` gives addresses as text."""
        self._allow_loopback = allow_http_loopback
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._tls = ssl.create_default_context()

    def get(self, url: str, *, accept: str, max_bytes: int = _DEFAULT_MAX_BYTES) -> FetchResult:
        """GET without following anything. The status is the caller's to judge."""
        scheme, host, port, target = self._check_url(url)
        address = self._choose_address(host, port, loopback=scheme == "http")
        deadline = time.monotonic() + self._timeout_s
        try:
            with socket.create_connection((address, port), timeout=self._timeout_s) as plain:
                # Python bounds a whole handshake, and each send and receive, by the socket's timeout.
                stream = self._tls.wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
                with stream:
                    _send(stream, host, port, scheme, target, accept)
                    return _receive(stream, max_bytes, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchFailed(f"no answer: {type(error).__name__}") from error

    def _check_url(self, url: str) -> tuple[str, str, int, str]:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BlockedAddress("not a URL") from error
        host = parts.hostname or ""
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or "@" in parts.netloc:
            raise BlockedAddress("the URL has characters or credentials that do not belong there")
        if parts.fragment or not host or port == 0:
            raise BlockedAddress("the URL has a fragment, no host or port 0")
        if parts.scheme == "http":
            if not (self._allow_loopback and host in LOOPBACK_HOSTS):
                raise BlockedAddress("plain http is not allowed")
        elif parts.scheme != "https":
            raise BlockedAddress("only https is allowed")
        elif host.endswith(_PRIVATE_SUFFIXES) or ("." not in host and ":" not in host):
            raise BlockedAddress("the name means something inside a network only")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return parts.scheme, host, port or (443 if parts.scheme == "https" else 80), target

    def _choose_address(self, host: str, port: int, *, loopback: bool) -> str:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise FetchFailed("the host name does not resolve") from error
        if not addresses:
            raise FetchFailed("the host name does not resolve")
        # One bad address among good ones is a sign of rebinding, so all must be fit.
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not (address.is_loopback if loopback else _is_public(address)):
                raise BlockedAddress("the host is not at a public address")
        return addresses[0]


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if embedded or any(address in network for network in _NAT64) or address.packed[:12] == bytes(12):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _send(stream: socket.socket, host: str, port: int, scheme: str, target: str, accept: str) -> None:
    if not (accept.isascii() and accept.isprintable()):
        raise ValueError("accept header")
    name = f"[{host}]" if ":" in host else host
    authority = name if port == (443 if scheme == "https" else 80) else f"{name}:{port}"
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {authority}",
        f"Accept: {accept}",
        "Accept-Encoding: identity",
        "User-Agent: assay",
        "Connection: close",
    )
    stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))


def _receive(stream: socket.socket, max_bytes: int, deadline: float) -> FetchResult:
    """Read to the end under the deadline and both caps, then let http.client read the bytes from memory."""
    raw = bytearray()
    limit = max_bytes + _MAX_HEAD_BYTES
    expected: int | None = None
    while expected is None or len(raw) < expected:
        left = deadline - time.monotonic()
        if left <= 0:
            raise FetchFailed("the answer took too long")
        stream.settimeout(left)
        block = stream.recv(_READ_BYTES)
        if not block:
            break
        raw += block
        if len(raw) > limit or (b"\r\n\r\n" not in raw and len(raw) > _MAX_HEAD_BYTES):
            raise ResponseTooLarge(f"more than {max_bytes} bytes")
        if expected is None:
            expected = _announced_length(raw)
    response = http.client.HTTPResponse(cast(socket.socket, _Memory(bytes(raw))))
    response.begin()
    if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchFailed("the body is compressed though nothing of the kind was asked for")
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise ResponseTooLarge(f"more than {max_bytes} bytes")
    if response.length:
        raise FetchFailed("the answer is shorter than announced")
    content_type = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    return FetchResult(response.status, content_type, body)


def _announced_length(raw: bytearray) -> int | None:
    """Total bytes of the answer once its head is complete and has a plain Content-Length, else None."""
    head, mark, _ = bytes(raw).partition(b"\r\n\r\n")
    if not mark:
        return None
    lengths = [
        value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        if name.strip().lower() == b"content-length"
    ]
    if len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 12:
        return None
    return len(head) + len(mark) + int(lengths[0])


class _Memory:
    """As much of a socket as http.client.HTTPResponse asks for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BytesIO:
        return io.BytesIO(self._data)
