"""What is kept about a space, or about one person in it: counts for who operates Lampkeeper, and nothing else.

Leans on `core.store`. `rules` does the removing; what the person is shown is made by `requests`.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, func, or_, select, true

from core.casework import holds
from core.store import Store, tables


class Holdings(NamedTuple):
    """How many rows.

    Of a person: messages by or to them, pairs and alerts they are one of, decisions they made,
    daily peaks of their pairs.
    """

    people: int
    messages: int
    pairs: int
    alerts: int
    decisions: int
    peaks: int

    def __str__(self) -> str:
        """Name what there is.

        >>> str(Holdings(people=2, messages=10, pairs=2, alerts=1, decisions=0, peaks=3))
        'people: 2, messages: 10, pairs: 2, alerts: 1, decisions: 0, peaks: 3'
        """
        return ", ".join(f"{name}: {count:,}" for name, count in self._asdict().items())


class InCase(NamedTuple):
    """A case that a person is one of, or that preserves what they said.

    `items` are the versions of messages of theirs that are preserved in it. `held`: it, or what it is part of, is under
    legal hold, until a time in seconds since the epoch, or None: until somebody ends it. Else `until` is None.
    """

    alert: str
    items: int
    held: bool
    until: float | None


async def in_cases(store: Store, space: str, person: str, now: float) -> list[InCase]:
    """Return the cases of a space that a person, by the platform's id, has part in, the oldest first."""
    cases, items, me = tables.alerts, tables.items, store.vault.blind(space, person)
    mine = select(func.count()).where(items.c.alert == cases.c.alert, items.c.author == me).scalar_subquery()
    part = or_(cases.c.actor == me, cases.c.target == me, mine > 0)
    query = select(cases.c.alert, mine).where(cases.c.space == space, part)
    async with store.read() as tx:
        rows = (await tx.execute(query.order_by(cases.c.opened, cases.c.alert))).all()
        on = await holds.on(tx, [alert for alert, _ in rows], now)
    return [InCase(alert, count, alert in on, on[alert].until if alert in on else None) for alert, count in rows]


async def spaces(store: Store) -> list[str]:
    """Name every space that something is kept about."""
    async with store.read() as tx:
        return sorted(await tx.scalars(select(tables.spaces.c.space)))


async def holdings(store: Store, space: str, person: str | None = None) -> Holdings:
    """Count what is kept about a space; with `person`, the platform's id, only what is about that person in it."""
    people, messages, pairs, alerts, peaks = tables.people, tables.messages, tables.pairs, tables.alerts, tables.peaks
    about: list[tuple[Table, ColumnElement[bool]]]
    about = [(people, true()), (messages, true()), (pairs, true()), (alerts, true()), (alerts, alerts.c.decision != "")]
    about.append((peaks, peaks.c.actor != ""))
    if person is not None:
        me = store.vault.blind(space, person)
        about = [
            (people, people.c.person == me),
            (messages, or_(messages.c.author == me, messages.c.target == me)),
            (pairs, or_(pairs.c.actor == me, pairs.c.target == me)),
            (alerts, or_(alerts.c.actor == me, alerts.c.target == me)),
            (alerts, alerts.c.moderator == me),
            (peaks, or_(peaks.c.actor == me, peaks.c.target == me)),
        ]
    async with store.read() as tx:
        counts = [
            await tx.scalar(select(func.count()).select_from(table).where(table.c.space == space, which))
            for table, which in about
        ]
    return Holdings(*(count or 0 for count in counts))
