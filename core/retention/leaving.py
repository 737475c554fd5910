"""Spaces that left are deleted after a grace in which they may come back.

Leans on `core.ledger` and `rules`; `core.communities` sealed them when they left. Decisions:
- After `GRACE` the guard's housekeeping deletes a space whole, its audit too. One row stays, "space deleted", which
  tells when that was and how many cases under legal hold are left, and names nobody.
- Cases under legal hold stay, sealed: with the space gone only the operator can reach them. Once the last hold is
  lifted they go as well, with the next housekeeping.
"""

from __future__ import annotations

from sqlalchemy import Select, func, select

from core import audit
from core.ledger import Ledger
from core.retention import rules
from core.retention.keeping import GRACE
from core.store import tables, upsert

__all__ = ["GRACE", "forget_left"]
_T = tables.spaces


async def forget_left(ledger: Ledger) -> list[str]:
    """Delete the spaces that left `GRACE` ago or earlier; return those."""
    until = ledger.clock() - GRACE
    async with ledger.store.read() as tx:
        due = list(await tx.scalars(select(_T.c.space).where(_T.c.left <= until).order_by(_T.c.space)))
    forgotten = []
    for space in due:
        async with ledger.transaction() as tx:
            left = await tx.scalar(select(_T.c.left).where(_T.c.space == space))
            if left is None or left > until:
                continue  # it came back this moment
            first: float | None = await tx.scalar(_deleted(space).where(tables.audit.c.time >= left))
            held = await rules.forget_space(tx, ledger.vault, space, ledger.clock())
            if held:  # still sealed, and due again; but if it comes back, it is a new one
                await upsert(tx, _T, [{"space": space, "joined": None, "left": left}])
            if first is None:
                forgotten.append(space)
            if await tx.scalar(_deleted(space)) is None:
                time = ledger.clock() if first is None else first
                await audit.record(tx, [audit.row(time, space, "space deleted", held=held)])
            ledger.memory.clear()
    if due:
        await ledger.store.checkpoint()
    return forgotten


def _deleted(space: str) -> Select[tuple[float]]:
    """Ask since when a space is deleted."""
    said = tables.audit.c
    return select(func.min(said.time)).where(said.space == space, said.what == "space deleted")
