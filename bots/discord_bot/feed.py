"""The order of events: what was missed comes before what is new.

Leans on `core.messages`; knows no platform. While a space's connection is lost, and until the history of a conversation
has been read, its live events wait here; then they follow. So the newest stored message of a conversation always means
that everything before it was stored too, and a crash at any point leaves no gap. discord.py runs every event in a
task of its own; `put` is synchronous, so events leave in the order in which they came.

A flood does not fill the memory: beyond `MOST` waiting events those of a conversation are dropped, and all that follow
in it, until its history is read instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from core.messages import ConversationKey, Edit, Event

log = structlog.get_logger(__name__)

MOST = 10_000
"""Events waiting, for the store or for history, over all conversations."""


def key_of(event: Event) -> ConversationKey:
    """Return the conversation of an event."""
    return event.message.key if isinstance(event, Edit) else event.key


class Feed:
    """Hands events to `receive` one after the other. Every space starts out shut: `open` it once it is connected.

    `reread` is asked to read a conversation of which events were dropped (and so to `begin` it, and be `done` with it).
    """

    def __init__(
        self,
        receive: Callable[[Event], Awaitable[None]],
        reread: Callable[[ConversationKey], None],
        spaces: Iterable[str],
    ) -> None:
        self._receive = receive
        self._reread = reread
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._shut = set(spaces)
        self._reading: set[ConversationKey] = set()
        self._opened: dict[str, set[ConversationKey]] = {}
        self._held: dict[ConversationKey, list[Event]] = {}
        self._held_count = 0
        self._dropped: set[ConversationKey] = set()
        """Conversations with a gap that no reading under way will close."""

    async def run(self) -> None:
        """Hand over, until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._receive(event)
            finally:
                self._queue.task_done()
            self._mend()

    async def settled(self) -> None:
        """Return when every event that had not to wait for history was handed over."""
        await self._queue.join()

    def put(self, event: Event) -> None:
        """Take a live event."""
        key = key_of(event)
        if key in self._dropped:
            return
        if self._queue.qsize() + self._held_count >= MOST:
            self._dropped.add(key)
            self._take_held(key)
            log.warning("discord.queue_full", channel=key.conversation, remedy="what did not fit is read from history")
        elif key.space in self._shut or key in self._reading:
            self._held.setdefault(key, []).append(event)
            self._held_count += 1
        else:
            self._queue.put_nowait(event)

    def shut(self, space: str) -> None:
        """Hold the events of `space`, whose connection is lost, until `open`."""
        self._shut.add(space)

    def open(self, space: str, reading: Iterable[ConversationKey] = ()) -> None:
        """Let the events of `space` go again, but hold those of conversations whose history is `reading`.

        What an earlier `open` left unread is not waited for any more.
        """
        self._reading -= self._opened.get(space, set())
        self._opened[space] = set(reading)
        self._reading |= self._opened[space]
        self._shut.discard(space)
        self._dropped -= self._opened[space]
        for key in [key for key in self._held if key.space == space]:
            self._release(key)
        self._mend()

    def begin(self, key: ConversationKey) -> None:
        """Hold one conversation while its history is read."""
        self._reading.add(key)
        self._dropped.discard(key)

    def torn(self, key: ConversationKey) -> bool:
        """Tell whether events of `key` were dropped while its history was read, which must be read once more then."""
        torn = key in self._dropped
        self._dropped.discard(key)
        return torn

    def done(self, key: ConversationKey) -> None:
        """Let the live events of `key` follow its history, which was read."""
        self._reading.discard(key)
        self._release(key)

    def forget(self, space: str) -> None:
        """Drop whatever waits in `space`, for good."""
        for key in [key for key in self._held if key.space == space]:
            self._take_held(key)
        self._dropped = {key for key in self._dropped if key.space != space}
        for _ in range(self._queue.qsize()):
            event = self._queue.get_nowait()
            if key_of(event).space != space:
                self._queue.put_nowait(event)
            self._queue.task_done()

    def _release(self, key: ConversationKey) -> None:
        if key in self._reading or key.space in self._shut:
            return
        for event in self._take_held(key):
            self._queue.put_nowait(event)

    def _take_held(self, key: ConversationKey) -> list[Event]:
        events = self._held.pop(key, [])
        self._held_count -= len(events)
        return events

    def _mend(self) -> None:
        """Have the conversations read again that have a gap, once there is room for what comes in meanwhile."""
        if self._queue.empty():
            for key in [key for key in self._dropped if key not in self._reading and key.space not in self._shut]:
                self._reread(key)
