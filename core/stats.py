"""Counts for a space's moderators: what was watched, which alerts came, what people decided and how fast.

Leans on `core.ledger`; reads the tables and changes nothing. Numbers only, nobody is named. An alert counts from the
moment it opened here (its row in the audit), not from the time of a message that history brought later. Of whom
somebody asked to be forgotten there is no alert any more, and nothing to count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from sqlalchemy import Subquery, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework.transitions import undecided
from core.effects import LEVELS, Level
from core.ledger import Ledger
from core.store import tables
from core.unread import TOLD, by_name

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Stats:
    """The last `days` of a space.

    `conversations` with a message, `alerts` opened by the level they came to, decisions by what was decided, `wait`
    the median time in seconds from an alert to its decision (None where nobody decided), `unread` pairs of people by
    the language that is not read; and how many alerts are `open` now, however old.
    """

    days: int
    conversations: int
    alerts: dict[Level, int]
    confirmed: int
    dismissed: int
    wait: float | None
    unread: dict[str, int]
    open: int

    @property
    def opened(self) -> int:
        """Alerts of every level."""
        return sum(self.alerts.values())

    @property
    def decided(self) -> int:
        """Decisions of either kind."""
        return self.confirmed + self.dismissed

    @property
    def share_dismissed(self) -> float | None:
        """Dismissed among decided, 0..1; None where nobody decided.

        >>> Stats(7, 9, {"review": 4}, confirmed=1, dismissed=3, wait=60.0, unread={}, open=0).share_dismissed
        0.75
        """
        return self.dismissed / self.decided if self.decided else None

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.opened or self.decided or self.open or self.unread)


class Undelivered(NamedTuple):
    """How many cards and notices wait to be shown, and what the platform last answered (None: not tried yet)."""

    waiting: int
    error: str | None


async def stats(ledger: Ledger, space: str, days: int) -> Stats:
    """Count the last `days` days of a space."""
    since = ledger.clock() - days * DAY
    talks, alerts = tables.conversations, tables.alerts
    opened = _opened(space)
    async with ledger.store.read() as tx:
        lively = (talks.c.space == space, talks.c.newest_time >= since)
        conversations = await tx.scalar(select(func.count()).select_from(talks).where(*lively))
        shown = alerts.join(opened, opened.c.about == alerts.c.alert)
        levels = select(alerts.c.level).select_from(shown).where(opened.c.time >= since)
        by_level = Counter(await tx.scalars(levels))
        decisions = select(alerts.c.decision, alerts.c.decided - opened.c.time).select_from(shown)
        decided = (await tx.execute(decisions.where(alerts.c.decided >= since))).all()
        waiting = select(func.count()).select_from(alerts)
        still_open = await tx.scalar(waiting.where(alerts.c.space == space, undecided()))
        unread = await _unread(tx, space, since)
    by_decision = Counter(decision for decision, _ in decided)
    return Stats(
        days,
        conversations or 0,
        {level: by_level[level] for level in LEVELS if by_level[level]},
        by_decision["confirmed"],
        by_decision["dismissed"],
        median(max(0.0, wait) for _, wait in decided) if decided else None,
        unread,
        still_open or 0,
    )


async def received(ledger: Ledger, space: str, days: float) -> int:
    """Count the messages received in the last `days` days; no more can be counted than were kept so long."""
    kept = tables.messages
    here = (kept.c.space == space, kept.c.received >= ledger.clock() - days * DAY)
    async with ledger.store.read() as tx:
        return await tx.scalar(select(func.count(kept.c.seq.distinct())).where(*here)) or 0


async def undelivered(ledger: Ledger, space: str) -> Undelivered:
    """Count what waits to be shown to a space's moderators."""
    table = tables.outbox
    async with ledger.store.read() as tx:
        here = select(table.c.error).where(table.c.space == space).order_by(table.c.id)
        errors = list(await tx.scalars(here))
    return Undelivered(len(errors), next((error for error in reversed(errors) if error), None))


def _opened(space: str) -> Subquery:
    """Select when each alert of a space opened."""
    deeds = tables.audit
    mine = (deeds.c.space == space, deeds.c.what == "alert opened")
    return select(deeds.c.about, func.min(deeds.c.time).label("time")).where(*mine).group_by(deeds.c.about).subquery()


async def _unread(tx: AsyncConnection, space: str, since: float) -> dict[str, int]:
    """Count pairs by language: those that were told of since then, and those not told of yet; most first."""
    deeds, table = tables.audit, tables.unread
    told = select(deeds.c.detail).where(deeds.c.space == space, deeds.c.what == TOLD, deeds.c.time >= since)
    count: Counter[str] = Counter()
    for detail in await tx.scalars(told):
        count.update(detail["languages"])
    new = await tx.execute(select(table).where(table.c.space == space, table.c.number > 0))
    languages, _ = by_name((row.name, row.number) for row in new)
    count.update(languages)
    return dict(count.most_common())
