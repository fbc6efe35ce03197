"""The audit log: contiguous, chained, and written with what it tells of or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from app.audit.service import Audit
from app.audit.tables import AuditRow
from app.database import Database

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'audit.sqlite3'}")
    AuditRow.__table__.create(database.engine)  # type: ignore[attr-defined]
    yield database
    database.close()


@pytest.fixture
def audit(database: Database) -> Audit:
    audit = Audit(lambda: NOW)
    for number in range(5):
        with database.transaction() as session:
            audit.record(
                session, actor="cli", action="credential.revoked", subject=f"cred_{number}", detail={"n": number}
            )
    return audit


def test_an_untouched_log_verifies(database: Database, audit: Audit) -> None:
    with database.reading() as session:
        assert audit.verify(session) is None


@pytest.mark.threat(85)
@pytest.mark.parametrize("change", [{"subject": "cred_9"}, {"detail": {"n": 7}}, {"action": "credential.issued"}])
def test_an_edited_row_is_named(database: Database, audit: Audit, change: dict[str, object]) -> None:
    with database.transaction() as session:
        session.execute(update(AuditRow).where(AuditRow.sequence == 3).values(**change))
    with database.reading() as session:
        assert audit.verify(session) == 3


@pytest.mark.threat(85)
def test_a_removed_row_is_named(database: Database, audit: Audit) -> None:
    with database.transaction() as session:
        session.execute(delete(AuditRow).where(AuditRow.sequence == 2))
    with database.reading() as session:
        assert audit.verify(session) == 2


@pytest.mark.threat(85)
def test_reordered_rows_are_named(database: Database, audit: Audit) -> None:
    with database.transaction() as session:
        session.execute(update(AuditRow).where(AuditRow.sequence == 4).values(sequence=99))
        session.execute(update(AuditRow).where(AuditRow.sequence == 5).values(sequence=4))
    with database.reading() as session:
        assert audit.verify(session) == 4


def test_a_row_is_rolled_back_with_what_it_tells_of(database: Database, audit: Audit) -> None:
    def change_that_fails() -> None:
        with database.transaction() as session:
            audit.record(session, actor="cli", action="credential.revoked", subject="cred_x")
            raise RuntimeError("the change failed after the row was written")

    with pytest.raises(RuntimeError):
        change_that_fails()
    with database.reading() as session:
        assert session.query(AuditRow).count() == 5
        assert audit.verify(session) is None
