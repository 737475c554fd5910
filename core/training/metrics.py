"""Pure functions from labels and scores to figures: ranking, rates with their bounds, base rates, calibration.

Leans on numpy. scikit-learn has some of these, but measuring must not cost its start-up, and its calibration curve
does not weigh the two classes alike. Sources stand with each function.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from core.training.figures import Bin, CurvePoint

BINS = 10
CURVE_STEPS = 50
"""Points of a kept precision-recall curve: enough for the eye, and a card stays readable."""
SURE = 1.645
"""Standard deviations: each bound of an interval holds with 95 %."""

Look = tuple[int, float, bool]
"""(the actor's messages so far, probability, whether the actor follows the pattern)."""


def _steps(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions (from 0, best score first) at which a new score ends, and the labels in that order."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    return ends, labels[order].astype(float)


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the precision-recall curve, as scikit-learn defines it; equal scores count as one step.

    >>> average_precision(np.array([True, False, True]), np.array([.9, .5, .4]))
    0.8333333333333333
    """
    ends, ranked = _steps(labels, scores)
    hits = np.cumsum(ranked)[ends]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / labels.sum())


def precision_recall(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[CurvePoint]:
    """Return the precision at `CURVE_STEPS` evenly spaced recalls: at each, the highest score that reaches it.

    >>> [(p.recall, round(p.precision, 2), p.probability)
    ...  for p in precision_recall(np.array([True, False, True]), np.array([.9, .5, .4]))]
    [(0.5, 1.0, 0.9), (1.0, 0.67, 0.4)]
    """
    ends, ranked = _steps(labels, scores)
    hits = np.cumsum(ranked)[ends]
    recalls, found = hits / labels.sum(), np.sort(-scores)[ends]
    wanted = np.searchsorted(recalls, np.arange(1, CURVE_STEPS + 1) / CURVE_STEPS - 1e-9)
    return [
        CurvePoint(float(recalls[i]), float(hits[i] / (ends[i] + 1)), float(-found[i]))
        for i in dict.fromkeys(wanted.tolist())
    ]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Bound a share from both sides (Wilson 1927): each bound holds with 95 %.

    That none of a thousand alerted does not mean that none of a million will.

    >>> [round(bound, 4) for bound in wilson(0, 1000)], [round(bound, 2) for bound in wilson(5, 10)]
    ([0.0, 0.0027], [0.27, 0.73])
    """
    rate = hits / of
    spread = SURE * sqrt(rate * (1 - rate) / of + SURE * SURE / (4 * of * of))
    middle, scale = rate + SURE * SURE / (2 * of), 1 + SURE * SURE / of
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def precision_at(one_in: int, recall: float, false_alert_rate: float) -> float:
    """Return the share of alerts that are right where one conversation in `one_in` follows the pattern.

    By Bayes' rule: recall / (recall + false-alert rate x (`one_in` - 1)). Without any alert it is 0.

    >>> round(precision_at(1000, 0.9, 0.001), 3), precision_at(1000, 0.9, 0.0)
    (0.474, 1.0)
    """
    return recall / (recall + false_alert_rate * (one_in - 1)) if recall else 0.0


def reliability(looks: Sequence[Look]) -> list[Bin]:
    """Sort probabilities into ten bins (empty ones left out), both classes weighing the same, as the model was fitted.

    `looks` must hold both classes.

    >>> [(b.low, b.looks, b.probability, b.pattern) for b in reliability([(5, .95, True), (5, .05, False)])]
    [(0.0, 1, 0.05, 0.0), (0.9, 1, 0.95, 1.0)]
    """
    probabilities = np.array([probability for _, probability, _ in looks])
    pattern = np.array([follows for _, _, follows in looks])
    weights = np.where(pattern, 0.5 / pattern.sum(), 0.5 / (~pattern).sum())
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    made = []
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            share = float(weights[inside].sum())
            mean = float((weights * probabilities)[inside].sum()) / share
            of_pattern = float((weights * pattern)[inside].sum()) / share
            made.append(Bin(number / BINS, int(inside.sum()), share, mean, of_pattern))
    return made


def calibration_error(bins: Sequence[Bin]) -> float:
    """Compute the expected calibration error (Naeini, Cooper & Hauskrecht 2015) of a reliability table.

    >>> round(calibration_error(reliability([(5, .9, True), (5, .3, False)])), 3)
    0.2
    """
    return sum(b.share * abs(b.probability - b.pattern) for b in bins)
