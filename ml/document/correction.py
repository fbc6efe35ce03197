"""Corrections of a misread zone, guided by field types and check digits and never silent (threat 68).

A forged character looks just like a reading slip, so every changed character is reported with its place and ground,
and a zone in which a check digit or a digits-only field guided a change is at most `consider`. A look-alike digit in
a field that can only hold letters (`0` for `O` in a name) leaves one possible reading: it is reported too, and left
to the visual zone to confirm. Fillers restored to bring a line to its length carry no information and are not
corrections, but only count when every check digit then holds.
"""

from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from ml.document.mrz import FORMATS, KINDS, Format, Mrz, parse

_TO_DIGIT: Final = {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "Z": "2", "A": "4", "S": "5", "G": "6", "B": "8"}
_TO_LETTER: Final = {"0": "O", "1": "I", "2": "Z", "4": "A", "5": "S", "6": "G", "8": "B"}
_CONFUSED: Final = {**_TO_DIGIT, **_TO_LETTER}
_MAX_DOUBTFUL: Final = 8


@dataclass(frozen=True)
class Correction:
    """One changed character; `line` and `column` count from 1. `letters_only`: the field's alphabet left no choice."""

    field: str
    line: int
    column: int
    read: str
    taken: str
    letters_only: bool = False

    def __str__(self) -> str:
        return f"{self.field}: line {self.line} column {self.column} read {self.read!r}, taken as {self.taken!r}"


def correct(mrz: Mrz) -> tuple[Mrz, tuple[Correction, ...]]:
    """The most plausible zone and every change made; the zone itself with no changes where nothing helps.

    First characters that a field's type forbids; then, if check digits still fail, the one set of at most two
    confusable characters in the document number or optional data under which all of them hold. Two such sets that
    differ mean that nothing is known, and nothing is changed.
    """
    typed = _by_type(mrz)
    if not typed.valid and (found := _by_digits(typed)) is not None:
        typed = found
    changes = _changes(mrz, typed)
    return (typed, changes) if typed.valid or not mrz.valid else (mrz, ())


def fit_width(text: str, width: int, *, name_line: bool) -> str | None:
    """A line brought to its width by adding or dropping fillers, or None when that cannot be done.

    A name line is filled or cut at its end; another line in its longest run of fillers.
    """
    if len(text) == width:
        return text
    missing = width - len(text)
    if abs(missing) > (width if name_line else 4):
        return None
    runs = _filler_runs(text)
    at = (len(text.rstrip("<")), len(text)) if name_line else max(runs, key=lambda r: r[1] - r[0], default=(0, 0))
    length = at[1] - at[0] + missing
    if length < 0 or (not name_line and at[1] - at[0] < 2) or (name_line and at[0] == at[1] and missing > 0):
        return None
    return text[: at[0]] + "<" * length + text[at[1] :]


def _filler_runs(text: str) -> list[tuple[int, int]]:
    runs, start = [], None
    for position, character in enumerate(text + "."):
        if character == "<" and start is None:
            start = position
        elif character != "<" and start is not None:
            runs.append((start, position))
            start = None
    return runs


def _by_type(mrz: Mrz) -> Mrz:
    fmt = FORMATS[mrz.layout]
    lines = [list(line) for line in mrz.lines]
    for name, (line, start, end) in fmt.spans.items():
        table = {"alpha": _TO_LETTER, "digit": _TO_DIGIT, "sex": {}, "any": {}}[KINDS[name]]
        for column in range(start, end):
            lines[line][column] = table.get(lines[line][column], lines[line][column])
    for _, (line, start, _end) in fmt.digits.values():
        lines[line][start] = _TO_DIGIT.get(lines[line][start], lines[line][start])
    return parse(tuple("".join(line) for line in lines))


def _by_digits(mrz: Mrz) -> Mrz | None:
    """The one way to make all digits hold by up to two confusions in fields of free characters."""
    fmt = FORMATS[mrz.layout]
    doubtful = _doubtful(mrz, fmt)[:_MAX_DOUBTFUL]
    for count in (1, 2):
        found = {}
        for places in combinations(doubtful, count):
            changed = parse(_replaced(mrz.lines, places))
            if changed.valid:
                found[changed.lines] = changed
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _doubtful(mrz: Mrz, fmt: Format) -> list[tuple[int, int]]:
    spans = [fmt.spans[name] for name in ("document_number", "optional_data")]
    places = [(line, column) for line, start, end in spans for column in range(start, end)]
    return [(line, column) for line, column in places if mrz.lines[line][column] in _CONFUSED]


def _replaced(lines: tuple[str, ...], places: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    changed = [list(line) for line in lines]
    for line, column in places:
        changed[line][column] = _CONFUSED[changed[line][column]]
    return tuple("".join(line) for line in changed)


def _changes(before: Mrz, after: Mrz) -> tuple[Correction, ...]:
    fmt = FORMATS[before.layout]
    changes = []
    for line, column in product(range(fmt.lines), range(fmt.width)):
        read, taken = before.lines[line][column], after.lines[line][column]
        if read != taken:
            name = _field_at(fmt, line, column)
            letters = KINDS.get(name) == "alpha"
            changes.append(Correction(name, line + 1, column + 1, read, taken, letters))
    return tuple(changes)


def _field_at(fmt: Format, line: int, column: int) -> str:
    spans = {**fmt.spans, **{f"{name} check digit": at for name, (_, at) in fmt.digits.items()}}
    return next((name for name, (row, start, end) in spans.items() if row == line and start <= column < end), "")
