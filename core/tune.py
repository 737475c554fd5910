"""Choosing a threshold from a space's own history: how many alerts a week each would have meant.

Leans on nothing but numbers, so that the peaks of the database (`core.peaks`) and those of transcripts are weighed by
the same function. A pair counts once for each of the weeks in which it reached a threshold. Live, a pair that alerted
rests for a day after a decision and then needs news; so these rates are about right, and no bounds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import floor
from typing import NamedTuple

DAYS_NEEDED = 7
WEEK = 7
HIGHEST = 0.9999
"""A threshold above this would hang on rounding."""
STEPS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, HIGHEST)
_FINE = 10_000
"""Thresholds are multiples of one over this."""


class Reached(NamedTuple):
    """A pair reached `probability` on `day` (any consecutive numbering)."""

    day: int
    pair: Hashable
    probability: float


class Step(NamedTuple):
    """What a threshold would have meant."""

    threshold: float
    alerts: int
    a_week: float


class Tuning(NamedTuple):
    """What a history says.

    `days` from the first to the last, `watched` of them with any score; `steps` from the lowest threshold up;
    `threshold` is the lowest that keeps to what was asked, None where the history is too short or none does.
    """

    days: int
    watched: int
    steps: tuple[Step, ...]
    threshold: Step | None

    @property
    def short(self) -> bool:
        """Whether there is too little history to choose by."""
        return self.days < DAYS_NEEDED


def tune(days: Iterable[int], reached: Iterable[Reached], alerts_per_week: float, lowest: float, card: float) -> Tuning:
    """Choose the lowest threshold that would have meant at most `alerts_per_week`.

    Parameters
    ----------
    days
        Days on which anything was scored.
    reached
        What pairs reached; days and pairs may come more than once.
    alerts_per_week
        What the moderators can read.
    lowest
        Never choose below this: the model's `watch`, under which its score says nothing yet.
    card
        The model's own recommendation, shown among the steps.

    Examples
    --------
    >>> seen = [Reached(day, f"pair {day}", 0.9 + day / 1000) for day in range(14)]
    >>> tune(range(14), seen, alerts_per_week=1, lowest=0.9, card=0.95).threshold
    Step(threshold=0.9111, alerts=2, a_week=1.0)
    """
    watched = set(days)
    if not watched:
        return Tuning(0, 0, (), None)
    span, peaks = _weekly(watched, reached)
    steps = _steps(peaks, span, sorted({t for t in STEPS if t > lowest} | {lowest, card}))
    if span < DAYS_NEEDED:
        return Tuning(span, len(watched), steps, None)
    allowed = floor(min(alerts_per_week * span / WEEK, len(peaks)))
    threshold = lowest
    if allowed < len(peaks):  # just above the first peak too many
        threshold = max(lowest, (floor(peaks[allowed] * _FINE) + 1) / _FINE)
    chosen = _steps(peaks, span, [threshold])[0] if threshold <= HIGHEST else None
    return Tuning(span, len(watched), steps, chosen)


def would_have_meant(days: Iterable[int], reached: Iterable[Reached], thresholds: Iterable[float]) -> tuple[Step, ...]:
    """Say what each of `thresholds` would have meant; () where nothing was watched.

    >>> seen = [Reached(day, f"pair {day}", 0.9 + day / 1000) for day in range(14)]
    >>> would_have_meant(range(14), seen, [0.91])
    (Step(threshold=0.91, alerts=4, a_week=2.0),)
    """
    span, peaks = _weekly(set(days), reached)
    return _steps(peaks, span, thresholds) if span else ()


def _weekly(watched: set[int], reached: Iterable[Reached]) -> tuple[int, list[float]]:
    """Return how many days there are from first to last, and the highest of each pair and week, highest first."""
    if not watched:
        return 0, []
    last = max(watched)
    weekly: dict[tuple[int, Hashable], float] = {}
    for day, pair, probability in reached:
        week = (last - day) // WEEK, pair
        weekly[week] = max(probability, weekly.get(week, 0.0))
    return last - min(watched) + 1, sorted(weekly.values(), reverse=True)


def _steps(peaks: list[float], span: int, thresholds: Iterable[float]) -> tuple[Step, ...]:
    counts = [(threshold, sum(peak >= threshold for peak in peaks)) for threshold in thresholds]
    return tuple(Step(threshold, alerts, alerts * WEEK / span) for threshold, alerts in counts)
