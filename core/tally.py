"""What came in since the start, space by space: how many messages, what became of them, how far behind the clock.

Leans on nothing that is stored: these are numbers of one process, for people who ask whether it works. A batch says
what it heard once it is committed, so that what was undone and taken again counts once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from core.effects import Outcome

REMEMBERED = 100
"""Messages whose lag is remembered, of each space."""


class Heard(NamedTuple):
    """One new message: its space, what scoring made of it, and when it was said, where that is known."""

    space: str
    outcome: Outcome
    time: float | None


class Lag(NamedTuple):
    """Seconds from the time of a message to its commit, over the last `REMEMBERED`: the middle one, and the longest."""

    middle: float
    longest: float


@dataclass(slots=True)
class Tally:
    """The counts of one space since `started` (seconds since the epoch)."""

    started: float
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def lag(self) -> Lag | None:
        """The lag; None where no message told its time.

        >>> tally = Tally(0.0, lags=deque([0.5, 2.0, 0.5]))
        >>> tally.lag
        Lag(middle=0.5, longest=2.0)
        """
        return Lag(median(self.lags), max(self.lags)) if self.lags else None


class Tallies:
    """A tally for every space."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._by_space: dict[str, Tally] = {}

    def of(self, space: str) -> Tally:
        """Return the tally of a space; one that nothing came from has counts of 0."""
        return self._by_space.setdefault(space, Tally(self._started))

    def add(self, heard: Iterable[Heard], now: float) -> None:
        """Count what was committed at `now`. A clock that runs ahead of ours makes no lag."""
        for space, outcome, time in heard:
            tally = self.of(space)
            tally.outcomes[outcome] += 1
            if time is not None:
                tally.lags.append(max(0.0, now - time))
