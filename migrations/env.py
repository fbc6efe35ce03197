"""Alembic's entry: run on the connection that `app.bootstrap.schema` hands over, inside its transaction.

SQLite can change a schema in a transaction, which Alembic does not assume by itself; here it must, because a kill in
the middle of a migration would otherwise leave half a schema.
"""

from alembic import context

import app.access.tables
import app.audit.tables
import app.bootstrap.tables
import app.credentials.tables
import app.issuance.tables
import app.ledger.tables
import app.presentations.tables
import app.verifications.tables  # noqa: F401 - each module adds its tables to the metadata
from app.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
