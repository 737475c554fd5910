"""The schema's history, run at start by `core.store.schema`; see Alembic's documentation for the form of a revision."""
