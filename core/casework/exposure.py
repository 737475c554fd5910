"""Exposure: how many lines of other people's talk a moderator was shown on a day, so that nobody reads too much.

Leans on `core.store`; runs inside a transaction of its caller (`desk`). Decisions:

- What is counted is what was shown, not what was read: a line that is shown again counts again. A file that is handed
  out counts with all its texts.
- The limit holds up nobody: a case may have to be read to its end now. Whoever reaches it is told so once a day,
  kindly, with the names of those who could take over (`rotation`).
- Days are UTC days. The counts go after `KEPT_DAYS`, and with their case: they are there for the moderators' sake, and
  no record of how anybody works. Nobody is shown another's.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.peaks import day_of
from core.store import tables, upsert

KEPT_DAYS = 35
"""Five weeks, so that a month can be looked back on."""
LIMIT = 200
"""Lines a day, where the operator says nothing else."""
_T = tables.exposures


class Exposure(NamedTuple):
    """What somebody was shown today: `lines` of how many `cases`.

    `over`: that reaches the `limit` (0: there is none).
    """

    lines: int
    cases: int
    limit: int
    over: bool


class Read(NamedTuple):
    """How many lines somebody was shown today, and in all the days kept."""

    today: int
    lately: int


NOTHING = Read(0, 0)


async def count(tx: AsyncConnection, space: str, who: str, alert: str, lines: int, now: float) -> None:  # noqa: PLR0913, PLR0917
    """Count lines of a case that pseudonym `who` is shown."""
    key = {"space": space, "who": who, "day": day_of(now), "alert": alert}
    same = (_T.c.space == space, _T.c.who == who, _T.c.day == key["day"], _T.c.alert == alert)
    before = await tx.scalar(select(_T.c.lines).where(*same)) or 0
    if lines:
        await upsert(tx, _T, [key | {"lines": before + lines}])


async def of(tx: AsyncConnection, space: str, who: str, limit: int, now: float) -> Exposure:
    """Return what pseudonym `who` was shown today."""
    mine = (_T.c.space == space, _T.c.who == who, _T.c.day == day_of(now))
    lines, of_cases = (
        await tx.execute(select(func.coalesce(func.sum(_T.c.lines), 0), func.count()).where(*mine))
    ).one()
    return Exposure(lines, of_cases, limit, 0 < limit <= lines)


async def told(tx: AsyncConnection, space: str, who: str, now: float) -> bool:
    """Take note that pseudonym `who` is told of the limit today; tell whether that is the first time."""
    mine = (_T.c.space == space, _T.c.who == who, _T.c.day == day_of(now))
    before = await tx.scalar(select(func.max(_T.c.told)).where(*mine))
    await tx.execute(update(_T).where(*mine).values(told=now))
    return before is None


def over(now: float) -> ColumnElement[bool]:
    """Return whether a row was kept for `KEPT_DAYS`."""
    return _T.c.day < day_of(now) - KEPT_DAYS


async def read(tx: AsyncConnection, space: str, now: float) -> dict[str, Read]:
    """Return how much each pseudonym was shown."""
    counted = select(_T.c.who, _T.c.day, _T.c.lines).where(_T.c.space == space)
    found: dict[str, Read] = {}
    for row in await tx.execute(counted):
        today, lately = found.get(row.who, NOTHING)
        found[row.who] = Read(today + row.lines * (row.day == day_of(now)), lately + row.lines)
    return found


async def shown_since(tx: AsyncConnection, space: str, since: float) -> set[str]:
    """Return the pseudonyms of those who were shown anything on the day of `since`, or after."""
    lately = select(_T.c.who).where(_T.c.space == space, _T.c.day >= day_of(since)).distinct()
    return set(await tx.scalars(lately))
