"""The learned heads: linear models over windows of one author's messages, whose weights add up word by word.

Leans on `core.evidence` for the features, so that training and scoring cannot read a word differently, and on
scikit-learn's logistic regression. A window's features are its counts over its number of words plus `SHRINK`, exactly
as `core.features` averages them: the learned weights then *are* what a word adds. Windows have every length from a few
messages on, and start at the beginning twice as often as anywhere else: early is when it matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from core.evidence import BUCKETS, HEADS, MARKS, neighbour_feature, sides, word_features
from core.features import SHRINK
from core.text import tokens
from core.training.corpus import Role, Talk

WINDOWS = 10
"""Windows drawn from one stream at the most."""
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


def balanced(sources: NDArray[np.str_], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weigh examples so that both sides count the same, and on each side a source by the square root of its size.

    Variety of ordinary talk is worth more than volume: a room of a hundred must not drown in a thousand games.
    """
    weights = np.zeros(len(sources))
    for side in (positive, ~positive):
        names, counts = np.unique(sources[side], return_counts=True)
        share = dict(zip(names, np.sqrt(counts) / np.sqrt(counts).sum(), strict=True))
        size = dict(zip(names, counts, strict=True))
        weights[side] = [share[source] / size[source] for source in sources[side]]
    balanced_weights: NDArray[np.float64] = weights * len(sources) / weights.sum()
    return balanced_weights


_AGAINST: dict[str, tuple[Role, tuple[Role, ...]]] = {
    "pattern": ("pattern", ("approached", "ordinary")),
    "side": ("pattern", ("approached",)),
    "young": ("approached", ("pattern", "ordinary")),
}


def fit_heads(made: Design, rows: NDArray[np.bool_], strength: float) -> Weights:
    """Learn all heads from the chosen rows; `strength` is scikit-learn's C."""
    words = np.zeros((BUCKETS, len(HEADS)), np.float32)
    neighbours = np.zeros_like(words)
    for column, head in enumerate(HEADS):
        one, others = _AGAINST[head]
        chosen = rows & np.isin(made.roles, [one, *others])
        positive = made.roles[chosen] == one
        model = LogisticRegression(C=strength, max_iter=200, random_state=SEED)
        model.fit(made.matrix[chosen], positive, balanced(made.sources[chosen], positive))
        learned = model.coef_[0].astype(np.float32) * SCALE
        words[:, column], neighbours[:, column] = learned[:BUCKETS], learned[BUCKETS:]
    return words, neighbours
