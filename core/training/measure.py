"""What a model does on labelled talks: alerts, earliness, who is named, calibration; and a word list beside it.

Leans on the engine itself, fed as in real life, so nothing measured here can differ from what runs. A talk is ordinary
or follows the pattern as its label says; where the roles are known, naming the right person counts too.

Sources: precision at a base rate is recall / (recall + false-alert rate x (1 - rate) / rate), by Bayes' rule; expected
calibration error in ten bins as in Naeini, Cooper & Hauskrecht (2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from core.effects import OpenAlert, Scored
from core.engine import Engine, SpaceState
from core.model import Model
from core.policy import Thresholds
from core.training.corpus import Role, Talk
from core.training.snapshots import PREFIXES

EARLY = 150
"""Messages of a dialogue within which an alert counts as in time."""
BASE_RATE = 1 / 1000
LENGTHS = (5, 10, 20, 50, 100)
_BINS = 10


@dataclass(frozen=True, slots=True)
class Heard:
    """What the engine made of one talk.

    `alerts` are (index, right person named, None where unknown); `looks` are (actor's messages, probability, follows
    the pattern); `signals` counts the different ones that one pair showed.
    """

    source: str
    kind: Role
    messages: int
    alerts: tuple[tuple[int, bool | None], ...]
    highest: float
    signals: int
    looks: tuple[tuple[int, float, bool], ...]


@dataclass(slots=True)
class SourceFigures:
    """One source's row; `kind` tells pattern, ordinary, or the approached side of one.

    The last four are only for talks that follow the pattern: alerted within `EARLY` messages, and of these with the
    right person named; the wrong person named as well, ever; and the median message of the first alert, from 1.
    """

    source: str
    kind: Role
    talks: int
    messages: int
    alerted: int
    early: int = 0
    right: int = 0
    wrong_too: int = 0
    at: float | None = None

    @property
    def rate(self) -> float:
        """Share of talks that alerted."""
        return self.alerted / self.talks if self.talks else 0.0


@dataclass(slots=True)
class Figures:
    """Everything measured."""

    thresholds: Thresholds
    sources: list[SourceFigures] = field(default_factory=list)
    calibration_error: float | None = None
    calibration_by_length: dict[int, float] = field(default_factory=dict)
    average_precision: float | None = None
    word_list_average_precision: float | None = None
    precision_at_base_rate: float | None = None


def hear(talk: Talk, engine: Engine) -> Heard:
    """Feed one talk to the engine, as a space of its own."""
    state = SpaceState()
    alerts: list[tuple[int, bool | None]] = []
    looks: list[tuple[int, float, bool]] = []
    highest = 0.0
    for index, message in enumerate(talk.messages):
        for effect in engine.feed(state, message, 0.0):
            role = talk.roles.get(effect.pair.actor)
            if isinstance(effect, OpenAlert):
                alerts.append((index, None if role is None else role == "pattern"))
            elif isinstance(effect, Scored) and effect.score.probability is not None:
                highest = max(highest, effect.score.probability)
                length = state.pairs[effect.pair.actor, effect.pair.target].messages
                if role is not None and length in PREFIXES:
                    looks.append((length, effect.score.probability, role == "pattern"))
    signals = max((len(pair.signals) for pair in state.pairs.values()), default=0)
    kind: Role = "pattern" if talk.label else "approached" if "approached" in talk.roles.values() else "ordinary"
    return Heard(talk.source, kind, len(talk.messages), tuple(alerts), highest, signals, tuple(looks))


def measure(talks: Iterable[Talk], model: Model, thresholds: Thresholds) -> Figures:
    """Feed all `talks` and sum up."""
    engine = Engine(model, thresholds)
    heard = [hear(talk, engine) for talk in talks]
    figures = Figures(thresholds)
    for source, kind in sorted({(h.source, h.kind) for h in heard}):
        figures.sources.append(_row(source, kind, [h for h in heard if (h.source, h.kind) == (source, kind)]))
    looks = [look for h in heard for look in h.looks]
    judged = [h for h in heard if h.kind != "approached"]
    labels = np.array([h.kind == "pattern" for h in judged], bool)
    if labels.any() and not labels.all():
        figures.average_precision = average_precision(labels, np.array([h.highest for h in judged]))
        figures.word_list_average_precision = average_precision(labels, np.array([float(h.signals) for h in judged]))
        figures.precision_at_base_rate = precision_at_least(
            float(np.mean([row.rate for row in figures.sources if row.kind == "pattern"])),
            sum(row.alerted for row in figures.sources if row.kind == "ordinary"),
            sum(row.talks for row in figures.sources if row.kind == "ordinary"),
        )
    if {look[2] for look in looks} == {True, False}:
        figures.calibration_error = calibration_error(looks)
        for low, high in zip((0, *LENGTHS), LENGTHS, strict=False):
            part = [look for look in looks if low < look[0] <= high]
            if {look[2] for look in part} == {True, False}:
                figures.calibration_by_length[high] = calibration_error(part)
    return figures


def _row(source: str, kind: Role, heard: Sequence[Heard]) -> SourceFigures:
    row = SourceFigures(source, kind, len(heard), sum(h.messages for h in heard), sum(bool(h.alerts) for h in heard))
    if kind == "pattern":
        firsts = [h.alerts[0][0] for h in heard if h.alerts]
        row.at = float(median(firsts)) + 1 if firsts else None
        row.early = sum(any(i < EARLY for i, _ in h.alerts) for h in heard)
        row.right = sum(any(i < EARLY and right for i, right in h.alerts) for h in heard)
        row.wrong_too = sum(any(right is False for _, right in h.alerts) for h in heard)
    return row


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the precision-recall curve; equal scores count as one step.

    >>> average_precision(np.array([True, False, True]), np.array([.9, .5, .4]))
    0.8333333333333333
    """
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    hits = np.cumsum(labels)[ends]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / labels.sum())


def precision_at_least(recall: float, false: int, ordinary: int) -> float:
    """Bound the precision at `BASE_RATE` from below, with the 95 % upper bound of the rate of false alerts.

    The bound is Wilson's (1927): that none of a thousand talks alerted does not mean that none of a million will.

    >>> round(precision_at_least(0.9, 0, 1000), 2), round(precision_at_least(0.9, 10, 1000), 2)
    (0.25, 0.05)
    """
    rate, z = false / ordinary, 1.645
    spread = z * np.sqrt(rate * (1 - rate) / ordinary + z * z / (4 * ordinary * ordinary))
    upper = (rate + z * z / (2 * ordinary) + spread) / (1 + z * z / ordinary)
    return float(recall / (recall + upper * (1 - BASE_RATE) / BASE_RATE))


def calibration_error(looks: Sequence[tuple[int, float, bool]]) -> float:
    """Compute the expected calibration error, both classes weighing the same, as the model was calibrated."""
    probabilities = np.array([p for _, p, _ in looks])
    pattern = np.array([y for _, _, y in looks])
    weights = np.where(pattern, 0.5 / pattern.sum(), 0.5 / (~pattern).sum())
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for b in range(_BINS):
        inside = bins == b
        if inside.any():
            error += abs(float((weights[inside] * (probabilities[inside] - pattern[inside])).sum()))
    return error
