"""Taking back cards whose alerts are deleted: what was posted outlives the rows that it was made of.

Leans on the tables alone; `core.retention.rules` orders a withdrawal where it deletes alerts, and `core.outbox` carries
it out. It is a row of the outbox, committed together with the deletion, so that it survives crashes and refusals like
any card. It stands in a notice's place, for its alert is gone: it names that, and where the card stands if that is
known.

An alert's id is made of the pair and a count (`core.casework.cases.named`), and the count goes with the pair's data. So
the next alert of the two may have the id of one that was deleted. A withdrawal that does not know where its card stands
would then find the new card and empty it: it ends where the new alert opens (`supersede`), whose delivery looks for the
old card, and draws it anew.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.retention import keeping
from core.store import tables

_ORDER = "lampkeeper:withdraw"
"""How the order begins; no notice for people begins like that."""
_DUE = {"attempts": 0, "unsure": False, "next_try": 0.0}
"""A row that is due at once."""
_T = tables.outbox


class Withdrawal(NamedTuple):
    """The card of an alert that is deleted. `reference` is where it stands; None: it is not known whether it does."""

    space: str
    alert: str
    reference: str | None


async def posted(tx: AsyncConnection, which: ColumnElement[bool]) -> list[Withdrawal]:
    """Return what there is to take back of the alerts for which `which` holds; ask before they are deleted.

    Where posting a card was tried and perhaps broken off, it may stand although nobody noted where.
    """
    alerts = tables.alerts.c
    tried = select(_T.c.alert).where(_T.c.unsure, _T.c.alert.is_not(None), _T.c.notice.is_(None))
    there = alerts.reference.is_not(None) | alerts.alert.in_(tried)
    rows = await tx.execute(select(alerts.space, alerts.alert, alerts.reference).where(which, there))
    return [Withdrawal(*row) for row in rows]


async def of_space(tx: AsyncConnection, space: str) -> list[Withdrawal]:
    """Return what there is to take back of a whole space, but for cases under legal hold: what waits to be, too."""
    there = await posted(tx, (tables.alerts.c.space == space) & not_(keeping.held()))
    return there + await ordered(tx, space)


async def ordered(tx: AsyncConnection, space: str) -> list[Withdrawal]:
    """Return what of a space waits to be taken back."""
    orders = await tx.scalars(select(_T.c.notice).where(_T.c.space == space, _T.c.notice.startswith(_ORDER)))
    return [order for order in (read(space, notice) for notice in orders) if order is not None]


async def put(tx: AsyncConnection, withdrawals: list[Withdrawal]) -> None:
    """Have cards taken back."""
    orders = [(card.space, _order(card.alert, card.reference)) for card in withdrawals]
    if orders:
        await tx.execute(insert(_T), [_DUE | {"space": space, "notice": order} for space, order in orders])


async def put_anew(tx: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Have the cards of the alerts for which `which` holds drawn anew: they name somebody who is forgotten."""
    rows = (await tx.execute(select(tables.alerts.c.space, tables.alerts.c.alert).where(which))).all()
    if rows:
        await tx.execute(insert(_T), [_DUE | {"space": space, "alert": alert} for space, alert in rows])


async def supersede(tx: AsyncConnection, alerts: Collection[str]) -> set[str]:
    """End what would search for cards of `alerts`; return of which of them a card may stand that nobody noted."""
    orders = {_order(alert, None): alert for alert in alerts}
    ended = await tx.scalars(delete(_T).where(_T.c.notice.in_(orders)).returning(_T.c.notice))
    return {orders[notice] for notice in ended if notice is not None}


async def keep(tx: AsyncConnection, alert: str, reference: str) -> None:
    """Take back no more what stands at `reference`: it shows an alert that opened since."""
    await tx.execute(delete(_T).where(_T.c.notice == _order(alert, reference)))


async def waiting(tx: AsyncConnection, space: str) -> int:
    """Count the cards of a space that are not taken back yet."""
    orders = select(func.count()).where(_T.c.space == space, _T.c.notice.startswith(_ORDER))
    return await tx.scalar(orders) or 0


def read(space: str, notice: str) -> Withdrawal | None:
    """Return the withdrawal that stands in a notice's place; None for a notice.

    >>> read("discord:1", "lampkeeper:withdraw 0a 7/8"), read("discord:1", "Lampkeeper is behind.")
    (Withdrawal(space='discord:1', alert='0a', reference='7/8'), None)
    """
    order, _, rest = notice.partition(" ")
    if order != _ORDER:
        return None
    alert, _, reference = rest.partition(" ")
    return Withdrawal(space, alert, reference or None)


def _order(alert: str, reference: str | None) -> str:
    return f"{_ORDER} {alert} {reference or ''}"
