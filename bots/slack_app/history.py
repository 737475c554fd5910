"""No gaps: what was said while nobody listened is read from Slack's history before anything newer is passed on.

Leans on `reading` for how a channel is read, and on the guard's memory of what it has. After every new connection
(`behind`) each conversation is read from the newest message the guard has committed, or from when Lampkeeper was last
alive; live events of a conversation wait until that is done. Channels where something waits are read first.

- Over HTTP there is no connection to be lost: what Slack cannot deliver it sends again for six minutes, and then drops,
  while newer messages may come in again already. So the newest committed message says nothing of what came before it
  (`drops`). There every channel is read from when it was last looked through whole, at a start from an hour before
  Lampkeeper was last alive, for the process before looked through each within that time where it could (`sweep`, which
  finds what Slack dropped and never told of). A day back at most, and an hour for an app that may read little.
- That reading back in time ends at when somebody's data was deleted: what was deleted must not come in once more.
- Nothing is read from before the app came into a channel, or came into it again: moderators ask for that (`backscan`).
  When it came, an event tells, and a message in the channel's history ("has joined the channel").
- An app that Slack lets read only 15 messages a minute (`pace`) reads on in the background at that pace, looks no
  further back than the page on which the gap begins, and the moderators are told how long it takes at least.
- What cannot be read is told once, until it could be.
- The times of messages are by Slack's clock, so they are compared with that one alone (`clock`): where ours is ahead,
  what was said just now would look as if it had been missing long enough to be deleted. When Lampkeeper was last alive
  is by ours; as far as that is ahead now, it is taken off.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack_app.api import pages
from bots.slack_app.pace import Pace
from bots.slack_app.reading import Memory, Reader, Span
from bots.slack_app.translate import Raw, subject
from bots.texts import ENGLISH, say
from core.errors import PlatformError
from core.messages import ConversationKey

HELD_MOST = 10_000
"""Live events kept waiting, over all channels. Beyond that they are dropped and read from history instead."""
MARGIN = 60.0
"""Seconds read from before the time Lampkeeper was last known alive: clocks differ, and a crash loses a little."""
RECENT = 600.0
"""Threads in which something was said within so many seconds before a gap are looked through for edits."""
HOUR = 3600.0
BACK = 86_400.0
"""Seconds that are read back from where something may have been dropped, and an `HOUR` where Slack lets read little."""
NAMED_MOST = 10
"""Channels named in one notice."""
PLATFORM = "slack"
TYPES = "public_channel,private_channel,mpim,im"

log = structlog.get_logger(__name__)


class Gap(NamedTuple):
    """What was read from history last (`bots.common.status.Gap`)."""

    since: float
    until: float
    unread: tuple[str, ...]


@dataclass(eq=False)
class History:
    """Passes a workspace's message events on, in order and without gaps.

    `user` is the app's own; `deliver` gets every event, live or read, and tells whether it was something that
    a person said (or edited, or deleted); `tell` gets sentences for the moderators. `drops`: events may be missing at
    any time, and not only before a new connection. `found` gets each message of a person's that only a look found.
    """

    client: AsyncWebClient
    memory: Memory
    space: str
    user: str
    ignored: frozenset[str]
    deliver: Callable[[Raw], Awaitable[bool]]
    tell: Callable[[str], Awaitable[None]]
    language: str = ENGLISH
    drops: bool = False
    found: Callable[[Raw], None] = lambda _: None
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
    _looked: dict[str, float] = field(default_factory=dict, init=False)
    """Until when each channel was looked through whole; seconds since the epoch."""
    _changed: set[str] | None = field(default=None, init=False)
    """Messages that were edited or deleted live since a channel began to be looked at anew."""

    def __post_init__(self) -> None:
        self.pace = Pace(self._slowly)
        self.reader = Reader(self.client, self.memory, self.space, self.user, self._deliver_read, self.pace)

    def lost(self) -> None:
        """From now on every channel may have a gap; `behind` will be called when there is a connection."""
        self._lost = self._lost or self._now()
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
        self._looked.pop(channel, None)
        return watched

    def renamed(self, old: str, new: str) -> None:
        """Take note that a channel has another ID: it is watched under that, and what is known of it stays known."""
        if old in self._members:
            self._members.discard(old)
            self._members.add(new)
        for known in (self._came, self._looked):
            if old in known:
                known[new] = known.pop(old)

    async def take(self, event: Raw) -> None:
        """Pass a live event on: now, or when its channel's history was read."""
        channel = event["channel"]
        if self._changed is not None and event.get("subtype") == "message_changed":
            self._changed.add(str(subject(event)["ts"]))
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
                    now = self._now()
                    self.gap, self._lost = Gap(self._lost or now, now, tuple(sorted(self._told))), None
                self.memory.listening(PLATFORM, caught_up)
                self._current.set()

    async def _catch_up(self) -> None:
        channels = await self.channels()
        first = await self._begins()
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
        last_alive, now = await self.memory.last_alive(PLATFORM), self._now()
        ahead = max(time.time() - now, 0.0)
        self._floor = self._lost = now if last_alive is None else last_alive - ahead - MARGIN
        return last_alive is None

    def _now(self) -> float:
        """Return the time by Slack's clock; by ours before Slack answered anything."""
        now = self.pace.clock.now()
        return time.time() if now is None else now

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

    async def _deliver_read(self, raw: Raw) -> bool:
        if self._changed is None or raw.get("subtype") == "message_changed":
            return await self.deliver(raw)
        if float(raw["ts"]) <= await self._ends():
            return False  # somebody's data was deleted since the look began
        said = await self.deliver(raw)
        if said:
            self.found(raw)
        return said

    async def _tell_unread(self, why: str, channels: list[str]) -> None:
        if channels:
            self._told.update(channels)
            named = ", ".join(f"<#{channel}>" for channel in channels[:NAMED_MOST])
            await self._say("slack.history_unread", channels=named + (", …" * (len(channels) > NAMED_MOST)), why=why)

    async def look(self, channel: dict[str, Any]) -> bool:
        """Look at a channel anew, beside live events, for what was dropped; False if not everything could be read.

        Raises `PlatformError` where Slack does not let us.
        """
        name, told = str(channel["id"]), self.pace.clock.now()
        if name not in self._members:
            return True
        begun = self._now()
        until = -math.inf if told is None else told - MARGIN  # by no clock but Slack's is anything taken for deleted
        since = await self._since(name, None, begun)
        again = math.inf if self.pace.seconds else since
        brief, dropped = bool(self.pace.seconds), max(since, await self._ends())
        span = Span(since, since, again, self._came.get(name, 0.0), until, 1, brief, dropped)
        self._changed = set()
        try:
            whole = await self.reader.read(channel, span._replace(changed=self._changed))
        finally:
            self._changed = None
        if whole:
            self._looked[name] = begun - MARGIN
        return whole

    async def listed(self) -> list[dict[str, Any]]:
        """Ask anew which conversations the app is in: what tells that it came into one may have been dropped, too."""
        found = await self.channels()
        self._members |= found.keys()
        return list(found.values())

    async def channels(self) -> dict[str, dict[str, Any]]:
        """Return the conversations the app is in and that are read, by id."""
        found: dict[str, dict[str, Any]] = {}
        listing = pages(
            self.client.users_conversations,
            "channels",
            through=self.pace.call,
            types=TYPES,
            exclude_archived=True,
        )
        async for page in listing:
            found |= {channel["id"]: channel for channel in page if channel["id"] not in self.ignored}
        return found

    async def _read(self, channel: dict[str, Any]) -> None:
        """Read the gap of a channel."""
        name, begun, floor = str(channel["id"]), self._now(), self._floor or 0.0
        self._overflown.discard(name)
        cursor = await self.memory.cursor(ConversationKey(self.space, name))
        since = float(cursor) if cursor else floor
        again = math.inf if self.pace.seconds else (self._lost or begun) - RECENT
        if self.drops:
            again = since = await self._since(name, float(cursor) if cursor else None, begun)
        dropped = max(since, await self._ends()) if self.drops else math.inf
        await self.reader.read(channel, Span(since, floor, again, self._came.get(name, 0.0), dropped=dropped))
        self._looked[name] = begun - MARGIN

    async def _since(self, channel: str, cursor: float | None, now: float) -> float:
        """Return from when on something of a channel may have been dropped."""
        floor = self._floor or 0.0
        left = floor if cursor is None else cursor
        since = self._looked.get(channel, min(left, floor - HOUR))
        back = now - (HOUR if self.pace.seconds else BACK)
        if since < back:
            since = max(since, min(left, back))
        ends = await self._ends()
        return max(since, ends if cursor is None else min(cursor, ends))

    async def _ends(self) -> float:
        """Return before when nothing is read back in time: the app was not there, or what was said was deleted."""
        return max(self.memory.joined, await self.memory.last_forgotten() or 0.0)

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
