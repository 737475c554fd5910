"""Daily peaks, to choose thresholds by; and what could not be read, to tell the admins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "peaks",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("space", "day", "actor", "target", name="pk_peaks"),
    )
    op.create_table(
        "unread",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("told", sa.Float),
        sa.PrimaryKeyConstraint("space", "name", name="pk_unread"),
    )
