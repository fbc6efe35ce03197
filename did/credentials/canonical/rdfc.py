"""RDF Dataset Canonicalization (W3C RDFC-1.0), with a work limit.

A quad is four strings as N-Quads writes them: `<iri>`, `_:label` or `"literal"...`, with "" for the default graph.
Danger (threat 26): a graph of many look-alike blank nodes makes the algorithm exponential. Every permutation tried
counts against one limit, and running out is CanonicalizationLimit, never a guess.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Final, Literal

from did.errors import CanonicalizationLimit
from did.limits import MAX_CANONICALIZATION_DEPTH, MAX_CANONICALIZATION_STEPS, MAX_QUADS

__all__ = ["Quad", "canonicalize_quads", "quad_line"]

Quad = tuple[str, str, str, str]

_POSITIONS: Final = ((0, "s"), (2, "o"), (3, "g"))
_HASHES: Final[dict[str, Callable[[bytes], hashlib._Hash]]] = {"sha256": hashlib.sha256, "sha384": hashlib.sha384}


def quad_line(quad: Quad) -> str:
    """One canonical N-Quads line, with its line end."""
    subject, predicate, object_, graph = quad
    return f"{subject} {predicate} {object_} {graph} .\n" if graph else f"{subject} {predicate} {object_} .\n"


class _Issuer:
    """Issues identifiers in order, each label once (RDFC-1.0 section 4.5)."""

    def __init__(self, prefix: str, issued: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.issued: dict[str, str] = dict(issued or {})

    def issue(self, label: str) -> str:
        return self.issued.setdefault(label, f"{self.prefix}{len(self.issued)}")

    def copy(self) -> _Issuer:
        return _Issuer(self.prefix, self.issued)


class _Canonicalizer:
    def __init__(self, quads: Iterable[Quad], algorithm: str, max_steps: int) -> None:
        # Insertion order, each quad once: an RDF dataset is a set.
        self.quads = list(dict.fromkeys(quads))
        if len(self.quads) > MAX_QUADS:
            raise CanonicalizationLimit(f"more than {MAX_QUADS} quads")
        self._algorithm = _HASHES[algorithm]
        self._steps = max_steps
        self.canonical = _Issuer("_:c14n")
        self._mentions: dict[str, list[Quad]] = defaultdict(list)
        for quad in self.quads:
            for label in dict.fromkeys(quad[index] for index, _ in _POSITIONS if quad[index].startswith("_:")):
                self._mentions[label].append(quad)
        self._first_degree: dict[str, str] = {}

    def run(self) -> None:
        by_hash: dict[str, list[str]] = defaultdict(list)
        for label in self._mentions:
            by_hash[self._hash_first_degree(label)].append(label)
        ambiguous = []
        for digest in sorted(by_hash):
            labels = by_hash[digest]
            if len(labels) == 1:
                self.canonical.issue(labels[0])
            else:
                ambiguous.append(labels)
        for labels in ambiguous:
            results = []
            for label in labels:
                if label not in self.canonical.issued:
                    issuer = _Issuer("_:b")
                    issuer.issue(label)
                    results.append(self._hash_n_degree(label, issuer, 0))
            for _, issuer in sorted(results, key=lambda result: result[0]):
                for existing in issuer.issued:
                    self.canonical.issue(existing)

    def _hash(self, text: str) -> str:
        return self._algorithm(text.encode("utf-8")).hexdigest()

    def _hash_first_degree(self, label: str) -> str:
        """Section 4.6."""
        if label not in self._first_degree:
            lines = []
            for quad in self._mentions[label]:
                s, p, o, g = quad
                terms = [("_:a" if t == label else "_:z") if t.startswith("_:") else t for t in (s, o, g)]
                lines.append(quad_line((terms[0], p, terms[1], terms[2])))
            self._first_degree[label] = self._hash("".join(sorted(lines)))
        return self._first_degree[label]

    def _hash_related(self, related: str, quad: Quad, issuer: _Issuer, position: Literal["s", "o", "g"] | str) -> str:
        """Section 4.7."""
        known = self.canonical.issued.get(related) or issuer.issued.get(related)
        predicate = "" if position == "g" else quad[1]
        return self._hash(position + predicate + (known or self._hash_first_degree(related)))

    def _hash_n_degree(self, label: str, issuer: _Issuer, depth: int) -> tuple[str, _Issuer]:
        """Section 4.8."""
        if depth > MAX_CANONICALIZATION_DEPTH:
            raise CanonicalizationLimit("blank nodes depend on each other too deeply")
        related: dict[str, list[str]] = defaultdict(list)
        for quad in self._mentions[label]:
            for index, position in _POSITIONS:
                term = quad[index]
                if term.startswith("_:") and term != label:
                    related[self._hash_related(term, quad, issuer, position)].append(term)
        data = ""
        for digest in sorted(related):
            path, issuer = self._shortest_path(related[digest], issuer, depth)
            data += digest + path
        return self._hash(data), issuer

    def _shortest_path(self, labels: list[str], issuer: _Issuer, depth: int) -> tuple[str, _Issuer]:
        """Section 4.8.3 steps 5.2 to 5.6: the least path over all orders of the related nodes."""
        chosen, chosen_issuer = "", issuer
        for order in permutations(labels):
            self._steps -= 1
            if self._steps < 0:
                raise CanonicalizationLimit("the graph takes too much work")
            candidate = self._path(order, issuer.copy(), chosen, depth)
            if candidate is not None and (not chosen or candidate[0] < chosen):
                chosen, chosen_issuer = candidate
        return chosen, chosen_issuer

    def _path(self, order: tuple[str, ...], issuer: _Issuer, chosen: str, depth: int) -> tuple[str, _Issuer] | None:
        """Steps 5.4.1 to 5.4.5 for one order; None as soon as it cannot beat `chosen`."""
        path = ""
        recursion = []
        for label in order:
            if label in self.canonical.issued:
                path += self.canonical.issued[label]
            else:
                if label not in issuer.issued:
                    recursion.append(label)
                path += issuer.issue(label)
            if _cannot_win(path, chosen):
                return None
        for label in recursion:
            digest, deeper = self._hash_n_degree(label, issuer, depth + 1)
            path += f"{issuer.issue(label)}<{digest}>"
            issuer = deeper
            if _cannot_win(path, chosen):
                return None
        return path, issuer


def _cannot_win(path: str, chosen: str) -> bool:
    return bool(chosen) and len(path) >= len(chosen) and path > chosen


def canonicalize_quads(
    quads: Iterable[Quad],
    *,
    algorithm: Literal["sha256", "sha384"] = "sha256",
    max_steps: int = MAX_CANONICALIZATION_STEPS,
) -> tuple[str, dict[str, str]]:
    """The canonical N-Quads document and the issued identifiers (input label to canonical label, both with `_:`).

    Raises CanonicalizationLimit when the dataset needs more than `max_steps` permutations.
    """
    state = _Canonicalizer(quads, algorithm, max_steps)
    state.run()
    names = state.canonical.issued
    lines = {quad_line((names.get(s, s), p, names.get(o, o), names.get(g, g))) for s, p, o, g in state.quads}
    return "".join(sorted(lines)), dict(names)
