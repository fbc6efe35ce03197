"""W3C VC data model 2.0 test inputs: every -ok is accepted, every -fail refused, form and terms together.

As in the W3C suite, a missing issuer is filled in, and FUTURE DATE and PAST DATE are replaced by times.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from did.credentials.canonical import LinkedDataProcessor
from did.credentials.vcdm import check_credential, check_presentation
from did.errors import KernelError

Vectors = Callable[[str], Path]
ISSUER = "did:key:z6MkpJySvETLnxhQG9DzEdmKJtysBDjuuTeDfUj1uNNCUqcj"


def _load(path: Path) -> dict[str, Any]:
    text = path.read_text().replace("FUTURE DATE", "2035-01-01T00:00:00Z").replace("PAST DATE", "2015-01-01T00:00:00Z")
    document: dict[str, Any] = json.loads(text)
    if path.name.startswith("credential-") or path.name.startswith("issuer-"):
        if "issuer" not in document and "no-issuer" not in path.name:
            document["issuer"] = ISSUER
        elif isinstance(document.get("issuer"), dict) and "id" not in document["issuer"]:
            document["issuer"]["id"] = ISSUER
    return document


def _check(document: dict[str, Any], processor: LinkedDataProcessor) -> None:
    if "VerifiablePresentation" in str(document.get("type")):
        check_presentation(document)
    else:
        check_credential(document)
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    processor.quads(unsecured)


def test_every_input_is_judged_as_labelled(vectors: Vectors, processor: LinkedDataProcessor) -> None:
    seen = {"ok": 0, "fail": 0}
    wrong = []
    for path in sorted(vectors("vcdm20/input").rglob("*.json")):
        label = path.stem.rpartition("-")[2]
        if path.stem == "presentation-no-type-fail":
            document = _load(path)
            with pytest.raises(KernelError):
                check_presentation(document)
            seen["fail"] += 1
            continue
        try:
            _check(_load(path), processor)
            judged = "ok"
        except KernelError as error:
            judged = "fail"
            if label == "ok":
                wrong.append((path.name, error.code, error.pointer, error.detail))
        if judged == "ok" and label == "fail":
            wrong.append((path.name, "accepted", "", ""))
        seen[label] += 1
    assert wrong == []
    assert seen["ok"] > 60
    assert seen["fail"] > 20
