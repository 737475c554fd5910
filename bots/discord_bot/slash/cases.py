"""`/lampkeeper cases` and `/lampkeeper case`: what is open, what was decided, and what was done about one of them.

Leans on `core.case_list`. A page of the list has two buttons to turn it; they answer only whoever asked, for as long as
Discord lets an answer be changed, and ask anew whether they may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any, get_args

import discord
from discord import app_commands

from bots.discord_bot import card as drawn
from bots.discord_bot.buttons import NOBODY
from bots.discord_bot.card import DESCRIPTION, clip, escaped, fit
from bots.discord_bot.delivery import direct
from bots.discord_bot.slash.asked import Asked, allowed, answer_error, asks
from bots.discord_bot.units import duration
from bots.texts import say
from core import case_list
from core.cards import Card, Person, percent
from core.case_list import Done, Listed, Wanted, Which

ALL_EMBEDS = 5900
"""Characters of all embeds of one message (API, "Embed Limits": 6000)."""
PAGE = 10
CHOICES, CHOICE = 25, 100
"""What Discord takes: choices, and characters of one (API, "Application Command Option Choice")."""
LOOKED_THROUGH = 100
"""Open cases, the newest, that a typed word is looked for in."""
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
        ledger, which = asked.client.guard.ledger, self._wanted.which
        rows, total = await case_list.listed(ledger, asked.space, self._wanted, start=self._start, most=PAGE)
        self.clear_items()
        if total > PAGE:
            for words, to in (("newer", self._start - PAGE), ("older", self._start + PAGE)):
                self.add_item(Turn(asked.say(f"cases.{words}"), words, to, closed=not 0 <= to < total))
        lines = [_line(asked, row) for row in rows] or [asked.say("cases.none")]
        page = discord.Embed(title=asked.say(f"cases.title_{which}", total=total), description=fit(lines, DESCRIPTION))
        if total > PAGE:
            last = self._start + len(rows)
            page.set_footer(text=asked.say("cases.page", first=self._start + 1, last=last, total=total))
        return page

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

    def __init__(self, label: str, name: str, start: int, *, closed: bool) -> None:
        super().__init__(label=label, custom_id=f"lampkeeper-cases:{name}", disabled=closed)
        self._start = start

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Turn the page (called by discord.py)."""
        assert self.view is not None
        await self.view.turn(interaction, self._start)


async def case(interaction: discord.Interaction[Any], case: str) -> None:
    """Show one case with its history."""
    if asked := await allowed(interaction, "moderator"):
        await interaction.response.defer(ephemeral=True, thinking=True)
        ledger = asked.client.guard.ledger
        found = await case_list.one(ledger, asked.space, case)
        if found is None:
            await interaction.followup.send(asked.say("cases.unknown"), ephemeral=True)
            return
        done = await case_list.history(ledger, asked.space, case)
        url = _url(asked, found)
        text = asked.say("cases.link_line", url=url) if url else asked.say("cases.not_shown")
        card = drawn.embed(found.card, await direct(asked.client, found.card), asked.server.language)
        room = min(DESCRIPTION, ALL_EMBEDS - len(card))
        past = discord.Embed(title=asked.say("cases.history"), description=fit(_told(asked, done), room))
        await interaction.followup.send(text, embeds=[card, past], ephemeral=True, allowed_mentions=NOBODY)


async def _offered(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
    """Offer the open cases that show what was typed."""
    asked = asks(interaction, "moderator")
    if asked is None:
        return []
    ledger = asked.client.guard.ledger
    rows, _ = await case_list.listed(ledger, asked.space, Wanted("open"), most=LOOKED_THROUGH)
    now = ledger.clock()
    named = [(clip(_choice(asked, row.card, now), CHOICE), row.card.alert) for row in rows]
    found = [app_commands.Choice(name=name, value=alert) for name, alert in named if typed.lower() in name.lower()]
    return found[:CHOICES]


def _choice(asked: Asked, card: Card, now: float) -> str:
    return asked.say(
        "cases.choice",
        level=asked.say(f"cases.level_{card.level}"),
        ago=duration(max(0.0, now - card.opened)),
        actor=_name(asked, card.actor),
        target=_name(asked, card.target),
    )


def _name(asked: Asked, who: Person | None) -> str:
    return asked.say("cases.nobody") if who is None else who.name or who.id


def _line(asked: Asked, row: Listed) -> str:
    card, url = row.card, _url(asked, row)
    target = drawn.person(card.target) if card.target else asked.say("cases.nobody")
    return asked.say(
        "cases.line",
        level=asked.say(f"cases.level_{card.level}"),
        probability=percent(card.probability),
        when=f"<t:{int(card.opened)}:R>",
        who=f"{drawn.person(card.actor)} → {target}",
        status=_status(asked, card),
        link=asked.say("cases.link", url=url) if url else "",
    )


def _status(asked: Asked, card: Card) -> str:
    if card.decided is None:
        return asked.say("cases.status_open")
    moderator = escaped(card.decided.moderator.name, 64)
    return asked.say(f"cases.status_{card.decided.decision}", moderator=moderator)


def _url(asked: Asked, row: Listed) -> str:
    """Link to the card; "" where it was not shown yet."""
    return f"https://discord.com/channels/{asked.server.id}/{row.reference}" if row.reference else ""


def _told(asked: Asked, done: list[Done]) -> Iterator[str]:
    """Tell what was done; what somebody did several times in a row is one line, with the last time."""
    for _, row in groupby(done, key=lambda one: (one.what, one.who)):
        again = list(row)
        times = asked.say("cases.times", count=len(again)) if len(again) > 1 else ""
        yield f"{_done(asked, again[-1])} {times}".rstrip()


def _done(asked: Asked, one: Done) -> str:
    if one.who is None:
        who = asked.say("cases.lampkeeper")
    else:
        who = escaped(one.who.name, 64) if one.who.id else asked.say("cases.somebody")
    what = asked.say(f"cases.deed_{one.what.replace(' ', '_')}", detail=_detail(asked, one))
    return asked.say("cases.done", time=int(one.time), who=who, what=what)


def _detail(asked: Asked, one: Done) -> str:
    """Say the level, the decision or the action that the audit noted."""
    detail = one.detail
    if "decision" in detail:
        return asked.say(f"cases.decision_{detail['decision']}")
    if "level" in detail:
        level, probability = asked.say(f"cases.level_{detail['level']}"), detail.get("probability")
        return level if probability is None else f"{level}, {percent(probability)}"
    return str(detail.get("action", ""))
