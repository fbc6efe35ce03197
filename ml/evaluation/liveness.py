"""Measure the active check in simulation: `python -m ml.evaluation.liveness [sequences per species]`.

Bona fide performances and every species of `ml.simulation.attacks`, over many nonces, seeds and both portraits,
judged by the gate's own liveness checks (the simulator's mark left aside, or everything would be refused). Reported
after ISO/IEC 30107-3: APCER per species and its maximum, BPCER, with 95 % Wilson intervals. The thresholds were set
on other nonces and seeds than these, but on the same two portraits and the same renderer: simulation only.
"""

import io
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from PIL import Image

from ml.evaluation.card import CARDS, percent, put_table, table, wilson, write_result
from ml.evidence import Frame
from ml.face.compare import same_person, sample_moments
from ml.face.embedding import Embedding, FaceEmbedder
from ml.face.landmarks import FaceFinder
from ml.liveness.active import judge
from ml.liveness.challenge import SEQUENCES, Challenge
from ml.liveness.injection import clock_reasons, repetition_reasons
from ml.liveness.track import Moment, follow
from ml.models import ModelStore
from ml.policy import DEFAULT_POLICY
from ml.simulation.attacks import SPECIES, Scene
from ml.simulation.portraits import portrait
from ml.simulation.selfie import Rgb, perform

SEQUENCES_EACH: Final = 12


def verdict(
    finder: FaceFinder, embedder: FaceEmbedder, frames: Sequence[Frame], challenge: Challenge
) -> tuple[bool, list[str]]:
    """Whether the liveness checks accept a sequence, and the codes of what they found."""
    policy = DEFAULT_POLICY
    pictures = [_decoded(frame) for frame in frames]
    track = follow(finder, [(frame.at_ms, picture) for frame, picture in zip(frames, pictures, strict=True)])
    found = judge(track, challenge, policy.liveness)
    reasons = [*found.reasons, *clock_reasons(frames, challenge, policy.injection)]
    reasons += repetition_reasons(frames, pictures, policy.injection)
    if track.frontal is not None and not reasons:

        def embed(moment: Moment) -> Embedding:
            assert moment.face is not None
            return embedder.embed(moment.picture, moment.face)

        samples = sample_moments(track, found.movements, round(policy.liveness.identity_samples))
        reasons += same_person(embed(track.frontal), samples, embed, policy.face)
    return not reasons, sorted({reason.code for reason in reasons})


def evaluate(each: int) -> dict[str, Any]:
    """Run every species `each` times, and three times as many bona fide performances."""
    models = ModelStore.default()
    finder, embedder = FaceFinder(models), FaceEmbedder(models)
    portraits = [portrait("astronaut"), portrait("other")]
    species: dict[str, Callable[[Scene], tuple[Frame, ...]]] = {"bona fide": _bona_fide, **SPECIES}
    result: dict[str, Any] = {}
    for number, (name, make) in enumerate(species.items()):
        accepted, codes = 0, Counter[str]()
        total = 3 * each if name == "bona fide" else each
        for seed in range(total):
            challenge = Challenge.from_nonce(f"evaluation {number} {seed}")
            mine, other = portraits[seed % 2], portraits[(seed + 1) % 2]
            frames = make(Scene(mine, other, challenge, seed=1000 * number + seed))
            passed, found = verdict(finder, embedder, frames, challenge)
            accepted += passed
            codes.update(found)
        low, high = wilson(accepted, total)
        result[name] = {
            "sequences": total,
            "accepted": accepted,
            "share": accepted / total,
            "low": low,
            "high": high,
            "reasons": dict(codes.most_common()),
        }
    return {"species": result, "challenge_sequences": SEQUENCES, "policy_sha256": DEFAULT_POLICY.sha256}


def write_card(result: dict[str, Any]) -> None:
    """Put the tables into the card."""
    attacks: list[tuple[object, ...]] = []
    genuine: list[tuple[object, ...]] = []
    for name in ("bona fide", *SPECIES):
        one = result["species"][name]
        bona_fide = name == "bona fide"
        low, high = (1 - one["high"], 1 - one["low"]) if bona_fide else (one["low"], one["high"])
        share = 1 - one["share"] if bona_fide else one["share"]
        why = ", ".join(sorted(one["reasons"], key=lambda code: (-one["reasons"][code], code))[:3]) or "-"
        row = (
            name,
            one["sequences"],
            one["accepted"],
            percent(share, 1),
            f"{percent(low, 0)} to {percent(high, 0)}",
            why,
        )
        (genuine if bona_fide else attacks).append(row)
    put_table(CARDS / "liveness.md", "bona fide", table(("", "n", "accepted", "BPCER", "95 %", "refused for"), genuine))
    put_table(
        CARDS / "liveness.md", "attacks", table(("species", "n", "accepted", "APCER", "95 %", "refused for"), attacks)
    )


def _bona_fide(scene: Scene) -> tuple[Frame, ...]:
    return perform(scene.portrait, scene.challenge, seed=scene.seed)


def _decoded(frame: Frame) -> Rgb:
    with Image.open(io.BytesIO(frame.image)) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8)


def main(arguments: Sequence[str]) -> int:
    """Run the evaluation and write its files."""
    result = evaluate(int(arguments[0]) if arguments else SEQUENCES_EACH)
    write_result("liveness.json", result)
    write_card(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
