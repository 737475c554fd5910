"""No gaps: what was said while nobody listened is read from Slack's history before anything newer is passed on.

Leans on `bots.slack_app.api` and the guard's memory of what it has. After every new connection (`behind`) each
conversation is read from the newest message the guard has committed, or from when Lampkeeper was last alive; live
events of a conversation wait until that is done. Channels where something waits are read first. Reading again what is
known already does no harm, the guard counts each message once; so every doubt is settled by reading.

- History tells only what is there now: a message written and deleted while nobody listened is not in it, and of an
  edited one only the last version (https://docs.slack.dev/reference/methods/conversations.history). Edits of what had
  been read before are looked for among the messages before the gap, `OLDER` of them or more.
- A reply to an old thread does not show in the channel's history, but its first message tells when the latest reply
  came. So the same messages before the gap are looked through for threads with newer replies.
- History is read from its newest message backwards, until enough from before the gap was seen: where little was said,
  that is one call a channel.
- Nothing is read from before the app came into a channel, or came into it again: moderators ask for that (`backscan`).
  When it came, an event tells, and a message in the channel's history ("has joined the channel").
- An app that Slack lets read only 15 messages a minute (`pace`) reads on in the background at that pace, looks no
  further back than the page on which the gap begins, and the moderators are told how long it takes at least.
- What cannot be read is told once, until it could be.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack_app.api import Method, pages
from bots.slack_app.pace import Pace
from bots.slack_app.translate import Raw, conversation_of, thread_of
from bots.texts import ENGLISH, say
from core.errors import PlatformError
from core.messages import ConversationKey

HELD_MOST = 10_000
"""Live events kept waiting, over all channels. Beyond that they are dropped and read from history instead."""
OLDER = 50
"""Messages before a gap that are looked through for edits and for threads that go on."""
MARGIN = 60.0
"""Seconds read from before the time Lampkeeper was last known alive: clocks differ, and a crash loses a little."""
NAMED_MOST = 10
"""Channels named in one notice."""
PLATFORM = "slack"
TYPES = "public_channel,private_channel,mpim,im"
JOINED = frozenset(("channel_join", "group_join"))
"""Subtypes of the message that somebody came into a channel."""

log = structlog.get_logger(__name__)


class Memory(Protocol):
    """What the guard is asked and told."""

    async def cursor(self, key: ConversationKey) -> str | None:
        """Id of the newest committed message of a conversation."""

    async def last_alive(self, platform: str) -> float | None:
        """Until when everything Slack showed is known to be stored; None if it never was."""

    def listening(self, platform: str, is_listening: bool) -> None:
        """Take note whether nothing is left to read."""


class Gap(NamedTuple):
    """What was read from history last (`bots.common.status.Gap`)."""

    since: float
    until: float
    unread: tuple[str, ...]


@dataclass(eq=False)
class History:
    """Passes a workspace's message events on, in order and without gaps.

    `user` is the app's own; `deliver` gets every event, live or read, and tells whether it was something that
    a person said (or edited, or deleted); `tell` gets sentences for the moderators.
    """

    client: AsyncWebClient
    memory: Memory
    space: str
    user: str
    ignored: frozenset[str]
    deliver: Callable[[Raw], Awaitable[bool]]
    tell: Callable[[str], Awaitable[None]]
    language: str = ENGLISH
    gap: Gap | None = field(default=None, init=False)
    """None while history is being read."""
    _lost: float | None = field(default=None, init=False)
    """Since when there may be a gap; None while there is none."""
    _floor: float | None = field(default=None, init=False)
    """From when on a conversation is read of which the guard knows nothing; seconds since the epoch."""
    _connected: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _current: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _waiting: set[str] | None = field(default=None, init=False)
    """Channels whose history is not read yet; None: nobody knows which."""
    _held: defaultdict[str, deque[Raw]] = field(default_factory=lambda: defaultdict(deque), init=False)
    _overflown: set[str] = field(default_factory=set, init=False)
    """Channels of which a live event was dropped, and all since: their history must be read once more."""
    _unread: int = field(default=0, init=False)
    _slow: bool = field(default=False, init=False)
    _members: set[str] = field(default_factory=set, init=False)
    """Channels that the app is known to be in."""
    _came: dict[str, float] = field(default_factory=dict, init=False)
    """When the app came into a channel; seconds since the epoch."""
    _told: set[str] = field(default_factory=set, init=False)
    """Channels of which it was told that they cannot be read."""
    _unasked: bool = field(default=False, init=False)
    """Whether Slack would not even say which channels there are, which was told."""

    def __post_init__(self) -> None:
        self.pace = Pace(self._slowly)

    def lost(self) -> None:
        """From now on every channel may have a gap; `behind` will be called when there is a connection."""
        self._lost = self._lost or time.time()
        self.gap = self._waiting = None
        self._current.clear()
        self.memory.listening(PLATFORM, False)

    def behind(self) -> None:
        """There is a new connection, and before it there may be a gap in every channel."""
        self.lost()
        self._connected.set()

    async def settled(self) -> None:
        """Return when nothing waits to be read."""
        await self._current.wait()

    @property
    def watched(self) -> int:
        """How many conversations are watched."""
        return len(self._members - self.ignored)

    def joined(self, channel: str, when: float) -> None:
        """Take note that the app came into a channel: what was said there before is none of its business."""
        self._members.add(channel)
        self._came[channel] = when

    def gone(self, channel: str) -> bool:
        """Stop with a channel that the app is no longer in; False if it was not watched. What was heard counts."""
        watched = channel in self._members and channel not in self.ignored
        self._members.discard(channel)
        self._told.discard(channel)
        self._came.pop(channel, None)
        return watched

    async def take(self, event: Raw) -> None:
        """Pass a live event on: now, or when its channel's history was read."""
        channel = event["channel"]
        if self._waiting is not None and channel not in self._waiting:
            await self.deliver(event)
        elif channel in self._overflown or sum(map(len, self._held.values())) >= HELD_MOST:
            self._overflown.add(channel)
        else:
            self._held[channel].append(event)

    async def run(self) -> None:
        """Read what was missed whenever `behind` says so, until cancelled."""
        while True:
            await self._connected.wait()
            self._connected.clear()
            try:
                await self._catch_up()
                caught_up, self._unasked = True, False
            except PlatformError as error:
                if not self._unasked:
                    await self._say("slack.history_unasked", why=error)
                await self._release_all()
                caught_up, self._unasked = False, True
            if not self._connected.is_set():
                if caught_up:
                    self.gap, self._lost = Gap(self._lost or time.time(), time.time(), tuple(sorted(self._told))), None
                self.memory.listening(PLATFORM, caught_up)
                self._current.set()

    async def _catch_up(self) -> None:
        first = await self._begins()
        channels = await self._channels()
        if self._connected.is_set():
            return
        self._members = set(channels)
        if first:  # what was said before the very first start is none of our business
            await self._release_all()
            return
        strangers = self._held.keys() - channels.keys()
        self._waiting = channels.keys() | strangers
        for channel in strangers:
            await self._release(channel)
        self._slow = False
        await self._read_all(channels)

    async def _begins(self) -> bool:
        """Settle from when on is read; tell whether this is the very first start."""
        if self._floor is not None:
            return False
        last_alive = await self.memory.last_alive(PLATFORM)
        self._floor = self._lost = time.time() if last_alive is None else last_alive - MARGIN
        return last_alive is None

    async def _read_all(self, channels: dict[str, dict[str, Any]]) -> None:
        unread, failed = list(channels), defaultdict[str, list[str]](list)
        while unread and not self._connected.is_set():
            self._unread = len(unread)
            channel = next((channel for channel in unread if channel in self._held), unread[0])
            unread.remove(channel)
            try:
                if channel in self._members:
                    await self._read(channels[channel])
                    self._told.discard(channel)
            except PlatformError as error:
                if channel in self._members:
                    failed[str(error)].append(channel)
            await self._release(channel)
            if channel in self._overflown and channel in self._members:
                unread.append(channel)
        self._unread = 0
        for words, where in failed.items():
            await self._tell_unread(words, [channel for channel in where if channel not in self._told])
        if self._slow and not unread:
            await self._say("slack.history_read")

    async def _tell_unread(self, why: str, channels: list[str]) -> None:
        if channels:
            self._told.update(channels)
            named = ", ".join(f"<#{channel}>" for channel in channels[:NAMED_MOST])
            await self._say("slack.history_unread", channels=named + (", …" * (len(channels) > NAMED_MOST)), why=why)

    async def _channels(self) -> dict[str, dict[str, Any]]:
        """Return the conversations the app is in, by id."""
        found: dict[str, dict[str, Any]] = {}
        listing = self._pages(self.client.users_conversations, "channels", types=TYPES, exclude_archived=True)
        async for page in listing:
            found |= {channel["id"]: channel for channel in page if channel["id"] not in self.ignored}
        return found

    async def _read(self, channel: dict[str, Any]) -> None:
        """Read the gap of a channel, oldest first, then those of its threads."""
        name = str(channel["id"])
        self._overflown.discard(name)
        cursor = await self.memory.cursor(ConversationKey(self.space, name))
        left = float(cursor) if cursor else self._floor or 0.0
        seen, start = await self._back_to(name, left)
        missed = [message for message in seen if float(message["ts"]) > left and float(message["ts"]) >= start]
        known = [message for message in seen if start <= float(message["ts"]) <= left]
        # A reply that was also sent to the channel comes with its thread, so that it does not overtake other replies.
        await self._pass_on(channel, [message for message in missed if thread_of(message) is None])
        if cursor is not None:
            await self._pass_on_edits(channel, known)
        threads = {str(message["thread_ts"]) for message in missed if message.get("thread_ts")}
        latest = {str(root["ts"]): float(root["latest_reply"]) for root in seen if root.get("latest_reply")}
        for thread in sorted(threads | latest.keys()):
            key = ConversationKey(self.space, conversation_of(name, thread))
            read = await self.memory.cursor(key)
            since = max(float(read) if read else max(float(thread), self._floor or 0.0), start)
            if thread in threads or latest[thread] > since:
                await self._read_thread(channel, thread, f"{since:.6f}")

    async def _back_to(self, channel: str, left: float) -> tuple[list[dict[str, Any]], float]:
        """Return the messages of a channel back to `left` and some before, and since when the app is there."""
        seen: list[dict[str, Any]] = []
        start, older = self._came.get(channel, 0.0), 0
        async for page in self._pages(self.client.conversations_history, "messages", channel=channel):
            seen += page
            came = (m["ts"] for m in page if m.get("subtype") in JOINED and m.get("user") == self.user)
            start = max(start, *map(float, came), 0.0)
            times = [float(message["ts"]) for message in page]
            older += sum(time <= left for time in times)
            if older >= OLDER or (older and self.pace.seconds) or (times and start >= min(times)):
                break
        return seen, start

    async def _read_thread(self, channel: dict[str, Any], thread: str, since: str) -> None:
        replies: list[dict[str, Any]] = []
        async for page in self._pages(
            self.client.conversations_replies, "messages", channel=channel["id"], ts=thread, oldest=since
        ):
            replies += page
        # Every page begins with the thread's first message, which is the channel's.
        await self._pass_on(channel, [reply for reply in replies if thread_of(reply) is not None])

    async def _pass_on(self, channel: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        """Deliver messages read from history as if they came now, oldest first."""
        for message in sorted(messages, key=lambda message: float(message["ts"])):
            await self.deliver({**message, **_place(channel)})

    async def _pass_on_edits(self, channel: dict[str, Any], known: list[dict[str, Any]]) -> None:
        """Deliver what was edited of the messages read before; the guard leaves out what it knows already."""
        for message in known:
            if float((message.get("edited") or {}).get("ts", 0)) > (self._floor or 0.0):
                await self.pass_on_as_it_reads(channel, message)

    async def pass_on_as_it_reads(self, channel: dict[str, Any], message: dict[str, Any]) -> bool:
        """Deliver a message of a channel's history as it reads now, wherever reading stands; False if it is none."""
        return await self.deliver({"subtype": "message_changed", "message": message, **_place(channel)})

    async def _release(self, channel: str) -> None:
        """Deliver what waited for a channel's history, unless the connection was new-made meanwhile."""
        held = self._held[channel]
        while held and not self._connected.is_set():
            await self.deliver(held[0])
            held.popleft()
        if not held:
            del self._held[channel]
        if not self._connected.is_set() and channel not in self._overflown and self._waiting is not None:
            self._waiting.discard(channel)

    async def _release_all(self) -> None:
        if not self._connected.is_set():
            self._waiting = set(self._held)
            self._overflown.clear()
            for channel in list(self._held):
                await self._release(channel)

    def _pages(self, method: Method, field: str, **arguments: Any) -> AsyncIterator[list[dict[str, Any]]]:
        return pages(method, field, through=self.pace.call, **arguments)

    async def _slowly(self, seconds: float) -> None:
        """Tell, once for each time of catching up, that it takes long."""
        if self._unread and not self._slow:
            self._slow = True
            minutes = math.ceil(self._unread * max(seconds, self.pace.seconds) / 60)
            await self._say("slack.history_slow", seconds=round(seconds), channels=self._unread, minutes=minutes)

    async def _say(self, text: str, **blanks: object) -> None:
        words = say(self.language, text, **blanks)
        log.warning("slack.history", what=words)
        await self.tell(words)


def _place(channel: dict[str, Any]) -> dict[str, str]:
    """Return the fields by which an event names where it happened; history leaves them out."""
    return {"channel": channel["id"], "channel_type": "mpim" if channel.get("is_mpim") else "channel"}
