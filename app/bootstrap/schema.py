"""Bring the database to the schema of this version, and say whether it is there.

The Alembic configuration is built here, not in a file: `migrations` is a package found in the installed project. A
migration runs in one transaction on both databases, so a kill in the middle leaves the schema as it was.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.database import Database
from app.errors import ServiceError

__all__ = ["SchemaOutdated", "SchemaTooNew", "check_schema", "configuration", "is_migrated", "upgrade"]


class SchemaTooNew(ServiceError):
    """The database was migrated by a newer version; this one does not know what it holds."""

    code = "schema_too_new"


class SchemaOutdated(ServiceError):
    """The database has not been migrated to this version yet."""

    code = "schema_outdated"


def configuration() -> Config:
    """Alembic's configuration for the `migrations` package."""
    config = Config()
    config.set_main_option("script_location", "migrations:")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database) -> None:
    """Apply the migrations that are missing. Raises SchemaTooNew before touching anything."""
    script = ScriptDirectory.from_config(configuration())
    current = _current(database)
    if current == script.get_current_head():
        return
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaTooNew(f"the database is at revision {current}: install the version of Assay that wrote it")
    config = configuration()
    with database.engine.connect().execution_options(assay_write=True) as connection:
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "head")


def is_migrated(database: Database) -> bool:
    """Whether an earlier start has put a schema there, of whatever version."""
    return _current(database) is not None


def check_schema(database: Database) -> None:
    """Raise SchemaOutdated or SchemaTooNew unless the database is at this version's head."""
    script = ScriptDirectory.from_config(configuration())
    current = _current(database)
    if current == script.get_current_head():
        return
    if current is None or current in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaOutdated("run `assay serve` once, or any command that writes: it migrates the database")
    raise SchemaTooNew(f"the database is at revision {current}")


def _current(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
