"""Whether the machine's clock can be believed, before anything is deleted because its time is up.

A dead battery, a bad time server or a virtual machine that wakes may set a clock ahead by years; going by it, a purge
would take text, cases and legal holds for good. Leans on `core.store`. Decisions:

- The date is proven by the platforms: some conversation's newest message is `LEAP` old at most, by the platform's own
  time. Or the clock went on from the latest time that it was known to be right (`ROW`, noted with each housekeeping),
  by `LEAP` at most: so who runs all the time needs no messages, and a weekend switched off needs none either.
- Else it is in doubt, and nothing is deleted. Who was switched off for a month is in doubt until the first message of
  these days, which is read within minutes. Where nobody writes, the operator confirms (`lampkeeper purge
  --clock-is-right`).
- Messages dated later than the clock and the latest known time prove nothing: anybody can make up the future. A clock
  that was set back is not proven by a conversation that fell silent then, as others went on; nor is one that stayed
  ahead a while a reason to doubt the right time for ever, as no message came from the time between.
- Before there is a latest known time, the newest row of the audit or of the messages stands for it. It was noted by the
  same clock, so nothing is noted by it; a database with no rows has nothing to lose.
- While the machine's clock is behind the latest known time, Lampkeeper counts on from that (`Clock`). Otherwise what
  people decide meanwhile would look years old once the clock is right again, and go.
- Once a clock that was ahead is right again, messages that were received in the future count as received now, or theirs
  and all later text would be kept for years (`core.memory.Memory.received` never runs backwards); and what waits in
  the outbox for a far-off time is due. Cases that were decided meanwhile are kept longer: the harmless side.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from time import gmtime, strftime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import tables, upsert

DAY = 86_400.0
LEAP = 3 * DAY
"""Seconds that a clock may go on between two housekeepings without a message that proves it."""
SLACK = 3_600.0
"""Seconds by which two clocks that are right may differ, and by which one may be set back."""
ROW = "clock_right"
"""Where the latest time that the clock was known to be right stands in `meta`."""


class Doubt(NamedTuple):
    """What the clock says, and the latest time known before (seconds since the epoch)."""

    now: float
    known: float

    @property
    def what(self) -> str:
        """What is wrong, and what follows.

        >>> Doubt(4_000_000_000.0, 1_700_000_000.0).what
        'The clock of this machine says 2096-10-02; the latest time known to Lampkeeper is 2023-11-14. Nothing is \
deleted because its time is up until that is cleared up.'
        """
        return (
            f"The clock of this machine says {_day(self.now)}; the latest time known to Lampkeeper is "
            f"{_day(self.known)}. Nothing is deleted because its time is up until that is cleared up."
        )

    @property
    def remedy(self) -> str:
        """What to do."""
        return (
            "Set the clock if it is wrong. If it is right, this goes away by itself once a message of today is "
            "read, or stop Lampkeeper and run `lampkeeper purge --clock-is-right`."
        )


class Clock:
    """The machine's clock in seconds since the epoch, but never far behind the latest time known to be right."""

    def __init__(self, machine: Callable[[], float]) -> None:
        self.machine = machine
        self._right, self._since = -math.inf, 0.0

    def __call__(self) -> float:
        """Return what time it is."""
        return max(self.machine(), self._right - SLACK + time.monotonic() - self._since)

    def was_right(self, then: float) -> None:
        """Take note of the latest time known to be right."""
        self._right, self._since = then, time.monotonic()


async def latest_right(tx: AsyncConnection) -> float | None:
    """Return the latest time that the clock was known to be right; None if it never was."""
    right: float | None = await tx.scalar(select(tables.meta.c.number).where(tables.meta.c.name == ROW))
    return right


async def note_right(tx: AsyncConnection, now: float) -> None:
    """Note that the clock is right."""
    await upsert(tx, tables.meta, [{"name": ROW, "number": now}])


async def mend(tx: AsyncConnection, now: float) -> bool:
    """Bring back to `now`, which is right, what a clock that was ahead dated later; tell whether any message was.

    Messages stay in the order of their times: those that were received after `now` are the last ones.
    """
    said, due = tables.messages, tables.outbox
    await tx.execute(update(due).where(due.c.next_try > now + SLACK).values(next_try=now))
    newest = await tx.scalar(select(said.c.received).order_by(said.c.seq.desc()).limit(1))
    if newest is None or newest <= now + SLACK:
        return False
    await tx.execute(update(said).where(said.c.received > now).values(received=now))
    return True


async def proven(tx: AsyncConnection, now: float) -> bool:
    """Tell whether the platforms' times prove what the clock says."""
    newest = tables.conversations.c.newest_time
    before = max(now, await latest_right(tx) or now) + SLACK
    last: float | None = await tx.scalar(select(func.max(newest)).where(newest <= before))
    return last is not None and now - LEAP <= last <= now + SLACK


async def doubted(tx: AsyncConnection, now: float) -> Doubt | None:
    """Return why the clock cannot be believed; None if it can."""
    if await proven(tx, now):
        return None
    known = await latest_right(tx)
    if known is None:
        known = await _last_noted(tx)
    return None if known is None or known - SLACK <= now <= known + LEAP else Doubt(now, known)


async def _last_noted(tx: AsyncConnection) -> float | None:
    """Return when the newest row of the audit was written, or the newest message received, whichever is later."""
    deeds, said = tables.audit.c, tables.messages.c
    deed = await tx.scalar(select(deeds.time).order_by(deeds.id.desc()).limit(1))
    message = await tx.scalar(select(said.received).order_by(said.seq.desc()).limit(1))
    return max((when for when in (deed, message) if when is not None), default=None)


def _day(seconds: float) -> str:
    """Write a day; a clock may say anything, also what no calendar holds."""
    try:
        return strftime("%Y-%m-%d", gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar holds"
