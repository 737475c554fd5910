"""Delivery of cards and notices: what is to be shown is a row in the store, and stays one until it was shown.

Leans on `core.store` and `core.cases`. Rows are committed together with what they tell of, so that a crash loses none.
Decisions:
- A card is made when it is shown, from the alert as it stands then. Rows of one alert therefore count as one, and are
  due when the last of them is.
- When to try again is stored with the row, so that a restart goes on where it was. That is why stamina, which retries
  within one call, is not used here: `TryLater` waits as long as the platform said, else twice as long each time up to
  `LONGEST_WAIT`; any other `PlatformError` needs a person first and is tried again every `REFUSED_WAIT`.
- A first posting is recorded as attempted before it is tried. If what became of it is not known (a crash, a broken
  connection), the next try first asks the deliverer to `find` the card, so that nothing is posted twice. A refusal is
  an outcome: after one nothing needs to be found, unless an earlier try's outcome is still not known. A notice cannot
  be found, and may come twice.
- One outbox serves one deliverer, so that a slow platform does not hold up another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import structlog
from sqlalchemy import ColumnElement, Integer, and_, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import cases
from core.cards import Card
from core.errors import PlatformError, StoreError, TryLater
from core.store import Store, tables

log = structlog.get_logger(__name__)

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 300.0
REFUSED_WAIT = 600.0
ANSWER_WAIT = 60.0
"""A platform that did not answer for this many seconds is taken as not answering."""
IDLE = 5.0
_T = tables.outbox


class Deliverer(Protocol):
    """The half of an adapter that the core calls.

    Every method raises `core.errors.TryLater` (with seconds, where the platform said) when the platform refuses for
    now, and `core.errors.PlatformError` with a remedy when a person must act first.
    """

    platform: str

    async def show(self, card: Card, reference: str | None) -> str:
        """Post `card` in its space's alert channel, or edit the posted one; return the reference to edit it by.

        Where the referenced card was deleted by somebody, post a new one.
        """

    async def find(self, card: Card) -> str | None:
        """Return the reference of a card for the same alert that an earlier, interrupted try did post; else None."""

    async def notify(self, space: str, text: str) -> None:
        """Tell the space's admins, in its alert channel, something about Lampkeeper itself."""


async def put_cards(tx: AsyncConnection, alerts: Mapping[str, str], now: float) -> None:
    """Have the cards of `alerts` (alert -> its space) shown as they will stand."""
    rows = [_row(space, now) | {"alert": alert} for alert, space in alerts.items()]
    if rows:
        await tx.execute(insert(_T), rows)


async def put_notice(tx: AsyncConnection, space: str, text: str, now: float) -> None:
    """Have the admins of a space told something about Lampkeeper itself."""
    await tx.execute(insert(_T), [_row(space, now) | {"notice": text}])


async def report_unserved(store: Store, platforms: Collection[str]) -> None:
    """Tell the operator which spaces have something to be shown and no platform to show it."""
    async with store.read() as tx:
        spaces = list(await tx.scalars(select(_T.c.space).distinct().order_by(_T.c.space)))
    waiting = [space for space in spaces if space.partition(":")[0] not in platforms]
    if waiting:
        log.warning(
            "outbox.nobody_delivers", spaces=waiting, remedy="Put the platform of these spaces into the config."
        )


def _row(space: str, now: float) -> dict[str, object]:
    return {"space": space, "attempts": 0, "unsure": False, "next_try": now}


@dataclass(frozen=True, slots=True)
class _Due:
    """What to deliver: the rows up to `last` of one alert, or the one row `last` of a notice."""

    space: str
    alert: str | None
    notice: str | None
    last: int
    attempts: int
    unsure: bool

    @property
    def rows(self) -> ColumnElement[bool]:
        return _T.c.id == self.last if self.alert is None else and_(_T.c.alert == self.alert, _T.c.id <= self.last)


class Outbox:
    """Shows what is due on one platform, until it was shown."""

    def __init__(
        self,
        store: Store,
        deliverer: Deliverer,
        clock: Callable[[], float],
        own_meanings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._store = store
        self._own_meanings = own_meanings
        self._deliverer = deliverer
        self._clock = clock
        self._woken = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Something new may be due."""
        self._woken.set()

    async def settled(self) -> None:
        """Return when everything that is due now was delivered or failed once."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self.wake()
        await done

    async def run(self) -> None:
        """Deliver, until cancelled."""
        while True:
            self._woken.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await self.deliver()
                pause = await self._pause()
            except StoreError as error:
                log.error("outbox.store", what=error.what, remedy=error.remedy)
                pause = IDLE
            finally:
                for done in waiting:
                    if not done.done():
                        done.set_result(None)
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def deliver(self) -> None:
        """Try once each that is due."""
        for due in await self._due():
            try:
                async with asyncio.timeout(ANSWER_WAIT):
                    reference = await (self._notify(due) if due.alert is None else self._show(due, due.alert))
            except StoreError:
                raise
            except TryLater as error:
                await self._failed(
                    due, self._later(due, error.seconds), error, unsure=due.unsure or error.seconds is None
                )
            except PlatformError as error:
                await self._failed(due, REFUSED_WAIT, error, unsure=due.unsure)
            except Exception as error:  # noqa: BLE001 an adapter's bug must not stop the other cards
                await self._failed(due, self._later(due, None), error, unsure=True)
            else:
                await self._delivered(due, reference)

    async def _due(self) -> list[_Due]:
        ours, now = _T.c.space.startswith(f"{self._deliverer.platform}:", autoescape=True), self._clock()
        last, attempts = func.max(_T.c.id), func.max(_T.c.attempts)
        unsure = func.max(cast(_T.c.unsure, Integer))
        cards = select(_T.c.space, _T.c.alert, last, attempts, unsure).where(ours, _T.c.alert.is_not(None))
        cards = cards.group_by(_T.c.space, _T.c.alert).having(func.max(_T.c.next_try) <= now).order_by(last)
        notices = select(_T.c.space, _T.c.notice, _T.c.id, _T.c.attempts)
        notices = notices.where(ours, _T.c.alert.is_(None), _T.c.next_try <= now).order_by(_T.c.id)
        async with self._store.read() as tx:
            due = [
                _Due(space, alert, None, n, tries, bool(lost))
                for space, alert, n, tries, lost in await tx.execute(cards)
            ]
            due += [
                _Due(space, None, text, n, tries, unsure=False) for space, text, n, tries in await tx.execute(notices)
            ]
        return due

    async def _pause(self) -> float:
        """Seconds until something is due, or until to look again."""
        async with self._store.read() as tx:
            next_try = await tx.scalar(select(func.min(_T.c.next_try)).where(_T.c.next_try > self._clock()))
        return IDLE if next_try is None else min(max(next_try - self._clock(), 0.01), IDLE)

    async def _show(self, due: _Due, alert: str) -> str | None:
        async with self._store.read() as tx:
            card = await cases.card(tx, self._store.vault, alert, self._own_meanings)
            reference = await tx.scalar(select(tables.alerts.c.reference).where(tables.alerts.c.alert == alert))
        if card is None:
            return None
        if reference is None:
            if due.unsure:
                reference = await self._deliverer.find(card)
            async with self._store.write() as tx:
                await tx.execute(update(_T).where(due.rows).values(unsure=True))
        return await self._deliverer.show(card, reference)

    async def _notify(self, due: _Due) -> None:
        await self._deliverer.notify(due.space, due.notice or "")

    async def _delivered(self, due: _Due, reference: str | None) -> None:
        async with self._store.write() as tx:
            if due.alert is not None:
                await tx.execute(
                    update(tables.alerts).where(tables.alerts.c.alert == due.alert).values(reference=reference)
                )
            await tx.execute(delete(_T).where(due.rows))

    def _later(self, due: _Due, seconds: float | None) -> float:
        if seconds is not None:
            return max(seconds, SHORTEST_WAIT)
        return min(SHORTEST_WAIT * 2.0 ** min(due.attempts, 16), LONGEST_WAIT)

    async def _failed(self, due: _Due, wait: float, error: Exception, *, unsure: bool) -> None:
        """Put off what failed, and tell the operator; only our own errors' words are known to hold no content."""
        words = str(error) if isinstance(error, PlatformError) else type(error).__name__
        report = log.warning if isinstance(error, TryLater) else log.error
        report("outbox.failed", space=due.space, alert=due.alert, error=words, attempt=due.attempts + 1, next_in=wait)
        later = {"attempts": due.attempts + 1, "unsure": unsure, "next_try": self._clock() + wait, "error": words}
        async with self._store.write() as tx:
            await tx.execute(update(_T).where(due.rows).values(later))
