"""The real gate behind the real API: one path, approved for the right person and for nobody else."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
from PIL import Image

from app.verifications.errors import SessionNotApproved
from app.wiring import Wiring
from ml.gate import Challenge, Frame
from ml.simulation.portraits import portrait

Examined = Callable[..., Any]
Act = Callable[..., tuple[Frame, ...]]
Passport = Callable[..., bytes]


def _codes(person: Any) -> set[str]:
    report = person.read("/report").json()
    return {reason["code"] for check in report["checks"] for reason in check["reasons"]}


def _assert_declined(person: Any, wiring: Wiring, code: str) -> None:
    session = person.read().json()
    assert session["status"] == "declined", session
    assert code in _codes(person)
    with pytest.raises(SessionNotApproved):
        wiring.verifications.approved(person.id, livemode=session["livemode"])


def test_the_astronaut_is_approved_in_test_mode_and_marked(examined: Examined, wiring: Wiring) -> None:
    person = examined()
    assert person.read().json()["status"] == "approved"
    report = person.read("/report").json()
    assert (report["test_mode"], report["simulated"], report["decision"]["outcome"]) == (True, True, "approved")
    assert report["fields"]["surname"] == "ERIKSSON"
    approved = wiring.verifications.approved(person.id, livemode=False)
    assert approved.claims["birthDate"] == "1974-08-12"
    assert approved.claims["ageOver18"] is True
    assert (approved.evidence["testMode"], approved.evidence["simulatedCapture"]) == (True, True)
    assert {model["sha256"] for model in approved.evidence["models"]}


@pytest.mark.threat(66)
def test_the_same_capture_is_declined_in_live_mode(examined: Examined, wiring: Wiring) -> None:
    _assert_declined(examined(livemode=True), wiring, "simulated_capture")


def test_another_persons_face_is_declined(examined: Examined, wiring: Wiring, act: Act) -> None:
    person = examined(perform_as=lambda challenge: act(challenge, "other"))
    _assert_declined(person, wiring, "face_mismatch")


@pytest.mark.threat(66)
def test_a_sequence_for_another_challenge_is_declined(examined: Examined, wiring: Wiring, act: Act) -> None:
    def other_way(challenge: Challenge) -> tuple[Frame, ...]:
        numbers = (Challenge.from_nonce(f"recorded-earlier-{number}") for number in range(100))
        other = next(c for c in numbers if [s.direction for s in c.steps] != [s.direction for s in challenge.steps])
        return act(other)

    _assert_declined(examined(perform_as=other_way), wiring, "wrong_movements")


@pytest.mark.threat(66)
def test_a_still_is_declined(examined: Examined, wiring: Wiring) -> None:
    _assert_declined(examined(perform_as=_still), wiring, "no_head_movement")


@pytest.mark.threat(68)
def test_a_broken_check_digit_is_not_approved(examined: Examined, wiring: Wiring, passport: Passport) -> None:
    person = examined(document=passport(broken_digit="composite"))
    assert person.read().json()["status"] == "declined"
    assert any("check_digit" in code for code in _codes(person)), _codes(person)


@pytest.mark.threat(68)
def test_an_expired_document_is_declined(examined: Examined, wiring: Wiring, passport: Passport) -> None:
    document = passport(issue_date=date(2014, 4, 16), expiry_date=date(2024, 4, 15))
    person = examined(document=document, perform_as=_still)
    _assert_declined(person, wiring, "document_expired")
    assert person.read().json()["last_error"] == {"code": "document_expired", "reason": ANY, "retryable": False}


def test_a_black_picture_is_declined(examined: Examined, wiring: Wiring) -> None:
    black = _jpeg(np.zeros((900, 1200, 3), dtype=np.uint8))
    person = examined(document=black, perform_as=_still)
    assert person.read().json()["status"] == "declined"
    checks = {check["check"]: check["result"] for check in person.read("/report").json()["checks"]}
    assert checks["document.image_quality"] != "clear"
    assert checks["face_match"] == "unidentified"


def _still(challenge: Challenge) -> tuple[Frame, ...]:
    """A portrait held still before a noisy camera, for as long as the challenge lasts."""
    pixels = portrait("astronaut")[:512, 60:460].astype(np.int16)
    rng = np.random.default_rng(5)
    step = challenge.duration_ms // 26
    pictures = (pixels + rng.integers(-3, 4, pixels.shape) for _ in range(26))
    return tuple(
        Frame(_jpeg(picture.clip(0, 255).astype(np.uint8)), index * step) for index, picture in enumerate(pictures)
    )


def _jpeg(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()
