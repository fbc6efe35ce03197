"""Bounds on everything the kernel reads, each with where it comes from.

Danger: an input that costs more to refuse than to send. Sizes are bytes unless a name says otherwise.
"""

from __future__ import annotations

from typing import Final

# A credential with a portrait and its evidence stays under 200 KB; a presentation carries several.
MAX_DOCUMENT_BYTES: Final = 1024 * 1024
# RFC 7515 compact tokens we issue are under 8 KB; SD-JWTs with many disclosures reach tens of KB.
MAX_JWS_BYTES: Final = 64 * 1024
MAX_SD_JWT_BYTES: Final = 256 * 1024
MAX_DISCLOSURES: Final = 512
# Deepest published VC 2.0 example is 9 levels; CPython's json module fails near 1,000.
MAX_DEPTH: Final = 32
MAX_JSON_NODES: Final = 50_000
# threats.md 9: multibase and base58 strings; base58 decoding is quadratic.
MAX_MULTIBASE_CHARS: Final = 4096
MAX_DID_CHARS: Final = 4096
MAX_PROOFS: Final = 8
MAX_CREDENTIALS_IN_PRESENTATION: Final = 32
MAX_DID_DOCUMENT_BYTES: Final = 256 * 1024
MAX_VERIFICATION_METHODS: Final = 256
# RFC 8785 section 3.1 and ECMAScript: integers beyond this lose precision.
MAX_SAFE_INTEGER: Final = 2**53 - 1
# RDFC-1.0 section 7.1 warns of poison graphs; a VP of 32 credentials needs fewer than 2,000 steps.
MAX_QUADS: Final = 20_000
MAX_CANONICALIZATION_STEPS: Final = 20_000
MAX_CANONICALIZATION_DEPTH: Final = 100
# did:ethr (threats.md 40): events of one identity read before the resolver gives up.
MAX_DID_EVENTS: Final = 2_000
# w3c/vc-bitstring-status-list #208: largest list, inflated (threats.md 44).
MAX_STATUS_LIST_BYTES: Final = 16 * 1024 * 1024
# W3C Bitstring Status List 1.0 section 2.2: entries below which a list gives holders away.
MIN_BITSTRING_ENTRIES: Final = 131_072
