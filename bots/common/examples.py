"""Invented cards, for the pages in docs that show how a platform draws them. Mild lines of the demo's kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from core.casework.cards import Action, Background, Card, Claim, Decided, ExcerptLine, MessageRef, Person, Taken
from core.messages import ConversationKey
from core.signals.computed import MEANINGS

OPENED = 1_795_000_000.0
HOUR = 3600.0
SHOWN = ("asks_age", "flattery", "gifts", "secrecy_request", "move_off_platform")


class People(NamedTuple):
    """Those on the cards, by a platform's ids."""

    actor: Person
    target: Person
    moderator: Person


def open_card(people: People, key: ConversationKey, messages: Iterable[str]) -> Card:
    """Return an open alert; `messages` are the ids of those it rests on."""
    return Card(
        alert="3f2a9c51d07be846",
        space=key.space,
        level="review",
        probability=0.996,
        actor=people.actor,
        target=people.target,
        signals=tuple(MEANINGS[name] for name in SHOWN),
        messages=tuple(MessageRef(key, message) for message in messages),
        opened=OPENED,
        about_actor=Background(dismissed=1, stated=(19,)),
        about_target=Background(band="13_15"),
        course=(0.02, 0.05, 0.04, 0.2, 0.45, 0.4, 0.7, 0.9, 0.97, 0.996),
    )


def decided_card(card: Card, moderator: Person, action: Action) -> Card:
    """Return the same, urgent, decided and held, with what a moderator did."""
    return replace(
        card,
        level="urgent",
        claimed=Claim(moderator, OPENED + HOUR),
        held=OPENED + HOUR,
        actions=(Taken(1, action, moderator, OPENED + HOUR),),
        decided=Decided("confirmed", moderator, OPENED + 2 * HOUR),
    )


def lines(people: People) -> list[ExcerptLine]:
    """Return an excerpt."""
    gift = "better not tell your parents about the gift"
    return [
        ExcerptLine(people.target, OPENED - 60, "good game, that was close", reason=False),
        ExcerptLine(people.actor, OPENED - 40, gift, reason=True, weighty=((7, 28),)),
    ]
