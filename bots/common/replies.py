"""What whoever pressed is told: that it was done, or where the case stands, from which it cannot be.

Leans on `bots.common.face` for where a case stands, in words.
"""

from __future__ import annotations

from bots.common.answers import Answer, Press
from bots.common.face import status
from core.casework.cards import Card
from core.casework.desk import Verdict


def unknown(press: Press) -> Answer:
    """Tell that there is no such case any more."""
    return Answer(press.words.say("hand.unknown"))


def told(press: Press, verdict: Verdict | None, accepted: str, otherwise: str) -> Answer:
    """Tell one thing or the other."""
    if verdict is None:
        return unknown(press)
    return Answer(press.words.say(accepted if verdict.accepted else otherwise))


def stepped(press: Press, verdict: Verdict | None, done: str) -> Answer:
    """Tell that a step was taken, or where the case stands, from which it cannot be."""
    if verdict is None:
        return unknown(press)
    if verdict.accepted:
        return Answer(press.words.say(done))
    return stands(press, verdict.card)


def stands(press: Press, card: Card) -> Answer:
    """Tell where the case stands."""
    return Answer(press.words.say("hand.stands", status=status(card, press.words)))


def too_late(press: Press, card: Card) -> Answer:
    """Tell that somebody decided before, or where the case stands, in which nobody decides."""
    if card.decided is None:
        return stands(press, card)
    return Answer(press.words.say("hand.decided_before", status=status(card, press.words)))
