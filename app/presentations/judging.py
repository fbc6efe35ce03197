"""From presentations to one verdict, and to the claims an operator may see.

The kernel verifies each presentation against the audience and nonce of this very request, then the whole query is
evaluated again on what came back (wallets treat much of it as best effort). All checks go into one conjunction; each
names its query and its place in the answer. Claims leave here only from a valid verdict, and only those that were asked
for: a format without selective disclosure shows more than the question, and what nobody asked for is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from did.presentations.dcql import evaluate, parse
from did.strict_json import escape_pointer
from did.verdict import Check, Verdict
from did.verify import Policy, Verified, Verifier

__all__ = ["Judgement", "judge", "shown_claims"]

# Members of an SD-JWT VC that are about the token, not about the person.
_TECHNICAL: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "_sd_alg"}
)


@dataclass(frozen=True)
class Judgement:
    """The verdict, one entry of facts per credential without personal data, and the personal part by entry."""

    verdict: Verdict
    credentials: tuple[dict[str, Any], ...]
    disclosed: tuple[dict[str, Any], ...]


def judge(
    verifier: Verifier,
    policy: Policy,
    query: Mapping[str, Any],
    presented: Mapping[str, Sequence[str | dict[str, Any]]],
) -> Judgement:
    """Verify every presentation and evaluate the query on the result."""
    verified = {name: [verifier.verify(item, policy) for item in items] for name, items in presented.items()}
    checks = [check for name, items in verified.items() for check in _placed(name, items)]
    unread = {name for name, items in verified.items() if any(map(_unread, items))}
    checks.extend(_undecided(check, unread) for check in evaluate(parse(dict(query)), verified))
    verdict = Verdict.of(checks)
    credentials, disclosed = [], []
    for name, items in verified.items():
        for index, item in enumerate(items):
            for inner in item.credentials or (item,):
                credentials.append(_facts(name, index, inner))
                if verdict.outcome == "valid":
                    disclosed.append({"holder": item.holder_did, "claims": _asked_for(query, name, inner)})
    return Judgement(verdict, tuple(credentials), tuple(disclosed))


def _unread(item: Verified) -> bool:
    """Whether nobody could say what is in it: the issuer or the holder could not be asked, and no more is known."""
    inner = item.credentials or (item,)
    return item.verdict.outcome == "indeterminate" and any(entry.credential is None for entry in inner)


def _undecided(check: Check, unread: set[str]) -> Check:
    """A query that an unread presentation was to answer is not failed: nobody knows whether it is answered."""
    if check.result == "failed" and unread and check.query_id in (None, *unread):
        return replace(check, result="unknown")
    return check


def _placed(name: str, items: Sequence[Verified]) -> list[Check]:
    return [
        replace(
            check,
            query_id=name,
            credential_index=index,
            pointer=f"/vp_token/{escape_pointer(name)}/{index}{check.pointer}",
        )
        for index, item in enumerate(items)
        for check in item.verdict.checks
    ]


def _facts(name: str, index: int, item: Verified) -> dict[str, Any]:
    return {
        "query_id": name,
        "credential_index": index,
        "format": item.format,
        "issuer": item.issuer,
        "types": [entry for entry in item.types if ":" not in entry or item.format == "dc+sd-jwt"],
        "outcome": item.verdict.outcome,
        "reasons": item.verdict.reasons(),
    }


def _asked_for(query: Mapping[str, Any], name: str, item: Verified) -> dict[str, Any]:
    """The shown claims that the query names; all of them if it names none."""
    claims = shown_claims(item)
    entry = next(entry for entry in query["credentials"] if entry["id"] == name)
    if "claims" not in entry:
        return claims
    asked = {_claim_name(item.format, claim["path"]) for claim in entry["claims"]}
    return {key: value for key, value in claims.items() if key in asked}


def _claim_name(format_: str, path: Sequence[Any]) -> Any:
    inside_subject = format_ == "ldp_vc" and len(path) > 1 and path[0] == "credentialSubject"
    return path[1] if inside_subject else path[0]


def shown_claims(item: Verified) -> dict[str, Any]:
    """The claims about the person in a verified credential."""
    if item.format == "dc+sd-jwt":
        return {key: value for key, value in item.claims.items() if key not in _TECHNICAL}
    return {key: value for key, value in item.claims.items() if key not in ("id", "type")}
