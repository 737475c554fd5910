"""What communities choose, and what moderators and members do about alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widen spaces and alerts; make actions and requests."""
    for name in ("joined", "left", "advised", "digested"):
        op.add_column("spaces", sa.Column(name, sa.Float))
    op.add_column("spaces", sa.Column("choices", sa.LargeBinary))
    for name in ("claimed", "escalated", "pinged", "held"):
        op.add_column("alerts", sa.Column(name, sa.Float))
    op.add_column("alerts", sa.Column("claimant", sa.String))
    for name in ("remark", "evidence"):
        op.add_column("alerts", sa.Column(name, sa.LargeBinary))
    op.create_table(
        "actions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("undone", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.alert"], name="fk_actions_alert_alerts", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_actions_alert", "actions", ["alert"])
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("answered", sa.Float),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_requests_space_person", "requests", ["space", "person"])
