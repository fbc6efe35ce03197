"""Tables of a model card: generated between two markers, so that what a card says is what a command measured."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.errors import EvidenceError

ROOT = Path(__file__).resolve().parents[2]
CARDS = ROOT / "docs" / "models"
RESULTS = Path(__file__).parent
CACHE = ROOT / "build" / "evaluation"


class DataAbsent(EvidenceError):
    """The evaluation data set is not where the command looks for it."""

    code = "evaluation_data_absent"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def put_table(card: Path, name: str, markdown: str) -> None:
    """Replace what stands between a card's `<!-- table: name -->` and `<!-- end -->`; raises ValueError if absent."""
    text = card.read_text()
    begin, end = f"<!-- table: {name} -->\n", "\n<!-- end -->"
    start = text.index(begin) + len(begin)
    card.write_text(text[:start] + "\n" + markdown + "\n" + text[text.index(end, start) :])


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Write a result as sorted JSON beside the evaluation code."""
    path = RESULTS / name
    path.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
    return path


def read_result(name: str) -> dict[str, Any]:
    """Read a committed result."""
    result: dict[str, Any] = json.loads((RESULTS / name).read_text())
    return result


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of a proportion; (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def percent(value: float, digits: int = 2) -> str:
    """A share as a percentage."""
    return f"{100 * value:.{digits}f} %"
