"""Computed signals: what a pair's state says, beyond any one message; and what every signal means.

Leans on the states of `core.pair` by type only, for it is called with them. Every function is cheap: it runs at every
score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from core.signals import PATTERN_SIGNALS

if TYPE_CHECKING:
    from core.pair import PairState, PersonState

MINOR_BELOW = 18
AGE_GAP = 4
"""Years between two stated ages: as wide as the usual close-in-age rules."""
AGES_APART = 1
"""Two own ages this many years apart may be a birthday; more is a contradiction."""
FAN_OUT_TARGETS = 3
FAN_OUT_SIGNALS = 3
"""Signals shown to one target before it counts: everybody shows one or two to anybody."""
EARLY = 30
"""Messages of the actor that count as the beginning."""
EARLY_STAGES = 3
QUESTIONS = 8
QUESTIONS_RATIO = 3
"""Asks at least so many questions, and so many times as many as come back..."""
ANSWERS = 5
"""... from somebody who said at least this many messages."""
NIGHT_MESSAGES = 10

Function = Callable[["PairState", "PairState", "PersonState", "PersonState"], bool]


class ComputedSignal(NamedTuple):
    """A name, the meaning in words that accuse nobody, and a function of (pair, reverse, actor, target).

    `neutral`: it needs no word of the messages to be in a language that the model reads.
    """

    name: str
    meaning: str
    function: Function
    weighed: bool = True
    neutral: bool = False


_STAGES = {signal.name: signal.stage for signal in PATTERN_SIGNALS if signal.stage != "response"}


def adult(person: PersonState) -> bool:
    """Whether the person's band or, without one, an age they stated says 18 or more."""
    if person.age_band is not None:
        return person.age_band == "adult"
    return bool(person.ages) and max(person.ages) >= MINOR_BELOW


def young(person: PersonState) -> bool:
    """Whether the person's band or, without one, every age they stated says under 18."""
    if person.age_band is not None:
        return person.age_band != "adult"
    return bool(person.ages) and max(person.ages) < MINOR_BELOW


def age_apart(actor: PersonState, target: PersonState) -> bool:
    """Whether the actor is several years older by what both state of themselves."""
    return bool(actor.ages and target.ages) and max(actor.ages) - max(target.ages) >= AGE_GAP


def age_gap(pair: PairState, reverse: PairState, actor: PersonState, target: PersonState) -> bool:
    """Whether the target is under 18, and the actor adult or several years older."""
    del pair, reverse
    return young(target) and (adult(actor) or age_apart(actor, target))


def lied_about_age(pair: PairState, reverse: PairState, actor: PersonState, target: PersonState) -> bool:
    """Whether the actor stated two ages of their own that cannot both be true."""
    del pair, reverse, target
    return len(actor.ages) > 1 and max(actor.ages) - min(actor.ages) > AGES_APART


def fan_out(pair: PairState, reverse: PairState, actor: PersonState, target: PersonState) -> bool:
    """Whether the actor shows signals to several people."""
    del pair, reverse, target
    if len(actor.targets) < FAN_OUT_TARGETS:
        return False
    return sum(count >= FAN_OUT_SIGNALS for count in actor.targets.values()) >= FAN_OUT_TARGETS


def rapid_escalation(pair: PairState, reverse: PairState, actor: PersonState, target: PersonState) -> bool:
    """Whether signals of several stages came within the actor's first messages."""
    del reverse, actor, target
    if len(pair.first_seen) < EARLY_STAGES:
        return False
    stages = {_STAGES[name] for name, number in pair.first_seen.items() if number <= EARLY and name in _STAGES}
    return len(stages) >= EARLY_STAGES


def one_sided_questions(pair: PairState, reverse: PairState, actor: PersonState, target: PersonState) -> bool:
    """Whether the actor asks far more than they are asked."""
    del actor, target
    return (
        pair.questions >= QUESTIONS
        and reverse.messages >= ANSWERS
        and pair.questions >= QUESTIONS_RATIO * (reverse.questions + 1)
    )


def night_hours(pair: PairState, reverse: PairState, actor: PersonState, target: PersonState) -> bool:
    """Whether most of the actor's messages fall between 23:00 and 05:00 on the clock that came with them.

    Whose night that is, is not known: platforms give UTC, and nobody's time zone. Therefore it is shown and never
    weighed.
    """
    del reverse, actor, target
    return pair.night >= NIGHT_MESSAGES and 2 * pair.night > pair.messages


COMPUTED_SIGNALS = (
    # Ages are for the policy: in the corpora nobody ordinary states two, and a parent would alert at the first word.
    ComputedSignal(
        "age_gap",
        "is an adult or several years older, and the other person is under 18",
        age_gap,
        weighed=False,
        neutral=True,
    ),
    ComputedSignal("lied_about_age", "gave different ages for themselves", lied_about_age, weighed=False),
    ComputedSignal("fan_out", "talks in this way to several people", fan_out, weighed=False, neutral=True),
    ComputedSignal("rapid_escalation", "moved through several steps within the first messages", rapid_escalation),
    ComputedSignal("one_sided_questions", "asks far more than they are asked", one_sided_questions, neutral=True),
    ComputedSignal("night_hours", "writes mostly between 23:00 and 05:00", night_hours, weighed=False),
)

NEUTRAL = frozenset(signal.name for signal in COMPUTED_SIGNALS if signal.neutral)
"""Signals that still count where the model does not read the language: ages known from roles, whom somebody turns to,
question marks. Pattern signals all rest on English words."""

MEANINGS: dict[str, str] = {
    **{signal.name: signal.meaning for signal in PATTERN_SIGNALS},
    **{signal.name: signal.meaning for signal in COMPUTED_SIGNALS},
}
"""Of every signal, in words for moderators that accuse nobody."""
