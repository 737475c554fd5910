"""Conversations in a language that the model does not read: counted, and told to the admins.

Leans on `core.store` and `core.outbox`. Counted in the transaction of the states; told at most once a day for each
space, as one notice in its alert channel, for a server that speaks Spanish all day needs no reminder every hour. The
counts name nobody. That they were told, and the languages with their numbers, stays in the audit for `core.stats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox
from core.effects import Unread
from core.language import by_language
from core.signals.computed import MEANINGS
from core.store import tables, upsert

TOLD_EVERY = 86_400.0
TOLD: audit.Deed = "languages not read told"
_LANGUAGE, _SIGNAL = "language ", "signal "
_T = tables.unread


async def count(tx: AsyncConnection, effects: Iterable[Unread]) -> None:
    """Add what is news to what the next notice of its space will say."""
    new: Counter[tuple[str, str]] = Counter()
    for effect in effects:
        space = effect.pair.space
        new[space, _LANGUAGE + effect.language] += effect.turned
        new.update((space, _SIGNAL + name) for name in effect.signals)
    spaces = {space for space, _ in new}
    known = {}
    if spaces:
        rows = await tx.execute(select(_T).where(_T.c.space.in_(spaces)))
        known = {(row.space, row.name): row.number for row in rows}
    await upsert(
        tx,
        _T,
        [
            {"space": space, "name": name, "number": known.get((space, name), 0) + number, "told": None}
            for (space, name), number in new.items()
        ],
        keep=("told",),
    )


async def tell(tx: AsyncConnection, now: float) -> None:
    """Have every space told that has news and was not told within `TOLD_EVERY`."""
    due = select(_T.c.space).group_by(_T.c.space).having(func.sum(_T.c.number) > 0)
    due = due.having(func.coalesce(func.max(_T.c.told), -TOLD_EVERY) <= now - TOLD_EVERY)
    spaces = list(await tx.scalars(due.order_by(_T.c.space)))
    for space in spaces:
        news = await tx.execute(select(_T).where(_T.c.space == space, _T.c.number > 0).order_by(_T.c.name))
        languages, signals = by_name((row.name, row.number) for row in news)
        await outbox.put_notice(tx, space, notice(languages, signals), now)
        if languages:
            await audit.record(tx, [audit.row(now, space, TOLD, languages=languages)])
        await tx.execute(update(_T).where(_T.c.space == space).values(number=0, told=now))


def by_name(rows: Iterable[tuple[str, int]]) -> tuple[dict[str, int], dict[str, int]]:
    """Part the table's names and numbers into languages and signals."""
    counts: dict[str, dict[str, int]] = {_LANGUAGE: {}, _SIGNAL: {}}
    for name, number in rows:
        kind, _, what = name.partition(" ")
        counts[f"{kind} "][what] = number
    return counts[_LANGUAGE], counts[_SIGNAL]


def notice(languages: dict[str, int], signals: dict[str, int]) -> str:
    """Say to admins how many pairs of people could not be read, and what shows all the same.

    >>> print(notice({"es": 2, "fr": 1}, {"one_sided_questions": 1}))
    3 new pairs of people talk in a language that this model does not read, and are not scored: Spanish (2), French \
(1). Signals that need no language: asks far more than they are asked (1).
    """
    total = sum(languages.values())
    what = f"{total:,} new pairs of people talk in a language that this model does not read, and are not scored"
    if total == 1:
        what = "1 new pair of people talks in a language that this model does not read, and is not scored"
    if total:
        what += f": {by_language(languages)}"
    shown = ", ".join(f"{MEANINGS.get(name, name)} ({number:,})" for name, number in signals.items())
    return f"{what}. Signals that need no language: {shown or 'none so far'}."
