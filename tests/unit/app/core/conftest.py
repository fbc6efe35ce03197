"""A whole deployment per test: real keys, database, chain and contracts in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.credentials.configurations import CONFIGURATIONS
from app.credentials.states import IssuedCredential
from app.settings import Settings
from app.verifications.approved import ApprovedVerification
from app.wiring import Wiring, build
from did.keys import LocalKey, did_key
from did.verify import Policy, Verified

Issue = Callable[..., IssuedCredential]

CLAIMS = {
    "givenName": "ANNA MARIA",
    "familyName": "ERIKSSON",
    "birthDate": "1974-08-12",
    "ageOver18": True,
    "nationality": "UTO",
    "documentNumber": "L898902C36",
    "documentType": "P",
    "issuingState": "UTO",
    "expiryDate": "2034-04-15",
    "sex": "F",
}
EVIDENCE = {
    "type": "IdentityCheckEvidence",
    "verifiedAt": "2026-11-25T12:00:00Z",
    "assuranceLevel": "document-and-selfie",
    "simulatedCapture": False,
    "policyDigest": "sha256:" + "ab" * 32,
    "checks": [{"check": "document.mrz", "result": "clear"}, {"check": "face_match", "result": "clear"}],
    "models": [{"name": "dlib-face", "version": "1", "sha256": "cd" * 32}],
}


def approved_person(*, livemode: bool = True, **claims: object) -> ApprovedVerification:
    return ApprovedVerification(
        session_id="vs_" + "0" * 32,
        livemode=livemode,
        approved_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        claims={**CLAIMS, **claims},
        evidence={**EVIDENCE, "testMode": not livemode},
        simulated=False,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def wiring(settings: Settings) -> Iterator[Wiring]:
    with build(settings) as wired:
        yield wired


@pytest.fixture
def approve() -> Callable[..., ApprovedVerification]:
    return approved_person


@pytest.fixture
def holder() -> LocalKey:
    return LocalKey.generate("P-256")


@pytest.fixture
def issue(wiring: Wiring, holder: LocalKey) -> Issue:
    """Issue and commit one credential."""

    def make(
        configuration: str = "person_identity_ldp", *, livemode: bool = True, **claims: object
    ) -> IssuedCredential:
        with wiring.database.transaction() as session:
            return wiring.credentials.issue(
                session,
                verification=approved_person(livemode=livemode, **claims),
                configuration=CONFIGURATIONS[configuration],
                holder=holder.public,
                holder_did=did_key(holder.public),
                actor="test",
            )

    return make


@pytest.fixture
def verify(wiring: Wiring) -> Callable[..., Verified]:
    def check(credential: dict[str, object] | str, **policy: object) -> Verified:
        return wiring.verifier.verify(credential, Policy(now=datetime.now(UTC), **policy))  # type: ignore[arg-type]

    return check
