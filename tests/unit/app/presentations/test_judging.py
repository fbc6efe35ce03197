"""The verdict on a whole answer: nothing but a conjunction, and unknown stays apart from invalid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from app.presentations.judging import judge
from app.presentations.presets import PRESETS
from did.keys import LocalKey
from did.presentations.dcql import parse
from did.verdict import Check, Verdict
from did.verify import Policy, Verified, Verifier

POLICY = Policy(now=datetime.now(UTC))
CLAIMS = {"iss": "did:web:x", "vct": "urn:assay:vct:person-identity:1", "ageOver18": True, "familyName": "ERIKSSON"}
GOOD = Verified(
    Verdict.of([Check("signature", "passed"), Check("status", "passed")]),
    "dc+sd-jwt",
    issuer="did:web:x",
    holder=LocalKey.generate("P-256").public,
    holder_did="did:jwk:h",
    types=("urn:assay:vct:person-identity:1",),
    claims=CLAIMS,
    credential=CLAIMS,
)


class Prepared:
    """Answers with what a test prepared, by the presentation's text."""

    def __init__(self, **answers: Verified) -> None:
        self._answers = answers

    def verify(self, thing: str, policy: Policy) -> Verified:
        return self._answers[thing]


def judged(*, query: dict[str, Any] | None = None, **answers: Verified) -> Any:
    verifier = cast(Verifier, Prepared(**answers))
    return judge(verifier, POLICY, query or PRESETS["over_18"](), {"identity_sd_jwt": list(answers)})


def test_only_what_was_asked_for_is_disclosed() -> None:
    judgement = judged(a=GOOD)
    assert judgement.verdict.outcome == "valid"
    assert judgement.disclosed == ({"holder": "did:jwk:h", "claims": {"ageOver18": True}},)


@pytest.mark.parametrize("result", ["failed", "unknown"])
def test_a_check_that_does_not_pass_discloses_nothing(result: Any) -> None:
    bad = replace(GOOD, verdict=Verdict.of([Check("signature", "passed"), Check("status", result, code="revoked")]))
    judgement = judged(a=bad)
    assert judgement.verdict.outcome == ("invalid" if result == "failed" else "indeterminate")
    assert judgement.verdict.reasons() == ["revoked"]
    assert judgement.disclosed == ()
    assert "ERIKSSON" not in str(judgement)


def test_an_issuer_that_cannot_be_asked_leaves_the_query_undecided() -> None:
    unread = Verified(Verdict.of([Check("signature", "unknown", code="did_unavailable")]), "dc+sd-jwt")
    judgement = judged(a=unread)
    assert judgement.verdict.outcome == "indeterminate"
    assert "did_unavailable" in judgement.verdict.reasons()


def test_a_bad_signature_is_invalid_whatever_else_is_unknown() -> None:
    forged = Verified(Verdict.of([Check("signature", "failed", code="invalid_signature")]), "dc+sd-jwt")
    assert judged(a=forged).verdict.outcome == "invalid"


def test_an_empty_answer_is_never_valid() -> None:
    verifier = cast(Verifier, Prepared())
    assert judge(verifier, POLICY, PRESETS["over_18"](), {}).verdict.outcome == "invalid"


def test_each_check_says_where_it_belongs() -> None:
    query = PRESETS["over_18"]()
    query["credentials"][0]["multiple"] = True
    placed = [check for check in judged(query=query, a=GOOD, b=GOOD).verdict.checks if check.name == "signature"]
    assert [(check.query_id, check.credential_index) for check in placed] == [
        ("identity_sd_jwt", 0),
        ("identity_sd_jwt", 1),
    ]
    assert placed[1].pointer == "/vp_token/identity_sd_jwt/1"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_queries(name: str) -> None:
    parsed = parse(PRESETS[name]())
    assert [item.format for item in parsed.credentials] == ["dc+sd-jwt", "ldp_vc"]
