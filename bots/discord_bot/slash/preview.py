"""`/lampkeeper preview`: what a threshold would have meant here, in words and as a picture.

Leans on `bots.common.preview`.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import discord
from discord import app_commands

from bots.common import preview as common
from bots.common.lines import clip
from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.slash.asked import allowed, asks
from bots.texts import say
from core.peaks import FLOOR
from core.tune import HIGHEST

SPOKEN = 1024
"""Characters of an attachment's description (API, "Attachment Object")."""
Threshold = app_commands.Range[float, FLOOR, HIGHEST]


def add(group: app_commands.Group) -> None:
    """Add the command."""
    described = app_commands.describe(threshold=say("en", "preview.option"))(preview)
    offered = app_commands.autocomplete(threshold=_offered)(described)
    group.command(name="preview", description=say("en", "preview.description"))(offered)


async def preview(interaction: discord.Interaction[Any], threshold: Threshold | None = None) -> None:
    """Say what a threshold would have meant; the present one, and some to choose from, where none is named."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        seen = await common.preview(asked.here, threshold)
        if seen is None:
            await interaction.followup.send(asked.say("preview.nothing"), ephemeral=True)
            return
        picture = discord.File(BytesIO(await seen.picture()), common.PICTURE, description=clip(seen.spoken, SPOKEN))
        page = discord.Embed(title=asked.say("preview.title"), description="\n".join(seen.lines))
        page.set_image(url=f"attachment://{common.PICTURE}")
        await interaction.followup.send(embed=page, file=picture, ephemeral=True, allowed_mentions=NOBODY)


async def _offered(interaction: discord.Interaction[Any], typed: str | float) -> list[app_commands.Choice[float]]:
    """Offer what was typed, if it is one, then the present threshold and those for some alerts a week."""
    asked = asks(interaction, "moderator")
    if asked is None:
        return []
    so_far = typed if isinstance(typed, str) else ""  # before anything is typed, discord.py says that it is no number
    found = await common.choices(asked.here, so_far)
    return [app_commands.Choice(name=label, value=value) for value, label in found.items()]
