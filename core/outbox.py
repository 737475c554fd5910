"""Delivery of cards and notices: what is to be shown is a row in the store, and stays one until it was shown.

Leans on `core.store`, `core.casework.cases` and `core.casework.withdrawals`. Rows are committed together with what they
tell of, so that a crash loses none. Decisions:
- A card is made when it is shown, from the alert as it stands then. Rows of one alert therefore count as one: they are
  due when the first of them is, but not before one that failed is to be tried again.
- An edit costs as much as dozens of messages, platforms allow about one a second in a channel, and one that only names
  another signal notifies nobody. So what moderators wait for (a first posting, a higher level, what they pressed, what
  was deleted) is due at once, and a mere update after `EDIT_EVERY`: a stream of them is one edit in so many seconds,
  and whatever is shown at once takes along what waits. None puts off another: a stream cannot starve its card.
- When to try again is stored with the row, so that a restart goes on where it was. That is why stamina, which retries
  within one call, is not used here: `TryLater` waits as long as the platform said, else twice as long each time up to
  `LONGEST_WAIT`; any other `PlatformError` needs a person first and is tried again every `REFUSED_WAIT`.
- A first posting is recorded as attempted before it is tried. If what became of it is not known (a crash, a broken
  connection), the next try first asks the deliverer to `find` the card, so that nothing is posted twice. A refusal is
  an outcome: after one nothing needs to be found, unless an earlier try's outcome is still not known. A notice cannot
  be found, and may come twice.
- An edited card notifies nobody. So once a card was shown as urgent, people are called to it by a row of its own,
  written together with the record that they are (`pinged`): once an alert, whatever is tried again. What became of a
  call is not known after a crash, and the deliverer looks before it calls again.
- One outbox serves one deliverer, so that a slow platform does not hold up another, nor a slow space another space.
  Where a platform asks to come back later, it is left alone with all of that space that comes under the same limit
  (`core.errors.Limit`): asking again at once for the next card would be refused as well, and platforms shut out who
  goes on asking. What comes under another limit goes on, or a stream of edits would keep a new alert back. Where no
  limit is named, it is left alone with everything of the space.
- Nothing of a space that left is shown (`core.retention.leaving`); its rows wait, for it may come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, get_args

import structlog
from sqlalchemy import ColumnElement, Integer, and_, case, cast, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import cases, withdrawals
from core.casework.cards import REMINDERS, Call, Card
from core.casework.transitions import UNCLAIMED
from core.course import drawn
from core.errors import Limit, PlatformError, StoreError, TryLater
from core.store import Store, tables

if TYPE_CHECKING:
    from core.ledger import Ledger

log = structlog.get_logger(__name__)

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 300.0
REFUSED_WAIT = 600.0
ANSWER_WAIT = 60.0
"""A platform that did not answer for this many seconds is taken as not answering."""
IDLE = 5.0
EDIT_EVERY = 5.0
"""Seconds in which mere updates of one card are gathered: short beside a moderator's way to the card."""
SPACES_AT_ONCE = 16
SLOW = 1.0
"""Seconds after which a space with which the platform is slow goes on by itself, and the others are looked after."""
_T = tables.outbox
T = TypeVar("T")


class Deliverer(Protocol):
    """The half of an adapter that the core calls.

    Every method raises `core.errors.TryLater` (with seconds, where the platform said) when the platform refuses for
    now, and `core.errors.PlatformError` with a remedy when a person must act first.
    """

    platform: str

    async def show(self, card: Card, reference: str | None) -> str:
        """Post `card` in its space's alert channel, or edit the posted one; return the reference to edit it by.

        Where the referenced card was deleted by somebody, post a new one, unless its alert is decided.
        """

    async def find(self, card: Card) -> str | None:
        """Return the reference of a card for the same alert that an earlier, interrupted try did post; else None."""

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        """Say in place of a posted card that the data of its alert was deleted; a card that is gone needs nothing.

        Without a reference it is not known whether the card was posted: look for it, as `find` does.
        """

    async def notify(self, space: str, text: str) -> None:
        """Tell the space's admins, in its alert channel, something about Lampkeeper itself."""

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        """Notify those whom the space chose for it of a card that is shown; nobody, where it chose none.

        `tried`: what became of an earlier try is not known, so look whether they were called.
        """


async def put_cards(tx: AsyncConnection, alerts: Mapping[str, str], now: float) -> None:
    """Have the cards of `alerts` (alert -> its space) shown as they will stand, at once."""
    if not alerts:
        return
    perhaps = await withdrawals.supersede(tx, alerts)
    rows = [_row(space, now) | {"alert": alert, "unsure": alert in perhaps} for alert, space in alerts.items()]
    await tx.execute(insert(_T), rows)


async def put_updates(tx: AsyncConnection, alerts: Mapping[str, str], now: float) -> None:
    """Have the cards of `alerts` show what is new on them that nobody waits for, with others' news within seconds."""
    await put_cards(tx, alerts, now + EDIT_EVERY)


async def put_notice(tx: AsyncConnection, space: str, text: str, now: float) -> None:
    """Have the admins of a space told something about Lampkeeper itself."""
    await tx.execute(insert(_T), [_row(space, now) | {"notice": text}])


class Unshown(NamedTuple):
    """A notice that was not shown; `error` is what the last try came to, None if there was none."""

    error: str | None


async def take_back(store: Store, space: str, notice: str) -> Unshown | None:
    """Take a notice that was not shown out again; None if there is none, so that it was."""
    this = (_T.c.space == space, _T.c.notice == notice)
    async with store.write() as tx:
        row = (await tx.execute(select(_T.c.error).where(*this))).first()
        await tx.execute(delete(_T).where(*this))
    return None if row is None else Unshown(row.error)


async def hurry(tx: AsyncConnection, space: str, now: float) -> None:
    """Have all that waits in a space tried again now: what it failed for may just have been mended."""
    await tx.execute(update(_T).where(_T.c.space == space, _T.c.next_try > now).values(next_try=now))


async def moved(tx: AsyncConnection, space: str, before: str, now: str) -> None:
    """Have the references of a space's cards that begin with `before` begin with `now`: their channel's id changed."""
    alerts = tables.alerts
    here = (alerts.c.space == space, alerts.c.reference.startswith(before, autoescape=True))
    rest = func.substr(alerts.c.reference, len(before) + 1)
    await tx.execute(update(alerts).where(*here).values(reference=literal(now) + rest))


async def put_call(tx: AsyncConnection, space: str, alert: str, why: Call, now: float) -> None:
    """Have people called to an alert's card."""
    await tx.execute(insert(_T), [_row(space, now) | {"alert": alert, "notice": why}])


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
    """What to deliver: the rows up to `last` of one alert's card, or the one row `last` of a notice or a call.

    `reference` is where the card stood when this was looked up.
    """

    space: str
    alert: str | None
    notice: str | None
    last: int
    attempts: int
    unsure: bool
    reference: str | None = None

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What it takes of the platform."""
        order = None if self.notice is None else withdrawals.read(self.space, self.notice)
        if order is not None:
            return ("edit",) if order.reference else ("look", "edit")
        if self.notice is None and self.reference is not None:
            return ("edit",)
        return ("look", "post") if self.unsure and self.alert is not None else ("post",)

    @property
    def rows(self) -> ColumnElement[bool]:
        if self.alert is None or self.notice is not None:
            return _T.c.id == self.last
        return and_(_T.c.alert == self.alert, _T.c.notice.is_(None), _T.c.id <= self.last)


class Outbox:
    """Shows what is due on one platform, until it was shown."""

    def __init__(self, ledger: Ledger, deliverer: Deliverer) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._deliverer = deliverer
        self._clock = ledger.clock
        left = select(tables.spaces.c.space).where(tables.spaces.c.left.is_not(None)).scalar_subquery()
        ours = _T.c.space.startswith(f"{deliverer.platform}:", autoescape=True)
        self._ours = and_(ours, _T.c.space.not_in(left))
        self._quiet: dict[tuple[str, Limit | None], float] = {}
        """Until when a platform asked to be left alone with what of a space comes under a limit; None: with all."""
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(SPACES_AT_ONCE)
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
        try:
            await self._run()
        finally:
            serving = [*self._serving.values()]
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
            _done(self._waiting)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            waiting = len(self._waiting)
            try:
                due, pause = await self._look()
                if due:
                    await self.deliver()
                    _, pause = await self._look()
                pause = SLOW if self._serving else pause
            except StoreError as error:
                log.error("outbox.store", what=error.what, remedy=error.remedy)
                pause = IDLE
            if not self._serving:
                _done(self._waiting[:waiting])
                del self._waiting[:waiting]
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def deliver(self) -> None:
        """Try once each that is due, in a space one after the other; leave behind a space that takes long.

        Cards come first, for showing one may make a call due.
        """
        for looked_up in (self._cards_due, self._others_due):
            spaces: dict[str, list[_Due]] = {}
            for due in await looked_up():
                if not self._held_up(due):
                    spaces.setdefault(due.space, []).append(due)
            for space, some in spaces.items():
                if space not in self._serving:
                    self._serving[space] = task = asyncio.create_task(self._serve(some))
                    task.add_done_callback(partial(self._served, space))
            if self._serving:
                await asyncio.wait(self._serving.values(), timeout=SLOW)

    def _held_up(self, due: _Due) -> bool:
        """Tell whether a platform asked to be left alone with what this takes."""
        now = self._clock()
        self._quiet = {what: until for what, until in self._quiet.items() if until > now}
        return any((due.space, limit) in self._quiet for limit in (None, *due.limits))

    async def _serve(self, some: Sequence[_Due]) -> None:
        try:
            async with self._room:
                for due in some:
                    if not self._held_up(due):
                        await self._try(due)
        except StoreError as error:
            log.error("outbox.store", what=error.what, remedy=error.remedy)

    def _served(self, space: str, _task: asyncio.Task[None]) -> None:
        """Look again: something else of the space may have become due meanwhile, and was passed over."""
        del self._serving[space]
        self.wake()

    async def _try(self, due: _Due) -> None:
        try:
            await self._carry_out(due)
        except StoreError:
            raise
        except TryLater as error:
            if error.seconds is not None:
                self._quiet[due.space, error.limit] = self._clock() + self._later(due, error.seconds)
            await self._failed(due, self._later(due, error.seconds), error, unsure=due.unsure or error.seconds is None)
        except PlatformError as error:
            await self._failed(due, REFUSED_WAIT, error, unsure=due.unsure)
        except Exception as error:  # noqa: BLE001 an adapter's bug must not stop the other cards
            await self._failed(due, self._later(due, None), error, unsure=True)

    async def _cards_due(self) -> list[_Due]:
        last, attempts = func.max(_T.c.id), func.max(_T.c.attempts)
        unsure = func.max(cast(_T.c.unsure, Integer))
        stands, here = func.max(tables.alerts.c.reference), tables.alerts.c.alert == _T.c.alert
        cards = select(_T.c.space, _T.c.alert, last, attempts, unsure, stands)
        cards = cards.select_from(_T.outerjoin(tables.alerts, here)).where(
            self._ours, _T.c.alert.is_not(None), _T.c.notice.is_(None)
        )
        due = cards.group_by(_T.c.space, _T.c.alert).having(_is_due(self._clock())).order_by(last)
        async with self._store.read() as tx:
            return [
                _Due(space, alert, None, n, tries, bool(lost), where)
                for space, alert, n, tries, lost, where in await tx.execute(due)
            ]

    async def _others_due(self) -> list[_Due]:
        others = select(_T.c.space, _T.c.alert, _T.c.notice, _T.c.id, _T.c.attempts, _T.c.unsure)
        due = others.where(self._ours, _T.c.notice.is_not(None), _T.c.next_try <= self._clock()).order_by(_T.c.id)
        async with self._store.read() as tx:
            return [_Due(*row) for row in await tx.execute(due)]

    async def _look(self) -> tuple[bool, float]:
        """Tell whether something may be due, and in how many seconds something will be, or to look again.

        One question, since it is asked after every commit, and nearly always nothing is.
        """
        now, at = self._clock(), _T.c.next_try
        times = select(func.min(at), func.min(case((at > now, at)))).where(self._ours)
        async with self._store.read() as tx:
            first, later = (await tx.execute(times)).one()
        return first is not None and first <= now, IDLE if later is None else min(max(later - now, 0.01), IDLE)

    async def _carry_out(self, due: _Due) -> None:
        """Deliver one; what was delivered is due no more, and what is due no more is not delivered."""
        async with self._store.read() as tx:
            if not await self._still(tx, due):
                return
            card, reference = (None, None) if due.alert is None else await self._card(tx, due.alert)
        if due.alert is None:
            await self._tell(due.space, due.notice or "")
        elif card is not None and due.notice is None:
            await self._show(due, card, reference)
            return
        elif card is not None:
            await self._call(due, card, reference)
        await self._done(due)

    async def _tell(self, space: str, notice: str) -> None:
        """Show a notice, or carry out the withdrawal that stands in its place.

        Nothing is searched for and taken back that is an alert's (again): whatever is found could be the card of that.
        """
        order = withdrawals.read(space, notice)
        if order is None:
            await _answer(self._deliverer.notify(space, notice))
        elif order.reference is not None or not await self._stands(order.alert):
            await _answer(self._deliverer.withdraw(*order))

    async def _stands(self, alert: str) -> bool:
        async with self._store.read() as tx:
            return await tx.scalar(select(tables.alerts.c.alert).where(tables.alerts.c.alert == alert)) is not None

    async def _still(self, tx: AsyncConnection, due: _Due) -> bool:
        """Tell whether this is due yet: since it was looked up, it may have been delivered, put off or taken back."""
        same = (_T.c.space == due.space, _T.c.alert.is_not_distinct_from(due.alert))  # a row's number is given again
        these = select(func.max(_T.c.id)).where(due.rows, *same, _T.c.notice.is_not_distinct_from(due.notice))
        last = await tx.scalar(these.group_by(_T.c.space).having(_is_due(self._clock())))
        return bool(last == due.last)

    async def _show(self, due: _Due, card: Card, reference: str | None) -> None:
        alert = card.alert
        if reference is None:
            if due.unsure:
                reference = await _answer(self._deliverer.find(card))
            await self._unsure(due)
        reference = await _answer(self._deliverer.show(card, reference))
        async with self._store.write() as tx:
            here = tables.alerts.c.alert == alert
            if await tx.scalar(select(tables.alerts.c.alert).where(here)) is None:  # it was deleted meanwhile
                await withdrawals.put(tx, [withdrawals.Withdrawal(due.space, alert, reference)])
            else:
                await withdrawals.keep(tx, alert, reference)
            await tx.execute(update(tables.alerts).where(here).values(reference=reference))
            urgent = card.level == "urgent" and card.decided is None
            if urgent and await cases.mark(tx, alert, "pinged", self._clock()):
                await put_call(tx, due.space, alert, "urgent", self._clock())
            await tx.execute(delete(_T).where(due.rows))

    async def _call(self, due: _Due, card: Card, reference: str | None) -> None:
        """Call people to a card that is shown; where there is still a reason to (`_needless`)."""
        why = next(call for call in get_args(Call) if call == due.notice)
        if _needless(card, why):
            return
        if reference is None:
            raise TryLater("The card is not posted yet.", seconds=SHORTEST_WAIT)
        await self._unsure(due)
        await _answer(self._deliverer.call(card, reference, why, tried=due.unsure))

    async def _card(self, tx: AsyncConnection, alert: str) -> tuple[Card | None, str | None]:
        """Return an alert's card, and where it is shown."""
        reference = await tx.scalar(select(tables.alerts.c.reference).where(tables.alerts.c.alert == alert))
        return await drawn(tx, self._ledger, alert), reference

    async def _unsure(self, due: _Due) -> None:
        """Record that it is being tried, before it is."""
        async with self._store.write() as tx:
            await tx.execute(update(_T).where(due.rows).values(unsure=True))

    async def _done(self, due: _Due) -> None:
        async with self._store.write() as tx:
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


def _is_due(now: float) -> ColumnElement[bool]:
    """Select, of rows that count as one, those of which one is due and none that failed has still to wait."""
    put_off = func.max(case((_T.c.attempts > 0, _T.c.next_try), else_=0.0))
    return and_(func.min(_T.c.next_try) <= now, put_off <= now)


def _needless(card: Card, why: Call) -> bool:
    """Tell whether people did meanwhile what they would be called for."""
    if why in REMINDERS:
        return card.claimed is not None or card.state not in UNCLAIMED
    return why == "urgent" and card.decided is not None


def _done(waiting: Collection[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


async def _answer(asked: Awaitable[T]) -> T:
    async with asyncio.timeout(ANSWER_WAIT):
        return await asked
