"""Legal holds: what keeps the evidence of a case against every period, and how it ends.

Leans on the tables, on `core.ledger`, `parts` and `core.cybertip.steps`; `core.retention.keeping` asks the same as SQL.
Decisions:

- A hold that somebody set has no end: it lasts until somebody ends it. A report sets one that ends by itself a year
  later (`KEPT`), and leaves one that has no end as it is; setting one by hand takes the end off.
- From a report on nobody ends the hold for that year; ending one that has no end gives it that end. Nor does anybody
  while a report is on its way to NCMEC: a deletion could take its log, and leave it half made there.
- A case is held with what it is part of: so it is shown, and so it is told to whoever asks for a deletion.
- The operator ends holds from outside a server (`end`), who may have to once the bot is not in it any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit
from core.casework import parts
from core.cybertip.steps import UNDER_WAY
from core.ledger import Ledger
from core.retention.keeping import KEPT, is_held
from core.store import tables
from core.store.states import chunks

_T, _S = tables.alerts, tables.submissions


class Hold(NamedTuple):
    """A legal hold on a case: `since` when, `until` when (None: until somebody ends it), by the hold on which case."""

    since: float
    until: float | None
    by: str


async def on(tx: AsyncConnection, alerts: Iterable[str], now: float | None = None) -> dict[str, Hold]:
    """Return the legal holds on those of `alerts` that are held, by themselves or by what they are part of.

    Of several the one that lasts longest, a case's own first. At a time `now` those whose time is up are none.
    """
    found: dict[str, Hold] = {}
    level = {alert: alert for alert in alerts}  # alert -> the case above it that is looked at
    while level:
        above: dict[str, str] = {}
        for some in chunks(sorted(set(level.values()))):
            columns = (_T.c.alert, _T.c.merged, _T.c.held, _T.c.held_until, is_held(_T, now).label("holds"))
            rows = {row.alert: row for row in await tx.execute(select(*columns).where(_T.c.alert.in_(some)))}
            for alert, upper in level.items():
                if (row := rows.get(upper)) is None:
                    continue
                if row.holds and (alert not in found or _lasts(row.held_until) > _lasts(found[alert].until)):
                    found[alert] = Hold(row.held, row.held_until, upper)
                if row.merged is not None:
                    above[alert] = row.merged
        level = above
    return found


def _lasts(until: float | None) -> float:
    return float("inf") if until is None else until


async def begin(tx: AsyncConnection, alert: str, now: float) -> bool:
    """Put a case under a hold that lasts until somebody ends it; tell whether it was under none such."""
    without_end = update(_T).where(_T.c.alert == alert, or_(_T.c.held.is_(None), _T.c.held_until.is_not(None)))
    since = await tx.scalar(select(_T.c.held).where(_T.c.alert == alert))
    values = {"held": now if since is None else since, "held_until": None}
    return bool((await tx.execute(without_end.values(values).returning(_T.c.alert))).all())


async def keep_until(tx: AsyncConnection, alert: str, now: float, until: float) -> bool:
    """Put a case under a hold until a time at least, after which it ends by itself; tell whether it was under none."""
    this = update(_T).where(_T.c.alert == alert)
    later = this.where(_T.c.held.is_not(None), _T.c.held_until < until)
    await tx.execute(later.values(held_until=until))
    begun = await tx.execute(this.where(_T.c.held.is_(None)).values(held=now, held_until=until).returning(_T.c.alert))
    return bool(begun.all())


async def lift(tx: AsyncConnection, alert: str, now: float) -> bool:
    """End a case's own hold, or let it end by itself where a report keeps it; tell whether that changed anything."""
    under_way = exists().where(_S.c.alert == _T.c.alert, _S.c.state.in_(UNDER_WAY)).correlate(_T).label("under_way")
    columns = (_T.c.held_until, _T.c.reported, under_way)
    row = (await tx.execute(select(*columns).where(_T.c.alert == alert, _T.c.held.is_not(None)))).first()
    if row is None or row.under_way:
        return False
    fixed = fixed_until(row.reported)
    if fixed is None or fixed <= now:
        await tx.execute(update(_T).where(_T.c.alert == alert).values(held=None, held_until=None))
        return True
    if row.held_until is not None:
        return False
    await tx.execute(update(_T).where(_T.c.alert == alert).values(held_until=fixed))
    return True


def fixed_until(reported: float | None) -> float | None:
    """Return until when nobody ends the hold on a case that was reported last at a time; None if it never was."""
    return None if reported is None else reported + KEPT


async def end(ledger: Ledger, space: str, person: str | None = None) -> int:
    """End every hold in a space, or on the cases about one person there; return of how many cases that was.

    What is held by a case about others only is taken out of that, which stays under its hold.
    """
    which = _T.c.space == space
    if person is not None:
        me = ledger.vault.blind(space, person)
        which = and_(which, or_(_T.c.actor == me, _T.c.target == me))
    async with ledger.transaction() as tx:
        held = sorted(await on(tx, await tx.scalars(select(_T.c.alert).where(which))))
        for some in chunks(held):
            await tx.execute(update(_T).where(_T.c.alert.in_(some)).values(held=None, held_until=None))
        await parts.take_out(tx, sorted(await on(tx, held)))
        now = ledger.clock()
        await audit.record(tx, [audit.row(now, space, "legal hold lifted", about=alert) for alert in held])
    return len(held)
