"""The servers that the bot is in, each with what holds for it: the operator's choices, and its admins' own over them.

Leans on `core.communities`, where choices are kept. Every server is served from its first minute, whether anybody set
it up or not; without an alert channel its cards wait in the outbox. All choices are read before the bot connects, so
that `of` never waits: Discord's events are taken in the order in which they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from bots.discord_bot.translate import server_id, space
from core.cards import Person
from core.communities import Communities
from core.config import Discord, DiscordServer

Source = Literal["here", "operator", "default"]
"""Where a setting comes from: chosen in the server itself, the operator's configuration, or neither."""


class Served(DiscordServer):
    """One server as it is served; what was said from `paused_at` to `resumed_at` (seconds since the epoch) is not read.

    Without `resumed_at`, or with one before `paused_at`, the pause goes on.
    """

    paused_at: float | None = None
    resumed_at: float | None = None

    @property
    def paused(self) -> bool:
        """Whether nothing is read now."""
        return self.paused_at is not None and (self.resumed_at is None or self.resumed_at < self.paused_at)

    def skips(self, time: float) -> bool:
        """Tell whether something was said during the last pause."""
        return self.paused_at is not None and self.paused_at <= time and (self.paused or time < (self.resumed_at or 0))


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

    def of(self, server: int) -> Served:
        """Return what holds for a server; one never seen has the defaults."""
        if server not in self._served:
            self._served[server] = Served(id=server)
        return self._served[server]

    async def choose(self, server: int, changes: dict[str, Any], who: Person) -> Served:
        """Change what a server chose; None takes a choice back. pydantic.ValidationError where a value is not right."""
        Served.model_validate({"id": server} | {name: value for name, value in changes.items() if value is not None})
        self._take(server, await self._communities.choose(space(server), changes, who))
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

    def direct(self) -> Served | None:
        """Return the server that DMs with the bot belong to: the one the operator named, or the only one there is."""
        if self._direct is not None:
            return None if self._direct in self._gone else self.of(self._direct)
        servers = list(self)
        return self.of(servers[0]) if len(servers) == 1 else None

    def _take(self, server: int, choices: dict[str, Any]) -> None:
        set_up = self._configured.get(server)
        self._chosen[server] = frozenset(choices)
        self._served[server] = Served(**({} if set_up is None else set_up.model_dump()) | choices | {"id": server})
