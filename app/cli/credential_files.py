"""Read credential ids from a file of any length: one a line, or CSV with a header that names the column.

A line that is wrong is reported with its number and never guessed at; the file is read as a stream, so its size is no
limit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from app.errors import ServiceError

__all__ = ["IdFile", "InvalidIdFile", "InvalidLine"]

_ID: Final = re.compile(r"cred_[0-9a-f]{32}\Z")
_HEADERS: Final = frozenset({"credential", "credential_id", "id"})
MAX_LINE_CHARS: Final = 4096


class InvalidIdFile(ServiceError):
    """The file has lines that name no credential, so nothing was changed."""

    code = "invalid_id_file"


@dataclass(frozen=True)
class InvalidLine:
    """A line, counted from 1, and what is wrong with it."""

    line: int
    reason: str


class IdFile:
    """Yields ids and, apart from them, what is wrong; reading twice gives the same."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[tuple[int, str] | InvalidLine]:
        """Yield (line number, id) or InvalidLine; empty lines and comments (#) are passed over, repetitions are not."""
        column = 0
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for number, text in enumerate(_bounded_lines(file), start=1):
                if text is None:
                    yield InvalidLine(number, f"longer than {MAX_LINE_CHARS} characters")
                    continue
                line = text.strip()
                if not line or line.startswith("#"):
                    continue
                cells = [cell.strip() for cell in next(csv.reader([line]))]
                if number == 1 and (found := [i for i, cell in enumerate(cells) if cell.lower() in _HEADERS]):
                    column = found[0]
                    continue
                value = cells[column] if column < len(cells) else ""
                if _ID.match(value):
                    yield number, value
                else:
                    yield InvalidLine(number, "not a credential id (cred_ and 32 hexadecimal digits)")


def _bounded_lines(file: TextIO) -> Iterator[str | None]:
    """Lines, or None for one that is too long, which is skipped to its end without being kept."""
    readline = file.readline
    while text := readline(MAX_LINE_CHARS):
        if text.endswith("\n") or len(text) < MAX_LINE_CHARS:
            yield text
            continue
        while (rest := readline(MAX_LINE_CHARS)) and not rest.endswith("\n"):
            pass
        yield None
