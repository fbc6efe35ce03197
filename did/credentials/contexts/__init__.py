"""The JSON-LD contexts Assay knows, pinned by digest; there is no other place contexts come from.

Danger (threats 23, 24): a remote context is somebody else's power over what a signature means. An unknown URL raises
UnknownContext and nothing is fetched; a file whose bytes changed raises ContextTampered when this module is first used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from did.errors import ContextTampered, UnknownContext

__all__ = ["ASSAY_CONTEXT", "CONTEXTS", "DATA_INTEGRITY_CONTEXT", "MULTIKEY_CONTEXT", "VC2_CONTEXT", "load"]

VC2_CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
VC1_CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"
DID_CONTEXT: Final = "https://www.w3.org/ns/did/v1"
MULTIKEY_CONTEXT: Final = "https://w3id.org/security/multikey/v1"
DATA_INTEGRITY_CONTEXT: Final = "https://w3id.org/security/data-integrity/v2"
STATUS_CONTEXT: Final = "https://www.w3.org/ns/credentials/status/v1"
# .example is reserved (RFC 2606): nobody else can ever serve another document under this address.
ASSAY_CONTEXT: Final = "https://assay.example/contexts/identity/v1"

_HERE: Final = Path(__file__).parent


@cache
def _index() -> dict[str, dict[str, str]]:
    index: dict[str, dict[str, str]] = json.loads((_HERE / "index.json").read_text(encoding="utf-8"))
    return index


@cache
def _read(url: str) -> dict[str, Any]:
    entry = _index().get(url)
    if entry is None:
        raise UnknownContext(f"context is not pinned: {url[:200]}")
    data = (_HERE / entry["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise ContextTampered(f"context file changed: {entry['file']}")
    document: dict[str, Any] = json.loads(data)
    return document


class _PinnedContexts(Mapping[str, dict[str, Any]]):
    """URL to context document. The documents are shared: treat them as read-only."""

    def __getitem__(self, url: str) -> dict[str, Any]:
        if url not in _index():
            raise KeyError(url)
        return _read(url)

    def __iter__(self) -> Iterator[str]:
        return iter(_index())

    def __len__(self) -> int:
        return len(_index())


CONTEXTS: Final[Mapping[str, dict[str, Any]]] = _PinnedContexts()


def load(url: str) -> dict[str, Any]:
    """The pinned context document of `url`. Raises UnknownContext; never fetches."""
    return _read(url)
