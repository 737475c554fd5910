"""How much moderators read, to be kind to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "exposures",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("told", sa.Float),
        sa.PrimaryKeyConstraint("space", "who", "day", "alert", name="pk_exposures"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.alert"], name="fk_exposures_alert_alerts", ondelete="CASCADE"),
    )
    op.create_index("ix_exposures_alert", "exposures", ["alert"])
