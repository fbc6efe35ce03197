"""Reading a DCQL query (OpenID4VP 1.0 section 6) into types, with a pointer to the first fault.

Danger: a query that a wallet and a verifier read differently. What this project cannot honour (other formats, trusted
authorities) is refused instead of ignored; properties the specification does not know are ignored, as it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from did.errors import InvalidQuery
from did.presentations.claims_path import ClaimsPath
from did.strict_json import check_value

__all__ = ["ClaimQuery", "CredentialQuery", "CredentialSetQuery", "DcqlQuery", "parse"]

Format = Literal["dc+sd-jwt", "ldp_vc"]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_MAX_ITEMS: Final = 64
_MAX_PATH: Final = 16
_FORMATS: Final = ("dc+sd-jwt", "ldp_vc")


@dataclass(frozen=True)
class ClaimQuery:
    """One claim wanted; `values` None accepts any."""

    path: ClaimsPath
    identifier: str | None = None
    values: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class CredentialQuery:
    """One credential wanted. `vct_values` for dc+sd-jwt; `type_values` for ldp_vc: alternatives of types that must all
    be there."""

    identifier: str
    format: Format
    vct_values: tuple[str, ...] = ()
    type_values: tuple[tuple[str, ...], ...] = ()
    claims: tuple[ClaimQuery, ...] = ()
    claim_sets: tuple[tuple[str, ...], ...] = ()
    multiple: bool = False
    require_holder_binding: bool = True

    def claim_options(self) -> list[tuple[ClaimQuery, ...]]:
        """The sets of claims that satisfy the query, in the verifier's order of preference."""
        if not self.claim_sets:
            return [self.claims]
        named = {claim.identifier: claim for claim in self.claims}
        return [tuple(named[identifier] for identifier in option) for option in self.claim_sets]


@dataclass(frozen=True)
class CredentialSetQuery:
    """Combinations of credential queries, one of which must (or may) be satisfied."""

    options: tuple[tuple[str, ...], ...]
    required: bool = True


@dataclass(frozen=True)
class DcqlQuery:
    """A whole query."""

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSetQuery, ...] = ()

    def credential(self, identifier: str) -> CredentialQuery | None:
        """The credential query of that id."""
        return next((item for item in self.credentials if item.identifier == identifier), None)


def parse(query: dict[str, Any]) -> DcqlQuery:
    """Read a query. Raises InvalidQuery with a pointer, and strict JSON's errors."""
    check_value(query)
    if not isinstance(query, dict):
        raise InvalidQuery("a query is an object")
    credentials = tuple(_credential(item, here) for here, item in _array(query, "credentials", ""))
    _require_unique([item.identifier for item in credentials], "/credentials")
    known = {item.identifier for item in credentials}
    sets = []
    if "credential_sets" in query:
        for here, item in _array(query, "credential_sets", ""):
            sets.append(_credential_set(_object(item, here), here, known))
    return DcqlQuery(credentials, tuple(sets))


def _credential(item: Any, pointer: str) -> CredentialQuery:
    item = _object(item, pointer)
    identifier = _identifier(item.get("id"), f"{pointer}/id")
    if item.get("format") not in _FORMATS:
        raise InvalidQuery("format is not dc+sd-jwt or ldp_vc", pointer=f"{pointer}/format")
    if "trusted_authorities" in item:
        raise InvalidQuery("trusted_authorities is not supported", pointer=f"{pointer}/trusted_authorities")
    format_ = cast(Format, item["format"])
    meta = _object(item.get("meta"), f"{pointer}/meta")
    vct_values: tuple[str, ...] = ()
    type_values: tuple[tuple[str, ...], ...] = ()
    if format_ == "dc+sd-jwt":
        vct_values = _texts(meta.get("vct_values"), f"{pointer}/meta/vct_values")
    else:
        alternatives = _array(meta, "type_values", f"{pointer}/meta")
        type_values = tuple(_texts(value, here) for here, value in alternatives)
    claims: tuple[ClaimQuery, ...] = ()
    if "claims" in item:
        claims = tuple(_claim(value, here) for here, value in _array(item, "claims", pointer))
        _require_unique([claim.path for claim in claims], f"{pointer}/claims")
        _require_unique([c.identifier for c in claims if c.identifier is not None], f"{pointer}/claims")
    return CredentialQuery(
        identifier=identifier,
        format=format_,
        vct_values=vct_values,
        type_values=type_values,
        claims=claims,
        claim_sets=_claim_sets(item, claims, pointer),
        multiple=_flag(item, "multiple", False, pointer),
        require_holder_binding=_flag(item, "require_cryptographic_holder_binding", True, pointer),
    )


def _claim(item: Any, pointer: str) -> ClaimQuery:
    item = _object(item, pointer)
    identifier = _identifier(item["id"], f"{pointer}/id") if "id" in item else None
    path = item.get("path")
    if not isinstance(path, list) or not 0 < len(path) <= _MAX_PATH:
        raise InvalidQuery("path is a short array", pointer=f"{pointer}/path")
    for index, part in enumerate(path):
        good = (
            part is None
            or isinstance(part, str)
            or (isinstance(part, int) and not isinstance(part, bool) and part >= 0)
        )
        if not good:
            raise InvalidQuery("a path has names, indices and nulls", pointer=f"{pointer}/path/{index}")
    if not isinstance(path[0], str):
        raise InvalidQuery("a path starts with a name", pointer=f"{pointer}/path/0")
    values = None
    if "values" in item:
        found = _array(item, "values", pointer)
        for here, value in found:
            if not isinstance(value, str | int | bool):
                raise InvalidQuery("a value is text, an integer or a boolean", pointer=here)
        values = tuple(value for _, value in found)
    return ClaimQuery(tuple(path), identifier, values)


def _claim_sets(item: Mapping[str, Any], claims: tuple[ClaimQuery, ...], pointer: str) -> tuple[tuple[str, ...], ...]:
    if "claim_sets" not in item:
        return ()
    known = {claim.identifier for claim in claims}
    if not claims or None in known:
        raise InvalidQuery("claim_sets needs claims that all have ids", pointer=f"{pointer}/claim_sets")
    options = tuple(_texts(value, here) for here, value in _array(item, "claim_sets", pointer))
    for index, option in enumerate(options):
        if not set(option) <= known:
            raise InvalidQuery("a claim set names an unknown claim", pointer=f"{pointer}/claim_sets/{index}")
    return options


def _credential_set(item: Mapping[str, Any], pointer: str, known: set[str]) -> CredentialSetQuery:
    options = tuple(_texts(value, here) for here, value in _array(item, "options", pointer))
    for index, option in enumerate(options):
        if not set(option) <= known:
            raise InvalidQuery("an option names an unknown credential", pointer=f"{pointer}/options/{index}")
    return CredentialSetQuery(options, _flag(item, "required", True, pointer))


def _object(value: Any, pointer: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidQuery("an object is required", pointer=pointer)
    return value


def _array(item: Mapping[str, Any], name: str, pointer: str) -> list[tuple[str, Any]]:
    value = item.get(name)
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_ITEMS:
        raise InvalidQuery(f"{name} is an array of 1 to {_MAX_ITEMS} items", pointer=f"{pointer}/{name}")
    return [(f"{pointer}/{name}/{index}", entry) for index, entry in enumerate(value)]


def _texts(value: Any, pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or len(value) > _MAX_ITEMS:
        raise InvalidQuery("an array of text is required", pointer=pointer)
    if not all(isinstance(text, str) and text for text in value):
        raise InvalidQuery("an array of text is required", pointer=pointer)
    return tuple(value)


def _identifier(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not _ID.match(value):
        raise InvalidQuery("an id has letters, digits, _ and -", pointer=pointer)
    return value


def _flag(item: Mapping[str, Any], name: str, default: bool, pointer: str) -> bool:
    value = item.get(name, default)
    if not isinstance(value, bool):
        raise InvalidQuery(f"{name} is true or false", pointer=f"{pointer}/{name}")
    return value


def _require_unique(values: list[Any], pointer: str) -> None:
    if len(set(values)) != len(values):
        raise InvalidQuery("the same id or path twice", pointer=pointer)
