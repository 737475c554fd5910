"""The guard: the one asyncio shell around the pure core. Events in, everything committed, cards out.

Leans on `core.ledger` for transactions and `core.batch` for what one does, on `core.outbox` for delivery, on
`core.retention.rules` for forgetting. What people decide and choose goes by its `desk` and its `communities`.
Decisions:
- Events wait in a bounded queue; when it is full `receive` waits, so that a flood slows its source down instead of
  filling the memory, and the admins are told.
- One writer takes whatever is queued, up to `BATCH`, and commits it in one transaction: state, messages, alerts,
  audit, outbox and cursors. What a crash interrupts was never there; adapters read on from the cursor. A commit costs
  as much as a hundred messages, so after a batch of more than `FEW` the next is left `GATHER` seconds to grow: at 2,000
  messages a second that halves the cost of one, and a message that comes alone is still written at once.
- Where a conversation has no cursor, they read on from `last_alive` of their platform. A sign of life moves it only
  while the platform's adapter says that it misses nothing, and only when all received before is stored; so neither a
  slow catch-up cut short nor a refused platform beside a running one leaves a gap.
- If the database cannot be written, the batch is kept and tried again until it can; the admins are told directly, for
  the outbox cannot be written either.
- The housekeeping deletes nothing because its time is up while the clock is in doubt (`core.clock`): it looks again
  every `DOUBT_EVERY`, and tells the admins where it is still so at the second look. `purge` itself does not ask.
- An event that cannot be processed is a bug of ours. Its batch is undone and taken again event by event: the others
  are committed, that one is logged without content, counted, and the admins are told. Log lines about errors carry
  their kind and no traceback, for a traceback may quote a message.
"""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import Column, select

from core import audit, clock, outbox, unread
from core.batch import Batch
from core.casework import exposure, reminders
from core.casework.desk import Desk, FourEyes
from core.casework.reminders import Rung
from core.clock import Doubt
from core.communities import Choices, Communities
from core.engine import Engine
from core.errors import LampkeeperError, StoreError
from core.ledger import Ledger
from core.messages import AgeBand, ConversationKey, Deletion, Edit, Event
from core.outbox import Deliverer, Outbox
from core.retention import forgetting, leaving, rules
from core.retention.keeping import Keep
from core.scans import Scans
from core.store import Store, tables, upsert
from core.store import messages as kept_messages

log = structlog.get_logger(__name__)

QUEUE = 10_000
BATCH = 2_000
FEW = 20
GATHER = 0.25
HEARTBEAT = 30.0
REMIND_EVERY = 60.0
HOUSEKEEPING_EVERY = 3600.0
DOUBT_EVERY = 600.0
TOLD_AT_DOUBT = 2
SAME_NOTICE_EVERY = 3600.0
DIRECT_NOTICE_WAIT = 10.0
RETRY_FIRST, RETRY_LONGEST = 1.0, 60.0


class Guard:
    """Watches over everything received.

    `keep` says how long things are kept, `clock` seconds since the epoch, `age_bands` what the operator knows of people
    (``platform:id``), over what a platform's roles say, `defaults` what the operator chose for spaces, and `four_eyes`
    what takes two people. `ladder` says when people are reminded, `excerpt_lines` after how many lines a day a
    moderator is told that it is enough (0: never), and `rotate` whether people are told whose turn it could be.
    """

    def __init__(  # noqa: PLR0913 - all that one process is set up with
        self,
        engine: Engine,
        store: Store,
        *,
        keep: Keep = Keep(),  # noqa: B008 - a value
        clock: Callable[[], float] = time.time,
        age_bands: Mapping[str, AgeBand] = MappingProxyType({}),
        defaults: Mapping[str, Choices] = MappingProxyType({}),
        four_eyes: Collection[FourEyes] = (),
        ladder: Sequence[Rung] = reminders.LADDER,
        excerpt_lines: int = exposure.LIMIT,
        rotate: bool = True,
    ) -> None:
        self.skipped = 0
        """Events that could not be processed since the start."""
        self.ledger = Ledger(engine, store, clock, age_bands, keep)
        self.ledger.committed.append(self._wake)
        self.desk = Desk(self.ledger, four_eyes, excerpt_lines, rotate=rotate)
        self.communities = Communities(self.ledger, defaults)
        self.chores: list[Callable[[], Coroutine[Any, Any, object]]] = []
        """What else is done with the housekeeping, about once an hour; adapters add theirs."""
        self.last_chores: list[Callable[[], Coroutine[Any, Any, object]]] = []
        """What is done when the guard stops, once all that was received is committed."""
        self.scans = Scans(self.ledger)
        self._loaded = False
        self._ladder = ladder
        self._doubts = 0
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        self._stopping = asyncio.Event()
        self._behind = False
        self._listening: set[str] = set()
        self._outboxes: list[Outbox] = []
        self._deliverers: Sequence[Deliverer] = ()
        self._notices: dict[tuple[str, str], None] = {}
        self._told: dict[tuple[str, str], float] = {}

    async def run(self, deliverers: Sequence[Deliverer]) -> None:
        """Write, deliver, purge and give signs of life until cancelled; then commit what is queued."""
        self._deliverers = deliverers
        self._outboxes = [Outbox(self.ledger, deliverer) for deliverer in deliverers]
        unserved = self._quietly(outbox.report_unserved(self.ledger.store, {d.platform for d in deliverers}))
        writer = asyncio.create_task(self._write())
        others = [
            asyncio.create_task(work)
            for work in (*(o.run() for o in self._outboxes), unserved, self._beat(), self._keep_house(), self._remind())
        ]
        try:
            done, _ = await asyncio.wait({writer, *others}, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            self._stopping.set()
            self._ask_for_sign_of_life()
            await writer
            for chore in self.last_chores:
                await self._quietly(chore())

    async def receive(self, event: Event) -> None:
        """Queue an event, in the order of its conversation; wait while the queue is full."""
        if self._queue.full() and not self._behind:
            self._behind = True
            log.warning("guard.queue_full", waiting=self._queue.qsize())
            self._tell(
                _space_of(event), "Lampkeeper is behind: messages come in faster than it can store them. None is lost."
            )
        await self._queue.put(self._with_band(event))

    def _with_band(self, event: Event) -> Event:
        """Put in what the operator knows of an author's age. An edit keeps what was known at first."""
        if isinstance(event, Deletion):
            return event
        message = event.message if isinstance(event, Edit) else event
        platform, author = message.key.space.partition(":")[0], message.author
        band = self.ledger.age_bands.get(f"{platform}:{author.id}", author.age_band)
        if band == author.age_band:
            return event
        message = message._replace(author=author._replace(age_band=band))
        return event._replace(message=message) if isinstance(event, Edit) else message

    async def settled(self) -> None:
        """Return when everything received so far is committed and due cards were delivered or failed once."""
        await self._queue.join()
        for box in self._outboxes:
            await box.settled()

    async def cursor(self, key: ConversationKey) -> str | None:
        """Return the id of the newest committed message of a conversation."""
        newest: str | None = await self._of(key, tables.conversations.c.newest_id)
        return newest

    async def horizon(self, key: ConversationKey) -> float | None:
        """Return up to which time (seconds since the epoch) nothing of a conversation is read once more.

        Messages up to then were purged, or some of them were a person's whose data was deleted.
        """
        ends = (await self._of(key, tables.conversations.c.horizon), await self.last_forgotten(key.space))
        return max((end for end in ends if end is not None), default=None)

    async def standing(
        self, space: str, conversations: Iterable[str], since: float = 0.0, until: float = math.inf
    ) -> dict[str, set[str]]:
        """Return the ids of messages that are kept, and not known to be deleted, by conversation.

        Of those said from `since` to `until`, seconds since the epoch, both included. What their platform no longer
        shows of that stretch was deleted while nobody listened.
        """
        async with self.ledger.store.read() as tx:
            return await kept_messages.standing(tx, space, conversations, since, until)

    async def last_forgotten(self, space: str) -> float | None:
        """Return when somebody's data was deleted last in a space (seconds since the epoch); None if it never was.

        Whoever reads back in time stops there, or what was deleted would be taken in once more.
        """
        async with self.ledger.store.read() as tx:
            return await forgetting.last(tx, space)

    async def _of(self, key: ConversationKey, column: Column[Any]) -> Any:
        """Return what is stored of a conversation in a column, or None."""
        table = tables.conversations.c
        async with self.ledger.store.read() as tx:
            return await tx.scalar(
                select(column).where(table.space == key.space, table.conversation == key.conversation)
            )

    async def last_alive(self, platform: str) -> float | None:
        """Return until when everything a platform showed is known to be stored; None if it never was.

        Seconds since the epoch. Where a conversation has no cursor, reading starts here; take off what clocks may
        differ and what a dead connection hides before it is noticed.
        """
        async with self.ledger.store.read() as tx:
            until: float | None = await tx.scalar(
                select(tables.meta.c.number).where(tables.meta.c.name == _row(platform))
            )
        return until

    def listening(self, platform: str, is_listening: bool) -> None:
        """Take note whether a platform's adapter misses nothing: it is connected, and has nothing left to read.

        Only while it is, signs of life move `last_alive` on. Say False before catching up, True after it.
        """
        if is_listening:
            self._listening.add(platform)
            self._ask_for_sign_of_life()
        else:
            self._listening.discard(platform)

    async def doubt(self) -> Doubt | None:
        """Return why the machine's clock cannot be believed (`core.clock`); None, and noted, if it can."""
        now = self.ledger.clock.machine()
        async with self.ledger.store.read() as tx:
            if (doubt := await clock.doubted(tx, now)) is not None:
                return doubt
            sure = await clock.proven(tx, now) or await clock.latest_right(tx) is not None
        if sure:
            await self.believe_clock(now)
        return None

    async def believe_clock(self, now: float) -> None:
        """Take the clock as right: somebody, or something, proved it."""
        async with self.ledger.transaction() as tx:
            await clock.note_right(tx, now)
            self.ledger.clock.was_right(now)
            if await clock.mend(tx, now):
                self.ledger.memory.clear()
                self.ledger.memory.received = now

    async def purge(self) -> int:
        """Purge what was kept long enough (`core.retention.rules`); return of how many messages.

        Whether the clock can be believed is for the caller to ask (`doubt`).
        """
        taken = await rules.purge(self.ledger)
        if taken.total():
            log.info("guard.purged", **taken)
            await self.ledger.store.checkpoint()
        return taken[tables.messages.name]

    async def tell_unread(self) -> None:
        """Have the admins told of conversations that could not be read, at most once a day (`core.unread`)."""
        async with self.ledger.transaction() as tx:
            await unread.tell(tx, self.ledger.clock())

    async def forget_left(self) -> None:
        """Delete what is kept of spaces that left long enough ago (`core.retention.leaving`)."""
        for space in await leaving.forget_left(self.ledger):
            self.communities.forgotten(space)
            log.warning("guard.space_deleted", space=space, what="Lampkeeper was removed from it a week ago.")

    async def forget_person(self, space: str, person: str) -> int:
        """Remove a person from every table (`core.retention.rules`). Needs no `run`: a guard just made can do it.

        Returns how many cases about them stay, as they are under legal hold.
        """
        async with self.ledger.transaction() as tx:
            now = self.ledger.clock()
            held = await rules.forget_person(tx, self.ledger.vault, self.ledger.engine, space, person, now)
            await audit.record(tx, [audit.row(now, space, "person forgotten", held=held)])
            self.ledger.memory.clear()
        await self.ledger.store.checkpoint()
        return held

    async def forget_space(self, space: str) -> int:
        """Remove a space from every table. Needs no `run`: a guard just made can do it.

        Posted cards are taken back, by the next `run` at the latest; of a space that Lampkeeper left, nobody can.
        Returns how many of its cases stay, as they are under legal hold; where any do, the audit says so.
        """
        async with self.ledger.transaction() as tx:
            now = self.ledger.clock()
            held = await rules.forget_space(tx, self.ledger.vault, space, now)
            if held:
                await audit.record(tx, [audit.row(now, space, "space deleted", held=held)])
            self.ledger.memory.clear()
        self.communities.forgotten(space)
        await self.ledger.store.checkpoint()
        return held

    async def _write(self) -> None:
        busy = False
        while not (self._stopping.is_set() and self._queue.empty()):
            events = [await self._queue.get()]
            if busy and self._queue.qsize() < BATCH:
                await asyncio.sleep(GATHER)
            while len(events) < BATCH and not self._queue.empty():
                events.append(self._queue.get_nowait())
            busy = len(events) > FEW
            # What was received up to now is in this batch, if nothing waits behind it.
            complete = self._queue.empty() and not self._stopping.is_set()
            heard, alive = self.ledger.clock(), sorted(self._listening) if complete else []
            try:
                if received := [event for event in events if event is not None]:
                    await self._take(received)
            except StoreError:
                lost = len(received) + self._queue.qsize()
                log.error("guard.stopped_unwritten", events=lost, remedy="They are read again at the next start.")
                return
            if None in events:
                await self._quietly(self._commit([], dict.fromkeys(alive, heard)))
            self._behind = self._behind and not self._queue.empty()
            for _ in events:
                self._queue.task_done()

    async def _take(self, events: list[Event]) -> None:
        """Commit `events`, however long the database refuses; leave out what cannot be processed.

        StoreError only if it refuses while the guard stops.
        """
        wait = RETRY_FIRST
        while True:
            try:
                await self._commit(events)
            except StoreError as error:
                log.error("guard.cannot_write", what=error.what, remedy=error.remedy, events=len(events), next_in=wait)
                if self._stopping.is_set():
                    raise
                if wait == RETRY_FIRST:
                    await self._tell_directly(events, error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._stopping.wait()
                wait = min(wait * 2, RETRY_LONGEST)
            except Exception as error:  # noqa: BLE001 a bug in one event must not block the others
                if len(events) == 1:
                    self._skip(events[0], error)
                    events = []
                    continue
                for event in events:
                    await self._take([event])
                return
            else:
                return

    async def _commit(self, events: Sequence[Event], caught_up: Mapping[str, float] = MappingProxyType({})) -> None:
        if not self._loaded:
            await self.communities.load()
            self._loaded = True
        async with self.ledger.transaction() as tx:
            now, notices = self.ledger.clock(), list(self._notices)
            batch = Batch(tx, self.ledger.vault, self.ledger.engine, self.ledger.memory, now)
            # Asked here, with the lock held: what is deleted of a space that left must not be followed by its events.
            if events := [event for event in events if _space_of(event) not in self.communities.sealed]:
                await batch.take(events)
            for space, text in notices:
                await outbox.put_notice(tx, space, text, now)
            signs = [{"name": _row(platform), "number": heard} for platform, heard in caught_up.items()]
            await upsert(tx, tables.meta, signs)
        for notice in notices:
            del self._notices[notice]
        self.ledger.tallies.add(batch.heard, self.ledger.clock())
        self.ledger.memory.trim()

    def _skip(self, event: Event, error: Exception) -> None:
        """Leave out an event. Of the error only its kind and place are logged: its words may quote the message."""
        self.skipped += 1
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error(
            "guard.event_skipped",
            error=type(error).__name__,
            file=place.filename,
            line=place.lineno,
            skipped=self.skipped,
        )
        self._tell(
            _space_of(event),
            "Lampkeeper could not process a message and went on with the others. This is a fault in Lampkeeper: its "
            f"log names the place ({type(error).__name__}). Please report it.",
        )

    def _tell(self, space: str, text: str) -> None:
        """Have a notice written with the next commit, the same one at most once in `SAME_NOTICE_EVERY`."""
        now, told = self.ledger.clock(), self._told.get((space, text))
        if told is None or now - told >= SAME_NOTICE_EVERY:
            self._told[space, text] = now
            self._notices[space, text] = None

    async def _tell_directly(self, events: list[Event], error: StoreError) -> None:
        """Tell the admins without the outbox, which cannot be written."""
        text = f"Lampkeeper cannot store messages and tries again by itself; none is lost so far. {error}"

        async def tell(deliverer: Deliverer, space: str) -> None:
            try:
                async with asyncio.timeout(DIRECT_NOTICE_WAIT):
                    await deliverer.notify(space, text)
            except Exception as failure:  # noqa: BLE001 storing goes first, whatever became of the notice
                log.error("guard.notice_failed", space=space, error=type(failure).__name__)

        spaces = {_space_of(event) for event in events}
        pairs = [(d, space) for d in self._deliverers for space in spaces if space.startswith(f"{d.platform}:")]
        await asyncio.gather(*(tell(deliverer, space) for deliverer, space in pairs))

    def _wake(self) -> None:
        for box in self._outboxes:
            box.wake()

    def _ask_for_sign_of_life(self) -> None:
        """Have the writer give one, and carry out notices, behind all that is queued."""
        with suppress(asyncio.QueueFull):  # there is none while the guard is behind
            self._queue.put_nowait(None)

    async def remind(self) -> int:
        """Have people called to what nobody has claimed (`core.casework.reminders`); return to how many cases."""
        return await reminders.remind(self.ledger, self._ladder)

    async def _beat(self) -> None:
        while True:
            self._ask_for_sign_of_life()
            await asyncio.sleep(HEARTBEAT)

    async def _remind(self) -> None:
        while True:
            await self._quietly(self.remind())
            await asyncio.sleep(REMIND_EVERY)

    async def keep_house(self) -> None:
        """Purge, tell what is due to be told, and do the chores; a failure of one is told and holds up no other."""
        finish = self.ledger.store.finish_checkpoint
        for chore in (finish, self._purge_by_the_clock, self.tell_unread, *self.chores):
            await self._quietly(chore())

    async def _purge_by_the_clock(self) -> None:
        """Delete what was kept long enough, and spaces that left, if the clock can be believed; else tell."""
        doubt = await self.doubt()
        if doubt is None:
            self._doubts = 0
            await self._quietly(self.purge())
            await self._quietly(self.forget_left())
            return
        log.error("guard.clock_in_doubt", what=doubt.what, remedy=doubt.remedy)
        self._doubts += 1
        if self._doubts == TOLD_AT_DOUBT:
            await self._tell_all(
                f"{doubt.what} Please tell whoever runs Lampkeeper; `lampkeeper check` says what to do."
            )

    async def _tell_all(self, text: str) -> None:
        """Have the admins of every space told something."""
        here = tables.spaces.c
        async with self.ledger.transaction() as tx:
            now = self.ledger.clock()
            for space in (await tx.scalars(select(here.space).where(here.left.is_(None)))).all():
                await outbox.put_notice(tx, space, text, now)

    async def _keep_house(self) -> None:
        while True:
            await self.keep_house()
            await asyncio.sleep(DOUBT_EVERY if self._doubts else HOUSEKEEPING_EVERY)

    async def _quietly(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that is done again later, so that a failure is told and not more."""
        try:
            await work
        except LampkeeperError as error:
            log.error("guard.housekeeping_failed", what=error.what, remedy=error.remedy)
        except Exception as error:  # noqa: BLE001 a fault in one purge must not end the watch
            log.error("guard.housekeeping_failed", what=type(error).__name__)


def _row(platform: str) -> str:
    return f"caught_up:{platform}"


def _space_of(event: Event) -> str:
    return (event.message if isinstance(event, Edit) else event).key.space
