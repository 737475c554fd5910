"""`/lampkeeper cases` and `/lampkeeper case`: what is open, what was decided, and what was done about one of them.

Leans on `bots.common.cases` and `bots.common.face`. The list's buttons hold what they turn to, so that they answer
after a restart, too; a case is opened in a window.
"""

from __future__ import annotations

import json
from typing import get_args

from bots.common import cases as listed
from bots.common.face import face
from bots.slack_app.commands.asked import Asked, Shown
from bots.slack_app.commands.typed import PERSON, named
from bots.slack_app.commands.windows import window
from bots.slack_app.kit import SECTION, Block, actions, button, context, modal, section
from core import case_list
from core.cards import Card
from core.case_list import Listed, Wanted, Which

TURN, OPEN = "lampkeeper-cases", "lampkeeper-case"
"""Ids of the buttons that turn the list, and that open a case."""
CHOICES, CHOICE = 10, 140


async def cases(asked: Asked, words: str) -> Shown:
    """List the cases: open ones, or `decided` or `all`; only those that a member is one of, if one is mentioned."""
    given = words.lower().split()
    which: Which = next((known for known in get_args(Which) if known in given), "open")
    return await _page(asked, Wanted(which, named(PERSON, words)), 0)


async def turn(asked: Asked, value: str) -> Shown:
    """Show another page."""
    which, about, start = json.loads(value)
    return await _page(asked, Wanted(which, about), start)


async def _page(asked: Asked, wanted: Wanted, start: int) -> Shown:
    page = await listed.page(asked.here, wanted, lambda reference: address(asked, reference), start)
    rows, _ = await case_list.listed(asked.here.ledger, asked.here.space, wanted, start=start, most=listed.PAGE)
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
    return Shown(page.title, blocks)


async def open_cases(asked: Asked, most: int) -> list[Block]:
    """Return the newest open cases with a button each, under how many there are."""
    here = asked.here
    rows, total = await case_list.listed(here.ledger, here.space, Wanted("open"), most=most)
    title = section(asked.words.markup.bold(asked.say("cases.title_open", total=total)))
    return [title, *(_lines(asked, rows) or [section(asked.say("cases.none"))])]


def _lines(asked: Asked, rows: list[Listed]) -> list[Block]:
    shown = asked.say("home.open_case")
    return [
        section(
            listed.line(asked.words, row, lambda reference: address(asked, reference)),
            button(shown, OPEN, row.card.alert),
        )
        for row in rows
    ]


async def case(asked: Asked, words: str) -> Shown:
    """Show the one open case that was meant, or those that may have been."""
    if found := await case_list.one(asked.here.ledger, asked.here.space, words):
        return Shown(asked.say("home.case_title"), await _case(asked, found))
    meant = await listed.meant(asked.here, words, CHOICE)
    if not meant:
        return Shown(asked.say("cases.none"))
    if len(meant) == 1 and (found := await case_list.one(asked.here.ledger, asked.here.space, meant[0][1])):
        return Shown(asked.say("home.case_title"), await _case(asked, found))
    escaped, label = asked.words.markup.escaped, asked.say("home.open_case")
    rows = [section(escaped(name), button(label, OPEN, alert)) for name, alert in meant[:CHOICES]]
    return Shown(asked.say("home.which_case"), [section(asked.say("home.which_case")), *rows])


async def opened(asked: Asked, alert: str) -> Shown | None:
    """Open a case in a window."""
    found = await case_list.one(asked.here.ledger, asked.here.space, alert)
    if found is None:
        return Shown(asked.say("cases.unknown"))
    return await window(asked, modal(asked.say("home.case_title"), await _case(asked, found)))


async def _case(asked: Asked, found: Listed) -> list[Block]:
    """Draw a case: its card, without buttons, and what was done."""
    here, words, bold = asked.here, asked.words, asked.words.markup.bold
    done = await case_list.history(here.ledger, here.space, found.card.alert)
    shown = face(found.card, words, [*_links(asked, found.card)], {})
    return [
        section(bold(shown.title)),
        section(listed.place(words, found, lambda reference: address(asked, reference))),
        *(section(f"{bold(field.name)}\n{field.text}") for field in shown.fields),
        context(shown.note),
        section(words.fit([bold(words.say("cases.history")), *listed.told(words, done)], SECTION)),
    ]


def _links(asked: Asked, card: Card) -> list[str | None]:
    """Return where a card's messages stand; a direct message with the app opens to nobody else."""
    link = asked.words.markup.link
    places = [(message, *message.key.conversation.partition("/")[::2]) for message in card.messages]
    return [
        None
        if channel.startswith("D")
        else link(address(asked, f"{channel}/{message.message_id}", thread), str(number))
        for number, (message, channel, thread) in enumerate(places, 1)
    ]


def address(asked: Asked, reference: str, thread: str = "") -> str:
    """Return the address of a message by its channel and time, as Slack's own permalinks are."""
    channel, _, ts = reference.partition("/")
    of_thread = f"?thread_ts={thread}&cid={channel}" if thread else ""
    return f"{asked.workspace.who.url}archives/{channel}/p{ts.replace('.', '')}{of_thread}"
