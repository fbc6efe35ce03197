"""Deployments for tests of what happens at the same time, or not to the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.credentials.configurations import CONFIGURATIONS
from app.verifications.approved import ApprovedVerification
from app.wiring import Wiring


def _issue(wiring: Wiring) -> str:
    return _issue_many(wiring, 1)[0]


def _issue_many(wiring: Wiring, count: int) -> list[str]:
    person = ApprovedVerification(
        session_id="vs_" + "0" * 32,
        livemode=True,
        approved_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        claims={"familyName": "ERIKSSON", "birthDate": "1974-08-12", "expiryDate": "2034-04-15"},
        evidence={"type": "IdentityCheckEvidence", "testMode": False},
        simulated=False,
    )
    with wiring.database.transaction() as session:
        return [
            wiring.credentials.issue(
                session,
                verification=person,
                configuration=CONFIGURATIONS["person_identity_ldp_jcs"],
                holder=None,
                holder_did=None,
                actor="race",
            ).credential_id
            for _ in range(count)
        ]


@pytest.fixture
def issue_in() -> Callable[[Wiring], str]:
    """Issue and commit one credential in a deployment; returns its id."""
    return _issue


@pytest.fixture
def issue_many() -> Callable[[Wiring, int], list[str]]:
    """Issue many in one transaction; returns their ids."""
    return _issue_many
