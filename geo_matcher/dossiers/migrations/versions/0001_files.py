"""Files, their events and what belongs to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_matcher.dossiers.records import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ONLY_ERASED = """
    NEW.erased_at IS NOT NULL AND NEW."before" IS NULL AND NEW."after" IS NULL
    AND OLD.is_personal AND NEW.is_personal AND NEW.id = OLD.id
    AND NEW.dossier_id = OLD.dossier_id AND NEW.version = OLD.version AND NEW.at = OLD.at
    AND NEW.actor = OLD.actor AND NEW.kind = OLD.kind AND NEW.field = OLD.field
"""
"""The one change of an event that is allowed: its personal values go."""


def upgrade() -> None:
    """Go one version up."""
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("disabled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    op.create_table(
        "dossiers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("stage_since", Moment(), nullable=False),
        sa.Column("closed_from", sa.String(length=12), nullable=True),
        sa.Column("closed_reason", sa.String(length=20), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("name_key", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("town", sa.String(length=120), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("villages", sa.JSON(), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("origin_commune", sa.String(length=5), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("callback", sa.String(length=10), nullable=False),
        sa.Column("track", sa.String(length=10), nullable=False),
        sa.Column("sector", sa.String(length=20), nullable=False),
        sa.Column("origin_city", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("adviser_id", sa.Integer(), nullable=True),
        sa.Column("settled_commune", sa.String(length=5), nullable=True),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("persons", sa.Integer(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("keep_until", sa.Date(), nullable=False),
        sa.Column("anonymised_at", Moment(), nullable=True),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["adviser_id"], ["users.id"], name=op.f("fk_dossiers_adviser_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["dossiers.id"], name=op.f("fk_dossiers_merged_into_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossiers")),
        sa.UniqueConstraint("key", name=op.f("uq_dossiers_key")),
    )
    op.create_index(op.f("ix_dossiers_adviser_id"), "dossiers", ["adviser_id"], unique=False)
    op.create_index(op.f("ix_dossiers_email_key"), "dossiers", ["email_key"], unique=False)
    op.create_index(op.f("ix_dossiers_keep_until"), "dossiers", ["keep_until"], unique=False)
    op.create_index(
        op.f("ix_dossiers_merged_into_id"), "dossiers", ["merged_into_id"], unique=False
    )
    op.create_index(op.f("ix_dossiers_opened_at"), "dossiers", ["opened_at"], unique=False)
    op.create_index(op.f("ix_dossiers_settled_on"), "dossiers", ["settled_on"], unique=False)
    op.create_index(
        op.f("ix_dossiers_stage_stage_since"), "dossiers", ["stage", "stage_since"], unique=False
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_consents_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_dossier_id"), "consents", ["dossier_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("is_personal", sa.Boolean(), nullable=False),
        sa.Column("erased_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_events_actor_id_users")),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_events_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(
        op.f("ix_events_dossier_id_version"), "events", ["dossier_id", "version"], unique=False
    )
    op.create_index(op.f("ix_events_kind_at"), "events", ["kind", "at"], unique=False)
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("is_still_there", sa.Boolean(), nullable=True),
        sa.Column("hard", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_follow_ups_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
        sa.UniqueConstraint("dossier_id", "months", name=op.f("uq_follow_ups_dossier_id_months")),
    )
    op.create_index(
        op.f("ix_follow_ups_answered_on_due_on"),
        "follow_ups",
        ["answered_on", "due_on"],
        unique=False,
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("author", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_notes_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_dossier_id"), "notes", ["dossier_id"], unique=False)
    op.create_table(
        "shortlists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("author", sa.String(length=60), nullable=False),
        sa.Column("release", sa.String(length=80), nullable=False),
        sa.Column("software", sa.String(length=20), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.String(length=1000), nullable=False),
        sa.Column("villages", sa.JSON(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_shortlists_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortlists")),
    )
    op.create_index(op.f("ix_shortlists_dossier_id"), "shortlists", ["dossier_id"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["users.id"], name=op.f("fk_tasks_assignee_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_tasks_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_done_at_due_on"), "tasks", ["done_at", "due_on"], unique=False)
    op.create_index(op.f("ix_tasks_dossier_id"), "tasks", ["dossier_id"], unique=False)
    op.create_table(
        "visits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("visit_on", sa.Date(), nullable=False),
        sa.Column("communes", sa.JSON(), nullable=False),
        sa.Column("impression", sa.Text(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["dossiers.id"], name=op.f("fk_visits_dossier_id_dossiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    op.create_index(op.f("ix_visits_dossier_id"), "visits", ["dossier_id"], unique=False)
    op.create_index(op.f("ix_visits_visit_on"), "visits", ["visit_on"], unique=False)
    _guard_events()


def _guard_events() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER events_are_kept BEFORE DELETE ON events "
            "BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END"
        )
        op.execute(
            f"CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events "
            f"WHEN NOT ({ONLY_ERASED}) "
            "BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
        )
        return
    op.execute(
        f"""
        CREATE FUNCTION events_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {ONLY_ERASED} THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'events are never changed or deleted';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION events_only_grow()"
    )


def downgrade() -> None:
    """Go one version back."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER events_only_grow ON events")
        op.execute("DROP FUNCTION events_only_grow()")
    op.drop_index(op.f("ix_visits_visit_on"), table_name="visits")
    op.drop_index(op.f("ix_visits_dossier_id"), table_name="visits")
    op.drop_table("visits")
    op.drop_index(op.f("ix_tasks_dossier_id"), table_name="tasks")
    op.drop_index(op.f("ix_tasks_done_at_due_on"), table_name="tasks")
    op.drop_table("tasks")
    op.drop_index(op.f("ix_shortlists_dossier_id"), table_name="shortlists")
    op.drop_table("shortlists")
    op.drop_index(op.f("ix_notes_dossier_id"), table_name="notes")
    op.drop_table("notes")
    op.drop_index(op.f("ix_follow_ups_answered_on_due_on"), table_name="follow_ups")
    op.drop_table("follow_ups")
    op.drop_index(op.f("ix_events_kind_at"), table_name="events")
    op.drop_index(op.f("ix_events_dossier_id_version"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_consents_dossier_id"), table_name="consents")
    op.drop_table("consents")
    op.drop_index(op.f("ix_dossiers_stage_stage_since"), table_name="dossiers")
    op.drop_index(op.f("ix_dossiers_settled_on"), table_name="dossiers")
    op.drop_index(op.f("ix_dossiers_opened_at"), table_name="dossiers")
    op.drop_index(op.f("ix_dossiers_merged_into_id"), table_name="dossiers")
    op.drop_index(op.f("ix_dossiers_keep_until"), table_name="dossiers")
    op.drop_index(op.f("ix_dossiers_email_key"), table_name="dossiers")
    op.drop_index(op.f("ix_dossiers_adviser_id"), table_name="dossiers")
    op.drop_table("dossiers")
    op.drop_table("users")
    op.drop_table("marks")
