"""The audit becomes a hash chain: what is there is chained as it stands, and numbers that are gone become tombstones.

Leans on `core.audit.chain`, whose layout has a version of its own: what is written here is of version 1.
"""

from __future__ import annotations

import json
import time

import sqlalchemy as sa
from alembic import op

from core.audit import erasing
from core.audit.chain import START, End, Link, Row, links, tombstone

revision = "0005"
down_revision = "0004"

_READ = "SELECT id, time, space, who, what, about, detail FROM audit ORDER BY id"
_ADD = "INSERT INTO audit (id, time, space, who, what, about, detail) VALUES (:id, :time, '', '', :what, '', :detail)"
_LINK = f"INSERT INTO audit_chain VALUES ({', '.join(f':{name}' for name in Link._fields)})"  # noqa: S608 - no input
_AT_ONCE = 1000


def upgrade() -> None:
    """Make the chain, and link every row there is."""
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("who_salt", sa.String),
        sa.Column("who_digest", sa.String, nullable=False),
        sa.Column("about_salt", sa.String),
        sa.Column("about_digest", sa.String, nullable=False),
        sa.Column("rest_salt", sa.String),
        sa.Column("rest_digest", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chain"),
    )
    connection = op.get_bind()
    end, gone, made = START, list[int](), list[Link]()
    for row in connection.execute(sa.text(_READ)):
        while end.id + 1 < row.id:
            gone.append(end.id + 1)
            end = _next(made, tombstone(end))
        end = _next(made, links(end, [Row(*row)])[0])
        if len(made) >= _AT_ONCE:
            connection.execute(sa.text(_LINK), [link._asdict() for link in made])
            made.clear()
    if gone:
        erased: erasing.Erased = {"who": gone, "about": gone, "rest": gone}
        detail = json.dumps(erasing.accounted("deleted before there was a chain", erased))
        account = Row(end.id + 1, time.time(), "", "", "parts erased", "", detail)
        connection.execute(sa.text(_ADD), account._asdict())
        made += links(end, [account])
    if made:
        connection.execute(sa.text(_LINK), [link._asdict() for link in made])


def _next(made: list[Link], link: Link) -> End:
    made.append(link)
    return End(link.id, link.hash)
