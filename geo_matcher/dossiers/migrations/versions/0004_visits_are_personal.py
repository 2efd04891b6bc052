"""Events of visits tell of the person, and anonymous files keep months, not days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

from geo_matcher.dossiers.records import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EVENTS = sa.table(
    "events",
    sa.column("dossier_id", sa.Integer()),
    sa.column("kind", sa.String()),
    sa.column("before", sa.JSON(none_as_null=True)),
    sa.column("after", sa.JSON(none_as_null=True)),
    sa.column("is_personal", sa.Boolean()),
    sa.column("erased_at", Moment()),
)
DOSSIERS = sa.table(
    "dossiers",
    sa.column("id", sa.Integer()),
    sa.column("keep_until", sa.Date()),
    sa.column("anonymised_at", Moment()),
)
VISITS = sa.table(
    "visits",
    sa.column("id", sa.Integer()),
    sa.column("dossier_id", sa.Integer()),
    sa.column("visit_on", sa.Date()),
)
FOLLOW_UPS = sa.table(
    "follow_ups",
    sa.column("id", sa.Integer()),
    sa.column("dossier_id", sa.Integer()),
    sa.column("due_on", sa.Date()),
    sa.column("answered_on", sa.Date()),
)


def upgrade() -> None:
    """Go one version up."""
    connection = op.get_bind()
    anonymous = sa.select(DOSSIERS.c.id, DOSSIERS.c.anonymised_at).where(
        DOSSIERS.c.anonymised_at.is_not(None)
    )
    gone = {row.id: row.anonymised_at for row in connection.execute(anonymous)}
    with _events_may_change():
        of_visits = sa.update(EVENTS).where(EVENTS.c.kind == "visit")
        connection.execute(of_visits.values(is_personal=True))
        for number, at in gone.items():
            connection.execute(
                of_visits.where(EVENTS.c.dossier_id == number).values(
                    before=None, after=None, erased_at=at
                )
            )
    for table, names in (
        (DOSSIERS, ("keep_until",)),
        (VISITS, ("visit_on",)),
        (FOLLOW_UPS, ("due_on", "answered_on")),
    ):
        owner = table.c.id if table is DOSSIERS else table.c.dossier_id
        for row in connection.execute(sa.select(table, owner.label("owner"))).mappings().all():
            if row["owner"] in gone:
                months = {name: row[name] and row[name].replace(day=1) for name in names}
                connection.execute(sa.update(table).where(table.c.id == row["id"]).values(months))


@contextmanager
def _events_may_change() -> Iterator[None]:
    """Lift the guard of the events within this transaction, and put the same one back."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.execute("ALTER TABLE events DISABLE TRIGGER events_only_grow")
        yield
        op.execute("ALTER TABLE events ENABLE TRIGGER events_only_grow")
        return
    name = "events_are_never_changed"
    guard = connection.scalar(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name"),
        {"name": name},
    )
    op.execute(f"DROP TRIGGER {name}")
    yield
    connection.exec_driver_sql(guard)


def downgrade() -> None:
    """Go one version back; what was erased does not return."""
