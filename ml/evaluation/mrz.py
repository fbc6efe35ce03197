"""Measure MRZ reading on specimens collected by others: `python -m ml.evaluation.mrz [data folder]`.

"Valid" means that every check digit of the layout holds, composite included; that is counted as read and after
reported corrections. Each file is also read turned by a quarter and by half, which the pipeline must undo by itself.
The files that bear no zone must yield none. One specimen's own check digits are wrong by design: it counts as not
valid all the same.
"""

import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from ml.document.text import Rgb, TextReader
from ml.document.zone import Zone, read_zone
from ml.errors import MrzUnreadable
from ml.evaluation.card import CARDS, DataAbsent, percent, put_table, table, wilson, write_result
from ml.models import ModelStore

WITHOUT_ZONE: Final = frozenset({"pacman.jpg", "pacman.png"})
TURNS: Final = {"upright": None, "half turn": cv2.ROTATE_180, "quarter turn": cv2.ROTATE_90_CLOCKWISE}


def read_file(reader: TextReader, picture: Rgb) -> tuple[Zone | None, float]:
    """The zone, or None, and the CPU seconds it took."""
    started = time.process_time()
    try:
        zone: Zone | None = read_zone(reader, picture, reader.find_lines(picture))
    except MrzUnreadable:
        zone = None
    return zone, time.process_time() - started


def evaluate(data: Path, reader: TextReader) -> dict[str, Any]:
    """Read every listed file in every turn; returns aggregates and one line per file without its contents."""
    folder = data / "docs-mrz"
    if not (folder / "files.csv").exists():
        raise DataAbsent("docs-mrz is not in the data folder")
    names = [row["file"] for row in csv.DictReader((folder / "files.csv").open())]
    files: dict[str, dict[str, Any]] = {name: {} for name in names}
    spent = []
    for name in names:
        with Image.open(folder / name) as image:
            picture = np.array(image.convert("RGB"), dtype=np.uint8)
        for turn, code in TURNS.items():
            view = picture if code is None else np.asarray(cv2.rotate(picture, code), dtype=np.uint8)
            zone, seconds = read_file(reader, view)
            spent += [seconds] if turn == "upright" else []
            files[name][turn] = _summary(zone)
    return {"files": files, "totals": _totals(files), "cpu_s_median": float(np.median(spent)), "cpu_s_max": max(spent)}


def _summary(zone: Zone | None) -> dict[str, Any]:
    if zone is None:
        return {"found": False, "as_read": False, "valid": False, "corrected": 0, "guided": 0}
    guided = sum(not correction.letters_only for correction in zone.corrections)
    return {
        "found": True,
        "layout": zone.mrz.layout,
        "as_read": zone.as_read.valid,
        "valid": zone.mrz.valid,
        "corrected": len(zone.corrections),
        "guided": guided,
    }


def _totals(files: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    bearing = [file for name, file in files.items() if name not in WITHOUT_ZONE]
    totals = {}
    for turn in TURNS:
        totals[turn] = {
            "files": len(bearing),
            "found": sum(file[turn]["found"] for file in bearing),
            "valid_as_read": sum(file[turn]["as_read"] for file in bearing),
            "valid_after_correction": sum(file[turn]["valid"] for file in bearing),
            "valid_without_any_correction": sum(
                file[turn]["as_read"] and file[turn]["corrected"] == 0 for file in bearing
            ),
            "found_where_there_is_none": sum(files[name][turn]["found"] for name in WITHOUT_ZONE if name in files),
        }
    return totals


def write_card(result: dict[str, Any]) -> None:
    """Put the tables into the card."""
    rows = []
    for turn in TURNS:
        one = result["totals"][turn]
        low, high = wilson(one["valid_as_read"], one["files"])
        share = percent(one["valid_as_read"] / one["files"], 1)
        rows.append(
            (
                turn,
                one["files"],
                one["found"],
                f"{one['valid_as_read']} ({share}, {percent(low, 0)} to {percent(high, 0)})",
                one["valid_after_correction"],
                one["valid_without_any_correction"],
                one["found_where_there_is_none"],
            )
        )
    head = (
        "turn",
        "files",
        "zone found",
        "valid as read (95 %)",
        "after corrections",
        "no character changed",
        "false zones",
    )
    put_table(CARDS / "mrz.md", "totals", table(head, rows))
    rows = [
        (
            name,
            file["upright"].get("layout", "none"),
            *("yes" if file[turn]["valid"] else "no" for turn in TURNS),
            file["upright"]["corrected"],
        )
        for name, file in sorted(result["files"].items())
    ]
    put_table(CARDS / "mrz.md", "files", table(("file", "layout", *TURNS, "characters changed"), rows))


def main(arguments: Sequence[str]) -> int:
    """Run the evaluation and write its files."""
    data = Path(arguments[0]) if arguments else Path("../shared/data")
    result = evaluate(data, TextReader(ModelStore.default()))
    write_result("mrz.json", result)
    write_card(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
