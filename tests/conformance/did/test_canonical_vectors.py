"""RFC 8785 and RDFC-1.0 published vectors, and our contexts against the W3C files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from did.credentials import contexts
from did.credentials.canonical import canonicalize_jcs, canonicalize_quads
from did.credentials.canonical.rdfc import Quad
from did.credentials.contexts import CONTEXTS
from did.strict_json import parse

Vectors = Callable[[str], Path]

_TERM = r'(<[^>]*>|_:[^\s]+|"(?:[^"\\]|\\.)*"(?:\^\^<[^>]*>|@[A-Za-z0-9-]+)?)'
_LINE = re.compile(rf"{_TERM}\s+{_TERM}\s+{_TERM}\s*(?:{_TERM}\s*)?\.\Z")


def _quads(text: str) -> list[Quad]:
    quads = []
    for line in text.split("\n"):
        if line.strip():
            match = _LINE.match(line.strip())
            assert match is not None, line
            quads.append((match[1], match[2], match[3], match[4] or ""))
    return quads


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_jcs_output_is_byte_exact(vectors: Vectors, name: str) -> None:
    folder = vectors("jcs-rfc8785")
    given = (folder / "input" / f"{name}.json").read_bytes()
    assert canonicalize_jcs(parse(given)) == (folder / "output" / f"{name}.json").read_bytes()


def test_rdfc_documents_and_identifier_maps(vectors: Vectors) -> None:
    folder = vectors("rdf-canon/rdfc10")
    checked = maps = 0
    for given in sorted(folder.glob("*-in.nq")):
        expected = folder / given.name.replace("-in.nq", "-rdfc10.nq")
        if not expected.exists():
            continue
        text, issued = canonicalize_quads(_quads(given.read_text(encoding="utf-8")))
        assert text == expected.read_text(encoding="utf-8"), given.name
        checked += 1
        names = folder / given.name.replace("-in.nq", "-rdfc10map.json")
        if names.exists():
            expected_names = {f"_:{k}": f"_:{v}" for k, v in json.loads(names.read_text()).items()}
            assert issued == expected_names, given.name
            maps += 1
    assert checked > 20
    assert maps > 3


def test_own_context_copies_say_what_the_w3c_files_say(vectors: Vectors) -> None:
    folder = vectors("contexts")
    published = json.loads((folder / "index.json").read_text())
    ours = json.loads((Path(contexts.__file__).parent / "index.json").read_text())
    compared = 0
    for url, entry in ours.items():
        if url not in published:
            continue
        w3c_bytes = (folder / published[url]["file"]).read_bytes()
        assert CONTEXTS[url] == json.loads(w3c_bytes), url
        if "w3c_sha256" in entry:
            assert hashlib.sha256(w3c_bytes).hexdigest() == entry["w3c_sha256"], url
            assert published[url]["published"].startswith(entry["w3c_sha256"]), url
        compared += 1
    assert compared == 6
