"""Published vectors, read from the shared folder beside the checkout; a test without them skips and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from did.credentials.canonical import LinkedDataProcessor
from did.credentials.contexts import CONTEXTS

_VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors"
_EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], Path]:
    """Path of a vector folder or file."""

    def find(name: str) -> Path:
        path = _VECTORS / name
        if not path.exists():
            pytest.skip(f"the shared vectors have no {name} here")
        return path

    return find


@pytest.fixture(scope="session")
def example_contexts(vectors: Callable[[str], Path]) -> dict[str, dict[str, Any]]:
    """The pinned contexts and the W3C examples context, which catches all terms and is therefore for vectors only."""
    examples = json.loads(vectors("contexts/credentials-examples-v2.jsonld").read_text())
    return {**CONTEXTS, _EXAMPLES: examples}


@pytest.fixture(scope="session")
def processor(example_contexts: dict[str, dict[str, Any]]) -> LinkedDataProcessor:
    return LinkedDataProcessor(example_contexts, allow_inline=True)
