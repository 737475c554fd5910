"""A press on Discord (`bots.common.answers.Press`), and who may press.

Leans on discord.py. Every answer is ephemeral: only who pressed sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import discord

from bots.common.exports import Exports, File, Links
from bots.common.words import Words
from bots.discord_bot.connected import Connected
from bots.discord_bot.links import conversations, direct, links
from bots.discord_bot.markup import words
from bots.discord_bot.moderators import may_press
from bots.discord_bot.servers import Served
from bots.discord_bot.translate import space
from bots.texts import ENGLISH
from core.casework.cards import Person
from core.casework.desk import Desk
from core.export.record import CaseRecord

NOBODY = discord.AllowedMentions.none()


@dataclass(frozen=True, slots=True)
class Press:
    """One press by a moderator: who, where, and with which permissions (`permissions`, and those of the bot).

    `most` is how many bytes of files an answer takes.
    """

    client: Connected
    server: Served
    member: discord.Member
    permissions: discord.Permissions
    of_bot: discord.Permissions
    most: int

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

    @property
    def words(self) -> Words:
        """What is said to them, in the server's language."""
        return words(self.server.language)

    @property
    def second_reviewers(self) -> bool:
        """Whether roles are chosen to be called for a second look."""
        return bool(self.server.second_reviewers)

    @property
    def exports(self) -> Exports:
        """What makes files of cases."""
        return Exports(self.client.reporter, self.client.guard.ledger.vault, self.most)

    async def moderates(self, who: Person) -> bool:
        """Tell whether somebody moderates the server."""
        return await self.client.moderates(self.server, who)

    async def links(self, record: CaseRecord) -> Links:
        """Say where what a record tells of stands."""
        return links(self.member.guild, await direct(self.client, conversations(record)))

    def say(self, key: str, /, **blanks: object) -> str:
        """Say a text in the server's language."""
        return self.words.say(key, **blanks)


def attached(file: File) -> discord.File:
    """Return a file as discord.py sends it: once."""
    return discord.File(BytesIO(file.content), file.name)


def _held(interaction: discord.Interaction[Any], member: discord.Member, server: Served) -> discord.Permissions:
    here = interaction.channel_id == server.alert_channel
    return interaction.permissions if here else member.guild_permissions


async def pressed(interaction: discord.Interaction[Any]) -> Press | None:
    """Return who pressed, or tell them that it is not for them to press and return None."""
    member, client = interaction.user, interaction.client
    server: Served | None = client.servers.of(interaction.guild_id) if interaction.guild_id else None
    if server and isinstance(member, discord.Member) and may_press(member, server, _held(interaction, member, server)):
        limit = interaction.filesize_limit
        return Press(client, server, member, interaction.permissions, interaction.app_permissions, limit)
    refusal = words(server.language if server else ENGLISH).say("hand.refused")
    await interaction.response.send_message(refusal, ephemeral=True)
    return None
