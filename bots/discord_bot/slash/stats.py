"""`/lampkeeper stats`: the counts of the last 7 and 30 days."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bots.common.digest import lines
from bots.discord_bot.card import FIELD
from bots.discord_bot.slash.asked import allowed
from bots.texts import say
from core.stats import stats as count

DAYS = (7, 30)


def add(group: app_commands.Group) -> None:
    """Add the command."""
    group.command(name="stats", description=say("en", "digest.description"))(stats)


async def stats(interaction: discord.Interaction[Any]) -> None:
    """Show the counts."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        shown = discord.Embed(title=asked.say("digest.title"))
        for days in DAYS:
            seen = await count(asked.client.guard.ledger, asked.space, days)
            text = asked.words.fit(lines(asked.words, seen), FIELD)
            shown.add_field(name=asked.say("digest.days", days=days), value=text, inline=False)
        await interaction.followup.send(embed=shown, ephemeral=True)
