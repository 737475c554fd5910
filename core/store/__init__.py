"""The store: one SQLite database, one writer, everything about people sealed or blinded.

Leans on SQLAlchemy Core over aiosqlite, Alembic and `core.vault`. Decisions:

- One connection per unit of work. Two tasks sharing a connection share its transaction: one's commit would swallow the
  other's rollback. `read` and `write` therefore each take a connection of their own from the pool.
- A unit that only read is not committed but ended by its closing, for each word with SQLite is a change of thread.
- One writer. SQLite allows one anyway; a lock in the process makes them queue in order instead of running into the busy
  timeout, and a lock file beside the database keeps a second `lampkeeper run` out. Commands for people write beside
  it (`core.store.beside`).
- A task cancelled in the middle leaves no lock behind. Opening, committing and closing a connection are done whole; one
  whose statement was broken off is rolled back before it is closed, for SQLite keeps a closed connection and its lock
  until the last of its statements is gone, which is when Python happens to collect it.
- WAL, so that reading never waits for writing; ``synchronous=FULL``, so that a moderator's decision and the record of
  an attempted delivery survive a power cut. With one transaction per batch it costs one fsync per batch.
- ``secure_delete``: what the retention rule deletes is overwritten, not only unlinked.
- Keys that are retired with a deletion are dropped after it is committed, or with the first housekeeping after a crash
  (`core.store.scopes`).
- SQL stays within what PostgreSQL understands too, but for `upsert`, which is in one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from sqlalchemy import JSON, URL, ColumnElement, Connection, Table, case, event, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import LampkeeperError, StoreError
from core.store import tables
from core.store.beside import lock_to_migrate
from core.store.lock import Lock
from core.store.schema import migrate
from core.store.scopes import drop_keys, forget_unreadable
from core.vault import FORMER, KEY_CHECK, Keys, Vault, open_vault
from core.vault.places import Scope

log = structlog.get_logger(__name__)

BUSY_SECONDS = 5.0
"""How long a statement waits for another program's lock on the database."""
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "wal_autocheckpoint=8000",  # 32 MB: under load the same pages are written again and again, and copied once
    "cache_size=-8000",  # 8 MB: a large batch touches more pages than the usual 2 MB hold
)

_SQLITE = sqlite.dialect(paramstyle="qmark")
_META = tables.meta.c
_ERRORS = {
    "SQLITE_BUSY": ("is locked by another program", "Close the program that holds it (a database browser, a backup)."),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Free space on the disk; writing goes on by itself."),
    "SQLITE_CORRUPT": ("is damaged", "Restore it from your backup, or move it away to start anew."),
    "SQLITE_NOTADB": ("is damaged or not a database", "Restore it from your backup, or move it away to start anew."),
    "SQLITE_READONLY": (
        "cannot be written",
        "Give the account that runs Lampkeeper write access to it and its folder.",
    ),
    "SQLITE_CANTOPEN": ("cannot be opened", "Give the account that runs Lampkeeper access to it and its folder."),
    "SQLITE_IOERR": ("cannot be read or written: the disk reports an error", "Check the disk and its free space."),
}


class Store:
    """An open database, and from the end of `open_store` on the `vault` of its keys.

    `beside`: another Lampkeeper may be watching on it.
    """

    beside = False

    vault: Vault

    def __init__(self, database: Path, engine: AsyncEngine, lock: Lock) -> None:
        self.database = database
        self._engine = engine
        self._lock = lock
        self._writing = asyncio.Lock()
        self._unfinished = False
        self._proved = -1

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open one consistent view of the database; StoreError if it cannot be read."""
        async with self._unit("BEGIN") as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction: committed on leaving, undone whole on any error; StoreError if it cannot be written."""
        async with self._writing, self._unit("BEGIN IMMEDIATE") as tx:
            yield tx
            changes = await self._prove(tx)
            await _whole(tx.commit())
            self._proved = changes

    async def _prove(self, tx: AsyncConnection) -> int:
        """Note how often the keyring has changed, so that no older copy of it is taken for the newest; return it."""
        changes = self.vault.changes
        if changes != self._proved:
            before = await tx.scalar(select(_META.sealed).where(_META.name == KEY_CHECK[1]))
            if (proof := self.vault.proof(before)) is not None:
                await upsert(tx, tables.meta, [{"name": KEY_CHECK[1], "sealed": proof}])
        return changes

    async def checkpoint(self) -> None:
        """Make deletions final: drop the keys of what is no more, and empty the write-ahead log into the database.

        What cannot be done now is logged, and stays to be done (`finish_checkpoint`): another program has the keyring
        open, or reads an older view of the database.
        """
        dropped = await self._drop_keys([scope for scope in self.vault.retired if scope != FORMER])
        async with self._writing, self._unit("") as connection:
            busy = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
        self._unfinished = bool(busy) or not dropped
        if busy:  # https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: the first column
            log.warning(
                "store.checkpoint_waits",
                what="What was deleted still stands, sealed, in the file beside the database: something reads it.",
                remedy="It is tried again within the hour. Close what reads the database (a browser, a backup).",
            )

    async def finish_checkpoint(self) -> None:
        """Do what a `checkpoint` could not, or what a crash kept it from; seal anew what a former version sealed."""
        if self._unfinished:
            await self.checkpoint()
        await self._drop_keys(self.vault.retired)

    async def _drop_keys(self, scopes: Collection[Scope]) -> bool:
        """Drop retired keys; False, and logged, if the keyring cannot be written."""
        try:
            if scopes:
                await drop_keys(self, scopes)
        except LampkeeperError as error:
            log.warning("store.keys_wait", what=error.what, remedy=f"{error.remedy} It is tried again within the hour.")
            return False
        return True

    @asynccontextmanager
    async def _unit(self, begin: str) -> AsyncIterator[AsyncConnection]:
        connection = self._engine.connect()
        with _explained(self.database):
            try:
                await _whole(_begun(connection, begin))
                yield connection
            finally:
                if connection.sync_connection is not None:
                    await _whole(connection.close())

    async def close(self) -> None:
        """Close every connection and let other processes in."""
        await self._engine.dispose()
        self._lock.release()


async def open_store(database: Path, keys: Keys | Path, *, beside: bool = False) -> Store:
    """Open or make the database and its keys, and bring the schema up to date.

    `keys` may be the key file alone, with the keyring beside it.

    With `beside`, open a database that there is, whether or not a Lampkeeper is watching on it, for
    `core.casework.desk` only.

    StoreError if the database is in use, locked, damaged, newer than this program, or its folder cannot be written;
    VaultError if master key or keyring is missing, unsafe, or not the one this data was sealed with.
    """
    lock = Lock(database)
    if beside:
        lock_to_migrate(lock, database)
    else:
        lock.take()
    try:
        url = URL.create("sqlite+aiosqlite", database=str(database))
        engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
        prepare_connections(engine)
    except BaseException:
        lock.release()
        raise
    store = Store(database, engine, lock)
    try:
        async with store.write() as tx:
            await tx.run_sync(migrate)
            store.vault = await _vault(tx, Keys.beside(keys) if isinstance(keys, Path) else keys)
    except BaseException:
        await store.close()
        raise
    if beside:
        store.beside = True
        lock.release()
    return store


async def _begun(connection: AsyncConnection, begin: str) -> None:
    await connection.start()
    await connection.execution_options(begin=begin)
    await connection.begin()


async def _whole(work: Awaitable[None]) -> None:
    """Do `work` to its end even if the task is cancelled meanwhile, which is raised after it, come what may."""
    doing, cancelled = asyncio.ensure_future(work), None
    while not doing.done():
        try:
            await asyncio.wait({doing})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from doing.exception()
    doing.result()


async def upsert(
    tx: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
    highest: Sequence[str] = (),
) -> None:
    """Insert `rows`, or update those whose primary key exists.

    An update leaves the columns `keep` as they were, and those of `highest` where they are higher than the new value.

    Every row must have the same keys.
    """
    if rows:
        await _many(tx, _upsert(table, tuple(rows[0]), tuple(keep), tuple(highest)), rows)


async def add(tx: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all have the same keys."""
    if rows:
        await _many(tx, _insert(table, tuple(rows[0])), rows)


class _Statement(NamedTuple):
    """A statement, and as SQL whose question marks stand for `names`; None where a type has to convert values."""

    statement: sqlite.Insert
    sql: str | None
    names: tuple[str, ...]


async def _many(tx: AsyncConnection, prepared: _Statement, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows; as tuples for the driver where possible, for SQLAlchemy's way costs as much as SQLite's own work."""
    if prepared.sql is None:
        await tx.execute(prepared.statement, list(rows))
        return
    names = prepared.names
    await tx.exec_driver_sql(prepared.sql, [tuple([row[name] for name in names]) for row in rows])


def _prepared(statement: sqlite.Insert, table: Table, columns: tuple[str, ...]) -> _Statement:
    compiled = statement.compile(dialect=_SQLITE, column_keys=list(columns))
    as_they_are = not any(isinstance(table.c[name].type, JSON) for name in columns)
    return _Statement(statement, str(compiled) if as_they_are else None, tuple(compiled.positiontup or ()))


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> _Statement:
    return _prepared(sqlite.insert(table), table, columns)


@cache
def _upsert(table: Table, columns: tuple[str, ...], keep: tuple[str, ...], highest: tuple[str, ...]) -> _Statement:
    """Build the statement; once each, for it takes as long as writing a dozen rows."""
    statement = sqlite.insert(table)
    primary = [column.name for column in table.primary_key]
    changed: dict[str, ColumnElement[Any]] = {
        name: statement.excluded[name] for name in columns if name not in primary and name not in keep
    }
    for name in highest:
        changed[name] = case((table.c[name] > changed[name], table.c[name]), else_=changed[name])
    if not changed:
        return _prepared(statement.on_conflict_do_nothing(), table, columns)
    return _prepared(statement.on_conflict_do_update(index_elements=primary, set_=changed), table, columns)


async def _vault(tx: AsyncConnection, keys: Keys) -> Vault:
    """Open the vault that the data was sealed with, by the proof that it left (`Store.write` leaves it)."""
    vault = open_vault(keys, await tx.scalar(select(_META.sealed).where(_META.name == KEY_CHECK[1])))
    if removed := await forget_unreadable(tx, vault):
        what = "Rows that were deleted before came back with a copy of the database, and were removed again."
        log.warning("store.deleted_again", rows=removed, what=what)
    return vault


def prepare_connections(engine: AsyncEngine) -> None:
    """Set what every connection needs, and begin transactions ourselves.

    Python's sqlite3 begins a transaction only at the first INSERT: a read before it would see another state than the
    write after it. A writer begins with IMMEDIATE, so that it waits for the lock at the start and never fails half way.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "invalidate")
    def invalidate(connection: Any, _record: Any, _error: BaseException | None) -> None:
        connection.rollback()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if statement := connection.get_execution_options().get("begin", "BEGIN"):
            connection.exec_driver_sql(statement)


@contextmanager
def _explained(database: Path) -> Iterator[None]:
    """Turn a database error into one that says what to do."""
    try:
        yield
    except DBAPIError as error:
        if (explained := explanation(database, error.orig)) is not None:
            raise explained from error.orig
        raise


def explanation(database: Path, error: BaseException | None) -> StoreError | None:
    """Return SQLite's `error` as one that says what to do; None for one that only a fault in Lampkeeper can cause."""
    name = getattr(error, "sqlite_errorname", "")
    for prefix, (what, remedy) in _ERRORS.items():
        if name.startswith(prefix):
            return StoreError(f"The database {database} {what}.", remedy)
    return None
