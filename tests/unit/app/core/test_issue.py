"""Issuing: three formats, one transaction, nothing kept that could be read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.credentials.configurations import CONFIGURATIONS
from app.credentials.documents import DocumentExpired
from app.credentials.lists import StatusListFull
from app.credentials.service import HolderRequired
from app.credentials.states import CredentialNotFound, IssuedCredential
from app.credentials.tables import CredentialRow, StatusListRow
from app.settings import Settings
from app.verifications.approved import ApprovedVerification
from app.wiring import Wiring
from did.credentials.contexts import CONTEXTS
from did.keys import LocalKey, did_key
from did.verify import Verified

Issue = Callable[..., IssuedCredential]
Verify = Callable[..., Verified]
Approve = Callable[..., ApprovedVerification]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_issued_credential_verifies(issue: Issue, verify: Verify, wiring: Wiring, configuration: str) -> None:
    issued = issue(configuration)
    found = verify(issued.credential)
    assert found.verdict.outcome == "valid", found.verdict.reasons()
    assert found.issuer == wiring.issuers.did("ethr")
    assert found.format == issued.format == CONFIGURATIONS[configuration].format
    passed = {check.name for check in found.verdict.checks if check.result == "passed"}
    assert {"signature", "issuer_binding", "validity_period", "status", "test_mode"} <= passed


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_test_mode_never_comes_off(issue: Issue, verify: Verify, configuration: str) -> None:
    issued = issue(configuration, livemode=False)
    assert verify(issued.credential).verdict.reasons() == ["test_mode_credential"]
    assert verify(issued.credential, accept_test_mode=True).verdict.outcome == "valid"


def test_every_claim_has_a_term_in_the_pinned_context() -> None:
    terms = CONTEXTS["https://assay.example/contexts/identity/v1"]["@context"]
    for configuration in CONFIGURATIONS.values():
        assert {claim.name for claim in configuration.claims} <= set(terms)


@pytest.mark.parametrize("change", ["claim", "status index", "status entry removed", "evidence"])
@pytest.mark.parametrize("configuration", ["person_identity_ldp", "person_identity_ldp_jcs"])
def test_altered_credential_is_invalid(issue: Issue, verify: Verify, configuration: str, change: str) -> None:
    credential = copy.deepcopy(issue(configuration).credential)
    assert isinstance(credential, dict)
    document: dict = credential  # type: ignore[type-arg]
    if change == "claim":
        document["credentialSubject"]["familyName"] = "OTHER"
    elif change == "status index":
        index = int(document["credentialStatus"][0]["statusListIndex"])
        document["credentialStatus"][0]["statusListIndex"] = str((index + 1) % 131_072)
    elif change == "status entry removed":
        del document["credentialStatus"][0]
    else:
        document["evidence"][0]["checks"] = []
    assert verify(document).verdict.outcome == "invalid"


def test_claims_are_withheld_one_by_one_but_never_evidence_or_status(issue: Issue, verify: Verify) -> None:
    token = issue("person_identity_sd_jwt").credential
    assert isinstance(token, str)
    bare = token.split("~")[0] + "~"
    found = verify(bare)
    assert found.verdict.outcome == "valid"
    assert "familyName" not in found.claims
    assert {"evidence", "status"} <= set(found.claims)


def test_no_claim_is_stored_anywhere(issue: Issue, wiring: Wiring, settings: Settings) -> None:
    for configuration in CONFIGURATIONS:
        issue(configuration, familyName="QUETZALCOATLUS", documentNumber="ZZ-90125-77")
    wiring.close()
    for path in settings.data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"QUETZALCOATLUS" not in content, path
        assert b"ZZ-90125-77" not in content, path


def test_credential_ends_with_the_document_it_rests_on(issue: Issue, wiring: Wiring) -> None:
    soon = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    view = wiring.credentials.get(issue(expiryDate=soon).credential_id, livemode=None)
    assert view.valid_until.date().isoformat() == soon
    later = wiring.credentials.get(issue(expiryDate="2099-01-01").credential_id, livemode=None)
    assert later.valid_until - later.valid_from == timedelta(days=365)


def test_expired_document_gives_no_credential_and_takes_no_place(issue: Issue, wiring: Wiring) -> None:
    with pytest.raises(DocumentExpired):
        issue(expiryDate="2020-01-01")
    with wiring.database.reading() as session:
        assert session.scalar(select(StatusListRow.allocated)) == 0
        assert session.scalar(select(CredentialRow.id)) is None


def test_sd_jwt_needs_the_holders_key(wiring: Wiring, approve: Approve) -> None:
    with pytest.raises(HolderRequired), wiring.database.transaction() as session:
        wiring.credentials.issue(
            session,
            verification=approve(),
            configuration=CONFIGURATIONS["person_identity_sd_jwt"],
            holder=None,
            holder_did=None,
            actor="test",
        )


def test_rolled_back_issue_leaves_nothing(wiring: Wiring, approve: Approve, holder: LocalKey) -> None:
    def issue_and_fail() -> None:
        with wiring.database.transaction() as session:
            wiring.credentials.issue(
                session,
                verification=approve(),
                configuration=CONFIGURATIONS["person_identity_ldp"],
                holder=holder.public,
                holder_did=did_key(holder.public),
                actor="test",
            )
            raise RuntimeError("the caller changed its mind")

    with pytest.raises(RuntimeError):
        issue_and_fail()
    assert wiring.credentials.list(livemode=None) == ([], False)
    with wiring.database.reading() as session:
        assert session.scalar(select(StatusListRow.allocated)) == 0


def test_places_are_unique_and_not_in_sequence(issue: Issue, wiring: Wiring) -> None:
    for _ in range(40):
        issue("person_identity_ldp_jcs")
    views, _ = wiring.credentials.list(livemode=None, limit=100)
    indices = [view.list_index for view in views]
    assert len(set(indices)) == 40
    assert max(indices) - min(indices) > 40_000
    assert indices != sorted(indices)


def test_a_crowded_list_still_gives_a_free_place(wiring: Wiring, monkeypatch: pytest.MonkeyPatch, issue: Issue) -> None:
    draws = iter([7, 7, 7, 9])
    monkeypatch.setattr("app.credentials.lists.secrets.randbelow", lambda _: next(draws))
    assert wiring.credentials.get(issue().credential_id, livemode=None).list_index == 7
    assert wiring.credentials.get(issue().credential_id, livemode=None).list_index == 9


def test_half_full_list_gets_a_successor_and_a_full_one_is_left(wiring: Wiring, issue: Issue) -> None:
    first = wiring.credentials.get(issue().credential_id, livemode=None).list_id
    with wiring.database.transaction() as session:
        session.query(StatusListRow).update({"allocated": 131_072})
    with pytest.raises(StatusListFull):
        issue()
    wiring.status_lists.ensure_current()
    wiring.flush()
    second = wiring.credentials.get(issue().credential_id, livemode=None).list_id
    assert second != first


def test_list_pages_without_gap_or_repetition(issue: Issue, wiring: Wiring) -> None:
    made = {issue("person_identity_ldp_jcs").credential_id for _ in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        views, more = wiring.credentials.list(livemode=True, limit=2, cursor=cursor)
        seen += [view.id for view in views]
        cursor = seen[-1]
        if not more:
            break
    assert len(seen) == 5
    assert set(seen) == made


def test_other_mode_does_not_exist(issue: Issue, wiring: Wiring) -> None:
    issued = issue(livemode=False)
    assert wiring.credentials.list(livemode=True) == ([], False)
    with pytest.raises(CredentialNotFound):
        wiring.credentials.get(issued.credential_id, livemode=True)
    with pytest.raises(CredentialNotFound):
        wiring.credentials.revoke(issued.credential_id, reason="fraud", actor="test", livemode=True)


def test_issuer_method_web_signs_as_did_web(settings: Settings, approve: Approve, holder: LocalKey) -> None:
    from app.wiring import build
    from did.verify import Policy

    with build(settings.model_copy(update={"issuer_method": "web"})) as wired:
        with wired.database.transaction() as session:
            issued = wired.credentials.issue(
                session,
                verification=approve(),
                configuration=CONFIGURATIONS["person_identity_ldp"],
                holder=None,
                holder_did=None,
                actor="test",
            )
        found = wired.verifier.verify(issued.credential, Policy(now=datetime.now(UTC)))
        assert found.issuer == wired.issuers.did("web")
        assert found.verdict.outcome == "valid"


def test_database_keeps_the_digest_of_what_was_issued(issue: Issue, wiring: Wiring, tmp_path: Path) -> None:
    import hashlib

    import rfc8785

    issued = issue()
    with wiring.database.reading() as session:
        stored = session.scalar(select(CredentialRow.sha256))
    assert stored == hashlib.sha256(rfc8785.dumps(json.loads(json.dumps(issued.credential)))).hexdigest()
