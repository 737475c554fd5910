"""The cases of a space, in lines: a page of them, those that somebody may mean, and what was done about one.

Leans on `core.casework.listing`. Where a card stands is for the platform to say: it gives a function from a card's
reference (`core.outbox.Deliverer.show`) to its address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple, TypeAlias

from bots.common.here import Here
from bots.common.lines import clip, duration
from bots.common.words import Words
from core.casework import listing
from core.casework.cards import Card, Person
from core.casework.listing import Done, Listed, Wanted

Address: TypeAlias = Callable[[str], str]
PAGE = 10
LOOKED_THROUGH = 100
"""Open cases, the newest, that a typed word is looked for in."""


class Page(NamedTuple):
    """A page of the list; `first` and `last` count from 1. `newer` and `older` are where the next pages start."""

    title: str
    lines: tuple[str, ...]
    footer: str = ""
    newer: int | None = None
    older: int | None = None

    @property
    def alone(self) -> bool:
        """Whether there is no other page."""
        return not self.footer


async def page(here: Here, wanted: Wanted, address: Address, start: int = 0) -> Page:
    """Read a page of the cases `wanted`, from number `start` on, newest first."""
    words = here.words
    rows, total = await listing.listed(here.ledger, here.space, wanted, start=start, most=PAGE)
    title = words.say(f"cases.title_{wanted.which}", total=total)
    lines = tuple(line(words, row, address) for row in rows) or (words.say("cases.none"),)
    if total <= PAGE:
        return Page(title, lines)
    footer = words.say("cases.page", first=start + 1, last=start + len(rows), total=total)
    newer, older = start - PAGE, start + PAGE
    return Page(title, lines, footer, newer if newer >= 0 else None, older if older < total else None)


def line(words: Words, row: Listed, address: Address) -> str:
    """Tell of one case in a line."""
    card = row.card
    target = words.person(card.target) if card.target else words.say("cases.nobody")
    return words.say(
        "cases.line",
        level=words.say(f"cases.level_{card.level}"),
        probability=words.probability(card.probability),
        when=words.markup.when(card.opened, "ago"),
        who=f"{words.person(card.actor)} → {target}",
        status=_status(words, card),
        link=words.markup.link(address(row.reference), words.say("cases.link")) if row.reference else "",
    )


def place(words: Words, row: Listed, address: Address) -> str:
    """Say where a case's card stands."""
    if not row.reference:
        return words.say("cases.not_shown")
    return words.markup.link(address(row.reference), words.say("cases.go"))


async def meant(here: Here, typed: str, longest: int) -> list[tuple[str, str]]:
    """Return open cases that show what was `typed`, newest first.

    Each is a label of at most `longest` characters, and the alert.
    """
    rows, _ = await listing.listed(here.ledger, here.space, Wanted("open"), most=LOOKED_THROUGH)
    now = here.ledger.clock()
    named = [(clip(_choice(here.words, row.card, now), longest), row.card.alert) for row in rows]
    return [(name, alert) for name, alert in named if typed.lower() in name.lower()]


def told(words: Words, done: Iterable[Done]) -> Iterator[str]:
    """Tell what was done; what somebody did several times in a row is one line, with the last time."""
    for _, row in groupby(done, key=lambda one: (one.what, one.who)):
        again = list(row)
        times = words.say("cases.times", count=len(again)) if len(again) > 1 else ""
        yield f"{_done(words, again[-1])} {times}".rstrip()


def _choice(words: Words, card: Card, now: float) -> str:
    return words.say(
        "cases.choice",
        level=words.say(f"cases.level_{card.level}"),
        ago=duration(max(0.0, now - card.opened)),
        actor=_name(words, card.actor),
        target=_name(words, card.target),
    )


def _name(words: Words, who: Person | None) -> str:
    return words.say("cases.nobody") if who is None else who.name or who.id


def _status(words: Words, card: Card) -> str:
    if card.state in {"on_hold", "reported", "closed"}:
        return words.say(f"cases.status_{card.state}")
    if card.decided is None:
        return words.say("cases.status_open")
    return words.say(f"cases.status_{card.decided.decision}", moderator=words.named(card.decided.moderator))


def _done(words: Words, one: Done) -> str:
    if one.who is None:
        who = words.say("cases.lampkeeper")
    else:
        who = words.named(one.who) if one.who.id else words.say("cases.somebody")
    what = words.say(f"cases.deed_{one.what.replace(' ', '_')}", detail=_detail(words, one))
    return words.say("cases.done", when=words.markup.when(one.time), who=who, what=what)


def _detail(words: Words, one: Done) -> str:
    """Say the level, the decision or the action that the audit noted."""
    detail = one.detail
    if "decision" in detail:
        return words.say(f"cases.decision_{detail['decision']}")
    if "level" in detail:
        level, probability = words.say(f"cases.level_{detail['level']}"), detail.get("probability")
        return level if probability is None else f"{level}, {words.probability(probability)}"
    return str(detail.get("action", ""))
