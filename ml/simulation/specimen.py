"""A specimen passport data page of the fictitious state Utopia (UTO), drawn after ICAO Doc 9303 part 4 (TD3).

Only for tests and the demo: it says SPECIMEN across the page, imitates no state's design, and every photograph that
`ml.simulation.camera` takes of it bears the simulator's mark.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ml.document.check_digits import check_digit
from ml.errors import SimulationError
from ml.simulation.selfie import face_box

Rgb = npt.NDArray[np.uint8]
PAGE_SIZE: Final = (1476, 1039)
"""125 mm by 88 mm at 300 dots per inch."""
_FONT: Final = Path(__file__).with_name("fonts") / "OCRB.otf"
_INK: Final = (28, 30, 40)
_LABEL: Final = (70, 84, 120)
_MRZ_PITCH: Final = 30.0
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

BrokenDigit = Literal["document_number", "birth_date", "expiry_date", "composite"]


@dataclass(frozen=True)
class SpecimenFields:
    """What the page says. `broken_digit` makes one MRZ check digit wrong; `printed` overrides texts of the visual zone.

    Keys of `printed`: surname, given_names, document_number, birth_date, expiry_date.
    """

    surname: str = "ERIKSSON"
    given_names: str = "ANNA MARIA"
    document_number: str = "L898902C3"
    birth_date: date = date(1974, 8, 12)
    sex: str = "F"
    issue_date: date = date(2024, 4, 16)
    expiry_date: date = date(2034, 4, 15)
    nationality: str = "UTO"
    issuing_state: str = "UTO"
    personal_number: str = "ZE184226B"
    place_of_birth: str = "ZENITH"
    broken_digit: BrokenDigit | None = None
    printed: Mapping[str, str] = field(default_factory=dict)

    def mrz_lines(self) -> tuple[str, str]:
        """Both lines of the zone; raises SimulationError if a field does not fit or holds unsuitable characters."""
        names = f"{_mrz(self.surname)}<<{_mrz(self.given_names)}"
        first = f"P<{self.issuing_state}{names[:39].ljust(39, '<')}"
        number, birth, expiry = (
            self.document_number.ljust(9, "<"),
            f"{self.birth_date:%y%m%d}",
            f"{self.expiry_date:%y%m%d}",
        )
        personal = self.personal_number.ljust(14, "<")
        try:
            number += self._digit("document_number", number)
            birth += self._digit("birth_date", birth)
            expiry += self._digit("expiry_date", expiry)
            personal += check_digit(personal)
            composite = self._digit("composite", number + birth + expiry + personal)
        except ValueError as error:
            raise SimulationError("a field holds characters that an MRZ cannot") from error
        second = f"{number}{self.nationality}{birth}{self.sex}{expiry}{personal}{composite}"
        if len(first) != 44 or len(second) != 44:
            raise SimulationError("a field does not fit the MRZ")
        return first, second

    def _digit(self, name: BrokenDigit, text: str) -> str:
        right = int(check_digit(text))
        return str((right + 3) % 10 if self.broken_digit == name else right)


def render_specimen(fields: SpecimenFields, portrait: Rgb) -> Rgb:
    """The page as RGB, shape (1039, 1476, 3); the portrait is cropped to its face. Raises SimulationError."""
    page = Image.fromarray(_guilloche())
    draw = ImageDraw.Draw(page)
    _heading(draw, fields)
    page.paste(_photo(portrait, (400, 514)), (60, 190))
    _visual_zone(draw, fields)
    _specimen_overprint(page)
    draw.rectangle((0, 800, PAGE_SIZE[0], PAGE_SIZE[1]), fill=(240, 241, 238))
    for row, line in enumerate(fields.mrz_lines()):
        for column, character in enumerate(line):
            draw.text((78 + column * _MRZ_PITCH, 856 + row * 74), character, font=_font(49), fill=_INK)
    return np.array(page, dtype=np.uint8)


def printed_date(day: date) -> str:
    """A date as the visual zone shows it, for instance `12 AUG 1974`."""
    return f"{day.day:02d} {_MONTHS[day.month - 1]} {day.year}"


def _heading(draw: ImageDraw.ImageDraw, fields: SpecimenFields) -> None:
    draw.text((60, 52), "PASSPORT", font=_plain(54), fill=(30, 52, 110))
    draw.text((500, 48), "UTOPIA", font=_plain(60), fill=(30, 52, 110))
    for x, label, value in ((860, "Type", "P"), (980, "Code", fields.issuing_state), (1140, "Passport No.", "")):
        draw.text((x, 52), label, font=_plain(21), fill=_LABEL)
        draw.text((x, 84), value, font=_font(36), fill=_INK)
    number = fields.printed.get("document_number", fields.document_number)
    draw.text((1140, 84), number, font=_font(36), fill=_INK)
    draw.line((40, 150, PAGE_SIZE[0] - 40, 150), fill=(120, 140, 180), width=3)


def _visual_zone(draw: ImageDraw.ImageDraw, fields: SpecimenFields) -> None:
    printed = fields.printed
    rows = (
        (500, 185, "Surname", printed.get("surname", fields.surname)),
        (500, 280, "Given names", printed.get("given_names", fields.given_names)),
        (500, 375, "Nationality", "UTOPIAN"),
        (500, 470, "Date of birth", printed.get("birth_date", printed_date(fields.birth_date))),
        (960, 470, "Sex", fields.sex),
        (1100, 470, "Place of birth", fields.place_of_birth),
        (500, 565, "Date of issue", printed_date(fields.issue_date)),
        (960, 565, "Authority", "PASSPORT OFFICE"),
        (500, 660, "Date of expiry", printed.get("expiry_date", printed_date(fields.expiry_date))),
    )
    for x, y, label, value in rows:
        draw.text((x, y), label, font=_plain(21), fill=_LABEL)
        draw.text((x, y + 30), value, font=_font(40), fill=_INK)


def _specimen_overprint(page: Image.Image) -> None:
    layer = Image.new("RGBA", page.size, (0, 0, 0, 0))
    text = ImageDraw.Draw(layer)
    text.text((1010, 655), "SPECIMEN", font=_plain(76), fill=(190, 40, 50, 120))
    layer = layer.rotate(8, center=(1180, 700), resample=Image.Resampling.BICUBIC)
    page.paste(Image.alpha_composite(page.convert("RGBA"), layer).convert("RGB"))


def _photo(portrait: Rgb, size: tuple[int, int]) -> Image.Image:
    """The portrait as a passport photograph: the face about half of the width."""
    left, top, width = face_box(portrait)
    half = width * 0.98
    centre_x, centre_y = left + width / 2, top + width * 0.47
    tall = half * size[1] / size[0]
    left_x, right_x, top_y, low_y = centre_x - half, centre_x + half, centre_y - tall, centre_y + tall
    source = np.array([[left_x, top_y], [right_x, top_y], [left_x, low_y]])
    target = np.array([[0, 0], [size[0], 0], [0, size[1]]])
    move = cv2.getAffineTransform(source.astype(np.float32), target.astype(np.float32))
    cut = cv2.warpAffine(portrait, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Image.fromarray(np.asarray(cut, dtype=np.uint8))


@cache
def _guilloche() -> Rgb:
    """A tinted background of fine interlaced waves and a rosette."""
    width, height = PAGE_SIZE
    across = np.linspace(0, 1, width)[None, :, None]
    tint = (1 - across) * np.array([218, 230, 240]) + across * np.array([240, 226, 222])
    page = np.repeat(tint, height, axis=0).astype(np.uint8).copy()
    xs = np.arange(0, width, 3)
    for index in range(58):
        ys = 18 * index + 22 * np.sin(xs / 74 + index * 0.42) + 8 * np.sin(xs / 23 - index * 0.9)
        colour = ((176, 196, 222), (222, 190, 196), (186, 214, 196))[index % 3]
        cv2.polylines(page, [np.stack([xs, ys], axis=1).astype(np.int32)], False, colour, 1, cv2.LINE_AA)
    angle = np.linspace(0, 2 * np.pi, 2400)
    for index in range(12):
        radius = 180 + 62 * np.sin(17 * angle + index * 0.52)
        points = np.stack([900 + radius * np.cos(angle), 470 + radius * np.sin(angle)], axis=1)
        cv2.polylines(page, [points.astype(np.int32)], True, (196, 206, 228), 1, cv2.LINE_AA)
    return page


def _mrz(text: str) -> str:
    return text.upper().replace("-", "<").replace(" ", "<").replace("'", "")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONT), size)


@cache
def _plain(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
