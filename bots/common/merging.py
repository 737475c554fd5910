"""Making a case part of another one about the same person, or the same two people: asked which one, then done.

Leans on `core.casework.desk`, which decides what fits, records and audits. Which two cases are meant stands in what a
button is about, so that a press works after any restart. Nothing is asked once more: what was merged is opened again by
**Open again**, and stands by itself then.
"""

from __future__ import annotations

from typing import NamedTuple

from bots.common.answers import Answer, Press
from bots.common.face import status
from bots.common.words import Words
from core.casework.cards import Card
from core.casework.cases import concerns

INTO = "merge_into"
"""The button that merges."""
MOST = 5
"""Cases that are offered, the newest: an answer has room for so many."""


class Both(NamedTuple):
    """The case that becomes part of another, and that other."""

    case: str
    into: str

    @property
    def about(self) -> str:
        """What a button is about that merges them."""
        return f"{self.case}_{self.into}"


def both(about: str) -> Both:
    """Return which cases a button merges.

    >>> both(Both("0a", "0b").about)
    Both(case='0a', into='0b')
    """
    case, _, into = about.partition("_")
    return Both(case, into)


async def offer(press: Press, card: Card) -> Answer:
    """Offer the open cases that this one can become part of; nothing is recorded yet."""
    words = press.words
    found = await press.desk.mergeable(card.alert) if card.actor.id else []  # of two unknown people nobody knows
    others = [other for other in found if not concerns(other, press.moderator)]
    if not others:
        return Answer(words.say("hand.merge_none"))
    lines = [f"{number}. {_told(words, other)}" for number, other in enumerate(others[:MOST], 1)]
    if len(others) > MOST:
        lines.append(words.say("card.left_out", count=len(others) - MOST))
    buttons = tuple((INTO, Both(card.alert, other.alert).about) for other in others[:MOST])
    return Answer("\n".join([words.say("hand.merge_which"), *lines]), buttons=buttons)


async def merge(press: Press, card: Card, into: str) -> Answer:
    """Make a case part of another."""
    other = await press.desk.case(into)
    if other is None or other.space != press.space:
        return Answer(press.words.say("hand.unknown"))
    if concerns(other, press.moderator):
        return Answer(press.words.say("hand.never_yourself"))
    verdict = await press.desk.merge(card.alert, into, press.moderator)
    if verdict is None:
        return Answer(press.words.say("hand.unknown"))
    return Answer(press.words.say("hand.merged" if verdict.accepted else "hand.not_merged"))


def _told(words: Words, card: Card) -> str:
    target = words.person(card.target) if card.target else words.say("cases.nobody")
    when = words.markup.when(card.opened)
    return words.say(
        "hand.merge_line", who=f"{words.person(card.actor)} → {target}", when=when, status=status(card, words)
    )
