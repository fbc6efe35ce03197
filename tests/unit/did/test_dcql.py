"""DCQL: reading a query, selecting as a wallet, evaluating as a verifier."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from did.errors import InvalidQuery, NoMatch
from did.presentations.claims_path import select_path
from did.presentations.dcql import Held, Match, evaluate, parse, select

VCT = "urn:assay:person-identity:1"
TYPE_IRI = "https://assay.example/ns/identity#PersonIdentityCredential"
SD: dict[str, Any] = {
    "id": "sd",
    "format": "dc+sd-jwt",
    "meta": {"vct_values": [VCT]},
    "claims": [{"id": "age", "path": ["age_over_18"], "values": [True]}, {"id": "name", "path": ["given_name"]}],
}
LDP: dict[str, Any] = {
    "id": "ldp",
    "format": "ldp_vc",
    "meta": {"type_values": [[TYPE_IRI]]},
    "claims": [{"path": ["credentialSubject", "givenName"]}],
}
CLAIMS = {"vct": VCT, "age_over_18": True, "given_name": "A", "codes": ["x", "y"], "address": {"city": "B"}}
WALLET = [
    Held("dc+sd-jwt", {"vct": "urn:other"}, "urn:other"),
    Held("dc+sd-jwt", CLAIMS, VCT),
    Held("ldp_vc", {"credentialSubject": {"givenName": "A"}}, None, ("PersonIdentityCredential", TYPE_IRI)),
]


def _query(*credentials: dict[str, Any], **extra: Any) -> Any:
    return parse(copy.deepcopy({"credentials": list(credentials), **extra}))


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "/credentials"),
        ({"credentials": []}, "/credentials"),
        ({"credentials": [SD, SD]}, "/credentials"),
        ({"credentials": [SD | {"id": "a b"}]}, "/credentials/0/id"),
        ({"credentials": [SD | {"format": "mso_mdoc"}]}, "/credentials/0/format"),
        ({"credentials": [SD | {"meta": {}}]}, "/credentials/0/meta/vct_values"),
        ({"credentials": [{k: v for k, v in SD.items() if k != "meta"}]}, "/credentials/0/meta"),
        ({"credentials": [LDP | {"meta": {"type_values": [TYPE_IRI]}}]}, "/credentials/0/meta/type_values/0"),
        ({"credentials": [SD | {"claims": []}]}, "/credentials/0/claims"),
        ({"credentials": [SD | {"claims": [{"path": []}]}]}, "/credentials/0/claims/0/path"),
        ({"credentials": [SD | {"claims": [{"path": ["a", -1]}]}]}, "/credentials/0/claims/0/path/1"),
        ({"credentials": [SD | {"claims": [{"path": ["a", True]}]}]}, "/credentials/0/claims/0/path/1"),
        ({"credentials": [SD | {"claims": [{"path": [0]}]}]}, "/credentials/0/claims/0/path/0"),
        ({"credentials": [SD | {"claims": [{"path": ["a"]}, {"path": ["a"]}]}]}, "/credentials/0/claims"),
        ({"credentials": [SD | {"claims": [{"path": ["a"], "values": [1.5]}]}]}, "/credentials/0/claims/0/values/0"),
        ({"credentials": [SD | {"claim_sets": [["nobody"]]}]}, "/credentials/0/claim_sets/0"),
        ({"credentials": [LDP | {"claim_sets": [["x"]]}]}, "/credentials/0/claim_sets"),
        ({"credentials": [SD | {"multiple": 1}]}, "/credentials/0/multiple"),
        ({"credentials": [SD | {"trusted_authorities": [{}]}]}, "/credentials/0/trusted_authorities"),
        ({"credentials": [SD], "credential_sets": [{"options": [["ldp"]]}]}, "/credential_sets/0/options/0"),
        ({"credentials": [SD], "credential_sets": [{}]}, "/credential_sets/0/options"),
    ],
)
def test_a_malformed_query_is_refused_with_its_place(query: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidQuery) as refusal:
        parse(query)
    assert refusal.value.pointer == pointer


def test_unknown_properties_are_ignored() -> None:
    assert _query(SD | {"later": 1}, later=2) == _query(SD)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("given_name",), ["A"]),
        (("codes", None), ["x", "y"]),
        (("codes", 1), ["y"]),
        (("codes", 2), []),
        (("codes",), [["x", "y"]]),
        (("address", "city"), ["B"]),
        (("address", "street"), []),
        (("address", 0), []),
        (("given_name", "x"), []),
        (("given_name", None), []),
    ],
)
def test_claims_paths(path: Any, found: list[Any]) -> None:
    assert [value for _, value in select_path(CLAIMS, path)] == found


def test_a_wallet_selects_what_is_asked_and_no_more() -> None:
    selection = select(_query(SD, LDP), WALLET)
    assert selection.matches == {
        "sd": (Match(1, (("age_over_18",), ("given_name",))),),
        "ldp": (Match(2, (("credentialSubject", "givenName"),)),),
    }
    assert select(_query({k: v for k, v in SD.items() if k != "claims"}), WALLET).matches == {"sd": (Match(1),)}


def test_the_first_claim_set_that_can_be_met_is_chosen() -> None:
    claims = [{"id": "a", "path": ["missing"]}, {"id": "b", "path": ["given_name"]}, {"id": "c", "path": ["codes", 0]}]
    query = _query(SD | {"claims": claims, "claim_sets": [["a", "b"], ["b", "c"], ["c"]]})
    assert select(query, WALLET).matches["sd"][0].paths == (("given_name",), ("codes", 0))


@pytest.mark.parametrize("values", [[1], ["true"], [False]])
def test_values_match_in_type_and_value(values: list[Any]) -> None:
    with pytest.raises(NoMatch):
        select(_query(SD | {"claims": [{"path": ["age_over_18"], "values": values}]}), WALLET)


def test_multiple_gives_every_match() -> None:
    wallet = [WALLET[1], WALLET[0], WALLET[1]]
    assert [match.index for match in select(_query(SD | {"multiple": True}), wallet).matches["sd"]] == [0, 2]
    assert [match.index for match in select(_query(SD), wallet).matches["sd"]] == [0]


def test_credential_sets_choose_the_first_option_and_leave_optional_ones_out() -> None:
    other = SD | {"id": "other", "meta": {"vct_values": ["urn:nobody:has"]}}
    sets = [{"options": [["other"], ["sd"]]}, {"options": [["ldp"]], "required": False}]
    assert list(select(_query(SD, LDP, other, credential_sets=sets), WALLET).matches) == ["sd"]
    with pytest.raises(NoMatch):
        select(_query(other, credential_sets=[{"options": [["other"]]}]), WALLET)


def _codes(checks: Any) -> list[str]:
    return [check.code for check in checks if check.result != "passed"]


def test_the_verifier_evaluates_the_whole_query_again(world: Any) -> None:
    query = _query(SD, LDP)
    both = world.sd_jwt_presentation(disclose=[("age_over_18",), ("given_name",)])
    sd = world.verify_presented(both)
    ldp = world.verify_presented(world.presentation([world.credential()]))
    assert _codes(evaluate(query, {"sd": [sd], "ldp": [ldp]})) == []
    less = world.verify_presented(world.sd_jwt_presentation(disclose=[("age_over_18",)]))
    assert _codes(evaluate(query, {"sd": [less], "ldp": [ldp]})) == ["claims_mismatch", "credential_missing"]
    assert _codes(evaluate(query, {"sd": [ldp], "ldp": [ldp]})) == ["format_mismatch", "credential_missing"]
    assert _codes(evaluate(query, {"ldp": [ldp]})) == ["credential_missing"]
    assert _codes(evaluate(query, {"sd": [sd, sd], "ldp": [ldp]})) == ["presentation_count", "credential_missing"]
    assert _codes(evaluate(query, {"sd": [], "ldp": [ldp]})) == ["presentation_count", "credential_missing"]
    assert _codes(evaluate(query, {"sd": [sd], "ldp": [ldp], "x": [sd]})) == ["unknown_query_id"]


def test_holder_binding_and_counts_are_evaluated(world: Any) -> None:
    bare = world.verify(world.credential())
    assert _codes(evaluate(_query(LDP), {"ldp": [bare]})) == ["holder_binding_missing", "credential_missing"]
    loose = LDP | {"require_cryptographic_holder_binding": False}
    assert _codes(evaluate(_query(loose), {"ldp": [bare]})) == []
    two = world.verify_presented(world.presentation([world.credential(), world.credential(id="urn:uuid:2")]))
    assert _codes(evaluate(_query(LDP), {"ldp": [two]})) == ["credential_count", "credential_missing"]


def test_a_forged_presentation_answers_nothing(world: Any) -> None:
    forged = world.verify(world.sd_jwt(signer=world.other))
    query = _query({k: v for k, v in SD.items() if k != "claims"} | {"require_cryptographic_holder_binding": False})
    assert _codes(evaluate(query, {"sd": [forged]})) == ["type_mismatch", "credential_missing"]


def test_optional_sets_do_not_fail_a_response(world: Any) -> None:
    sd = world.verify_presented(world.sd_jwt_presentation(disclose=[("age_over_18",), ("given_name",)]))
    sets = [{"options": [["sd"]]}, {"options": [["ldp"]], "required": False}]
    assert _codes(evaluate(_query(SD, LDP, credential_sets=sets), {"sd": [sd]})) == []
    required = [{"options": [["ldp"]]}]
    assert _codes(evaluate(_query(SD, LDP, credential_sets=required), {"sd": [sd]})) == ["credential_missing"]
