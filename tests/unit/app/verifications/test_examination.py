"""The worker's half: one lease, one commit, and no fault that ends in an approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.service import Audit
from app.audit.tables import AuditRow
from app.database import Database
from app.settings import Settings
from app.verifications.errors import ReportNotFound, ReviewImpossible, SessionNotApproved, SessionNotFound, SessionState
from app.verifications.examination import LEASE_S, MAX_LEASES, Lease
from app.verifications.schemas import requirements
from app.verifications.service import CreatedSession, Verifications
from app.verifications.tables import ReportRow, SessionRow
from ml.gate import Decision, Reason, Report

Submit = Callable[[CreatedSession], None]
MakeReport = Callable[..., Report]
APPROVED = Decision("approved", (), retryable=False)
REVIEW = Decision("in_review", (Reason("face_uncertain", "A person will compare the faces."),), retryable=False)
RETRY = Decision(
    "declined", (Reason("wrong_movements", "Follow the movements.", "asked left", retryable=True),), retryable=True
)
FINAL = Decision("declined", (Reason("document_expired", "The document has expired."),), retryable=False)


@pytest.mark.threat(71)
def test_a_gate_that_always_fails_ends_in_review_and_never_approves(
    room: Verifications, opened: CreatedSession, submit: Submit
) -> None:
    submit(opened)
    for _ in range(MAX_LEASES):
        assert room.examination.run_once()
        assert room.get(opened.row.id, livemode=False).status == "processing"
    assert room.examination.run_once()
    row = room.get(opened.row.id, livemode=False)
    assert (row.status, row.last_error["code"] if row.last_error else None) == ("in_review", "gate_error")
    assert not room.examination.run_once()
    with pytest.raises(SessionNotApproved):
        room.approved(opened.row.id, livemode=False)
    with pytest.raises(ReportNotFound):
        room.report(opened.row.id, livemode=False)
    with pytest.raises(ReviewImpossible):
        room.decide(opened.row.id, "approved", reason="looks fine", actor="operator:x")


def test_a_capture_that_cannot_be_opened_is_not_approved(
    room: Verifications, opened: CreatedSession, submit: Submit, settings: Settings
) -> None:
    submit(opened)
    for file in (settings.data_dir / "blobs" / opened.row.id).iterdir():
        file.write_bytes(file.read_bytes()[::-1])
    for _ in range(MAX_LEASES + 1):
        room.examination.run_once()
    assert room.get(opened.row.id, livemode=False).status == "in_review"


def test_only_one_worker_holds_a_session(room: Verifications, opened: CreatedSession, submit: Submit) -> None:
    submit(opened)
    lease = room.examination.lease()
    assert lease is not None
    assert room.examination.lease() is None


@pytest.mark.threat(59)
def test_a_session_of_a_dead_worker_is_taken_over_and_the_dead_one_cannot_decide(
    room: Verifications, opened: CreatedSession, submit: Submit, clock: Any, make_report: MakeReport
) -> None:
    submit(opened)
    first = _leased(room)
    clock.move(seconds=LEASE_S)
    second = _leased(room)
    assert second.count == 2
    assert not room.examination.settle(first, make_report(), APPROVED)
    assert room.get(opened.row.id, livemode=False).status == "processing"
    assert room.examination.settle(second, make_report(), FINAL)
    assert not room.examination.settle(second, make_report(), APPROVED)
    assert room.get(opened.row.id, livemode=False).status == "declined"
    with pytest.raises(SessionNotApproved):
        room.approved(opened.row.id, livemode=False)


def test_after_a_restart_the_only_worker_takes_over_at_once(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport
) -> None:
    submit(opened)
    lost = _leased(room)
    room.examination.recover()
    assert _leased(room).count == 2
    assert not room.examination.settle(lost, make_report(), APPROVED)


def test_those_who_wait_longest_come_first(
    room: Verifications, opened: CreatedSession, submit: Submit, clock: Any
) -> None:
    later = room.create(livemode=False, actor="key:1")
    room.capture.consent(later.row.id, later.client_secret, granted=True)
    submit(later)
    clock.move(seconds=-1)
    submit(opened)
    assert [_leased(room).session_id for _ in range(2)] == [opened.row.id, later.row.id]


def test_an_approval_is_recorded_whole(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport, database: Database, clock: Any
) -> None:
    submit(opened)
    assert room.examination.settle(_leased(room), make_report(liveness__injection="consider"), APPROVED)
    approved = room.approved(opened.row.id, livemode=False)
    assert approved.claims["familyName"] == "ERIKSSON"
    assert approved.approved_at == clock.now
    assert {"check": "liveness.injection", "result": "consider"} in approved.evidence["checks"]
    with database.reading() as session:
        actions = list(session.scalars(select(AuditRow.action).order_by(AuditRow.sequence)))
        assert Audit(clock).verify(session) is None
    assert actions == [
        "verification_session.created",
        "consent.granted",
        "document.captured",
        "challenge.issued",
        "selfie.captured",
        "verification_session.submitted",
        "verification_session.approved",
    ]


def test_the_other_mode_sees_nothing_of_it(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(), APPROVED)
    with pytest.raises(SessionNotFound, match="no such verification session"):
        room.approved(opened.row.id, livemode=True)


def test_an_approval_without_a_document_read_goes_to_review(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(fields=None), APPROVED)
    assert room.get(opened.row.id, livemode=False).status == "in_review"
    with pytest.raises(ReviewImpossible):
        room.decide(opened.row.id, "approved", reason="looks fine", actor="operator:x")


def test_a_curable_refusal_gives_another_attempt_and_keeps_a_good_document(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(liveness__active="consider"), RETRY)
    row = room.get(opened.row.id, livemode=False)
    assert (row.status, requirements(row), row.decided_at) == ("requires_input", ["selfie"], None)
    assert row.last_error == {"code": "wrong_movements", "reason": "Follow the movements.", "retryable": True}


def test_a_doubtful_document_has_to_be_photographed_again(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport, settings: Settings
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(document__mrz="unidentified"), RETRY)
    assert requirements(room.get(opened.row.id, livemode=False)) == ["document", "selfie"]
    assert list((settings.data_dir / "blobs" / opened.row.id).iterdir()) == []


@pytest.mark.threat(73)
def test_attempts_are_counted_and_end(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport
) -> None:
    for attempt in range(1, opened.row.max_attempts + 1):
        submit(opened)
        room.examination.settle(_leased(room), make_report(liveness__active="consider"), RETRY)
        row = room.get(opened.row.id, livemode=False)
        assert row.attempts == attempt
        assert row.status == ("declined" if attempt == opened.row.max_attempts else "requires_input")
    assert row.last_error is not None
    assert row.last_error["retryable"] is False
    with pytest.raises(SessionState):
        room.capture.issue_challenge(opened.row.id, opened.client_secret)


def test_a_final_refusal_is_final_at_once(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(), FINAL)
    assert room.get(opened.row.id, livemode=False).status == "declined"


def test_a_persons_decision_is_theirs_and_made_once(
    room: Verifications, opened: CreatedSession, submit: Submit, make_report: MakeReport, database: Database
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(face_match="consider"), REVIEW)
    dry = room.decide(opened.row.id, "approved", reason="same person", actor="operator:ines", dry_run=True)
    assert dry.status == "in_review"
    assert room.get(opened.row.id, livemode=False).status == "in_review"
    room.decide(opened.row.id, "approved", reason="same person", actor="operator:ines")
    approved = room.approved(opened.row.id, livemode=False)
    assert approved.evidence["assuranceLevel"] == "active-liveness-only+human-review"
    assert room.report(opened.row.id, livemode=False).row.review is not None
    with pytest.raises(SessionState):
        room.decide(opened.row.id, "declined", reason="changed my mind", actor="operator:ines")
    with database.reading() as session:
        last = session.scalars(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1)).one()
    assert (last.actor, last.action) == ("operator:ines", "verification_session.approved")


@pytest.mark.parametrize(
    "report",
    [
        {"simulated": True},
        {"simulated": False, "liveness__injection": "error"},
        {"simulated": False, "liveness__injection": "unidentified"},
    ],
)
def test_nobody_approves_what_is_or_may_be_a_simulated_capture_in_live_mode(
    room: Verifications,
    live: CreatedSession,
    clock: Any,
    make_report: MakeReport,
    make_frames: Callable[..., Any],
    report: dict[str, Any],
) -> None:
    ids = (live.row.id, live.client_secret)
    room.capture.store_document(*ids, b"picture")
    challenge, _ = room.capture.issue_challenge(*ids)
    clock.move(milliseconds=challenge.duration_ms)
    room.capture.store_selfie(*ids, nonce=challenge.nonce, frames=make_frames())
    room.capture.submit(*ids)
    room.examination.settle(_leased(room), make_report(**report), REVIEW)
    with pytest.raises(ReviewImpossible):
        room.decide(live.row.id, "approved", reason="looks fine", actor="operator:x")


@pytest.mark.threat(89)
def test_the_database_holds_no_personal_data_in_the_clear(
    room: Verifications,
    opened: CreatedSession,
    submit: Submit,
    make_report: MakeReport,
    settings: Settings,
    database: Database,
) -> None:
    submit(opened)
    room.examination.settle(_leased(room), make_report(), APPROVED)
    with database.reading() as session:
        assert session.scalars(select(ReportRow)).one().sealed_report
        assert session.scalars(select(SessionRow)).one().record_key
    stored = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert opened.row.id.encode() in stored
    for canary in (b"ERIKSSON", b"L898902C3", b"1974-08-12", opened.client_secret.encode()):
        assert canary not in stored


def _leased(room: Verifications) -> Lease:
    lease = room.examination.lease()
    assert lease is not None
    return lease
