"""What platforms gave to enter spaces with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make installations."""
    op.create_table(
        "installations",
        sa.Column("space", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("space", name="pk_installations"),
    )
