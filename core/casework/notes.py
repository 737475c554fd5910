"""Notes: what moderators write down about a case, for those who work on it after them.

Leans on `core.store`. A note is sealed and never changed; it goes with its case.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import tables
from core.store.states import dump, parse
from core.vault import Vault

LONGEST = 2000
"""Characters of a note."""
_T = tables.notes


async def put(tx: AsyncConnection, vault: Vault, space: str, alert: str, who: str, text: str, now: float) -> None:  # noqa: PLR0913, PLR0917
    """Note something, by pseudonym `who`."""
    row = {"space": space, "alert": alert, "time": now, "who": who, "sealed": b""}
    (number,) = (await tx.execute(insert(_T).values(row))).inserted_primary_key or (0,)
    sealed = dump(vault, text[:LONGEST], _about(alert, number))
    await tx.execute(update(_T).where(_T.c.id == number).values(sealed=sealed))


async def of_case(tx: AsyncConnection, vault: Vault, alert: str) -> list[tuple[Row[Any], str]]:
    """Return what was noted, oldest first, each with its row."""
    rows = (await tx.execute(select(_T).where(_T.c.alert == alert).order_by(_T.c.id))).all()
    return [(row, parse(vault, row.sealed, _about(alert, row.id))) for row in rows]


async def of_person(tx: AsyncConnection, vault: Vault, space: str, who: str) -> list[tuple[Row[Any], str]]:
    """Return what pseudonym `who` noted in a space, oldest first, each with its row."""
    mine = select(_T).where(_T.c.space == space, _T.c.who == who).order_by(_T.c.id)
    rows = (await tx.execute(mine)).all()
    return [(row, parse(vault, row.sealed, _about(row.alert, row.id))) for row in rows]


def _about(alert: str, number: int) -> tuple[str, ...]:
    return ("notes", alert, str(number), "sealed")
