"""The half of a history scan that is Discord's: which threads belong to a channel, and reading them oldest first.

Leans on `bots.common.backscan` for all else, and on `history` for reading. A channel stands for its threads and posts
too: the active ones, and public archived ones.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import discord
import structlog

from bots.common.backscan import Backscans as Common
from bots.common.backscan import Running, Show
from bots.common.patience import Patience
from bots.discord_bot.history import FOR_NOW, PLATFORM, Readable, band_of, may_read, snowflake
from bots.discord_bot.servers import Served, Servers, readable
from bots.discord_bot.translate import key, server_id, to_message, watched
from bots.texts import say
from core.guard import Guard
from core.messages import AgeBand, Edit
from core.scans import Scan

log = structlog.get_logger(__name__)

CLOSED = (*FOR_NOW, RuntimeError)
"""What is tried again; aiohttp raises RuntimeError on a session that was closed, as when the client is replaced."""

Scanned = Readable | discord.ForumChannel


@dataclass(slots=True)
class Reading:
    """One scan's way through a server: until when messages were purged there, and the age bands looked up."""

    running: Running
    server: Served
    purged_until: float | None = None
    bands: dict[int, AgeBand | None] = field(default_factory=dict)


class Backscans(Common[int]):
    """The scans of every server; `client` gives the connection there is, or raises `TryLater`."""

    answered_for = 14 * 60.0
    """The answer is left alone a minute before its interaction's token ends (API, "Followup Messages": 15 minutes)."""

    def __init__(self, guard: Guard, client: Callable[[], discord.Client], servers: Servers) -> None:
        super().__init__(guard, PLATFORM, lambda space: servers.of(server_id(space)).language)
        self._client = client
        self._servers = servers

    def start(self, scan: Scan, server: Served, channel: Scanned, show: Show) -> None:
        """Begin to read."""

        async def read(running: Running) -> bool:
            return await self._read_all(Reading(running, server), channel)

        self.begin(server.id, Running(scan, server.language, show), read)

    async def _read_all(self, reading: Reading, channel: Scanned) -> bool:
        """Read a channel and its threads; False if Discord does not let us."""
        end = time.time()
        begin = end - reading.running.scan.days * 86_400.0
        try:
            places = [place async for place in _places(channel, begin)]
        except (discord.Forbidden, discord.NotFound):
            return False
        watching = [place for place in places if watched(place, reading.server)]
        for number, place in enumerate(watching):
            if not may_read(place) or not await self._read(reading, place, begin, end, (number, len(watching))):
                return False
        reading.running.share = 1.0
        await self._guard.settled()
        return True

    async def _read(self, reading: Reading, place: Readable, begin: float, end: float, part: tuple[int, int]) -> bool:
        """Read one channel or thread, however often the connection ends meanwhile; False if Discord does not let us.

        `part`: which of how many this is.
        """
        horizon = await self._guard.horizon(key(reading.server, place.id))
        if horizon is not None and horizon > begin:
            begin = horizon + 0.001  # Discord's clock ticks in milliseconds
            reading.purged_until = max(horizon, reading.purged_until or 0.0)
            reading.running.notes = (say(reading.server.language, "backscan.purged", since=int(reading.purged_until)),)
        after, before = discord.Object(snowflake(begin)), discord.Object(snowflake(end))
        patience = Patience(lambda error, wait: log.info("discord.backscan_waits", error=error, seconds=wait))
        while True:
            try:
                client = self._client()
                found = client.get_channel(place.id)
                channel = (
                    found
                    if isinstance(found, Readable)
                    else client.get_partial_messageable(place.id, guild_id=reading.server.id)
                )
                async for message in channel.history(limit=None, after=after, before=before, oldest_first=True):
                    await self._take(reading, message, place)
                    after = discord.Object(message.id)
                    done = (message.created_at.timestamp() - begin) / max(end - begin, 1.0)
                    reading.running.share = (part[0] + min(max(done, 0.0), 1.0)) / part[1]
                    patience.worked()
            except (discord.Forbidden, discord.NotFound):
                return False
            except CLOSED as error:
                await patience.after(error)
            else:
                return True

    async def _take(self, reading: Reading, message: discord.Message, place: Readable) -> None:
        server = self._servers.of(reading.server.id)
        if server.paused:  # while the scan was being begun; else whoever pauses stops it
            self.stop(server.id)
        elif readable(message, place, server):
            band = await band_of(message, server, reading.bands)
            await self._guard.receive(Edit(to_message(message, server, band), read_back=True))
            reading.running.messages += 1


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
