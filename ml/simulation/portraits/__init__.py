"""The two public-domain portraits that simulated captures are drawn from (provenance in README.md)."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.errors import SimulationError

_FILES: Final = {"astronaut": "astronaut.png", "other": "other.jpg"}


def portrait(name: str) -> npt.NDArray[np.uint8]:
    """A portrait as RGB, shape (height, width, 3): `astronaut` or `other`; raises SimulationError for another name."""
    if name not in _FILES:
        raise SimulationError(f"unknown portrait {name!r}")
    with Image.open(Path(__file__).with_name(_FILES[name])) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8)
