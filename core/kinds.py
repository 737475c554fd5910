"""Which kind of talk it is: five kinds weighed against each other, and the log-odds that it follows the pattern.

Leans on `core.features` for the numbers. One logistic regression over several kinds of talk, and not one of pattern
against the rest: an approach differs from a stranger's chat in other ways than from a game's, and weights fitted
against everything at once are those against what is easiest and most frequent. To alert, talk must differ from every
kind. Each kind has one coefficient a number, so everything can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from core.features import (
    COMPUTED,
    CONTEXT,
    FEATURES,
    OWN,
    PATTERN_NAMES,
    SHRINK,
    context_numbers,
    own_numbers,
    signal_scale,
)
from core.pair import PairState, PersonState
from core.signals.computed import Function

KINDS = ("pattern", "both_voices", "approached", "close", "ordinary")
"""pattern: the one who approaches; both_voices: the same with the other person's words told by one author, as in logs
pasted or exported without names; approached: the one approached; close: the ordinary talk most easily taken for the
pattern; ordinary: all other. The first two follow the pattern."""


class Weights(NamedTuple):
    """Coefficients, a column for each of `KINDS`.

    `own` and `context` hold a row for each of `OWN` and `CONTEXT`; that is a number a kind, as for a signal.
    `calibration` are slope and offset, for much said and for little: see `log_odds`. `doubt` is where the head "hard"
    begins to speak against the pattern: see `core.scorer`. `base` is what silence comes to.
    """

    intercepts: list[float]
    own: list[list[float]]
    context: list[list[float]]
    signals: dict[str, list[float]]
    computed: tuple[tuple[Function, list[float]], ...]
    calibration: tuple[float, float, float, float]
    doubt: float
    base: float


def weights(
    coefficients: Sequence[Sequence[float]], intercepts: Sequence[float], calibration: Sequence[float], doubt: float
) -> Weights:
    """Lay out coefficients of shape (`KINDS`, `FEATURES`); raises ValueError for another shape."""
    if [len(row) for row in coefficients] != [len(FEATURES)] * len(KINDS) or len(intercepts) != len(KINDS):
        raise ValueError("shape")
    much, little, offset, offset_little = calibration
    numbers = len(OWN) + len(CONTEXT)
    by_feature = [list(column) for column in zip(*coefficients, strict=True)]
    signals = by_feature[numbers : numbers + len(PATTERN_NAMES)]
    computed = zip(COMPUTED, by_feature[numbers + len(PATTERN_NAMES) :], strict=True)
    laid_out = Weights(
        list(intercepts),
        by_feature[: len(OWN)],
        by_feature[len(OWN) : numbers],
        dict(zip(PATTERN_NAMES, signals, strict=True)),
        tuple((signal.function, row) for signal, row in computed if any(row)),
        (much, little, offset, offset_little),
        doubt,
        0.0,
    )
    return laid_out._replace(base=log_odds(laid_out, laid_out.intercepts, 0))


def own(weights: Weights, pair: PairState) -> list[float]:
    """Return what the actor's own words come to for each kind.

    Signals that are not there are not summed up: this runs for every message.
    """
    leanings = _moved(weights.intercepts, own_numbers(pair), weights.own)
    if pair.signals:
        scale = signal_scale(pair)
        for name, count in pair.signals.items():
            row = weights.signals.get(name)
            if row is not None:
                shown = min(1.0, count * scale)
                leanings = [leaning + shown * weight for leaning, weight in zip(leanings, row, strict=True)]
    return leanings


def context(
    weights: Weights, pair: PairState, other: PairState, actor: PersonState, target: PersonState
) -> list[float]:
    """Return the pair's leanings, moved by the other side of the conversation and by who the two are."""
    leanings = pair.leanings
    if other.messages:
        leanings = _moved(leanings, context_numbers(pair, other), weights.context)
    for function, row in weights.computed:
        if function(pair, other, actor, target):
            leanings = [leaning + weight for leaning, weight in zip(leanings, row, strict=True)]
    return leanings


def _moved(leanings: list[float], numbers: list[float], rows: list[list[float]]) -> list[float]:
    """Return `leanings` moved by `numbers`, each times its row.

    One loop takes half as long as a sum a kind; and sum() rounds otherwise from Python 3.12 on, which this does not.
    """
    a = b = c = d = e = 0.0
    for number, (pattern, both, approached, close, ordinary) in zip(numbers, rows, strict=True):
        a += number * pattern
        b += number * both
        c += number * approached
        d += number * close
        e += number * ordinary
    pattern, both, approached, close, ordinary = leanings
    return [pattern + a, both + b, approached + c, close + d, ordinary + e]


def log_odds(weights: Weights, leanings: list[float], words: float) -> float:
    """Return the calibrated log-odds that talk of so many words follows the pattern.

    What the kinds come to is stretched and moved by how much was said: a dozen words claim less than their weights do
    (Platt scaling, with its two numbers a line in 1 / words).
    """
    top = max(leanings)
    pattern, both, approached, close, ordinary = leanings
    following = exp(pattern - top) + exp(both - top)
    against = exp(approached - top) + exp(close - top) + exp(ordinary - top)
    raw = log(following or 1e-300) - log(against or 1e-300)
    little = SHRINK / (words + SHRINK)
    much, less, offset, offset_less = weights.calibration
    return raw * (much + less * little) + offset + offset_less * little
