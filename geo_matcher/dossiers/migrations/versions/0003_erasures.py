"""Erasures, so that no backup brings a person back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geo_matcher.dossiers.records import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one version up."""
    op.create_table(
        "erasures",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_erasures")),
    )


def downgrade() -> None:
    """Go one version back."""
    op.drop_table("erasures")
