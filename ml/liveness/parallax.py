"""Head rotation measured as parallax: how the face's relief moves against the best moving flat picture of itself.

Points of the face are followed from a frontal reference frame (pyramidal Lucas-Kanade, checked backwards). Their
motion is explained by a plane's motion (affine and projective terms, eight parameters) plus a generic face relief
times a vector (p, q): p is positive when the nose moves to the picture's right (the person's left), q when it moves
down. A flat picture, however it is moved, tilted or held at an angle, has p and q near zero; a sheet bent like a
face has not.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ml.face.landmarks import Face, Rgb

Array = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MIN_POINTS: Final = 40
_BACKWARD_ERROR_PX: Final = 1.0
_WINDOW: Final = (19, 19)
_ROUNDS: Final = 4


@dataclass(frozen=True)
class Rotation:
    """Parallax of one frame against the reference: (p, q) about sine of yaw and pitch; `residual` in eye distances."""

    p: float
    q: float
    residual: float
    points: int


class ParallaxMeter:
    """Follows one reference face into other frames."""

    def __init__(self, reference: Rgb, face: Face) -> None:
        self._grey = _grey(reference)
        self._eye = face.eye_distance
        self._origin = (face.left_eye + face.right_eye) / 2
        axis = (face.right_eye - face.left_eye) / self._eye
        self._basis = np.stack([axis, np.array([-axis[1], axis[0]])])
        across, down = np.meshgrid(np.linspace(-0.95, 0.95, 15), np.linspace(-0.55, 1.45, 16))
        inside = (across / 1.0) ** 2 + ((down - 0.4) / 1.12) ** 2 <= 1
        self._grid = np.stack([across[inside], down[inside]], axis=1)
        self._start = (self._origin + self._eye * self._grid @ self._basis).astype(np.float32)

    def measure(self, picture: Rgb, face: Face) -> Rotation | None:
        """Rotation of `face` in `picture` against the reference, or None when too few points could be followed."""
        grey = _grey(picture)
        shift = (face.left_eye + face.right_eye) / 2 - self._origin
        moved = (self._start + shift).astype(np.float32)
        ahead, ok_ahead = _track(self._grey, grey, self._start, moved)
        back, ok_back = _track(grey, self._grey, ahead, self._start)
        error = np.linalg.norm(back - self._start, axis=1)
        good = ok_ahead & ok_back & (error < _BACKWARD_ERROR_PX)
        if int(good.sum()) < MIN_POINTS:
            return None
        flow = (ahead - self._start)[good].astype(np.float64) @ self._basis.T / self._eye
        return _fit(self._grid[good], flow)


def relief(grid: Array) -> Array:
    """A generic face's depth at (across, down) in eye distances from the middle of the eyes; shape (n,)."""
    across, down = grid[:, 0], grid[:, 1]
    skull = 1.2 * np.sqrt(np.clip(1 - (across / 1.7) ** 2 - ((down - 0.3) / 2.2) ** 2, 0.05, 1))
    nose = 0.4 * np.exp(-((across / 0.25) ** 2) - ((down - 0.6) / np.where(down < 0.6, 0.5, 0.25)) ** 2)
    return np.asarray(skull + nose)


def _fit(grid: Array, flow: Array) -> Rotation:
    """Least squares with Huber weights over eight plane parameters and (p, q)."""
    x, y, z = grid[:, 0], grid[:, 1], relief(grid)
    one, none = np.ones_like(x), np.zeros_like(x)
    rows_x = np.stack([x, y, one, none, none, none, x * x, x * y, z, none], axis=1)
    rows_y = np.stack([none, none, none, x, y, one, x * y, y * y, none, z], axis=1)
    design, target = np.concatenate([rows_x, rows_y]), np.concatenate([flow[:, 0], flow[:, 1]])
    weight = np.ones_like(target)
    solution = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        solution = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
        left = np.abs(target - design @ solution)
        scale = 1.5 * np.median(left) + 1e-6
        weight = np.minimum(1.0, scale / np.maximum(left, 1e-9))
    residual = float(np.sqrt(np.average((target - design @ solution) ** 2, weights=weight)))
    return Rotation(float(solution[-2]), float(solution[-1]), residual, len(x))


def _track(source: Grey, target: Grey, points: Floats, guess: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Where points of one picture lie in another, from a first guess, and which could be followed."""
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        source, target, points, guess.copy(), winSize=_WINDOW, maxLevel=2, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return np.asarray(found, dtype=np.float32), np.asarray(status.ravel() == 1)


def _grey(picture: Rgb) -> Grey:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
