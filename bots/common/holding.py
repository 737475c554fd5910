"""Legal holds by a card: setting one, and ending it once somebody is sure.

Leans on `bots.common.replies`; `core.casework.holds` says which ends when.
"""

from __future__ import annotations

import time

from bots.common import replies
from bots.common.answers import Answer, Press
from bots.common.words import Words
from core.casework.cards import Card


async def hold(press: Press, card: Card) -> Answer:
    """Put the case under legal hold."""
    return replies.told(press, await press.desk.hold(card.alert, press.moderator), "hand.held", "hand.held_before")


async def lift(press: Press, card: Card) -> Answer:
    """Ask whether the hold shall end: what is kept only because of it goes soon after."""
    words, fixed = press.words, _fixed(card)
    if card.held_by is not None or (fixed is not None and card.held_until is not None):
        return _stays(press, card)
    sure = words.say("hand.sure_lift" if fixed is None else "hand.sure_lift_reported", when=_day(fixed, words))
    return Answer(sure, buttons=(("yes_lift", card.alert),))


async def yes_lift(press: Press, card: Card) -> Answer:
    """End the legal hold."""
    verdict = await press.desk.lift(card.alert, press.moderator)
    if verdict is None:
        return replies.unknown(press)
    if not verdict.accepted:
        return _stays(press, verdict.card)
    if verdict.card.held is None:
        return Answer(press.words.say("hand.lifted"))
    return Answer(press.words.say("hand.lifted_until", when=_day(verdict.card.held_until, press.words)))


def _stays(press: Press, card: Card) -> Answer:
    """Say why the hold on a case is not ended."""
    if card.held is None:
        return Answer(press.words.say("hand.not_held"))
    if card.held_by is not None:
        return Answer(press.words.say("hand.held_by", case=card.held_by))
    if (fixed := _fixed(card)) is not None:
        return Answer(press.words.say("hand.held_until", when=_day(fixed, press.words)))
    return Answer(press.words.say("hand.held_under_way"))


def _fixed(card: Card) -> float | None:
    """Return until when nobody ends the hold on a reported case; None if that is over, or it was never reported."""
    return card.fixed_until if card.fixed_until is not None and card.fixed_until > time.time() else None


def _day(time: float | None, words: Words) -> str:
    return "" if time is None else words.markup.when(time, "day")
