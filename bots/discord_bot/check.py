"""What `lampkeeper check` says about Discord: a line each, with the remedy, before anything goes wrong at night.

Leans on Discord's REST API alone: nothing listens, nothing is posted. What holds for a server is what its admins chose
over the operator's configuration (`Servers`). Names never appear, only ids; nor does the token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import aiohttp
import discord

from bots.adapter import Finding
from bots.discord_bot.client import INTENTS
from bots.discord_bot.connection import INTENT_REMEDY
from bots.discord_bot.delivery import TOKEN_REFUSED
from bots.discord_bot.permissions import (
    ALERT_CHANNEL,
    PERMISSIONS,
    SECOND_CHANNEL,
    invite,
    labels,
    lacking,
    missing,
)
from bots.discord_bot.servers import Served, Servers
from bots.discord_bot.translate import space, watched
from bots.texts import ENGLISH, say
from core.config import Discord, DiscordServer
from core.policy import Rules

PATIENCE = 60.0
ROLES = {
    "moderator_roles": "moderator role",
    "age_roles": "age role",
    "second_reviewers": "second reviewers' role",
    "call_role": "role that urgent cards call",
}
"""Setting -> what its roles are for."""
MENTION = next(row.label for row in PERMISSIONS if row.flag == "mention_everyone")
INVITE_REMEDY = "Open the invite link above as somebody who may manage the server."


class About(NamedTuple):
    """A server, with where its settings come from, and its thresholds."""

    server: Served
    servers: Servers
    rules: Rules

    def remedy(self, setting: str, in_file: str) -> str:
        """Say where to correct a setting: in the server, if it was chosen there, else as `in_file` says."""
        here = self.servers.source(self.server.id, setting) == "here"
        return "Its admins correct that with /lampkeeper settings." if here else in_file


async def findings(config: Discord, servers: Servers, rules: Callable[[str], Rules]) -> list[Finding]:
    """Look at everything that the bot needs; never raises.

    `servers` are loaded; `rules` tells the thresholds of a space.
    """
    assert config.token is not None, "bots.composition asks for missing tokens first"
    found: list[Finding] = []
    try:
        async with asyncio.timeout(PATIENCE), discord.Client(intents=INTENTS) as client:
            await client.login(config.token.get_secret_value())
            found.append(Finding("Discord: the token is accepted.", ok=True))
            found.append(_intent(client.application))
            if client.application is not None:
                found.append(Finding(f"Discord: invite the bot with {invite(client.application.id)}", ok=True))
            set_up = [server.id for server in config.servers]
            joined = [guild.id async for guild in client.fetch_guilds(limit=None)]
            for server in dict.fromkeys([*set_up, *joined]):
                found += await _server(client, About(servers.of(server), servers, rules(space(server))))
            if not set_up and not joined:
                found.append(Finding("Discord: the bot is in no server yet.", ok=False, remedy=INVITE_REMEDY))
    except discord.LoginFailure:
        return [Finding(TOKEN_REFUSED[0], ok=False, remedy=TOKEN_REFUSED[1])]
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        found.append(_unreachable(error))
    return [*found, _direct(config)]


def _unreachable(error: Exception) -> Finding:
    status = f" (HTTP {error.status})" if isinstance(error, discord.HTTPException) else ""
    return Finding(
        f"Discord cannot be asked{status}.", ok=False, remedy="Check the network, and https://discordstatus.com."
    )


def _intent(application: discord.AppInfo | None) -> Finding:
    """Read the application's flags (API, "Application Flags"): `limited` is what a bot in under 100 servers has."""
    flags = application.flags if application else discord.ApplicationFlags()
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Finding("Discord: the Message Content intent is on.", ok=True)
    return Finding(
        "Discord: the Message Content intent is off, so messages arrive without text.", ok=False, remedy=INTENT_REMEDY
    )


def _direct(config: Discord) -> Finding:
    if config.direct_messages is not None:
        return Finding(f"Discord: direct messages with the bot go to server {config.direct_messages}.", ok=True)
    return Finding("Discord: direct messages with the bot are scored while it is in one server only.", ok=True)


async def _server(client: discord.Client, about: About) -> list[Finding]:
    server = about.server
    try:
        guild = await client.fetch_guild(server.id)
        channels = await guild.fetch_channels()
        assert client.user is not None
        me = await guild.fetch_member(client.user.id)
    except (discord.NotFound, discord.Forbidden):
        return [
            Finding(
                f"Discord: the bot is not a member of server {server.id}, or the id is wrong.",
                ok=False,
                remedy=f"{INVITE_REMEDY} Or correct the id.",
            )
        ]
    return [
        Finding(f"Discord: the bot is a member of server {server.id}.", ok=True),
        _mode(about),
        *_alert_channel(guild, me, channels, about),
        *_second_channel(me, channels, about),
        *_readable(me, channels, server),
        *_optional(me, channels, server),
        *_roles(guild, about),
        *_call(guild, me, channels, server),
    ]


def _mode(about: About) -> Finding:
    """Say whether cards are shown, and from which probability on."""
    server, limits = about.server, about.rules.thresholds
    what = f"Discord: server {server.id}"
    if server.paused:
        since = datetime.fromtimestamp(server.paused_at or 0.0, UTC).strftime("%Y-%m-%d %H:%M UTC")
        remedy = "Its admins end that with /lampkeeper resume."
        return Finding(f"{what} is paused since {since}: nothing is read there.", ok=True, remedy=remedy)
    if about.rules.shadow:
        return Finding(f"{what} is in shadow mode: scores are counted, and no card is shown.", ok=True)
    return Finding(f"{what} is live: a card appears from {limits.review:g} on, urgent from {limits.urgent:g}.", ok=True)


def _alert_channel(
    guild: discord.Guild, me: discord.Member, channels: Sequence[discord.abc.GuildChannel], about: About
) -> list[Finding]:
    server = about.server
    what = f"Discord: the alert channel {server.alert_channel} of server {server.id}"
    if server.alert_channel is None:
        unset = f"Discord: server {server.id} has no alert channel yet: its cards wait."
        return [Finding(unset, ok=False, remedy="Its admins choose one with /lampkeeper setup.")]
    channel = next((channel for channel in channels if channel.id == server.alert_channel), None)
    if not isinstance(channel, discord.TextChannel):
        fault = "does not exist" if channel is None else "is not a text channel"
        remedy = about.remedy("alert_channel", "Set alert_channel to the id of a text channel of that server.")
        return [Finding(f"{what} {fault}.", ok=False, remedy=remedy)]
    held = channel.permissions_for(me)
    if lacks := labels(missing(held, ALERT_CHANNEL)):
        found = [Finding(f"{what} lacks {lacks} for the bot.", ok=False, remedy=f"Give its role {lacks} there.")]
    else:
        found = [Finding(f"{what} is ready.", ok=True)]
    if channel.permissions_for(guild.default_role).view_channel:
        remedy = "Take View Channel from @everyone there, and give it to your moderators' role."
        found.append(Finding(f"{what} can be seen by everyone.", ok=False, remedy=remedy))
    return found


def _second_channel(me: discord.Member, channels: Sequence[discord.abc.GuildChannel], about: About) -> list[Finding]:
    server = about.server
    if server.second_channel is None:
        return []
    what = f"Discord: the second channel {server.second_channel} of server {server.id}"
    channel = next((channel for channel in channels if channel.id == server.second_channel), None)
    if not isinstance(channel, discord.TextChannel):
        remedy = about.remedy("second_channel", "Set second_channel to the id of a text channel of that server.")
        return [Finding(f"{what} does not exist, or is not a text channel.", ok=False, remedy=remedy)]
    if lacks := labels(missing(channel.permissions_for(me), SECOND_CHANNEL)):
        return [Finding(f"{what} lacks {lacks} for the bot.", ok=False, remedy=f"Give its role {lacks} there.")]
    return [Finding(f"{what} is ready.", ok=True)]


def _readable(me: discord.Member, channels: Sequence[discord.abc.GuildChannel], server: DiscordServer) -> list[Finding]:
    held = [
        (channel.id, channel.permissions_for(me))
        for channel in channels
        if not isinstance(channel, discord.CategoryChannel) and watched(channel, server)
    ]
    seen = [(channel, can) for channel, can in held if can.view_channel]
    mute = [channel for channel, can in seen if not can.read_message_history]
    what = f"Discord: {len(seen)} of {len(held)} channels of server {server.id} are read"
    found = [Finding(f"{what}.", ok=bool(seen), remedy="" if seen else "Give the bot's role View Channel.")]
    if closed := [channel for channel, can in held if not can.view_channel]:
        found.append(Finding(f"Discord: these are closed to the bot, and not read: {_some(closed)}.", ok=True))
    if mute:
        found.append(
            Finding(
                f"Discord: the bot may not read the history of: {_some(mute)}.",
                ok=False,
                remedy="Give its role Read Message History there, or leave them out with /lampkeeper settings.",
            )
        )
    return found


def _optional(me: discord.Member, channels: Sequence[discord.abc.GuildChannel], server: DiscordServer) -> list[Finding]:
    """Say what does not work for want of a permission that somebody may well not want to give."""
    lacks = lacking(me, channels, server.alert_channel)
    return [
        Finding(f"Discord: in server {server.id}: {say(ENGLISH, row.without)}", ok=True)
        for row in lacks
        if row.without is not None
    ]


def _some(channels: list[int]) -> str:
    return ", ".join(map(str, channels[:20])) + (" and more" if len(channels) > 20 else "")


def _roles(guild: discord.Guild, about: About) -> list[Finding]:
    known, server = {role.id for role in guild.roles}, about.server
    chosen: dict[str, Iterable[int]] = {
        "moderator_roles": server.moderator_roles,
        "age_roles": map(int, server.age_roles),
        "second_reviewers": server.second_reviewers,
        "call_role": [] if server.call_role is None else [server.call_role],
    }
    found = [
        Finding(
            f"Discord: the {ROLES[name]} {role} does not exist in server {server.id}.",
            ok=False,
            remedy=about.remedy(name, f"Correct {name}."),
        )
        for name, roles in chosen.items()
        for role in roles
        if role not in known
    ]
    who = "members with a moderator role" if server.moderator_roles else "members who may moderate or manage messages"
    return found or [Finding(f"Discord: in server {server.id}, {who} may press the buttons.", ok=True)]


def _call(
    guild: discord.Guild, me: discord.Member, channels: Sequence[discord.abc.GuildChannel], server: DiscordServer
) -> list[Finding]:
    """Say which roles a card cannot call, for the bot may not mention them there."""
    channel = next((channel for channel in channels if channel.id == server.alert_channel), None)
    if channel is None or channel.permissions_for(me).mention_everyone:
        return []
    called = {*server.second_reviewers, *([] if server.call_role is None else [server.call_role])}
    return [
        Finding(
            f"Discord: the bot may not call the role {role.id} in the alert channel of server {server.id}.",
            ok=False,
            remedy=f"Allow anyone to mention that role in its settings, or give the bot's role {MENTION} there.",
        )
        for role in guild.roles
        if role.id in called and not role.mentionable
    ]
