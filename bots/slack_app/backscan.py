"""The half of a history scan that is Slack's: reading a channel oldest first, with its threads.

Leans on `bots.common.backscan` for all else, and on `history` for how Slack is asked. Decisions:

- Slack gives history from its newest message backwards. So it is asked for in windows of a day, the oldest first, each
  put in order by itself: no more than a day of messages is held at once. After an empty window the next is twice as
  wide, for calls are dear.
- A thread is read after the window that its first message is in; of older threads, those among the last `PAGE` messages
  before the scan's beginning that had replies since.
- An app that may read 15 messages a minute scans at that pace, and the answer says so.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bots.common.backscan import Backscans as Common
from bots.common.backscan import Running, Show
from bots.slack_app.api import PAGE, Method, pages
from bots.slack_app.history import PLATFORM, History
from bots.slack_app.translate import conversation_of, thread_of
from bots.texts import say
from core.errors import PlatformError
from core.guard import Guard
from core.messages import ConversationKey
from core.scans import Scan

DAY = 86_400.0
TICK = 1e-6
"""Of Slack's clock, in seconds."""
OWN = {"backscan.refused": "slack.backscan_refused"}
"""The texts in which Slack has its own words."""

Json = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """One scan's way through a channel: from when to when, the threads read, and until when messages were purged."""

    running: Running
    history: History
    channel: Json
    begin: float
    end: float
    threads: set[str] = field(default_factory=set)
    purged_until: float | None = None

    def pages(self, method: Method, **arguments: Any) -> AsyncIterator[list[Json]]:
        """Ask for messages of the channel, page by page, at the pace that Slack allows."""
        return pages(method, "messages", through=self.history.pace.call, channel=self.channel["id"], **arguments)


class Backscans(Common[str]):
    """The scans of every workspace, by space; `language` returns a space's."""

    def __init__(self, guard: Guard, language: Callable[[str], str]) -> None:
        super().__init__(guard, PLATFORM, language, OWN)

    def start(self, scan: Scan, history: History, show: Show) -> None:
        """Begin to read the channel that `scan` is of, in the workspace that `history` is of."""

        async def read(running: Running) -> bool:
            end = time.time()
            try:
                told = await history.pace.call(history.client.conversations_info, channel=scan.key.conversation)
                await self._read(Reading(running, history, told["channel"], end - scan.days * DAY, end))
            except PlatformError:
                return False
            running.share = 1.0
            await self._guard.settled()
            return True

        self.begin(scan.key.space, Running(scan, self._language(scan.key.space), show), read)

    async def _read(self, reading: Reading) -> None:
        client = reading.history.client
        at, width = await self._purged(reading, None), DAY
        older = await reading.history.pace.call(
            client.conversations_history, channel=reading.channel["id"], latest=f"{reading.begin:.6f}", limit=PAGE
        )
        await self._read_threads(
            reading, (old for old in older["messages"] if float(old.get("latest_reply") or 0.0) > reading.begin)
        )
        while at < reading.end:
            until = min(at + width, reading.end)
            found: list[Json] = []
            async for page in reading.pages(
                client.conversations_history, oldest=f"{at:.6f}", latest=f"{until:.6f}", inclusive=True
            ):
                found += page
                self._note(reading)
            await self._take(reading, (message for message in found if thread_of(message) is None))
            await self._read_threads(reading, (message for message in found if message.get("thread_ts")))
            width = DAY if found else width * 2
            at = until + TICK
            reading.running.share = (until - reading.begin) / (reading.end - reading.begin)

    async def _read_threads(self, reading: Reading, messages: Iterable[Json]) -> None:
        """Read the threads that messages open, or reply in."""
        for thread in sorted({str(m.get("thread_ts") or m["ts"]) for m in messages} - reading.threads):
            reading.threads.add(thread)
            since, replies = await self._purged(reading, thread), list[Json]()
            async for page in reading.pages(
                reading.history.client.conversations_replies,
                ts=thread,
                oldest=f"{since:.6f}",
                latest=f"{reading.end:.6f}",
                inclusive=True,
            ):
                replies += page
                self._note(reading)
            await self._take(reading, (reply for reply in replies if thread_of(reply) is not None))

    async def _purged(self, reading: Reading, thread: str | None) -> float:
        """Return from when on a conversation is read: not from before what was purged."""
        key = ConversationKey(reading.history.space, conversation_of(str(reading.channel["id"]), thread))
        horizon = await self._guard.horizon(key)
        if horizon is None or horizon <= reading.begin:
            return reading.begin
        reading.purged_until = max(horizon, reading.purged_until or 0.0)
        self._note(reading)
        return horizon + TICK

    async def _take(self, reading: Reading, messages: Iterable[Json]) -> None:
        """Hand messages over, oldest first, as they read now."""
        for message in sorted(messages, key=lambda message: float(message["ts"])):
            if await reading.history.reader.pass_on_as_it_reads(reading.channel, message):
                reading.running.messages += 1

    def _note(self, reading: Reading) -> None:
        """Say beside the bar what else there is to know."""
        language, notes = reading.running.language, list[str]()
        if reading.purged_until is not None:
            shown = datetime.fromtimestamp(reading.purged_until, UTC).strftime("%Y-%m-%d %H:%M UTC")
            when = f"<!date^{int(reading.purged_until)}^{{date_short}} {{time}}|{shown}>"
            notes.append(say(language, "slack.backscan_purged", when=when))
        if reading.history.pace.seconds:
            notes.append(say(language, "slack.backscan_slow"))
        reading.running.notes = tuple(notes)
