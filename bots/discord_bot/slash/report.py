"""The context menus "Report to moderators", on a message and on a person.

Leans on `bots.common.reporting`. The form comes first, for Discord takes one only as the first answer; nothing is
looked up before. Its id says what is reported, so that a report is taken however long somebody needs to write it: the
name of whom it is about is asked for then.
"""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import app_commands

from bots.common.reporting import receive, refusal
from bots.discord_bot.forms import Filled, Form, drawn
from bots.discord_bot.slash.asked import Asked, allowed, member_of
from bots.discord_bot.translate import key, spoken, to_message
from bots.texts import say
from core.casework import reports
from core.casework.cards import Person
from core.casework.reports import Asking
from core.conversation import ConversationState, address

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
    await interaction.response.send_modal(_form(asked, Asking(asked.person, about, "", place, target)))


async def report_person(interaction: discord.Interaction[Any], person: discord.Member | discord.User) -> None:
    """Ask what moderators should know of a person."""
    if (asked := await allowed(interaction, "member")) is None:
        return
    about = Person(str(person.id), person.display_name)
    by_person = not (person.bot or person.system)
    if refused := refusal(asked.words, asked.person, about, by_person=by_person, message=False):
        await interaction.response.send_message(refused, ephemeral=True)
        return
    await interaction.response.send_modal(_form(asked, Asking(asked.person, about)))


def _form(asked: Asked, asking: Asking) -> discord.ui.Modal:
    """Draw the form that asks what moderators should know; its id says what is reported."""
    words: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=asked.say("members.form_label"),
        placeholder=asked.say("members.form_hint"),
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=reports.LONGEST,
        custom_id="words",
    )
    channel, message = ("", "") if asking.message is None else (asking.message[0].conversation, asking.message[1])
    form_id = f"lampkeeper:report:{asking.about.id}:{channel}:{message}:{asking.target or ''}"
    return drawn(asked.say("members.form_title"), form_id, words)


async def _reported(interaction: discord.Interaction[Any], form: re.Match[str], filled: Filled) -> None:
    """Open the case, or add to it."""
    if (asked := await allowed(interaction, "member")) is None:
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    member = await member_of(asked.member.guild, int(form["about"]))
    about = Person(form["about"], "" if member is None else member.display_name)
    message = (key(asked.server, int(form["channel"])), form["message"]) if form["message"] else None
    asking = Asking(asked.person, about, filled.get("words", ""), message, form["target"] or None)
    await interaction.followup.send(await receive(asked.here, asking, asked.aid), ephemeral=True)


REPORT = Form(
    re.compile(r"lampkeeper:report:(?P<about>\d+):(?P<channel>\d*):(?P<message>\d*):(?P<target>\d*)"), _reported
)
