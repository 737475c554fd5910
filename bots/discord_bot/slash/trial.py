"""`/lampkeeper test`: a test card goes through the outbox into the alert channel; whoever asked is told how it went.

Leans on `bots.common.trial`. Its buttons have ids of their own, and answer after a restart, too.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import app_commands

from bots.common.trial import BUTTONS, ORDER, ask, took
from bots.discord_bot.buttons import NOBODY, STYLES
from bots.discord_bot.delivery import nonce, refusals
from bots.discord_bot.markup import words
from bots.discord_bot.servers import Served
from bots.discord_bot.slash.asked import allowed
from bots.texts import say


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="test", description=say("en", "test.description"))(test)


async def test(interaction: discord.Interaction[Any]) -> None:
    """Have a test card shown."""
    if asked := await allowed(interaction, "admin"):
        channel, guard = asked.server.alert_channel, asked.client.guard
        if channel is None:
            await interaction.response.send_message(asked.say("test.no_alert_channel"), ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.followup.send(await ask(asked.here, guard, channel), ephemeral=True)


async def post(client: discord.Client, channel: int, notice: str, server: Served) -> None:
    """Post the test card, and edit it to say how long it took."""
    language, began = server.language, notice.removeprefix(ORDER)
    buttons = discord.ui.View(timeout=None)
    for name in BUTTONS:
        buttons.add_item(TrialButton(name, began.replace(".", ""), language))
    said = words(language)
    page = discord.Embed(title=said.say("test.title"), description=said.say("test.text"))
    with refusals(client, channel):
        place = client.get_partial_messageable(channel)
        sent = await place.send(embed=page, view=buttons, nonce=nonce(notice, None), allowed_mentions=NOBODY)
        page.set_footer(text=took(said, notice))
        await sent.edit(embed=page, view=buttons, allowed_mentions=NOBODY)


class TrialButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"lampkeeper-test:(?P<name>confirm|excerpt):(?P<began>\d{1,20})",
):
    """One button of a test card."""

    def __init__(self, name: str, began: str, language: str = "en") -> None:
        label, style = words(language).say(f"test.{name}"), STYLES[BUTTONS[name]]
        super().__init__(discord.ui.Button(label=label, style=style, custom_id=f"{ORDER}{name}:{began}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed out of its id (called by discord.py)."""
        return cls(match["name"], match["began"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Say that it is a test (called by discord.py)."""
        if asked := await allowed(interaction, "moderator"):
            await interaction.response.send_message(asked.say("test.pressed"), ephemeral=True)
