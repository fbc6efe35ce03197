"""The one reader of Data Integrity proofs (Data Integrity 1.0 section 2.1): form only, nothing is believed yet.

Dangers (threats 27, 28): a proof read differently by two parts of the program, a proof array with one good and one bad
member, `previousProof` loops. Members are typed here once; chains are put in order before any signature is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from did.errors import InvalidTime, MalformedProof, ProofChainBroken, ProofMissing
from did.limits import MAX_PROOFS
from did.timestamps import parse_time

__all__ = ["Proof", "read_proofs"]


@dataclass(frozen=True)
class Proof:
    """One DataIntegrityProof, well-formed and unverified. `raw` is the object as received."""

    raw: Mapping[str, Any]
    pointer: str
    cryptosuite: str
    verification_method: str
    purpose: str
    value: str
    created: datetime | None
    expires: datetime | None
    challenge: str | None
    domain: str | None
    identifier: str | None
    previous: tuple[str, ...]

    @property
    def controller(self) -> str:
        """The DID part of the verification method's URL."""
        return self.verification_method.partition("#")[0]


def read_proofs(document: Mapping[str, Any]) -> list[Proof]:
    """Every proof of a document. Raises ProofMissing, MalformedProof or ProofChainBroken with a pointer."""
    value = document.get("proof")
    if value is None or value == []:
        raise ProofMissing("the document has no proof")
    if not isinstance(value, list):
        proofs = [_read(value, "/proof")]
    else:
        if len(value) > MAX_PROOFS:
            raise MalformedProof(f"more than {MAX_PROOFS} proofs", pointer="/proof")
        proofs = [_read(item, f"/proof/{index}") for index, item in enumerate(value)]
    _check_chain(proofs)
    return proofs


def _read(value: Any, pointer: str) -> Proof:
    if not isinstance(value, dict):
        raise MalformedProof("a proof is an object", pointer=pointer)
    if value.get("type") != "DataIntegrityProof":
        raise MalformedProof("the proof is no DataIntegrityProof", pointer=f"{pointer}/type")
    previous = value.get("previousProof", [])
    previous = [previous] if isinstance(previous, str) else previous
    if not isinstance(previous, list) or not all(isinstance(item, str) for item in previous):
        raise MalformedProof("previousProof is an id or several", pointer=f"{pointer}/previousProof")
    return Proof(
        raw=value,
        pointer=pointer,
        cryptosuite=_text(value, "cryptosuite", pointer),
        verification_method=_text(value, "verificationMethod", pointer),
        purpose=_text(value, "proofPurpose", pointer),
        value=_text(value, "proofValue", pointer),
        created=_time(value, "created", pointer),
        expires=_time(value, "expires", pointer),
        challenge=_optional_text(value, "challenge", pointer),
        domain=_optional_text(value, "domain", pointer),
        identifier=_optional_text(value, "id", pointer),
        previous=tuple(previous),
    )


def _text(value: Mapping[str, Any], name: str, pointer: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise MalformedProof(f"{name} is required and a string", pointer=f"{pointer}/{name}")
    return text


def _optional_text(value: Mapping[str, Any], name: str, pointer: str) -> str | None:
    return _text(value, name, pointer) if name in value else None


def _time(value: Mapping[str, Any], name: str, pointer: str) -> datetime | None:
    if name not in value:
        return None
    try:
        return parse_time(value[name])
    except InvalidTime as error:
        raise MalformedProof(f"{name} is not an xsd:dateTimeStamp", pointer=f"{pointer}/{name}") from error


def _check_chain(proofs: list[Proof]) -> None:
    named = {proof.identifier: proof for proof in proofs if proof.identifier is not None}
    if len(named) != sum(proof.identifier is not None for proof in proofs):
        raise MalformedProof("two proofs have the same id", pointer="/proof")
    for proof in proofs:
        seen: set[str] = set()
        ahead = list(proof.previous)
        while ahead:
            identifier = ahead.pop()
            if identifier not in named:
                raise ProofChainBroken("previousProof names no proof", pointer=f"{proof.pointer}/previousProof")
            if identifier == proof.identifier:
                raise ProofChainBroken("proofs follow each other in a circle", pointer=f"{proof.pointer}/previousProof")
            if identifier not in seen:
                seen.add(identifier)
                ahead.extend(named[identifier].previous)
