"""Scans of a channel's history that a moderator asked for: read oldest first, shown as it goes, to be cancelled.

Leans on `history` for reading, and on `core.scans` for what was begun and ended. Decisions:

- Messages are handed over as `Edit`s, "the message as it reads now". One that was never seen is taken in without moving
  the conversation's cursor, so that a scan that is cut off leaves no gap for the next start to read; one that is known
  counts no second time, and is followed if it was edited.
- Nothing is read from before a conversation's purge horizon (`core.retention`): those messages were counted when they
  came, and can no longer be told from ones that were not. So a scan finds most right after the bot joined a server.
- What is taken in is kept for `keep_text_days` from now on, as all that is received is.
- A pause ends it: whoever paused the server wants nothing read.
- A channel stands for its threads and posts too: the active ones, and public archived ones.
- One scan a server at a time. It outlives the connection, and goes on with the next one.
- The answer is edited while its interaction's token lives (API, "Followup Messages": 15 minutes); what is to be said
  after that stands in the alert channel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import discord
import structlog

from bots.discord_bot.history import FOR_NOW, LONGEST_WAIT, Readable, band_of, may_read, snowflake
from bots.discord_bot.servers import Served, Servers, readable
from bots.discord_bot.translate import key, server_id, to_message, watched
from bots.texts import say
from core.errors import LampkeeperError
from core.guard import Guard
from core.messages import AgeBand, Edit
from core.scans import Outcome, Scan

log = structlog.get_logger(__name__)

PLATFORM = "discord"
EDIT_EVERY = 2.0
"""Seconds between two edits of the answer."""
ANSWERED_FOR = 14 * 60.0
"""Seconds after which the answer is left alone: a minute before its token ends."""
BAR = 20
CLOSED = (*FOR_NOW, RuntimeError)
"""What is tried again; aiohttp raises RuntimeError on a session that was closed, as when the client is replaced."""

ENDINGS: dict[Outcome, str] = {
    "whole": "backscan.whole",
    "cancelled": "backscan.cancelled",
    "refused": "backscan.refused",
    "failed": "backscan.failed",
}
"""What is said at the end."""

Scanned = Readable | discord.ForumChannel
Show = Callable[[str, bool], Awaitable[bool]]
"""Shows a text in the answer, with or without the button that cancels; False once the answer cannot be edited."""


@dataclass(slots=True)
class Running:
    """A scan under way: how many messages were read, how far it came (0..1), and until when messages were purged.

    Whoever asked `cancelled` it; once it is `over`, its end is only to be told.
    """

    scan: Scan
    server: Served
    show: Show
    messages: int = 0
    share: float = 0.0
    purged_until: float | None = None
    cancelled: bool = False
    over: bool = False
    task: asyncio.Task[None] | None = None
    bands: dict[int, AgeBand | None] = field(default_factory=dict)


def bar(share: float) -> str:
    """Draw how far something came.

    >>> bar(0.3)
    '▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱ 30 %'
    """
    full = int(share * BAR)
    return "▰" * full + "▱" * (BAR - full) + f" {int(share * 100)} %"


class Backscans:
    """The scans of every server; `client` gives the connection there is, or raises `TryLater`."""

    def __init__(self, guard: Guard, client: Callable[[], discord.Client], servers: Servers) -> None:
        self._guard = guard
        self._client = client
        self._servers = servers
        self._running: dict[int, Running] = {}
        self._asked: set[int] = set()

    def busy(self, server: int) -> bool:
        """Tell whether a scan is under way in a server, or about to be."""
        return server in self._running or server in self._asked

    @contextmanager
    def asked(self, server: int) -> Iterator[None]:
        """Let no other scan begin in a server that is not busy, while this one is being begun."""
        self._asked.add(server)
        try:
            yield
        finally:
            self._asked.discard(server)

    def start(self, scan: Scan, server: Served, channel: Scanned, show: Show) -> None:
        """Begin to read."""
        running = self._running[server.id] = Running(scan, server, show)
        running.task = asyncio.create_task(self._run(running, channel))

    def cancel(self, server: int, number: int) -> bool:
        """Stop a scan; False if it does not run (any more)."""
        running = self._running.get(server)
        if running is None or running.scan.number != number or running.over or running.task is None:
            return False
        if not running.cancelled:
            running.cancelled = True
            running.task.cancel()
        return True

    def stop(self, server: int) -> None:
        """Stop whatever is read in a server that is paused, or that the bot is not in any more."""
        if running := self._running.get(server):
            self.cancel(server, running.scan.number)

    async def close(self) -> None:
        """End: what is under way has been cut off, and is told of at the next start."""
        tasks = [running.task for running in self._running.values() if running.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def tell_cut_off(self) -> None:
        """Tell of the scans that the last stop cut off; at the start. Where that cannot be recorded, at the next."""
        try:
            for scan in await self._guard.scans.unfinished(PLATFORM):
                language = self._servers.of(server_id(scan.key.space)).language
                notice = say(language, "backscan.interrupted", channel=scan.key.conversation, days=scan.days)
                await self._guard.scans.end(scan, "interrupted", None, notice)
        except LampkeeperError as error:
            log.error("discord.backscan_not_recorded", what=error.what, remedy=error.remedy)

    async def _run(self, running: Running, channel: Scanned) -> None:
        try:
            outcome, answering = await self._follow(running, channel)
            running.over = True
            await self._end(running, outcome, answering=answering)
        finally:
            del self._running[running.server.id]

    async def _follow(self, running: Running, channel: Scanned) -> tuple[Outcome, bool]:
        """Read, and show how far it came; return how it ended, and whether the answer can still be edited."""
        reading = asyncio.create_task(self._read_all(running, channel))
        began, answering = time.monotonic(), True
        try:
            while not reading.done():
                if answering and time.monotonic() - began > ANSWERED_FOR:
                    await running.show(_say(running, "backscan.goes_on"), True)
                    answering = False
                answering = answering and await running.show(_progress(running), True)
                await asyncio.wait([reading], timeout=EDIT_EVERY)
            outcome: Outcome = "whole" if await reading else "refused"
        except asyncio.CancelledError:
            if not running.cancelled:
                raise
            outcome = "cancelled"
        except Exception as error:  # noqa: BLE001  whatever it was, whoever asked must not be left waiting
            log.warning("discord.backscan_failed", error=type(error).__name__)
            outcome = "failed"
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return outcome, answering

    async def _end(self, running: Running, outcome: Outcome, *, answering: bool) -> None:
        text = _say(running, ENDINGS[outcome])
        shown = answering and await running.show(text, False)
        try:
            await self._guard.scans.end(running.scan, outcome, running.messages, None if shown else text)
        except LampkeeperError as error:  # it is told as cut off at the next start
            log.error("discord.backscan_not_recorded", what=error.what, remedy=error.remedy)

    async def _read_all(self, running: Running, channel: Scanned) -> bool:
        """Read a channel and its threads; False if Discord does not let us."""
        end = time.time()
        begin = end - running.scan.days * 86_400.0
        try:
            places = [place async for place in _places(channel, begin)]
        except (discord.Forbidden, discord.NotFound):
            return False
        watching = [place for place in places if watched(place, running.server)]
        for number, place in enumerate(watching):
            if not may_read(place) or not await self._read(running, place, begin, end, (number, len(watching))):
                return False
        running.share = 1.0
        await self._guard.settled()
        return True

    async def _read(self, running: Running, place: Readable, begin: float, end: float, part: tuple[int, int]) -> bool:
        """Read one channel or thread, however often the connection ends meanwhile; False if Discord does not let us.

        `part`: which of how many this is.
        """
        horizon = await self._guard.horizon(key(running.server, place.id))
        if horizon is not None and horizon > begin:
            begin = horizon + 0.001  # Discord's clock ticks in milliseconds
            running.purged_until = max(horizon, running.purged_until or 0.0)
        after, before, wait = discord.Object(snowflake(begin)), discord.Object(snowflake(end)), 1.0
        while True:
            try:
                client = self._client()
                found = client.get_channel(place.id)
                channel = (
                    found
                    if isinstance(found, Readable)
                    else client.get_partial_messageable(place.id, guild_id=running.server.id)
                )
                async for message in channel.history(limit=None, after=after, before=before, oldest_first=True):
                    await self._take(running, message, place)
                    after = discord.Object(message.id)
                    done = (message.created_at.timestamp() - begin) / max(end - begin, 1.0)
                    running.share = (part[0] + min(max(done, 0.0), 1.0)) / part[1]
                    wait = 1.0
            except (discord.Forbidden, discord.NotFound):
                return False
            except CLOSED as error:
                log.info("discord.backscan_waits", error=type(error).__name__, seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                return True

    async def _take(self, running: Running, message: discord.Message, place: Readable) -> None:
        server = self._servers.of(running.server.id)
        if server.paused:  # while the scan was being begun; else whoever pauses stops it
            self.stop(server.id)
        elif readable(message, place, server):
            band = await band_of(message, server, running.bands)
            await self._guard.receive(Edit(to_message(message, server, band)))
            running.messages += 1


async def _places(channel: Scanned, begin: float) -> AsyncIterator[Readable]:
    """Yield a channel, then its threads that were not archived before `begin`, oldest first."""
    if not isinstance(channel, discord.ForumChannel):
        yield channel
    if isinstance(channel, discord.TextChannel | discord.ForumChannel):
        threads = {thread.id: thread for thread in channel.threads}
        async for thread in channel.archived_threads(limit=None):
            if thread.archive_timestamp.timestamp() < begin:
                break
            threads.setdefault(thread.id, thread)
        for number in sorted(threads):
            yield threads[number]


def _say(running: Running, text: str) -> str:
    scan = running.scan
    return say(
        running.server.language, text, channel=scan.key.conversation, days=scan.days, messages=f"{running.messages:,}"
    )


def _progress(running: Running) -> str:
    lines = [_say(running, "backscan.running"), bar(running.share)]
    if running.purged_until is not None:
        lines.append(say(running.server.language, "backscan.purged", since=int(running.purged_until)))
    return "\n".join(lines)
