"""Find the machine-readable zone among the text lines of a picture, whichever way up it is, and read it.

Candidate lines are the longest ones on the page, read with the MRZ alphabet both ways up; those that look like MRZ
lines and lie parallel are joined into rows, and the rows that make a layout are parsed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.document.check_digits import ALPHABET
from ml.document.correction import Correction, correct, fit_width
from ml.document.mrz import FORMATS, Mrz, parse
from ml.document.text import Line, Quad, Rgb, TextReader, straighten
from ml.errors import MrzUnreadable

_MAX_CANDIDATES: Final = 7
_MIN_CHARACTERS: Final = 18
_MIN_CONFIDENCE: Final = 0.6
_MARGIN: Final = 0.35
"""How far a row's crop reaches beyond its ends, in line heights."""


@dataclass(frozen=True)
class Zone:
    """A read zone. `as_read` is what the model read, `mrz` after corrections; `angle_deg` turns the page upright."""

    mrz: Mrz
    as_read: Mrz
    corrections: tuple[Correction, ...]
    confidence: float
    quads: tuple[Quad, ...]
    angle_deg: float


def read_zone(reader: TextReader, picture: Rgb, quads: Sequence[Quad]) -> Zone:
    """The zone among the text lines of a picture; raises MrzUnreadable."""
    longest = sorted(quads, key=_length, reverse=True)[:_MAX_CANDIDATES]
    longest = [quad for quad in longest if _length(quad) > 5 * _height(quad)]
    if not longest:
        raise MrzUnreadable("no long line of text")
    best: Zone | None = None
    for upside_down in (False, True):
        lines = reader.read([straighten(picture, quad, upside_down=upside_down) for quad in longest], alphabet=ALPHABET)
        alike = [quad for quad, line in zip(longest, lines, strict=True) if _looks_like_mrz(line)]
        if not alike:
            continue
        zone = _read_rows(reader, picture, _rows(alike, upside_down), upside_down)
        if zone is not None and (best is None or _rank(zone) > _rank(best)):
            best = zone
        if best is not None and best.mrz.valid:
            break
    if best is None:
        raise MrzUnreadable("no lines of a known layout")
    return best


def _rank(zone: Zone) -> tuple[int, float]:
    return sum(zone.mrz.digits.values()), zone.confidence


def _read_rows(reader: TextReader, picture: Rgb, rows: list[Quad], upside_down: bool) -> Zone | None:
    rows = rows[-4:]
    lines = reader.read([straighten(picture, row, upside_down=upside_down) for row in rows], alphabet=ALPHABET)
    best: Zone | None = None
    for count in (3, 2):
        for start in range(len(rows) - count + 1):
            chosen = lines[start : start + count]
            as_read = _fit([line.text for line in chosen])
            if as_read is None:
                continue
            mrz, corrections = correct(as_read)
            confidence = float(np.mean([line.confidence for line in chosen]))
            quads = tuple(rows[start : start + count])
            zone = Zone(mrz, as_read, corrections, confidence, quads, _angle(quads[0], upside_down))
            if best is None or _rank(zone) > _rank(best):
                best = zone
    return best


def _fit(texts: list[str]) -> Mrz | None:
    """The layout under which most check digits hold and, among equals, the fewest fillers are added or dropped."""
    options = []
    for fmt in FORMATS.values():
        if fmt.lines != len(texts):
            continue
        names = fmt.spans["names"][0]
        fitted = [fit_width(text, fmt.width, name_line=index == names) for index, text in enumerate(texts)]
        if any(line is None for line in fitted):
            continue
        try:
            mrz = parse(tuple(line or "" for line in fitted))
        except MrzUnreadable:
            continue
        changed = sum(abs(len(text) - fmt.width) for text in texts)
        options.append((sum(mrz.digits.values()) / len(mrz.digits), -changed, mrz))
    return max(options, key=lambda option: option[:2])[2] if options else None


def _looks_like_mrz(line: Line) -> bool:
    enough = len(line.text) >= _MIN_CHARACTERS and line.confidence >= _MIN_CONFIDENCE
    return enough and ("<" in line.text or sum(c.isdigit() for c in line.text) >= 8)


def _rows(quads: list[Quad], upside_down: bool) -> list[Quad]:
    """Quads joined along their common direction into rows, top row first as the text stands."""
    main = max(quads, key=_length)
    along = (main[1] - main[0]) / _length(main)
    across = np.array([-along[1], along[0]], dtype=np.float32)
    height = _height(main)
    parallel = [quad for quad in quads if abs(float((quad[1] - quad[0]) @ across)) < 0.12 * _length(quad)]
    parallel.sort(key=lambda quad: float(quad.mean(axis=0) @ across))
    groups: list[list[Quad]] = []
    for quad in parallel:
        level = float(quad.mean(axis=0) @ across)
        if groups and abs(level - float(groups[-1][-1].mean(axis=0) @ across)) < 0.5 * height:
            groups[-1].append(quad)
        else:
            groups.append([quad])
    rows = [_joined(group, along) for group in groups]
    return rows[::-1] if upside_down else rows


def _joined(group: list[Quad], along: npt.NDArray[np.float32]) -> Quad:
    """One quad from the leftmost to the rightmost of a row, a little longer at both ends."""
    group = sorted(group, key=lambda quad: float(quad.mean(axis=0) @ along))
    first, last = group[0], group[-1]
    reach = _MARGIN * _height(max(group, key=_length))
    beyond = reach * along
    quad = np.stack([first[0] - beyond, last[1] + beyond, last[2] + beyond, first[3] - beyond])
    return np.asarray(quad, dtype=np.float32)


def _angle(quad: Quad, upside_down: bool) -> float:
    along = quad[1] - quad[0]
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    return angle + 180 if upside_down else angle


def _length(quad: Quad) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]))


def _height(quad: Quad) -> float:
    return float(np.linalg.norm(quad[3] - quad[0])) + 1e-6
