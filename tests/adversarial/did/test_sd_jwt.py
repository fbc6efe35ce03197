"""Threats 29 and 30: disclosures and key binding that do not belong to the credential."""

from __future__ import annotations

import json
from typing import Any

import pytest

from did.errors import KernelError
from did.keys import LocalKey
from did.multibase import b64url, b64url_decode
from did.securing.jose import sign_compact
from did.securing.sd_jwt import Disclosure, hash_for, parse, process


def _sign(world: Any, payload: dict[str, Any], *disclosures: str) -> str:
    base = {"iss": world.issuer_did, "vct": "urn:x", "iat": int(world.now.timestamp())}
    token = sign_compact({"typ": "dc+sd-jwt", "kid": world.kid}, base | payload, world.issuer)
    return "~".join([token, *disclosures, ""])


def _disclosure(name: str | None, value: Any) -> tuple[str, str]:
    item = Disclosure.create(name, value)
    return item.encoded, hash_for("sha-256")(item.encoded)


def _reasons(world: Any, token: str, **policy: Any) -> list[str]:
    return list(world.verify(token, require_status=False, **policy).verdict.reasons())


@pytest.mark.threat(29)
def test_the_same_digest_twice_is_refused(world: Any) -> None:
    text, digest = _disclosure("a", 1)
    assert _reasons(world, _sign(world, {"_sd": [digest]}, text)) == []
    assert _reasons(world, _sign(world, {"_sd": [digest, digest]}, text)) == ["invalid_disclosure"]
    assert _reasons(world, _sign(world, {"_sd": [digest], "x": {"_sd": [digest]}}, text)) == ["invalid_disclosure"]
    assert _reasons(world, _sign(world, {"_sd": [digest]}, text, text)) == ["malformed_sd_jwt"]


@pytest.mark.threat(29)
def test_a_disclosure_that_nothing_references_is_refused(world: Any) -> None:
    text, _ = _disclosure("admin", True)
    assert _reasons(world, _sign(world, {}, text)) == ["invalid_disclosure"]


@pytest.mark.threat(29)
@pytest.mark.parametrize("name", ["iss", "exp", "cnf", "vct", "status", "nbf", "test_mode"])
def test_registered_claims_cannot_be_disclosed(world: Any, name: str) -> None:
    text, digest = _disclosure(name, 1)
    assert _reasons(world, _sign(world, {"_sd": [digest]}, text)) == ["invalid_disclosure"]


@pytest.mark.threat(29)
def test_a_disclosure_cannot_overwrite_a_claim(world: Any) -> None:
    text, digest = _disclosure("level", "high")
    assert _reasons(world, _sign(world, {"_sd": [digest], "level": "low"}, text)) == ["invalid_disclosure"]


@pytest.mark.threat(29)
def test_array_and_object_disclosures_cannot_be_swapped(world: Any) -> None:
    member, member_digest = _disclosure("a", 1)
    element, element_digest = _disclosure(None, 1)
    assert _reasons(world, _sign(world, {"x": [{"...": member_digest}]}, member)) == ["invalid_disclosure"]
    assert _reasons(world, _sign(world, {"_sd": [element_digest]}, element)) == ["invalid_disclosure"]
    assert _reasons(world, _sign(world, {"x": [{"...": element_digest}]}, element)) == []
    assert _reasons(world, _sign(world, {"x": [{"...": element_digest, "y": 1}]}, element)) == ["invalid_disclosure"]


@pytest.mark.threat(29)
@pytest.mark.parametrize(
    "parts", [[], ["s"], ["s", "a", 1, 2], [1, "a", 1], ["s", "_sd", 1], ["s", "...", 1], {"a": 1}, ["s", 1, 1]]
)
def test_malformed_disclosures_are_refused(world: Any, parts: Any) -> None:
    text = b64url(json.dumps(parts).encode())
    digest = hash_for("sha-256")(text)
    assert _reasons(world, _sign(world, {"_sd": [digest]}, text)) == ["invalid_disclosure"]


@pytest.mark.threat(29)
def test_a_long_chain_of_disclosures_is_refused() -> None:
    text, digest = _disclosure("a", 1)
    chain = [text]
    for _ in range(400):
        text, digest = _disclosure("a", {"_sd": [digest]})
        chain.append(text)
    with pytest.raises(KernelError) as refusal:
        process({"_sd": [digest]}, [Disclosure.read(item) for item in chain])
    assert refusal.value.code == "input_too_deep"
    with pytest.raises(KernelError) as refusal:
        parse("a.b.c~" + "x~" * 10_000)
    assert refusal.value.code == "malformed_sd_jwt"


@pytest.mark.threat(29)
@pytest.mark.parametrize("algorithm", ["md5", "sha-1", 7, None, "SHA-256"])
def test_unknown_hashes_are_refused(world: Any, algorithm: Any) -> None:
    assert _reasons(world, _sign(world, {"_sd_alg": algorithm})) == ["unsupported_algorithm"]


@pytest.mark.threat(30)
def test_holder_binding_is_demanded_by_the_policy_not_the_token(world: Any) -> None:
    token = world.sd_jwt()
    assert world.verify(token).verdict.outcome == "valid"
    assert world.verify_presented(token).verdict.reasons() == ["holder_binding_missing"]
    unbound = world.sd_jwt(holder=None)
    assert world.verify_presented(unbound).verdict.reasons() == ["holder_binding_missing"]
    assert world.verify_presented(world.sd_jwt_presentation()).verdict.outcome == "valid"


@pytest.mark.threat(30)
@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_an_old_or_future_key_binding_is_refused(world: Any, seconds: int) -> None:
    presented = world.sd_jwt_presentation(issued_at=int(world.now.timestamp()) + seconds)
    assert world.verify_presented(presented).verdict.reasons() == ["invalid_key_binding"]


@pytest.mark.threat(30)
@pytest.mark.threat(55)
def test_nonce_audience_and_key_must_be_right(world: Any) -> None:
    other_nonce = world.sd_jwt_presentation(nonce="other")
    assert world.verify_presented(other_nonce).verdict.reasons() == ["wrong_nonce"]
    elsewhere = world.sd_jwt_presentation(audience="https://other.example")
    assert world.verify_presented(elsewhere).verdict.reasons() == ["wrong_audience"]
    stolen = world.sd_jwt_presentation(signer=LocalKey.generate("P-256"))
    assert world.verify_presented(stolen).verdict.reasons() == ["invalid_signature"]
    # A key binding JWT that is not asked for must hold all the same.
    assert world.verify(stolen).verdict.outcome == "invalid"


@pytest.mark.threat(30)
def test_disclosures_cannot_be_added_or_dropped_after_binding(world: Any) -> None:
    token = world.sd_jwt()
    presented = world.sd_jwt_presentation(token, disclose=[("age_over_18",), ("given_name",)])
    issuer_jwt, first, second, binding = presented.split("~")
    dropped = "~".join([issuer_jwt, first, binding])
    assert world.verify_presented(dropped).verdict.reasons() == ["invalid_key_binding"]
    extra = next(item for item in token.split("~")[1:-1] if item not in (first, second))
    added = "~".join([issuer_jwt, first, second, extra, binding])
    assert world.verify_presented(added).verdict.reasons() == ["invalid_key_binding"]


@pytest.mark.threat(30)
@pytest.mark.parametrize("change", [{"sd_hash": "x"}, {"nonce": None}, {"aud": ["a", "b"]}, {"iat": "1"}])
def test_malformed_key_binding_claims_are_refused(world: Any, change: dict[str, Any]) -> None:
    presented = world.sd_jwt_presentation()
    body, _, binding = presented.rpartition("~")
    claims = json.loads(b64url_decode(binding.split(".")[1])) | change
    forged = f"{body}~{sign_compact({'typ': 'kb+jwt'}, claims, world.phone)}"
    assert world.verify_presented(forged).verdict.reasons() == ["invalid_key_binding"]
    claims = json.loads(b64url_decode(binding.split(".")[1]))
    wrong_type = f"{body}~{sign_compact({'typ': 'JWT'}, claims, world.phone)}"
    assert world.verify_presented(wrong_type).verdict.reasons() == ["invalid_key_binding"]


@pytest.mark.threat(22)
@pytest.mark.parametrize("typ", ["JWT", "vc+sd-jwt", None, "dc+SD-JWT"])
def test_another_type_of_token_is_refused(world: Any, typ: Any) -> None:
    payload = {"iss": world.issuer_did, "vct": "urn:x"}
    token = sign_compact({"typ": typ, "kid": world.kid}, payload, world.issuer) + "~"
    assert _reasons(world, token) == ["wrong_token_type"]


def test_reserved_and_unsafe_claims_are_not_issued(world: Any) -> None:
    for claims, code in (
        ({"iss": "x"}, "malformed_sd_jwt"),
        ({"a": {"_sd": []}}, "malformed_sd_jwt"),
        ({"a": [{"...": "x"}]}, "malformed_sd_jwt"),
        ({"a": 2**60}, "number_out_of_range"),
    ):
        with pytest.raises(KernelError) as refusal:
            world.sd_jwt(claims)
        assert refusal.value.code == code
    with pytest.raises(KernelError) as refusal:
        world.sd_jwt({"test_mode": True}, disclosable=["test_mode"])
    assert refusal.value.code == "not_disclosable"
