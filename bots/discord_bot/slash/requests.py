"""`/lampkeeper requests`: what members asked for about themselves, for admins to answer.

Leans on `core.requests`. What a member is shown goes to them alone, as a direct message: the admin who answers sees how
much it was, and no word of it.
"""

from __future__ import annotations

import io
import json
from typing import Any

import discord
import structlog
from discord import app_commands
from discord.utils import escape_markdown

from bots.discord_bot.card import fit
from bots.discord_bot.slash.asked import Asked, Choices, allowed
from bots.texts import say
from core import requests
from core.requests import Request

log = structlog.get_logger(__name__)

SHOWN = 25
"""Requests in one answer (API, "String Select"); the next ones show once these are answered."""
TEXT = 1900
FILE = "kept_about_you.json"
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
    text = fit([asked.say("requests.open"), *(_line(asked, request) for request in found)], TEXT)
    await interaction.followup.send(text, view=Open(asked, found), ephemeral=True)


def _line(asked: Asked, request: Request) -> str:
    what = asked.say("requests.access" if request.kind == "access" else "requests.deletion")
    who = f"<@{request.person.id}> ({escape_markdown(request.person.name)})"
    return asked.say("requests.line", number=request.number, what=what, who=who, when=f"<t:{int(request.time)}:R>")


class Open(Choices):
    """A menu of requests to answer."""

    def __init__(self, asked: Asked, found: list[Request]) -> None:
        super().__init__()
        self._asked = asked
        self._found = {str(request.number): request for request in found}
        options = [
            discord.SelectOption(
                label=f"{request.number}: {request.person.name}"[:100],
                description=asked.say("requests.access" if request.kind == "access" else "requests.deletion"),
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
        request = self._found[self._menu.values[0]]
        if request.kind == "access":
            await interaction.followup.send(await _show(self._asked, request), ephemeral=True)
        else:
            text = self._asked.say("requests.confirm", who=escape_markdown(request.person.name))
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
        await interaction.followup.send(await _delete(self._asked, self._request), ephemeral=True)


async def _show(asked: Asked, request: Request) -> str:
    """Send a member what is kept about them; return what to say to the admin."""
    ledger, person = asked.client.guard.ledger, request.person
    if request.number not in {waiting.number for waiting in await requests.waiting(ledger, asked.space)}:
        return asked.say("requests.gone")
    kept = await requests.kept(ledger, asked.space, person.id)
    data = json.dumps(kept, ensure_ascii=False, indent=1).encode()
    text = asked.say("requests.answer", server=_server(asked))
    who = escape_markdown(person.name)
    if not await _write(asked, person.id, text, discord.File(io.BytesIO(data), FILE)):
        return asked.say("requests.closed", who=who)
    await requests.answer(ledger, asked.space, request.number, asked.person)
    return asked.say("requests.sent", who=who, messages=len(kept["your_messages"]))


async def _delete(asked: Asked, request: Request) -> str:
    """Delete what is kept about a member; return what to say to the admin."""
    found = await requests.delete(asked.client.guard.ledger, asked.space, request.number, asked.person)
    who = escape_markdown(request.person.name)
    if found is None:
        return asked.say("requests.gone")
    if not found.done:
        reasons = [asked.say("requests.standing_open", count=len(found.open))] if found.open else []
        reasons += [asked.say("requests.standing_held", count=len(found.held))] if found.held else []
        return asked.say("requests.standing", reasons=", ".join(reasons), who=who)
    try:
        await _write(asked, request.person.id, asked.say("requests.told_deleted", server=_server(asked)))
    except discord.HTTPException as error:  # it was deleted, whether they can be told or not
        log.warning("discord.answer_lost", status=error.status, code=error.code)
    return asked.say("requests.deleted", who=who)


async def _write(asked: Asked, person: str, text: str, file: discord.File | None = None) -> bool:
    """Write to a member; False if they do not take direct messages."""
    try:
        channel = await asked.client.create_dm(discord.Object(int(person)))
        await (channel.send(text) if file is None else channel.send(text, file=file))
    except discord.Forbidden as error:
        if error.code not in CLOSED:
            raise
        return False
    return True


def _server(asked: Asked) -> str:
    return escape_markdown(asked.member.guild.name)
