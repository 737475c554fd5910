"""What a model does on labelled talks: alerts, earliness, who is named, calibration; and a word list beside it.

Leans on the engine itself, fed as in real life, so nothing measured here can differ from what runs; on
`core.training.metrics` and `core.training.latency` for the formulas. A talk is ordinary or follows the pattern as its
label says; where the roles are known, naming the right person counts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from core.effects import OpenAlert, Scored
from core.engine import Engine, SpaceState
from core.model import Model
from core.policy import Thresholds
from core.training.addressing import Crowd, addressing, crowd
from core.training.corpus import Role, Talk
from core.training.figures import EARLY, BaseRate, FalseAlerts, Figures, Latency, Reliability, SourceFigures
from core.training.latency import Delays, latency
from core.training.metrics import (
    Look,
    average_precision,
    calibration_error,
    precision_at,
    precision_recall,
    reliability,
    wilson,
)
from core.training.snapshots import PREFIXES

BASE_RATES = (100, 1_000, 10_000)
"""One conversation in so many follows the pattern."""
LENGTHS = (5, 10, 20, 50, 100)
"""Prefixes, in messages, for which calibration is reported; each takes in those longer than the one before."""
ALL_ORDINARY = "all ordinary"
DUELS = (("dialogues", "pan12_segments"),)
"""Pairs of sources, by the beginnings of their names, that get a row of latency of their own: the second is what the
first is most easily taken for."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the engine made of one talk.

    `alerts` are (index, right person named, None where unknown); `signals` counts the different ones that one pair
    showed; `crowd` is None where fewer than three speak.
    """

    source: str
    kind: Role
    messages: int
    alerts: tuple[tuple[int, bool | None], ...]
    highest: float
    signals: int
    looks: tuple[Look, ...]
    crowd: Crowd | None

    @property
    def delay(self) -> int | None:
        """The message, from 1, of the first alert; None if there was none."""
        return self.alerts[0][0] + 1 if self.alerts else None


def hear(talk: Talk, engine: Engine) -> Heard:
    """Feed one talk to the engine, as a space of its own."""
    state = SpaceState()
    alerts: list[tuple[int, bool | None]] = []
    looks: list[Look] = []
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
    source = talk.source.encode(errors="replace").decode()  # a file's name need not be text; a report is
    many = crowd(talk.messages, state.pairs)
    return Heard(source, kind, len(talk.messages), tuple(alerts), highest, signals, tuple(looks), many)


def measure(talks: Iterable[Talk], model: Model, thresholds: Thresholds) -> Figures:
    """Feed all `talks` and sum up."""
    engine = Engine(model, thresholds)
    heard = [hear(talk, engine) for talk in talks]
    figures = Figures(thresholds)
    for source, kind in sorted({(h.source, h.kind) for h in heard}):
        figures.sources.append(_row(source, kind, [h for h in heard if (h.source, h.kind) == (source, kind)]))
    figures.false_alerts = _false_alerts(figures.of("ordinary"))
    _calibrate(figures, [look for h in heard for look in h.looks])
    figures.addressing = addressing((h.source, h.crowd) for h in heard if h.crowd is not None)
    if figures.of("ordinary") and figures.of("pattern"):
        judged = [h for h in heard if h.kind != "approached"]
        labels = np.array([h.kind == "pattern" for h in judged], bool)
        highest = np.array([h.highest for h in judged])
        figures.average_precision = average_precision(labels, highest)
        figures.word_list_average_precision = average_precision(labels, np.array([float(h.signals) for h in judged]))
        figures.precision_recall = precision_recall(labels, highest)
        figures.base_rates = list(_base_rates(figures))
        figures.latency = list(_latencies(heard))
    return figures


def _row(source: str, kind: Role, heard: Sequence[Heard]) -> SourceFigures:
    row = SourceFigures(source, kind, len(heard), sum(h.messages for h in heard), sum(bool(h.alerts) for h in heard))
    if kind == "pattern":
        row.first_alerts = sorted(h.delay for h in heard if h.delay is not None)
        row.at = float(median(row.first_alerts)) if row.first_alerts else None
        row.early = sum(any(i < EARLY for i, _ in h.alerts) for h in heard)
        row.right = sum(any(i < EARLY and right for i, right in h.alerts) for h in heard)
        row.wrong_too = sum(any(right is False for _, right in h.alerts) for h in heard)
    return row


def _false_alerts(rows: Sequence[SourceFigures]) -> list[FalseAlerts]:
    """Alerts per 10,000 ordinary conversations: each source, then all together."""
    counts: list[tuple[str | None, int, int]] = [(row.source, row.talks, row.alerted) for row in rows]
    if len(counts) > 1:
        counts.append((None, sum(row.talks for row in rows), sum(row.alerted for row in rows)))
    found = []
    for source, talks, alerted in counts:
        low, high = wilson(alerted, talks)
        found.append(FalseAlerts(source, talks, alerted, 1e4 * alerted / talks, 1e4 * low, 1e4 * high))
    return found


def _base_rates(figures: Figures) -> Iterator[BaseRate]:
    """Precision where patterns are rare; every source of them weighs the same, ordinary talks are counted together."""
    recall = mean(row.rate for row in figures.of("pattern"))
    ordinary = figures.false_alerts[-1]
    for one_in in BASE_RATES:
        point, bound = (precision_at(one_in, recall, rate / 1e4) for rate in (ordinary.per_10000, ordinary.high))
        yield BaseRate(one_in, point, bound)


def _calibrate(figures: Figures, looks: Sequence[Look]) -> None:
    if {follows for _, _, follows in looks} != {True, False}:
        return
    figures.reliability.append(Reliability(None, reliability(looks)))
    figures.calibration_error = calibration_error(figures.reliability[0].bins)
    for low, high in zip((0, *LENGTHS), LENGTHS, strict=False):
        part = [look for look in looks if low < look[0] <= high]
        if {follows for _, _, follows in part} == {True, False}:
            bins = reliability(part)
            figures.reliability.append(Reliability(high, bins))
            figures.calibration_by_length[high] = calibration_error(bins)


def _latencies(heard: Sequence[Heard]) -> Iterator[Latency]:
    """Every source of patterns against all that is ordinary, then the `DUELS` that are there."""
    patterns: dict[str, list[int | None]] = {}
    ordinary: dict[str, list[int | None]] = {}
    for h in heard:
        if h.kind != "approached":
            (patterns if h.kind == "pattern" else ordinary).setdefault(h.source, []).append(h.delay)
    everything: Delays = [delay for delays in ordinary.values() for delay in delays]
    for source, delays in sorted(patterns.items()):
        yield latency((source, ALL_ORDINARY), delays, everything)
    for one, other in DUELS:
        for source, delays in sorted(patterns.items()):
            for against, alerts in sorted(ordinary.items()):
                if source.startswith(one) and against.startswith(other):
                    yield latency((source, against), delays, alerts)
