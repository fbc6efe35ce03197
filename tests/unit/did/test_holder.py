"""The holder's half against the verifier's: key proofs, disclosures and presentations."""

from __future__ import annotations

from typing import Any

import pytest

from did.errors import InvalidDid, InvalidKeyProof, NotDisclosable, UnsupportedAlgorithm
from did.keys import LocalKey, did_jwk, did_key
from did.keys.public import KeyKind
from did.presentations.holder import key_proof, verification_method_of
from did.presentations.openid4vci_proof import verify_key_proof
from did.securing import sd_jwt
from did.securing.jose import sign_compact
from did.securing.sd_jwt import Disclosure, hash_for

AUDIENCE = "https://issuer.example"


@pytest.mark.parametrize("kind", ["Ed25519", "P-256", "P-384", "secp256k1"])
def test_a_key_proof_names_its_key(kind: KeyKind) -> None:
    key = LocalKey.generate(kind)
    proof = key_proof(key, audience=AUDIENCE, nonce="abc", issued_at=1000, client_id="wallet")
    found = verify_key_proof(proof, audience=AUDIENCE, now=1100)
    assert (found.public, found.nonce, found.client_id) == (key.public, "abc", "wallet")
    assert found.holder_did == did_jwk(key.public)


@pytest.mark.parametrize("suffix", ["", "#fragment"])
def test_a_key_proof_may_name_a_did(suffix: str) -> None:
    key = LocalKey.generate("Ed25519")
    for did in (did_key(key.public), did_jwk(key.public)):
        kid = verification_method_of(did) if suffix else did
        proof = sign_compact({"typ": "openid4vci-proof+jwt", "kid": kid}, {"aud": AUDIENCE, "iat": 1000}, key)
        found = verify_key_proof(proof, audience=AUDIENCE, now=1000)
        assert (found.public, found.nonce, found.holder_did) == (key.public, None, did)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"typ": "JWT"}, {}),
        ({"kid": "did:key:z6Mk"}, {}),
        ({"jwk": None}, {}),
        ({"jwk": None, "kid": "did:web:evil.example#k"}, {}),
        ({"jwk": None, "x5c": ["x"]}, {}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": [AUDIENCE, "https://other.example"]}),
        ({}, {"iat": 600}),
        ({}, {"iat": 1100}),
        ({}, {"iat": "1000"}),
        ({}, {"exp": 900}),
        ({}, {"nonce": 7}),
        ({}, {"iss": []}),
    ],
)
def test_a_faulty_key_proof_is_refused(header: dict[str, Any], body: dict[str, Any]) -> None:
    key = LocalKey.generate("P-256")
    head: dict[str, Any] = {"typ": "openid4vci-proof+jwt", "jwk": key.public.to_jwk()} | header
    head = {name: value for name, value in head.items() if value is not None}
    proof = sign_compact(head, {"aud": AUDIENCE, "iat": 1000, "nonce": "n"} | body, key)
    with pytest.raises(InvalidKeyProof):
        verify_key_proof(proof, audience=AUDIENCE, now=1000)


def test_a_key_proof_by_another_key_or_algorithm_is_refused() -> None:
    key, other = LocalKey.generate("P-256"), LocalKey.generate("P-256")
    header = {"typ": "openid4vci-proof+jwt", "jwk": key.public.to_jwk()}
    forged = sign_compact(header, {"aud": AUDIENCE, "iat": 1000}, other)
    good = sign_compact(header, {"aud": AUDIENCE, "iat": 1000}, key)
    for proof, algorithms in ((forged, ["ES256"]), (good, ["EdDSA"]), ("x.y.z", ["ES256"])):
        with pytest.raises(InvalidKeyProof):
            verify_key_proof(proof, audience=AUDIENCE, now=1000, algs=algorithms)


def test_only_what_is_asked_for_is_disclosed(world: Any) -> None:
    presented = world.sd_jwt_presentation(disclose=[("age_over_18",)])
    claims = world.verify_presented(presented).claims
    assert claims["age_over_18"] is True
    assert claims["level"] == "high"
    assert not {"given_name", "family_name"} & claims.keys()
    with pytest.raises(NotDisclosable):
        world.sd_jwt_presentation(disclose=[("missing",)])


def test_nested_disclosures_bring_what_they_hang_on(world: Any) -> None:
    digest = hash_for("sha-256")
    city, street = Disclosure.create("city", "B"), Disclosure.create("street", "S")
    address = Disclosure.create("address", {"_sd": [digest(city.encoded), digest(street.encoded)]})
    codes = [Disclosure.create(None, code) for code in ("x", "y")]
    payload = {
        "iss": world.issuer_did,
        "vct": "urn:x",
        "cnf": {"jwk": world.phone.public.to_jwk()},
        "_sd": [digest(address.encoded)],
        "codes": [{"...": digest(code.encoded)} for code in codes],
    }
    token = sign_compact({"typ": "dc+sd-jwt", "kid": world.kid}, payload, world.issuer)
    whole = "~".join([token, *(d.encoded for d in (city, street, address, *codes)), ""])

    def disclosed(*paths: Any) -> dict[str, Any]:
        presented = world.sd_jwt_presentation(whole, disclose=list(paths))
        verified = world.verify_presented(presented, require_status=False)
        assert verified.verdict.outcome == "valid"
        return {name: verified.claims.get(name) for name in ("address", "codes")}

    assert disclosed() == {"address": None, "codes": []}
    assert disclosed(("address", "city")) == {"address": {"city": "B"}, "codes": []}
    assert disclosed(("address",)) == {"address": {"city": "B", "street": "S"}, "codes": []}
    assert disclosed(("codes", 1)) == {"address": None, "codes": ["y"]}
    assert disclosed(("codes", None)) == {"address": None, "codes": ["x", "y"]}


def test_salts_are_fresh_and_the_order_of_claims_is_hidden(world: Any) -> None:
    first, second = sd_jwt.parse(world.sd_jwt()), sd_jwt.parse(world.sd_jwt())
    assert not {d.encoded for d in first.disclosures} & {d.encoded for d in second.disclosures}
    assert first.payload["_sd"] == sorted(first.payload["_sd"])
    plain = sd_jwt.parse(world.sd_jwt(disclosable=[]))
    assert plain.disclosures == ()
    assert "_sd" not in plain.payload
    assert "_sd_alg" not in plain.payload


def test_a_data_integrity_presentation_needs_an_ed25519_key(world: Any) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        world.presentation([world.credential()], signer=world.phone, holder_did=world.phone_did)
    with pytest.raises(InvalidDid):
        verification_method_of("did:web:example.com")


def test_a_holder_with_did_jwk_can_present(world: Any) -> None:
    did = did_jwk(world.holder.public)
    credential = world.credential(credentialSubject={"id": did, "givenName": "A"})
    verified = world.verify_presented(world.presentation([credential], holder_did=did))
    assert verified.verdict.outcome == "valid"
    assert (verified.holder, verified.holder_did) == (world.holder.public, did)


def test_a_jcs_credential_travels_in_an_rdfc_presentation(world: Any) -> None:
    verified = world.verify_presented(world.presentation([world.credential("eddsa-jcs-2022")]))
    assert verified.verdict.reasons() == []
    assert verified.verdict.outcome == "valid"
