"""JSON-LD 1.1 to canonical N-Quads: PyLD expands, nothing is fetched, and what PyLD would drop silently is an error.

Base is None, so a relative IRI stays relative and is refused (PyLD's default turns it into an example.org IRI and signs
that). PyLD has no safe mode: `_Strict` looks at every term with the context that is active at its place, and the
expanded form is checked once more for identifiers and types that RDF would leave out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any, Final, Literal, NoReturn, cast

from pyld import jsonld
from pyld.context_resolver import ContextResolver

from did.credentials.canonical.rdfc import Quad, canonicalize_quads
from did.credentials.canonical.shape import check_shape, find_pointer
from did.credentials.contexts import CONTEXTS
from did.errors import DataLoss, InvalidJsonLd, KernelError
from did.strict_json import check_value, escape_pointer

__all__ = ["PINNED", "LinkedDataProcessor", "canonicalize_jsonld", "expanded_types"]

# RFC 3987 in outline: a scheme, then none of the characters N-Quads forbids inside <>.
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\]*\Z")
_LANGUAGE: Final = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*\Z")
_XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"
_LANG_STRING: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
_ESCAPES: Final = {code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)} | {
    0x08: "\\b",
    0x09: "\\t",
    0x0A: "\\n",
    0x0C: "\\f",
    0x0D: "\\r",
    0x22: '\\"',
    0x5C: "\\\\",
}


class _Strict(jsonld.JsonLdProcessor):  # type: ignore[misc]
    """PyLD's processor, refusing terms and identifiers that would not reach the RDF."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[int, str] = {}

    def expand(self, input_: Any, options: Any) -> Any:
        self._places = {}
        expanded = super().expand(input_, options)
        _check_expanded(expanded, input_)
        return expanded

    def _expand_object(self, active_ctx: Any, active_property: Any, expanded: Any, element: Any, *rest: Any) -> Any:
        if not self._places:
            # The first element expanded is PyLD's own copy of the document; identities hold while it lives.
            self._places = _places(element)
        for name in element:
            if name == "@context":
                continue
            iri = self._expand_iri(active_ctx, name, vocab=True)
            if iri is None or not (iri.startswith("@") or _IRI.match(iri)):
                place = f"{self._places.get(id(element), '')}/{escape_pointer(name)}"
                raise DataLoss(f"no context defines the term {name[:100]}", pointer=place)
        return super()._expand_object(active_ctx, active_property, expanded, element, *rest)


def _places(document: Any) -> dict[int, str]:
    found: dict[int, str] = {}
    stack: list[tuple[Any, str]] = [(document, "")]
    while stack:
        item, pointer = stack.pop()
        if isinstance(item, dict):
            found[id(item)] = pointer
            stack.extend((value, f"{pointer}/{escape_pointer(name)}") for name, value in item.items())
        elif isinstance(item, list):
            stack.extend((value, f"{pointer}/{index}") for index, value in enumerate(item))
    return found


def _check_expanded(expanded: list[Any], document: Any) -> None:
    if len(expanded) != 1:
        raise DataLoss("the document says nothing that could be signed")
    stack: list[Any] = list(expanded)
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            if "@value" in item:
                _check_literal(item, document)
                continue
            for name, value in item.items():
                if name in ("@id", "@type"):
                    for iri in value if isinstance(value, list) else [value]:
                        if not _IRI.match(iri):
                            raise DataLoss("not an absolute IRI", pointer=find_pointer(document, iri))
                elif name in ("@list", "@graph") or _IRI.match(name):
                    stack.append(value)
                else:
                    raise InvalidJsonLd(f"{name[:100]} is not supported")


def _check_literal(item: dict[str, Any], document: Any) -> None:
    datatype, language = item.get("@type"), item.get("@language")
    if datatype is not None and datatype != "@json" and not _IRI.match(datatype):
        raise DataLoss("a datatype is not an absolute IRI", pointer=find_pointer(document, datatype))
    if language is not None and not _LANGUAGE.match(language):
        raise DataLoss("not a language tag", pointer=find_pointer(document, language))


class LinkedDataProcessor:
    """Canonicalizes documents that use a given set of contexts.

    `contexts` maps URL to context document. `allow_inline` admits context objects inside documents: conformance vectors
    need it, a verifier that reads claims must not have it. Safe to share between threads.
    """

    def __init__(self, contexts: Mapping[str, dict[str, Any]] = CONTEXTS, *, allow_inline: bool = False) -> None:
        self.contexts = contexts
        self._allow_inline = allow_inline
        self._local = threading.local()

    def canonicalize(self, document: dict[str, Any], *, algorithm: Literal["sha256", "sha384"] = "sha256") -> str:
        """Canonical N-Quads. Raises DataLoss, InvalidJsonLd, UnknownContext, InlineContext, CanonicalizationLimit."""
        text, _ = canonicalize_quads(self.quads(document), algorithm=algorithm)
        return text

    def quads(self, document: dict[str, Any]) -> list[Quad]:
        """The document as RDF quads in N-Quads notation."""
        self._check(document)
        dataset = self._call("to_rdf", document)
        return [
            (
                _term(t["subject"]),
                _term(t["predicate"]),
                _term(t["object"]),
                "" if graph == "@default" else _name(graph),
            )
            for graph, triples in dataset.items()
            for t in triples
        ]

    def expand(self, document: dict[str, Any]) -> dict[str, Any]:
        """The expanded form of a document with one top-level node; nothing of it is lost."""
        self._check(document)
        return cast(dict[str, Any], self._call("expand", document)[0])

    def _check(self, document: dict[str, Any]) -> None:
        check_value(document)
        check_shape(document, self.contexts, allow_inline=self._allow_inline)

    def _call(self, method: str, document: dict[str, Any]) -> Any:
        # PyLD's caches are neither thread-safe nor keyed by loader, so each thread has its own.
        if not hasattr(self._local, "resolver"):
            self._local.resolver = ContextResolver(jsonld.LRUCache(maxsize=64), self._load)
        options = {"base": None, "documentLoader": self._load, "contextResolver": self._local.resolver}
        try:
            return getattr(_Strict(), method)(document, options | {"processingMode": "json-ld-1.1"})
        except KernelError:
            raise
        except jsonld.JsonLdError as error:
            raise _refusal(error) from error
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # PyLD answers some malformed contexts and values with these instead of its own error.
            raise InvalidJsonLd("the document is not well-formed JSON-LD") from error

    def _load(self, url: str, _options: object) -> dict[str, Any]:
        document = self.contexts.get(url)
        if document is None:
            _unknown(url)
        return {"contextUrl": None, "documentUrl": url, "document": document, "contentType": "application/ld+json"}


def _unknown(url: str) -> NoReturn:
    raise jsonld.JsonLdError(f"context is not pinned: {url[:200]}", "jsonld.LoadDocumentError", code="unknown context")


def _refusal(error: BaseException) -> KernelError:
    """Our own error if one is at the bottom of PyLD's chain, else InvalidJsonLd with PyLD's code."""
    cause: BaseException | None = error
    code = ""
    while cause is not None:
        if isinstance(cause, KernelError):
            return cause
        code = str(getattr(cause, "code", "") or code)
        cause = cause.__cause__
    return InvalidJsonLd(code or "the document is not valid JSON-LD")


def _name(iri: str) -> str:
    return iri if iri.startswith("_:") else f"<{iri}>"


def _term(term: dict[str, Any]) -> str:
    value = str(term["value"])
    if term["type"] != "literal":
        return _name(value)
    text = f'"{value.translate(_ESCAPES)}"'
    if term["datatype"] == _LANG_STRING:
        return f"{text}@{term['language']}"
    return text if term["datatype"] == _XSD_STRING else f"{text}^^<{term['datatype']}>"


PINNED: Final = LinkedDataProcessor()


def canonicalize_jsonld(document: dict[str, Any]) -> str:
    """Canonical N-Quads of a document that uses pinned contexts only."""
    return PINNED.canonicalize(document)


def expanded_types(document: dict[str, Any], processor: LinkedDataProcessor = PINNED) -> tuple[str, ...]:
    """Type IRIs of a document's top node, in document order of expansion."""
    return tuple(cast(list[str], processor.expand(document).get("@type", [])))
