"""The simulators are deterministic, honest about what they are, and refuse what they cannot draw."""

from datetime import date

import numpy as np
import pytest

from ml.document.mrz import parse
from ml.errors import SimulationError
from ml.liveness.challenge import Challenge
from ml.simulation.camera import photograph
from ml.simulation.portraits import portrait
from ml.simulation.selfie import perform
from ml.simulation.specimen import PAGE_SIZE, SpecimenFields, render_specimen


def test_page_and_photograph_are_repeatable() -> None:
    page = render_specimen(SpecimenFields(), portrait("astronaut"))
    assert page.shape == (PAGE_SIZE[1], PAGE_SIZE[0], 3)
    assert np.array_equal(page, render_specimen(SpecimenFields(), portrait("astronaut")))
    assert photograph(page, seed=1) == photograph(page, seed=1) != photograph(page, seed=2)


def test_performance_is_repeatable_and_in_time() -> None:
    challenge = Challenge.from_nonce("repeat")
    frames = perform(portrait("other"), challenge, seed=4, fps=2)
    assert frames == perform(portrait("other"), challenge, seed=4, fps=2)
    assert frames != perform(portrait("other"), challenge, seed=5, fps=2)
    times = [frame.at_ms for frame in frames]
    assert times == sorted(set(times))
    assert times[0] >= 0
    assert times[-1] < challenge.duration_ms


@pytest.mark.parametrize("broken", [None, "document_number", "birth_date", "expiry_date", "composite"])
def test_only_the_asked_digit_is_wrong(broken: str | None) -> None:
    mrz = parse(SpecimenFields(broken_digit=broken).mrz_lines())  # type: ignore[arg-type]
    wrong = {name for name, holds in mrz.digits.items() if not holds}
    assert wrong == ({broken} if broken else set())
    assert mrz.text("issuing_state") == "UTO"


@pytest.mark.parametrize(
    "fields",
    [
        SpecimenFields(document_number="1234567890"),
        SpecimenFields(document_number="ab-12"),
        SpecimenFields(nationality="UTOPIA"),
        SpecimenFields(personal_number="X" * 20),
    ],
)
def test_fields_that_do_not_fit_are_refused(fields: SpecimenFields) -> None:
    with pytest.raises(SimulationError):
        fields.mrz_lines()


def test_long_names_are_cut_to_the_line() -> None:
    first, second = SpecimenFields(surname="A" * 60, birth_date=date(2000, 2, 29)).mrz_lines()
    assert len(first) == len(second) == 44
    assert parse((first, second)).names_truncated
