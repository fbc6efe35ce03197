"""The visual zone against the machine-readable zone: number, dates of birth and expiry, surname (ICAO Doc 9303-3).

Whoever alters one zone must alter the other alike; this is the strongest sign of forgery a camera can see without a
chip. Names are compared after ICAO transliteration; dates in the usual printed forms. Each field agrees, differs, or is
not found (unreadable), and only found texts can disagree.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Final, Literal

Agreement = Literal["agrees", "differs", "not_found"]

_NEAR: Final = 0.6
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "JAN JANV ENE GEN STY",
            "FEB FEV FEVR LUT",
            "MAR MARS MRZ MAERZ",
            "APR AVR ABR KWI",
            "MAY MAI MAJ MAG",
            "JUN JUIN GIU CZE",
            "JUL JUIL LUG LIP",
            "AUG AOUT AGO SIE",
            "SEP SEPT SET WRZ",
            "OCT OKT OTT PAZ",
            "NOV LIS",
            "DEC DEZ DIC GRU",
        ),
        start=1,
    )
    for name in names.split()
}
_SPECIAL: Final = {
    "Ä": ("AE", "A"),
    "Ö": ("OE", "O"),
    "Ü": ("UE", "UXX", "U"),
    "Å": ("AA", "A"),
    "Æ": ("AE",),
    "Ø": ("OE", "O"),
    "ß": ("SS",),
    "Ñ": ("N", "NXX"),
    "Ð": ("D",),
    "Þ": ("TH",),
    "Ł": ("L",),
    "Œ": ("OE",),
    "Ĳ": ("IJ",),
    "Đ": ("D",),
    "ı": ("I",),
}
_LOOKALIKE: Final = str.maketrans("OQILZSB", "0011258")


@dataclass(frozen=True)
class Consistency:
    """Per field, whether the visual zone agrees."""

    fields: dict[str, Agreement]

    def which(self, state: Agreement) -> list[str]:
        """Names of the fields in a state."""
        return [name for name, found in self.fields.items() if found == state]


def compare(texts: Sequence[str], *, number: str, surname: str, birth: date, expiry: date) -> Consistency:
    """Look for four values of the MRZ among the recognised texts of the rest of the page."""
    days = {day for text in texts for day in dates_in(text)}
    return Consistency(
        {
            "document_number": _number(texts, number),
            "surname": _name(texts, surname),
            "birth_date": _day(days, birth, expiry),
            "expiry_date": _day(days, expiry, birth),
        }
    )


def dates_in(text: str) -> set[date]:
    """Every calendar date printed in a text, day first or year first, months in digits or in short names."""
    plain = fold(text)
    found: set[date] = set()
    for day, month, year in re.findall(r"(?<!\d)(\d{1,2})[ ./-]{0,3}(\d{1,2})[ ./-]{0,3}(\d{4})(?!\d)", plain):
        _add(found, year, month, day)
    for year, month, day in re.findall(r"(?<!\d)(\d{4})[ ./-]{1,3}(\d{1,2})[ ./-]{1,3}(\d{1,2})(?!\d)", plain):
        _add(found, year, month, day)
    pattern = r"(?<![\dA-Z])([\dO]{1,2})[ .-]{0,3}([A-Z]{3,5})\.?(?: ?/ ?[A-Z]{3,5}\.?)?[ .-]{0,3}(\d{4}|\d{2})(?!\d)"
    for day, month, year in re.findall(pattern, plain):
        if month in _MONTHS:
            for full in (year,) if len(year) == 4 else (f"19{year}", f"20{year}"):
                _add(found, full, str(_MONTHS[month]), day.replace("O", "0"))
    return found


def fold(text: str) -> str:
    """Capital letters without accents, one space between words."""
    plain = unicodedata.normalize("NFKD", text.upper())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def transliterations(text: str) -> set[str]:
    """The forms a printed name may take in an MRZ (Doc 9303-3 section 6), letters only, at most 32 of them."""
    forms = [""]
    for character in unicodedata.normalize("NFC", text.upper()):
        options = _SPECIAL.get(character) or (_letters(character),)
        forms = [form + option for form in forms for option in options][:32]
    return set(forms)


def _letters(text: str) -> str:
    return "".join(c for c in fold(text) if c.isascii() and c.isalpha())


def _add(found: set[date], year: str, month: str, day: str) -> None:
    try:
        found.add(date(int(year), int(month), int(day)))
    except ValueError:
        return


def _day(days: Iterable[date], wanted: date, other: date) -> Agreement:
    """A date that nearly is the wanted one (two of its three parts), or two dates without it, contradict it."""
    seen = set(days)
    if wanted in seen:
        return "agrees"
    rest = seen - {other}
    near = any((day.year == wanted.year) + (day.month == wanted.month) + (day.day == wanted.day) >= 2 for day in rest)
    return "differs" if near or len(rest) >= 2 else "not_found"


def _number(texts: Sequence[str], number: str) -> Agreement:
    tokens = {"".join(c for c in fold(text) if c.isalnum()) for text in texts}
    tokens |= {"".join(c for c in word if c.isalnum()) for text in texts for word in fold(text).split()}
    if any(number.translate(_LOOKALIKE) in token.translate(_LOOKALIKE) for token in tokens):
        return "agrees"
    same = [token for token in tokens if abs(len(token) - len(number)) <= 1 and any(c.isdigit() for c in token)]
    near = max((SequenceMatcher(None, token, number, autojunk=False).ratio() for token in same), default=0.0)
    return "differs" if near >= _NEAR else "not_found"


def _name(texts: Sequence[str], surname: str) -> Agreement:
    wanted = _letters(surname)
    if not wanted:
        return "not_found"
    forms = {form for text in texts for form in transliterations(text) if form}
    if any(wanted in form or (len(wanted) >= 20 and form.startswith(wanted)) for form in forms):
        return "agrees"
    near = max((SequenceMatcher(None, form, wanted, autojunk=False).ratio() for form in forms), default=0.0)
    return "differs" if near >= _NEAR else "not_found"
