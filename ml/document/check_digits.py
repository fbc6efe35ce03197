"""ICAO Doc 9303-3 section 4.9: check digits with weights 7, 3, 1 modulo 10."""

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
_WEIGHTS: Final = (7, 3, 1)


def check_digit(text: str) -> str:
    """The check digit of MRZ characters, "0" to "9"; raises ValueError for a character outside the MRZ alphabet."""
    total = 0
    for position, character in enumerate(text):
        value = 0 if character == "<" else ALPHABET.index(character)
        total += value * _WEIGHTS[position % 3]
    return str(total % 10)
