"""`/lampkeeper status`: what was seen, how far behind it is, what was missed, and what is missing.

Leans on `bots.common.status`, and on the connection for its shards and permissions. Of those only what is missing is
said, channel by channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import discord
from discord import app_commands

from bots.common.markup import Id
from bots.common.status import Access, Link, access, connection, counts, rules, work
from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.card import DESCRIPTION
from bots.discord_bot.permissions import ALERT_CHANNEL, PERMISSIONS, missing
from bots.discord_bot.servers import Served
from bots.discord_bot.slash.asked import Asked, allowed
from bots.discord_bot.translate import watched
from bots.texts import say

READ = tuple(row for row in PERMISSIONS if row.flag in {"view_channel", "read_message_history"})
CLOSED = READ[0].label
"""What it needs in a channel that is watched."""


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="status", description=say("en", "status.description"))(status)


async def status(interaction: discord.Interaction[Any]) -> None:
    """Say how it is doing."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        guard, server = asked.client.guard, asked.server
        lines = [
            *await counts(asked.here),
            *connection(asked.words, asked.client.links.get(server.id, Link())),
            *work(asked.here, asked.client.gaps.get(server.id), guard.skipped),
            *_connections(asked),
            *rules(asked.here, server.paused_at if server.paused else None),
            *access(asked.words, _access(asked)),
        ]
        shown = discord.Embed(title=asked.say("status.title"), description=asked.words.fit(lines, DESCRIPTION))
        await interaction.followup.send(embed=shown, ephemeral=True, allowed_mentions=NOBODY)


def _connections(asked: Asked) -> Iterator[str]:
    """Say how each shard is doing; people count from 1."""
    client = asked.client
    guild = client.get_guild(asked.server.id)
    mine = guild.shard_id if guild else None
    for number, shard in sorted(client.shards.items()):
        here = f" {asked.say('status.here')}" if number == mine and len(client.shards) > 1 else ""
        which = {"number": number + 1, "count": len(client.shards), "here": here}
        if shard.is_closed():
            yield asked.say("status.shard_lost", **which)
        elif not isfinite(shard.latency):
            yield asked.say("status.shard_slow", **which)
        else:
            yield asked.say("status.shard", **which, latency=f"{shard.latency * 1000:.0f} ms")


def _access(asked: Asked) -> Access | None:
    """Look at what is missing, channel by channel; None where Discord does not show the server now."""
    guild, server = asked.client.get_guild(asked.server.id), asked.server
    if guild is None or guild.unavailable:
        return None
    lacks: dict[Id, list[str]] = {channel.id: _missing(channel, guild.me, server) for channel in guild.channels}
    closed = [channel for channel, names in lacks.items() if CLOSED in names and channel != server.alert_channel]
    faults = {channel: names for channel, names in lacks.items() if names and channel not in closed}
    return Access(server.alert_channel in lacks, faults, closed)


def _missing(channel: discord.abc.GuildChannel, me: discord.Member, server: Served) -> list[str]:
    """Name the permissions that the bot lacks in a channel, as Discord does; none, where it has nothing to do."""
    if channel.id == server.alert_channel:
        needed = ALERT_CHANNEL
    elif isinstance(channel, discord.CategoryChannel) or not watched(channel, server):
        return []
    else:
        needed = READ
    return [lacked.label for lacked in missing(channel.permissions_for(me), needed)]
