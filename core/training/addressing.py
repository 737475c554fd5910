"""Whom messages mean in channels of many, and whether scores are smeared over the crowd.

Leans on `core.conversation`, whose guess is what is measured, and on the pairs that the engine made of a talk. Many are
three speakers or more. Two questions:

Some messages tell by themselves whom they mean: by a reply, a mention, or a recent speaker's name at the beginning. How
often would the fallback, the last other speaker of the episode, have been the same person? It serves all other
messages, and of those nobody knows: people may name each other just where it would go wrong.

Where a file's ids are not the names by which people call each other (``a17``, but "friend: like this"), whom a name
means is inferred, cautiously, for a wrong bearer would count as a wrong fallback. A name is one word before a colon or
comma at the beginning of a message, no everyday word and no speaker's name in the file. Its bearer is the one who never
begins a message with it, and who speaks within `NEAR` messages of `PRESENT` of its calls while nobody else who never
calls it is near more than `RIVAL` times as many; and it must be called `CALLS` times, by `CALLERS` people, in one talk.
So most names are left open, and whoever speaks far from their calls is: the fallback may look better than it is. The
engine infers nothing and uses the fallback there, so such a file shows more smearing than one with names.

Smearing is read off the pairs; talk to nobody in particular is a pair of its own, as it is for the engine.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from core.conversation import LONGEST_NAME, ConversationState, address, listen
from core.engine import PairKey
from core.evidence import HEADS
from core.language import ENGLISH
from core.messages import Message
from core.pair import PairState
from core.scorer import enough
from core.training.figures import Addressing

MANY = 3
NEAR = 8
PRESENT = 0.8
RIVAL = 0.6
CALLS = 8
CALLERS = 2
_CALL = re.compile(rf"\s{{0,4}}@?([^\s:,@]{{2,{LONGEST_NAME}}})[:,]\s+\S")


@dataclass(frozen=True, slots=True)
class Crowd:
    """What was counted in one talk of many: `pairs` of each speaker, the rest as in `figures.Addressing`, in counts."""

    messages: int
    told: int
    inferred: int
    fallback: int
    pairs: tuple[int, ...]
    scored: int
    words: int
    largest: int


def crowd(messages: Sequence[Message], pairs: Mapping[PairKey, PairState]) -> Crowd | None:
    """Count in one talk, `pairs` being what the engine made of it; None where fewer than `MANY` speak."""
    words: dict[str, list[int]] = defaultdict(list)
    for (actor, _), pair in pairs.items():
        words[actor].append(round(pair.sums[len(HEADS)]))
    if len(words) < MANY:
        return None
    return Crowd(
        len(messages),
        *told(messages),
        tuple(map(len, words.values())),
        sum(pair.messages for pair in pairs.values() if enough(pair)),
        sum(map(sum, words.values())),
        sum(map(max, words.values())),
    )


def told(messages: Sequence[Message]) -> tuple[int, int, int]:
    """Count the messages that tell whom they mean, those of them where it was inferred, and where the fallback fits.

    >>> from core.messages import Author, ConversationKey
    >>> key = ConversationKey("space", "room")
    >>> def said(who, text): return Message(key, "1", Author(who, who), text)
    >>> told([said("friend", "hi"), said("teacher", "hi"), said("actor", "friend: hi"), said("friend", "actor: hi")])
    (2, 0, 1)
    """
    names = {message.author.name.lower() for message in messages}
    state = ConversationState()
    meant: dict[int, str] = {}
    calls: dict[str, list[int]] = defaultdict(list)
    guessed: dict[int, str | None] = {}
    for index, message in enumerate(messages):
        person = address(ConversationState(recent=state.recent), message)  # nobody spoke last: no fallback
        call = _CALL.match(message.text)
        if person is not None:
            meant[index] = person
        elif call is not None and (name := call[1].lower()) not in names and name not in ENGLISH:
            calls[name].append(index)
        if person is not None or call is not None:
            guessed[index] = address(state, message._replace(text="", reply_to=None, mentions=()))
        listen(state, message)
    inferred = _inferred([message.author.id for message in messages], calls.values())
    meant |= inferred
    return len(meant), len(inferred), sum(guessed[index] == person for index, person in meant.items())


def _inferred(authors: Sequence[str], calls: Iterable[Sequence[int]]) -> dict[int, str]:
    """Return whom messages mean, by index: `calls` holds those of each name, left out where no bearer is clear."""
    meant: dict[int, str] = {}
    for places in calls:
        callers = {authors[place] for place in places}
        if len(places) < CALLS or len(callers) < CALLERS:
            continue
        near: Counter[str] = Counter()
        for place in places:
            near.update({*authors[max(0, place - NEAR) : place + NEAR + 1]} - callers)
        (bearer, most), (_, rival) = [*near.most_common(2), ("", 0), ("", 0)][:2]
        if most >= PRESENT * len(places) and rival <= RIVAL * most:
            meant |= dict.fromkeys(places, bearer)
    return meant


def addressing(crowds: Iterable[tuple[str, Crowd]]) -> list[Addressing]:
    """Sum up by source, given with each talk."""
    by_source: dict[str, list[Crowd]] = defaultdict(list)
    for source, found in crowds:
        by_source[source].append(found)
    return [_row(source, found) for source, found in sorted(by_source.items())]


def _row(source: str, found: Sequence[Crowd]) -> Addressing:
    messages, words = sum(talk.messages for talk in found), sum(talk.words for talk in found)
    pairs = [number for talk in found for number in talk.pairs]
    return Addressing(
        source,
        len(found),
        messages,
        sum(talk.told for talk in found),
        sum(talk.inferred for talk in found),
        sum(talk.fallback for talk in found),
        len(pairs),
        float(median(pairs)),
        sum(talk.scored for talk in found) / messages,
        sum(talk.largest for talk in found) / words if words else None,
    )
