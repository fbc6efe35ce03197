"""The applicant of the demo: puts pictures before the service through the same HTTP API as a capture page.

Nobody stands before a camera, so the pictures come from `ml.simulation`, which marks every frame it makes. The service
knows nothing of this module.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from app.errors import ServiceError
from ml.gate import Frame
from ml.liveness.challenge import Challenge

__all__ = ["Applicant", "Session", "UnexpectedAnswer"]

DECIDED = frozenset({"approved", "declined", "in_review"})
DECISION_TIMEOUT_S = 180.0


class UnexpectedAnswer(ServiceError):
    """The service answered otherwise than the story needs."""

    code = "unexpected_answer"


@dataclass(frozen=True)
class Session:
    """A verification session as its creator sees it."""

    id: str
    client_secret: str
    url: str


class Applicant:
    """Walks one verification session: consent, document, challenge, selfie, submit."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=30.0)
        self._operator = {"Authorization": f"Bearer {api_key}"}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def open_session(self) -> Session:
        """Create a session as an integrating developer would."""
        body = self._answer(self._http.post("/v1/verification_sessions", json={}, headers=self._operator))
        return Session(body["id"], body["client_secret"], body["url"])

    def consent(self, session: Session) -> None:
        """Agree that biometric data are processed."""
        self._answer(self._http.post(self._path(session, "consent"), json={"granted": True}, headers=_person(session)))

    def challenge(self, session: Session) -> Challenge:
        """Ask for the movements to make; the service starts its clock."""
        answer = self._answer(self._http.post(self._path(session, "challenge"), headers=_person(session)))
        return Challenge.from_json(answer["challenge"])

    def send_document(self, session: Session, photograph: bytes) -> None:
        """Upload the photograph of the document."""
        files = {"image": ("document.jpg", photograph, "image/jpeg")}
        self._answer(self._http.post(self._path(session, "document"), files=files, headers=_person(session)))

    def send_selfie(self, session: Session, nonce: str, frames: Sequence[Frame]) -> None:
        """Upload the frames with their times, bound to the challenge's nonce."""
        files = [("frames", (f"{index:03}.jpg", frame.image, "image/jpeg")) for index, frame in enumerate(frames)]
        data = {"nonce": nonce, "timestamps": json.dumps([frame.at_ms for frame in frames])}
        answer = self._http.post(self._path(session, "selfie"), files=files, data=data, headers=_person(session))
        self._answer(answer)

    def submit(self, session: Session) -> dict[str, Any]:
        """Hand everything to the gate and wait for the session to be decided."""
        self._answer(self._http.post(self._path(session, "submit"), headers=_person(session)))
        deadline = time.monotonic() + DECISION_TIMEOUT_S
        while time.monotonic() < deadline:
            state = self._answer(self._http.get(f"/v1/verification_sessions/{session.id}", headers=self._operator))
            if state["status"] in DECIDED or state.get("last_error"):
                return state
            time.sleep(0.15)
        raise UnexpectedAnswer("the gate did not decide in time")

    def report(self, session: Session) -> dict[str, Any]:
        """Read the full report, as the operator may."""
        return self._answer(self._http.get(self._path(session, "report"), headers=self._operator))

    @staticmethod
    def _path(session: Session, verb: str) -> str:
        return f"/v1/verification_sessions/{session.id}/{verb}"

    @staticmethod
    def _answer(response: httpx2.Response) -> dict[str, Any]:
        if response.status_code >= 400:
            raise UnexpectedAnswer(
                f"{response.request.url.path} answered {response.status_code}: {response.text[:400]}"
            )
        body: dict[str, Any] = response.json() if response.content else {}
        return body


def _person(session: Session) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.client_secret}"}
