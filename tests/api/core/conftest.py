"""The HTTP service over a deployment of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.bootstrap.first_keys import create_first_keys
from app.credentials.configurations import CONFIGURATIONS
from app.credentials.states import IssuedCredential
from app.main import create_app
from app.settings import Settings
from app.verifications.approved import ApprovedVerification
from app.wiring import Wiring, build
from did.keys import LocalKey, did_key


@dataclass(frozen=True)
class Service:
    """A client without a key, the wired rooms, and the headers of both keys."""

    client: TestClient
    wiring: Wiring
    live: dict[str, str]
    test: dict[str, str]


def _person(*, livemode: bool) -> ApprovedVerification:
    return ApprovedVerification(
        session_id="vs_" + "0" * 32,
        livemode=livemode,
        approved_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        claims={"familyName": "ERIKSSON", "birthDate": "1974-08-12", "expiryDate": "2034-04-15"},
        evidence={"type": "IdentityCheckEvidence", "testMode": not livemode},
        simulated=False,
    )


def _issue(wiring: Wiring, *, livemode: bool = True, configuration: str = "person_identity_ldp") -> IssuedCredential:
    holder = LocalKey.generate("Ed25519").public
    with wiring.database.transaction() as session:
        return wiring.credentials.issue(
            session,
            verification=_person(livemode=livemode),
            configuration=CONFIGURATIONS[configuration],
            holder=holder,
            holder_did=did_key(holder),
            actor="test",
        )


@pytest.fixture
def issue_in() -> Callable[..., IssuedCredential]:
    """Issue and commit one credential in a deployment."""
    return _issue


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("service")
    with build(Settings(data_dir=folder / "data")) as wiring:
        keys = create_first_keys(wiring.database, wiring.access)
        assert keys is not None
        client = TestClient(create_app(wiring), raise_server_exceptions=False)
        yield Service(
            client, wiring, {"Authorization": f"Bearer {keys.live}"}, {"Authorization": f"Bearer {keys.test}"}
        )
