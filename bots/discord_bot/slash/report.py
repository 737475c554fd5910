"""The context menus "Report to moderators", on a message and on a person; and what is said to whoever reports.

Leans on `core.reports`. The form comes first, for Discord takes one only as the first answer; nothing is looked up
before. A report is taken while Lampkeeper is paused or only counts: it is one person asking others.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bots.discord_bot.servers import Served
from bots.discord_bot.slash.asked import Asked, Form, allowed
from bots.discord_bot.translate import key, spoken, to_message
from bots.helplines import Helplines, lines
from bots.texts import say
from core import reports
from core.cards import Person
from core.conversation import ConversationState, address
from core.reports import Asking, Received

SERVERS_ONLY = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)


def add_menus(tree: app_commands.CommandTree[Any]) -> None:
    """Put both menus on the tree."""
    kinds = (discord.AppCommandType.message, report_message), (discord.AppCommandType.user, report_person)
    for kind, callback in kinds:
        name = say("en", "members.menu")
        tree.add_command(
            app_commands.ContextMenu(name=name, callback=callback, type=kind, allowed_contexts=SERVERS_ONLY)
        )


async def report_message(interaction: discord.Interaction[Any], message: discord.Message) -> None:
    """Ask what moderators should know of a message."""
    if (asked := await allowed(interaction, "member")) is None:
        return
    author = message.author
    if refusal := _refusal(asked, author, "members.own_message", by_person=spoken(message)):
        await interaction.response.send_message(refusal, ephemeral=True)
        return
    place = (key(asked.server, message.channel.id), str(message.id))
    target = address(ConversationState(), to_message(message, asked.server))
    about = Person(str(author.id), author.display_name)
    await interaction.response.send_modal(ReportForm(asked, Asking(asked.person, about, "", place, target)))


async def report_person(interaction: discord.Interaction[Any], person: discord.Member | discord.User) -> None:
    """Ask what moderators should know of a person."""
    if (asked := await allowed(interaction, "member")) is None:
        return
    if refusal := _refusal(asked, person, "members.yourself", by_person=not (person.bot or person.system)):
        await interaction.response.send_message(refusal, ephemeral=True)
        return
    about = Person(str(person.id), person.display_name)
    await interaction.response.send_modal(ReportForm(asked, Asking(asked.person, about)))


def _refusal(asked: Asked, author: discord.User | discord.Member, own: str, *, by_person: bool) -> str | None:
    if not by_person:
        return asked.say("members.program")
    return asked.say(own) if author.id == asked.member.id else None


class ReportForm(Form):
    """Asks what moderators should know."""

    def __init__(self, asked: Asked, asking: Asking) -> None:
        super().__init__(asked.say("members.form_title"))
        self.words: discord.ui.TextInput[Any] = discord.ui.TextInput(
            label=asked.say("members.form_label"),
            placeholder=asked.say("members.form_hint"),
            style=discord.TextStyle.paragraph,
            required=False,
            max_length=reports.LONGEST,
            custom_id="words",
        )
        self.add_item(self.words)
        self._asked = asked
        self._asking = asking

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Open the case, or add to it (called by discord.py)."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        asked, asking = self._asked, self._asking
        words = self.words.value.strip()
        filled = Asking(asking.reporter, asking.about, words, asking.message, asking.target)
        received = await reports.receive(asked.client.guard.ledger, asked.space, filled)
        text = answer(asked.server, received, asked.client.helpdesk.helplines, message=asking.message is not None)
        await interaction.followup.send(text, ephemeral=True)


def answer(server: Served, received: Received, helplines: Helplines, *, message: bool) -> str:
    """Say to whoever reported (a `message`, or a person) what became of it, and who else could help."""
    keys = {"opened": "members.received", "added": "members.received", "again": "members.again"}
    if received.outcome == "too_many":
        said = [say(server.language, "members.too_many", most=reports.MOST_A_DAY)]
    else:
        said = [say(server.language, keys[received.outcome])]
    if received.outcome in {"opened", "added"}:
        if server.alert_channel is None:
            said.append(say(server.language, "members.no_channel"))
        if message and not received.kept:
            said.append(say(server.language, "members.not_kept"))
    first = lines(helplines, server.country, server.language)[0]
    return "\n".join([*said, say(server.language, "members.talk", helpline=first)])
