"""did:web: the document is a file on a web server.

Dangers (threats 35 to 39): addresses inside the own network, redirects, a document about another DID, huge
documents. The address rules are the `Fetch`'s; this module decides the URL, the size and that `id` equals the DID
exactly. Plain http is asked for only when the host is a loopback name, and `SafeFetch` refuses that unless told
otherwise.
"""

from __future__ import annotations

import re
from typing import Final

from did.document import check_document
from did.errors import DidNotFound, InvalidDid, InvalidDidDocument, KernelError
from did.fetch import LOOPBACK_HOSTS, Fetch
from did.limits import MAX_DID_DOCUMENT_BYTES
from did.resolver import Resolution
from did.strict_json import parse_object

__all__ = ["WebMethod", "document_url"]

_HOST: Final = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?:%3[Aa]([0-9]{1,5}))?\Z")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=@-]+\Z")
_ACCEPT: Final = "application/did+json, application/did+ld+json, application/json"


def document_url(did: str) -> str:
    """Where the document of a did:web lies. Raises InvalidDid."""
    host_part, *segments = did.removeprefix("did:web:").split(":")
    host = _HOST.match(host_part)
    if host is None or ".." in host[1]:
        raise InvalidDid("not a host name with an optional port")
    if not all(_SEGMENT.match(segment) and segment not in (".", "..") for segment in segments):
        raise InvalidDid("a path segment has characters that do not belong there")
    name = host[1].lower()
    scheme = "http" if name in LOOPBACK_HOSTS else "https"
    authority = name if host[2] is None else f"{name}:{int(host[2])}"
    path = "/".join(segments) if segments else ".well-known"
    return f"{scheme}://{authority}/{path}/did.json"


class WebMethod:
    """Resolves did:web through a `Fetch`."""

    name = "web"

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def resolve(self, did: str) -> Resolution:
        """Fetch and check the document. Raises InvalidDid, DidNotFound, InvalidDidDocument and the errors of the
        fetch.
        """
        answer = self._fetch.get(document_url(did), accept=_ACCEPT, max_bytes=MAX_DID_DOCUMENT_BYTES)
        if answer.status != 200:
            raise DidNotFound(f"the server answered {answer.status}")
        try:
            document = parse_object(answer.body, max_bytes=MAX_DID_DOCUMENT_BYTES)
        except KernelError as error:
            raise InvalidDidDocument(f"not a DID document: {error.code}") from error
        return Resolution(did, check_document(did, document))
