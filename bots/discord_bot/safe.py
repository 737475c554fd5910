"""Discord in safe mode: the store or the model cannot be opened, so nothing is checked, and the moderators are told.

Leans on `connection` and `delivery`. Decisions:

- It reads nothing and promises nothing: it asks for no intent to see messages, and what it cannot record it refuses.
  What was written meanwhile is read from history once Lampkeeper runs again.
- Each alert channel that is known is told at once, then once an hour; and when it is over, if it was told.
- Commands and buttons are answered: to moderators with what is wrong and what to do, to anybody else only that it
  cannot be done now. That nobody is watching is not for everyone to know. Which roles moderate stands in the store, so
  far as the operator's configuration does not tell; without it Discord's permissions decide.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import discord
import structlog

from bots.discord_bot import delivery
from bots.discord_bot.connection import quiet, stay_connected
from bots.discord_bot.moderators import may_press
from bots.discord_bot.translate import server_id
from bots.texts import say
from core.config import Discord, DiscordServer
from core.errors import LampkeeperError, PlatformError

log = structlog.get_logger(__name__)

TOLD_EVERY = 3600.0
TRIED_EVERY = 10.0
GOODBYE = 10.0
"""Seconds that telling that it is over may take."""
INTENTS = discord.Intents(guilds=True)


class DiscordSafe:
    """Discord while Lampkeeper cannot run; `trouble` says why, and may be changed.

    `alert_channels` are those that spaces chose themselves (`core.channels`); they win over the configuration's.
    """

    platform = "discord"

    def __init__(self, config: Discord, trouble: LampkeeperError, alert_channels: Mapping[str, int | str]) -> None:
        assert config.token is not None, "bots.composition asks for missing tokens first"
        quiet()
        self.trouble = trouble
        self._token = config.token.get_secret_value()
        self._servers = {server.id: server for server in config.servers}
        ours = {name: channel for name, channel in alert_channels.items() if name.startswith(f"{self.platform}:")}
        for server, channel in ((server_id(name), int(channel)) for name, channel in ours.items()):
            known = self._servers.get(server) or DiscordServer(id=server)
            self._servers[server] = known.model_copy(update={"alert_channel": channel})
        self._told: dict[int, float] = {}
        self._client: _Silent | None = None

    async def run(self) -> None:
        """Connect, tell, answer; return only when cancelled. Raises `PlatformError` as the adapter does."""
        telling = asyncio.create_task(self._tell())
        try:
            await stay_connected(self._connect)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def over(self) -> None:
        """Tell whoever was told that it is over; where that fails, what follows tells it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                for server in [server for server in self._servers.values() if server.id in self._told]:
                    await self._notify(server, say(server.language, "safe.over"))

    def answer(self, interaction: discord.Interaction[Any]) -> str:
        """Say to whoever used a command or pressed a button what they may know."""
        server = self._servers.get(interaction.guild_id or 0) or DiscordServer(id=interaction.guild_id or 0)
        member, held = interaction.user, interaction.permissions
        if isinstance(member, discord.Member) and (held.manage_guild or may_press(member, server, held)):
            return say(server.language, "safe.stopped", what=self.trouble)
        return say(server.language, "errors.failed")

    async def _connect(self) -> None:
        async with _Silent(self) as client:
            self._client = client
            await client.start(self._token)

    async def _tell(self) -> None:
        while True:
            for server in self._servers.values():
                told = self._told.get(server.id)
                due = told is None or time.monotonic() - told >= TOLD_EVERY
                if due and await self._notify(server, say(server.language, "safe.stopped", what=self.trouble)):
                    self._told[server.id] = time.monotonic()
            await asyncio.sleep(TRIED_EVERY)

    async def _notify(self, server: DiscordServer, text: str) -> bool:
        """Tell the alert channel of a server; False if it could not be told, or is not known."""
        client = self._client
        if client is None or client.user is None or client.is_closed() or server.alert_channel is None:
            return False
        try:
            await delivery.notify(client, server.alert_channel, text)
        except PlatformError as error:
            log.warning("discord.not_told", server=server.id, what=error.what, remedy=error.remedy)
            return False
        return True


class _Silent(discord.AutoShardedClient):
    """A connection that sees no message, and answers whatever it is asked with one sentence."""

    def __init__(self, safe: DiscordSafe) -> None:
        super().__init__(intents=INTENTS, max_messages=None, allowed_mentions=discord.AllowedMentions.none())
        self._safe = safe

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer (called by discord.py)."""
        try:
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await interaction.response.send_message(self._safe.answer(interaction), ephemeral=True)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.warning("discord.answer_lost", error=type(error).__name__)
