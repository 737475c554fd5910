"""What the tests of the audit share: a database with a chain and signed heads, and hands that tamper with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core import audit
from core.audit import chain, erasing
from core.audit.chain import Row, links
from core.audit.heads import DAY, Head, read, write
from core.audit.verify import Verdict, verify
from core.casework.cards import Person
from core.store import Store, open_store, tables
from core.store.look import looking
from tests.support import NOW, Board, lampkeeper, said, slow_talk, vault_of

ROWS = 12
SIGNED = 8
"""The first head is signed after this row, the second after the last one."""
SPACES = ("test:one", "test:two")


def database(folder: Path) -> Path:
    return folder / "lampkeeper.db"


def heads_file(folder: Path) -> Path:
    return folder / "audit-heads.jsonl"


async def opened(folder: Path) -> Store:
    return await open_store(database(folder), folder / "lampkeeper.key")


def deed(number: int) -> dict[str, Any]:
    space = SPACES[number % 2]
    return audit.row(NOW + number, space, "alert updated", who=f"who-{number}", about=f"case-{number}", level="review")


async def record(folder: Path, *rows: dict[str, Any]) -> None:
    store = await opened(folder)
    async with store.write() as tx:
        await audit.record(tx, list(rows))
    await store.close()


def sign(folder: Path, now: float = NOW) -> Head:
    head = write(heads_file(folder), database(folder), vault_of(folder), now, "asked")
    assert head is not None
    return head


async def make(folder: Path) -> None:
    await record(folder, *map(deed, range(1, SIGNED + 1)))
    sign(folder)
    await record(folder, *map(deed, range(SIGNED + 1, ROWS + 1)))
    sign(folder, NOW + DAY)


def verdict(folder: Path, heads: Path | None = None, key: str | None = None) -> Verdict:
    lines = read(heads or heads_file(folder))
    with looking(database(folder)) as connection:
        return verify(connection, lines, {key or vault_of(folder).verify_key.hex()})


def named(folder: Path) -> set[int | None]:
    return {problem.row for problem in verdict(folder).problems}


@contextmanager
def by_hand(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database(folder))) as connection, connection:
        yield connection


async def erase(folder: Path, what: Callable[[Any], Any], parts: tuple[chain.Part, ...]) -> None:
    store = await opened(folder)
    async with store.write() as tx:
        await erasing.account(tx, NOW, "person forgotten", dict.fromkeys(parts, await what(tx)))
    await store.close()


SPACE = "test:space"
MODERATOR = Person("moderator", "The moderator")


async def casework(folder: Path) -> str:
    """Talk until there is an alert, which a moderator decides; return the alert."""
    board = Board()
    async with lampkeeper(folder, deliverers=[board]) as guard:
        for number, line in enumerate(slow_talk()):
            await guard.receive(said(number, line, partner="target"))
        await guard.settled()
        (alert,) = {card.alert for card in board.cards.values()}
        await guard.desk.claim(alert, MODERATOR)
        await guard.desk.decide(alert, "confirmed", MODERATOR)
    return str(alert)


async def cells(folder: Path, *columns: str) -> list[Any]:
    store = await opened(folder)
    async with store.read() as tx:
        rows = await tx.execute(select(*[tables.audit.c[name] for name in columns]).order_by(tables.audit.c.id))
    await store.close()
    return [tuple(row) for row in rows]


def link_by_hand(connection: sqlite3.Connection, number: int, what: str) -> None:
    """Add a row as Lampkeeper would, which anybody can who may write to the database."""
    (before,) = connection.execute("SELECT hash FROM audit_chain WHERE id = ?", (number - 1,)).fetchone()
    row = Row(number, NOW, "", "", what, "", "{}")
    (link,) = links(chain.End(number - 1, before), [row])
    connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO audit_chain VALUES (?, ?, ?, ?, ?, ?, ?, ?)", link)


def recompute(folder: Path, change: str = "UPDATE audit SET what = 'alert claimed' WHERE id = 3") -> None:
    """Change rows and chain everything anew, as anybody can who may write to the database."""
    with by_hand(folder) as connection:
        connection.execute(change)
        rows = [Row(n, *cells[1:]) for n, cells in enumerate(connection.execute("SELECT * FROM audit ORDER BY id"), 1)]
        for table in ("audit", "audit_chain"):
            connection.execute(f"DELETE FROM {table}")
        connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        made = links(chain.START, rows)
        connection.executemany("INSERT INTO audit_chain VALUES (?, ?, ?, ?, ?, ?, ?, ?)", made)


def lines_of(folder: Path) -> list[str]:
    return heads_file(folder).read_text().splitlines(keepends=True)
