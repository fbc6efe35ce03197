"""SD-JWT vectors: the claims that verification must give, with the issuer's and the holder's signatures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from did.keys import PublicKey
from did.securing import sd_jwt
from did.strict_json import parse_object

Vectors = Callable[[str], Path]
# sd-jwt/settings.yml, issuer_key.
ISSUER = PublicKey.from_jwk(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
        "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
    }
)
CASES = [
    "simple",
    "01",
    "address_only_flat",
    "address_only_recursive",
    "address_only_structured",
    "simple_structured",
]


@pytest.mark.parametrize("name", CASES)
def test_presentation_gives_the_published_claims(vectors: Vectors, name: str) -> None:
    folder = vectors("sd-jwt") / name
    token = sd_jwt.parse((folder / "sd_jwt_presentation.txt").read_text().strip())
    assert token.jws.verified_by(ISSUER)
    assert token.payload == json.loads((folder / "sd_jwt_payload.json").read_text())
    processed = sd_jwt.process(token.payload, token.disclosures)
    assert processed.claims == json.loads((folder / "verified_contents.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_issuance_with_everything_disclosed_gives_the_user_claims(vectors: Vectors, name: str) -> None:
    folder = vectors("sd-jwt") / name
    token = sd_jwt.parse((folder / "sd_jwt_issuance.txt").read_text().strip())
    claims = sd_jwt.process(token.payload, token.disclosures).claims
    user = json.loads((folder / "user_claims.json").read_text())
    assert {name: claims[name] for name in user} == user


@pytest.mark.parametrize("name", ["simple", "01"])
def test_key_binding_holds(vectors: Vectors, name: str) -> None:
    folder = vectors("sd-jwt") / name
    expected = json.loads((folder / "kb_jwt_payload.json").read_text())
    token = sd_jwt.parse((folder / "sd_jwt_presentation.txt").read_text().strip())
    binding = sd_jwt.verify_key_binding(token, now=expected["iat"], max_age_s=60, leeway_s=0)
    assert (binding.nonce, binding.audience) == (expected["nonce"], expected["aud"])
    assert parse_object(json.dumps(expected))["sd_hash"] == expected["sd_hash"]
