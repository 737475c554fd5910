"""Writing beside a Lampkeeper that watches: how a command for people changes a case while `lampkeeper run` goes on.

Leans on the standard library's sqlite3 to look first. Decisions:

- The lock beside the database keeps a second watch out, not a second writer: SQLite lets writers queue, and every
  transaction begins by taking its lock, so what one reads no other changes meanwhile.
- What parts them is memory: the one that watches remembers states between transactions. So whoever writes beside counts
  up a number in the same transaction, and `core.ledger` drops its memory where the number moved. SQLite's own
  `PRAGMA data_version` would not do: it moves with every commit of another connection, and a pool has several.
- Whoever writes beside remembers nothing from one transaction to the next, and takes in no messages.
- The lock is taken only to bring an older schema up to date; so `lampkeeper run` is never kept from starting by
  somebody who claims a case.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import StoreError, StoreInUseError
from core.store import tables
from core.store.lock import Lock
from core.store.schema import NEWEST

ROW = "written_beside"
_T = tables.meta


def lock_to_migrate(lock: Lock, database: Path) -> None:
    """Take the lock if the schema has to be brought up to date; StoreError if there is no database, or it is in use."""
    if not database.exists():
        raise StoreError(
            f"There is no database at {database} yet.", "`lampkeeper run` makes it; or correct [storage] database."
        )
    if _revision(database) == NEWEST:
        return
    try:
        lock.take()
    except StoreInUseError as error:
        raise StoreError(
            f"The Lampkeeper that is running on {database} is of another version than this command.",
            "Stop it, and start it anew with this version.",
        ) from error


async def written(tx: AsyncConnection) -> float:
    """Return how many transactions were written beside."""
    return await tx.scalar(select(_T.c.number).where(_T.c.name == ROW)) or 0.0


def _revision(database: Path) -> str | None:
    """Return the schema's revision; None where it cannot be told, which opening it will explain."""
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError):
        return None
    return str(revision)
