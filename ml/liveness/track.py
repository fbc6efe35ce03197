"""A head's movement over a selfie sequence: per frame the face, its rotation by parallax, and its five-point pose."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml.face.landmarks import Face, FaceFinder, Rgb, rivals
from ml.face.quality import nose_offset
from ml.liveness.parallax import ParallaxMeter, Rotation

_FRONTAL_CANDIDATES = 5


@dataclass(frozen=True)
class Moment:
    """One decoded frame. `rotation` is None when there is no face or the reference could not be followed into it."""

    at_ms: int
    picture: Rgb
    face: Face | None
    rivals: int
    rotation: Rotation | None = None
    nose: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Track:
    """All moments in the order received; `reference` is the index of the frontal frame that rotations are against."""

    moments: tuple[Moment, ...]
    reference: int | None

    @property
    def with_face(self) -> list[Moment]:
        """Moments in which a face was found."""
        return [moment for moment in self.moments if moment.face is not None]

    @property
    def frontal(self) -> Moment | None:
        """The reference moment."""
        return None if self.reference is None else self.moments[self.reference]


def follow(finder: FaceFinder, pictures: Sequence[tuple[int, Rgb]]) -> Track:
    """Find the face in every picture and measure rotations against an early frontal one."""
    moments = []
    for at_ms, picture in pictures:
        faces = finder.find(picture)
        face = faces[0] if faces else None
        moments.append(Moment(at_ms, picture, face, rivals(faces), nose=nose_offset(face) if face else (0.0, 0.0)))
    reference = _reference(moments)
    if reference is None:
        return Track(tuple(moments), None)
    start = moments[reference]
    assert start.face is not None
    meter = ParallaxMeter(start.picture, start.face)
    turned = []
    for moment in moments:
        rotation = meter.measure(moment.picture, moment.face) if moment.face is not None else None
        turned.append(Moment(moment.at_ms, moment.picture, moment.face, moment.rivals, rotation, moment.nose))
    return Track(tuple(turned), reference)


def _reference(moments: Sequence[Moment]) -> int | None:
    """Of the first frames with a face, the one whose face the detector likes best: there the challenge is at rest."""
    early = [index for index, moment in enumerate(moments) if moment.face is not None][:_FRONTAL_CANDIDATES]
    return max(early, key=lambda index: _score(moments[index]), default=None)


def _score(moment: Moment) -> float:
    return moment.face.score if moment.face is not None else float("-inf")
