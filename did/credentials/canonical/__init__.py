"""Canonical forms: JCS (RFC 8785) and JSON-LD through RDF (RDFC-1.0), both bounded and both refusing what they
would lose.
"""

from did.credentials.canonical.jcs import canonicalize_jcs
from did.credentials.canonical.jsonld import PINNED, LinkedDataProcessor, canonicalize_jsonld, expanded_types
from did.credentials.canonical.rdfc import canonicalize_quads

__all__ = [
    "PINNED",
    "LinkedDataProcessor",
    "canonicalize_jcs",
    "canonicalize_jsonld",
    "canonicalize_quads",
    "expanded_types",
]
