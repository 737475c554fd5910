"""Who writes to the bot itself: a plain answer with helplines, once a conversation and day, and a form to report with.

Leans on `bots.common.helpdesk`. Decisions:
- After a restart the conversation itself tells whether it was answered today.
- Which servers somebody shares with the bot is asked of Discord, for the bot keeps no list of members; first those in
  which Lampkeeper met them, and at most `ASKED_MOST` of them. Nothing is sent before it is clear to whom.
- What is written is lost with no restart, and however long it takes: the form is answered by its id, and what was
  written waits in the question to whom it goes, which only its author sees.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

import discord
import structlog

from bots.common.helpdesk import NAME_MOST, WHAT_MOST, Answered, Told, countries, flag, greeting, named, take
from bots.common.here import Here
from bots.discord_bot.connected import Connected
from bots.discord_bot.forms import Filled, Form, drawn
from bots.discord_bot.markup import words
from bots.discord_bot.servers import Servers
from bots.discord_bot.slash.asked import aid, answer_error, member_of
from bots.discord_bot.translate import space
from bots.helplines import Helplines
from bots.texts import ENGLISH, say
from core.casework import reports
from core.casework.cards import Person
from core.retention.rules import DAY

log = structlog.get_logger(__name__)

TELL = "lampkeeper:tell"
COUNTRIES = "lampkeeper:country"
SERVERS = "lampkeeper:which_server"
FIELDS = {"what": WHAT_MOST, "who": NAME_MOST, "where": NAME_MOST}
"""The form's fields, each with the characters that it takes."""
NOTHING = "-"
"""Shown for a field that was left out."""
LOOK_BACK = 50
"""Messages of a conversation looked through for today's answer, after a restart."""
ASKED_MOST = 50
MENU = 25
"""Options of one menu (API, "String Select"); five menus fit under a message, and one row is the button's."""
MENUS = 4


class Helpdesk:
    """Answers; it outlives the connection, and so what was answered is known through reconnections."""

    def __init__(self, servers: Servers, helplines: Helplines) -> None:
        self.helplines = helplines
        self._servers = servers
        self._answered = Answered()

    @property
    def language(self) -> str:
        """The language of direct messages."""
        server = self._servers.direct()
        return ENGLISH if server is None else server.language

    async def greet(self, client: Connected, message: discord.Message) -> None:
        """Answer somebody who wrote to the bot, unless that was done within a day."""
        channel, now = message.channel, time.time()
        # Noted before anything is waited for: the next line may be here already.
        if not self._answered.begin(channel.id, now):
            return
        try:
            if not await _answered(client, channel, now):
                await channel.send(self.text(client), view=self.view())
        except (discord.HTTPException, discord.RateLimited, OSError, TimeoutError) as error:
            self._answered.failed(channel.id)
            log.warning("discord.help_not_sent", error=type(error).__name__, remedy="the next line is answered")

    def text(self, client: discord.Client) -> str:
        """Say who can help, and who reads what is written here."""
        server = self._servers.direct()
        if server is None:
            return greeting(words(self.language), self.helplines, None, None)
        guild = client.get_guild(server.id)
        name = discord.utils.escape_markdown(guild.name) if guild else str(server.id)
        return greeting(words(self.language), self.helplines, server.country, name)

    def view(self) -> discord.ui.View:
        """Return what stands under the answer: the form's button, and the countries."""
        shown, known = discord.ui.View(timeout=None), countries(self.helplines)
        shown.add_item(TellButton(self.language))
        for page in range(min(MENUS, -(-len(known) // MENU))):
            shown.add_item(_country_menu(page, known[page * MENU : (page + 1) * MENU], self.language))
        return shown


async def _answered(client: Connected, channel: discord.abc.Messageable, now: float) -> bool:
    """Tell whether the conversation itself shows an answer within the last day."""
    async for said in channel.history(limit=LOOK_BACK):
        if said.created_at.timestamp() < now - DAY:
            break
        mine = client.user is not None and said.author.id == client.user.id
        if mine and any(getattr(part, "custom_id", None) == TELL for row in said.components for part in _parts(row)):
            return True
    return False


def _parts(row: discord.Component) -> list[discord.Component]:
    return list(row.children) if isinstance(row, discord.ActionRow) else [row]


class TellButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=TELL):
    """Opens the form; works under every answer ever given."""

    def __init__(self, language: str) -> None:
        label = say(language, "members.tell")
        super().__init__(discord.ui.Button(label=label, style=discord.ButtonStyle.primary, custom_id=TELL))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed (called by discord.py)."""
        return cls(interaction.client.helpdesk.language)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form (called by discord.py)."""
        try:
            await interaction.response.send_modal(_form(interaction.client.helpdesk.language))
        except Exception as error:  # noqa: BLE001  discord.py would log the traceback, and with it what errors carry
            await answer_error(interaction, error)


Chosen = Callable[[discord.Interaction[Any], str], Awaitable[None]]
"""What is done with a value that somebody chose."""


class Menu(
    discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=f"(?P<what>{COUNTRIES}|{SERVERS})(?::[0-9])?"
):
    """A menu under an answer; works under every answer ever given. What it does is a row of `CHOSEN`."""

    def __init__(self, menu: discord.ui.Select[discord.ui.View]) -> None:
        super().__init__(menu)

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Make the menu that was used (called by discord.py)."""
        assert isinstance(item, discord.ui.Select)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what was chosen (called by discord.py)."""
        try:
            (value,), used = self.item.values, self.template.fullmatch(self.item.custom_id)
            assert used is not None
            await CHOSEN[used["what"]](interaction, value)
        except Exception as error:  # noqa: BLE001  as above
            await answer_error(interaction, error)


def _country_menu(page: int, known: list[tuple[str, str]], language: str) -> Menu:
    """Return the menu of some countries, each with its label."""
    options = [discord.SelectOption(label=label[:100], value=at, emoji=flag(at)) for at, label in known]
    placeholder = say(language, "members.elsewhere")
    return Menu(discord.ui.Select(custom_id=f"{COUNTRIES}:{page}", placeholder=placeholder, options=options))


async def _country(interaction: discord.Interaction[Any], country: str) -> None:
    """Name the helplines of the country chosen."""
    helpdesk = interaction.client.helpdesk
    text = named(words(helpdesk.language), helpdesk.helplines, country)
    await interaction.response.send_message(text, ephemeral=True)


def _form(language: str) -> discord.ui.Modal:
    """Draw the form: what happened, who, where."""
    fields: list[discord.ui.TextInput[Any]] = [
        discord.ui.TextInput(
            label=say(language, f"members.tell_{name}"),
            style=discord.TextStyle.paragraph if name == "what" else discord.TextStyle.short,
            required=name == "what",
            max_length=longest,
            custom_id=name,
        )
        for name, longest in FIELDS.items()
    ]
    return drawn(say(language, "members.tell_title"), "lampkeeper:told", *fields)


async def _told(interaction: discord.Interaction[Any], _form: re.Match[str], filled: Filled) -> None:
    """Send the form, or ask first to whom."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    client, language = interaction.client, interaction.client.helpdesk.language
    servers = await shared(client, interaction.user)
    if not servers:
        await interaction.followup.send(say(language, "members.no_server"), ephemeral=True)
    elif len(servers) == 1:
        await interaction.followup.send(await _send(client, servers[0], interaction.user, filled), ephemeral=True)
    else:
        question = discord.ui.View(timeout=None)
        question.add_item(_server_menu(servers))
        ask, written = say(language, "members.which_server"), _written(language, filled)
        await interaction.followup.send(ask, embed=written, view=question, ephemeral=True)


TOLD = Form(re.compile("lampkeeper:told"), _told)


def _written(language: str, filled: Filled) -> discord.Embed:
    """Show what was filled in to whoever did, in the order of the form; `_read` takes it from there."""
    shown = discord.Embed()
    for name in FIELDS:
        shown.add_field(name=say(language, f"members.tell_{name}"), value=filled.get(name) or NOTHING, inline=False)
    return shown


def _read(shown: discord.Embed) -> Filled:
    values = [str(field.value) for field in shown.fields]
    return {name: "" if value == NOTHING else value for name, value in zip(FIELDS, values, strict=True)}


async def _send(client: Connected, guild: discord.Guild, user: discord.abc.User, filled: Filled) -> str:
    """Open a case in a server; return what to say."""
    server, who = client.servers.of(guild.id), filled.get("who", "")
    here = Here(space(guild.id), words(server.language), client.guard.ledger)
    told = Told(Person(str(user.id), user.display_name), filled.get("what", ""), who, filled.get("where", ""))
    about = await _meant(client, guild, who) if who else None
    return await take(here, told, about, aid(client, server))


def _server_menu(servers: list[discord.Guild]) -> Menu:
    """Return the menu that asks to which server's moderators a form goes.

    What was written stands above it, and nowhere else.
    """
    options = [discord.SelectOption(label=guild.name[:100], value=str(guild.id)) for guild in servers[:MENU]]
    return Menu(discord.ui.Select(options=options, custom_id=SERVERS))


async def _server(interaction: discord.Interaction[Any], chosen: str) -> None:
    """Send what was written to the moderators of the server chosen."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    client, user = interaction.client, interaction.user
    guild = client.get_guild(int(chosen))
    if interaction.message is None or guild is None or await member_of(guild, user.id) is None:
        text = say(client.helpdesk.language, "members.no_server")
    else:
        text = await _send(client, guild, user, _read(interaction.message.embeds[0]))
    await interaction.followup.send(text, ephemeral=True)


CHOSEN: dict[str, Chosen] = {COUNTRIES: _country, SERVERS: _server}
"""What a menu's id begins with -> what is done."""


async def shared(client: Connected, user: discord.abc.User) -> list[discord.Guild]:
    """Return the servers in which both the bot and somebody are, those first in which Lampkeeper met them."""
    guilds = {space(guild.id): guild for guild in client.guilds if not guild.unavailable}
    met = await reports.met(client.guard.ledger, list(guilds), str(user.id))
    ordered = sorted(guilds, key=lambda name: name not in met)[:ASKED_MOST]
    members = await asyncio.gather(*(member_of(guilds[name], user.id) for name in ordered))
    return [guilds[name] for name, member in zip(ordered, members, strict=True) if member is not None]


async def _meant(client: Connected, guild: discord.Guild, who: str) -> Person | None:
    """Return who is meant by an id, a mention or a name; None if nobody, or more than one, can be."""
    if (number := re.fullmatch(r"(?:<@!?)?(\d{1,20})>?", who)) is not None:
        member = await member_of(guild, int(number[1]))
        return None if member is None or member.bot else Person(str(member.id), member.display_name)
    return await reports.named(client.guard.ledger, space(guild.id), who.removeprefix("@"))
