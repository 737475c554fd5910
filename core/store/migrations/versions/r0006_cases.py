"""The whole way of a case: states, preserved messages in a chain, notes, consents, referrals.

What `alerts.evidence` kept of cases under legal hold is taken over by `core.casework.preserved`, which has the key.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Widen alerts; make items, notes, consents and referrals."""
    for name in ("held_until", "aside", "reported", "closed", "reminded"):
        op.add_column("alerts", sa.Column(name, sa.Float))
    op.add_column("alerts", sa.Column("merged", sa.String))
    op.add_column("alerts", sa.Column("reminders", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "items",
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("received", sa.Float, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("chain", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.PrimaryKeyConstraint("alert", "number", name="pk_items"),
        _of_alert("items"),
        sa.UniqueConstraint("alert", "conversation", "id", "version", name="uq_items_alert_conversation_id_version"),
    )
    op.create_index("ix_items_space_conversation_id", "items", ["space", "conversation", "id"])
    op.create_table(
        "notes",
        *_deed(),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        _of_alert("notes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notes_alert", "notes", ["alert"])
    op.create_table(
        "consents",
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("alert", "what", name="pk_consents"),
        _of_alert("consents"),
    )
    op.create_table(
        "referrals",
        *_deed(),
        sa.Column("second", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_referrals"),
        _of_alert("referrals"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_referrals_alert", "referrals", ["alert"])


def _deed() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("who", sa.String, nullable=False),
    ]


def _of_alert(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_alert_alerts"
    return sa.ForeignKeyConstraint(["alert"], ["alerts.alert"], name=name, ondelete="CASCADE")
