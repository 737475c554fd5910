"""`/lampkeeper cases` and `/lampkeeper case`: what is open, what was decided, and what was done about one of them.

Leans on `bots.common.cases`. A page of the list has two buttons to turn it; they answer only whoever asked, for as long
as Discord lets an answer be changed, and ask anew whether they may.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, get_args

import discord
from discord import app_commands

from bots.common import belonging, rotation
from bots.common import cases as listed
from bots.discord_bot import card as drawn
from bots.discord_bot.addresses import SITE
from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.card import DESCRIPTION
from bots.discord_bot.links import direct
from bots.discord_bot.slash.asked import Asked, allowed, answer_error, asks
from bots.texts import say
from core.casework import listing
from core.casework.listing import Wanted, Which

ALL_EMBEDS = 5900
"""Characters of all embeds of one message (API, "Embed Limits": 6000)."""
BELONGING_MESSAGES = 3
"""Messages that tell what belongs to a case, at most."""
NOTE, LEFT_OUT = 3900, 100
"""Characters of a note as it is drawn, and of how many are left out."""
CHOICES, CHOICE = 25, 100
"""What Discord takes: choices, and characters of one (API, "Application Command Option Choice")."""
LIFE = 600.0
"""Seconds that the buttons live; Discord ends an answer's life after 15 minutes."""


def add(group: app_commands.Group) -> None:
    """Add both commands."""
    english = [app_commands.Choice(name=say("en", f"cases.which_{which}"), value=which) for which in get_args(Which)]
    described = app_commands.describe(which=say("en", "cases.which_option"), about=say("en", "cases.about_option"))(
        app_commands.choices(which=english)(cases)
    )
    group.command(name="cases", description=say("en", "cases.description"))(described)
    offered = app_commands.autocomplete(case=_offered)(app_commands.describe(case=say("en", "cases.case_option"))(case))
    group.command(name="case", description=say("en", "cases.case_description"))(offered)


async def cases(interaction: discord.Interaction[Any], which: str = "open", about: discord.User | None = None) -> None:
    """List the cases of a server."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        kind: Which = next(known for known in get_args(Which) if known == which)
        pages = Pages(interaction, Wanted(kind, None if about is None else str(about.id)))
        page = await pages.draw(asked)
        await interaction.followup.send(embed=page, view=pages, ephemeral=True, allowed_mentions=NOBODY)


class Pages(discord.ui.View):
    """The list, a page at a time, with buttons to the newer and the older page."""

    def __init__(self, first: discord.Interaction[Any], wanted: Wanted) -> None:
        super().__init__(timeout=LIFE)
        self._first = first
        self._wanted = wanted
        self._start = 0

    async def draw(self, asked: Asked) -> discord.Embed:
        """Read the page that is shown now, and set the buttons by it."""
        page = await listed.page(asked.here, self._wanted, _address(asked), self._start)
        self.clear_items()
        shown = discord.Embed(title=page.title, description=asked.words.fit(page.lines, DESCRIPTION))
        if not page.alone:
            for name, to in (("newer", page.newer), ("older", page.older)):
                self.add_item(Turn(asked.say(f"cases.{name}"), name, to))
            shown.set_footer(text=page.footer)
        return shown

    async def turn(self, interaction: discord.Interaction[Any], start: int) -> None:
        """Show the page from number `start` on."""
        if asked := await allowed(interaction, "moderator"):
            await interaction.response.defer()
            self._start = start
            page = await self.draw(asked)
            await interaction.edit_original_response(embed=page, view=self, allowed_mentions=NOBODY)

    async def on_timeout(self) -> None:
        """Take buttons away that would not answer any more (called by discord.py)."""
        with suppress(discord.HTTPException):
            await self._first.edit_original_response(view=None)

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _item: discord.ui.Item[Any], /
    ) -> None:
        """Say that it failed (called by discord.py)."""
        await answer_error(interaction, error)


class Turn(discord.ui.Button[Pages]):
    """A button to another page."""

    def __init__(self, label: str, name: str, start: int | None) -> None:
        super().__init__(label=label, custom_id=f"lampkeeper-cases:{name}", disabled=start is None)
        self._start = start or 0

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Turn the page (called by discord.py)."""
        assert self.view is not None
        await self.view.turn(interaction, self._start)


async def case(interaction: discord.Interaction[Any], case: str) -> None:
    """Show one case with its history, then what belongs to it, its notes hidden."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        ledger = asked.client.guard.ledger
        found = await listing.one(ledger, asked.space, case)
        if found is None:
            await interaction.followup.send(asked.say("cases.unknown"), ephemeral=True)
            return
        done = await listing.history(ledger, asked.space, case)
        text = listed.place(asked.words, found, _address(asked))
        theirs = await direct(asked.client, {ref.key.conversation for ref in found.card.messages})
        turn = await rotation.turn(asked.client.guard.desk, found.card, partial(asked.client.moderates, asked.server))
        card = drawn.embed(found.card, theirs, asked.server.language, turn=turn)
        room = min(DESCRIPTION, ALL_EMBEDS - len(card))
        told = asked.words.fit(listed.told(asked.words, done), room)
        past = discord.Embed(title=asked.say("cases.history"), description=told)
        await interaction.followup.send(text, embeds=[card, past], ephemeral=True, allowed_mentions=NOBODY)
        belongs = await listing.belonging(ledger, asked.space, case)
        lines = belonging.lines(asked.words, found.card, belongs, asked.person, NOTE)
        for page in belonging.pages(lines, asked.words, DESCRIPTION - LEFT_OUT, BELONGING_MESSAGES):
            await interaction.followup.send(
                embed=discord.Embed(description=page), ephemeral=True, allowed_mentions=NOBODY
            )


async def _offered(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
    """Offer the open cases that show what was typed."""
    asked = asks(interaction, "moderator")
    if asked is None:
        return []
    found = await listed.meant(asked.here, typed, CHOICE)
    return [app_commands.Choice(name=name, value=alert) for name, alert in found][:CHOICES]


def _address(asked: Asked) -> Callable[[str], str]:
    """Return what makes a card's address of its reference."""
    return lambda reference: f"{SITE}/channels/{asked.server.id}/{reference}"
