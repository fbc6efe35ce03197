"""Pictures go when they are no longer needed; a forgotten session stays forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.settings import Settings
from app.verifications.errors import ReportNotFound, SessionNotApproved, SessionNotFound, SessionState
from app.verifications.service import CreatedSession, Verifications
from ml.gate import Decision, Reason, Report

Submit = Callable[[CreatedSession], None]
APPROVED = Decision("approved", (), retryable=False)
REVIEW = Decision("in_review", (Reason("face_uncertain", "A person will compare the faces."),), retryable=False)


@pytest.fixture
def settle(
    room: Verifications, submit: Submit, make_report: Callable[..., Report]
) -> Callable[[CreatedSession, Decision], None]:
    def decide(created: CreatedSession, decision: Decision) -> None:
        submit(created)
        lease = room.examination.lease()
        assert lease is not None
        assert room.examination.settle(lease, make_report(), decision)

    return decide


def _files(settings: Settings, created: CreatedSession) -> int:
    folder = settings.data_dir / "blobs" / created.row.id
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_an_abandoned_session_expires_and_its_pictures_go(
    room: Verifications, opened: CreatedSession, settings: Settings, clock: Any
) -> None:
    room.capture.store_document(opened.row.id, opened.client_secret, b"picture")
    assert room.retention.sweep() == 0
    clock.move(seconds=settings.session_ttl_s)
    assert room.retention.sweep() == 2
    row = room.get(opened.row.id, livemode=False)
    assert (row.status, row.capture_key, row.document_blob) == ("expired", None, None)
    assert _files(settings, opened) == 0
    assert room.retention.sweep() == 0


def test_pictures_of_a_decided_session_go_at_its_end_and_the_claims_stay(
    room: Verifications, opened: CreatedSession, settings: Settings, clock: Any, settle: Callable[..., None]
) -> None:
    settle(opened, APPROVED)
    room.retention.sweep()
    assert _files(settings, opened) == 2
    clock.move(seconds=settings.session_ttl_s)
    room.retention.sweep()
    assert _files(settings, opened) == 0
    assert room.get(opened.row.id, livemode=False).capture_key is None
    assert room.approved(opened.row.id, livemode=False).claims["familyName"] == "ERIKSSON"


def test_pictures_under_review_wait_for_the_decision(
    room: Verifications, opened: CreatedSession, settings: Settings, clock: Any, settle: Callable[..., None]
) -> None:
    settle(opened, REVIEW)
    clock.move(seconds=settings.session_ttl_s)
    room.retention.sweep()
    assert _files(settings, opened) == 2
    room.decide(opened.row.id, "declined", reason="not the same person", actor="operator:x")
    room.retention.sweep()
    assert _files(settings, opened) == 0


def test_what_a_crash_left_behind_goes_too(
    room: Verifications, opened: CreatedSession, settings: Settings, clock: Any, blobs: Any
) -> None:
    row = room.get(opened.row.id, livemode=False)
    blobs.write(row.capture_key, row.id, b"written, but never committed")
    assert _files(settings, opened) == 1
    clock.move(seconds=settings.session_ttl_s)
    room.retention.sweep()
    assert _files(settings, opened) == 0


@pytest.mark.threat(86)
def test_an_erased_session_is_forgotten(
    room: Verifications, opened: CreatedSession, settings: Settings, settle: Callable[..., None]
) -> None:
    settle(opened, APPROVED)
    for _ in range(2):
        room.retention.erase(opened.row.id, livemode=False, actor="operator:x")
    row = room.get(opened.row.id, livemode=False)
    assert (row.status, row.capture_key, row.record_key) == ("approved", None, None)
    assert _files(settings, opened) == 0
    with pytest.raises(SessionNotApproved):
        room.approved(opened.row.id, livemode=False)
    with pytest.raises(ReportNotFound):
        room.report(opened.row.id, livemode=False)


def test_erasing_an_open_session_ends_it(room: Verifications, opened: CreatedSession) -> None:
    room.retention.erase(opened.row.id, livemode=False, actor="operator:x")
    assert room.get(opened.row.id, livemode=False).status == "canceled"


def test_a_session_under_examination_or_of_the_other_mode_is_not_erased(
    room: Verifications, opened: CreatedSession, submit: Submit
) -> None:
    submit(opened)
    for dry_run in (True, False):
        with pytest.raises(SessionState):
            room.retention.erase(opened.row.id, livemode=False, actor="operator:x", dry_run=dry_run)
    with pytest.raises(SessionNotFound):
        room.retention.erase(opened.row.id, livemode=True, actor="operator:x")
