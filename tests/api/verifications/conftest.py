"""The whole service with the real gate, reached over HTTP as an integrating page would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.clock import utc_now
from app.main import create_app
from app.settings import Settings
from app.verifications.worker import VerificationWorker
from app.wiring import Wiring, build
from ml.gate import Challenge, Frame, Gate
from ml.models import ModelStore
from ml.simulation.camera import photograph
from ml.simulation.portraits import portrait
from ml.simulation.selfie import perform
from ml.simulation.specimen import SpecimenFields, render_specimen

FRAMES_PER_SECOND = 5.0
"""Fewer than the capture page's eight, to save time; the gate needs 24 frames in all."""


class ForwardClock:
    """The system's time, ahead by what the tests have moved it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@pytest.fixture(scope="session")
def clock() -> ForwardClock:
    return ForwardClock()


@pytest.fixture(scope="session")
def gate() -> Gate:
    gate = Gate(ModelStore.default())
    gate.warm()
    return gate


@pytest.fixture(scope="session")
def wiring(tmp_path_factory: pytest.TempPathFactory, clock: ForwardClock, gate: Gate) -> Iterator[Wiring]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("kyc") / "data")
    wiring = build(settings, clock=clock, gate=gate)
    yield wiring
    wiring.close()


@pytest.fixture(scope="session")
def client(wiring: Wiring) -> Iterator[TestClient]:
    client = TestClient(create_app(wiring), raise_server_exceptions=False)
    yield client
    client.close()


@pytest.fixture(scope="session")
def keys(wiring: Wiring) -> dict[bool, str]:
    """API keys by livemode."""
    with wiring.database.transaction() as session:
        return {
            livemode: wiring.access.create_key(session, name="tests", livemode=livemode, actor="tests")[1]
            for livemode in (False, True)
        }


class Person:
    """One session seen from both sides."""

    def __init__(self, client: TestClient, api_key: str, **body: Any) -> None:
        self.client = client
        self.operator = {"Authorization": f"Bearer {api_key}"}
        created = client.post("/v1/verification_sessions", json=body, headers=self.operator)
        assert created.status_code == 201, created.text
        self.created = created.json()
        self.id = self.created["id"]
        self.headers = {"Authorization": f"Bearer {self.created['client_secret']}"}

    def post(self, verb: str, **arguments: Any) -> Any:
        return self.client.post(f"/v1/verification_sessions/{self.id}/{verb}", headers=self.headers, **arguments)

    def read(self, part: str = "") -> Any:
        return self.client.get(f"/v1/verification_sessions/{self.id}{part}", headers=self.operator)

    def consent(self) -> None:
        assert self.post("consent", json={"granted": True}).status_code == 200

    def challenge(self) -> Challenge:
        answer = self.post("challenge")
        assert answer.status_code == 200, answer.text
        return Challenge.from_json(answer.json()["challenge"])

    def send_document(self, image: bytes) -> Any:
        return self.post("document", files={"image": ("passport.jpg", image, "image/jpeg")})

    def send_selfie(self, nonce: str, frames: Sequence[Frame]) -> Any:
        files = [("frames", (f"{index}.jpg", frame.image, "image/jpeg")) for index, frame in enumerate(frames)]
        return self.post(
            "selfie", files=files, data={"nonce": nonce, "timestamps": json.dumps([frame.at_ms for frame in frames])}
        )


@pytest.fixture
def new_person(client: TestClient, keys: dict[bool, str]) -> Callable[..., Person]:
    def make(*, livemode: bool = False, **body: Any) -> Person:
        return Person(client, keys[livemode], **body)

    return make


@pytest.fixture
def consented(new_person: Callable[..., Person]) -> Person:
    person = new_person()
    person.consent()
    return person


@pytest.fixture(scope="session")
def passport() -> Callable[..., bytes]:
    """A photograph of a specimen passport of a named portrait; `fields` are the specimen's."""

    @cache
    def make(who: str = "astronaut", **fields: Any) -> bytes:
        return photograph(render_specimen(SpecimenFields(**fields), portrait(who)), seed=7)

    return make


@pytest.fixture(scope="session")
def act() -> Callable[..., tuple[Frame, ...]]:
    """The frames of a simulated person who follows a challenge."""

    def make(challenge: Challenge, who: str = "astronaut") -> tuple[Frame, ...]:
        return perform(portrait(who), challenge, seed=11, fps=FRAMES_PER_SECOND)

    return make


@pytest.fixture
def worker(wiring: Wiring) -> VerificationWorker:
    return VerificationWorker(wiring.verifications)


@pytest.fixture
def examined(
    new_person: Callable[..., Person],
    passport: Callable[..., bytes],
    act: Callable[..., tuple[Frame, ...]],
    worker: VerificationWorker,
    clock: ForwardClock,
) -> Callable[..., Person]:
    """A person who has walked through everything and been examined."""

    def walk(
        *,
        livemode: bool = False,
        document: bytes | None = None,
        perform_as: Callable[[Challenge], tuple[Frame, ...]] | None = None,
    ) -> Person:
        person = new_person(livemode=livemode, max_attempts=1)
        person.consent()
        assert person.send_document(document or passport()).status_code == 200
        challenge = person.challenge()
        frames = (perform_as or act)(challenge)
        if livemode:
            clock.move(milliseconds=challenge.duration_ms)
        sent = person.send_selfie(challenge.nonce, frames)
        assert sent.status_code == 200, sent.text
        assert person.post("submit").json()["status"] == "processing"
        assert worker.run_once()
        return person

    return walk
