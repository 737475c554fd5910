"""The second stage: one calibrated logistic regression over what `core.features` sees of a pair.

Leans on `core.training.snapshots`, taken through heads that never learned from the same fold, so that it learns how
far heads can be trusted on people they do not know. It is small and linear on purpose: every coefficient can be
read, and a score's reasons add up. Both classes weigh the same, so a probability reads: against an even mix of
followed patterns and of ordinary talk of many kinds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from core.features import FEATURES
from core.training.heads import SEED, balanced
from core.training.snapshots import Snapshots

STRENGTH = 1.0
UNTAUGHT = ("signal_age_gap", "signal_lied_about_age", "signal_fan_out")
"""Shown to moderators, but not weighed: in these corpora nobody ordinary ever states two ages, and a parent would alert
at the first word."""
TOLERATED = 0.01
"""Ordinary talks, averaged over sources, that may alert on the training part when the default threshold is chosen."""
STEPS = (0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9965, 0.998, 0.999)


@dataclass(frozen=True, slots=True)
class SecondStage:
    """Coefficients for the features as they come (scaling is multiplied in), shape (features,)."""

    coefficients: NDArray[np.float64]
    intercept: float

    def probabilities(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score rows of features."""
        return 1 / (1 + np.exp(-(numbers @ self.coefficients + self.intercept)))


def fit_second_stage(seen: Snapshots, rows: NDArray[np.bool_]) -> SecondStage:
    """Learn from the chosen rows."""
    taught = np.array([name not in UNTAUGHT for name in FEATURES], float)
    numbers = seen.numbers[rows] * taught
    scaler = StandardScaler().fit(numbers)
    model = LogisticRegression(C=STRENGTH, max_iter=2000, random_state=SEED)
    weights = balanced(seen.sources[rows], seen.pattern[rows])
    model.fit(scaler.transform(numbers), seen.pattern[rows], weights)
    coefficients = taught * model.coef_[0] / scaler.scale_
    return SecondStage(coefficients, float(model.intercept_[0] - coefficients @ scaler.mean_))


def ordinary_rates(seen: Snapshots, rows: NDArray[np.bool_], stage: SecondStage) -> dict[float, float]:
    """For each of `STEPS` the share of ordinary talks that would alert, every source weighing the same.

    `rows` must not hold what figures are later reported on.
    """
    ordinary = rows & (seen.roles == "ordinary")
    highest: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for source, talk, p in zip(
        seen.sources[ordinary], seen.talks[ordinary], stage.probabilities(seen.numbers[ordinary]), strict=True
    ):
        highest[source][talk] = max(p, highest[source].get(talk, 0.0))
    return {
        step: float(np.mean([np.mean([p >= step for p in talks.values()]) for talks in highest.values()]))
        for step in STEPS
    }


def choose_review(rates: dict[float, float]) -> float:
    """Choose the lowest threshold at which no more than `TOLERATED` of ordinary talks would alert.

    >>> choose_review({0.9: 0.03, 0.95: 0.009, 0.99: 0.001})
    0.95
    """
    return next((step for step, rate in rates.items() if rate <= TOLERATED), STEPS[-1])
