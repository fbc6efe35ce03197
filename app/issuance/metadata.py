"""What wallets read first: the issuer's and the authorization server's metadata (OpenID4VCI 12.2, RFC 8414).

The issuer is its own authorization server and lists no other (several lists with different token endpoints stop some
wallets), the pre-authorized code needs no client, batch issuance and encryption are left out, and no member is null.
"""

from __future__ import annotations

from typing import Any

from app.credentials.configurations import CONFIGURATIONS, CredentialConfiguration
from app.issuance.requests import PRE_AUTHORIZED_GRANT
from did.credentials.contexts import ASSAY_CONTEXT, VC2_CONTEXT

__all__ = ["authorization_server_metadata", "issuer_metadata"]


def issuer_metadata(base_url: str, service_name: str) -> dict[str, Any]:
    """The credential issuer metadata; `credential_issuer` is compared byte for byte by wallets."""
    return {
        "credential_issuer": base_url,
        "credential_endpoint": f"{base_url}/oid4vci/credential",
        "nonce_endpoint": f"{base_url}/oid4vci/nonce",
        "notification_endpoint": f"{base_url}/oid4vci/notification",
        "display": [{"name": service_name, "locale": "en"}],
        "credential_configurations_supported": {name: _configuration(c) for name, c in CONFIGURATIONS.items()},
    }


def authorization_server_metadata(base_url: str) -> dict[str, Any]:
    """The authorization server metadata; anonymous access defaults to false, so it is said."""
    return {
        "issuer": base_url,
        "token_endpoint": f"{base_url}/oid4vci/token",
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": [PRE_AUTHORIZED_GRANT],
        "response_types_supported": [],
        "pre-authorized_grant_anonymous_access_supported": True,
        "authorization_details_types_supported": ["openid_credential"],
    }


def _configuration(configuration: CredentialConfiguration) -> dict[str, Any]:
    linked_data = configuration.format == "ldp_vc"
    bindings = ["did:key", "did:jwk"] if linked_data else ["jwk", "did:key", "did:jwk"]
    body: dict[str, Any] = {
        "format": configuration.format,
        "scope": configuration.id,
        "cryptographic_binding_methods_supported": bindings,
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": list(configuration.key_kinds)}},
        "credential_metadata": {
            "display": [{"name": configuration.display_name, "locale": "en"}],
            "claims": [
                {
                    "path": ["credentialSubject", claim.name] if linked_data else [claim.name],
                    "display": [{"name": claim.display, "locale": "en"}],
                }
                for claim in configuration.claims
            ],
        },
    }
    if linked_data:
        body["credential_definition"] = {"@context": [VC2_CONTEXT, ASSAY_CONTEXT], "type": list(configuration.types)}
        body["credential_signing_alg_values_supported"] = [configuration.suite]
    else:
        body["vct"] = configuration.vct
    return body
