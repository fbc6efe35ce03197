"""Text on a picture: PP-OCR's detector and recogniser (the models of rapidocr), run directly from verified bytes.

rapidocr's own front end may download models and reads a whole page at a cost of seconds; here detection runs once on a
bounded picture, and a caller chooses which lines to recognise and which characters may come out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from ml.errors import ModelFault
from ml.models import ModelStore

Rgb = npt.NDArray[np.uint8]
Quad = npt.NDArray[np.float32]
_Floats = npt.NDArray[np.float32]

LINE_HEIGHT: Final = 48
MAX_LINE_WIDTH: Final = 1920
_DETECTION_SIDE: Final = 1216
_MAX_BOXES: Final = 200
_PROBABILITY: Final = 0.3
_BOX_SCORE: Final = 0.5
_UNCLIP: Final = 1.6


@dataclass(frozen=True)
class Line:
    """Recognised text of one line, with the mean confidence of its characters (0 to 1)."""

    text: str
    confidence: float


class TextReader:
    """Both models, loaded once per worker with one thread each; onnxruntime sessions may be shared by threads."""

    def __init__(self, models: ModelStore) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.enable_cpu_mem_arena = False
        providers = ["CPUExecutionProvider"]
        self._detector = onnxruntime.InferenceSession(models.load("text.detection"), options, providers=providers)
        self._recogniser = onnxruntime.InferenceSession(models.load("text.recognition"), options, providers=providers)
        listed = self._recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters: list[str] = ["", *listed, " "]

    def find_lines(self, picture: Rgb, *, side: int = _DETECTION_SIDE) -> list[Quad]:
        """Quadrilaterals around text lines, shape (4, 2) each, first side along the text (either way up)."""
        scale = min(1.0, side / max(picture.shape[:2]))
        width = max(32, round(int(picture.shape[1]) * scale / 32) * 32)
        height = max(32, round(int(picture.shape[0]) * scale / 32) * 32)
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        chart = self._run(self._detector, _normalised(small)[None])[0, 0]
        factor = np.array([picture.shape[1] / width, picture.shape[0] / height], dtype=np.float32)
        return [quad * factor for quad in _boxes(chart)]

    def read(self, crops: Sequence[Rgb], *, alphabet: str | None = None, batch: int = 6) -> list[Line]:
        """Recognise straightened lines; `alphabet` limits the characters that may come out."""
        order = sorted(range(len(crops)), key=lambda index: crops[index].shape[1] / crops[index].shape[0])
        allowed = self._allowed(alphabet)
        lines: list[Line] = [Line("", 0.0)] * len(crops)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            resized = [_line(crops[index]) for index in chosen]
            block = np.zeros((len(chosen), 3, LINE_HEIGHT, max(line.shape[1] for line in resized)), dtype=np.float32)
            for row, line in enumerate(resized):
                block[row, :, :, : line.shape[1]] = _normalised(line)
            scores = self._run(self._recogniser, block)
            for row, index in enumerate(chosen):
                steps = math.ceil(scores.shape[1] * resized[row].shape[1] / block.shape[3])
                lines[index] = self._decode(scores[row, :steps], allowed)
        return lines

    def _allowed(self, alphabet: str | None) -> npt.NDArray[np.int64] | None:
        if alphabet is None:
            return None
        wanted = set(alphabet)
        return np.array([i for i, c in enumerate(self._characters) if i == 0 or c in wanted], dtype=np.int64)

    def _decode(self, scores: _Floats, allowed: npt.NDArray[np.int64] | None) -> Line:
        """Greedy CTC over the allowed classes; class 0 is the blank."""
        limited = scores if allowed is None else scores[:, allowed]
        best = limited.argmax(axis=1)
        classes = best if allowed is None else allowed[best]
        confidence = limited.max(axis=1)
        text, kept, previous = [], [], 0
        for position, found in enumerate(classes.tolist()):
            if found not in (0, previous):
                text.append(self._characters[found])
                kept.append(float(confidence[position]))
            previous = found
        return Line("".join(text), float(np.mean(kept)) if kept else 0.0)

    @staticmethod
    def _run(session: onnxruntime.InferenceSession, block: _Floats) -> _Floats:
        answer = np.asarray(session.run(None, {session.get_inputs()[0].name: block})[0], dtype=np.float32)
        if not np.isfinite(answer).all():
            raise ModelFault("text model answered with values that are not finite")
        return answer


def straighten(picture: Rgb, quad: Quad, *, upside_down: bool = False) -> Rgb:
    """Cut a quadrilateral out as an upright rectangle."""
    corners = np.roll(quad, 2, axis=0) if upside_down else quad
    width = max(4, int(np.linalg.norm([corners[1] - corners[0], corners[2] - corners[3]], axis=1).max()))
    height = max(4, int(np.linalg.norm([corners[3] - corners[0], corners[2] - corners[1]], axis=1).max()))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    view = cv2.getPerspectiveTransform(np.ascontiguousarray(corners, dtype=np.float32), target)
    cut = cv2.warpPerspective(picture, view, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, dtype=np.uint8)


def _normalised(picture: Rgb) -> _Floats:
    """BGR, minus one to one, channels first: what both models were trained on."""
    return np.ascontiguousarray((picture[:, :, ::-1].astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1))


def _line(crop: Rgb) -> Rgb:
    width = min(MAX_LINE_WIDTH, max(16, math.ceil(crop.shape[1] * LINE_HEIGHT / crop.shape[0])))
    return np.asarray(cv2.resize(crop, (width, LINE_HEIGHT)), dtype=np.uint8)


def _boxes(chart: _Floats) -> list[Quad]:
    """Differentiable-binarisation output to rotated boxes, each grown by the usual ratio."""
    mask = cv2.dilate((chart > _PROBABILITY).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:_MAX_BOXES]:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < 3 or _score(chart, contour) < _BOX_SCORE:
            continue
        grow = 2 * width * height * _UNCLIP / (2 * (width + height))
        quad = cv2.boxPoints(((x, y), (width + grow, height + grow), angle))
        boxes.append(_ordered(np.asarray(quad, dtype=np.float32)))
    return boxes


def _score(chart: _Floats, contour: npt.NDArray[np.int32]) -> float:
    x, y, width, height = cv2.boundingRect(contour)
    window = np.zeros((height, width), np.uint8)
    cv2.fillPoly(window, [contour - np.array([x, y])], 1)
    return float(cv2.mean(chart[y : y + height, x : x + width], window)[0])


def _ordered(quad: Quad) -> Quad:
    """Clockwise corners whose first side is the longer one and runs left to right (or top to bottom)."""
    if np.linalg.norm(quad[1] - quad[0]) < np.linalg.norm(quad[2] - quad[1]):
        quad = np.roll(quad, -1, axis=0)
    along = quad[1] - quad[0]
    backwards = along[0] < 0 if abs(along[0]) >= abs(along[1]) else along[1] < 0
    return np.roll(quad, 2, axis=0) if backwards else quad
