"""From score to level, and from level to alert: tables, no moods.

Leans on `core.effects`, and on `core.signals.computed` for who is adult. A pair has at most one open alert. It opens at
`review`, and is updated when its level rises or a signal shows that it did not show before; it never falls back while
people have not decided. Once they have, the same words never alert twice: the pair stays quiet for `COOLDOWN`, and
after that until a signal shows that was not on the card, or the score passed below `review` by `MARGIN` and rose again.
A level higher than people saw is news at once.

What is known of two people's ages weighs in before thresholds do, as odds (`odds_of`), and never in the score itself:
the model learned next to nothing about ages, for its corpora hold none, and a community's threshold should mean the
same to everybody else. Two minors are weighed like strangers: a child can be approached by a child.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from core.effects import LEVELS, Level
from core.messages import Pair
from core.pair import PersonState
from core.signals.computed import adult, age_apart, young

COOLDOWN = 24 * 3600.0
MARGIN = 0.05

SHARPENED = 3.0
"""An adult to a minor: three times the odds, so that what would be `watch` mostly becomes a card."""

Step = Literal["nothing", "open", "raise", "update"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability on each level is reached."""

    watch: float
    review: float
    urgent: float

    @classmethod
    def around(cls, review: float) -> Thresholds:
        """Thresholds for a community that chose only `review`: the others lie at four times the odds either way.

        >>> Thresholds.around(0.9)
        Thresholds(watch=0.692308, review=0.9, urgent=0.972973)
        """
        odds = review / (1 - review)
        watch, urgent = (round(o / (1 + o), 6) for o in (odds / 4, odds * 4))
        return cls(min(watch, review), review, max(urgent, review))


@dataclass(frozen=True, slots=True)
class Rules:
    """What a community chose: its thresholds, and whether it only wants to be counted (`shadow`: no alert opens)."""

    thresholds: Thresholds
    shadow: bool = False


@dataclass(slots=True)
class AlertState:
    """What the moderators of a space were told about one pair.

    `count` numbers the pair's alerts. `unread`: that it is in a language the model does not read; `unread_signals`,
    what showed all the same. `alert` is the id under which its newest alert is kept (`core.casework.cases.named`); ""
    where nobody keeps it, as in a replay, or where an earlier version of Lampkeeper kept it under its `alert_name`.
    """

    count: int = 0
    open: bool = False
    level: Level = "none"
    signals: list[str] = field(default_factory=list)
    decided_at: float | None = None
    removed: list[str] = field(default_factory=list)
    """Ids of its alerts that were kept long enough and are gone: the audit still has them."""
    fell: bool = True
    unread: bool = False
    unread_signals: list[str] = field(default_factory=list)
    alert: str = ""


def alert_name(pair: Pair, count: int) -> str:
    """Name the pair's alert number `count`: 16 hex digits, the same wherever the same messages are scored.

    Nothing that is stored or shown bears it: whoever has a list of members could try who makes this name.
    """
    parts = "\0".join((pair.space, pair.actor, pair.target or "", str(count)))
    return blake2b(parts.encode(), digest_size=8).hexdigest()


def odds_of(actor: PersonState, target: PersonState) -> float:
    """Return by what the odds of a pair are multiplied for what is known of its ages.

    ==================================  ==================================  ========================================
    actor                               target                              odds times
    ==================================  ==================================  ========================================
    adult by role, API or config        adult by role, API or config        0: nobody is told
    adult, known or by their own words  minor, known or by their own words  `SHARPENED`
    years older by their own words      minor, known or by their own words  `SHARPENED`
    anybody else                        anybody else                        1
    ==================================  ==================================  ========================================

    What people say of their own age is not enough for the first row: it is the first thing that somebody who means harm
    would say. It is enough for the others, which only make us look sooner.
    """
    if target.age_band is None and not target.ages:
        return 1.0
    if actor.age_band == target.age_band == "adult":
        return 0.0
    return SHARPENED if young(target) and (adult(actor) or age_apart(actor, target)) else 1.0


def weighed(probability: float, odds: float) -> float:
    """Return the probability whose odds are `odds` times those of `probability`; thresholds are held against it.

    >>> weighed(0.5, 3.0), weighed(0.5, 1.0), weighed(0.5, 0.0)
    (0.75, 0.5, 0.0)
    """
    if odds in {0.0, 1.0} or probability == 1.0:
        return probability if odds else 0.0
    return probability * odds / (1.0 - probability + probability * odds)


def level_of(probability: float, thresholds: Thresholds) -> Level:
    """Name the level of a `weighed` probability.

    >>> level_of(.97, Thresholds(.5, .9, .99))
    'review'
    """
    if probability < thresholds.watch:
        return "none"
    if probability < thresholds.review:
        return "watch"
    return "review" if probability < thresholds.urgent else "urgent"


def step(  # noqa: PLR0913, PLR0917 - what moderators are told depends on just these
    state: AlertState, probability: float, level: Level, signals: tuple[str, ...], time: float, review: float
) -> Step:
    """Decide what moderators are told now, and remember it in `state`."""
    risen = LEVELS.index(level) > LEVELS.index(state.level)
    new = [name for name in signals if name not in state.signals]
    if state.open:
        if not (risen or new):
            return "nothing"
        state.level = level if risen else state.level
        state.signals += new
        return "raise" if risen else "update"
    if probability < review - MARGIN:
        state.fell = True
    rested = state.decided_at is None or time - state.decided_at >= COOLDOWN
    if level not in {"review", "urgent"} or not (risen or (rested and (state.fell or new))):
        return "nothing"
    state.count += 1
    state.open, state.level, state.signals, state.fell = True, level, list(signals), False
    return "open"


def step_unread(state: AlertState, signals: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
    """Return what is news about a pair that cannot be read: that it is so, and which signals; and remember it."""
    turned, new = not state.unread, tuple(name for name in signals if name not in state.unread_signals)
    state.unread = True
    state.unread_signals += new
    return turned, new


def asked(state: AlertState, level: Level, signals: tuple[str, ...]) -> None:
    """Open the pair's alert because a member asked moderators to look, whatever the score.

    What the score does later is news as ever: an alert opened at `none` is updated once the level rises.
    """
    state.count += 1
    state.open, state.level, state.signals = True, level, list(signals)
    state.fell = state.fell and level not in {"review", "urgent"}


def decided(state: AlertState, time: float) -> None:
    """Close the pair's alert: people decided at `time`."""
    state.open = False
    state.decided_at = time


def reopened(state: AlertState) -> None:
    """Open the pair's alert again: people took their decision back."""
    state.open = True
    state.decided_at = None
