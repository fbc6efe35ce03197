"""Lease a submitted session, let the gate examine it, and commit what follows.

The dangers: a crash that loses a session or decides it twice, and a fault that ends in an approval. The gate runs
outside any transaction; report, decision and audit row are one transaction that only the holder of the lease can
commit. Whoever dies holding a lease is followed by the next; after `MAX_LEASES` of them a person has to look, and
nothing is approved.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Update, or_, select, update
from sqlalchemy.orm import Session

from app.identifiers import new_id
from app.verifications.capture import unpack_selfie
from app.verifications.dependencies import Dependencies, find, took_effect
from app.verifications.tables import ReportRow, SessionRow
from ml.gate import Challenge, Decision, Evidence, Gate, Reason, Report, decide

__all__ = ["GATE_ERROR", "LEASE_S", "MAX_LEASES", "Examination", "Lease"]

LEASE_S: Final = 180
"""Seconds without a sign of life after which another worker may take over; twice the gate's own budget."""
RENEW_AFTER_S: Final = 20.0
MAX_LEASES: Final = 5
"""How often an examination may begin without being finished."""
GATE_ERROR: Final = Reason("gate_error", "The check could not be completed; a person will look at it.")

log = structlog.get_logger("assay.verifications")


@dataclass(frozen=True)
class Lease:
    """The right to finish one session's examination, as long as its token is the row's."""

    session_id: str
    token: str
    count: int


class Examination:
    """The worker's verbs."""

    def __init__(self, parts: Dependencies, gate: Callable[[], Gate]) -> None:
        self._parts = parts
        self._gate = gate

    def run_once(self) -> bool:
        """Examine the session that has waited longest; False if none waits."""
        lease = self.lease()
        if lease is None:
            return False
        if lease.count > MAX_LEASES:
            self._give_up(lease)
            return True
        try:
            report, decision = self._examine(lease)
            settled = self.settle(lease, report, decision)
        except Exception as error:  # noqa: BLE001 - whatever failed, the session is tried again and never approved
            log.error("examination_failed", session=lease.session_id, kind=type(error).__name__, lease=lease.count)
            self._release(lease)
            return True
        log.info("examination_done", session=lease.session_id, outcome=decision.outcome, settled=settled)
        return True

    def lease(self) -> Lease | None:
        """Take the submitted session that has waited longest and that nobody works on."""
        now = self._parts.now()
        free = or_(SessionRow.lease_expires_at.is_(None), SessionRow.lease_expires_at <= now)
        with self._parts.database.transaction() as session:
            found = session.execute(
                select(SessionRow.id, SessionRow.leases)
                .where(SessionRow.status == "processing", free)
                .order_by(SessionRow.submitted_at)
                .limit(1)
            ).first()
            if found is None:
                return None
            lease = Lease(found[0], secrets.token_hex(16), found[1] + 1)
            change = (
                update(SessionRow)
                .where(SessionRow.id == lease.session_id, SessionRow.status == "processing", free)
                .values(lease_token=lease.token, lease_expires_at=now + timedelta(seconds=LEASE_S), leases=lease.count)
            )
            return lease if took_effect(session, change) else None

    def recover(self) -> None:
        """When the only worker of an embedded database starts, whoever held a lease is dead: take over at once."""
        with self._parts.database.transaction() as session:
            stale = update(SessionRow).where(SessionRow.status == "processing", SessionRow.lease_token.is_not(None))
            session.execute(
                stale.values(lease_token=None, lease_expires_at=None).execution_options(synchronize_session=False)
            )

    def settle(self, lease: Lease, report: Report, decision: Decision) -> bool:
        """Commit report and decision; False, and nothing committed, if the lease has been lost."""
        now = self._parts.now()
        with self._parts.database.transaction() as session:
            row = find(session, lease.session_id)
            if row is None or row.lease_token != lease.token or row.record_key is None:
                return False
            document = report.to_json(operator=True) | {"decision": decision.to_json(operator=True)}
            session.add(
                ReportRow(
                    id=(report_id := new_id("vr")),
                    session_id=row.id,
                    attempt=row.attempts,
                    created_at=now,
                    decision=decision.to_json(),
                    sealed_report=self._parts.blobs.seal(
                        row.record_key, row.id, report_id, json.dumps(document, allow_nan=False).encode()
                    ),
                )
            )
            superseded = self._apply(session, lease, row, report, decision, now)
        for blob in superseded:
            self._parts.blobs.delete(lease.session_id, blob)
        return True

    def _apply(
        self, session: Session, lease: Lease, row: SessionRow, report: Report, decision: Decision, now: datetime
    ) -> list[str]:
        """Move the session; returns the blobs that the move leaves behind. Raises if the lease is lost."""
        outcome, reasons = decision.outcome, decision.reasons
        if outcome == "approved" and report.fields is None:
            outcome, reasons = "in_review", (GATE_ERROR,)
        again = (
            outcome == "declined" and decision.retryable and row.attempts < row.max_attempts and row.expires_at > now
        )
        values: dict[str, Any] = {"last_error": _public(reasons, retryable=again), "status": outcome, "decided_at": now}
        superseded: list[str] = []
        if again:
            values |= {"status": "requires_input", "decided_at": None, "selfie_blob": None, "selfie_mac": None}
            values |= {"challenge_nonce": None, "challenge_used_at": None}
            superseded += [row.selfie_blob] if row.selfie_blob else []
            if any(check.result != "clear" for check in report.checks if check.check.startswith("document.")):
                values["document_blob"] = None
                superseded += [row.document_blob] if row.document_blob else []
        self._finish(session, lease, values)
        detail = {"outcome": outcome, "reasons": [reason.code for reason in reasons], "attempt": row.attempts}
        self._parts.record(session, "gate", f"verification_session.{values['status']}", row.id, detail)
        return superseded

    def _examine(self, lease: Lease) -> tuple[Report, Decision]:
        evidence = self._evidence(lease.session_id)
        gate = self._gate()
        report = gate.examine(evidence, self._renewal(lease))
        return report, decide(report, gate.policy, livemode=evidence.livemode)

    def _evidence(self, session_id: str) -> Evidence:
        """Open the capture; raises BlobCorrupt or ValueError if it is not whole."""
        with self._parts.database.reading() as session:
            row = find(session, session_id)
        if row is None or not (row.capture_key and row.document_blob and row.selfie_blob and row.submitted_at):
            raise ValueError("the session has no complete capture")
        document = self._parts.blobs.read(row.capture_key, row.id, row.document_blob)
        nonce, frames = unpack_selfie(self._parts.blobs.read(row.capture_key, row.id, row.selfie_blob))
        return Evidence(
            document=document,
            frames=frames,
            challenge=Challenge.from_nonce(nonce),
            today=row.submitted_at.date(),
            livemode=row.livemode,
        )

    def _renewal(self, lease: Lease) -> Callable[[str], None]:
        """What the gate tells of each check: every now and then the lease is made longer."""
        renewed = time.monotonic()

        def renew(_check: str) -> None:
            nonlocal renewed
            if time.monotonic() - renewed < RENEW_AFTER_S:
                return
            with self._parts.database.transaction() as session:
                until = self._parts.now() + timedelta(seconds=LEASE_S)
                took_effect(session, _held(lease).values(lease_expires_at=until))
            renewed = time.monotonic()

        return renew

    def _release(self, lease: Lease) -> None:
        with self._parts.database.transaction() as session:
            took_effect(session, _held(lease).values(lease_token=None, lease_expires_at=None))

    def _give_up(self, lease: Lease) -> None:
        with self._parts.database.transaction() as session:
            now = self._parts.now()
            self._finish(
                session,
                lease,
                {"status": "in_review", "decided_at": now, "last_error": _public((GATE_ERROR,), retryable=False)},
            )
            detail = {"outcome": "in_review", "reasons": [GATE_ERROR.code], "leases": lease.count - 1}
            self._parts.record(session, "gate", "verification_session.in_review", lease.session_id, detail)

    def _finish(self, session: Session, lease: Lease, values: dict[str, Any]) -> None:
        change = _held(lease).values(lease_token=None, lease_expires_at=None, leases=0, **values)
        if not took_effect(session, change):
            raise RuntimeError("the lease has been lost")


def _held(lease: Lease) -> Update:
    return update(SessionRow).where(
        SessionRow.id == lease.session_id, SessionRow.status == "processing", SessionRow.lease_token == lease.token
    )


def _public(reasons: tuple[Reason, ...], *, retryable: bool) -> dict[str, Any] | None:
    if not reasons:
        return None
    return {"code": reasons[0].code, "reason": reasons[0].public, "retryable": retryable}
