"""The mark that our own simulator leaves in every picture it makes, and its detector.

A simulated capture passes the active check by construction, so a live session must be able to refuse it. The mark is a
comment in the file and a spread-spectrum pattern in mid frequencies of the luminance, laid out relative to the whole
picture: it survives JPEG recompression and rescaling (0.5 to 1.5 times), mirroring and quarter turns, but not cropping,
and of course no other program's pictures bear it.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
_Plane = npt.NDArray[np.float32]

COMMENT: Final = b"assay-simulated-capture"
DETECTION_Z: Final = 8.0
"""Standard deviations above chance; eight orientations are tried, so chance reaches it about once in 10^14 pictures."""

_SIDE: Final = 256
_BAND: Final = (14.0, 56.0)
_SEED: Final = 0x41535359
_FLOOR: Final = 26.0
_RELATIVE: Final = 0.45


def imprint(picture: Rgb) -> Rgb:
    """A copy of an RGB picture with the pixel mark, about 2 grey levels of noise."""
    height, width = picture.shape[:2]
    pattern = _pattern()
    spectrum = cv2.dct(_canonical(picture))
    delta = pattern * np.maximum(_FLOOR, _RELATIVE * np.minimum(np.abs(spectrum), 6 * _FLOOR)).astype(np.float32)
    overlay = cv2.resize(cv2.idct(delta), (width, height), interpolation=cv2.INTER_CUBIC)
    marked = picture.astype(np.float32) + overlay[:, :, None]
    return np.asarray(np.clip(np.rint(marked), 0, 255), dtype=np.uint8)


def pixel_score(picture: Rgb) -> float:
    """How strongly an RGB picture bears the pixel mark, in standard deviations above chance."""
    spectrum = cv2.dct(_canonical(picture))
    signs = np.where(np.arange(_SIDE) % 2 == 0, 1.0, -1.0).astype(np.float32)
    best = -np.inf
    for turned in (spectrum, spectrum.T):
        for across in (np.ones_like(signs), signs):
            for down in (np.ones_like(signs), signs):
                best = max(best, _correlation(turned * across[None, :] * down[:, None]))
    return float(best)


def is_marked(picture: Rgb, encoded: bytes = b"") -> bool:
    """Whether a picture was made by the simulator: by its pixels, or by the comment in its encoded bytes."""
    return COMMENT in encoded or pixel_score(picture) > DETECTION_Z


def _canonical(picture: Rgb) -> _Plane:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrink = min(picture.shape[:2]) > _SIDE
    plane = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return np.asarray(plane, dtype=np.float32)


def _correlation(spectrum: _Plane) -> float:
    pattern, shells = _pattern(), _shells()
    level = np.bincount(shells.ravel(), np.abs(spectrum).ravel()) / np.bincount(shells.ravel())
    whitened = np.clip(spectrum / (level[shells] + 1e-6), -2.0, 2.0)[pattern != 0]
    return float((whitened * pattern[pattern != 0]).sum() / (np.sqrt((whitened**2).sum()) + 1e-6))


@cache
def _pattern() -> _Plane:
    signs = np.random.default_rng(_SEED).choice(np.array([-1.0, 1.0], dtype=np.float32), (_SIDE, _SIDE))
    radius = _radius()
    return np.where((radius >= _BAND[0]) & (radius < _BAND[1]), signs, 0).astype(np.float32)


@cache
def _shells() -> npt.NDArray[np.int64]:
    return np.asarray(_radius() // 3, dtype=np.int64)


@cache
def _radius() -> npt.NDArray[np.float64]:
    index = np.arange(_SIDE, dtype=np.float64)
    return np.asarray(np.hypot(index[:, None], index[None, :]))
