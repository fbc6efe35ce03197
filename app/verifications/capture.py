"""What the person in front of the camera may do with the client secret: consent, challenge, document, selfie, submit.

The dangers: pictures without consent, a recording that answers somebody else's or an old challenge, and a challenge
asked for again and again until one fits a recording. Everything is validated first; then one guarded UPDATE consumes
the nonce together with the frames, which are already on the disk.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import cbor2
from sqlalchemy import Update, update
from sqlalchemy.orm import Session

from app.verifications.dependencies import Dependencies, authenticated, took_effect
from app.verifications.errors import (
    CaptureIncomplete,
    ChallengeExpired,
    ChallengeUnknown,
    ChallengeUsed,
    ConsentRequired,
    SessionExpired,
    SessionState,
    TooManyChallenges,
    UploadTooEarly,
)
from app.verifications.tables import SessionRow
from ml.gate import Challenge, Frame

__all__ = ["CHALLENGES_PER_ATTEMPT", "CONSENT_VERSION", "Capture", "pack_selfie", "unpack_selfie"]

CONSENT_VERSION: Final = "2026-11"
"""Version of the text on the capture page that consent is given to."""
CHALLENGES_PER_ATTEMPT: Final = 3
"""Nine challenges in a session of three attempts: a recording of one of 288 sequences fits with three per cent."""


class Capture:
    """The verbs of the person; each authenticates with the client secret and raises SessionNotFound for a wrong one."""

    def __init__(self, parts: Dependencies) -> None:
        self._parts = parts

    def status(self, session_id: str, client_secret: str) -> SessionRow:
        """The session, for its page."""
        with self._parts.database.reading() as session:
            return authenticated(session, session_id, client_secret)

    def consent(self, session_id: str, client_secret: str, *, granted: bool) -> SessionRow:
        """Record consent to biometric processing, or its withdrawal, which drops the pictures taken so far."""
        row = self._open_session(session_id, client_secret)
        if granted and row.consent_at is not None:
            return row
        dropped = [] if granted else [blob for blob in (row.document_blob, row.selfie_blob) if blob]
        now = self._parts.now()
        with self._parts.database.transaction() as session:
            change = _open_row(session_id, now).values(
                consent_at=now if granted else None, consent_version=CONSENT_VERSION if granted else None
            )
            if not granted:
                change = change.values(document_blob=None, selfie_blob=None, selfie_mac=None, challenge_nonce=None)
            self._require(took_effect(session, change), session, session_id, client_secret)
            action = "consent.granted" if granted else "consent.withdrawn"
            self._parts.record(session, "person", action, session_id, {"version": CONSENT_VERSION})
        for blob in dropped:
            self._parts.blobs.delete(session_id, blob)
        return self.status(session_id, client_secret)

    def issue_challenge(self, session_id: str, client_secret: str) -> tuple[Challenge, datetime]:
        """A new single-use challenge and when it expires; it replaces one that was not answered.

        Raises TooManyChallenges beyond three an attempt.
        """
        row = self._open_session(session_id, client_secret, consented=True)
        limit = CHALLENGES_PER_ATTEMPT * row.max_attempts
        now = self._parts.now()
        expires = min(now + timedelta(seconds=self._parts.settings.challenge_ttl_s), row.expires_at)
        challenge = Challenge.from_nonce(secrets.token_urlsafe(24))
        change = (
            _open_row(session_id, now)
            .where(SessionRow.consent_at.is_not(None), SessionRow.challenges < limit)
            .values(
                challenges=SessionRow.challenges + 1,
                challenge_nonce=challenge.nonce,
                challenge_issued_at=now,
                challenge_expires_at=expires,
                challenge_used_at=None,
            )
        )
        with self._parts.database.transaction() as session:
            if not took_effect(session, change):
                self._checked(authenticated(session, session_id, client_secret), consented=True)
                raise TooManyChallenges(f"a session of {row.max_attempts} attempts has {limit} challenges")
            self._parts.record(session, "person", "challenge.issued", session_id)
        return challenge, expires

    def store_document(self, session_id: str, client_secret: str, image: bytes) -> SessionRow:
        """Keep the photograph of the document; another one replaces it until the session is submitted."""
        row = self._open_session(session_id, client_secret, consented=True)
        assert row.capture_key is not None
        blob = self._parts.blobs.write(row.capture_key, session_id, image)
        with self._parts.database.transaction() as session:
            change = _open_row(session_id, self._parts.now()).where(SessionRow.consent_at.is_not(None))
            self._replace(session, change.values(document_blob=blob), row, client_secret, blob)
            self._parts.record(session, "person", "document.captured", session_id, {"bytes": len(image)})
        if row.document_blob:
            self._parts.blobs.delete(session_id, row.document_blob)
        return self.status(session_id, client_secret)

    def store_selfie(self, session_id: str, client_secret: str, *, nonce: str, frames: Sequence[Frame]) -> SessionRow:
        """Keep the frames that answer the current challenge, and use the challenge up in the same transaction.

        Sending the same frames again, because the answer was lost, is answered as before. Raises ChallengeUnknown,
        ChallengeUsed, ChallengeExpired or, in live mode, UploadTooEarly.
        """
        content = pack_selfie(nonce, frames)
        row = self._open_session(session_id, client_secret, consented=True)
        assert row.capture_key is not None
        mac = self._parts.blobs.mac(row.capture_key, session_id, content)
        if row.selfie_mac is not None and secrets.compare_digest(row.selfie_mac, mac):
            return row
        self._require_answerable(row, nonce)
        blob = self._parts.blobs.write(row.capture_key, session_id, content)
        now = self._parts.now()
        change = (
            _open_row(session_id, now)
            .where(
                SessionRow.consent_at.is_not(None),
                SessionRow.challenge_nonce == nonce,
                SessionRow.challenge_used_at.is_(None),
                SessionRow.challenge_expires_at > now,
            )
            .values(selfie_blob=blob, selfie_mac=mac, challenge_used_at=now)
        )
        with self._parts.database.transaction() as session:
            self._replace(session, change, row, client_secret, blob, nonce=nonce)
            self._parts.record(session, "person", "selfie.captured", session_id, {"frames": len(frames)})
        if row.selfie_blob:
            self._parts.blobs.delete(session_id, row.selfie_blob)
        return self.status(session_id, client_secret)

    def submit(self, session_id: str, client_secret: str) -> SessionRow:
        """Hand the capture to the gate; from here on it cannot be changed. Doing so again changes nothing."""
        row = self.status(session_id, client_secret)
        if row.status in {"processing", "approved", "declined", "in_review"}:
            return row
        self._checked(row, consented=True)
        now = self._parts.now()
        change = (
            _open_row(session_id, now)
            .where(
                SessionRow.consent_at.is_not(None),
                SessionRow.document_blob.is_not(None),
                SessionRow.selfie_blob.is_not(None),
            )
            .values(
                status="processing",
                submitted_at=now,
                attempts=SessionRow.attempts + 1,
                last_error=None,
                leases=0,
                lease_token=None,
                lease_expires_at=None,
            )
        )
        with self._parts.database.transaction() as session:
            if not took_effect(session, change):
                row = authenticated(session, session_id, client_secret)
                if row.status == "processing":
                    return row
                self._checked(row, consented=True)
                raise CaptureIncomplete("a photograph of the document and the selfie sequence are needed first")
            self._parts.record(session, "person", "verification_session.submitted", session_id)
        return self.status(session_id, client_secret)

    def _open_session(self, session_id: str, client_secret: str, *, consented: bool = False) -> SessionRow:
        row = self.status(session_id, client_secret)
        self._checked(row, consented=consented)
        return row

    def _checked(self, row: SessionRow, *, consented: bool) -> None:
        if row.status == "expired" or (row.status == "requires_input" and row.expires_at <= self._parts.now()):
            raise SessionExpired("the session has expired; ask for a new one")
        if row.status != "requires_input":
            raise SessionState(f"the session is {row.status}")
        if consented and row.consent_at is None:
            raise ConsentRequired("consent to the processing of biometric data has not been given")

    def _require(self, effective: bool, session: Session, session_id: str, client_secret: str) -> None:
        if not effective:
            self._checked(authenticated(session, session_id, client_secret), consented=False)
            raise SessionState("the session has changed meanwhile")

    def _replace(
        self,
        session: Session,
        change: Update,
        row: SessionRow,
        client_secret: str,
        blob: str,
        *,
        nonce: str | None = None,
    ) -> None:
        """Point the row at a blob that is on the disk, or remove the blob and say why it may not be."""
        if took_effect(session, change):
            return
        self._parts.blobs.delete(row.id, blob)
        fresh = authenticated(session, row.id, client_secret)
        self._checked(fresh, consented=True)
        if nonce is not None:
            self._require_current(fresh, nonce)
        raise SessionState("the session has changed meanwhile")

    def _require_answerable(self, row: SessionRow, nonce: str) -> None:
        """In live mode no sequence arrives before it can have been performed; whoever tries loses the challenge."""
        issued = self._require_current(row, nonce)
        now = self._parts.now()
        if row.livemode and now < issued + timedelta(milliseconds=Challenge.from_nonce(nonce).duration_ms):
            with self._parts.database.transaction() as session:
                change = update(SessionRow).where(SessionRow.id == row.id, SessionRow.challenge_nonce == nonce)
                took_effect(session, change.values(challenge_used_at=now))
                self._parts.record(session, "person", "challenge.voided", row.id, {"reason": UploadTooEarly.code})
            raise UploadTooEarly("the frames came in before the movements can have been made; ask for a new challenge")

    def _require_current(self, row: SessionRow, nonce: str) -> datetime:
        if row.challenge_nonce is None or not secrets.compare_digest(row.challenge_nonce.encode(), nonce.encode()):
            raise ChallengeUnknown("the nonce is not that of this session's current challenge")
        if row.challenge_used_at is not None:
            raise ChallengeUsed("the challenge has been used; ask for a new one")
        assert row.challenge_issued_at is not None
        assert row.challenge_expires_at is not None
        if row.challenge_expires_at <= self._parts.now():
            raise ChallengeExpired("the challenge has expired; ask for a new one")
        return row.challenge_issued_at


def _open_row(session_id: str, now: datetime) -> Update:
    """The guard that all verbs here share: the session still takes input."""
    return update(SessionRow).where(
        SessionRow.id == session_id, SessionRow.status == "requires_input", SessionRow.expires_at > now
    )


def pack_selfie(nonce: str, frames: Sequence[Frame]) -> bytes:
    """One blob out of a sequence: the nonce it answers stays with its frames."""
    return cbor2.dumps({"nonce": nonce, "frames": [[frame.at_ms, frame.image] for frame in frames]})


def unpack_selfie(content: bytes) -> tuple[str, tuple[Frame, ...]]:
    """The nonce and frames of a blob that `pack_selfie` made."""
    packed = cbor2.loads(content)
    return packed["nonce"], tuple(Frame(image=image, at_ms=at_ms) for at_ms, image in packed["frames"])
