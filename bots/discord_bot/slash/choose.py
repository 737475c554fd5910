"""What an admin may choose, looked at before it is stored: the alert channel above all, for cards name people.

Leans on `bots.discord_bot.permissions`. `/lampkeeper setup` and `/lampkeeper settings` both go by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import discord

from bots.common.settings import Choice
from bots.discord_bot.permissions import ALERT_CHANNEL, PERMISSIONS, SECOND_CHANNEL, labels, missing
from bots.discord_bot.slash.asked import Asked
from core.messages import AgeBand

FILES, MENTION = (next(row for row in PERMISSIONS if row.flag == flag) for flag in ("attach_files", "mention_everyone"))


def alert_channel(asked: Asked, channel: int) -> Choice:
    """Choose the alert channel: refused where the bot cannot post, warned of where @everyone reads along."""
    place = asked.member.guild.get_channel(channel)
    if not isinstance(place, discord.TextChannel):
        return Choice({}, (asked.say("setup.alerts_unseen", channel=asked.words.markup.channel(channel)),))
    held = place.permissions_for(place.guild.me)
    if lacks := missing(held, ALERT_CHANNEL):
        return Choice({}, (asked.say("setup.alerts_refused", channel=place.mention, missing=labels(lacks)),))
    notes = [asked.say("setup.alerts_chosen", channel=place.mention)]
    if place.permissions_for(place.guild.default_role).view_channel:
        notes.append(asked.say("setup.alerts_public", channel=place.mention))
    if missing(held, [FILES]):
        notes.append(asked.say("setup.without_attach_files"))
    return Choice({"alert_channel": channel}, tuple(notes))


def second_channel(asked: Asked, channel: int) -> Choice:
    """Choose where what nobody claims is told besides: refused where the bot cannot post, or cards stand already."""
    place = asked.member.guild.get_channel(channel)
    if channel == asked.server.alert_channel:
        return Choice({}, (asked.say("settings.second_same"),))
    if not isinstance(place, discord.TextChannel):
        return Choice({}, (asked.say("setup.alerts_unseen", channel=asked.words.markup.channel(channel)),))
    if lacks := missing(place.permissions_for(place.guild.me), SECOND_CHANNEL):
        return Choice({}, (asked.say("setup.alerts_refused", channel=place.mention, missing=labels(lacks)),))
    return Choice({"second_channel": channel}, (asked.say("settings.second_chosen", channel=place.mention),))


def people(asked: Asked, setting: str, chosen: Iterable[int]) -> Choice:
    """Choose the roles of a setting; @everyone is none of them."""
    everyone = asked.member.guild.default_role.id
    named = list(chosen)
    notes = (asked.say("setup.not_everyone"),) if everyone in named else ()
    return Choice({setting: [role for role in named if role != everyone]}, notes)


def call_role(asked: Asked, role: discord.Role) -> Choice:
    """Choose the role that urgent cards call; warned of where Discord would not let the bot call it."""
    if role.is_default():
        return Choice({}, (asked.say("setup.not_everyone"),))
    alerts = role.guild.get_channel(asked.server.alert_channel or 0)
    held = alerts.permissions_for(role.guild.me) if alerts else role.guild.me.guild_permissions
    unheard = not role.mentionable and missing(held, [MENTION])
    return Choice({"call_role": role.id}, (asked.say("setup.without_mention_everyone"),) if unheard else ())


def age_roles(asked: Asked, band: AgeBand, chosen: Iterable[int]) -> Choice:
    """Choose the roles that mean an age band; a role means one band, the one chosen last."""
    changes, notes = people(asked, "age_roles", chosen)
    kept = {role: other for role, other in asked.server.age_roles.items() if other != band}
    return Choice({"age_roles": kept | {str(role): band for role in changes["age_roles"]}}, notes)


async def store(asked: Asked, changes: Mapping[str, Any]) -> Asked:
    """Store what was chosen, audited; return who asked, with what holds now."""
    if not changes:
        return asked
    return asked._replace(server=await asked.client.servers.choose(asked.server.id, dict(changes), asked.person))
