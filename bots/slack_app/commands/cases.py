"""`/lampkeeper cases` and `/lampkeeper case`: what is open, what was decided, and what was done about one of them.

Leans on `bots.common.cases` and `bots.slack_app.case`. The list's buttons hold what they turn to, so that they answer
after a restart, too; a case is opened in a window.
"""

from __future__ import annotations

import json
from typing import get_args

from bots.common import cases as listed
from bots.slack_app import case as one
from bots.slack_app.asked import Asked
from bots.slack_app.commands.typed import PERSON, named
from bots.slack_app.kit import Block, Shown, actions, button, context, section
from core.casework import listing
from core.casework.listing import Listed, Wanted, Which

TURN, OPEN = "lampkeeper-cases", "lampkeeper-case"
"""Ids of the buttons that turn the list, and that open a case."""
CHOICES, CHOICE = 10, 140


async def cases(asked: Asked, words: str) -> Shown:
    """List the cases: open ones, or another of `Which`; only those that a member is one of, if one is mentioned."""
    given = words.lower().split()
    which: Which = next((known for known in get_args(Which) if known in given), "open")
    return await _page(asked, Wanted(which, named(PERSON, words)), 0)


async def turn(asked: Asked, value: str) -> Shown:
    """Show another page."""
    which, about, start = json.loads(value)
    return (await _page(asked, Wanted(which, about), start))._replace(instead=True)


async def _page(asked: Asked, wanted: Wanted, start: int) -> Shown:
    page = await listed.page(asked.here, wanted, _address(asked), start)
    rows, _ = await listing.listed(asked.here.ledger, asked.here.space, wanted, start=start, most=listed.PAGE)
    blocks = [section(asked.words.markup.bold(page.title)), *_lines(asked, rows)]
    if not rows:
        blocks.append(section(page.lines[0]))
    if not page.alone:
        blocks.append(context(page.footer))
        ways = (("newer", page.newer), ("older", page.older))
        blocks.append(
            actions(
                button(asked.say(f"cases.{name}"), f"{TURN}-{name}", json.dumps([*wanted, to]))
                for name, to in ways
                if to is not None
            )
        )
    return Shown(page.title, tuple(blocks))


async def open_cases(asked: Asked, most: int) -> list[Block]:
    """Return the newest open cases with a button each, under how many there are."""
    here = asked.here
    rows, total = await listing.listed(here.ledger, here.space, Wanted("open"), most=most)
    title = section(asked.words.markup.bold(asked.say("cases.title_open", total=total)))
    return [title, *(_lines(asked, rows) or [section(asked.say("cases.none"))])]


def _lines(asked: Asked, rows: list[Listed]) -> list[Block]:
    shown = asked.say("home.open_case")
    return [
        section(
            listed.line(asked.words, row, _address(asked)),
            button(shown, OPEN, row.card.alert),
        )
        for row in rows
    ]


def _address(asked: Asked) -> listed.Address:
    """Return what tells where a card stands."""
    return lambda reference: asked.workspace.who.address(*reference.split("/", 1))


async def case(asked: Asked, words: str) -> Shown:
    """Show the one open case that was meant, or those that may have been."""
    if found := await _found(asked, words):
        return Shown(asked.say("home.case_title"), tuple(await _drawn(asked, found)))
    meant = await listed.meant(asked.here, words, CHOICE)
    if not meant:
        return Shown(asked.say("cases.none"))
    if len(meant) == 1 and (found := await _found(asked, meant[0][1])):
        return Shown(asked.say("home.case_title"), tuple(await _drawn(asked, found)))
    escaped, label = asked.words.markup.escaped, asked.say("home.open_case")
    rows = [section(escaped(name), button(label, OPEN, alert)) for name, alert in meant[:CHOICES]]
    return Shown.of(asked.say("home.which_case"), more=tuple(rows))


async def opened(asked: Asked, alert: str) -> Shown | None:
    """Open a case in a window."""
    found = await _found(asked, alert)
    if found is None:
        return Shown(asked.say("cases.unknown"))
    return await asked.open(one.window(asked.words, alert, await _drawn(asked, found)))


async def _found(asked: Asked, alert: str) -> Listed | None:
    return await listing.one(asked.here.ledger, asked.here.space, alert)


async def _drawn(asked: Asked, found: Listed) -> list[Block]:
    return await one.blocks(asked.workspace, found, await asked.person())
