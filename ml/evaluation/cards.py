"""Write the cards' tables again from the committed results, without measuring anew: `python -m ml.evaluation.cards`."""

from ml.evaluation import face_match, liveness, mrz
from ml.evaluation.card import read_result


def write_cards() -> None:
    """Put every committed result into its card."""
    face_match.write_card(read_result("face_match.json"))
    liveness.write_card(read_result("liveness.json"))
    mrz.write_card(read_result("mrz.json"))


if __name__ == "__main__":
    write_cards()
