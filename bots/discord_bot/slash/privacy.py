"""`/lampkeeper privacy`: what is kept, and for how long."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bots.discord_bot.slash.asked import allowed
from bots.texts import say


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="privacy", description=say("en", "privacy.description"))(privacy)


async def privacy(interaction: discord.Interaction[Any]) -> None:
    """Say what is kept."""
    if asked := await allowed(interaction, "member"):
        text = asked.say("privacy.kept", days=f"{asked.client.guard.keep_text_days:g}")
        await interaction.response.send_message(text, ephemeral=True)
