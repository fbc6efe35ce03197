"""The simulator's mark survives recompression and rescaling, and ordinary pictures do not bear it."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ml.gate import Evidence
from ml.liveness.simulator_mark import COMMENT, DETECTION_Z, is_marked, pixel_score
from ml.simulation.portraits import portrait

DATA = Path("../shared/data")


def again(picture: Image.Image, scale: float, quality: int) -> npt.NDArray[np.uint8]:
    size = (round(picture.width * scale), round(picture.height * scale))
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.BILINEAR).save(out, "JPEG", quality=quality)
    return np.array(Image.open(io.BytesIO(out.getvalue())).convert("RGB"))


@pytest.mark.parametrize(("scale", "quality"), [(1.0, 90), (1.0, 35), (0.5, 60), (0.75, 50), (1.5, 60)])
def test_mark_survives(genuine: Evidence, scale: float, quality: int) -> None:
    for encoded in (genuine.frames[3].image, genuine.document):
        picture = Image.open(io.BytesIO(encoded))
        assert COMMENT in encoded
        assert is_marked(again(picture, scale, quality))
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert is_marked(again(mirrored, scale, quality))


def test_unmarked_pictures_stay_far_below() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    for picture in (portrait("astronaut"), portrait("other"), noise, np.zeros((64, 64, 3), np.uint8)):
        assert pixel_score(picture) < DETECTION_Z - 2


def test_photographs_by_others_do_not_bear_it() -> None:
    files = sorted(DATA.glob("faces-caltech101/*.jpg"))[::6]
    if not files:
        pytest.skip("../shared/data is not here")
    assert max(pixel_score(np.array(Image.open(file).convert("RGB"))) for file in files) < DETECTION_Z - 2
