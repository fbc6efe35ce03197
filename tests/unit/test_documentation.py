"""What the pages tell a reader to type exists, with these options and values; what they link to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from app.cli.main import app
from app.credentials.states import REASONS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
COMMANDS = typer.main.get_command(app)


def _typed_commands(page: Path) -> list[list[str]]:
    text = page.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    spans = [span for span in re.findall(r"`((?:assay) [^`]+)`", text) if "--" in span or " " in span]
    typed = [shlex.split(line, comments=True) for line in [*lines, *spans]]
    return [words[1:] for words in typed if words and words[0].rpartition("/")[2] == "assay"]


def _assert_known(words: list[str]) -> None:
    command: Any = COMMANDS
    while (commands := getattr(command, "commands", None)) and words and not words[0].startswith("-"):
        assert words[0] in commands, f"there is no command {words[0]!r}"
        command, words = commands[words[0]], words[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    for position, word in enumerate(words):
        if word.startswith("--") and word != "--help":
            assert word in known, f"{command.name} has no option {word}"
        if word == "--reason" and command.name in {"revoke", "suspend", "reinstate"}:
            assert words[position + 1] in REASONS, f"{words[position + 1]} is not a reason"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_a_page_shows_exists(page: Path) -> None:
    for words in _typed_commands(page):
        _assert_known(words)


def test_the_readme_shows_commands_at_all() -> None:
    assert len(_typed_commands(ROOT / "README.md")) >= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{target} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_a_page_names_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:app|did|ml|contracts|tests|docs|migrations)/[\w./-]+)`", page.read_text()):
        assert (ROOT / name).exists(), f"{page.name} names {name}, which is not there"
