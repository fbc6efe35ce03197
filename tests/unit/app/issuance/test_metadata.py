"""The issuer's metadata against what OpenID4VCI 1.0 section 12.2 demands of it."""

from __future__ import annotations

from app.credentials.configurations import CONFIGURATIONS
from app.issuance.metadata import authorization_server_metadata, issuer_metadata
from did.credentials.contexts import CONTEXTS

BASE = "https://id.example/tenant"


def test_every_configuration_is_described_once_and_completely() -> None:
    described = issuer_metadata(BASE, "Assay")["credential_configurations_supported"]
    assert set(described) == set(CONFIGURATIONS)
    for name, entry in described.items():
        configuration = CONFIGURATIONS[name]
        assert entry["format"] == configuration.format
        assert entry["scope"] == name
        claims = entry["credential_metadata"]["claims"]
        prefix = 2 if configuration.format == "ldp_vc" else 1
        assert [len(claim["path"]) for claim in claims] == [prefix] * len(configuration.claims)
        if configuration.format == "ldp_vc":
            assert set(entry["credential_definition"]["@context"]) <= set(CONTEXTS)
            assert entry["credential_signing_alg_values_supported"] == [configuration.suite]


def test_endpoints_are_under_the_issuer_and_the_issuer_is_its_own_authorization_server() -> None:
    issuer, server = issuer_metadata(BASE, "Assay"), authorization_server_metadata(BASE)
    assert issuer["credential_issuer"] == server["issuer"] == BASE
    endpoints = [value for name, value in {**issuer, **server}.items() if name.endswith("_endpoint")]
    assert len(endpoints) == 4
    assert all(endpoint.startswith(f"{BASE}/oid4vci/") for endpoint in endpoints)
