"""The audit as people read it: rows with who that was by name, where the name is known and may be told.

Leans on `core.store.look`: it reads beside a running Lampkeeper and changes nothing. It does not verify
(`core.audit.verify` does).
"""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from core.audit import LAMPKEEPER, NAMELESS
from core.audit.chain import FORGOTTEN, Row
from core.store.look import looking
from core.store.states import parse, person_about
from core.vault import Vault

NOT_TOLD, UNKNOWN, GONE = "not told", "somebody not known here", "somebody who was forgotten"
"""In place of a name: who made a report; whom nothing is kept about; and whoever was forgotten."""


class Told(NamedTuple):
    """A row of the audit; `who` is a name, or words in place of one."""

    row: Row
    who: str


def trail(database: Path, vault: Vault, *, case: str | None, space: str | None, limit: int) -> list[Told]:
    """Return the newest rows, at most `limit`, oldest first: all, or those about a case, in a space, or both.

    Raises StoreError as `core.store.look.look` does, VaultError if a name was sealed with another key.
    """
    which = {"about": case, "space": space}
    asked = {column: value for column, value in which.items() if value is not None}
    where = " AND ".join(f"{column} = :{column}" for column in asked) or "1"
    query = f"SELECT {', '.join(Row._fields)} FROM audit WHERE {where} ORDER BY id DESC LIMIT :limit"  # noqa: S608
    with looking(database) as connection:
        connection.execute("BEGIN")
        rows = [Row(*cells) for cells in connection.execute(query, asked | {"limit": limit})]
        names = {one: _name(connection, vault, *one) for one in {(row.space, row.who) for row in rows}}
    return [Told(row, NOT_TOLD if row.what in NAMELESS else names[row.space, row.who]) for row in reversed(rows)]


def _name(connection: Connection, vault: Vault, space: str, who: str) -> str:
    fixed = {LAMPKEEPER: "Lampkeeper", FORGOTTEN: GONE}
    if who in fixed:
        return fixed[who]
    query = "SELECT identity FROM people WHERE space = ? AND person = ?"
    found = connection.execute(query, (space, who)).fetchone()
    identity = None if found is None else parse(vault, found[0], person_about(space, who, "identity"))
    return UNKNOWN if identity is None else str(identity["name"] or identity["id"])
