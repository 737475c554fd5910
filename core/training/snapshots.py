"""What the second stage learns from: pairs as the engine would see them, at prefixes of every length.

Leans on the engine's own folds, so nothing is seen here that scoring would not see. Two one-sided streams of one talk
(``pj-0007-predator`` and ``pj-0007-decoy``) are also woven into a two-sided one, each side kept in its order and
advancing at its share, because a stream whose other side is missing is rare where Lampkeeper works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.conversation import ConversationState, address, listen
from core.evidence import Reader
from core.features import features
from core.pair import PairState, PersonState, fold_pair, fold_person
from core.scorer import enough
from core.training.corpus import Role, Talk

PREFIXES = frozenset(int(3 * 1.25**k) for k in range(30))
"""Lengths, in the actor's messages to the target, at which a pair is looked at."""
FURTHEST = 400
"""Messages of a talk looked at; later ones would only repeat what is known of it."""


@dataclass(slots=True)
class Snapshots:
    """One row a look: what was seen, and of whom."""

    numbers: NDArray[np.float64]
    roles: NDArray[np.str_]
    sources: NDArray[np.str_]
    folds: NDArray[np.int64]
    lengths: NDArray[np.int64]
    talks: NDArray[np.str_]

    @property
    def pattern(self) -> NDArray[np.bool_]:
        """Which rows are of someone who follows the pattern."""
        return np.asarray(self.roles == "pattern", dtype=np.bool_)


def weave(talks: Iterable[Talk]) -> Iterator[Talk]:
    """Yield every talk, and after the second side of a one-sided pair the two woven together."""
    sides: dict[str, Talk] = {}
    for talk in talks:
        yield talk
        stem, _, side = talk.id.rpartition("-")
        if side not in {"predator", "decoy"}:
            continue
        first = sides.pop(stem, None)
        if first is None:
            sides[stem] = talk
        elif first.label != talk.label:
            yield _woven(stem, first, talk)


def _woven(stem: str, one: Talk, other: Talk) -> Talk:
    placed = []
    for name, partner, talk in (("one", "other", one), ("other", "one", other)):
        for index, message in enumerate(talk.messages):
            place = (index + 0.5) / len(talk.messages)
            placed.append((place, message._replace(author=message.author._replace(id=name), partner=partner)))
    messages = [message._replace(id=str(i)) for i, (_, message) in enumerate(sorted(placed, key=lambda p: p[0]))]
    (role,), (other_role,) = set(one.roles.values()), set(other.roles.values())
    source = one.source if role == "pattern" else other.source
    return replace(
        one, id=stem, source=f"{source}+", label=1, messages=messages, roles={"one": role, "other": other_role}
    )


def look(talk: Talk, reader: Reader) -> Iterator[tuple[list[float], Role, int]]:
    """Yield (numbers, the actor's role, length) at the prefixes of each of the talk's pairs."""
    conversation = ConversationState()
    pairs: dict[tuple[str, str | None], PairState] = {}
    people: dict[str, PersonState] = {}
    silence, nobody = PairState(), PersonState()
    for message in talk.messages[:FURTHEST]:
        me = message.author.id
        target = address(conversation, message)
        listen(conversation, message)
        evidence = reader.read(message.text)
        pair = pairs.setdefault((me, target), PairState())
        fold_pair(pair, evidence, message.time)
        person = people.setdefault(me, PersonState())
        fold_person(person, evidence, target, message.author.age_band)
        if me in talk.roles and enough(pair) and (pair.messages in PREFIXES):
            other = pairs.get((target, me), silence) if target is not None else silence
            target_person = people.get(target, nobody) if target is not None else nobody
            yield features(pair, other, person, target_person), talk.roles[me], pair.messages


def snapshots(talks: Sequence[Talk], readers: dict[int, Reader]) -> Snapshots:
    """Look at all `talks`, each through the reader of its fold (one that never learned from it)."""
    rows = [
        (*seen, talk.source, talk.fold, talk.id)
        for talk in talks
        if talk.fold in readers
        for seen in look(talk, readers[talk.fold])
    ]
    numbers, roles, lengths, sources, folds, names = zip(*rows, strict=True)
    return Snapshots(
        np.array(numbers), np.array(roles), np.array(sources), np.array(folds), np.array(lengths), np.array(names)
    )
