"""What happened in the demo, chapter by chapter, as plain data that the terminal and the page both render."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape

__all__ = ["Chapter", "Chronicle", "Fact", "Mark", "Picture", "Table"]

Mark = Literal["good", "bad", "plain"]
SIGNS: dict[Mark, tuple[str, str]] = {"good": ("✓", "green"), "bad": ("✗", "red"), "plain": ("·", "white")}


@dataclass(frozen=True)
class Fact:
    """One line a reader should take away, and how far into the story it came, in seconds."""

    text: str
    mark: Mark
    at: float


@dataclass(frozen=True)
class Picture:
    """A picture file, relative to the page, and what it shows."""

    path: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows for the page; a cell that begins with `✓` or `✗` is coloured."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass
class Chapter:
    """One step of the story."""

    number: int
    title: str
    explanation: str
    tell: Callable[[str, Mark], float]
    facts: list[Fact] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    documents: list[tuple[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def say(self, text: str, mark: Mark = "plain") -> None:
        """Record a fact and tell it on the terminal at once."""
        self.facts.append(Fact(text, mark, self.tell(text, mark)))


class Chronicle:
    """Collects chapters and tells each one on the terminal as it happens."""

    def __init__(self, console: Console) -> None:
        self.chapters: list[Chapter] = []
        self._console = console
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._started

    @contextmanager
    def chapter(self, title: str, explanation: str) -> Iterator[Chapter]:
        """Tell one chapter; its time is what the block took."""
        chapter = Chapter(len(self.chapters) + 1, title, explanation, self._tell)
        self.chapters.append(chapter)
        self._console.print(f"\n[bold]{chapter.number}. {title}[/bold]\n   [dim]{explanation}[/dim]")
        begun = time.monotonic()
        try:
            yield chapter
        finally:
            chapter.seconds = time.monotonic() - begun

    def _tell(self, text: str, mark: Mark) -> float:
        sign, style = SIGNS[mark]
        self._console.print(
            f"   [dim]{self.elapsed:5.1f}s[/dim] [{style}]{sign}[/{style}] {escape(text)}", highlight=False
        )
        return self.elapsed
