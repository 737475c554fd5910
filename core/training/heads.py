"""The learned heads: linear models over windows of one author's messages, whose weights add up word by word.

Leans on `core.evidence` for the features, so that training and scoring cannot read a word differently, and on
scikit-learn's logistic regression. A window's features are its counts over its number of words plus `SHRINK`, exactly
as `core.features` averages them: the learned weights then *are* what a word adds. Windows have every length from a few
messages on, and start at the beginning twice as often as anywhere else: early is when it matters.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from core.evidence import BUCKETS, HEADS, MARKS, neighbour_feature, sides, word_features
from core.features import SHRINK
from core.text import tokens
from core.training.corpus import Role, Talk

WINDOWS = 10
"""Windows drawn from one stream at the most."""
MOST = 4_000
"""Windows of one source: more of the same teach little."""
STRENGTH = 0.5
"""scikit-learn's C."""
STEPS = 100
"""Of the solver, always from nothing: begun with heads that know more rows, those rows' words keep their weights."""
SHORTEST, LONGEST = 3, 120
SCALE = 20.0
"""Brings features near 1, where the solver and its regularisation are at home."""
SEED = 7

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(words, neighbours), each of shape (`BUCKETS`, heads)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one author's messages, as words."""

    source: str
    role: Role
    fold: int
    messages: list[list[str]]


def windows(talk: Talk, rng: np.random.Generator) -> Iterable[Window]:
    """Draw up to `WINDOWS` windows from each author of known role."""
    streams: dict[str, list[str]] = {}
    for message in talk.messages:
        streams.setdefault(message.author.id, []).append(message.text)
    for author, texts in streams.items():
        role = talk.roles.get(author)
        if role is None:
            continue
        draws = max(1, min(WINDOWS, len(texts) // 15))
        for draw in range(draws):
            length = int(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST))))
            start = 0 if draw % 3 == 0 else int(rng.integers(0, max(1, len(texts) - length)))
            yield Window(talk.source, role, talk.fold, [tokens(text) for text in texts[start : start + length]])


def draw(talks: Iterable[Talk]) -> list[Window]:
    """Draw windows from all `talks`, no more than `MOST` of a source."""
    rng = np.random.default_rng(SEED)
    by_source: dict[str, list[Window]] = {}
    for talk in talks:
        by_source.setdefault(talk.source, []).extend(windows(talk, rng))
    return [
        drawn[place]
        for drawn in by_source.values()
        for place in sorted(rng.choice(len(drawn), min(MOST, len(drawn)), replace=False))
    ]


@dataclass(slots=True)
class Design:
    """Windows as one sparse matrix: word buckets, then neighbour buckets."""

    matrix: sparse.csr_matrix
    roles: NDArray[np.str_]
    sources: NDArray[np.str_]
    folds: NDArray[np.int64]


def design(drawn: Sequence[Window]) -> Design:
    """Count the features of every window.

    Words first become a vocabulary, for a word's many n-grams are worked out once and multiplied in.
    """
    vocabulary: dict[str, int] = {}
    rows: list[Counter[int]] = []
    pairs: list[Counter[int]] = []
    sizes = np.empty(len(drawn))
    beside: list[tuple[int, int]] = []
    for index, window in enumerate(drawn):
        words: Counter[int] = Counter()
        neighbours: Counter[int] = Counter()
        for message in window.messages:
            last = -1
            for token in message:
                if token in MARKS:
                    continue
                number = vocabulary.get(token)
                if number is None:
                    number = vocabulary[token] = len(vocabulary)
                    beside.append(sides(token))
                words[number] += 1
                if last >= 0:
                    neighbours[neighbour_feature(beside[last][0], beside[number][1])] += 1
                last = number
        rows.append(words)
        pairs.append(neighbours)
        sizes[index] = words.total()
    table = _sparse([Counter(word_features(word)) for word in vocabulary], BUCKETS)
    scale = sparse.diags(SCALE / (sizes + SHRINK))
    matrix = sparse.hstack([_sparse(rows, len(vocabulary)) @ table, _sparse(pairs, BUCKETS)])
    return Design(
        sparse.csr_matrix(scale @ matrix, dtype=np.float32),
        np.array([w.role for w in drawn]),
        np.array([w.source for w in drawn]),
        np.array([w.fold for w in drawn]),
    )


def _sparse(rows: Sequence[Counter[int]], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.fromiter((column for row in rows for column in row), np.int32, ends[-1])
    values = np.fromiter((value for row in rows for value in row.values()), np.float32, ends[-1])
    return sparse.csr_matrix((values, columns, ends), shape=(len(rows), width))


def spread(sources: NDArray[np.str_], power: float) -> NDArray[np.float64]:
    """Spread 1 over examples: a source gets a share by its size to the `power`, and each of its examples the same."""
    _, found, counts = np.unique(sources, return_inverse=True, return_counts=True)
    shares = counts**power / (counts**power).sum()
    spread_weights: NDArray[np.float64] = (shares / counts)[found]
    return spread_weights


def balanced(sources: NDArray[np.str_], positive: NDArray[np.bool_], power: float) -> NDArray[np.float64]:
    """Weigh examples so that both sides count the same, and on each side a source by its size to the `power`.

    Variety of ordinary talk is worth more than volume: a room of a hundred must not drown in a thousand games.
    """
    weights = np.zeros(len(sources))
    for side in (positive, ~positive):
        weights[side] = spread(sources[side], power)
    balanced_weights: NDArray[np.float64] = weights * len(sources) / weights.sum()
    return balanced_weights


_AGAINST: dict[str, tuple[Role, tuple[Role, ...]]] = {
    "pattern": ("pattern", ("approached", "ordinary")),
    "side": ("pattern", ("approached",)),
    "young": ("approached", ("pattern", "ordinary")),
    "hard": ("pattern", ("ordinary",)),
}


@dataclass(frozen=True, slots=True)
class Heads:
    """Learned heads as scikit-learn has them: `coefficients` of shape (heads, features), an intercept a head."""

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    @property
    def weights(self) -> Weights:
        """What a word and two neighbours add.

        Rounded to half precision, which loses nothing that could be measured and halves the download; rounded here, so
        that the second stage learns from just what is shipped.
        """
        learned = np.ascontiguousarray(self.coefficients.T * SCALE).astype(np.float16).astype(np.float32)
        return learned[:BUCKETS], learned[BUCKETS:]

    def score(self, head: str, matrix: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return a head's log-odds for rows of a design."""
        column = HEADS.index(head)
        scores: NDArray[np.float64] = matrix @ self.coefficients[column] + self.intercepts[column]
        return scores


def fit_heads(
    made: Design, rows: NDArray[np.bool_], close: str | None, like: Heads | None = None, kept: Sequence[str] = ()
) -> Heads:
    """Learn all heads from the chosen rows.

    Parameters
    ----------
    close
        The source of ordinary talk that the head "hard" is learned against; None: it stays unlearned.
    like, kept
        Heads `kept` are taken over from `like`: those of which no row was left out.
    """
    coefficients = np.zeros((len(HEADS), 2 * BUCKETS), np.float32)
    intercepts = np.zeros(len(HEADS), np.float32)
    for column, head in enumerate(HEADS):
        if like is not None and head in kept:
            coefficients[column], intercepts[column] = like.coefficients[column], like.intercepts[column]
            continue
        if head == "hard" and close is None:
            continue
        one, others = _AGAINST[head]
        chosen = rows & np.isin(made.roles, [one, *others])
        if head == "hard":
            chosen &= (made.roles == one) | (made.sources == close)
        positive = made.roles[chosen] == one
        model = LogisticRegression(C=STRENGTH, max_iter=STEPS, random_state=SEED)
        power = 0.0 if head == "hard" else 0.5
        with warnings.catch_warnings():  # stopped early on purpose: the last steps change no figure
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(made.matrix[chosen], positive, balanced(made.sources[chosen], positive, power))
        coefficients[column], intercepts[column] = model.coef_[0], model.intercept_[0]
    return Heads(coefficients, intercepts)


def closest(made: Design, rows: NDArray[np.bool_], heads: Heads) -> str:
    """Name the source, of the chosen rows of ordinary talk, that the head "pattern" most easily takes for it."""
    taken = expit(heads.score("pattern", made.matrix[rows]))
    sources = made.sources[rows]
    names: list[str] = np.unique(sources).tolist()
    return max(names, key=lambda source: float(taken[sources == source].mean()))
