"""The servers that the bot is in, each with what holds for it: the operator's choices, and its admins' own over them.

Leans on `core.communities`, where choices are kept, and decides which messages are read (`readable`). Every server is
served from its first minute, whether anybody set it up or not; without an alert channel its cards wait in the outbox.
All choices are read before the bot connects, so that `of` never waits: Discord's events are taken in the order in which
they come. Choices change while history is read; so whoever reads asks `of` anew for every message. What is left out is
noted with the choices, for the operator's file changes between two runs: a channel freed there is read from the next
start on, as one freed by command is from then on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import discord
from pydantic import Field

from bots.common.changes import notices
from bots.common.here import Here
from bots.common.pauses import Pausing
from bots.common.settings import Source
from bots.discord_bot.markup import words
from bots.discord_bot.translate import places, server_id, space, spoken, watched
from core.casework.cards import Person
from core.communities import Communities
from core.config import Discord, DiscordServer

NOTED = frozenset(("left_out_seen", "left_out_until"))
"""What stands among a server's choices, and nobody chose."""


class Served(DiscordServer, Pausing):
    """One server as it is served. What was said, or edited, during one of its `pauses` is never read.

    Nor is what was said in a channel while that, or its category, was left out or took the alerts: `left_out_until`
    tells until when, by channel id (seconds since the epoch). `left_out_seen` is what was left out when that was noted
    last; None: it never was.
    """

    left_out_until: dict[str, float] = Field(default_factory=dict)
    left_out_seen: tuple[int, ...] | None = None

    @property
    def left_out(self) -> frozenset[int]:
        """Channels and categories that are not read."""
        return frozenset(self.ignored_channels) | {channel for channel in [self.alert_channel] if channel is not None}


def readable(message: discord.Message, channel: object, server: Served) -> bool:
    """Tell whether a message is read: a person said it, where and while the server let it be read, then and now.

    `channel` is the message's own: history knows it better than the message does.
    """
    said, edited = message.created_at.timestamp(), message.edited_at
    since = max((server.left_out_until.get(str(place), 0.0) for place in places(channel)), default=0.0)
    return (
        spoken(message)
        and watched(channel, server)
        and said >= since
        and not server.skips(said)
        and not (edited is not None and server.skips(edited.timestamp()))
    )


def _noted(server: Served, before: frozenset[int]) -> dict[str, Any]:
    """Return what is to be noted of a server that left out `before`: what it frees of that is free from now on."""
    freed = dict.fromkeys(map(str, sorted(before - server.left_out)), time.time())
    noted: dict[str, Any] = {"left_out_seen": sorted(server.left_out)}
    return noted | ({"left_out_until": server.left_out_until | freed} if freed else {})


class Servers:
    """Choices by server."""

    def __init__(self, config: Discord, communities: Communities) -> None:
        self._communities = communities
        self._configured = {server.id: Served(**server.model_dump()) for server in config.servers}
        self._served = dict(self._configured)
        self._chosen: dict[int, frozenset[str]] = {}
        self._direct = config.direct_messages
        self._gone: set[int] = set()

    def __iter__(self) -> Iterator[int]:
        """Ids of the servers known so far, but those that the bot is not in."""
        return iter([server for server in self._served if server not in self._gone])

    async def load(self) -> None:
        """Read what every server chose; before the bot connects."""
        for name, choices in (await self._communities.every("discord")).items():
            self._take(server_id(name), choices)

    async def load_one(self, server: int) -> None:
        """Read anew what a server chose: it may have left, and been forgotten, since it was read."""
        self._take(server, (await self._communities.every("discord")).get(space(server), {}))
        await self._note_left_out(server)

    async def note_left_out(self) -> None:
        """Take note of what is left out in the servers known; before anything is read of what was freed meanwhile."""
        for server in list(self._chosen):
            await self._note_left_out(server)

    def of(self, server: int) -> Served:
        """Return what holds for a server; one never seen has the defaults."""
        if server not in self._served:
            self._served[server] = Served(id=server)
        return self._served[server]

    async def choose(self, server: int, changes: dict[str, Any], who: Person) -> Served:
        """Change what a server chose, and have its moderators told; None takes a choice back.

        pydantic.ValidationError where a value is not right.
        """
        before, configured = self.of(server), self._configured.get(server, Served(id=server)).model_dump()
        wanted = {name: configured[name] if value is None else value for name, value in changes.items()}
        after = Served.model_validate(before.model_dump() | wanted)
        noted = _noted(after, before.left_out) if after.left_out != before.left_out else {}
        told = notices(Here(space(server), words(after.language), self._communities.ledger), who, before, after)
        self._take(server, await self._communities.choose(space(server), changes, who, noted, notices=told))
        return self.of(server)

    def chosen(self, server: int) -> frozenset[str]:
        """Return the names of the settings that were chosen in a server itself."""
        return self._chosen.get(server, frozenset())

    def source(self, server: int, name: str) -> Source:
        """Tell where a setting comes from."""
        if name in self.chosen(server):
            return "here"
        configured = self._configured.get(server, Served(id=server))
        return "default" if getattr(configured, name) == getattr(Served(id=server), name) else "operator"

    def gone(self, server: int, *, gone: bool) -> None:
        """Take note whether the bot is in a server no more."""
        (self._gone.add if gone else self._gone.discard)(server)

    def is_gone(self, server: int) -> bool:
        """Tell whether the bot is known to be in a server no more."""
        return server in self._gone

    def direct(self) -> Served | None:
        """Return the server that DMs with the bot belong to: the one the operator named, or the only one there is."""
        if self._direct is not None:
            return None if self._direct in self._gone else self.of(self._direct)
        servers = list(self)
        return self.of(servers[0]) if len(servers) == 1 else None

    async def _note_left_out(self, server: int) -> None:
        here = self.of(server)
        if here.left_out_seen is None or frozenset(here.left_out_seen) != here.left_out:
            noted = _noted(here, frozenset(here.left_out_seen or ()))
            self._take(server, await self._communities.note(space(server), noted))

    def _take(self, server: int, choices: dict[str, Any]) -> None:
        set_up = self._configured.get(server)
        self._chosen[server] = frozenset(choices) - NOTED
        self._served[server] = Served(**({} if set_up is None else set_up.model_dump()) | choices | {"id": server})
