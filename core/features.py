"""What the calibrated model looks at when it scores a pair: a few dozen numbers made from sums and counts.

Leans on `core.pair` for the states and `core.signals` for the signals' names. Heads enter as averages over words,
shrunk towards nothing by `SHRINK` words so that a few words claim little; a memory of half-life says whether it is
now or was once. The other person's stream enters beside the actor's: an offender and a child each sound like
themselves, and the difference names the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p, sqrt
from operator import mul
from typing import NamedTuple

from core.evidence import HEADS
from core.pair import PairState, PersonState
from core.signals import PATTERN_SIGNALS
from core.signals.computed import COMPUTED_SIGNALS, Function

SHRINK = 20.0
QUESTION_SHRINK = 10.0
SIGNAL_WINDOW = 40.0
"""Signals are counted per this many messages once there are as many."""
_PATTERN_NAMES = tuple(signal.name for signal in PATTERN_SIGNALS)

OWN = (
    *(f"{head}_{memory}" for memory in ("whole", "mood", "sitting") for head in HEADS),
    "pattern_sure",
    "side_sure",
    "log_words",
    "questions",
    "distinct_signals",
)
CONTEXT = (
    *(f"other_{head}" for head in HEADS),
    "other_known",
    "side_against_other",
    "pattern_against_other",
    "share_of_words",
    "questions_against_other",
)
FEATURES: tuple[str, ...] = (
    *OWN,
    *CONTEXT,
    *(f"signal_{name}" for name in _PATTERN_NAMES),
    *(f"signal_{signal.name}" for signal in COMPUTED_SIGNALS),
)


class Weights(NamedTuple):
    """Coefficients, laid out for `own` and `context`: by number, by name of pattern signal, by computed signal."""

    own: list[float]
    context: list[float]
    signals: dict[str, float]
    computed: tuple[tuple[Function, float], ...]


def weights(coefficients: Sequence[float]) -> Weights:
    """Lay out coefficients that follow `FEATURES`."""
    numbers = len(OWN) + len(CONTEXT)
    computed = zip(COMPUTED_SIGNALS, coefficients[-len(COMPUTED_SIGNALS) :], strict=True)
    return Weights(
        list(coefficients[: len(OWN)]),
        list(coefficients[len(OWN) : numbers]),
        dict(zip(_PATTERN_NAMES, coefficients[numbers:], strict=False)),
        tuple((signal.function, weight) for signal, weight in computed if weight),
    )


def own(weights: Weights, pair: PairState) -> float:
    """Return what the actor's own words come to, in log-odds; 0 for an actor who said nothing.

    Signals that are not there are not summed up: this runs for every message.
    """
    total: float = sum(map(mul, weights.own, _own(pair)))
    if pair.signals:
        scale = _signal_scale(pair)
        for name, count in pair.signals.items():
            total += weights.signals.get(name, 0.0) * min(1.0, count * scale)
    return total


def context(weights: Weights, pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> float:
    """Return what the other side of the conversation, and who the two are, adds to `own`, in log-odds."""
    total: float = sum(map(mul, weights.context, _context(pair, other))) if other.messages else 0.0
    for function, weight in weights.computed:
        if function(pair, other, actor, target):
            total += weight
    return total


def features(pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> list[float]:
    """Return the numbers named by `FEATURES` for `pair`, `other` being the pair the other way round."""
    scale = _signal_scale(pair)
    signals = [min(1.0, pair.signals.get(name, 0) * scale) for name in _PATTERN_NAMES]
    computed = [float(signal.function(pair, other, actor, target)) for signal in COMPUTED_SIGNALS]
    return _own(pair) + _context(pair, other) + signals + computed


def _signal_scale(pair: PairState) -> float:
    return 1.0 / (1.0 + pair.messages / SIGNAL_WINDOW)


def _own(pair: PairState) -> list[float]:
    """Return the numbers named by `OWN`."""
    a, b, c, n, ma, mb, mc, mn, sa, sb, sc, sn = pair.sums
    whole, mood, sitting = n + SHRINK, mn + SHRINK, sn + SHRINK
    root = sqrt(whole)
    return [
        a / whole, b / whole, c / whole,
        ma / mood, mb / mood, mc / mood,
        sa / sitting, sb / sitting, sc / sitting,
        a / root, b / root,
        log1p(n),
        pair.questions / (pair.messages + QUESTION_SHRINK),
        float(len(pair.signals)),
    ]  # fmt: skip


def _context(pair: PairState, other: PairState) -> list[float]:
    """Return the numbers named by `CONTEXT`; all are 0 where the other person said nothing."""
    a, b, _, n = pair.sums[:4]
    oa, ob, oc, on = other.sums[:4]
    whole, theirs = n + SHRINK, on + SHRINK
    known = on / theirs
    asked = pair.questions / (pair.messages + QUESTION_SHRINK)
    other_asked = other.questions / (other.messages + QUESTION_SHRINK)
    return [
        oa / theirs, ob / theirs, oc / theirs,
        known,
        known * (b / whole - ob / theirs),
        known * (a / whole - oa / theirs),
        known * n / (n + on + 1.0),
        known * (asked - other_asked),
    ]  # fmt: skip


def shown_signals(pair: PairState, other: PairState, actor: PersonState, target: PersonState) -> tuple[str, ...]:
    """Name the signals that `pair` shows, in the order they were first seen, computed ones last."""
    seen = sorted(pair.signals, key=lambda name: pair.first_seen[name])
    return (*seen, *(s.name for s in COMPUTED_SIGNALS if s.function(pair, other, actor, target)))
