"""From score to level, and from level to alert: tables, no moods.

Leans on `core.effects`. A pair has at most one open alert. It opens at `review`, and is updated when its level rises or
a signal shows that it did not show before; it never falls back while people have not decided. Once they have, the same
words never alert twice: the pair stays quiet for `COOLDOWN`, and after that until a signal shows that was not on the
card, or the score passed below `review` by `MARGIN` and rose again. A level higher than people saw is news at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from core.effects import LEVELS, Level
from core.messages import Pair

COOLDOWN = 24 * 3600.0
MARGIN = 0.05

Step = Literal["nothing", "open", "update"]


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
        Thresholds(watch=0.6923, review=0.9, urgent=0.973)
        """
        odds = review / (1 - review)
        watch, urgent = (round(o / (1 + o), 4) for o in (odds / 4, odds * 4))
        return cls(min(watch, review), review, max(urgent, review))


@dataclass(slots=True)
class AlertState:
    """What the moderators of a space were told about one pair. `count` numbers the pair's alerts."""

    count: int = 0
    open: bool = False
    level: Level = "none"
    signals: list[str] = field(default_factory=list)
    decided_at: float | None = None
    fell: bool = True


def alert_id(pair: Pair, count: int) -> str:
    """Name the pair's alert number `count`: 16 hex digits, the same wherever the same messages are scored."""
    parts = "\0".join((pair.space, pair.actor, pair.target or "", str(count)))
    return blake2b(parts.encode(), digest_size=8).hexdigest()


def level_of(probability: float | None, thresholds: Thresholds, *, known_adults: bool = False) -> Level:
    """Name the level of a probability; `insufficient` (None) is none.

    So is whatever two people say to each other whom a role or an API names adults (`known_adults`). What people say of
    their own age is not enough for that: it is the first thing that somebody who means harm would say.

    >>> level_of(.97, Thresholds(.5, .9, .99))
    'review'
    """
    if probability is None or known_adults or probability < thresholds.watch:
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
        return "update"
    if probability < review - MARGIN:
        state.fell = True
    rested = state.decided_at is None or time - state.decided_at >= COOLDOWN
    if level not in {"review", "urgent"} or not (risen or (rested and (state.fell or new))):
        return "nothing"
    state.count += 1
    state.open, state.level, state.signals, state.fell = True, level, list(signals), False
    return "open"


def decided(state: AlertState, time: float) -> None:
    """Close the pair's alert: people decided at `time`."""
    state.open = False
    state.decided_at = time
