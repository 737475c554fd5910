"""No gaps: what was said while nobody listened is read from Slack's history before anything newer is passed on.

Leans on `bots.slack_app.api` and the guard's memory of what it has. After every new connection (`behind`) each
conversation is read from the newest message the guard has committed, or from when Lampkeeper was last alive; live
events of a conversation wait until that is done. Channels where something waits are read first. Reading again what is
known already does no harm, the guard counts each message once; so every doubt is settled by reading.

- History tells only what is there now: a message written and deleted while nobody listened is not in it, and of an
  edited one only the last version (https://docs.slack.dev/reference/methods/conversations.history). Edits of what had
  been read before are looked for in one page of messages older than the gap.
- A reply to an old thread does not show in the channel's history, but its first message tells when the latest reply
  came. So one page of messages older than the gap is looked through for threads with newer replies.
- Apps distributed outside Slack's Marketplace may read 15 messages a minute since May 2025
  (https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps). Reading then goes on in
  the background at that pace, and the moderators are told.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bots.slack_app.api import PAGE, Method, call, pages
from bots.slack_app.translate import Raw, conversation_of, thread_of
from core.errors import PlatformError, TryLater
from core.messages import ConversationKey

HELD_MOST = 10_000
"""Live events kept waiting, over all channels. Beyond that they are dropped and read from history instead."""
SLOW = 30.0
"""Seconds between two calls from which on the moderators are told that reading takes long."""
PATIENCE = 5.0
"""Seconds before a failed call is tried again where Slack names none."""
MARGIN = 60.0
"""Seconds read from before the time Lampkeeper was last known alive: clocks differ, and a crash loses a little."""
NAMED_MOST = 10
"""Channels named in one notice."""
PLATFORM = "slack"
TYPES = "public_channel,private_channel,mpim,im"

log = structlog.get_logger(__name__)


class Memory(Protocol):
    """What the guard is asked and told."""

    async def cursor(self, key: ConversationKey) -> str | None:
        """Id of the newest committed message of a conversation."""

    async def last_alive(self, platform: str) -> float | None:
        """Until when everything Slack showed is known to be stored; None if it never was."""

    def listening(self, platform: str, is_listening: bool) -> None:
        """Take note whether nothing is left to read."""


@dataclass(eq=False)
class History:
    """Passes a workspace's message events on, in order and without gaps.

    `deliver` gets every event, live or read; `tell` gets sentences for the moderators.
    """

    client: AsyncWebClient
    memory: Memory
    space: str
    ignored: frozenset[str]
    deliver: Callable[[Raw], Awaitable[None]]
    tell: Callable[[str], Awaitable[None]]
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

    def lost(self) -> None:
        """From now on every channel may have a gap; `behind` will be called when there is a connection."""
        self._waiting = None
        self._current.clear()
        self.memory.listening(PLATFORM, False)

    def behind(self) -> None:
        """There is a new connection, and before it there may be a gap in every channel."""
        self.lost()
        self._connected.set()

    async def settled(self) -> None:
        """Return when nothing waits to be read."""
        await self._current.wait()

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
                caught_up = True
            except PlatformError as error:
                await self._say(f"Lampkeeper could not ask Slack what was said while it was away. {error}")
                await self._release_all()
                caught_up = False
            if not self._connected.is_set():
                self.memory.listening(PLATFORM, caught_up)
                self._current.set()

    async def _catch_up(self) -> None:
        if self._floor is None:
            last_alive = await self.memory.last_alive(PLATFORM)
            self._floor = time.time() if last_alive is None else last_alive - MARGIN
            if last_alive is None:
                # The very first start: what was said before is none of our business.
                await self._release_all()
                return
        channels = await self._channels()
        if self._connected.is_set():
            return
        unread, failed = list(channels), defaultdict[str, list[str]](list)
        strangers = self._held.keys() - channels.keys()
        self._waiting = set(unread) | strangers
        for channel in strangers:
            await self._release(channel)
        self._slow = False
        while unread and not self._connected.is_set():
            self._unread = len(unread)
            channel = next((channel for channel in unread if channel in self._held), unread[0])
            unread.remove(channel)
            try:
                await self._read(channels[channel])
            except PlatformError as error:
                failed[str(error)].append(channel)
            await self._release(channel)
            if channel in self._overflown:
                unread.append(channel)
        for words, where in failed.items():
            named = ", ".join(f"<#{channel}>" for channel in where[:NAMED_MOST])
            more = f" and {len(where) - NAMED_MOST} more" if len(where) > NAMED_MOST else ""
            await self._say(f"Lampkeeper could not read what was said while it was away in {named}{more}. {words}")
        if self._slow and not unread:
            await self._say("Lampkeeper has now read what was said while it was away.")

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
        oldest = cursor or f"{self._floor:.6f}"
        missed: list[dict[str, Any]] = []
        async for page in self._pages(self.client.conversations_history, "messages", channel=name, oldest=oldest):
            missed += page
        # A reply that was also sent to the channel comes with its thread, so that it does not overtake other replies.
        await self._pass_on(channel, [message for message in missed if thread_of(message) is None])
        threads = {str(message["thread_ts"]) for message in missed if message.get("thread_ts")}
        older = await self._patiently(
            self.client.conversations_history, channel=name, latest=oldest, inclusive=True, limit=PAGE
        )
        if cursor is not None:
            await self._pass_on_edits(channel, older["messages"])
        latest = {str(old["ts"]): float(old["latest_reply"]) for old in older["messages"] if old.get("latest_reply")}
        for thread in sorted(threads | latest.keys()):
            key = ConversationKey(self.space, conversation_of(name, thread))
            since = await self.memory.cursor(key) or str(max(float(thread), self._floor or 0.0))
            if thread in threads or latest[thread] > float(since):
                await self._read_thread(channel, thread, since)

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
        kind = {"channel_type": "mpim"} if channel.get("is_mpim") else {}
        for message in sorted(messages, key=lambda message: float(message["ts"])):
            await self.deliver({**message, "channel": channel["id"], **kind})

    async def _pass_on_edits(self, channel: dict[str, Any], known: list[dict[str, Any]]) -> None:
        """Deliver what was edited of the messages read before; the guard leaves out what it knows already."""
        for message in known:
            if float((message.get("edited") or {}).get("ts", 0)) > (self._floor or 0.0):
                change = {"subtype": "message_changed", "message": message, "channel": channel["id"]}
                await self.deliver({**change, "channel_type": "mpim"} if channel.get("is_mpim") else change)

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
        return pages(method, field, through=self._patiently, **arguments)

    async def _patiently(self, method: Method, **arguments: Any) -> AsyncSlackResponse:
        """Call until Slack answers, as slowly as it asks."""
        while True:
            try:
                return await call(method, **arguments)
            except TryLater as error:
                seconds = PATIENCE if error.seconds is None else error.seconds
            if seconds >= SLOW and not self._slow:
                self._slow = True
                await self._say(
                    f"Slack lets Lampkeeper read what it missed only slowly, one step every {seconds:.0f} seconds."
                    f" {self._unread} conversations are not read yet; what was said there is scored as it is read."
                )
            await asyncio.sleep(seconds)

    async def _say(self, words: str) -> None:
        log.warning("slack.history", what=words)
        await self.tell(words)
