"""The alert card as one platform-neutral value; each adapter renders it in its platform's own manner.

Leans on `core.effects` and the signals' meanings. The wording is decided here, once: it says what the conversation
does ("follows a risk pattern") and never what a person is. A card holds names and links but no message text: an
excerpt is shown only to the moderator who asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Literal

from core.effects import Level
from core.messages import ConversationKey

Decision = Literal["confirmed", "dismissed"]

LEVEL_WORDS: dict[Level, str] = {
    "none": "No pattern",
    "watch": "Some signs of a risk pattern",
    "review": "This conversation follows a risk pattern",
    "urgent": "This conversation strongly follows a risk pattern",
}
LEVEL_MEANINGS: dict[Level, str] = {
    "none": "nothing to tell",
    "watch": "some signs; counted, nobody is told",
    "review": "the conversation follows a risk pattern; a card appears",
    "urgent": "it strongly follows a risk pattern; the card says so",
}
"""What a level means for moderators, in the README's words."""
NOTE = (
    "A program noticed a pattern; only people can say what it means. Where such conversations are rare, most cards are "
    "about ordinary talk. Please read before deciding."
)
DECISION_WORDS: dict[Decision, str] = {"confirmed": "Concern confirmed", "dismissed": "Dismissed"}


def percent(probability: float) -> str:
    """Write a probability for people: rounded down, finer where it matters, never as certainty, which it is not.

    >>> percent(0.968), percent(0.9968), percent(0.9999)
    ('96 %', '99.6 %', '>99.9 %')
    """
    if probability < 0.99:
        return f"{floor(100 * probability)} %"
    return f"{floor(1000 * probability) / 10:.1f} %" if probability <= 0.999 else ">99.9 %"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a card: the platform id (for mentions) and the name last seen."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Decided:
    """Who decided what, when (seconds since the epoch, UTC)."""

    decision: Decision
    moderator: Person
    time: float


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands, for a link to it."""

    key: ConversationKey
    message_id: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One alert as moderators see it.

    `alert` is the alert's id; `probability` is in 0..1; `signals` are meanings in words, and `welfare` those
    that tell how the other person fares; `messages` are the ones that
    moved the score most, strongest first; `decided` is None while open.
    """

    alert: str
    space: str
    level: Level
    probability: float
    actor: Person
    target: Person | None
    signals: tuple[str, ...]
    messages: tuple[MessageRef, ...]
    opened: float
    decided: Decided | None = None
    welfare: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The headline, in words."""
        return LEVEL_WORDS[self.level]

    @property
    def status(self) -> str:
        """`Open`, or who decided what.

        >>> from core.messages import ConversationKey
        >>> Card("a", "s", "review", .9, Person("1", "actor"), None, (), (), 0.0).status
        'Open'
        """
        if self.decided is None:
            return "Open"
        return f"{DECISION_WORDS[self.decided.decision]} by {self.decided.moderator.name}"


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """One line of an excerpt: who, when, what, and whether it is one of those that moved the score."""

    author: Person
    time: float | None
    text: str
    reason: bool
    deleted: bool = False
