"""A telephone camera that photographs a document lying on a table: perspective, uneven light, blur, noise, JPEG."""

import io
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.liveness.simulator_mark import COMMENT, imprint

Rgb = npt.NDArray[np.uint8]
PHOTO_SIZE: Final = (1920, 1440)
JPEG_QUALITY: Final = 90


def photograph(page: Rgb, *, seed: int) -> bytes:
    """A photograph of a page as JPEG bytes with the simulator's mark; the same page and seed give the same bytes."""
    rng = np.random.default_rng(seed)
    view = _project(page, rng)
    lit = view.astype(np.float32) * _light(rng)[:, :, None]
    soft = cv2.GaussianBlur(lit, (0, 0), float(rng.uniform(0.6, 1.0)))
    noisy = soft + rng.normal(0, 2.2, soft.shape)
    marked = imprint(np.clip(noisy, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    Image.fromarray(marked).save(out, "JPEG", quality=JPEG_QUALITY, comment=COMMENT)
    return out.getvalue()


def _project(page: Rgb, rng: np.random.Generator) -> Rgb:
    """The page on a dark table, seen a little from the side and a little turned."""
    width, height = PHOTO_SIZE
    scale = rng.uniform(0.80, 0.87) * width / page.shape[1]
    half = np.array([page.shape[1], page.shape[0]]) * scale / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    angle = np.deg2rad(rng.uniform(-3, 3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    placed = corners @ turn.T + np.array([width, height]) / 2 + rng.uniform(-18, 18, (4, 2)) + rng.uniform(-20, 20, 2)
    source = np.array(
        [[0, 0], [page.shape[1], 0], [page.shape[1], page.shape[0]], [0, page.shape[0]]], dtype=np.float32
    )
    view = cv2.getPerspectiveTransform(source, placed.astype(np.float32))
    grain = rng.normal(0, 1, (height // 8, width // 8)).astype(np.float32)
    table = 62 + 7 * cv2.resize(grain, PHOTO_SIZE, interpolation=cv2.INTER_CUBIC)
    ground = np.clip(table[:, :, None] * np.array([1.15, 0.95, 0.8]), 0, 255).astype(np.uint8)
    flags = {"flags": cv2.INTER_AREA, "borderMode": cv2.BORDER_TRANSPARENT}
    return np.asarray(cv2.warpPerspective(page, view, PHOTO_SIZE, dst=ground.copy(), **flags), dtype=np.uint8)


def _light(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A slanting gradient of brightness over the picture, 0.8 to 1.05."""
    width, height = PHOTO_SIZE
    slope = rng.uniform(-0.09, 0.09, 2)
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(0.93 + slope[0] * xs + slope[1] * ys, dtype=np.float32)
