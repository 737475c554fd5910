"""What a threshold would have meant for one space, from the daily peaks that were noted of it.

Leans on `core.peaks` for what is noted, and on `core.tune` for the weighing, so that a preview on a platform says what
`lampkeeper tune` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select

from core.ledger import Ledger
from core.model import Model
from core.peaks import FLOOR, day_of
from core.policy import Thresholds
from core.store import tables
from core.tune import DAYS_NEEDED, HIGHEST, STEPS, Reached, Step, Tuning, tune, would_have_meant

BUDGETS = (1, 3, 7, 15)
"""Alerts a week that a threshold is offered for."""
MONTH, WEEK = 30, 7


class Offer(NamedTuple):
    """The lowest threshold that would have meant at most `a_week` alerts a week."""

    a_week: int
    threshold: float


class Past(NamedTuple):
    """What a space's days held: those with any score, and what pairs reached on them."""

    days: tuple[int, ...]
    reached: tuple[Reached, ...]

    def last(self, days: int, today: int) -> Past:
        """Return the last `days` UTC days of it, today included."""
        first = today - days + 1
        return Past(tuple(d for d in self.days if d >= first), tuple(r for r in self.reached if r.day >= first))

    def steps(self, thresholds: Iterable[float]) -> tuple[Step, ...]:
        """Say what each threshold would have meant; () where nothing was watched."""
        return would_have_meant(self.days, self.reached, thresholds)

    def alerts(self, threshold: float) -> int:
        """Count the alerts that a threshold would have meant; 0 where nothing was watched."""
        return sum(step.alerts for step in self.steps([threshold]))

    @property
    def short(self) -> bool:
        """Whether there is too little history to choose a threshold by."""
        return not self.days or max(self.days) - min(self.days) + 1 < DAYS_NEEDED


async def past(ledger: Ledger, space: str, days: int = MONTH) -> Past:
    """Read the last `days` UTC days of a space, today included."""
    table = tables.peaks
    here = (table.c.space == space, table.c.day > day_of(ledger.clock()) - days)
    query = select(table.c.day, table.c.actor, table.c.target, table.c.probability).where(*here)
    async with ledger.store.read() as tx:
        rows = (await tx.execute(query)).all()
    reached = (Reached(row.day, (row.actor, row.target), row.probability) for row in rows if row.actor)
    return Past(tuple(sorted({row.day for row in rows})), tuple(reached))


async def tuned(ledger: Ledger, space: str, a_week: float) -> Tuning:
    """Choose the lowest threshold that would have meant at most `a_week` alerts a week in a space (`core.tune`)."""
    seen, limits = await past(ledger, space), recommended(ledger)
    return tune(seen.days, seen.reached, a_week, limits.watch, limits.review)


def recommended(ledger: Ledger) -> Thresholds:
    """Return the thresholds that the model's maker recommends."""
    engine = ledger.engine
    return engine.model.thresholds if isinstance(engine.model, Model) else engine.thresholds


def offers(seen: Past, limits: Thresholds) -> tuple[Offer, ...]:
    """Choose a threshold for each of `BUDGETS`; none below the model's `watch`, and none from too little history.

    What keeps to a smaller budget is not offered again for a larger one.

    >>> seen = Past(tuple(range(14)), tuple(Reached(day, day, 0.9 + day / 1000) for day in range(14)))
    >>> offers(seen, Thresholds(0.9, 0.95, 0.99))[:2]
    (Offer(a_week=1, threshold=0.9111), Offer(a_week=3, threshold=0.9071))
    """
    if seen.short:
        return ()
    chosen: dict[float, int] = {}
    for budget in BUDGETS:
        step = tune(seen.days, seen.reached, budget, limits.watch, limits.review).threshold
        if step is not None:
            chosen.setdefault(step.threshold, budget)
    return tuple(Offer(budget, threshold) for threshold, budget in chosen.items())


def shown(seen: Past, also: Iterable[float]) -> tuple[Step, ...]:
    """Say what a ladder of thresholds, and those of `also`, would have meant, from the lowest up: as a plot has it."""
    inside = (threshold for threshold in also if FLOOR <= threshold <= HIGHEST)
    return seen.steps(sorted({*STEPS, *inside}))
