"""A simulated person in front of a camera: one portrait, turned in depth, following the challenge in time.

The portrait is bent over a rough relief (an ellipsoid head with a nose) and rotated, so the nose moves against the
eyes as it does on a real head; the real detector and the real check judge the frames. Every frame bears the
simulator's mark.
"""

import io
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.errors import SimulationError
from ml.evidence import Frame
from ml.face.landmarks import FaceFinder
from ml.liveness.challenge import Challenge, Direction
from ml.liveness.simulator_mark import COMMENT, imprint
from ml.models import ModelStore

Rgb = npt.NDArray[np.uint8]
_Plane = npt.NDArray[np.float32]

Relief = Literal["head", "sheet"]

FRAME_SIZE: Final = (640, 480)
EYE_DISTANCE_PX: Final = 74.0
YAW_DEG: Final = 20.0
PITCH_DEG: Final = 16.0
TURN_MS: Final = 320.0
JPEG_QUALITY: Final = 88
_GRID: Final = 4


@dataclass(frozen=True)
class Pose:
    """Where the head is at one moment: angles in degrees (yaw to the person's left, pitch down), shifts in pixels."""

    at_ms: int
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0


class HeadModel:
    """One portrait placed before the camera with a relief over its face, which `render` turns."""

    def __init__(self, portrait: Rgb, *, relief: Relief = "head") -> None:
        """`relief`: a head with a nose, or a printed `sheet` bent around an upright axis."""
        self._relief = relief
        faces = _finder().find(portrait)
        if not faces:
            raise SimulationError("no face in the portrait")
        self._eye = EYE_DISTANCE_PX
        zoom = EYE_DISTANCE_PX / faces[0].eye_distance
        middle = (faces[0].left_eye + faces[0].right_eye) / 2
        place = np.array([[zoom, 0, FRAME_SIZE[0] / 2 - zoom * middle[0]], [0, zoom, 205 - zoom * middle[1]]])
        border = cv2.BORDER_REPLICATE
        self._stage: Rgb = np.asarray(
            cv2.warpAffine(portrait, place, FRAME_SIZE, flags=cv2.INTER_CUBIC, borderMode=border), dtype=np.uint8
        )
        nose = place @ np.array([*faces[0].points[4], 1.0])
        self._axis = (FRAME_SIZE[0] / 2, 205 + 0.45 * self._eye)
        self._nose = (float(nose[0]), float(nose[1]) - 0.12 * self._eye)

    def render(self, pose: Pose) -> Rgb:
        """The camera's view of the head in a pose: RGB, 480 by 640, without noise or mark."""
        xs, ys = np.meshgrid(
            np.arange(0, FRAME_SIZE[0] + _GRID, _GRID, dtype=np.float32),
            np.arange(0, FRAME_SIZE[1] + _GRID, _GRID, dtype=np.float32),
        )
        still_x, still_y = self._unsway(xs, ys, pose)
        source_x, source_y = still_x.copy(), still_y.copy()
        for _ in range(12):
            move_x, move_y = self._displacement(source_x, source_y, pose)
            source_x, source_y = still_x - move_x, still_y - move_y
        full_x, full_y = (_finer(plane) for plane in (source_x, source_y))
        view = cv2.remap(self._stage, full_x, full_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(view, dtype=np.uint8)

    def _displacement(self, xs: _Plane, ys: _Plane, pose: Pose) -> tuple[_Plane, _Plane]:
        """How far each point of the still picture moves when the head turns."""
        across, down = (xs - self._axis[0]) / self._eye, (ys - self._axis[1]) / self._eye
        reach = np.clip(1 - (across / 1.75) ** 2 - (down / np.where(down < 0, 2.35, 1.95)) ** 2, 0, 1)
        fade = np.sqrt(reach)
        relief = 0.85 * reach**1.25 if self._relief == "head" else 0.85 * fade * np.clip(1 - (across / 1.75) ** 2, 0, 1)
        nose_x, nose_y = (xs - self._nose[0]) / self._eye, (ys - self._nose[1]) / self._eye
        nose = 0.42 if self._relief == "head" else 0.0
        relief = relief + nose * np.exp(-((nose_x / 0.24) ** 2) - (nose_y / np.where(nose_y < 0, 0.5, 0.22)) ** 2)
        yaw, pitch = np.deg2rad(pose.yaw), np.deg2rad(pose.pitch)
        move_x = relief * np.sin(yaw) + fade * across * (np.cos(yaw) - 1)
        move_y = relief * np.sin(pitch) + fade * down * (np.cos(pitch) - 1)
        return (move_x * self._eye).astype(np.float32), (move_y * self._eye).astype(np.float32)

    def _unsway(self, xs: _Plane, ys: _Plane, pose: Pose) -> tuple[_Plane, _Plane]:
        """Undo the small roll, shift and zoom of a hand-held camera around the neck."""
        angle = np.deg2rad(pose.roll)
        pivot_x, pivot_y = FRAME_SIZE[0] / 2, FRAME_SIZE[1] * 0.8
        dx, dy = (xs - pivot_x - pose.shift_x) / pose.scale, (ys - pivot_y - pose.shift_y) / pose.scale
        back_x = np.cos(angle) * dx + np.sin(angle) * dy + pivot_x
        back_y = -np.sin(angle) * dx + np.cos(angle) * dy + pivot_y
        return back_x.astype(np.float32), back_y.astype(np.float32)


def perform(portrait: Rgb, challenge: Challenge, *, seed: int, fps: float = 8.0) -> tuple[Frame, ...]:
    """The frames of a person who follows the challenge; same portrait, challenge, seed and fps give the same bytes.

    Raises SimulationError when the portrait has no face.
    """
    rng = np.random.default_rng(seed)
    head = HeadModel(portrait)
    return tuple(Frame(develop(head.render(pose), rng), pose.at_ms) for pose in pose_track(challenge, rng=rng, fps=fps))


def pose_track(challenge: Challenge, *, rng: np.random.Generator, fps: float) -> tuple[Pose, ...]:
    """Head poses at camera times: each step's turn begins after a reaction time and ends as late as it began."""
    reaction = rng.uniform(180, 330)
    reach = rng.uniform(0.92, 1.08)
    phases = rng.uniform(0, 2 * np.pi, 4)
    poses = []
    for index in range(int(challenge.duration_ms / 1000 * fps)):
        at_ms = int(index * 1000 / fps + rng.uniform(0, 14))
        yaw = pitch = 0.0
        for step in challenge.steps:
            turn_yaw, turn_pitch = turn_angles(step.direction)
            share = _turned(at_ms - reaction, step.start_ms, step.end_ms) * reach
            yaw, pitch = yaw + share * turn_yaw, pitch + share * turn_pitch
        sway = np.sin(np.array([1.1, 0.8, 0.6, 0.5]) * at_ms / 1000 * 2 * np.pi * 0.35 + phases)
        poses.append(
            Pose(
                at_ms,
                yaw + 0.8 * sway[2] + rng.normal(0, 0.25),
                pitch + 0.8 * sway[3] + rng.normal(0, 0.25),
                roll=0.9 * sway[0],
                shift_x=2.5 * sway[1],
                shift_y=1.8 * sway[0],
                scale=1 + 0.006 * sway[3],
            )
        )
    return tuple(poses)


def face_box(portrait: Rgb) -> tuple[float, float, float]:
    """Left, top and width of the largest face in a portrait, in pixels; raises SimulationError if there is none."""
    faces = _finder().find(portrait)
    if not faces:
        raise SimulationError("no face in the portrait")
    return faces[0].left, faces[0].top, faces[0].width


def turn_angles(direction: Direction) -> tuple[float, float]:
    """Yaw and pitch, in degrees, of a full movement in a direction."""
    angles: dict[Direction, tuple[float, float]] = {
        "left": (YAW_DEG, 0.0),
        "right": (-YAW_DEG, 0.0),
        "up": (0.0, -PITCH_DEG),
        "down": (0.0, PITCH_DEG),
    }
    return angles[direction]


def develop(view: Rgb, rng: np.random.Generator) -> bytes:
    """What the simulated camera stores: flicker, sensor noise, the simulator's mark, JPEG with its comment."""
    noisy = view.astype(np.float32) * rng.uniform(0.985, 1.015) + rng.normal(0, 1.6, view.shape)
    marked = imprint(np.clip(noisy, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    Image.fromarray(marked).save(out, "JPEG", quality=JPEG_QUALITY, comment=COMMENT)
    return out.getvalue()


def _finer(plane: _Plane) -> _Plane:
    """A map sampled every `_GRID` pixels, interpolated to every pixel of the frame."""
    to_grid = np.array([[1 / _GRID, 0, 0], [0, 1 / _GRID, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(plane, to_grid, FRAME_SIZE, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fine, dtype=np.float32)


def _turned(at_ms: float, start_ms: float, end_ms: float) -> float:
    rise = np.clip((at_ms - start_ms) / TURN_MS, 0, 1)
    fall = np.clip((end_ms - at_ms) / TURN_MS + 0.5, 0, 1)
    return float(min(rise * rise * (3 - 2 * rise), fall * fall * (3 - 2 * fall)))


@cache
def _finder() -> FaceFinder:
    return FaceFinder(ModelStore.default())
