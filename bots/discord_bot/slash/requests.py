"""`/lampkeeper requests`: what members asked for about themselves, for admins to answer.

Leans on `bots.common.requests`.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands
from discord.utils import escape_markdown

from bots.common import requests as answering
from bots.common.exports import File
from bots.common.requests import Write
from bots.discord_bot.answers import attached
from bots.discord_bot.slash.asked import Asked, Choices, allowed
from bots.texts import say
from core.casework.cards import Person
from core.retention import requests
from core.retention.requests import Request

log = structlog.get_logger(__name__)

SHOWN = 25
"""Requests in one answer (API, "String Select"); the next ones show once these are answered."""
TEXT = 1900
CLOSED = frozenset((50007, 50278))
"""API, "JSON Error Codes": somebody does not take direct messages from the bot."""


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="requests", description=say("en", "requests.description"))(list_requests)


async def list_requests(interaction: discord.Interaction[Any]) -> None:
    """Show the open requests."""
    if (asked := await allowed(interaction, "admin")) is None:
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    found = (await requests.waiting(asked.client.guard.ledger, asked.space))[:SHOWN]
    if not found:
        await interaction.followup.send(asked.say("requests.none"), ephemeral=True)
        return
    text = asked.words.fit(answering.lines(asked.words, found), TEXT)
    await interaction.followup.send(text, view=Open(asked, found), ephemeral=True)


class Open(Choices):
    """A menu of requests to answer."""

    def __init__(self, asked: Asked, found: list[Request]) -> None:
        super().__init__()
        self._asked = asked
        self._found = {str(request.number): request for request in found}
        options = [
            discord.SelectOption(
                label=f"{request.number}: {request.person.name}"[:100],
                description=answering.wants(asked.words, request),
                value=number,
            )
            for number, request in self._found.items()
        ]
        self._menu: discord.ui.Select[Any] = discord.ui.Select(
            options=options, placeholder=asked.say("requests.choose"), custom_id="lampkeeper:request"
        )
        self._menu.callback = self._chosen  # type: ignore[method-assign]
        self.add_item(self._menu)

    async def _chosen(self, interaction: discord.Interaction[Any]) -> None:
        if await allowed(interaction, "admin") is None:
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        request, here, admin = self._found[self._menu.values[0]], self._asked.here, self._asked.person
        if refused := answering.own(self._asked.words, request, admin):
            await interaction.followup.send(refused, ephemeral=True)
        elif request.kind == "access":
            text = await answering.show(here, request, admin, _server(self._asked), _write(self._asked))
            await interaction.followup.send(text, ephemeral=True)
        else:
            text = await answering.sure(here, request)
            await interaction.followup.send(text, view=Sure(self._asked, request), ephemeral=True)


class Sure(Choices):
    """Asks again before anything is deleted."""

    def __init__(self, asked: Asked, request: Request) -> None:
        super().__init__()
        self._asked = asked
        self._request = request
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=asked.say("requests.confirm_button"), style=discord.ButtonStyle.danger, custom_id="lampkeeper:forget"
        )
        button.callback = self._pressed  # type: ignore[method-assign]
        self.add_item(button)

    async def _pressed(self, interaction: discord.Interaction[Any]) -> None:
        if await allowed(interaction, "admin") is None:
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        here, admin = self._asked.here, self._asked.person
        text = await answering.delete(here, self._request, admin, _server(self._asked), _tell(self._asked))
        await interaction.followup.send(text, ephemeral=True)


def _write(asked: Asked) -> Write:
    """Return what writes to a member."""

    async def write(person: Person, text: str, file: File | None) -> bool:
        try:
            channel = await asked.client.create_dm(discord.Object(int(person.id)))
            await (channel.send(text) if file is None else channel.send(text, file=attached(file)))
        except discord.Forbidden as error:
            if error.code not in CLOSED:
                raise
            return False
        return True

    return write


def _tell(asked: Asked) -> Write:
    """Return what writes to a member where nothing hangs on it: what was done is done, told or not."""

    async def tell(person: Person, text: str, file: File | None) -> bool:
        try:
            return await _write(asked)(person, text, file)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("discord.answer_lost", error=type(error).__name__)
            return False

    return tell


def _server(asked: Asked) -> str:
    return escape_markdown(asked.member.guild.name)
