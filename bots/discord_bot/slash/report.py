"""The context menus "Report to moderators", on a message and on a person.

Leans on `bots.common.reporting`. The form comes first, for Discord takes one only as the first answer; nothing is
looked up before.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bots.common.reporting import receive, refusal
from bots.discord_bot.slash.asked import Asked, Form, allowed
from bots.discord_bot.translate import key, spoken, to_message
from bots.texts import say
from core import reports
from core.cards import Person
from core.conversation import ConversationState, address
from core.reports import Asking

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
    about = Person(str(author.id), author.display_name)
    if refused := refusal(asked.words, asked.person, about, by_person=spoken(message), message=True):
        await interaction.response.send_message(refused, ephemeral=True)
        return
    place = (key(asked.server, message.channel.id), str(message.id))
    target = address(ConversationState(), to_message(message, asked.server))
    await interaction.response.send_modal(ReportForm(asked, Asking(asked.person, about, "", place, target)))


async def report_person(interaction: discord.Interaction[Any], person: discord.Member | discord.User) -> None:
    """Ask what moderators should know of a person."""
    if (asked := await allowed(interaction, "member")) is None:
        return
    about = Person(str(person.id), person.display_name)
    by_person = not (person.bot or person.system)
    if refused := refusal(asked.words, asked.person, about, by_person=by_person, message=False):
        await interaction.response.send_message(refused, ephemeral=True)
        return
    await interaction.response.send_modal(ReportForm(asked, Asking(asked.person, about)))


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
        text = await receive(asked.here, filled, asked.aid)
        await interaction.followup.send(text, ephemeral=True)
