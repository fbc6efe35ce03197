"""The pictures of the demo: a specimen passport with a public-domain portrait, photographed and acted by simulators.

The genuine pair and the attacks come from the same simulators; what differs is what the attacker would differ in.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from app.demo.chronicle import Picture
from ml.gate import Frame
from ml.liveness.challenge import Challenge
from ml.simulation.camera import photograph
from ml.simulation.portraits import portrait
from ml.simulation.selfie import perform
from ml.simulation.specimen import SpecimenFields, render_specimen

__all__ = ["Attempt", "Document", "Studio"]

SEED = 20261125
STRIP_FRAMES = 8


@dataclass(frozen=True)
class Document:
    """A photographed specimen and where its picture lies."""

    photograph: bytes
    path: str

    def picture(self, caption: str) -> Picture:
        """The photograph for the page."""
        return Picture(self.path, caption)


@dataclass(frozen=True)
class Attempt:
    """Evidence that must not be approved; `show` says which picture of it tells the story."""

    title: str
    document: Document
    selfie: Callable[[Challenge], Sequence[Frame]]
    show: Literal["document", "selfie"]
    livemode: bool = False


class Studio:
    """Makes every picture of the story and keeps a copy for the page."""

    def __init__(self, out: Path) -> None:
        self._out = out
        (out / "pictures").mkdir(parents=True, exist_ok=True)
        self._genuine = portrait("astronaut")
        self._impostor = portrait("other")
        self._fields = SpecimenFields()

    def document(self, name: str, fields: SpecimenFields | None = None) -> Document:
        """Render and photograph the specimen that carries the genuine portrait."""
        page = render_specimen(fields or self._fields, self._genuine)
        photo = photograph(page, seed=SEED)
        path = f"pictures/{name}.jpg"
        (self._out / path).write_bytes(photo)
        return Document(photo, path)

    def selfie(self, challenge: Challenge, *, who: np.ndarray | None = None) -> Sequence[Frame]:
        """Act the challenge with a portrait, the genuine one by default."""
        return perform(self._genuine if who is None else who, challenge, seed=SEED)

    def strip(self, name: str, frames: Sequence[Frame], challenge: Challenge, caption: str) -> Picture:
        """Lay frames from the middle of each movement side by side."""
        middles = [0] + [
            moment for step in challenge.steps for moment in ((step.start_ms + step.end_ms) // 2, step.end_ms)
        ]
        chosen = [min(frames, key=lambda frame, at=at: abs(frame.at_ms - at)) for at in middles][:STRIP_FRAMES]  # type: ignore[misc]
        images = [Image.open(io.BytesIO(frame.image)).resize((240, 180)) for frame in chosen]
        sheet = Image.new("RGB", (240 * len(images), 180))
        for index, image in enumerate(images):
            sheet.paste(image, (240 * index, 0))
        path = f"pictures/{name}.jpg"
        sheet.save(self._out / path, quality=88)
        return Picture(path, caption, wide=True)

    def attacks(self) -> list[Attempt]:
        """The attempts that the story shows, cheapest lie first."""
        genuine = self.document("passport")
        forged = self.document("passport-forged", replace(self._fields, broken_digit="birth_date"))
        expired = self.document("passport-expired", replace(self._fields, expiry_date=date(2021, 3, 1)))
        return [
            Attempt("A still picture instead of a moving face", genuine, self._still, "selfie"),
            Attempt("A recording that answers another challenge", genuine, self._other_challenge, "selfie"),
            Attempt("Another person's face, moving as asked", genuine, self._impersonation, "selfie"),
            Attempt("A date altered in the machine-readable zone", forged, self.selfie, "document"),
            Attempt("An expired passport", expired, self.selfie, "document"),
            Attempt("The capture that was approved, in live mode", genuine, self.selfie, "selfie", livemode=True),
        ]

    def _impersonation(self, challenge: Challenge) -> Sequence[Frame]:
        return self.selfie(challenge, who=self._impostor)

    def _still(self, challenge: Challenge) -> Sequence[Frame]:
        frames = self.selfie(challenge)
        return tuple(replace(frame, image=frames[0].image) for frame in frames)

    def _other_challenge(self, challenge: Challenge) -> Sequence[Frame]:
        number = 0
        while True:
            other = Challenge.from_nonce(f"another-{number}")
            if [step.direction for step in other.steps] != [step.direction for step in challenge.steps]:
                return self.selfie(other)
            number += 1
