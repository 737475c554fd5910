"""A view of a database for reading only, beside a running Lampkeeper: takes no lock, changes and migrates nothing.

Leans on `core.store`, whose `Store` it is. SQLite opens the file for reading only, so that whatever would write fails;
in WAL mode who reads holds up nobody who writes (https://www.sqlite.org/wal.html, "Concurrency").
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from core.errors import StoreError
from core.store import BUSY_SECONDS, Store, prepare_connections, tables
from core.store.lock import Lock
from core.store.schema import NEWEST, newer
from core.vault import look_vault
from core.vault.master import Keys


@asynccontextmanager
async def viewed(database: Path, keys: Keys) -> AsyncIterator[Store]:
    """Open a database that is there, for reading only.

    StoreError if there is none, if it is locked, damaged, or of another version than this program; VaultError if the
    key file is missing, unsafe, or another database's.
    """
    if not database.exists():  # noqa: ASYNC240 - once, and nobody waits
        remedy = "If there should be one, correct [storage] database."
        raise StoreError(f"There is no database at {database}, so nothing is kept.", remedy)
    place = database.absolute().as_uri()  # noqa: ASYNC240 - it asks no disk
    url = URL.create("sqlite+aiosqlite", database=place, query={"mode": "ro", "uri": "true"})
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    prepare_connections(engine)
    store = Store(database, engine, Lock(database))
    try:
        async with store.read() as tx:
            await _check(tx, database)
            sealed = await tx.scalar(select(tables.meta.c.sealed).where(tables.meta.c.name == "key_check"))
        store.vault = look_vault(keys, sealed)
        yield store
    finally:
        await store.close()


async def _check(tx: AsyncConnection, database: Path) -> None:
    """Make sure that it is a database of this version."""
    revision = None
    if await tx.run_sync(lambda connection: inspect(connection).has_table("alembic_version")):
        revision = await tx.scalar(text("SELECT max(version_num) FROM alembic_version"))
    if revision is None:
        raise StoreError(f"{database} is not a database of Lampkeeper's.", "Correct [storage] database.")
    if revision > NEWEST:
        raise newer()
    if revision < NEWEST:
        what = "The database was written by an older version of Lampkeeper."
        raise StoreError(what, "Start this version once: `lampkeeper run` brings the database up to date.")
