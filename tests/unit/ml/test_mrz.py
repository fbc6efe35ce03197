"""Check digits, layouts, dates and reported corrections against ICAO Doc 9303's own examples."""

from datetime import date

import pytest

from ml.document.check_digits import ALPHABET, check_digit
from ml.document.checks import data_validation, fields_of, zone_check
from ml.document.correction import correct, fit_width
from ml.document.mrz import Mrz, birth_date, expiry_date, parse
from ml.document.zone import Zone
from ml.errors import MrzUnreadable
from ml.policy import DEFAULT_POLICY
from ml.simulation.specimen import SpecimenFields

TODAY = date(2026, 11, 25)
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
MRV_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
LONG_NUMBER = ("I<UTOD23145890<7349<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", TD1[2])


def zone_of(mrz: Mrz) -> Zone:
    taken, corrections = correct(mrz)
    return Zone(taken, mrz, corrections, 1.0, (), 0.0)


def test_check_digit_of_doc_9303() -> None:
    assert check_digit("520727") == "3"
    assert check_digit("AB2134<<<") == "5"
    with pytest.raises(ValueError):
        check_digit("a")


@pytest.mark.parametrize(
    ("lines", "layout"), [(TD3, "TD3"), (TD2, "TD2"), (TD1, "TD1"), (MRV_A, "MRV-A"), (LONG_NUMBER, "TD1")]
)
def test_examples_of_doc_9303_are_valid(lines: tuple[str, ...], layout: str) -> None:
    mrz = parse(lines)
    assert mrz.layout == layout
    assert mrz.digits["document_number"]
    assert mrz.valid or lines is LONG_NUMBER


def test_names_and_a_number_longer_than_its_field() -> None:
    assert parse(TD3).names == ("ERIKSSON", "ANNA MARIA")
    assert parse(LONG_NUMBER).document_number == "D23145890734"
    assert parse(TD1).document_number == "D23145890"
    assert not parse(TD3).names_truncated


@pytest.mark.threat(68)
@pytest.mark.parametrize("column", [0, 5, 9, 13, 19, 21, 27, 30, 42, 43])
def test_every_altered_character_under_a_check_digit_is_noticed(column: int) -> None:
    line = TD3[1]
    other = next(c for c in "271" if (ALPHABET.index(c) - ALPHABET.index(line[column])) % 10)
    mrz = parse((TD3[0], line[:column] + other + line[column + 1 :]))
    assert not mrz.valid
    finding = zone_check(zone_of(mrz))
    assert finding.result == "consider"


def test_what_no_check_digit_can_see() -> None:
    """Values ten apart look alike to the digits (L is 21, 1 is 1): only the visual zone can tell."""
    assert parse((TD3[0], "1" + TD3[1][1:])).valid


def test_unknown_layouts_are_refused() -> None:
    for lines in ((), ("A" * 44,), ("A" * 43, "B" * 44), (TD3[0], TD3[1][:-1] + "ä")):
        with pytest.raises(MrzUnreadable):
            parse(lines)


@pytest.mark.threat(68)
def test_a_confusion_under_a_check_digit_is_corrected_but_reported_and_doubtful() -> None:
    read = (TD3[0], TD3[1].replace("L898902C3", "L8989O2C3"))
    zone = zone_of(parse(read))
    assert zone.mrz.lines == TD3
    assert [(c.field, c.column, c.read, c.taken) for c in zone.corrections] == [("document_number", 6, "O", "0")]
    finding = zone_check(zone)
    assert (finding.result, finding.reasons[0].code) == ("consider", "mrz_corrected")
    assert "'O', taken as '0'" in finding.reasons[0].operator


def test_a_digit_in_a_letters_only_field_is_reported_and_left_to_the_visual_zone() -> None:
    zone = zone_of(parse((TD3[0].replace("ERIKSSON", "ERIKSS0N"), TD3[1])))
    assert zone.mrz.lines == TD3
    finding = zone_check(zone)
    assert finding.result == "clear"
    assert "names: line 1 column 12" in finding.reasons[0].operator


def test_a_letter_in_a_date_is_doubtful() -> None:
    zone = zone_of(parse((TD3[0], TD3[1].replace("740812", "74O812"))))
    assert zone.mrz.valid
    assert zone_check(zone).result == "consider"


def test_fillers_fit_a_line_to_its_width() -> None:
    assert fit_width(TD3[0][:-5], 44, name_line=True) == TD3[0]
    assert fit_width(TD3[0] + "<<", 44, name_line=True) == TD3[0]
    assert fit_width(TD3[1].replace("<<<<<", "<<<"), 44, name_line=False) == TD3[1]
    assert fit_width("ABC", 44, name_line=False) is None
    assert fit_width("A" * 50, 44, name_line=True) is None


def test_dates_take_the_right_century() -> None:
    assert birth_date("740812", TODAY) == date(1974, 8, 12)
    assert birth_date("261125", TODAY) == TODAY
    assert birth_date("261126", TODAY) == date(1926, 11, 26)
    assert birth_date("000229", TODAY) == date(2000, 2, 29)
    assert birth_date("7408<<", TODAY) is None
    assert expiry_date("230229", TODAY) is None
    assert expiry_date("340415", TODAY) == date(2034, 4, 15)
    assert expiry_date("991231", TODAY) == date(1999, 12, 31)


def test_validation_names_what_is_wrong() -> None:
    def codes(fields: SpecimenFields) -> list[str]:
        mrz = parse(fields.mrz_lines())
        return [reason.code for reason in data_validation(mrz, TODAY, DEFAULT_POLICY.document).reasons]

    assert codes(SpecimenFields()) == []
    assert codes(SpecimenFields(expiry_date=TODAY)) == []
    assert codes(SpecimenFields(expiry_date=date(2026, 11, 24))) == ["document_expired"]
    assert codes(SpecimenFields(nationality="QQQ")) == ["unknown_state_code"]
    assert codes(SpecimenFields(sex="Q")) == ["sex_code_invalid"]


def test_no_fields_without_valid_digits() -> None:
    assert fields_of(parse(SpecimenFields().mrz_lines()), TODAY) is not None
    for broken in ("document_number", "birth_date", "expiry_date", "composite"):
        mrz = parse(SpecimenFields(broken_digit=broken).mrz_lines())  # type: ignore[arg-type]
        assert not mrz.valid
        assert fields_of(mrz, TODAY) is None
        assert not correct(mrz)[0].valid
