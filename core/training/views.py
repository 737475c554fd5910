"""The same talks as they would look elsewhere: two sides woven into one conversation, or told by one author.

Leans on `core.training.corpus`. Corpora hold some talks as two one-sided streams, and a stream whose other side is
missing is rare where Lampkeeper works; so the two are woven together. Logs are also pasted and exported without names;
so talks are joined, too. A view's source is its talk's with a mark: `WOVEN` or `JOINED`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.training.corpus import SLICE, Role, Talk

WOVEN, JOINED = "+", "*"
_SHORTEST, _LONGEST = 60, 900
"""Words of a joined stretch."""
_LEAST_WORDS, _LEAST_MESSAGES = 40, 6
_STRETCHES = 3
"""Joined ones drawn from each woven talk; from others, one."""


def kind_of(source: str) -> str:
    """Name the kind of talk of a source, for leaving it out whole: its views, and other files of the same origin.

    >>> kind_of("benign_daily*"), kind_of("pan12_author_streams"), kind_of("pj_train_decoys+")
    ('daily', 'pan12', 'pj')
    """
    words = source.rstrip(WOVEN + JOINED).split("_")
    return "_".join(words[1:]) if words[0] == "benign" else words[0]


def kinds_of(sources: NDArray[np.str_]) -> NDArray[np.str_]:
    """Name the kind of talk of each of many sources."""
    names, places = np.unique(sources, return_inverse=True)
    return np.array([kind_of(name) for name in names.tolist()])[places]


def weave(talks: Iterable[Talk]) -> Iterator[Talk]:
    """Yield a conversation for every two one-sided streams of one talk (``pj-0007-predator`` and ``pj-0007-decoy``)."""
    sides: dict[str, Talk] = {}
    for talk in talks:
        stem, _, side = talk.id.rpartition("-")
        if side not in {"predator", "decoy"}:
            continue
        first = sides.pop(stem, None)
        if first is None:
            sides[stem] = talk
        elif first.label != talk.label:
            yield _woven(stem, first, talk)


def _woven(stem: str, one: Talk, other: Talk) -> Talk:
    """Keep each side in its order, and let it advance at its share."""
    placed = []
    for name, partner, talk in (("one", "other", one), ("other", "one", other)):
        for index, message in enumerate(talk.messages):
            place = (index + 0.5) / len(talk.messages)
            placed.append((place, message._replace(author=message.author._replace(id=name), partner=partner)))
    messages = [message._replace(id=str(i)) for i, (_, message) in enumerate(sorted(placed, key=lambda p: p[0]))]
    (role,), (other_role,) = set(one.roles.values()), set(other.roles.values())
    source = one.source if role == "pattern" else other.source
    return replace(
        one, id=stem, source=source + WOVEN, label=1, messages=messages, roles={"one": role, "other": other_role}
    )


def join(talks: Iterable[Talk], rng: np.random.Generator) -> Iterator[Talk]:
    """Yield stretches of talks between several people as if one author had said it all, in slices of `SLICE` words."""
    for talk in talks:
        woven = talk.source.endswith(WOVEN)
        if not woven and (len(talk.roles) < 2 or len(talk.messages) < _LEAST_MESSAGES or talk.label):
            continue
        for stretch in range(_STRETCHES if woven else 1):
            want = int(np.exp(rng.uniform(np.log(_SHORTEST), np.log(_LONGEST))))
            start = int(rng.integers(0, max(1, len(talk.messages) - 20))) if stretch else 0
            words: list[str] = []
            for message in talk.messages[start:]:
                words += message.text.split()
                if len(words) >= want:
                    break
            if len(words) >= _LEAST_WORDS:
                yield _joined(talk, stretch, words)


def _joined(talk: Talk, stretch: int, words: list[str]) -> Talk:
    like = talk.messages[0]._replace(author=talk.messages[0].author._replace(id="one"), partner=None, reply_to=None)
    cuts = range(0, len(words), SLICE)
    messages = [
        like._replace(id=str(index), text=" ".join(words[cut : cut + SLICE]), mentions=(), time=None)
        for index, cut in enumerate(cuts)
    ]
    source = talk.source.rstrip(WOVEN) + JOINED
    role: Role = "pattern" if talk.label else "ordinary"
    return replace(talk, id=f"{talk.id}{JOINED}{stretch}", source=source, messages=messages, roles={"one": role})
