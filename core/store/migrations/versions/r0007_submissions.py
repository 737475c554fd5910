"""Reports to NCMEC."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make submissions."""
    op.create_table(
        "submissions",
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("report", sa.String),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("confirmer", sa.String, nullable=False),
        sa.Column("second", sa.String, nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("finished", sa.Float),
        sa.Column("log", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("receipt", sa.LargeBinary),
        sa.PrimaryKeyConstraint("alert", name="pk_submissions"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.alert"], name="fk_submissions_alert_alerts", ondelete="CASCADE"),
    )
    op.create_index("ix_submissions_space", "submissions", ["space"])
