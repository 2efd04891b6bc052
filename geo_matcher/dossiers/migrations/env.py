"""Runs the migrations on the connection that it is given."""

from __future__ import annotations

from alembic import context

from geo_matcher.dossiers.records import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
