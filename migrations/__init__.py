"""The database's history: Alembic migrations, run by `app.bootstrap.schema` in one transaction each start needs."""
