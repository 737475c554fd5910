"""`/lampkeeper backscan`: read what was said in a channel before, with a bar that shows how far it came.

Leans on `bots.discord_bot.backscan`. The button that cancels works after a restart too, then to say that nothing runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import discord
from discord import app_commands

from bots.discord_bot.history import may_read
from bots.discord_bot.slash.asked import Asked, allowed
from bots.discord_bot.translate import key, watched
from bots.texts import say

if TYPE_CHECKING:
    from bots.common.backscan import Show

MOST_DAYS = 90
"""As long as text may be kept at most (`core.config.Storage.keep_text_days`)."""
Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel | discord.Thread
LOST = (discord.HTTPException, aiohttp.ClientError, OSError, RuntimeError)
"""The answer is gone, or so is the connection that it was asked over."""


def add(group: app_commands.Group) -> None:
    """Add the command."""
    described = app_commands.describe(channel=say("en", "backscan.channel"), days=say("en", "backscan.days"))
    group.command(name="backscan", description=say("en", "backscan.description"))(described(backscan))


async def backscan(
    interaction: discord.Interaction[Any], channel: Channel, days: app_commands.Range[int, 1, MOST_DAYS]
) -> None:
    """Begin to read a channel's history."""
    asked = await allowed(interaction, "moderator")
    if asked is None:
        return
    if refusal := _refusal(asked, channel):
        await interaction.response.send_message(asked.say(refusal, channel=channel.id), ephemeral=True)
        return
    guard, scans = asked.client.guard, asked.client.scans
    with scans.asked(asked.server.id):
        await interaction.response.defer(ephemeral=True, thinking=True)
        scan = await guard.scans.begin(key(asked.server, channel.id), days, asked.person)
        scans.start(scan, asked.server, channel, _show(interaction, asked, scan.number))


def _refusal(asked: Asked, channel: Channel) -> str | None:
    """Return why a channel is not scanned now."""
    if asked.client.scans.busy(asked.server.id):
        return "backscan.busy"
    if asked.server.paused:
        return "backscan.paused"
    if not watched(channel, asked.server):
        return "backscan.ignored"
    held = channel.permissions_for(channel.guild.me)
    return (
        None
        if held.view_channel and (isinstance(channel, discord.ForumChannel) or may_read(channel))
        else "backscan.closed"
    )


def _show(interaction: discord.Interaction[Any], asked: Asked, number: int) -> Show:
    async def show(text: str, stoppable: bool) -> bool:
        buttons = None
        if stoppable:
            buttons = discord.ui.View(timeout=None)
            buttons.add_item(CancelButton(number, asked.say("backscan.cancel")))
        try:
            await interaction.edit_original_response(content=text, view=buttons)
        except LOST:
            return False
        return True

    return show


class CancelButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"lampkeeper:backscan:(?P<scan>\d{1,19})"
):
    """The button that cancels a scan."""

    def __init__(self, number: int, label: str = "") -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=label, style=style, custom_id=f"lampkeeper:backscan:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed out of its id (called by discord.py)."""
        return cls(int(match["scan"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Cancel (called by discord.py)."""
        if asked := await allowed(interaction, "moderator"):
            stopped = asked.client.scans.cancel(asked.server.id, self.number)
            text = asked.say("backscan.stopping" if stopped else "backscan.not_running")
            await interaction.response.send_message(text, ephemeral=True)
