"""`/lampkeeper privacy`: what is kept, for how long, and how to ask for it or for its deletion."""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import app_commands

from bots.common.privacy import ask, confirmed, kept
from bots.discord_bot.forms import Filled, Form, drawn
from bots.discord_bot.slash.asked import Asked, Choices, allowed
from bots.texts import say

CONFIRM = "lampkeeper:confirm_deletion"


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="privacy", description=say("en", "privacy.description"))(privacy)


async def privacy(interaction: discord.Interaction[Any]) -> None:
    """Say what is kept."""
    if asked := await allowed(interaction, "member"):
        text = kept(asked.words, asked.client.guard.ledger.keep)
        await interaction.response.send_message(text, view=Rights(asked), ephemeral=True)


class Rights(Choices):
    """What a member can ask for."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked
        for name, label, pressed in (
            ("lampkeeper:see", "privacy.see", self._see),
            ("lampkeeper:delete", "privacy.delete", self._delete),
        ):
            button: discord.ui.Button[Any] = discord.ui.Button(label=asked.say(label), custom_id=name)
            button.callback = pressed  # type: ignore[method-assign]
            self.add_item(button)

    async def _see(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.followup.send(await ask(self._asked.here, "access", self._asked.person), ephemeral=True)

    async def _delete(self, interaction: discord.Interaction[Any]) -> None:
        label = self._asked.say("privacy.confirm_label")
        word: discord.ui.TextInput[Any] = discord.ui.TextInput(label=label, max_length=20, custom_id="word")
        await interaction.response.send_modal(drawn(self._asked.say("privacy.confirm_title"), CONFIRM, word))


async def _confirmed(interaction: discord.Interaction[Any], _form: re.Match[str], filled: Filled) -> None:
    """Ask for the deletion, if it is meant."""
    if (asked := await allowed(interaction, "member")) is None:
        return
    if not confirmed(asked.words, filled.get("word", "")):
        await interaction.response.send_message(asked.say("privacy.not_confirmed"), ephemeral=True)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    await interaction.followup.send(await ask(asked.here, "deletion", asked.person), ephemeral=True)


DELETION = Form(re.compile(CONFIRM), _confirmed)
