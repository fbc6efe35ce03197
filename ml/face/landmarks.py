"""Face detection and the five dlib landmarks of every plausible face.

dlib's HOG detector runs without upsampling on a picture scaled to 480 px: it loses profiles and back-lit faces, and it
sees a false second face in some pictures (a mission patch, for one), so a face must also be plausible in size and score
and the largest plausible one is taken; how many were seen is part of the answer. The five points are the outer and
inner corners of both eyes and the base of the nose (points 0 and 1 lie on the picture's right, 2 and 3 on its left).
"""

import threading
from dataclasses import dataclass
from typing import Any, Final

import cv2
import dlib
import numpy as np
import numpy.typing as npt

from ml.models import ModelStore

Rgb = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

DETECTION_SIDE_PX: Final = 480
MIN_DETECTION_SCORE: Final = 0.0
RIVAL_AREA_RATIO: Final = 0.35
"""A second face counts as a rival only if its area is at least this share of the largest one's."""


@dataclass(frozen=True)
class Face:
    """One face in pixels of the picture it was found in; `points` has shape (5, 2), `score` is dlib's HOG score."""

    left: float
    top: float
    width: float
    height: float
    points: Points
    score: float

    @property
    def area(self) -> float:
        """Area of the detector's box, in square pixels."""
        return self.width * self.height

    @property
    def eye_distance(self) -> float:
        """Distance between the centres of the eyes, in pixels."""
        return float(np.linalg.norm(self.right_eye - self.left_eye))

    @property
    def left_eye(self) -> Points:
        """Centre of the eye on the picture's left."""
        return np.asarray((self.points[2] + self.points[3]) / 2)

    @property
    def right_eye(self) -> Points:
        """Centre of the eye on the picture's right."""
        return np.asarray((self.points[0] + self.points[1]) / 2)


class FaceFinder:
    """HOG detector and shape predictor, loaded once per worker; a lock serialises dlib's stateful detector."""

    def __init__(self, models: ModelStore) -> None:
        self._detector: Any = dlib.get_frontal_face_detector()
        with models.private_copy("face.landmarks5") as path:
            self._predictor: Any = dlib.shape_predictor(str(path))
        self._lock = threading.Lock()

    def find(self, picture: Rgb, *, side: int = DETECTION_SIDE_PX) -> tuple[Face, ...]:
        """Plausible faces, largest first; `side` is the longer side the picture is scaled to before detection."""
        scale = side / max(picture.shape[:2])
        small = picture if scale == 1 else _resize(picture, scale)
        with self._lock:
            boxes, scores, _ = self._detector.run(small, 0, MIN_DETECTION_SCORE)
            found = [self._face(small, box, score, scale) for box, score in zip(boxes, scores, strict=True)]
        plausible = [face for face in found if _plausible(face, picture.shape[1], picture.shape[0])]
        return tuple(sorted(plausible, key=lambda face: face.area, reverse=True))

    def _face(self, small: Rgb, box: Any, score: float, scale: float) -> Face:
        shape = self._predictor(small, box)
        points = np.array([(shape.part(i).x, shape.part(i).y) for i in range(5)], dtype=np.float64) / scale
        return Face(
            box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale, points, float(score)
        )


def rivals(faces: tuple[Face, ...]) -> int:
    """How many further faces are nearly as large as the first (someone else in the picture)."""
    return sum(face.area >= RIVAL_AREA_RATIO * faces[0].area for face in faces[1:]) if faces else 0


def _plausible(face: Face, width: int, height: int) -> bool:
    inside = face.left > -0.3 * face.width and face.left + face.width < width + 0.3 * face.width
    eyes = 0.2 * face.width < face.eye_distance < 0.75 * face.width
    below = face.points[4][1] > min(face.left_eye[1], face.right_eye[1])
    return bool(inside and eyes and below and face.top < height)


def _resize(picture: Rgb, scale: float) -> Rgb:
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=method), dtype=np.uint8)
