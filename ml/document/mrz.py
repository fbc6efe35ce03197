"""The machine-readable zone of ICAO Doc 9303: layouts TD1, TD2, TD3, MRV-A and MRV-B, parsed without guessing.

Parsing never changes a character. Whether a check digit holds is reported per field; what a zone with wrong digits may
still be taken for is `ml.document.correction`'s business, and is always reported.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from ml.document.check_digits import ALPHABET, check_digit
from ml.errors import MrzUnreadable

Layout = Literal["TD1", "TD2", "TD3", "MRV-A", "MRV-B"]
Kind = Literal["alpha", "digit", "any", "sex"]
Span = tuple[int, int, int]
"""Line, first column, column after the last."""


@dataclass(frozen=True)
class Format:
    """Where each field lies, which spans each check digit covers, and what kind of characters a span may hold."""

    layout: Layout
    lines: int
    width: int
    spans: dict[str, Span]
    digits: dict[str, tuple[tuple[Span, ...], Span]]


def _two_lines(layout: Layout, width: int, optional_end: int, *, composite: bool, personal: bool) -> Format:
    spans: dict[str, Span] = {
        "document_code": (0, 0, 2),
        "issuing_state": (0, 2, 5),
        "names": (0, 5, width),
        "document_number": (1, 0, 9),
        "nationality": (1, 10, 13),
        "birth_date": (1, 13, 19),
        "sex": (1, 20, 21),
        "expiry_date": (1, 21, 27),
        "optional_data": (1, 28, optional_end),
    }
    digits: dict[str, tuple[tuple[Span, ...], Span]] = {
        "document_number": (((1, 0, 9),), (1, 9, 10)),
        "birth_date": (((1, 13, 19),), (1, 19, 20)),
        "expiry_date": (((1, 21, 27),), (1, 27, 28)),
    }
    if personal:
        digits["optional_data"] = (((1, 28, optional_end),), (1, optional_end, optional_end + 1))
    if composite:
        digits["composite"] = (((1, 0, 10), (1, 13, 20), (1, 21, width - 1)), (1, width - 1, width))
    return Format(layout, 2, width, spans, digits)


_TD1: Final = Format(
    "TD1",
    3,
    30,
    {
        "document_code": (0, 0, 2),
        "issuing_state": (0, 2, 5),
        "document_number": (0, 5, 14),
        "optional_data": (0, 15, 30),
        "birth_date": (1, 0, 6),
        "sex": (1, 7, 8),
        "expiry_date": (1, 8, 14),
        "nationality": (1, 15, 18),
        "names": (2, 0, 30),
    },
    {
        "document_number": (((0, 5, 14),), (0, 14, 15)),
        "birth_date": (((1, 0, 6),), (1, 6, 7)),
        "expiry_date": (((1, 8, 14),), (1, 14, 15)),
        "composite": (((0, 5, 30), (1, 0, 7), (1, 8, 15), (1, 18, 29)), (1, 29, 30)),
    },
)
FORMATS: Final[dict[Layout, Format]] = {
    "TD1": _TD1,
    "TD2": _two_lines("TD2", 36, 35, composite=True, personal=False),
    "TD3": _two_lines("TD3", 44, 42, composite=True, personal=True),
    "MRV-A": _two_lines("MRV-A", 44, 44, composite=False, personal=False),
    "MRV-B": _two_lines("MRV-B", 36, 36, composite=False, personal=False),
}
KINDS: Final[dict[str, Kind]] = {
    "document_code": "alpha",
    "issuing_state": "alpha",
    "names": "alpha",
    "document_number": "any",
    "nationality": "alpha",
    "birth_date": "digit",
    "sex": "sex",
    "expiry_date": "digit",
    "optional_data": "any",
}


@dataclass(frozen=True)
class Mrz:
    """A zone of one layout: its lines and, per check digit, whether it holds."""

    layout: Layout
    lines: tuple[str, ...]
    digits: dict[str, bool]

    @property
    def valid(self) -> bool:
        """Whether every check digit of the layout holds."""
        return all(self.digits.values())

    def text(self, name: str) -> str:
        """The raw characters of a field."""
        return cut(self.lines, FORMATS[self.layout].spans[name])

    @property
    def document_number(self) -> str:
        """The document number, with the part that overflows into the optional data of TD1 and TD2."""
        number, overflow = self.text("document_number"), self._overflow()
        return (number + overflow[:-1] if overflow else number).rstrip("<")

    @property
    def names(self) -> tuple[str, str]:
        """Surname and given names, fillers as spaces."""
        surname, _, given = self.text("names").rstrip("<").partition("<<")
        return " ".join(surname.replace("<", " ").split()), " ".join(given.replace("<", " ").split())

    @property
    def names_truncated(self) -> bool:
        """Whether the name field is full to its last position, which marks a truncated name (Doc 9303-3, 4.6)."""
        return not self.text("names").endswith("<")

    def _overflow(self) -> str:
        return overflow(self.layout, self.lines)


def parse(lines: tuple[str, ...]) -> Mrz:
    """Recognise the layout by the number and length of the lines and their first letter; raises MrzUnreadable."""
    if any(character not in ALPHABET for line in lines for character in line):
        raise MrzUnreadable("characters outside the MRZ alphabet")
    for layout, fmt in FORMATS.items():
        fits = len(lines) == fmt.lines and all(len(line) == fmt.width for line in lines)
        if fits and lines[0].startswith("V") == layout.startswith("MRV"):
            return Mrz(layout, lines, {name: _holds(fmt, lines, name) for name in fmt.digits})
    raise MrzUnreadable("no layout has lines of these lengths")


def cut(lines: tuple[str, ...], span: Span) -> str:
    """The characters of a span."""
    return lines[span[0]][span[1] : span[2]]


def overflow(layout: Layout, lines: tuple[str, ...]) -> str:
    """The rest of a long document number with its check digit (TD1 and TD2 only), or an empty string."""
    fmt = FORMATS[layout]
    if layout not in ("TD1", "TD2") or cut(lines, fmt.digits["document_number"][1]) != "<":
        return ""
    rest = cut(lines, fmt.spans["optional_data"]).split("<")[0]
    return rest if len(rest) > 1 else ""


def _holds(fmt: Format, lines: tuple[str, ...], name: str) -> bool:
    covered, at = fmt.digits[name]
    text, digit = "".join(cut(lines, span) for span in covered), cut(lines, at)
    if name == "document_number" and (rest := overflow(fmt.layout, lines)):
        text, digit = text + rest[:-1], rest[-1]
    if name == "optional_data" and digit == "<":
        return set(text) == {"<"}
    return digit == check_digit(text)


def birth_date(six: str, today: date) -> date | None:
    """YYMMDD as the latest such date that is not after `today`; None if it is no complete calendar date."""
    century = today.year - today.year % 100
    found = [_dated(six, base) for base in (century, century - 100)]
    return next((day for day in found if day is not None and day <= today), None)


def expiry_date(six: str, today: date) -> date | None:
    """YYMMDD in the century that puts it nearest to `today`; None if it is no calendar date."""
    century = today.year - today.year % 100
    found = [_dated(six, base) for base in (century - 100, century, century + 100)]
    return min((day for day in found if day is not None), key=lambda day: abs(day - today), default=None)


def _dated(six: str, century: int) -> date | None:
    if len(six) != 6 or not (six.isascii() and six.isdigit()):
        return None
    try:
        return date(century + int(six[:2]), int(six[2:4]), int(six[4:]))
    except ValueError:
        return None
