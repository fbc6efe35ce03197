"""Cryptosuites by name. A suite turns a document and a proof configuration into the bytes that are signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from did.credentials.canonical import LinkedDataProcessor
from did.errors import UnsupportedCryptosuite
from did.keys.public import KeyKind
from did.securing.data_integrity.suites import eddsa_jcs_2022, eddsa_rdfc_2022

__all__ = ["SUITES", "Cryptosuite", "suite_named"]


class Cryptosuite(Protocol):
    """What a suite module provides."""

    NAME: str
    KEY_KINDS: frozenset[KeyKind]
    # Whether the proof object carries the document's @context itself.
    CONTEXT_IN_PROOF: bool

    def hash_data(
        self, document: Mapping[str, Any], configuration: Mapping[str, Any], processor: LinkedDataProcessor
    ) -> bytes:
        """Bytes to sign. `document` has no proof (or, in a chain, only the proofs before); `configuration` is the
        proof without proofValue."""
        ...


_BY_NAME: Final[dict[str, Cryptosuite]] = {
    eddsa_rdfc_2022.NAME: eddsa_rdfc_2022,
    eddsa_jcs_2022.NAME: eddsa_jcs_2022,
}
SUITES: Final = frozenset(_BY_NAME)


def suite_named(name: str, *, pointer: str = "") -> Cryptosuite:
    """The suite. Raises UnsupportedCryptosuite."""
    suite = _BY_NAME.get(name)
    if suite is None:
        raise UnsupportedCryptosuite(f"cryptosuite is not one of {', '.join(sorted(SUITES))}", pointer=pointer)
    return suite
