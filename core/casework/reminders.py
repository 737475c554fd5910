"""Reminders: people are called once more, and louder, to cases that nobody looks into.

Leans on `core.ledger`, `transitions` and `core.outbox`. The operator's ladder says after how long which call is
made (`[[cases.reminders]]`). Decisions:

- A case waits since it was last free: since it opened, since whoever looked into it let go or was forgotten, or since a
  decision was taken back. When Lampkeeper noticed counts, not when the messages were written: nobody had a chance to
  see a case that was found in old history. Whenever a case becomes free again, the ladder begins anew.
- Each rung calls once: the call and the record that it was made are one transaction. Where several are due, after a
  night without power, only the highest calls; a call that was not delivered yet gives way to the next.
- Nobody is reminded of what was claimed, decided or put aside; nor in a space that is in shadow mode or was left; nor
  of what waits for `TOO_LATE` longer than the whole ladder: calling has not helped, and lists and digests name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox
from core.casework.cards import REMINDERS
from core.casework.transitions import UNCLAIMED, state, undecided
from core.engine import Engine
from core.ledger import Ledger
from core.store import tables

TOO_LATE = 7 * 86_400.0
How = Literal["remind", "ping", "second_channel"]
FREED: tuple[audit.Deed, ...] = (
    "alert opened",
    "alert released",
    "alert freed",
    "decision undone",
    "decision reconsidered",
    "case resumed",
    "case reopened",
    "report received",
)
"""After these a case waits for somebody."""
_T, _A, _O = tables.alerts, tables.audit, tables.outbox


class Rung(NamedTuple):
    """Seconds that a case waited, and how people are called then (`cards.Call`)."""

    after: float
    how: How


LADDER = (Rung(3600, "remind"), Rung(4 * 3600, "ping"), Rung(86_400, "second_channel"))


class Due(NamedTuple):
    """A case and the number of the rung, from 1, that is due for it."""

    space: str
    alert: str
    rung: int


async def remind(ledger: Ledger, ladder: Sequence[Rung]) -> int:
    """Have people called to every case for which a rung is due; return to how many."""
    async with ledger.store.read() as tx:
        if not await _due(tx, ledger.engine, ladder, ledger.clock()):
            return 0
    async with ledger.transaction() as tx:
        now = ledger.clock()
        found = await _due(tx, ledger.engine, ladder, now)
        for space, alert, rung in found:
            how = ladder[rung - 1].how
            await tx.execute(delete(_O).where(_O.c.alert == alert, _O.c.notice.in_(REMINDERS)))
            await outbox.put_call(tx, space, alert, how, now)
            await tx.execute(update(_T).where(_T.c.alert == alert).values(reminders=rung, reminded=now))
            await audit.record(tx, [audit.row(now, space, "reminded", about=alert, how=how)])
    return len(found)


async def _due(tx: AsyncConnection, engine: Engine, ladder: Sequence[Rung], now: float) -> list[Due]:
    """Return what is due, the longest waiting first."""
    if not ladder:
        return []
    left = select(tables.spaces.c.space).where(tables.spaces.c.left.is_not(None)).scalar_subquery()
    freed = select(func.max(_A.c.time)).where(_A.c.space == _T.c.space, _A.c.about == _T.c.alert, _A.c.what.in_(FREED))
    since = func.coalesce(freed.scalar_subquery(), _T.c.opened).label("since")
    waiting = select(_T.c.space, _T.c.alert, _T.c.reminders, _T.c.reminded, since).where(
        undecided(), state().in_(UNCLAIMED), _T.c.claimant.is_(None), _T.c.space.not_in(left)
    )
    found = []
    for row in (await tx.execute(waiting.order_by(since, _T.c.alert))).all():
        waited = now - row.since
        rung = sum(waited >= step.after for step in ladder)
        climbed = 0 if row.reminded is None or row.reminded < row.since else row.reminders
        if climbed < rung and waited < ladder[-1].after + TOO_LATE and not _shadow(engine, row.space):
            found.append(Due(row.space, row.alert, rung))
    return found


def _shadow(engine: Engine, space: str) -> bool:
    rules = engine.rules.get(space)
    return engine.shadow if rules is None else rules.shadow
