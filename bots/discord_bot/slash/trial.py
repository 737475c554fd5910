"""`/lampkeeper test`: a test card goes through the outbox into the alert channel; whoever asked is told how it went.

Leans on `core.outbox`: the test card is a notice whose text is an order to this module (`order`), so that the core
knows nothing of it, and nothing of it stays: no alert, no case, no row once it was shown. Its buttons have ids of their
own. It is edited once, as cards are, to tell how long it took. One that could not be shown is taken out of the outbox
again: a test card that comes hours later would only puzzle.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from typing import Any, Self

import discord
from discord import app_commands

from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.delivery import nonce, refusals
from bots.discord_bot.servers import Served
from bots.discord_bot.slash.asked import allowed
from bots.texts import say
from core import outbox

PATIENCE = 10.0
"""Seconds to wait for the outbox."""
BUTTONS = {"confirm": discord.ButtonStyle.danger, "excerpt": discord.ButtonStyle.primary}
_ORDER = "lampkeeper-test:"


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
        notice = order(time.time())
        async with guard.ledger.transaction() as tx:
            await outbox.put_notice(tx, asked.space, notice, guard.ledger.clock())
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await guard.settled()
        unshown = await outbox.take_back(guard.ledger.store, asked.space, notice)
        if unshown is None:
            text = asked.say("test.shown", channel=channel)
        elif unshown.error is None:
            text = asked.say("test.late", seconds=f"{PATIENCE:g}")
        else:
            text = asked.say("test.refused", error=unshown.error)
        await interaction.followup.send(text, ephemeral=True)


def order(began: float) -> str:
    """Write the notice that stands for a test card asked for at `began`, seconds since the epoch."""
    return f"{_ORDER}{began:.3f}"


def is_order(notice: str) -> bool:
    """Tell whether a notice stands for a test card.

    >>> is_order(order(1700000000.0)), is_order("Lampkeeper is behind.")
    (True, False)
    """
    return notice.startswith(_ORDER)


async def post(client: discord.Client, channel: int, notice: str, server: Served) -> None:
    """Post the test card, and edit it to say how long it took."""
    words, began = server.language, notice.removeprefix(_ORDER)
    buttons = discord.ui.View(timeout=None)
    for name in BUTTONS:
        buttons.add_item(TrialButton(name, began.replace(".", ""), words))
    page = discord.Embed(title=say(words, "test.title"), description=say(words, "test.text"))
    with refusals(client, channel):
        place = client.get_partial_messageable(channel)
        sent = await place.send(embed=page, view=buttons, nonce=nonce(notice, None), allowed_mentions=NOBODY)
        page.set_footer(text=say(words, "test.took", seconds=f"{max(0.0, time.time() - float(began)):.1f}"))
        await sent.edit(embed=page, view=buttons, allowed_mentions=NOBODY)


class TrialButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"lampkeeper-test:(?P<name>confirm|excerpt):(?P<began>\d{1,20})",
):
    """One button of a test card."""

    def __init__(self, name: str, began: str, language: str = "en") -> None:
        label, style = say(language, f"test.{name}"), BUTTONS[name]
        super().__init__(discord.ui.Button(label=label, style=style, custom_id=f"{_ORDER}{name}:{began}"))

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
