"""One warmed gate and one genuine simulated session, shared by every test of this folder."""

from datetime import date

import pytest

from ml.gate import Challenge, Evidence, Gate
from ml.models import ModelStore
from ml.simulation.camera import photograph
from ml.simulation.portraits import portrait
from ml.simulation.selfie import perform
from ml.simulation.specimen import SpecimenFields, render_specimen

TODAY = date(2026, 11, 25)
FPS = 6.0


@pytest.fixture(scope="session")
def gate() -> Gate:
    """The gate over the installed models, loaded once."""
    gate = Gate(ModelStore.default())
    gate.warm()
    return gate


@pytest.fixture(scope="session")
def genuine() -> Evidence:
    """An honest person in test mode: specimen, matching face, the asked movements."""
    challenge = Challenge.from_nonce("genuine session")
    face = portrait("astronaut")
    document = photograph(render_specimen(SpecimenFields(), face), seed=7)
    return Evidence(document, perform(face, challenge, seed=7, fps=FPS), challenge, TODAY, livemode=False)
