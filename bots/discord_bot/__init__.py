"""The Discord adapter: a bot that reads what its servers' members write, and shows cards to their moderators.

Leans on discord.py. `client` listens, `feed` and `history` keep the order and close gaps, `translate` and `card` turn
Discord's objects into the core's and back, `buttons` answers presses, `check` looks before anything goes wrong. This
module keeps the connection alive: in discord.py one frame that it cannot parse ends the whole client, so the client is
replaced, and what was missed in between is read from history.
"""

from __future__ import annotations

import asyncio
import logging
import time

import discord
import structlog

from bots.adapter import Finding
from bots.discord_bot import delivery
from bots.discord_bot.check import INTENT_REMEDY, findings
from bots.discord_bot.client import Watch
from bots.discord_bot.feed import Feed
from bots.discord_bot.history import MARGIN, Catchup
from bots.discord_bot.servers import Servers
from bots.discord_bot.translate import server_id, space
from core.cards import Card
from core.config import Discord
from core.errors import LampkeeperError, PlatformError, TryLater
from core.guard import Guard
from core.messages import ConversationKey

log = structlog.get_logger(__name__)

LONGEST_WAIT = 60.0
TOKEN_CLOSED = 4004
INTENTS_CLOSED = frozenset({4013, 4014})
"""Close codes of the gateway (API, "Gateway Close Event Codes") that connecting again would only repeat."""


class DiscordAdapter:
    """Discord, as the core sees it. One for each process."""

    platform = "discord"

    def __init__(self, config: Discord, guard: Guard) -> None:
        # discord.py logs every frame, and so every message, at DEBUG: whatever the operator sets, not that.
        logging.getLogger("discord").setLevel(logging.WARNING)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        self.feed = Feed(guard.receive, self._read_again, [space(server.id) for server in config.servers])
        self.catchup = Catchup(guard, self.feed, self._tell)
        self._config = config
        self._guard = guard
        self.servers = Servers(config, guard.communities)
        self._client: Watch | None = None

    def client(self) -> Watch:
        """Make the next connection's client."""
        self._client = Watch(self.servers, self._guard, self.feed, self.catchup)
        return self._client

    async def run(self) -> None:
        """Connect, catch up on what was missed, listen; return only when cancelled.

        Raises `PlatformError` with a remedy where a person must act (token refused, intent missing).
        """
        assert self._config.token is not None, "bots.composition asks for missing tokens first"
        await self.servers.load()
        alive = await self._guard.last_alive(self.platform)
        self.catchup.since = time.time() if alive is None else alive - MARGIN
        parts = [
            asyncio.create_task(self.feed.run()),
            asyncio.create_task(self._stay_connected(self._config.token.get_secret_value())),
        ]
        try:
            ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in ended:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def settled(self) -> None:
        """Return when everything that Discord sent so far was handed to the guard."""
        await self.catchup.settled()
        await self.feed.settled()
        # What did not fit into the feed is read once it is empty.
        await self.catchup.settled()
        await self.feed.settled()

    async def check(self) -> list[Finding]:
        """Look at token, intent, channels, permissions and roles without changing anything; never raises."""
        return await findings(self._config)

    async def show(self, card: Card, reference: str | None) -> str:
        """Post `card` in its server's alert channel, or edit the posted one; return the reference to edit it by."""
        return await delivery.show(self._connected(), self._channel(card.space), card, reference)

    async def find(self, card: Card) -> str | None:
        """Return the reference of a card for the same alert that an interrupted try did post; else None."""
        return await delivery.find(self._connected(), self._channel(card.space), card.alert)

    async def notify(self, space: str, text: str) -> None:
        """Tell the server's moderators, in its alert channel, something about Lampkeeper itself."""
        await delivery.notify(self._connected(), self._channel(space), text)

    def _read_again(self, here: ConversationKey) -> None:
        if self._client is not None:
            self._client.read_again(here)

    async def _tell(self, space: str, text: str) -> None:
        try:
            await self.notify(space, text)
        except LampkeeperError as error:
            log.warning("discord.notice_lost", what=error.what, remedy=error.remedy)

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

    async def _stay_connected(self, token: str) -> None:
        wait = 1.0
        while True:
            began = time.monotonic()
            try:
                async with self.client() as client:
                    await client.start(token)
            except discord.LoginFailure:
                raise PlatformError(*delivery.TOKEN_REFUSED) from None
            except discord.PrivilegedIntentsRequired:
                raise PlatformError("Discord does not let the bot read messages.", INTENT_REMEDY) from None
            except discord.ConnectionClosed as error:
                if error.code == TOKEN_CLOSED:
                    raise PlatformError(*delivery.TOKEN_REFUSED) from None
                if error.code in INTENTS_CLOSED:
                    raise PlatformError("Discord does not let the bot read messages.", INTENT_REMEDY) from None
                log.warning("discord.closed", code=error.code)
            except Exception as error:  # noqa: BLE001  a frame that discord.py cannot parse raises just anything
                # Only the type: the exception's own words may quote the frame.
                log.warning("discord.broken", error=type(error).__name__)
            wait = 1.0 if time.monotonic() - began > LONGEST_WAIT else min(wait * 2, LONGEST_WAIT)
            log.info("discord.connecting_again", seconds=wait)
            await asyncio.sleep(wait)
