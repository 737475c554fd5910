"""The Discord adapter: a bot that reads what its servers' members write, and shows cards to their moderators.

Leans on discord.py. `client` listens, `feed` and `history` keep the order and close gaps, `translate` and `card` turn
Discord's objects into the core's and back, `buttons` answers presses, `backscan` reads history that moderators ask for,
`check` looks before anything goes wrong, `safe` stands in while Lampkeeper cannot run. `connection` replaces the client
whenever it ends, and what was missed in between is read from history.
"""

from __future__ import annotations

import asyncio
import time

import discord

from bots.adapter import Finding
from bots.common.changes import read, tell_former
from bots.common.digest import tell_due
from bots.common.running import together
from bots.common.trial import is_order
from bots.common.words import Words
from bots.discord_bot import delivery
from bots.discord_bot.backscan import Backscans
from bots.discord_bot.check import findings
from bots.discord_bot.client import INTENTS, Parts, Watch
from bots.discord_bot.connection import quiet, stay_connected
from bots.discord_bot.content import Content
from bots.discord_bot.feed import Feed
from bots.discord_bot.helpdesk import Helpdesk
from bots.discord_bot.history import MARGIN, Catchup
from bots.discord_bot.markup import words
from bots.discord_bot.servers import Servers
from bots.discord_bot.slash import trial
from bots.discord_bot.translate import server_id, space
from bots.helplines import Helplines, known
from core.casework.cards import Call, Card
from core.config import Discord
from core.errors import PlatformError, TryLater
from core.export import Reporter
from core.guard import Guard
from core.messages import ConversationKey


class DiscordAdapter:
    """Discord, as the core sees it. One for each process."""

    platform = "discord"

    def __init__(
        self,
        config: Discord,
        guard: Guard,
        helplines: Helplines | None = None,
        reporter: Reporter = Reporter(),  # noqa: B008 - a value
    ) -> None:
        quiet()
        self.feed = Feed(guard.receive, self._read_again, [space(server.id) for server in config.servers])
        self._config = config
        self._reporter = reporter
        self._guard = guard
        self.servers = Servers(config, guard.communities)
        self.catchup = Catchup(guard, self.feed, self.servers)
        self.scans = Backscans(guard, self._connected, self.servers)
        self._content = Content()
        self._intents = INTENTS
        self.helpdesk = Helpdesk(self.servers, known() if helplines is None else helplines)
        self._client: Watch | None = None
        guard.chores.append(lambda: tell_due(guard.ledger, self.platform, self._words_of))

    def client(self) -> Watch:
        """Make the next connection's client."""
        parts = Parts(
            servers=self.servers,
            guard=self._guard,
            feed=self.feed,
            catchup=self.catchup,
            scans=self.scans,
            content=self._content,
            helpdesk=self.helpdesk,
            reporter=self._reporter,
        )
        self._client = Watch(parts, self._intents)
        return self._client

    async def run(self) -> None:
        """Connect, catch up on what was missed, listen; return only when cancelled.

        Raises `PlatformError` with a remedy where a person must act (token refused, intent missing).
        """
        assert self._config.token is not None, "bots.composition asks for missing tokens first"
        await self.servers.load()
        await self.servers.note_left_out()
        await self.scans.tell_cut_off()
        alive = await self._guard.last_alive(self.platform)
        self.catchup.since = time.time() if alive is None else alive - MARGIN
        try:
            await together(self.feed.run(), stay_connected(self._connect))
        finally:
            await self.scans.close()

    async def settled(self) -> None:
        """Return when everything that Discord sent so far was handed to the guard."""
        await self.catchup.settled()
        await self.feed.settled()
        # What did not fit into the feed is read once it is empty.
        await self.catchup.settled()
        await self.feed.settled()

    async def check(self) -> list[Finding]:
        """Look at token, intent, channels, permissions and roles without changing anything; never raises."""
        servers = Servers(self._config, self._guard.communities)
        await servers.load()
        return await findings(self._config, servers, self._guard.communities.rules)

    async def show(self, card: Card, reference: str | None) -> str:
        """Post `card` in its server's alert channel, or edit the posted one; return the reference to edit it by."""
        return await delivery.show(self._connected(), self._channel(card.space), card, reference)

    async def find(self, card: Card) -> str | None:
        """Return the reference of a card for the same alert that an interrupted try did post; else None."""
        return await delivery.find(self._connected(), self._channel(card.space), card.alert)

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        """Say in place of a posted card that the data of its alert was deleted.

        One of which nobody noted where it stands is looked for in the alert channel; where that is none, none is there.
        """
        client, server = self._connected(), self.servers.of(server_id(space))
        found = reference
        if found is None and server.alert_channel is not None:
            found = await delivery.find(client, server.alert_channel, alert)
        if found is not None:
            await delivery.withdraw(client, found, server)

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        """Call the role that the server chose for it to a card that is posted."""
        await delivery.call(self._connected(), card, reference, why, tried=tried)

    async def notify(self, space: str, text: str) -> None:
        """Tell the server's moderators, in its alert channel, something about Lampkeeper itself."""
        client, (former, said) = self._connected(), read(text)
        if former is not None:
            await tell_former(space, delivery.notify(client, int(former), said))
            return
        channel = self._channel(space)
        if is_order(text):
            await trial.post(client, channel, text, self.servers.of(server_id(space)))
        else:
            await delivery.notify(client, channel, text)

    def _words_of(self, space: str) -> Words | None:
        """Return the words for what a server is told unasked; None where that has to wait."""
        server = self.servers.of(server_id(space))
        return None if server.alert_channel is None or server.paused else words(server.language)

    def _read_again(self, here: ConversationKey) -> None:
        if self._client is not None:
            self._client.read_again(here)

    def _connected(self) -> Watch:
        if self._client is None or self._client.user is None or self._client.is_closed():
            raise TryLater("Discord is not connected.")
        return self._client

    def _channel(self, space: str) -> int:
        channel = self.servers.of(server_id(space)).alert_channel
        if channel is None:
            raise PlatformError(
                f"The server {server_id(space)} has no alert channel yet.",
                "An admin of it chooses one with /lampkeeper setup.",
            )
        return channel

    async def _connect(self) -> None:
        assert self._config.token is not None
        token = self._config.token.get_secret_value()
        self._intents = await _intents(token)
        async with self.client() as client:
            connected = asyncio.create_task(client.start(token))
            try:
                await asyncio.shield(connected)
            finally:
                # While discord.py reconnects it drops a cancellation (`Shard.reidentify`); closed first, it ends.
                await client.close()
                connected.cancel()
                await asyncio.gather(connected, return_exceptions=True)


async def _intents(token: str) -> discord.Intents:
    """Return the intents to connect with: Server Members too, where the operator switched it on in the portal.

    To ask for it where it is off would end the connection. Raises as `discord.Client.login` does.
    """
    intents = discord.Intents(**dict(INTENTS))
    async with discord.Client(intents=INTENTS) as asking:
        await asking.login(token)
        flags = asking.application.flags if asking.application else discord.ApplicationFlags()
    intents.members = flags.gateway_guild_members or flags.gateway_guild_members_limited
    return intents
