"""No gaps: what was said while nobody listened is read from the channels' history.

Leans on discord.py's `history` (which keeps to Discord's rate limits), on `guard.cursor` for where a conversation was
left, and on `Feed` for the order. A conversation that was never stored starts at the time the previous process was last
alive; at the very first start, at this start. Nothing is read here from before the bot joined the server, or joined it
again: moderators ask for that (`backscan`). Discord replays what a short interruption missed (API, "Resuming"); the
history is read even then, because the guard counts a message once however often it comes, and a replay cannot be proven
complete. What Discord does not list, the bot's DMs and archived threads, is read when somebody writes there again.
What was edited in the meantime is seen as it reads now; edits and deletions of what had been read before are looked for
among the last messages of each conversation (`LOOKED_THROUGH`, `LOOKED_FOR`): what is kept of them and no longer shown
was deleted (`bots.common.gaps`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable
from typing import Any, NamedTuple

import aiohttp
import discord
import structlog

from bots.common.gaps import hand_deletions
from bots.common.patience import Patience
from bots.common.status import Link
from bots.discord_bot.feed import Feed
from bots.discord_bot.servers import Served, Servers, readable
from bots.discord_bot.translate import age_band, key, space, to_message, watched
from bots.texts import say
from core.errors import LampkeeperError
from core.guard import Guard
from core.messages import AgeBand, ConversationKey, Edit

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Channels of one server read at the same time; more would only wait for Discord's limits."""
MOST_NAMED = 20
"""Channels that one notice names."""
LOOKED_THROUGH = 50
"""Messages before the gap that are looked through for edits and deletions: half a page, one call a conversation."""
LOOKED_FOR = 7 * 86400.0
"""Seconds after the newest message during which those are looked through: text is purged after a week unless configured
otherwise, and a server's many quiet channels would cost a call each at every start."""
MARGIN = 120.0
"""Seconds read from before the time Lampkeeper was last known alive: clocks differ, and discord.py notices a dead
connection by its heartbeat, after up to 100 seconds."""
HALF_TICK = 0.0005
"""Half a step of Discord's clock, in seconds: what was said within one step is not told apart by its time."""
PLATFORM = "discord"
DIRECT = 0
"""Stands for the DMs where else a server's id stands."""

Readable = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
FOR_NOW = (discord.DiscordServerError, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError, LampkeeperError)


def snowflake(seconds: float) -> int:
    """Return the smallest id that Discord gives at a time, in seconds since the epoch (API, "Snowflakes").

    >>> snowflake(1420070400.001) >> 22
    1
    """
    return round(seconds * 1000 - 1420070400000) << 22


def _time(number: int) -> float:
    return discord.utils.snowflake_time(number).timestamp()


def conversations(guild: discord.Guild, server: Served) -> list[Readable]:
    """Return the channels and active threads that are watched and that the bot can see."""
    threads = [thread for thread in guild.threads if thread.parent is not None]
    channels: list[Readable] = [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *threads]
    return [c for c in channels if watched(c, server) and c.permissions_for(guild.me).view_channel]


def joined(channel: discord.abc.Messageable) -> int:
    """Return the smallest id of what was said since the bot joined the channel's server; 0 where there is none."""
    guild = getattr(channel, "guild", None)
    since = guild.me.joined_at if isinstance(guild, discord.Guild) and guild.me is not None else None
    return snowflake(since.timestamp()) if since else 0


async def band_of(message: discord.Message, server: Served, bands: dict[int, AgeBand | None]) -> AgeBand | None:
    """Ask for the author's roles, which history does not carry; once a person, and only if roles tell ages."""
    author = message.author
    if not server.age_roles or message.guild is None:
        return None
    if author.id not in bands:
        try:
            bands[author.id] = age_band(await message.guild.fetch_member(author.id), server)
        except (discord.NotFound, discord.Forbidden):
            bands[author.id] = None
    return bands[author.id]


def may_read(channel: discord.abc.Messageable) -> bool:
    """Tell whether the bot may read a channel's history: where not, Discord answers as if there were none."""
    if not isinstance(channel, Readable) or (isinstance(channel, discord.Thread) and channel.parent is None):
        return True
    return channel.permissions_for(channel.guild.me).read_message_history


class Gap(NamedTuple):
    """What was read from history last: from when to when (seconds since the epoch), and the channels that could not be.

    `since` the connection was lost, or the previous process last alive; `until` everything else was read.
    """

    since: float
    until: float
    unread: tuple[int, ...]


class Catchup:
    """Reads what was missed, server by server. It outlives the client, which may be replaced at any time.

    `since` is in seconds since the epoch. Reading that is cancelled releases nothing: what it held waits for the next
    try.
    """

    def __init__(self, guard: Guard, feed: Feed, servers: Servers) -> None:
        self.since = 0.0
        self._guard = guard
        self._feed = feed
        self._servers = servers
        self._tasks: dict[str | ConversationKey, asyncio.Task[None]] = {}
        self._current: dict[int, set[int]] = {}
        self._direct_stale: set[int] = set()
        self._told: set[int] = set()
        self._expected: set[int] = set()
        self._whole: set[int] = set()
        """Servers of which nothing is left to read."""
        self.gaps: dict[int, Gap] = {}
        """The last gap of each server that was read."""
        self.links: dict[int, Link] = {}
        """How each server is connected."""
        self._lost: dict[int, float] = {}
        """Since when what is said in a server is missed."""
        self._read_to: dict[ConversationKey, int] = {}
        """The last message of each conversation that was read whole, stored or not: where only bots write, none is."""

    async def settled(self) -> None:
        """Return when nothing is being read."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    def expect(self, servers: set[int]) -> None:
        """Say which servers the connection carries; once all of them are read, Lampkeeper listens."""
        self._expected = servers
        self._report()

    def lost(self, server: int) -> None:
        """Hold a server's events: the connection to it is gone."""
        self._feed.shut(space(server))
        self._lost.setdefault(server, time.time())
        self.links.setdefault(server, Link()).lost()
        self._current.pop(server, None)
        self._whole.discard(server)
        self._cancel(space(server))
        self._report()

    def removed(self, server: int) -> None:
        """Stop with a server that the bot is no longer in; what waits there is dropped."""
        self.lost(server)
        self._expected.discard(server)
        self.gaps.pop(server, None)
        self.links.pop(server, None)
        self._read_to = {key: last for key, last in self._read_to.items() if key.space != space(server)}
        for name in [name for name in self._tasks if isinstance(name, ConversationKey) and name.space == space(server)]:
            self._cancel(name)
        self._feed.forget(space(server))
        self._report()

    def regained(self, guild: discord.Guild, server: Served, *, resumed: bool) -> None:
        """Read what was missed in a server, then let its live events go on.

        After a new session Discord has just told every channel's newest message, so channels without a newer one are
        left alone; after a resume it has not.
        """
        self._expected.add(guild.id)
        self.links.setdefault(guild.id, Link()).up()
        self._feed.shut(space(guild.id))  # a server joined just now was never lost
        self._start(space(guild.id), self._catch_up(guild, server, resumed=resumed))

    def heard(self, server: int) -> None:
        """Take note that something was said in a server."""
        self.links.setdefault(server, Link()).heard()

    def direct_lost(self) -> None:
        """Remember which DMs to read again: the connection that carries them is gone."""
        self._direct_stale |= self._current.pop(DIRECT, set())
        self._report()

    def direct_regained(self, client: discord.Client, server: Served) -> None:
        """Read what was missed in the DMs known."""
        while self._direct_stale:
            channel = self._direct_stale.pop()
            self.read_first(client.get_partial_messageable(channel), channel, server, DIRECT)

    def read_first(self, channel: discord.abc.Messageable, channel_id: int, server: Served, part: int = DIRECT) -> None:
        """Read a conversation's history before its first live event, unless it was read since the connection began.

        That is so for DMs, and for threads that were archived, and channels that were closed to the bot, until now.
        `part` is the server whose connection is meant, or `DIRECT`.
        """
        if part != DIRECT and part not in self._current:
            return  # the server is being caught up with anyway
        current = self._current.setdefault(part, set())
        if channel_id in current:
            return
        current.add(channel_id)
        here = key(server, channel_id)
        if here not in self._tasks:
            self.read_again(channel, here, server)

    def read_again(self, channel: discord.abc.Messageable, here: ConversationKey, server: Served) -> None:
        """Read one conversation's history from where the guard has it, holding its live events meanwhile."""
        self._feed.begin(here)
        self._start(here, self._catch_up_one(channel, here, server))

    def stop(self) -> None:
        """Stop reading: the client is gone."""
        self.direct_lost()
        for name in list(self._tasks):
            self._cancel(name)

    def _cancel(self, name: str | ConversationKey) -> None:
        if task := self._tasks.pop(name, None):
            task.cancel()

    def _start(self, name: str | ConversationKey, work: Coroutine[Any, Any, None]) -> None:
        self._cancel(name)
        task = self._tasks[name] = asyncio.create_task(work)
        task.add_done_callback(lambda ended: self._ended(name, ended))
        self._report()

    def _ended(self, name: str | ConversationKey, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and (error := task.exception()):
            log.error("discord.catch_up_failed", error=type(error).__name__)
        self._report()

    def _report(self) -> None:
        """Tell the guard whether anything is left to read."""
        whole = bool(self._expected) and self._expected <= self._whole and not self._tasks and not self._direct_stale
        self._guard.listening(PLATFORM, whole)

    async def _catch_up(self, guild: discord.Guild, server: Served, *, resumed: bool) -> None:
        channels = conversations(guild, server)
        self._current[server.id] = {channel.id for channel in channels}
        self._feed.open(space(server.id), [key(server, channel.id) for channel in channels])
        room = asyncio.Semaphore(AT_ONCE)
        bands: dict[int, AgeBand | None] = {}

        async def read(channel: Readable) -> bool:
            async with room:
                newest = None if resumed else channel.last_message_id or 0
                return await self._close_gap(channel, key(server, channel.id), server, bands, newest)

        complete = await asyncio.gather(*map(read, channels))
        self._whole.add(server.id)
        log.info("discord.caught_up", server=server.id, channels=len(channels))
        unread = [channel.id for channel, whole in zip(channels, complete, strict=True) if not whole]
        self.gaps[server.id] = Gap(self._lost.pop(server.id, self.since), time.time(), tuple(unread))
        await self._tell_unread(server, unread)

    async def _catch_up_one(self, channel: discord.abc.Messageable, here: ConversationKey, server: Served) -> None:
        if not await self._close_gap(channel, here, server, {}):
            await self._tell_unread(server, [int(here.conversation)])

    async def _close_gap(
        self,
        channel: discord.abc.Messageable,
        here: ConversationKey,
        server: Served,
        bands: dict[int, AgeBand | None],
        newest: int | None = None,
    ) -> bool:
        """Read, as often as live events do not fit meanwhile; then let the live ones go. False as `_read`."""
        complete = may_read(channel) and await self._read(channel, here, server, bands, newest)
        while self._feed.torn(here) and complete:
            complete = await self._read(channel, here, server, bands)
        self._feed.done(here)
        return complete

    async def _read(
        self,
        channel: discord.abc.Messageable,
        here: ConversationKey,
        server: Served,
        bands: dict[int, AgeBand | None],
        newest: int | None = None,
    ) -> bool:
        """Hand over what was said since the conversation was left; False if Discord does not let us.

        `newest` is the channel's newest message where it is known: nothing is asked if that was stored already.
        """
        patience = Patience(lambda error, wait: log.warning("discord.history_waits", error=error, seconds=wait))
        while True:
            try:
                cursor = await self._guard.cursor(here)
                left = max(int(cursor) if cursor else snowflake(self.since), joined(channel))
                if left > snowflake(time.time() - LOOKED_FOR) and cursor:
                    await self._look_through(channel, here, left, server, bands)
                last = max(left, self._read_to.get(here, 0))
                if newest is not None and newest <= last:
                    return True
                async for message in channel.history(limit=None, after=discord.Object(last), oldest_first=True):
                    if readable(message, channel, self._servers.of(server.id)):
                        band = await band_of(message, server, bands)
                        await self._guard.receive(to_message(message, server, band))
                    last = message.id
                self._read_to[here] = last
            except (discord.Forbidden, discord.NotFound):
                return False
            except FOR_NOW as error:
                await patience.after(error)
            except Exception as error:  # noqa: BLE001  a message that discord.py cannot parse must not stop the others
                log.warning("discord.history_unreadable", error=type(error).__name__)
                return False
            else:
                return True

    async def _look_through(
        self,
        channel: discord.abc.Messageable,
        here: ConversationKey,
        newest: int,
        server: Served,
        bands: dict[int, AgeBand | None],
    ) -> None:
        """Hand over what was edited or deleted of the messages up to `newest`; the guard leaves out what it knows."""
        read = [message async for message in channel.history(limit=LOOKED_THROUGH, before=discord.Object(newest + 1))]
        if read:  # a channel that has just been closed to the bot shows nothing, without a word
            oldest, last = (_time(number) + HALF_TICK for number in (max(read[-1].id, joined(channel)), newest))
            await hand_deletions(self._guard, here, oldest, last, frozenset(str(message.id) for message in read))
        for message in reversed(read):
            edited = message.edited_at
            if (
                edited is not None
                and edited.timestamp() > self.since
                and message.id >= joined(channel)
                and readable(message, channel, self._servers.of(server.id))
            ):
                await self._guard.receive(Edit(to_message(message, server, await band_of(message, server, bands))))

    async def _tell_unread(self, server: Served, unread: Iterable[int]) -> None:
        new = [channel for channel in unread if channel not in self._told]
        if not new:
            return
        log.warning("discord.history_forbidden", server=server.id, channels=new)
        named = ", ".join(f"<#{channel}>" for channel in new[:MOST_NAMED]) + (", …" if len(new) > MOST_NAMED else "")
        language = self._servers.of(server.id).language
        try:
            await self._guard.communities.tell(space(server.id), say(language, "backscan.unread", channels=named))
        except LampkeeperError as error:
            log.warning("discord.notice_lost", what=error.what, remedy=error.remedy)
        else:
            self._told.update(new)
