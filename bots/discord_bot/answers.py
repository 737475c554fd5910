"""What a press on a card is, and what it is answered with: the values that the hand's modules share.

Leans on discord.py and `bots.texts`. Every answer is ephemeral: only who pressed sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import discord

from bots.discord_bot.servers import Served
from bots.discord_bot.translate import space
from bots.texts import ENGLISH, say
from core.cards import Person
from core.config import DiscordServer
from core.desk import Desk

if TYPE_CHECKING:
    from bots.discord_bot.client import Watch

NOBODY = discord.AllowedMentions.none()


@dataclass(frozen=True, slots=True)
class Press:
    """One press by a moderator: who, where, and with which permissions (`permissions`, and those of the bot)."""

    client: Watch
    server: Served
    member: discord.Member
    permissions: discord.Permissions
    of_bot: discord.Permissions

    @property
    def moderator(self) -> Person:
        """Who pressed."""
        return Person(str(self.member.id), self.member.display_name)

    @property
    def space(self) -> str:
        """The server's space."""
        return space(self.server.id)

    @property
    def desk(self) -> Desk:
        """Where casework is done."""
        return self.client.guard.desk

    def say(self, key: str, /, **blanks: object) -> str:
        """Say a text in the server's language."""
        return say(self.server.language, key, **blanks)


class Answer(NamedTuple):
    """What whoever pressed is told; every embed after the first comes in a message of its own.

    `buttons` are actions with what each is about (an alert, or an action's number); `grounds` is an alert for which the
    grounds of a dismissal are asked.
    """

    text: str = ""
    embeds: tuple[discord.Embed, ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    grounds: str | None = None
    file: discord.File | None = None


def may_press(member: discord.Member, server: DiscordServer, permissions: discord.Permissions) -> bool:
    """Tell whether the member moderates: by the configured roles, or, where none is, by the permissions held.

    `permissions` are those in the whole server, or in the alert channel: a permission in some other channel, as makers
    of a temporary one are given, makes nobody a moderator.
    """
    if server.moderator_roles:
        return any(member.get_role(role) for role in server.moderator_roles)
    return permissions.moderate_members or permissions.manage_messages


def _held(interaction: discord.Interaction[Any], member: discord.Member, server: Served) -> discord.Permissions:
    here = interaction.channel_id == server.alert_channel
    return interaction.permissions if here else member.guild_permissions


async def pressed(interaction: discord.Interaction[Any]) -> Press | None:
    """Return who pressed, or tell them that it is not for them to press and return None."""
    member, client = interaction.user, interaction.client
    server: Served | None = client.servers.of(interaction.guild_id) if interaction.guild_id else None
    if server and isinstance(member, discord.Member) and may_press(member, server, _held(interaction, member, server)):
        return Press(client, server, member, interaction.permissions, interaction.app_permissions)
    refusal = say(server.language if server else ENGLISH, "hand.refused")
    await interaction.response.send_message(refusal, ephemeral=True)
    return None
