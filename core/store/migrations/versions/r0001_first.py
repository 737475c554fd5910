"""The first schema; `core.store.tables` says what each column is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "meta",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("number", sa.Float),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "spaces",
        sa.Column("space", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("space", name="pk_spaces"),
    )
    op.create_table(
        "conversations",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("newest_id", sa.String),
        sa.Column("newest_time", sa.Float),
        sa.Column("horizon", sa.Float),
        sa.PrimaryKeyConstraint("space", "conversation", name="pk_conversations"),
    )
    op.create_table(
        "messages",
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("conversation", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("time", sa.Float),
        sa.Column("received", sa.Float, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("seq", "version", name="pk_messages"),
        sa.UniqueConstraint("space", "conversation", "id", "version", name="uq_messages_space_conversation_id_version"),
    )
    op.create_index("ix_messages_space_author_seq", "messages", ["space", "author", "seq"])
    op.create_index("ix_messages_space_conversation_seq", "messages", ["space", "conversation", "seq"])
    op.create_table(
        "people",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("identity", sa.LargeBinary, nullable=False),
        sa.Column("base", sa.LargeBinary),
        sa.Column("state", sa.LargeBinary),
        sa.PrimaryKeyConstraint("space", "person", name="pk_people"),
    )
    op.create_table(
        "pairs",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("base", sa.LargeBinary),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("alert", sa.LargeBinary),
        sa.PrimaryKeyConstraint("space", "actor", "target", name="pk_pairs"),
    )
    op.create_table(
        "alerts",
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("probability", sa.Float),
        sa.Column("signals", sa.JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("opened", sa.Float, nullable=False),
        sa.Column("reference", sa.String),
        sa.Column("decision", sa.String),
        sa.Column("moderator", sa.String),
        sa.Column("decided", sa.Float),
        sa.PrimaryKeyConstraint("alert", name="pk_alerts"),
    )
    op.create_index("ix_alerts_space_actor_target", "alerts", ["space", "actor", "target"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_space_about", "audit", ["space", "about"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("alert", sa.String),
        sa.Column("notice", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        sa.Column("next_try", sa.Float, nullable=False),
        sa.Column("error", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.alert"], name="fk_outbox_alert", ondelete="CASCADE"),
    )
    op.create_index("ix_outbox_alert", "outbox", ["alert"])
