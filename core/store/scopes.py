"""Dropping keys: what stays of a space or a case is sealed anew first, then its retired keys go.

Leans on `core.vault.places` for where sealed values stand. Of what is deleted nothing stays, as a rule, and its keys go
at once. Of a deleted space, cases under legal hold keep a few rows of it; and what the version before sealed is all
sealed anew. That is done a page of rows at a time, each in a transaction of its own, so that the writer is not held up;
a crash leaves the keys retired, and it is done again.

Where a copy of the database from before a deletion is put back, what was deleted is in it, and nobody can read it:
those rows are deleted at the start. Audit and figures, which are not sealed, stay until the space is removed again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import ColumnElement, LargeBinary, Table, and_, bindparam, delete, or_, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import VaultError
from core.store import tables
from core.vault import FORMER, Vault
from core.vault.places import PLACES, Scope, about_of

if TYPE_CHECKING:
    from core.store import Store

log = structlog.get_logger(__name__)

ROWS_AT_ONCE = 500


def sealed_columns(table: Table) -> list[str]:
    """Name the columns of a table that hold sealed values."""
    return [column.name for column in table.c if isinstance(column.type, LargeBinary)]


SEALED = {name: table for name, table in tables.metadata.tables.items() if sealed_columns(table)}
"""The tables that hold sealed values."""


async def drop_keys(store: Store, scopes: Collection[Scope]) -> int:
    """Seal anew what is under the retired keys of `scopes`, and drop those; return how many values that were."""
    changed, closed = 0, 0
    for name, table in SEALED.items():
        for which in _theirs(name, scopes):
            last: tuple[Any, ...] | None = ()
            while last is not None:
                async with store.write() as tx:
                    last, some, unopened = await _page(tx, store.vault, table, last, which)
                changed, closed = changed + some, closed + unopened
    if closed:
        what = "Some sealed values open with no key in the keyring, so that no key is dropped."
        log.error("store.unreadable", values=closed, what=what, remedy="Restore the newest copy of the keyring.")
        return changed
    async with store.write():  # nothing is sealed meanwhile
        store.vault.drop(scopes)
    if changed:
        log.info("store.sealed_anew", values=changed)
    return changed


async def forget_unreadable(tx: AsyncConnection, vault: Vault) -> int:
    """Delete the rows that a copy of the database brought back though their keys were dropped; return how many.

    VaultError if the keyring is older than the database. Only spaces and cases are looked through of which keys were
    dropped before; where there are messages there is a conversation, so theirs need not be listed.
    """
    owners: set[Scope] = set()
    for name, table in SEALED.items():
        place = PLACES[name]
        if place.kind != "master" and name != "messages":
            holds = or_(*[table.c[column].is_not(None) for column in sealed_columns(table)])
            found = await tx.scalars(select(table.c[place.row[0]]).where(holds).distinct())
            owners.update((place.kind, owner) for owner in found)
    count = 0
    for kind, owner in vault.gone(owners):
        for table in SEALED.values():
            if PLACES[table.name].kind == kind:
                count += await _forget_closed(tx, vault, table, table.c[PLACES[table.name].row[0]] == owner)
    return count


async def _forget_closed(tx: AsyncConnection, vault: Vault, table: Table, which: ColumnElement[bool]) -> int:
    primary, sealed = list(table.primary_key), sealed_columns(table)
    closed = []
    for row in (await tx.execute(select(table).where(which))).mappings():
        values = [(row[name], about_of(table.name, dict(row), name)) for name in sealed if row[name] is not None]
        try:
            for value, about in values:
                vault.open(value, about)
        except VaultError:
            closed.append({f"of_{column.name}": row[column.name] for column in primary})
    if closed:
        this = and_(*[column == bindparam(f"of_{column.name}") for column in primary])
        await tx.execute(delete(table).where(this), closed)
    return len(closed)


def _theirs(name: str, scopes: Collection[Scope]) -> list[ColumnElement[bool]]:
    """Say which rows of a table belong to `scopes`, in conditions that are not too long for a query."""
    if FORMER in scopes:
        return [true()]
    kind, row = PLACES[name]
    owners = [owner for of, owner in scopes if of == kind]
    return [tables.metadata.tables[name].c[row[0]].in_(some) for some in _cut(owners)]


def _cut(owners: list[str]) -> list[list[str]]:
    """Cut into lists of at most `ROWS_AT_ONCE`."""
    return [owners[start : start + ROWS_AT_ONCE] for start in range(0, len(owners), ROWS_AT_ONCE)]


async def _page(
    tx: AsyncConnection, vault: Vault, table: Table, last: tuple[Any, ...], which: ColumnElement[bool]
) -> tuple[tuple[Any, ...] | None, int, int]:
    """Seal a page of rows anew, those whose primary key comes after `last`.

    Returns the page's last key (None: there is no further page), how many values were sealed anew, and how many did not
    open.
    """
    primary = list(table.primary_key)
    after = tuple_(*primary) > last if last else true()
    columns = {column.name: column for column in [*primary, *(table.c[name] for name in PLACES[table.name].row)]}
    sealed = sealed_columns(table)
    query = select(*columns.values(), *(table.c[name] for name in sealed)).where(and_(after, which))
    rows = (await tx.execute(query.order_by(*primary).limit(ROWS_AT_ONCE))).mappings().all()
    changed, closed = 0, 0
    for name in sealed:
        new = []
        for row in rows:
            if row[name] is None:
                continue
            try:
                value = vault.anew(row[name], about_of(table.name, dict(row), name))
            except VaultError:
                closed += 1
                continue
            if value is not None:
                new.append({"new": value} | {f"of_{column.name}": row[column.name] for column in primary})
        if new:
            this = and_(*[column == bindparam(f"of_{column.name}") for column in primary])
            await tx.execute(update(table).where(this).values({name: bindparam("new")}), new)
        changed += len(new)
    full = len(rows) == ROWS_AT_ONCE
    return (tuple(rows[-1][column.name] for column in primary) if full else None), changed, closed
