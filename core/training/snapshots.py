"""What the second stage learns from: pairs as the engine would see them, at prefixes of every length.

Leans on the engine's own folds, so nothing is seen here that scoring would not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.bulk import BulkReader
from core.engine import SpaceState
from core.evidence import HEADS
from core.features import features
from core.pair import fold_pair
from core.scorer import enough
from core.training.corpus import Role, Talk

PREFIXES = frozenset(int(3 * 1.25**k) for k in range(30))
"""Lengths, in the actor's messages to the target, at which a pair is looked at."""
FURTHEST = 600
"""Messages of a talk looked at; later ones would only repeat what is known of it."""


@dataclass(slots=True)
class Snapshots:
    """One row a look: what was seen, and of whom. `unseen` rows went through heads that never saw such a kind of it."""

    numbers: NDArray[np.float64]
    words: NDArray[np.float64]
    roles: NDArray[np.str_]
    sources: NDArray[np.str_]
    folds: NDArray[np.int64]
    lengths: NDArray[np.int64]
    talks: NDArray[np.str_]
    unseen: NDArray[np.bool_]

    @property
    def pattern(self) -> NDArray[np.bool_]:
        """Which rows are of someone who follows the pattern."""
        return np.asarray(self.roles == "pattern", dtype=np.bool_)


def look(talk: Talk, reader: BulkReader) -> Iterator[tuple[list[float], float, Role, int]]:
    """Yield (numbers, the actor's words, the actor's role, length) at the prefixes of each of the talk's pairs."""
    state = SpaceState()
    messages = talk.messages[:FURTHEST]
    for message, evidence in zip(messages, reader.read([message.text for message in messages]), strict=True):
        pair, mine = state.hear(message, evidence)
        fold_pair(mine, evidence, message.time)
        if pair.actor in talk.roles and enough(mine) and (mine.messages in PREFIXES):
            yield features(*state.sides(pair)), mine.sums[len(HEADS)], talk.roles[pair.actor], mine.messages


def snapshots(read: Iterable[tuple[Talk, BulkReader, bool]]) -> Snapshots:
    """Look at talks, each through a reader that never learned from it; the bool says, nor from its kind."""
    rows = [
        (*seen, talk.source, talk.fold, talk.id, unseen) for talk, reader, unseen in read for seen in look(talk, reader)
    ]
    numbers, words, roles, lengths, sources, folds, names, unseen = zip(*rows, strict=True)
    return Snapshots(
        np.array(numbers),
        np.array(words),
        np.array(roles),
        np.array(sources),
        np.array(folds),
        np.array(lengths),
        np.array(names),
        np.array(unseen),
    )
