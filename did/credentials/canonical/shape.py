"""Which JSON-LD documents Assay signs and verifies: those whose tree says exactly what their RDF says.

RDF forgets the tree. Without these rules a holder could rewrite a signed credential and keep its proof: rename
`credentialStatus` to its full IRI so that no reader finds it, hang a member on another node with the same id, add
`"evidence": []`, or swap the context (threats 24, 25; w3c/vc-data-integrity #272). Each is refused with a pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from did.errors import AmbiguousNode, DataLoss, InlineContext, InvalidJsonLd, UnknownContext
from did.strict_json import escape_pointer

__all__ = ["check_shape", "find_pointer"]

_VALUE_KEYWORDS: Final = frozenset({"@value", "@language", "@direction"})
# VC 2.0 section 4.5: the members whose text may carry a language and a direction. RDF would also read {"@value": "x"}
# as "x", so anywhere else a value object is a second spelling of a claim.
_LANGUAGE_MEMBERS: Final = frozenset({"name", "description"})


def check_shape(document: Mapping[str, Any], contexts: Mapping[str, Any], *, allow_inline: bool = False) -> None:
    """Refuse what would be lost, moved or renamed on the way to RDF.

    `contexts` holds the context URLs that may be used; `allow_inline` admits context objects, for conformance data
    only. The value must already have passed `strict_json.check_value`.
    """
    scope: dict[str, str] = {}
    _check_node(document, "", contexts, allow_inline, scope)


def _check_node(
    node: Mapping[str, Any], pointer: str, contexts: Mapping[str, Any], allow_inline: bool, scope: dict[str, str]
) -> None:
    if "@context" in node:
        _check_context(node["@context"], f"{pointer}/@context", contexts, allow_inline)
    identifier = node.get("id")
    if isinstance(identifier, str):
        if identifier.startswith("_:"):
            raise InvalidJsonLd("blank node identifiers are not accepted", pointer=f"{pointer}/id")
        if len(node) > 1 and scope.setdefault(identifier, pointer) != pointer:
            raise AmbiguousNode("two objects describe the same id", pointer=f"{pointer}/id")
    for name, value in node.items():
        if name == "@context":
            continue
        here = f"{pointer}/{escape_pointer(name)}"
        if name.startswith("@") or ":" in name:
            raise InvalidJsonLd("member names must be terms, not keywords or IRIs", pointer=here)
        # RDF keeps the members of these in graphs of their own, so ids are compared within each only.
        inner = scope if name not in ("verifiableCredential", "proof") else None
        _check_member(value, here, contexts, allow_inline, inner)


def _check_member(
    value: Any, pointer: str, contexts: Mapping[str, Any], allow_inline: bool, scope: dict[str, str] | None
) -> None:
    if value is None:
        raise DataLoss("null is not signed", pointer=pointer)
    if isinstance(value, dict) and "@value" in value:
        _check_value_object(value, pointer)
    elif isinstance(value, dict):
        _check_node(value, pointer, contexts, allow_inline, {} if scope is None else scope)
    elif isinstance(value, list):
        if not value:
            raise DataLoss("an empty array is not signed", pointer=pointer)
        for index, item in enumerate(value):
            if isinstance(item, list):
                raise DataLoss("nested arrays are flattened", pointer=f"{pointer}/{index}")
            _check_member(item, f"{pointer}/{index}", contexts, allow_inline, scope)
    elif isinstance(value, float) and not _keeps_digits(value):
        raise DataLoss("more digits than a JSON-LD number keeps", pointer=pointer)


def _keeps_digits(value: float) -> bool:
    """Whether JSON-LD's canonical xsd:double, which fractions and numbers from 1e21 become, is this very number."""
    return (value.is_integer() and abs(value) < 1e21) or float(f"{value:.15E}") == value


def _check_value_object(node: Mapping[str, Any], pointer: str) -> None:
    member = next(token for token in reversed(pointer.split("/")) if not token.isdigit())
    if member not in _LANGUAGE_MEMBERS:
        raise InvalidJsonLd("a value object is allowed in name and description only", pointer=pointer)
    for name, value in node.items():
        if name not in _VALUE_KEYWORDS or not isinstance(value, str):
            raise InvalidJsonLd("not a plain value object", pointer=f"{pointer}/{escape_pointer(name)}")


def _check_context(value: Any, pointer: str, contexts: Mapping[str, Any], allow_inline: bool) -> None:
    entries = value if isinstance(value, list) else [value]
    for index, entry in enumerate(entries):
        here = f"{pointer}/{index}" if isinstance(value, list) else pointer
        if isinstance(entry, str):
            if entry not in contexts:
                raise UnknownContext(f"context is not pinned: {entry[:200]}", pointer=here)
        elif not (allow_inline and isinstance(entry, dict)):
            raise InlineContext("a context must be a pinned URL", pointer=here)


def find_pointer(document: Any, text: str) -> str:
    """Pointer to the first string equal to `text`, or "" if there is none."""
    stack: list[tuple[Any, str]] = [(document, "")]
    while stack:
        item, pointer = stack.pop()
        if item == text:
            return pointer
        if isinstance(item, dict):
            stack.extend((v, f"{pointer}/{escape_pointer(k)}") for k, v in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend((v, f"{pointer}/{i}") for i, v in reversed(list(enumerate(item))))
    return ""
