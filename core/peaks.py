"""The highest probability that each pair reached each day: what `lampkeeper tune` chooses a threshold by.

Leans on `core.store`. It is the probability that thresholds are held against (`core.effects.Scored.reached`). Written
in the transaction of the states they were read off, in shadow mode and live alike, so that a threshold can be chosen
before anybody is told anything and looked at again later. No names, no texts: a day, two pseudonyms and a probability.
Below `FLOOR` nothing is kept: nobody would want a card there, and nearly all talk is. A day on which anything was
scored has a row for nobody (actor and target ""), so that quiet days count as watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from core.messages import Pair
from core.store import tables, upsert
from core.store.states import blind_target
from core.vault import Vault

DAY = 86_400.0
FLOOR = 0.1
KEPT_DAYS = 56
"""Eight weeks: enough for a steady rate, and no record for ever of who talked with whom."""


class Peak(NamedTuple):
    """Pair and UTC day, counted from 1 January 1970."""

    pair: Pair
    day: int


def day_of(time: float) -> int:
    """Count the UTC days since 1 January 1970.

    >>> day_of(86_399.0), day_of(86_400.0)
    (0, 1)
    """
    return int(time // DAY)


async def save(tx: AsyncConnection, vault: Vault, peaks: Mapping[Peak, float]) -> None:
    """Write the peaks, and that their days were watched; what stands there already stays if it is higher."""
    rows = {
        (space, day, vault.blind(space, actor), blind_target(vault, space, target)): probability
        for ((space, actor, target), day), probability in peaks.items()
        if probability >= FLOOR
    }
    rows |= {(peak.pair.space, peak.day, "", ""): 0.0 for peak in peaks}
    names = ("space", "day", "actor", "target", "probability")
    await upsert(
        tx,
        tables.peaks,
        [dict(zip(names, (*key, value), strict=True)) for key, value in rows.items()],
        highest=("probability",),
    )


def over(now: float) -> ColumnElement[bool]:
    """Return whether a row was kept for `KEPT_DAYS`."""
    return tables.peaks.c.day < day_of(now) - KEPT_DAYS
