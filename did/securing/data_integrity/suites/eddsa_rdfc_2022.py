"""eddsa-rdfc-2022 (Data Integrity EdDSA Cryptosuites 1.0 section 3.2): RDFC-1.0, SHA-256, Ed25519.

The proof configuration is read with the document's context. RDF does not sign the context itself, so everything
rests on `canonical.shape` (pinned contexts, one spelling per member).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from did.credentials.canonical import LinkedDataProcessor
from did.keys.public import KeyKind

NAME: Final = "eddsa-rdfc-2022"
KEY_KINDS: Final[frozenset[KeyKind]] = frozenset({"Ed25519"})
CONTEXT_IN_PROOF: Final = False


def hash_data(document: Mapping[str, Any], configuration: Mapping[str, Any], processor: LinkedDataProcessor) -> bytes:
    """SHA-256 of the canonical proof configuration, then of the canonical document: 64 bytes."""
    settings = {**configuration, "@context": document.get("@context")}
    proof_hash = hashlib.sha256(processor.canonicalize(settings).encode("utf-8")).digest()
    return proof_hash + hashlib.sha256(processor.canonicalize(dict(document)).encode("utf-8")).digest()
