"""Token Status List vectors, and the two list formats told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from did.status import bitstring, token_status_list

Vectors = Callable[[str], Path]


def _encoded(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text().partition("encoded:")[2])
    return value


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("status_list_encoding_json.md", [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]),
        ("status_list_encoding2_json.md", [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]),
    ],
)
def test_token_status_list_encodings(vectors: Vectors, name: str, statuses: list[int]) -> None:
    path = vectors(f"token-status-list/{name}")
    claim = _encoded(path)
    octets = bytes(int(item, 16) for item in re.findall(r"0x([0-9a-f]{2})", path.read_text()))
    packed, bits = token_status_list.decode(claim)
    assert packed == octets
    assert [token_status_list.get(packed, bits, index) for index in range(len(statuses))] == statuses
    assert token_status_list.encode(packed, bits) == claim
    assert token_status_list.pack_token_list(dict(enumerate(statuses)), len(statuses), bits) == packed


@pytest.mark.threat(49)
def test_a_list_read_in_the_other_bit_order_gives_other_answers() -> None:
    packed = token_status_list.pack_token_list({8: 1}, 131_072, 1)
    bits = bitstring.pack_bits({8}, 131_072)
    assert packed != bits
    assert bitstring.bit_at(bits, 8)
    assert not bitstring.bit_at(packed, 8)
    assert bitstring.bit_at(packed, 15)
    assert token_status_list.get(bits, 1, 15) == 1
