"""Threats 23 to 28, 32 to 34: rewriting a signed document so that the proof still holds, or almost."""

from __future__ import annotations

import copy
import time
from datetime import timedelta
from typing import Any

import pytest

from did.credentials.canonical import canonicalize_quads
from did.credentials.contexts import DID_CONTEXT
from did.errors import CanonicalizationLimit, KernelError

STATUS_IRI = "https://www.w3.org/2018/credentials#credentialStatus"


def _reasons(world: Any, document: Any, **policy: Any) -> list[str]:
    verified = world.verify(document, **policy)
    assert verified.verdict.outcome == "invalid"
    return list(verified.verdict.reasons())


@pytest.mark.threat(23)
def test_a_context_that_is_not_pinned_is_refused(world: Any) -> None:
    document = world.credential()
    document["@context"].append("https://evil.example/context")
    assert _reasons(world, document) == ["unknown_context"]
    with pytest.raises(KernelError) as refusal:
        world.sign(world.unsigned() | {"@context": ["https://www.w3.org/ns/credentials/v2", "http://127.0.0.1/"]})
    assert (refusal.value.code, refusal.value.pointer) == ("unknown_context", "/@context/1")


@pytest.mark.threat(24)
@pytest.mark.parametrize(
    "inline",
    [
        {"ageOver18": "https://evil.example/x", "isAdult": "https://assay.example/ns/identity#ageOver18"},
        {"@vocab": "https://evil.example/"},
        {"cs": STATUS_IRI},
        None,
    ],
)
def test_inline_contexts_are_refused(world: Any, inline: Any) -> None:
    for suite in ("eddsa-rdfc-2022", "eddsa-jcs-2022"):
        document = world.credential(suite)
        document["@context"].append(inline)
        assert _reasons(world, document)[0] in ("inline_context", "invalid_credential")


@pytest.mark.threat(24)
def test_a_nested_context_is_refused(world: Any) -> None:
    document = world.credential()
    document["credentialSubject"]["@context"] = {"x": STATUS_IRI}
    assert _reasons(world, document) == ["inline_context"]


@pytest.mark.threat(24)
def test_another_pinned_context_does_not_keep_a_jcs_proof(world: Any) -> None:
    document = world.credential("eddsa-jcs-2022")
    document["@context"].append(DID_CONTEXT)
    assert world.verify(document).verdict.outcome == "invalid"


@pytest.mark.threat(25)
@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_an_undefined_term_is_refused_with_its_place(world: Any, suite: str) -> None:
    document = world.credential(suite)
    document["credentialSubject"]["isAdmin"] = True
    verified = world.verify(document)
    assert verified.verdict.reasons() == ["data_loss"]
    assert verified.verdict.checks[0].pointer == "/credentialSubject/isAdmin"
    with pytest.raises(KernelError) as refusal:
        world.sign(world.unsigned() | {"undefined": 1}, suite)
    assert (refusal.value.code, refusal.value.pointer) == ("data_loss", "/undefined")


@pytest.mark.threat(25)
@pytest.mark.parametrize(
    "change",
    [
        {"evidence": []},
        {"termsOfUse": []},
        {"name": None},
        {"@included": [{"id": "urn:x"}]},
        {"@graph": []},
        {"@id": "urn:uuid:other"},
        {"refreshService": [[{"type": "https://evil.example/x"}]]},
        {"relatedResource": {"id": "_:b0"}},
        {"description": {"@value": "x", "@type": "https://evil.example/x"}},
    ],
)
def test_members_that_rdf_would_not_sign_are_refused(world: Any, change: dict[str, Any]) -> None:
    assert world.verify(world.credential() | change).verdict.outcome == "invalid"


@pytest.mark.threat(25)
@pytest.mark.parametrize("value", [[], None, [["UTO"]], {"@value": "UTO"}, {"@language": "en", "@value": "UTO"}])
def test_a_claim_cannot_be_added_unsigned_or_respelled(world: Any, value: Any) -> None:
    for name in ("nationality", "documentNumber"):
        document = world.credential()
        document["credentialSubject"][name] = value
        assert world.verify(document).verdict.outcome == "invalid"
    document["credentialSubject"]["documentNumber"] = []
    checks = world.verify(document).verdict.checks
    assert (checks[0].code, checks[0].pointer) == ("data_loss", "/credentialSubject/documentNumber")


@pytest.mark.threat(25)
def test_a_status_cannot_be_hidden_behind_its_iri(world: Any) -> None:
    document = world.credential()
    document[STATUS_IRI] = document.pop("credentialStatus")
    assert _reasons(world, document, require_status=False) == ["invalid_jsonld"]


@pytest.mark.threat(25)
def test_a_member_cannot_move_to_another_object_with_the_same_id(world: Any) -> None:
    unsigned = world.unsigned(relatedResource={"id": world.unsigned()["id"]})
    document = world.sign(unsigned)
    assert world.verify(document).verdict.outcome == "valid"
    document["relatedResource"]["credentialStatus"] = document.pop("credentialStatus")
    document["relatedResource"]["type"] = "VerifiableCredential"
    assert _reasons(world, document, require_status=False) == ["ambiguous_node"]


@pytest.mark.threat(25)
@pytest.mark.parametrize("mark", ["true", {"@value": True}, [True], 1])
def test_test_mode_cannot_be_respelled(world: Any, mark: Any) -> None:
    document = world.unsigned()
    document["evidence"][0]["testMode"] = True
    signed = world.sign(document)
    assert _reasons(world, signed) == ["test_mode_credential"]
    respelled = copy.deepcopy(signed)
    respelled["evidence"][0]["testMode"] = mark
    assert world.verify(respelled).verdict.outcome == "invalid"
    assert world.verify(signed, accept_test_mode=True).verdict.outcome == "valid"


@pytest.mark.threat(26)
def test_a_poison_graph_runs_into_the_work_limit() -> None:
    nodes = [f"_:n{i}" for i in range(12)]
    quads = [(a, "<urn:p>", b, "") for a in nodes for b in nodes if a != b]
    start = time.process_time()
    with pytest.raises(CanonicalizationLimit):
        canonicalize_quads(quads)
    assert time.process_time() - start < 10


@pytest.mark.threat(26)
def test_a_credential_with_a_blank_node_bomb_is_refused_in_time(world: Any) -> None:
    document = world.credential()
    document["evidence"] = [{"type": "IdentityCheckEvidence", "checks": [{"check": "a"}] * 30}] * 30
    start = time.process_time()
    assert world.verify(document).verdict.outcome == "invalid"
    assert time.process_time() - start < 15


@pytest.mark.threat(27)
def test_every_proof_of_a_set_must_hold(world: Any) -> None:
    good = world.credential()
    twice = world.sign(good, verification_method=f"{world.other_did}#{world.other_did[8:]}", signer=world.other)
    assert world.verify(twice).verdict.outcome == "valid"
    for index in (0, 1):
        broken = copy.deepcopy(twice)
        broken["proof"][index]["proofValue"] = good["proof"]["proofValue"][:-1] + "1"
        assert world.verify(broken).verdict.outcome == "invalid"
    broken = copy.deepcopy(twice)
    broken["proof"][1]["cryptosuite"] = "unknown-2030"
    assert _reasons(world, broken) == ["unsupported_cryptosuite"]
    assert _reasons(world, good | {"proof": []}) == ["proof_missing"]
    assert _reasons(world, good | {"proof": [good["proof"]] * 9}) == ["malformed_proof"]


@pytest.mark.threat(27)
def test_previous_proof_loops_and_gaps_are_refused(world: Any) -> None:
    good = world.credential()
    first = good["proof"] | {"id": "urn:proof:1", "previousProof": "urn:proof:2"}
    second = good["proof"] | {"id": "urn:proof:2", "previousProof": "urn:proof:1"}
    assert _reasons(world, good | {"proof": [first, second]}) == ["proof_chain_broken"]
    assert _reasons(world, good | {"proof": [first]}) == ["proof_chain_broken"]
    itself = good["proof"] | {"id": "urn:proof:1", "previousProof": ["urn:proof:1"]}
    assert _reasons(world, good | {"proof": itself}) == ["proof_chain_broken"]


@pytest.mark.threat(28)
def test_a_proof_for_another_purpose_is_refused(world: Any) -> None:
    document = world.sign(world.unsigned(), purpose="authentication")
    assert _reasons(world, document) == ["wrong_proof_purpose"]


@pytest.mark.threat(28)
@pytest.mark.threat(55)
def test_a_presentation_for_somebody_else_is_refused(world: Any) -> None:
    presentation = world.presentation([world.credential()])
    assert world.verify_presented(presentation).verdict.outcome == "valid"
    assert world.verify_presented(presentation, nonce="other").verdict.reasons() == ["wrong_nonce"]
    elsewhere = world.verify_presented(presentation, audience="https://other.example")
    assert elsewhere.verdict.reasons() == ["wrong_audience"]


@pytest.mark.threat(32)
def test_a_credential_about_somebody_else_is_refused(world: Any) -> None:
    theirs = world.credential(credentialSubject={"id": world.other_did, "givenName": "EVE"})
    verdict = world.verify_presented(world.presentation([world.credential(), theirs])).verdict
    assert verdict.reasons() == ["holder_mismatch"]
    check = next(check for check in verdict.checks if check.name == "holder_binding")
    assert check.pointer == "/verifiableCredential/1/credentialSubject/id"
    bearer = world.credential(credentialSubject={"givenName": "EVE"})
    assert world.verify_presented(world.presentation([bearer])).verdict.reasons() == ["holder_mismatch"]


@pytest.mark.threat(32)
def test_a_stolen_credential_is_refused(world: Any) -> None:
    stolen = world.presentation([world.credential()], signer=world.other, holder_did=world.other_did)
    assert world.verify_presented(stolen).verdict.reasons() == ["holder_mismatch"]


@pytest.mark.threat(33)
def test_a_credential_signed_by_another_issuer_is_refused(world: Any) -> None:
    kid = f"{world.other_did}#{world.other_did[8:]}"
    forged = world.sign(world.unsigned(), signer=world.other, verification_method=kid)
    assert _reasons(world, forged) == ["issuer_mismatch"]
    claimed = world.sign(world.unsigned(), signer=world.other)
    assert _reasons(world, claimed) == ["invalid_signature"]
    assert world.verify(claimed).claims == {}


def test_an_inner_failure_reaches_the_outer_verdict(world: Any) -> None:
    old = world.credential(validUntil="2026-05-01T00:00:00Z")
    verified = world.verify_presented(world.presentation([world.credential(), old]))
    assert verified.verdict.reasons() == ["expired"]
    assert [inner.verdict.outcome for inner in verified.credentials] == ["valid", "invalid"]
    assert world.verify_presented(world.presentation([old])).verdict.outcome == "invalid"


def test_a_proof_from_the_future_is_refused(world: Any) -> None:
    document = world.sign(world.unsigned(), created=world.now + timedelta(minutes=5))
    assert _reasons(world, document) == ["proof_expired"]
