"""The one conjunction, the error taxonomy, and the shape of what verification returns."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did import errors
from did.methods import EthrMethod
from did.resolver import Resolver
from did.verdict import Check, Verdict
from did.verify import Policy, Verified, Verifier

_CHECKS = st.lists(
    st.builds(
        Check,
        name=st.sampled_from(["signature", "status"]),
        result=st.sampled_from(["passed", "failed", "unknown", "skipped"]),
        mandatory=st.booleans(),
    ),
    max_size=6,
)


@given(checks=_CHECKS)
def test_valid_means_that_every_mandatory_check_passed(checks: list[Check]) -> None:
    verdict = Verdict.of(checks)
    mandatory = [check.result for check in checks if check.mandatory and check.result != "skipped"]
    assert (verdict.outcome == "valid") == (bool(mandatory) and all(result == "passed" for result in mandatory))
    assert (verdict.outcome == "invalid") == ("failed" in mandatory)
    assert bool(verdict.reasons()) == any(result in ("failed", "unknown") for result in mandatory)


def test_nothing_checked_is_not_valid() -> None:
    assert Verdict.of([]).outcome == "indeterminate"
    assert Verdict.of([Check("signature", "passed", mandatory=False)]).outcome == "indeterminate"


def test_json_form() -> None:
    check = Check("status", "failed", "revoked at block 7", "revoked", "/x", credential_index=0)
    body = Verdict.of([Check("signature", "passed"), check]).to_json()
    assert body == {
        "outcome": "invalid",
        "reasons": ["revoked"],
        "checks": [
            {"check": "signature", "result": "passed", "mandatory": True},
            {
                "check": "status",
                "result": "failed",
                "mandatory": True,
                "code": "revoked",
                "detail": "revoked at block 7",
                "pointer": "/x",
                "credential_index": 0,
            },
        ],
    }


def test_every_error_has_its_own_code_and_one_root() -> None:
    leaves = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]
    assert all(issubclass(leaf, errors.KernelError) for leaf in leaves)
    codes = [leaf.code for leaf in leaves]
    assert len(set(codes)) == len(codes)
    assert all("code" in vars(leaf) for leaf in leaves)


def test_what_verification_returns_stays_the_same() -> None:
    names = [item.name for item in dataclasses.fields(Verified)]
    assert names == [
        "verdict",
        "format",
        "issuer",
        "holder",
        "holder_did",
        "types",
        "claims",
        "credential",
        "credentials",
    ]


def test_a_verified_credential_carries_its_claims_without_the_proof(world: Any) -> None:
    verified = world.verify(world.credential())
    assert verified.verdict.outcome == "valid"
    assert verified.issuer == world.issuer_did
    assert verified.claims["givenName"] == "ANNA MARIA"
    assert verified.credential == world.unsigned()
    assert "https://assay.example/ns/identity#PersonIdentityCredential" in verified.types
    token = world.verify_presented(world.sd_jwt_presentation())
    assert (token.format, token.types, token.holder) == (
        "dc+sd-jwt",
        ("urn:assay:person-identity:1",),
        world.phone.public,
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"validUntil": "2026-06-01T11:58:59Z"}, "expired"),
        ({"validUntil": "2026-06-01T11:59:30Z"}, None),
        ({"validFrom": "2026-06-01T12:01:01Z"}, "not_yet_valid"),
        ({"validFrom": "2026-06-01T12:00:59Z"}, None),
    ],
)
def test_only_the_leeway_is_tolerated(world: Any, change: dict[str, str], code: str | None) -> None:
    assert world.verify(world.credential(**change)).verdict.reasons() == ([code] if code else [])


@pytest.mark.parametrize(("expires_in", "code"), [(-61, "expired"), (-59, None), (1, None)])
def test_only_the_leeway_is_tolerated_in_tokens(world: Any, expires_in: int, code: str | None) -> None:
    token = world.sd_jwt(expires_at=int(world.now.timestamp()) + expires_in)
    assert world.verify(token).verdict.reasons() == ([code] if code else [])
    future = world.sd_jwt(issued_at=int(world.now.timestamp()) + 61)
    assert world.verify(future).verdict.reasons() == ["not_yet_valid"]


def test_trust_and_test_mode(world: Any) -> None:
    assert world.verify(world.credential(), trusted_issuers=frozenset({world.issuer_did})).verdict.outcome == "valid"
    assert world.verify(world.sd_jwt(), trusted_issuers=frozenset()).verdict.reasons() == ["untrusted_issuer"]
    rehearsal = world.sd_jwt({"test_mode": True, "given_name": "A"})
    assert world.verify(rehearsal).verdict.reasons() == ["test_mode_credential"]
    assert world.verify(rehearsal, accept_test_mode=True).verdict.outcome == "valid"


def test_an_issuer_that_cannot_be_resolved_now_is_indeterminate(world: Any) -> None:
    did = "did:ethr:0x539:0x" + "1a" * 20
    token = world.sd_jwt(issuer=did, kid=f"{did}#controller")
    verifier = Verifier(Resolver([EthrMethod({})]), world.source)
    verdict = verifier.verify(token, Policy(world.now)).verdict
    assert (verdict.outcome, verdict.reasons()) == ("indeterminate", ["did_unavailable"])
    assert world.verify(token).verdict.reasons() == ["did_method_unsupported"]
