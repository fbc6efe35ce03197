"""One reading of a document picture: its zone, the texts around it, and the picture the right way up."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from ml.document.text import Quad, Rgb, TextReader, straighten
from ml.document.zone import Zone, read_zone

VISUAL_ALPHABET: Final = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-/'()"
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ"
    "ĀāĂăĄąĆćČčĎďĐđĒēĘęĚěĞğĢģĪīİıĶķĹĺĻļŁłŃńŅņŇňŐőŒœŘřŚśŞşŠšŤťŪūŮůŰűŹźŻżŽž"
)
_MAX_VISUAL_LINES: Final = 44
_MIN_CONFIDENCE: Final = 0.5


@dataclass(frozen=True)
class Page:
    """A read page: the zone, the texts of the visual zone, and the picture turned upright by quarter turns."""

    zone: Zone
    visual: tuple[str, ...]
    upright: Rgb


def read_page(reader: TextReader, picture: Rgb) -> Page:
    """Read a document picture; raises MrzUnreadable when no zone can be found."""
    quads = reader.find_lines(picture)
    zone = read_zone(reader, picture, quads)
    others = [quad for quad in quads if not _belongs(quad, zone.quads)]
    others.sort(key=lambda quad: float(np.linalg.norm(quad[3] - quad[0])), reverse=True)
    flipped = _points_back(zone)
    crops = [straighten(picture, quad, upside_down=flipped) for quad in others[:_MAX_VISUAL_LINES]]
    lines = reader.read(crops, alphabet=VISUAL_ALPHABET)
    texts = tuple(line.text for line in lines if line.text and line.confidence >= _MIN_CONFIDENCE)
    return Page(zone, texts, turned(picture, zone.angle_deg))


def turned(picture: Rgb, angle_deg: float) -> Rgb:
    """The picture after the quarter turns nearest to undoing `angle_deg`."""
    quarters = round(angle_deg / 90) % 4
    codes = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
    return picture if quarters == 0 else np.asarray(cv2.rotate(picture, codes[quarters]), dtype=np.uint8)


def _points_back(zone: Zone) -> bool:
    """Whether text runs against the direction that `find_lines` gives its quads."""
    return 135 < zone.angle_deg % 360 <= 315


def _belongs(quad: Quad, rows: tuple[Quad, ...]) -> bool:
    centre = tuple(float(v) for v in quad.mean(axis=0))
    return any(cv2.pointPolygonTest(row, centre, False) >= 0 for row in rows)
