"""Cases that became part of others: what holds of the whole holds of its parts, however many levels there are.

Leans on the tables alone. Decisions:

- A case that became part of another stays a row of its own, with its own evidence; `merged` names the other, which may
  have become part of a third. What is asked "of the whole" is asked of the last on that way, which is part of none.
- Where a case on the way is deleted, what was part of it becomes part of what it was part of, or stands by itself
  (`take_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import tables
from core.store.states import chunks

Fits = Callable[[FromClause], ColumnElement[Any]]
"""Whether something is so of a row of `alerts`, or of an alias of it, as SQL."""
_T = tables.alerts


def of_whole(fits: Fits) -> ColumnElement[bool]:
    """Return whether something is so of the case that a row of `alerts` became part of, or of itself if of none."""
    return of_any(lambda row: and_(_by_itself(row), fits(row)))


def of_any(fits: Fits) -> ColumnElement[bool]:
    """Return whether something is so of a row of `alerts`, or of any case that it is part of."""
    part, between, upper = (_T.alias() for _ in range(3))
    first = select(part.c.alert, part.c.merged.label("upper")).where(part.c.merged.is_not(None)).cte(recursive=True)
    further = select(first.c.alert, between.c.merged).join(between, between.c.alert == first.c.upper)
    ways = first.union(further.where(between.c.merged.is_not(None)))
    above = select(ways.c.alert).join(upper, upper.c.alert == ways.c.upper).where(fits(upper))
    here = func.coalesce(fits(_T), false())  # what compares with nothing is unknown, and would stay so when negated
    return or_(here, _T.c.alert.in_(above))


async def wholes(tx: AsyncConnection, which: ColumnElement[bool]) -> dict[str, str]:
    """Return, for each of the cases `which`, the last that it is part of: itself, if it is part of none."""
    merged = {row.alert: row.merged for row in await tx.execute(select(_T.c.alert, _T.c.merged).where(which))}
    found = {alert: alert for alert in merged}
    climbing = {alert: upper for alert, upper in merged.items() if upper is not None}
    while climbing:
        these = select(_T.c.alert, _T.c.merged).where(_T.c.alert.in_(set(climbing.values())))
        above = {row.alert: row.merged for row in await tx.execute(these)}
        found |= {alert: upper for alert, upper in climbing.items() if upper in above}
        climbing = {alert: above[upper] for alert, upper in climbing.items() if above.get(upper) is not None}
    return found


async def parts(tx: AsyncConnection, alert: str) -> list[str]:
    """Return the cases that are part of a case, or of a part of it."""
    found: list[str] = []
    level, whole = [alert], _T.alias()
    here = _T.c.space == select(whole.c.space).where(whole.c.alert == alert).scalar_subquery()  # as the index goes
    while level:
        below = select(_T.c.alert).where(here, _T.c.merged.in_(level)).order_by(_T.c.opened, _T.c.alert)
        level = list(await tx.scalars(below))
        found += level
    return found


async def take_out(tx: AsyncConnection, alerts: Iterable[str]) -> None:
    """Make cases part of none, as before they are deleted; their parts become part of what they were part of."""
    wholes: set[str] = set()
    for some in chunks(list(alerts)):
        part = _T.alias()
        concerned = or_(_T.c.merged.is_not(None), exists().where(part.c.merged == _T.c.alert).correlate(_T))
        wholes.update(await tx.scalars(select(_T.c.alert).where(_T.c.alert.in_(some), concerned)))
    for alert in sorted(wholes):
        upper = await tx.scalar(select(_T.c.merged).where(_T.c.alert == alert))
        await tx.execute(update(_T).where(_T.c.merged == alert).values(merged=upper))
        await tx.execute(update(_T).where(_T.c.alert == alert, _T.c.merged.is_not(None)).values(merged=None))


def _by_itself(row: FromClause) -> ColumnElement[bool]:
    """Return whether a case is part of none, or of one that is gone."""
    other = _T.alias()
    return or_(row.c.merged.is_(None), not_(exists().where(other.c.alert == row.c.merged).correlate(row)))
