"""The alert card as one platform-neutral value; each adapter renders it in its platform's own manner.

Leans on `core.effects` and the signals' meanings. The wording says what the conversation does ("follows a risk
pattern") and never what a person is. What is here serves the terminal and the record, in English; on platforms
`bots.texts` says the same in each language, and a test holds its English equal to this. A card holds names and links
but no message text: an excerpt is shown only to the moderator who asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal, get_args

from core.effects import Level
from core.messages import AgeBand, ConversationKey

Decision = Literal["confirmed", "dismissed"]
Gone = Literal["left", "banned"]
Grounds = Literal["ordinary_talk", "friends_family", "role_play", "wrong_person", "other"]
"""Why people dismissed an alert: ordinary talk, friends or family, role play or a game, the other way round, else."""
GROUNDS: tuple[Grounds, ...] = get_args(Grounds)
State = Literal["open", "claimed", "escalated", "dismissed", "concern_confirmed", "reported", "on_hold", "closed"]
"""Where a case stands; `transitions` says how it gets there."""
STATES: tuple[State, ...] = get_args(State)
Call = Literal["urgent", "second", "remind", "ping", "second_channel"]
"""What people are called for: the conversation strongly follows the pattern; somebody wants a second reviewer; nobody
has claimed it, which is said under the card, by calling moderators, and in another channel."""
REMINDERS: tuple[Call, ...] = ("remind", "ping", "second_channel")
"""Calls to what nobody has claimed."""
BLOCKS = "▁▂▃▄▅▆▇█"

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
GONE_WORDS: dict[Gone, str] = {"left": "not here any more", "banned": "banned"}
ATTACHED_WORDS = {
    "image": "an image",
    "video": "a video",
    "audio": "a sound",
    "file": "a file",
    "sticker": "a sticker",
    "poll": "a poll",
    "forward": "a forwarded message",
}
"""What was sent along, by its kind (`core.messages.Message.attachments`); nobody looked into it."""
ASKED = "A member asked moderators to look"
WITHDRAWN = "The data of this alert was deleted."
DECISION_WORDS: dict[Decision, str] = {"confirmed": "Concern confirmed", "dismissed": "Dismissed"}


def percent(probability: float | None) -> str:
    """Write a probability for people: rounded down, finer where it matters, never as certainty, which it is not.

    >>> percent(0.968), percent(0.9968), percent(0.9999), percent(None)
    ('96 %', '99.6 %', '>99.9 %', 'none: too little was said')
    """
    if probability is None:
        return "none: too little was said"
    if probability < 0.99:
        return f"{floor(100 * probability)} %"
    return f"{floor(1000 * probability) / 10:.1f} %" if probability <= 0.999 else ">99.9 %"


def sparkline(course: Sequence[float]) -> str:
    """Draw probabilities, oldest first, a block each.

    >>> sparkline([0.0, 0.3, 0.5, 0.99, 1.0])
    '▁▃▅██'
    """
    return "".join(BLOCKS[min(floor(probability * len(BLOCKS)), len(BLOCKS) - 1)] for probability in course)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a card: the platform id (for mentions), the name last seen, and whether they are gone since.

    Without an id, it is not known who is meant (a report named somebody whom nobody could find).
    """

    id: str
    name: str
    gone: Gone | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Who decided what, when (seconds since the epoch, UTC), on which grounds, and what they remarked."""

    decision: Decision
    moderator: Person
    time: float
    grounds: Grounds | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who works on it, since when (seconds since the epoch, UTC)."""

    moderator: Person
    time: float


@dataclass(frozen=True, slots=True)
class Action:
    """What a moderator did on the platform, to whom; `what` names it ("timeout"), `until` is when it ends by itself.

    `place` is a channel's id where it concerns one, and `before` what the platform needs to take it back.
    """

    what: str
    person: Person
    until: float | None = None
    place: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """An action by its `number`: who took it, when, and when it was undone, if it was."""

    number: int
    action: Action
    moderator: Person
    time: float
    undone: float | None = None


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of one person in the space besides this alert.

    `open`, `confirmed` and `dismissed` count the other alerts they are one of. `band` is an age band given by a `role`
    or by the operator's `configuration`; `stated` are ages in years in their own words, which may be true or not.
    """

    open: int = 0
    confirmed: int = 0
    dismissed: int = 0
    band: AgeBand | None = None
    band_by: Literal["role", "configuration"] = "role"
    stated: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands, for a link to it."""

    key: ConversationKey
    message_id: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One alert as moderators see it.

    `alert` is the alert's id; `probability` is in 0..1, or None where too little was said; `signals` are meanings in
    words, and `welfare` those that tell how the other person fares; `messages` are the ones that moved the score most,
    strongest first, after those that members reported; `decided` is None while open. A second reviewer was asked at
    `escalated`, and the evidence is under legal hold since `held`, to `held_until` if that ends by itself; `held_by`
    is the case that this one is part of, where the hold is on that, and nobody ends one before `fixed_until`. `state`
    is one of `transitions`, `merged` the case that this one became part of, and `of_parts` whom those are about that
    became part of this one. `course` is how the probability moved with
    the pair's last messages of which the text is retained. `reported` are the times of members' reports, and `asked`
    says that such a report, not the score, opened it. Who reported is never on the card, which the reported person may
    be able to see: an excerpt tells.
    """

    alert: str
    space: str
    level: Level
    probability: float | None
    actor: Person
    target: Person | None
    signals: tuple[str, ...]
    messages: tuple[MessageRef, ...]
    opened: float
    decided: Decided | None = None
    welfare: tuple[str, ...] = ()
    claimed: Claim | None = None
    escalated: float | None = None
    held: float | None = None
    held_until: float | None = None
    held_by: str | None = None
    fixed_until: float | None = None
    state: State = "open"
    merged: str | None = None
    of_parts: tuple[Person, ...] = ()
    actions: tuple[Taken, ...] = ()
    about_actor: Background = Background()
    about_target: Background = Background()
    course: tuple[float, ...] = ()
    reported: tuple[float, ...] = ()
    asked: bool = False

    @property
    def title(self) -> str:
        """The headline, in words."""
        words = LEVEL_WORDS[self.level]
        if self.asked:
            return ASKED if self.level == "none" else f"{ASKED}. {words}"
        return words

    @property
    def status(self) -> str:
        """`Open`, who decided what, or that nobody did and nobody is asked to.

        >>> from core.messages import ConversationKey
        >>> Card("a", "s", "review", .9, Person("1", "actor"), None, (), (), 0.0).status
        'Open'
        """
        if self.decided is None:
            return "Open" if self.state in {"open", "claimed", "escalated"} else "Nobody decided it"
        return f"{DECISION_WORDS[self.decided.decision]} by {self.decided.moderator.name}"


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """One line of an excerpt: who, when, what, and whether it is one of those that moved the score.

    `attachments` are kinds, as in `core.messages.Message`. Of one that moved the score, `weighty` are the stretches of
    `text` (start, end) that carry most of the weight. `report`: it is no message, but what a member who asked
    moderators to look wrote to them. `earlier` is what it said before, if it was edited since and said something else:
    of several wordings the weightiest. `edited` is when the platform says that it was edited before it was seen at all
    (seconds since the epoch); what it said before that is not known. `left_out` messages before this one were not asked
    for; of the last message `more_after` it.
    """

    author: Person
    time: float | None
    text: str
    reason: bool
    deleted: bool = False
    attachments: tuple[str, ...] = ()
    weighty: tuple[tuple[int, int], ...] = ()
    report: bool = False
    earlier: str = ""
    edited: float | None = None
    left_out: int = 0
    more_after: int = 0

    @property
    def attached(self) -> str:
        """What was sent along, in words; "" if nothing was.

        >>> ExcerptLine(Person("1", "friend"), None, "", False, attachments=("image", "file")).attached
        'an image, a file'
        """
        return ", ".join(ATTACHED_WORDS.get(kind, kind) for kind in self.attachments)
