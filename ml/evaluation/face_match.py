"""Choose the face thresholds and measure them on other people: `python -m ml.evaluation.face_match [data folder]`.

People are split once, by a hash of their label, into development and test; the match threshold is chosen on
development people only, then false matches and false non-matches are counted on the test people, with intervals by
resampling people (pairs of one person are not independent). Only aggregates are written. Embeddings are kept under
`build/` by the digest of picture and models. Pictures go through the gate's own finder and embedder.
"""

import csv
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.evaluation.card import CACHE, CARDS, DataAbsent, percent, put_table, table, write_result
from ml.face.embedding import DIMENSIONS, FaceEmbedder
from ml.face.landmarks import DETECTION_SIDE_PX, FaceFinder
from ml.models import ModelStore

SETS: Final = {"faces-caltech101": "colour, about 280x330", "faces-orl": "grey, 92x112"}
GOAL_FMR: Final = 1e-4
REVIEW_FMR: Final = 1e-2
STEP: Final = 0.005
RESAMPLES: Final = 2000
_Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One acquired picture: its set, its person and its embedding."""

    source: str
    person: str
    embedding: _Array


@dataclass(frozen=True)
class Pairs:
    """Distances of all pairs of some samples; `first` and `second` index `people`."""

    people: tuple[str, ...]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    distance: _Array

    @property
    def genuine(self) -> npt.NDArray[np.bool_]:
        """Which pairs show one person."""
        return np.asarray(self.first == self.second)


def is_test_person(person: str) -> bool:
    """The fixed split: about half of all people, by a hash of their label."""
    return hashlib.sha256(b"assay face split 1 " + person.encode()).digest()[0] % 2 == 1


def pairs_of(samples: Sequence[Sample]) -> Pairs:
    """Every unordered pair once."""
    people = tuple(sorted({sample.person for sample in samples}))
    index = np.array([people.index(sample.person) for sample in samples])
    block = np.stack([sample.embedding for sample in samples])
    row, column = np.triu_indices(len(samples), 1)
    apart = np.sqrt(np.maximum(0, ((block[row] - block[column]) ** 2).sum(axis=1)))
    return Pairs(people, index[row], index[column], apart)


def choose(groups: Sequence[Pairs], goal: float) -> float:
    """The largest threshold, on a grid of 0.005, with FMR at most `goal` in every group of development pairs."""
    limits = []
    for pairs in groups:
        impostors = np.sort(pairs.distance[~pairs.genuine])
        allowed = int(goal * len(impostors))
        limits.append(float(impostors[allowed]))
    return float(np.floor(min(limits) / STEP - 1e-9) * STEP)


def rates(pairs: Pairs, threshold: float, rng: np.random.Generator) -> dict[str, Any]:
    """FMR and FNMR at a threshold with 95 % intervals by resampling people."""
    matched = pairs.distance <= threshold
    count = len(pairs.people)
    wrong, total = np.zeros((2, count, count)), np.zeros((2, count, count))
    kind = pairs.genuine.astype(int)
    np.add.at(total, (kind, pairs.first, pairs.second), 1)
    np.add.at(wrong, (kind, pairs.first, pairs.second), np.where(pairs.genuine, ~matched, matched))
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
        drawn.append((_share(wrong[0], total[0], np.outer(times, times)), _share(wrong[1], total[1], np.diag(times))))
    low, high = np.nanpercentile(np.array(drawn), [2.5, 97.5], axis=0)
    result: dict[str, Any] = {"people": count}
    for position, name in enumerate(("fmr", "fnmr")):
        trials, errors = int(total[position].sum()), int(wrong[position].sum())
        result[name] = {
            "errors": errors,
            "trials": trials,
            "rate": errors / max(1, trials),
            "low": float(low[position]),
            "high": float(high[position]),
            "upper_if_pairs_independent": 3 / max(1, trials) if errors == 0 else None,
        }
    return result


def _share(wrong: _Array, total: _Array, weight: _Array) -> float:
    trials = float((total * weight).sum())
    return float((wrong * weight).sum()) / trials if trials else float("nan")


def acquire(data: Path, models: ModelStore) -> tuple[list[Sample], dict[str, tuple[int, int]]]:
    """Embeddings of both sets, and per set how many pictures there are and in how many no face was found."""
    key = ".".join(ref.sha256[:16] for ref in (models.ref("face.landmarks5"), models.ref("face.embedding")))
    store = CACHE / f"faces-{DETECTION_SIDE_PX}-{key}.npz"
    known = dict(np.load(store)) if store.exists() else {}
    finder, embedder = FaceFinder(models), FaceEmbedder(models)
    samples, counts = [], {}
    for source in SETS:
        listing = data / source / "files.csv"
        if not listing.exists():
            raise DataAbsent(f"{source} is not in the data folder")
        missed = 0
        rows = list(csv.DictReader(listing.open()))
        for row in rows:
            if row["sha256"] not in known:
                known[row["sha256"]] = _embed(data / source / row["file"], finder, embedder)
            vector = known[row["sha256"]]
            if np.isfinite(vector).all():
                samples.append(Sample(source, f"{source}/{row['group']}", vector))
            else:
                missed += 1
        counts[source] = (len(rows), missed)
    CACHE.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(store, **known)
    return samples, counts


def _embed(path: Path, finder: FaceFinder, embedder: FaceEmbedder) -> _Array:
    with Image.open(path) as image:
        picture = np.array(image.convert("RGB"), dtype=np.uint8)
    faces = finder.find(picture)
    return embedder.embed(picture, faces[0]) if faces else np.full(DIMENSIONS, np.nan)


def evaluate(samples: Sequence[Sample], counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Thresholds from development people, error rates on test people."""
    development = [sample for sample in samples if not is_test_person(sample.person)]
    test = [sample for sample in samples if is_test_person(sample.person)]
    if {sample.person for sample in development} & {sample.person for sample in test}:
        raise AssertionError("a person is in both parts")
    by_set = [[sample for sample in development if sample.source == source] for source in SETS]
    groups = [pairs_of(part) for part in (*by_set, development)]
    match, review = choose(groups, GOAL_FMR), choose(groups, REVIEW_FMR)
    rng = np.random.default_rng(20261125)
    parts = {source: [sample for sample in test if sample.source == source] for source in SETS} | {"all": list(test)}
    return {
        "thresholds": {"match": round(match, 3), "review": round(review, 3)},
        "goal": {"match_fmr": GOAL_FMR, "review_fmr": REVIEW_FMR},
        "development": {name: rates(pairs, match, rng) for name, pairs in zip((*SETS, "all"), groups, strict=True)},
        "test_at_match": {name: rates(pairs_of(part), match, rng) for name, part in parts.items()},
        "test_at_review": {name: rates(pairs_of(part), review, rng) for name, part in parts.items()},
        "test_at_library_default_0.6": {name: rates(pairs_of(part), 0.6, rng) for name, part in parts.items()},
        "failure_to_acquire": {name: {"pictures": n, "no_face": missed} for name, (n, missed) in counts.items()},
    }


def write_card(result: dict[str, Any]) -> None:
    """Put the tables into the card."""
    rows = []
    for part in ("development", "test_at_match", "test_at_review", "test_at_library_default_0.6"):
        for name in (*SETS, "all"):
            found = result[part][name]
            cells = [part.replace("_", " "), name, found["people"]]
            for kind in ("fmr", "fnmr"):
                one = found[kind]
                interval = f"{percent(one['low'], 3)} to {percent(one['high'], 3)}"
                cells += [f"{percent(one['rate'], 3)} ({one['errors']}/{one['trials']})", interval]
            rows.append(cells)
    head = ("part", "pictures", "people", "FMR", "95 % by person", "FNMR", "95 % by person")
    put_table(CARDS / "face-match.md", "errors", table(head, rows))
    acquired = [(name, result["failure_to_acquire"][name]) for name in SETS]
    lost = [
        (name, SETS[name], one["pictures"], one["no_face"], percent(one["no_face"] / one["pictures"]))
        for name, one in acquired
    ]
    put_table(CARDS / "face-match.md", "acquire", table(("pictures", "what", "n", "no face found", "share"), lost))
    limits = result["thresholds"]
    put_table(
        CARDS / "face-match.md",
        "thresholds",
        table(
            ("distance", "result"),
            (
                (f"up to {limits['match']}", "match (`clear`)"),
                (f"above {limits['match']}, up to {limits['review']}", "a person decides (`face_uncertain`)"),
                (f"above {limits['review']}", "another person (`face_mismatch`)"),
            ),
        ),
    )


def main(arguments: Sequence[str]) -> int:
    """Run the evaluation and write its files."""
    data = Path(arguments[0]) if arguments else Path("../shared/data")
    samples, counts = acquire(data, ModelStore.default())
    result = evaluate(samples, counts)
    write_result("face_match.json", result)
    write_card(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
