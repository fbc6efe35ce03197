"""What the model cards claim is what the committed results say: writing the tables again changes nothing."""

import shutil
from pathlib import Path

import pytest

from ml.evaluation import face_match, liveness, mrz
from ml.evaluation.card import CARDS
from ml.evaluation.cards import write_cards


def test_cards_say_what_the_results_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = tmp_path / "models"
    shutil.copytree(CARDS, copies)
    for module in (face_match, liveness, mrz):
        monkeypatch.setattr(module, "CARDS", copies)
    write_cards()
    for card in sorted(CARDS.glob("*.md")):
        assert (copies / card.name).read_text() == card.read_text(), card.name
