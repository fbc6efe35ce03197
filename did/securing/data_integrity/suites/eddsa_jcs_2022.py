"""eddsa-jcs-2022 (Data Integrity EdDSA Cryptosuites 1.0 section 3.3): JCS, SHA-256, Ed25519.

The proof carries the document's @context. The specification lets the document's context be longer than the proof's;
here they must be equal, since an appended context would change what the members mean without being signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from did.credentials.canonical import LinkedDataProcessor, canonicalize_jcs
from did.errors import MalformedProof
from did.keys.public import KeyKind

NAME: Final = "eddsa-jcs-2022"
KEY_KINDS: Final[frozenset[KeyKind]] = frozenset({"Ed25519"})
CONTEXT_IN_PROOF: Final = True


def hash_data(document: Mapping[str, Any], configuration: Mapping[str, Any], processor: LinkedDataProcessor) -> bytes:
    """SHA-256 of the canonical proof configuration, then of the canonical document: 64 bytes."""
    if "@context" in configuration and configuration["@context"] != document.get("@context"):
        raise MalformedProof("the proof's context is not the document's", pointer="/proof/@context")
    proof_hash = hashlib.sha256(canonicalize_jcs(dict(configuration))).digest()
    return proof_hash + hashlib.sha256(canonicalize_jcs(dict(document))).digest()
