"""What a space is told when its time has come: once, after a week, a threshold fitted to it; then a digest every week.

Leans on `core.ledger` and `core.outbox`. Adapters know the words, so they ask what is `due` and `tell` it; that it was
told is written in the transaction that puts it into the outbox, so that no restart tells it twice. A space's weeks
begin when it joined, or, where that is not known, with the first day of which a score was noted.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import func, select, update

from core import outbox
from core.ledger import Ledger
from core.peaks import DAY
from core.store import tables

WEEK = 7 * DAY
Kind = Literal["advised", "digested"]
"""The time in `core.communities.Standing` that says when it was told."""


class Due(NamedTuple):
    """A space that is to be told."""

    space: str
    kind: Kind


async def due(ledger: Ledger, platform: str) -> list[Due]:
    """Return which spaces of a platform are to be told, and what. The first week's advice stands for its digest."""
    now, spaces, peaks = ledger.clock(), tables.spaces, tables.peaks
    first = select(peaks.c.space, func.min(peaks.c.day).label("day")).group_by(peaks.c.space).subquery()
    joined = select(spaces, first.c.day).outerjoin(first, first.c.space == spaces.c.space)
    ours = joined.where(spaces.c.space.startswith(f"{platform}:", autoescape=True), spaces.c.left.is_(None))
    async with ledger.store.read() as tx:
        rows = (await tx.execute(ours.order_by(spaces.c.space))).all()
    found = []
    for row in rows:
        since = row.joined if row.joined is not None or row.day is None else row.day * DAY
        if since is None or now - since < WEEK:
            continue
        if row.advised is None:
            found.append(Due(row.space, "advised"))
        elif now - (row.digested or since) >= WEEK:
            found.append(Due(row.space, "digested"))
    return found


async def tell(ledger: Ledger, about: Due, text: str) -> None:
    """Have a space told `text`, and remember it."""
    now, table = ledger.clock(), tables.spaces
    async with ledger.transaction() as tx:
        await outbox.put_notice(tx, about.space, text, now)
        told = {about.kind: now, "digested": now}
        await tx.execute(update(table).where(table.c.space == about.space).values(told))
