"""A real issuer, a real holder and their credentials, for attacks to start from; only the status answer is set by
hand.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from did.credentials.contexts import ASSAY_CONTEXT, VC2_CONTEXT
from did.keys import LocalKey, did_jwk, did_key
from did.methods import JwkMethod, KeyMethod
from did.presentations.holder import present_ldp, present_sd_jwt, verification_method_of
from did.resolver import Resolver
from did.securing import sd_jwt
from did.securing.data_integrity import add_proof
from did.status import RegistryStatusEntry, StatusAnswer
from did.verify import Policy, Verified, Verifier

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
REGISTRY = "0x" + "ab" * 20
LIST = "0x" + "cd" * 32


@dataclass
class SettableStatus:
    """A status source whose answer a test sets; it counts how often it was asked."""

    answer: StatusAnswer | Exception = field(default_factory=lambda: StatusAnswer(0, 0, 1, 7))
    asked: list[RegistryStatusEntry] = field(default_factory=list)

    def status(self, entry: RegistryStatusEntry) -> StatusAnswer:
        self.asked.append(entry)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class World:
    """Issuer, holder, verifier."""

    now = NOW
    audience = "https://verifier.example"
    nonce = "n-0S6_WzA2Mj"

    def __init__(self) -> None:
        self.issuer = LocalKey.from_private_bytes("Ed25519", b"\x01" * 32)
        self.holder = LocalKey.from_private_bytes("Ed25519", b"\x02" * 32)
        self.other = LocalKey.from_private_bytes("Ed25519", b"\x03" * 32)
        self.phone = LocalKey.from_private_bytes("P-256", b"\x04" * 32)
        self.issuer_did = did_key(self.issuer.public)
        self.holder_did = did_key(self.holder.public)
        self.other_did = did_key(self.other.public)
        self.phone_did = did_jwk(self.phone.public)
        self.kid = verification_method_of(self.issuer_did)
        self.source = SettableStatus()
        self.resolver = Resolver([KeyMethod(), JwkMethod()])
        self.verifier = Verifier(self.resolver, self.source)

    def unsigned(self, **changes: Any) -> dict[str, Any]:
        document = {
            "@context": [VC2_CONTEXT, ASSAY_CONTEXT],
            "id": "urn:uuid:7a4c2b1e-0000-4000-8000-000000000001",
            "type": ["VerifiableCredential", "PersonIdentityCredential"],
            "issuer": self.issuer_did,
            "validFrom": "2026-01-01T00:00:00Z",
            "validUntil": "2027-01-01T00:00:00Z",
            "credentialSubject": {
                "id": self.holder_did,
                "type": "PersonIdentity",
                "givenName": "ANNA MARIA",
                "familyName": "ERIKSSON",
                "birthDate": "1974-08-12",
                "ageOver18": True,
                "nationality": "UTO",
            },
            "evidence": [
                {
                    "type": ["IdentityCheckEvidence"],
                    "verifiedAt": "2026-01-01T00:00:00Z",
                    "testMode": False,
                    "checks": [{"check": "face_match", "result": "clear"}],
                    "models": [{"name": "face", "version": "1", "sha256": "00ff"}],
                }
            ],
            "credentialStatus": [
                {
                    "type": "EvmStatusRegistryEntry",
                    "chain": "eip155:1337",
                    "registry": REGISTRY,
                    "statusList": LIST,
                    "statusListIndex": "94567",
                }
            ],
        }
        return copy.deepcopy(document) | changes

    def sign(self, document: dict[str, Any], suite: str = "eddsa-rdfc-2022", **changes: Any) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "suite": suite,
            "signer": self.issuer,
            "verification_method": self.kid,
            "purpose": "assertionMethod",
            "created": NOW,
        }
        return add_proof(document, **(settings | changes))

    def credential(self, suite: str = "eddsa-rdfc-2022", **changes: Any) -> dict[str, Any]:
        return self.sign(self.unsigned(**changes), suite)

    def presentation(self, credentials: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "signer": self.holder,
            "holder_did": self.holder_did,
            "audience": self.audience,
            "nonce": self.nonce,
            "created": NOW,
        }
        return present_ldp(credentials, **(settings | changes))

    def sd_jwt(self, claims: dict[str, Any] | None = None, **changes: Any) -> str:
        claims = claims or {"given_name": "ANNA", "family_name": "ERIKSSON", "age_over_18": True, "level": "high"}
        settings: dict[str, Any] = {
            "disclosable": [name for name in claims if name not in ("level", "test_mode")],
            "signer": self.issuer,
            "kid": self.kid,
            "vct": "urn:assay:person-identity:1",
            "issuer": self.issuer_did,
            "holder": self.phone.public,
            "issued_at": int(NOW.timestamp()) - 3600,
            "expires_at": int(NOW.timestamp()) + 86_400,
            "status": {
                "evm_registry": {"chain": "eip155:1337", "registry": REGISTRY, "list": LIST, "idx": 94_567},
            },
        }
        return sd_jwt.issue(claims, **(settings | changes))

    def sd_jwt_presentation(self, token: str | None = None, **changes: Any) -> str:
        settings: dict[str, Any] = {
            "disclose": [("age_over_18",)],
            "signer": self.phone,
            "audience": self.audience,
            "nonce": self.nonce,
            "issued_at": int(NOW.timestamp()),
        }
        return present_sd_jwt(token or self.sd_jwt(), **(settings | changes))

    def verify(self, thing: Any, **policy: Any) -> Verified:
        return self.verifier.verify(thing, Policy(NOW, **policy))

    def verify_presented(self, thing: Any, **policy: Any) -> Verified:
        demands: dict[str, Any] = {"audience": self.audience, "nonce": self.nonce, "require_holder_binding": True}
        return self.verify(thing, **(demands | policy))


@pytest.fixture
def world() -> World:
    return World()
