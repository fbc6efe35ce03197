"""DID documents (W3C DID Core 1.0): checked once, then asked for one key under one relationship.

Dangers: a document about another DID, thousands of keys (threat 39), a key of one DID found in another's document (18,
33), a key listed for authentication used to assert (28), one method with two keys in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from did.errors import InvalidDid, InvalidDidDocument, InvalidKey, PurposeNotAllowed, VerificationMethodNotFound
from did.keys.public import KeyKind, PublicKey
from did.limits import MAX_DID_CHARS, MAX_DID_DOCUMENT_BYTES, MAX_VERIFICATION_METHODS
from did.multibase import b58decode
from did.strict_json import check_value

__all__ = ["RELATIONSHIPS", "check_document", "key_in_document", "split_did_url"]

RELATIONSHIPS: Final = (
    "authentication",
    "assertionMethod",
    "keyAgreement",
    "capabilityInvocation",
    "capabilityDelegation",
)
# The key that a verification method type may hold; None leaves it to the key's own prefix or crv.
_TYPES: Final[Mapping[str, KeyKind | None]] = {
    "Multikey": None,
    "JsonWebKey": None,
    "JsonWebKey2020": None,
    "Ed25519VerificationKey2018": "Ed25519",
    "Ed25519VerificationKey2020": "Ed25519",
    "EcdsaSecp256k1VerificationKey2019": "secp256k1",
}
_KEY_MEMBERS: Final = ("publicKeyMultibase", "publicKeyJwk", "publicKeyBase58", "publicKeyHex")


def split_did_url(did_url: str) -> tuple[str, str]:
    """DID and fragment of a DID URL that names a verification method: no path, no query, a fragment. Raises
    InvalidDid.
    """
    if not isinstance(did_url, str) or len(did_url) > MAX_DID_CHARS:
        raise InvalidDid("not a DID URL")
    did, mark, fragment = did_url.partition("#")
    if not mark or not fragment or not did.startswith("did:") or any(c in did for c in "/?") or "#" in fragment:
        raise InvalidDid("not a DID URL with a fragment")
    return did, fragment


def check_document(did: str, document: Any) -> dict[str, Any]:
    """The document, if it is about `did` and within bounds. Raises InvalidDidDocument and strict JSON's errors."""
    check_value(document, max_chars=MAX_DID_DOCUMENT_BYTES)
    if not isinstance(document, dict) or document.get("id") != did:
        raise InvalidDidDocument("the document's id is not the DID", pointer="/id")
    methods = document.get("verificationMethod", [])
    if not isinstance(methods, list) or not all(isinstance(method, dict) for method in methods):
        raise InvalidDidDocument("verificationMethod is not an array of objects", pointer="/verificationMethod")
    total = len(methods)
    for relationship in RELATIONSHIPS:
        entries = document.get(relationship, [])
        if not isinstance(entries, list) or not all(isinstance(entry, str | dict) for entry in entries):
            raise InvalidDidDocument("a relationship is an array of references or methods", pointer=f"/{relationship}")
        total += len(entries)
    if total > MAX_VERIFICATION_METHODS:
        raise InvalidDidDocument(f"more than {MAX_VERIFICATION_METHODS} methods and references")
    return document


def key_in_document(document: Mapping[str, Any], did_url: str, purpose: str) -> PublicKey:
    """The key that `did_url` names, if this document lists it under `purpose` and controls it itself.

    Raises VerificationMethodNotFound, PurposeNotAllowed, InvalidDidDocument or InvalidKey.
    """
    if purpose not in RELATIONSHIPS:
        raise PurposeNotAllowed(f"{purpose} is no verification relationship")
    did, fragment = split_did_url(did_url)
    if document.get("id") != did:
        raise VerificationMethodNotFound("the method belongs to another DID")
    names = (did_url, f"#{fragment}")
    declared = [m for m in document.get("verificationMethod", []) if m.get("id") in names]
    listed = [e for e in document.get(purpose, []) if e in names or (isinstance(e, dict) and e.get("id") in names)]
    embedded = [entry for entry in listed if isinstance(entry, dict)]
    found = declared + embedded
    if not found:
        raise VerificationMethodNotFound("the DID document does not have this verification method")
    if len(found) > 1:
        raise InvalidDidDocument("two verification methods have the same id")
    if not listed:
        raise PurposeNotAllowed(f"the DID document does not list the key under {purpose}")
    return _read_key(found[0], did)


def _read_key(method: Mapping[str, Any], did: str) -> PublicKey:
    if method.get("controller") != did:
        raise InvalidDidDocument("the verification method has another controller")
    kind_of_method = method.get("type")
    if not isinstance(kind_of_method, str) or kind_of_method not in _TYPES:
        raise InvalidKey("unsupported type of verification method")
    present = [name for name in _KEY_MEMBERS if name in method]
    if len(present) != 1:
        raise InvalidDidDocument("a verification method holds exactly one key")
    value = method[present[0]]
    expected = _TYPES[kind_of_method]
    if present[0] == "publicKeyJwk":
        key = PublicKey.from_jwk(value if isinstance(value, dict) else {})
    elif not isinstance(value, str):
        raise InvalidKey("a key is text")
    elif present[0] == "publicKeyMultibase":
        key = PublicKey.from_multikey(value)
    elif expected is None:
        raise InvalidKey("a raw key needs a type that names its curve")
    else:
        key = PublicKey.from_point(expected, b58decode(value) if present[0] == "publicKeyBase58" else _hex(value))
    if expected is not None and key.kind != expected:
        raise InvalidKey("the key is of another kind than the method's type")
    return key


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise InvalidKey("publicKeyHex is not hexadecimal") from error
