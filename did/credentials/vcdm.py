"""The W3C Verifiable Credentials Data Model 2.0: whether a document is a credential or a presentation at all.

Form only (sections 4.3 to 4.13); terms and types that no context defines are found by `canonical.jsonld`. Danger: a
member that is absent, null or of another type than the reader expects, above all issuer, subject, status and times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from did.credentials.contexts import VC2_CONTEXT
from did.errors import InvalidCredential, InvalidTime
from did.limits import MAX_CREDENTIALS_IN_PRESENTATION
from did.timestamps import parse_time

__all__ = ["CredentialForm", "check_credential", "check_presentation", "identifier_of", "members"]

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\]+\Z")
_TYPED: Final = ("credentialStatus", "credentialSchema", "refreshService", "termsOfUse", "evidence")
_LANGUAGE_KEYS: Final = frozenset({"@value", "@language", "@direction"})


@dataclass(frozen=True)
class CredentialForm:
    """What every reader of a well-formed credential needs. `subjects` are the objects of credentialSubject."""

    issuer: str
    types: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    subjects: tuple[Mapping[str, Any], ...]


def members(value: Any) -> list[Any]:
    """A member that may be one value or several, as a list; absent is empty."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def identifier_of(value: Any) -> str | None:
    """The id of a member written as a URL or as an object with an id."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def check_credential(document: Any, *, pointer: str = "") -> CredentialForm:
    """Check an unsecured or embedded-proof credential. Raises InvalidCredential with a pointer."""
    if not isinstance(document, dict):
        raise InvalidCredential("a credential is an object", pointer=pointer)
    types = _check_head(document, "VerifiableCredential", pointer)
    issuer = _check_party(document, "issuer", pointer, required=True)
    assert issuer is not None
    valid_from, valid_until = (_time(document, name, pointer) for name in ("validFrom", "validUntil"))
    if valid_from is not None and valid_until is not None and valid_until < valid_from:
        raise InvalidCredential("validUntil is before validFrom", pointer=f"{pointer}/validUntil")
    subjects = _check_subjects(document, pointer)
    for name in _TYPED:
        for index, item in _each(document, name, pointer):
            _check_typed(item, index, needs_id=name == "credentialSchema")
    _check_text(document, pointer)
    return CredentialForm(issuer, types, valid_from, valid_until, subjects)


def check_presentation(document: Any) -> list[Mapping[str, Any]]:
    """Check a presentation and every credential in it; the credentials, in order. Raises InvalidCredential."""
    if not isinstance(document, dict):
        raise InvalidCredential("a presentation is an object")
    _check_head(document, "VerifiablePresentation", "")
    _check_party(document, "holder", "", required=False)
    for index, item in _each(document, "termsOfUse", ""):
        _check_typed(item, index, needs_id=False)
    credentials = members(document.get("verifiableCredential"))
    if len(credentials) > MAX_CREDENTIALS_IN_PRESENTATION:
        raise InvalidCredential(
            f"more than {MAX_CREDENTIALS_IN_PRESENTATION} credentials", pointer="/verifiableCredential"
        )
    for here, item in _each(document, "verifiableCredential", ""):
        if isinstance(item, dict) and str(item.get("id", "")).startswith("data:"):
            _check_enveloped(item, here)
        else:
            check_credential(item, pointer=here)
    return credentials


def _check_enveloped(item: Mapping[str, Any], pointer: str) -> None:
    if item.get("type") not in ("EnvelopedVerifiableCredential", ["EnvelopedVerifiableCredential"]):
        raise InvalidCredential("a data: URL needs the type EnvelopedVerifiableCredential", pointer=f"{pointer}/type")
    if VC2_CONTEXT not in members(item.get("@context")):
        raise InvalidCredential("the base context is missing", pointer=f"{pointer}/@context")


def _each(document: Mapping[str, Any], name: str, pointer: str) -> list[tuple[str, Any]]:
    """Pointer and value of each item; a null or an empty array is a fault, absent is nothing."""
    if name not in document:
        return []
    value = document[name]
    here = f"{pointer}/{name}"
    if value is None or value == []:
        raise InvalidCredential(f"{name} is empty", pointer=here)
    if isinstance(value, list):
        return [(f"{here}/{index}", item) for index, item in enumerate(value)]
    return [(here, value)]


def _check_head(document: Mapping[str, Any], base_type: str, pointer: str) -> tuple[str, ...]:
    context = members(document.get("@context"))
    if not context or context[0] != VC2_CONTEXT:
        raise InvalidCredential("the first context is not that of VC 2.0", pointer=f"{pointer}/@context")
    for index, entry in enumerate(context):
        if not isinstance(entry, dict) and not _is_url(entry):
            raise InvalidCredential("a context is a URL or an object", pointer=f"{pointer}/@context/{index}")
    types = _types(document.get("type"), f"{pointer}/type")
    if base_type not in types:
        raise InvalidCredential(f"type does not include {base_type}", pointer=f"{pointer}/type")
    if "id" in document and not _is_url(document["id"]):
        raise InvalidCredential("id is not one URL", pointer=f"{pointer}/id")
    return types


def _types(value: Any, pointer: str) -> tuple[str, ...]:
    types = members(value)
    if not types or not all(isinstance(item, str) and item for item in types) or len(set(types)) != len(types):
        raise InvalidCredential("type is one or more different names", pointer=pointer)
    return tuple(types)


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and _URL.match(value) is not None


def _check_party(document: Mapping[str, Any], name: str, pointer: str, *, required: bool) -> str | None:
    if name not in document and not required:
        return None
    value = document.get(name)
    identifier = identifier_of(value)
    if identifier is None or not _is_url(identifier):
        raise InvalidCredential(f"{name} is not a URL or an object with an id", pointer=f"{pointer}/{name}")
    if isinstance(value, dict):
        _check_text(value, f"{pointer}/{name}")
    return identifier


def _check_subjects(document: Mapping[str, Any], pointer: str) -> tuple[Mapping[str, Any], ...]:
    subjects = _each(document, "credentialSubject", pointer)
    if not subjects:
        raise InvalidCredential("credentialSubject is required", pointer=f"{pointer}/credentialSubject")
    for here, subject in subjects:
        if not isinstance(subject, dict) or not subject:
            raise InvalidCredential("a subject is an object with members", pointer=here)
        if "id" in subject and not _is_url(subject["id"]):
            raise InvalidCredential("a subject's id is not one URL", pointer=f"{here}/id")
    return tuple(subject for _, subject in subjects)


def _check_typed(item: Any, pointer: str, *, needs_id: bool) -> None:
    if not isinstance(item, dict):
        raise InvalidCredential("not an object", pointer=pointer)
    _types(item.get("type"), f"{pointer}/type")
    if ("id" in item or needs_id) and not _is_url(item.get("id")):
        raise InvalidCredential("id is not a URL", pointer=f"{pointer}/id")


def _check_text(document: Mapping[str, Any], pointer: str) -> None:
    for name in ("name", "description"):
        for here, item in _each(document, name, pointer):
            plain = isinstance(item, str)
            if not plain and not (isinstance(item, dict) and "@value" in item and item.keys() <= _LANGUAGE_KEYS):
                raise InvalidCredential("not text with an optional language and direction", pointer=here)


def _time(document: Mapping[str, Any], name: str, pointer: str) -> datetime | None:
    if name not in document:
        return None
    try:
        return parse_time(document[name])
    except InvalidTime as error:
        raise InvalidCredential(f"{name}: {error.detail}", pointer=f"{pointer}/{name}") from error
