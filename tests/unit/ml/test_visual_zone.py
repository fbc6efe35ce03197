"""The visual zone is compared after transliteration, and a near miss is a contradiction, not a misreading."""

from datetime import date

import pytest

from ml.document.visual import compare, dates_in, transliterations

TEXTS = ["ERIKSSON", "ANNA MARIA", "12 AUG 1974", "16 APR 2024", "15 APR 2034", "L898902C3", "PASSPORT"]


def states(texts: list[str], **changes: object) -> dict[str, str]:
    wanted = {"number": "L898902C3", "surname": "ERIKSSON", "birth": date(1974, 8, 12), "expiry": date(2034, 4, 15)}
    return dict(compare(texts, **(wanted | changes)).fields)  # type: ignore[arg-type]


def test_agreement() -> None:
    assert set(states(TEXTS).values()) == {"agrees"}


@pytest.mark.threat(68)
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "L898903C3"}, "document_number"),
        ({"surname": "ERIKSEN"}, "surname"),
        ({"birth": date(1984, 8, 12)}, "birth_date"),
        ({"expiry": date(2036, 4, 15)}, "expiry_date"),
        ({"birth": date(1961, 1, 3)}, "birth_date"),
    ],
)
def test_one_altered_field_differs(change: dict[str, object], field: str) -> None:
    found = states(TEXTS, **change)
    assert found.pop(field) == "differs"


def test_what_is_not_there_is_not_found() -> None:
    assert set(states(["PASSPORT", "UTOPIA"]).values()) == {"not_found"}


@pytest.mark.parametrize(
    "text", ["12 AUG 1974", "12.08.1974", "1974-08-12", "12 08 1974", "12AUG1974", "12 AUG/AOÛT 74", "12 août 1974"]
)
def test_dates_as_printed(text: str) -> None:
    assert date(1974, 8, 12) in dates_in(text)


def test_icao_transliteration() -> None:
    assert "MUELLER" in transliterations("Müller")
    assert "MULLER" in transliterations("Müller")
    assert "STRAUSS" in transliterations("Strauß")
    assert "OSTERGARD" in transliterations("Østergård")
    assert len(transliterations("ÄÖÜ" * 40)) <= 32
