"""A short welcome in a server that Lampkeeper was invited to, once, with the button **Set up**.

Leans on `core.communities`, which tells a new server from one that comes back after a reconnect, and on Discord's audit
log for who invited the bot (API, "Audit Log Events": BOT_ADD), where it may read that. Written to them alone; where
that cannot be, in the server's system channel, or else in the first text channel that the bot may write in. A server
that has an alert channel already, by the operator's configuration, needs no welcome. One that was joined while
Lampkeeper was not running gets it at the next start.
"""

from __future__ import annotations

from collections.abc import Iterator

import aiohttp
import discord
import structlog

from bots.discord_bot.connected import Connected
from bots.discord_bot.slash.setup import set_up_button
from bots.texts import say

log = structlog.get_logger(__name__)

LOOK_BACK = 20
"""Bots added lately, among which to look for this one."""
CANNOT = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)


async def welcome(client: Connected, guild: discord.Guild) -> None:
    """Greet whoever invited the bot to a new server, if it is not set up yet."""
    server = client.servers.of(guild.id)
    if server.alert_channel is not None:
        return
    inviter = await _inviter(guild)
    alone = say(server.language, "setup.welcome_alone", server=discord.utils.escape_markdown(guild.name))
    if inviter is not None and await _sent(inviter, alone, guild.id, server.language):
        return
    for channel in _places(guild):
        if await _sent(channel, say(server.language, "setup.welcome"), guild.id, server.language):
            return
    log.warning(
        "discord.not_welcomed", server=guild.id, what="it may write nowhere there", remedy="use /lampkeeper setup there"
    )


async def _inviter(guild: discord.Guild) -> discord.Member | discord.User | None:
    """Return who added the bot lately, if the bot may know."""
    if not guild.me.guild_permissions.view_audit_log:
        return None
    try:
        async for entry in guild.audit_logs(limit=LOOK_BACK, action=discord.AuditLogAction.bot_add):
            if getattr(entry.target, "id", None) == guild.me.id:
                return entry.user
    except CANNOT as error:
        log.info("discord.inviter_unknown", server=guild.id, error=type(error).__name__)
    return None


def _places(guild: discord.Guild) -> Iterator[discord.TextChannel]:
    """Yield the text channels that the bot may write in, the system channel first."""
    for channel in dict.fromkeys([*filter(None, [guild.system_channel]), *guild.text_channels]):
        held = channel.permissions_for(guild.me)
        if held.view_channel and held.send_messages:
            yield channel


async def _sent(to: discord.abc.Messageable, text: str, server: int, language: str) -> bool:
    try:
        await to.send(text, view=set_up_button(server, language), allowed_mentions=discord.AllowedMentions.none())
    except CANNOT as error:
        log.info("discord.welcome_refused", server=server, error=type(error).__name__)
        return False
    return True
