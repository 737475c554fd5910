"""A look at a database from outside: changes nothing, and does not disturb a running Lampkeeper.

Leans on the standard library's sqlite3, for a `Store` takes the writer's lock and migrates; the sentences are the
store's. Revisions of the schema are numbers in four digits, so that the newer of two is the greater.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import StoreError
from core.store import explanation
from core.store.schema import NEWEST, newer

WAIT = 1.0
"""Seconds to wait for another program's lock."""


@contextmanager
def looking(database: Path) -> Iterator[sqlite3.Connection]:
    """Open for reading only; StoreError if it is locked, damaged, no database of ours or newer than this program."""
    try:
        uri = f"{database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT)) as connection:
            if "alembic_version" in _tables(connection):
                (revision,) = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
                if revision is not None and revision > NEWEST:
                    raise newer()
            yield connection
    except sqlite3.Error as error:
        other = StoreError(f"{database} is not a database of Lampkeeper's.", "Correct [storage] database.")
        raise (explanation(database, error) or other) from error


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def peaks_of(database: Path) -> list[tuple[str, int, str, str, float]]:
    """Read (space, day, actor, target, probability) of every daily peak (`core.peaks`), oldest first.

    [] where there is no database yet, or none of a version that noted any. Raises StoreError as `look` does.
    """
    if not database.exists():
        return []
    with looking(database) as connection:
        if "peaks" not in _tables(connection):
            return []
        query = "SELECT space, day, actor, target, probability FROM peaks ORDER BY day"
        return connection.execute(query).fetchall()


def choices_of(database: Path) -> list[tuple[str, bytes]]:
    """Read (space, sealed choices) of every space that chose anything itself (`core.communities`).

    [] where there is no database yet, or none of a version that kept any. Raises StoreError as `look` does.
    """
    if not database.exists():
        return []
    with looking(database) as connection:
        if "choices" not in {column for _, column, *_ in connection.execute("PRAGMA table_info(spaces)")}:
            return []
        return connection.execute("SELECT space, choices FROM spaces WHERE choices IS NOT NULL").fetchall()


def installations_of(database: Path) -> list[tuple[str, bytes]]:
    """Read (space, sealed installation) of every space that a platform gave something to enter with, by space.

    [] where there is no database yet, or none of a version that kept any (`core.installations`). Raises StoreError as
    `look` does.
    """
    if not database.exists():
        return []
    with looking(database) as connection:
        if "installations" not in _tables(connection):
            return []
        return connection.execute("SELECT space, sealed FROM installations ORDER BY space").fetchall()


def key_check_of(database: Path) -> bytes | None:
    """Read the proof that the vault left in a database (`core.vault.look_vault`); None where there is none yet.

    Raises StoreError as `look` does.
    """
    if not database.exists():
        return None
    with looking(database) as connection:
        if "meta" not in _tables(connection):
            return None
        found = connection.execute("SELECT sealed FROM meta WHERE name = 'key_check'").fetchone()
    return None if found is None else bytes(found[0])


def look(database: Path) -> None:
    """Read the whole file at `database` and its schema's version.

    Raises StoreError if it is locked, damaged or newer than this program.
    """
    with looking(database) as connection:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        damaged = sqlite3.DatabaseError(answer)
        damaged.sqlite_errorname = "SQLITE_CORRUPT"
        error = explanation(database, damaged)
        assert error is not None
        raise error
