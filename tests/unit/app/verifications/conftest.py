"""The room over a database of its own, with a clock that the test moves and no models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.audit.service import Audit
from app.database import Base, Database
from app.settings import Settings
from app.verifications.blobs import BlobStore
from app.verifications.service import CreatedSession, Verifications
from ml.decision import MANDATORY
from ml.gate import DEFAULT_POLICY, CheckResult, DocumentFields, Frame, Gate, Report
from ml.models import ModelStore
from ml.models.store import MANIFEST_PATH, read_manifest

PICTURE = b"\xff\xd8\xff\xe0 picture of ERIKSSON"
FIELDS = DocumentFields(
    document_type="TD3",
    document_code="P",
    issuing_state="UTO",
    document_number="L898902C3",
    surname="ERIKSSON",
    given_names="ANNA MARIA",
    nationality="UTO",
    birth_date=date(1974, 8, 12),
    sex="F",
    expiry_date=date(2034, 4, 15),
)


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class FaultyGate(Gate):
    """A gate whose every examination fails, as one without memory would."""

    def examine(self, evidence: object, progress: object = None) -> Report:
        raise MemoryError


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.resolved_database_url)
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def blobs(settings: Settings) -> BlobStore:
    return BlobStore.open(settings.data_dir / "blobs", key_file=settings.keys_dir / "blob.key")


@pytest.fixture
def room(database: Database, settings: Settings, blobs: BlobStore, clock: MovableClock) -> Verifications:
    """The room with a gate that always fails: a test that wants a finding settles it by hand."""
    return Verifications(
        database=database,
        audit=Audit(clock),
        clock=clock,
        settings=settings,
        blobs=blobs,
        gate=lambda: FaultyGate(ModelStore(read_manifest(MANIFEST_PATH))),
    )


@pytest.fixture
def opened(room: Verifications) -> CreatedSession:
    """A test-mode session with consent."""
    return _consented(room, livemode=False)


@pytest.fixture
def live(room: Verifications) -> CreatedSession:
    """A live session with consent."""
    return _consented(room, livemode=True)


@pytest.fixture
def submit(room: Verifications) -> Callable[[CreatedSession], None]:
    """Captures a document and a sequence and submits them."""

    def capture(created: CreatedSession) -> None:
        session_id, secret = created.row.id, created.client_secret
        if "document" in _requirements(room, created):
            room.capture.store_document(session_id, secret, PICTURE)
        challenge, _ = room.capture.issue_challenge(session_id, secret)
        room.capture.store_selfie(session_id, secret, nonce=challenge.nonce, frames=frames())
        room.capture.submit(session_id, secret)

    return capture


@pytest.fixture
def make_frames() -> Callable[..., tuple[Frame, ...]]:
    return frames


@pytest.fixture
def make_report() -> Callable[..., Report]:
    """A report in which every check is clear, except those named with another result."""

    def make(*, fields: DocumentFields | None = FIELDS, simulated: bool = True, **results: str) -> Report:
        named = {name.replace("__", "."): result for name, result in results.items()}
        checks = tuple(CheckResult(name, named.get(name, "clear")) for name in MANDATORY)  # type: ignore[arg-type]
        return Report(checks, fields, simulated, DEFAULT_POLICY.sha256)

    return make


def frames(count: int = 3, *, salt: bytes = b"") -> tuple[Frame, ...]:
    return tuple(Frame(image=PICTURE + salt + bytes([index]), at_ms=index * 125) for index in range(count))


def _consented(room: Verifications, *, livemode: bool) -> CreatedSession:
    created = room.create(livemode=livemode, actor="key:ak_test")
    room.capture.consent(created.row.id, created.client_secret, granted=True)
    return created


def _requirements(room: Verifications, created: CreatedSession) -> list[str]:
    from app.verifications.schemas import requirements

    return requirements(room.capture.status(created.row.id, created.client_secret))
