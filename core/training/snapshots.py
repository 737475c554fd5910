"""What the second stage learns from: pairs as the engine would see them, at prefixes of every length.

Leans on the engine's own folds, so nothing is seen here that scoring would not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.bulk import BulkReader
from core.conversation import ConversationState, address, listen
from core.evidence import HEADS
from core.features import features
from core.pair import PairState, PersonState, fold_pair, fold_person
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
    conversation = ConversationState()
    pairs: dict[tuple[str, str | None], PairState] = {}
    people: dict[str, PersonState] = {}
    silence, nobody = PairState(), PersonState()
    messages = talk.messages[:FURTHEST]
    for message, evidence in zip(messages, reader.read([message.text for message in messages]), strict=True):
        me = message.author.id
        target = address(conversation, message)
        listen(conversation, message)
        pair = pairs.setdefault((me, target), PairState())
        fold_pair(pair, evidence, message.time)
        person = people.setdefault(me, PersonState())
        fold_person(person, evidence, target, message.author.age_band)
        if me in talk.roles and enough(pair) and (pair.messages in PREFIXES):
            other = pairs.get((target, me), silence) if target is not None else silence
            target_person = people.get(target, nobody) if target is not None else nobody
            seen = features(pair, other, person, target_person)
            yield seen, pair.sums[len(HEADS)], talk.roles[me], pair.messages


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
