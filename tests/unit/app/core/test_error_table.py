"""Every error of every room has one stable code and one row in the HTTP table."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import app
import contracts
import did
import ml
from app.errors import ServiceError
from app.problems import PROBLEMS
from contracts.errors import ChainError
from did.errors import KernelError
from ml.errors import EvidenceError

ROOTS = (ServiceError, KernelError, EvidenceError, ChainError)
OFFLINE = re.compile(r"\.(training|evaluation|vendor)\b")
"""Modules that are run by hand and never by the service; another test may have imported them."""
# Answers of the framework itself, which no class of ours stands for.
FRAMEWORK_CODES = {"internal_error", "invalid_request", "method_not_allowed"}


def _classes() -> list[type[Exception]]:
    for package in (app, contracts, did, ml):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not OFFLINE.search(module.name):
                importlib.import_module(module.name)
    return [found for root in ROOTS for found in _walk(root)]


def _walk(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.partition(".")[0] in {"app", "contracts", "did", "ml"} and not OFFLINE.search(
            child.__module__
        ):
            yield from _walk(child)


@pytest.fixture(scope="module")
def classes() -> list[type[Exception]]:
    return _classes()


def test_every_class_has_a_code_of_its_own(classes: list[type[Exception]]) -> None:
    inherited = [found.__qualname__ for found in classes if "code" not in vars(found)]
    assert inherited == []
    malformed = [found.code for found in classes if not re.fullmatch(r"[a-z][a-z0-9_]*", found.code)]  # type: ignore[attr-defined]
    assert malformed == []


def test_a_code_means_one_thing(classes: list[type[Exception]]) -> None:
    """Two rooms may meet the same condition under one name (an index beyond a list); nothing else shares a code."""
    names: dict[str, set[str]] = {}
    for found in classes:
        names.setdefault(found.code, set()).add(found.__name__)  # type: ignore[attr-defined]
    assert {code: shared for code, shared in names.items() if len(shared) > 1} == {}


def test_every_code_has_a_row(classes: list[type[Exception]]) -> None:
    assert {found.code for found in classes} - set(PROBLEMS) == set()  # type: ignore[attr-defined]


def test_no_row_is_left_over(classes: list[type[Exception]]) -> None:
    assert set(PROBLEMS) - {found.code for found in classes} == FRAMEWORK_CODES  # type: ignore[attr-defined]


def test_rows_are_errors_and_titles_are_sentences() -> None:
    for code, problem in PROBLEMS.items():
        assert 400 <= problem.status <= 599, code
        assert problem.title[0].isupper(), code
        assert not problem.title.endswith("."), code
