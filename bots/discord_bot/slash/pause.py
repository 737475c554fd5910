"""`/lampkeeper pause` and `resume`: from one to the other nothing is read, and what is said meanwhile never is.

Leans on `bots.common.pauses`. The times are Discord's own, out of the commands' ids. A scan under way ends.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bots.discord_bot.slash.asked import allowed
from bots.discord_bot.slash.choose import store
from bots.texts import say


def add(group: app_commands.Group) -> None:
    """Add the commands."""
    group.command(name="pause", description=say("en", "pause.description"))(pause)
    group.command(name="resume", description=say("en", "pause.description_resume"))(resume)


async def pause(interaction: discord.Interaction[Any]) -> None:
    """Stop reading."""
    await _turn(interaction, pausing=True)


async def resume(interaction: discord.Interaction[Any]) -> None:
    """Read again."""
    await _turn(interaction, pausing=False)


async def _turn(interaction: discord.Interaction[Any], *, pausing: bool) -> None:
    if not (asked := await allowed(interaction, "admin")):
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    if asked.server.paused == pausing:
        await interaction.followup.send(asked.say("pause.already" if pausing else "pause.not_paused"), ephemeral=True)
        return
    pauses = asked.server.turned(interaction.created_at.timestamp(), pausing=pausing)
    asked = await store(asked, {"pauses": pauses})
    if pausing:
        asked.client.scans.stop(asked.server.id)
    await interaction.followup.send(asked.say("pause.paused" if pausing else "pause.resumed"), ephemeral=True)
