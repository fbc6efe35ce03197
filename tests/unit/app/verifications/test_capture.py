"""The person's half: consent first, one answer to one challenge, nothing after the submission."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.settings import Settings
from app.verifications.capture import CHALLENGES_PER_ATTEMPT
from app.verifications.errors import (
    CaptureIncomplete,
    ChallengeExpired,
    ChallengeUnknown,
    ChallengeUsed,
    ConsentRequired,
    SessionExpired,
    SessionNotFound,
    SessionState,
    TooManyChallenges,
    UploadTooEarly,
)
from app.verifications.service import CreatedSession, Verifications
from ml.gate import Frame

MakeFrames = Callable[..., tuple[Frame, ...]]


def _ids(created: CreatedSession) -> tuple[str, str]:
    return created.row.id, created.client_secret


def test_nothing_is_taken_without_consent(room: Verifications, make_frames: MakeFrames) -> None:
    ids = _ids(room.create(livemode=False, actor="key:1"))
    with pytest.raises(ConsentRequired):
        room.capture.issue_challenge(*ids)
    with pytest.raises(ConsentRequired):
        room.capture.store_document(*ids, b"picture")
    with pytest.raises(ConsentRequired):
        room.capture.store_selfie(*ids, nonce="n" * 32, frames=make_frames())
    with pytest.raises(ConsentRequired):
        room.capture.submit(*ids)


def test_consent_is_recorded_with_time_and_version(room: Verifications, opened: CreatedSession, clock: Any) -> None:
    row = room.capture.status(*_ids(opened))
    assert (row.consent_at, row.consent_version) == (clock.now, "2026-11")
    clock.move(minutes=5)
    assert room.capture.consent(*_ids(opened), granted=True).consent_at == row.consent_at


def test_withdrawing_consent_drops_the_pictures(
    room: Verifications, opened: CreatedSession, settings: Settings, make_frames: MakeFrames
) -> None:
    room.capture.store_document(*_ids(opened), b"picture")
    challenge, _ = room.capture.issue_challenge(*_ids(opened))
    room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames())
    row = room.capture.consent(*_ids(opened), granted=False)
    assert (row.consent_at, row.document_blob, row.selfie_blob, row.challenge_nonce) == (None, None, None, None)
    assert _files(settings, opened) == []
    with pytest.raises(ConsentRequired):
        room.capture.submit(*_ids(opened))


@pytest.mark.threat(81)
def test_a_foreign_secret_and_an_unknown_id_get_the_same_answer(
    room: Verifications, opened: CreatedSession, live: CreatedSession
) -> None:
    for session_id in (live.row.id, "vs_" + "0" * 32, "vs_\x00", ""):
        with pytest.raises(SessionNotFound, match="no such verification session, or the secret"):
            room.capture.status(session_id, opened.client_secret)


def test_a_new_challenge_replaces_the_one_before(
    room: Verifications, opened: CreatedSession, make_frames: MakeFrames
) -> None:
    first, _ = room.capture.issue_challenge(*_ids(opened))
    second, _ = room.capture.issue_challenge(*_ids(opened))
    with pytest.raises(ChallengeUnknown):
        room.capture.store_selfie(*_ids(opened), nonce=first.nonce, frames=make_frames())
    assert room.capture.store_selfie(*_ids(opened), nonce=second.nonce, frames=make_frames()).selfie_blob


@pytest.mark.threat(73)
def test_challenges_cannot_be_asked_for_until_one_fits(room: Verifications, opened: CreatedSession) -> None:
    for _ in range(CHALLENGES_PER_ATTEMPT * opened.row.max_attempts):
        room.capture.issue_challenge(*_ids(opened))
    with pytest.raises(TooManyChallenges):
        room.capture.issue_challenge(*_ids(opened))


def test_another_sessions_nonce_is_refused(
    room: Verifications, opened: CreatedSession, live: CreatedSession, make_frames: MakeFrames
) -> None:
    room.capture.issue_challenge(*_ids(opened))
    foreign, _ = room.capture.issue_challenge(*_ids(live))
    with pytest.raises(ChallengeUnknown):
        room.capture.store_selfie(*_ids(opened), nonce=foreign.nonce, frames=make_frames())


def test_a_nonce_is_used_once_but_a_lost_answer_can_be_fetched_again(
    room: Verifications, opened: CreatedSession, settings: Settings, make_frames: MakeFrames
) -> None:
    challenge, _ = room.capture.issue_challenge(*_ids(opened))
    first = room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames())
    again = room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames())
    assert again.selfie_blob == first.selfie_blob
    with pytest.raises(ChallengeUsed):
        room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames(salt=b"other"))
    assert _files(settings, opened) == [first.selfie_blob]


@pytest.mark.threat(52)
def test_of_many_answers_at_once_exactly_one_counts(
    room: Verifications, opened: CreatedSession, settings: Settings, make_frames: MakeFrames
) -> None:
    challenge, _ = room.capture.issue_challenge(*_ids(opened))
    outcomes: list[str] = []

    def answer(number: int) -> None:
        try:
            room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames(salt=bytes([number])))
            outcomes.append("stored")
        except ChallengeUsed:
            outcomes.append("used")

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["stored"] + ["used"] * 7
    assert _files(settings, opened) == [room.capture.status(*_ids(opened)).selfie_blob]


def test_a_challenge_expires(room: Verifications, opened: CreatedSession, clock: Any, make_frames: MakeFrames) -> None:
    challenge, expires = room.capture.issue_challenge(*_ids(opened))
    clock.now = expires
    with pytest.raises(ChallengeExpired):
        room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames())


@pytest.mark.threat(66)
def test_live_frames_cannot_arrive_before_they_were_performed(
    room: Verifications, live: CreatedSession, clock: Any, make_frames: MakeFrames
) -> None:
    challenge, _ = room.capture.issue_challenge(*_ids(live))
    clock.move(milliseconds=challenge.duration_ms - 1)
    with pytest.raises(UploadTooEarly):
        room.capture.store_selfie(*_ids(live), nonce=challenge.nonce, frames=make_frames())
    clock.move(seconds=5)
    with pytest.raises(ChallengeUsed):
        room.capture.store_selfie(*_ids(live), nonce=challenge.nonce, frames=make_frames())
    second, _ = room.capture.issue_challenge(*_ids(live))
    clock.move(milliseconds=second.duration_ms)
    assert room.capture.store_selfie(*_ids(live), nonce=second.nonce, frames=make_frames()).selfie_blob


def test_in_test_mode_real_time_does_not_matter(
    room: Verifications, opened: CreatedSession, make_frames: MakeFrames
) -> None:
    challenge, _ = room.capture.issue_challenge(*_ids(opened))
    assert room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames()).selfie_blob


def test_a_new_document_replaces_the_one_before(
    room: Verifications, opened: CreatedSession, settings: Settings
) -> None:
    room.capture.store_document(*_ids(opened), b"first")
    second = room.capture.store_document(*_ids(opened), b"second")
    assert _files(settings, opened) == [second.document_blob]


def test_submitting_needs_everything_and_happens_once(
    room: Verifications, opened: CreatedSession, make_frames: MakeFrames
) -> None:
    room.capture.store_document(*_ids(opened), b"picture")
    with pytest.raises(CaptureIncomplete):
        room.capture.submit(*_ids(opened))
    challenge, _ = room.capture.issue_challenge(*_ids(opened))
    room.capture.store_selfie(*_ids(opened), nonce=challenge.nonce, frames=make_frames())
    assert room.capture.submit(*_ids(opened)).attempts == 1
    assert room.capture.submit(*_ids(opened)).attempts == 1


def test_after_the_submission_nothing_can_be_changed(
    room: Verifications, opened: CreatedSession, submit: Callable[[CreatedSession], None], make_frames: MakeFrames
) -> None:
    submit(opened)
    with pytest.raises(SessionState):
        room.capture.store_document(*_ids(opened), b"another")
    with pytest.raises(SessionState):
        room.capture.issue_challenge(*_ids(opened))
    with pytest.raises(SessionState):
        room.capture.consent(*_ids(opened), granted=False)
    with pytest.raises(SessionState):
        room.cancel(opened.row.id, livemode=False, actor="key:1")


def test_an_expired_session_takes_nothing(
    room: Verifications, opened: CreatedSession, settings: Settings, clock: Any
) -> None:
    clock.now = opened.row.created_at + timedelta(seconds=settings.session_ttl_s)
    with pytest.raises(SessionExpired):
        room.capture.store_document(*_ids(opened), b"picture")
    with pytest.raises(SessionExpired):
        room.capture.submit(*_ids(opened))


def test_a_canceled_session_takes_nothing(room: Verifications, opened: CreatedSession, database: Database) -> None:
    for _ in range(2):
        assert room.cancel(opened.row.id, livemode=False, actor="key:1").status == "canceled"
    with pytest.raises(SessionState):
        room.capture.issue_challenge(*_ids(opened))


def _files(settings: Settings, created: CreatedSession) -> list[str]:
    folder: Path = settings.data_dir / "blobs" / created.row.id
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
