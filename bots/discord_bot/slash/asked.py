"""What every command begins with: who asks, in which server, and whether they may; and what is said when it fails.

Leans on `bots.discord_bot.servers` and `bots.texts`. Answers are ephemeral: only who asked sees them.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import discord
import structlog
from discord import app_commands

from bots.common.here import Here
from bots.common.reporting import Aid
from bots.common.settings import all_in_words
from bots.common.words import Words
from bots.discord_bot.connected import Connected
from bots.discord_bot.markup import words
from bots.discord_bot.moderators import may_press
from bots.discord_bot.servers import Served
from bots.discord_bot.translate import space
from bots.texts import say
from core.casework.cards import Person
from core.errors import LampkeeperError

log = structlog.get_logger(__name__)

Who = Literal["member", "moderator", "admin"]
ANSWERABLE = 14 * 60.0
"""Seconds in which buttons under an answer work: Discord's tokens live for fifteen minutes."""


class Asked(NamedTuple):
    """Who asked, and where; `afar`: about a server, in a direct message with the bot."""

    client: Connected
    server: Served
    space: str
    person: Person
    member: discord.Member
    afar: bool = False

    @property
    def words(self) -> Words:
        """What is said to them, in the server's language."""
        return words(self.server.language)

    @property
    def here(self) -> Here:
        """The server's space."""
        return Here(self.space, self.words, self.client.guard.ledger)

    @property
    def aid(self) -> Aid:
        """What a member is told beside."""
        return aid(self.client, self.server)

    def settings(self) -> list[str]:
        """Say every setting of the server."""
        servers, number = self.client.servers, self.server.id
        return all_in_words(self.here, self.server, lambda name: servers.source(number, name))

    def say(self, key: str, /, **blanks: object) -> str:
        """Say a text in the server's language."""
        return self.words.say(key, **blanks)


def may(who: Who, member: discord.Member, server: Served, permissions: discord.Permissions) -> bool:
    """Tell whether a member counts as `who`: an admin may manage the server, a moderator press the buttons of cards.

    `permissions` are those that Discord sends along, or those in the whole server: the same for who may manage it. For
    a moderator the server's count: a permission in a single channel makes nobody a moderator of all.
    """
    admin = permissions.manage_guild or permissions.administrator
    moderator = admin or may_press(member, server, member.guild_permissions)
    return {"member": True, "moderator": moderator, "admin": admin}[who]


def asks(interaction: discord.Interaction[Any], who: Who) -> Asked | None:
    """Return who asks; None if it is not theirs to ask, or not in a server. Says nothing: for autocomplete."""
    member, client = interaction.user, interaction.client
    if interaction.guild_id is None or not isinstance(member, discord.Member):
        return None
    server = client.servers.of(interaction.guild_id)
    if not may(who, member, server, interaction.permissions):
        return None
    return asked_by(client, server, member)


def asked_by(client: Connected, server: Served, member: discord.Member, *, afar: bool = False) -> Asked:
    """Return a member as who asked."""
    return Asked(client, server, space(server.id), Person(str(member.id), member.display_name), member, afar)


def aid(client: Connected, server: Served) -> Aid:
    """Return what a member of a server is told beside."""
    return Aid(client.helplines, server.country, server.alert_channel is not None)


async def allowed(interaction: discord.Interaction[Any], who: Who) -> Asked | None:
    """Return who asked, or tell them that it is not theirs to ask and return None."""
    if interaction.guild_id is None or not isinstance(interaction.user, discord.Member):
        await interaction.response.send_message(say("en", "errors.only_in_server"), ephemeral=True)
        return None
    asked = asks(interaction, who)
    if asked is None:
        language = interaction.client.servers.of(interaction.guild_id).language
        await interaction.response.send_message(say(language, f"errors.not_{who}"), ephemeral=True)
    return asked


async def answer_error(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Tell whoever asked what happened and what to do; log the kind of error, never its words."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    log.warning("discord.command_failed", error=type(cause).__name__)
    server = interaction.client.servers.of(interaction.guild_id) if interaction.guild_id else None
    text = (
        str(cause) if isinstance(cause, LampkeeperError) else say(server.language if server else "en", "errors.failed")
    )
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except discord.HTTPException as lost:
        log.warning("discord.answer_lost", status=lost.status, code=lost.code)


async def member_of(guild: discord.Guild, person: int) -> discord.Member | None:
    """Return a member; None if they are none, or Discord does not tell now."""
    if (known := guild.get_member(person)) is not None:
        return known
    try:
        return await guild.fetch_member(person)
    except (discord.HTTPException, discord.RateLimited):
        return None


class Choices(discord.ui.View):
    """Buttons and menus under an answer, as long as Discord lets it be answered."""

    def __init__(self) -> None:
        super().__init__(timeout=ANSWERABLE)

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _item: discord.ui.Item[Any], /
    ) -> None:
        """Answer (called by discord.py)."""
        await answer_error(interaction, error)
