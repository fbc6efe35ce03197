"""DCQL (OpenID4VP 1.0 section 6): the holder selects, the verifier evaluates the whole query again on what came back.

Danger: a wallet's selection is best effort and may be hostile; nothing it says about the query is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from did.errors import NoMatch
from did.presentations.claims_path import matches_value, select_path
from did.presentations.dcql_query import ClaimQuery, CredentialQuery, CredentialSetQuery, DcqlQuery, parse
from did.verdict import Check
from did.verification.policy import Verified

__all__ = [
    "ClaimQuery",
    "CredentialQuery",
    "CredentialSetQuery",
    "DcqlQuery",
    "Held",
    "Match",
    "Selection",
    "evaluate",
    "parse",
    "select",
]


@dataclass(frozen=True)
class Held:
    """A credential in a wallet. `claims` is the processed payload of an SD-JWT VC, or the whole VC; `types` has short
    names and expanded IRIs."""

    format: str
    claims: dict[str, Any]
    vct: str | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A held credential by its index, and the concrete paths of the claims to disclose."""

    index: int
    paths: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True)
class Selection:
    """For each credential query to answer, the credentials to present (one, unless the query allows several)."""

    matches: dict[str, tuple[Match, ...]] = field(default_factory=dict)


def select(query: DcqlQuery, held: Sequence[Held]) -> Selection:
    """What to present. Only what is required is selected; optional credential sets are left out.

    Raises NoMatch when the held credentials cannot satisfy the query.
    """
    found: dict[str, tuple[Match, ...]] = {}
    for wanted in query.credentials:
        matches = [m for index, item in enumerate(held) if (m := _match(wanted, index, item)) is not None]
        if matches:
            found[wanted.identifier] = tuple(matches if wanted.multiple else matches[:1])
    chosen: list[str] = []
    if not query.credential_sets:
        chosen = [wanted.identifier for wanted in query.credentials]
    for group in query.credential_sets:
        if group.required:
            option = next((option for option in group.options if all(i in found for i in option)), None)
            if option is None:
                raise NoMatch("no option of a required credential set can be satisfied")
            chosen.extend(option)
    missing = [identifier for identifier in chosen if identifier not in found]
    if missing:
        raise NoMatch(f"nothing held matches {', '.join(missing)}")
    return Selection({identifier: found[identifier] for identifier in dict.fromkeys(chosen)})


def _match(wanted: CredentialQuery, index: int, item: Held) -> Match | None:
    if item.format != wanted.format or not _right_type(wanted, item.vct, item.types):
        return None
    for option in wanted.claim_options():
        paths: list[tuple[str | int, ...]] = []
        for claim in option:
            selected = _satisfying(claim, item.claims)
            if not selected:
                break
            paths.extend(selected)
        else:
            return Match(index, tuple(dict.fromkeys(paths)))
    return None


def _satisfying(claim: ClaimQuery, claims: Any) -> list[tuple[str | int, ...]]:
    """Concrete paths of the elements that satisfy a claim query; with `values`, only the elements that match."""
    selected = select_path(claims, claim.path)
    if claim.values is not None:
        selected = [(path, value) for path, value in selected if matches_value(value, claim.values)]
    return [path for path, _ in selected]


def _right_type(wanted: CredentialQuery, vct: str | None, types: Sequence[str]) -> bool:
    if wanted.format == "dc+sd-jwt":
        return vct in wanted.vct_values
    return any(set(alternative) <= set(types) for alternative in wanted.type_values)


def evaluate(query: DcqlQuery, presented: Mapping[str, Sequence[Verified]]) -> list[Check]:
    """Whether what was presented answers the query: one `query` check per credential query, and one for the sets.

    This looks at types, claims, values, counts and holder binding only. The verdicts of the presentations are for the
    caller to put into the same conjunction; a presentation whose signature failed has no claims and fails here as well.
    """
    checks = []
    answered = set()
    for identifier, presentations in presented.items():
        wanted = query.credential(identifier)
        if wanted is None:
            text = "the query has no such id"
            checks.append(Check("query", "failed", text, "unknown_query_id", query_id=str(identifier)[:128]))
            continue
        check = _evaluate_credential(wanted, presentations)
        checks.append(check)
        if check.result == "passed":
            answered.add(identifier)
    checks.append(_evaluate_sets(query, answered))
    return checks


def _evaluate_credential(wanted: CredentialQuery, presentations: Sequence[Verified]) -> Check:
    name = wanted.identifier
    if not presentations or (len(presentations) > 1 and not wanted.multiple):
        return Check("query", "failed", "not exactly one presentation", "presentation_count", query_id=name)
    for presentation in presentations:
        code = _fault(wanted, presentation)
        if code is not None:
            return Check("query", "failed", "the presentation does not answer the query", code, query_id=name)
    return Check("query", "passed", query_id=name)


def _fault(wanted: CredentialQuery, presentation: Verified) -> str | None:
    """Stable code of what is wrong, or None."""
    if wanted.require_holder_binding and presentation.holder is None:
        return "holder_binding_missing"
    credential = presentation
    if presentation.format == "ldp_vp":
        if len(presentation.credentials) != 1:
            return "credential_count"
        credential = presentation.credentials[0]
    if credential.format != wanted.format:
        return "format_mismatch"
    vct = credential.types[0] if credential.format == "dc+sd-jwt" and credential.types else None
    if not _right_type(wanted, vct, credential.types):
        return "type_mismatch"
    claims = credential.credential or {}
    if any(all(_satisfying(claim, claims) for claim in option) for option in wanted.claim_options()):
        return None
    return "claims_mismatch"


def _evaluate_sets(query: DcqlQuery, answered: set[str]) -> Check:
    if not query.credential_sets:
        missing = [wanted.identifier for wanted in query.credentials if wanted.identifier not in answered]
        if not missing:
            return Check("query", "passed", "every credential asked for is there")
        return Check("query", "failed", "not every credential asked for is there", "credential_missing")
    for index, group in enumerate(query.credential_sets):
        if group.required and not any(set(option) <= answered for option in group.options):
            pointer = f"/credential_sets/{index}"
            return Check("query", "failed", "a required credential set is not satisfied", "credential_missing", pointer)
    return Check("query", "passed", "every required credential set is satisfied")
