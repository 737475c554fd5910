"""The second stage: one calibrated logistic regression over several kinds of talk, in what `core.features` sees.

Leans on `core.training.snapshots`, taken through heads that never learned from the same fold, and again through heads
that never learned from the same kind of ordinary talk: so it learns how far heads can be trusted on people, and on
kinds of talk, that they do not know. It is small on purpose: every coefficient can be read, and a score's reasons add
up. Both classes weigh the same at every length, so a probability reads: against an even mix of followed patterns and
of ordinary talk of many kinds.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from core.features import FEATURES, SHRINK
from core.kinds import KINDS
from core.scorer import STEEPNESS
from core.training.heads import SEED, spread
from core.training.snapshots import Snapshots
from core.training.views import JOINED, kind_of, kinds_of

STRENGTH = 0.02
"""scikit-learn's C; with 0.1 it remembered the few people of the smallest source."""
MASSES = {"pattern": 0.25, "both_voices": 0.25, "approached": 0.2, "close": 0.12, "ordinary": 0.18}
"""What each kind weighs, whatever its number: half follows the pattern, half does not."""
STEPS_OF_SOLVER = 200
DOUBTED = 0.25
"""Share of looks at what follows the pattern in which the head "hard" says so little that an alert waits for more."""
_HARD_LATELY = FEATURES.index("hard_lately")
SIZE_POWER = 0.25
"""Within a kind of talk, a source weighs as its size to this power."""
SPANS = (5, 10, 20, 50, 100)
"""Messages; in each span up to one of these, and beyond, patterns and the rest weigh the same."""
TOLERATED = 0.002
"""Ordinary talks, averaged over sources by the root of their size, that may alert on the training part when the default
threshold is chosen. Looks are few there, and live every message is one: up to twice as many will."""
STEPS = (
    0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9965, 0.9975, 0.998,
    0.9985, 0.999, 0.9993, 0.9996,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SecondStage:
    """Coefficients (kinds, features) for the features as they come, intercepts (kinds,), calibration (4,), doubt.

    Scaling is multiplied in. `calibration` and `doubt` are as in `core.kinds.Weights`.
    """

    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    calibration: NDArray[np.float64]
    doubt: float

    def probabilities(self, seen: Snapshots, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score the chosen rows, as `core.kinds.log_odds` does."""
        return _sigmoid(self._log_odds(seen, rows))

    def reached(self, seen: Snapshots, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return what thresholds are held against: the probabilities, lowered as `Scorer.agreement` does."""
        doubts = np.maximum(0.0, self.doubt - seen.numbers[rows][:, _HARD_LATELY])
        return _sigmoid(self._log_odds(seen, rows) - STEEPNESS * doubts)

    def _log_odds(self, seen: Snapshots, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        raw = _raw(self.coefficients, self.intercepts, seen.numbers[rows])
        return np.asarray(_terms(raw, seen.words[rows]) @ self.calibration)


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _raw(
    coefficients: NDArray[np.float64], intercepts: NDArray[np.float64], numbers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-odds of the kinds that follow the pattern against the others, before calibration."""
    leanings = numbers @ coefficients.T + intercepts
    return np.asarray(np.logaddexp(*leanings[:, :2].T) - np.logaddexp.reduce(leanings[:, 2:], axis=1))


def _terms(raw: NDArray[np.float64], words: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what `calibration` multiplies: slope and offset, for much said and for little."""
    little = SHRINK / (words + SHRINK)
    return np.stack([raw, raw * little, np.ones_like(raw), little], axis=1)


def kinds(seen: Snapshots, close: str) -> NDArray[np.int64]:
    """Give each row its place in `KINDS`; `close` is the source most easily taken for the pattern.

    What follows the pattern in that source has both voices in one author, as all of its talks do.
    """
    is_close = kinds_of(seen.sources) == kind_of(close)
    both_voices = np.char.endswith(seen.sources, JOINED) | is_close
    choices = (seen.pattern & ~both_voices, seen.pattern, seen.roles == "approached", is_close)
    return np.select(choices, range(4), default=4)


def balance(seen: Snapshots, rows: NDArray[np.bool_], kind: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weigh the chosen rows: by kind as `MASSES` says, in a kind by source, and evenly in every span of lengths."""
    sources, lengths, found = seen.sources[rows], seen.lengths[rows], kind[rows]
    weights = np.zeros(len(found))
    for number, name in enumerate(KINDS):
        mine = found == number
        if not mine.any():
            continue
        weights[mine] = MASSES[name] * spread(sources[mine], SIZE_POWER)
    weights = _evened(weights, lengths, found < 2)
    return np.asarray(weights * len(weights) / weights.sum())


def _evened(
    weights: NDArray[np.float64], lengths: NDArray[np.int64], follows: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Let what follows the pattern and what does not weigh the same in every span of lengths."""
    weights = weights.copy()
    spans = np.searchsorted(SPANS, lengths)
    for span in np.unique(spans):
        here = spans == span
        total = weights[here].sum()
        for side in (here & follows, here & ~follows):
            if side.any():
                weights[side] *= total / 2 / weights[side].sum()
    return weights


def fit_second_stage(seen: Snapshots, rows: NDArray[np.bool_], close: str) -> SecondStage:
    """Learn from the chosen rows; `close` is the source most easily taken for the pattern."""
    numbers = seen.numbers[rows].astype(np.float32)
    kind = kinds(seen, close)
    weights = balance(seen, rows, kind)
    scaler = StandardScaler().fit(numbers)
    model = LogisticRegression(C=STRENGTH, max_iter=STEPS_OF_SOLVER, random_state=SEED)
    with warnings.catch_warnings():  # stopped early on purpose: the last steps change no figure
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(numbers), kind[rows], weights)
    coefficients, intercepts = np.zeros((len(KINDS), len(FEATURES))), np.full(len(KINDS), -50.0)
    learned = model.coef_ / scaler.scale_
    coefficients[model.classes_] = learned
    intercepts[model.classes_] = model.intercept_ - learned @ scaler.mean_
    doubt = float(np.quantile(numbers[kind[rows] < 2, _HARD_LATELY], DOUBTED))
    raw = _raw(coefficients, intercepts, seen.numbers[rows])
    # Calibrated as looks come, not as kinds and sources were weighed to learn from, and on kinds that heads have seen.
    met = ~seen.unseen[rows]
    follows = kind[rows][met] < 2
    platt = LogisticRegression(C=np.inf, fit_intercept=False, max_iter=500)
    platt.fit(
        _terms(raw, seen.words[rows])[met], follows, _evened(np.ones(len(follows)), seen.lengths[rows][met], follows)
    )
    return SecondStage(coefficients, intercepts, platt.coef_[0], doubt)


def ordinary_rates(
    seen: Snapshots, rows: NDArray[np.bool_], stage: SecondStage, talks: Iterable[tuple[str, str]]
) -> dict[float, float]:
    """For each of `STEPS` the share of ordinary talks that would alert, sources weighing as the root of their size.

    `rows` must not hold what figures are later reported on. `talks` are (source, id) of all ordinary talks that the
    rows are of: those too short for a look count, too.
    """
    ordinary = rows & (seen.roles == "ordinary")
    highest: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for source, talk in talks:
        highest[source][talk] = 0.0
    for source, talk, p in zip(
        seen.sources[ordinary].tolist(), seen.talks[ordinary].tolist(), stage.reached(seen, ordinary), strict=True
    ):
        highest[source][talk] = max(p, highest[source].get(talk, 0.0))
    sizes = [len(found) ** 0.5 for found in highest.values()]
    return {
        step: float(
            np.average([np.mean([p >= step for p in talks.values()]) for talks in highest.values()], weights=sizes)
        )
        for step in STEPS
    }


def choose_review(rates: dict[float, float]) -> float:
    """Choose the lowest threshold at which no more than `TOLERATED` of ordinary talks would alert.

    >>> choose_review({0.9: 0.03, 0.95: 0.002, 0.99: 0.001})
    0.95
    """
    return next((step for step, rate in rates.items() if rate <= TOLERATED), STEPS[-1])
