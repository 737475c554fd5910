"""Reads many messages at once: what `Reader.read` gives for each, worked out in columns by numpy.

Leans on `core.evidence` for the weights and for how a word is hashed. A replay meets a hundred thousand words, in which
a loop of Python would spend most of its time. Here a word, a chunk and a message are each one `ROW`, and rows add up
the same way from words to chunks and from chunks to messages. For one message alone `Reader.read` is much quicker.

The sums are exact whatever their order, and so equal to the last bit to those of `Reader.read`: a shipped weight is of
half precision, a multiple of 2**-24, and a double holds every sum of those up to 2**29.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from core import language
from core.evidence import (
    BUCKETS,
    GRAMS,
    HEADS,
    LONGEST_GRAMMED,
    LONGEST_REMEMBERED,
    MARKS,
    REMEMBERED,
    Evidence,
    Reader,
    sides,
)
from core.signals import CUES, SHIFT, matching
from core.signals.ages import AGE_CUES, stated_age
from core.text import chunk_tokens, split

ROW = np.dtype(
    [
        ("heads", np.float64, (len(HEADS),)),
        ("words", np.int32),
        ("english", np.int32),
        ("right", np.int32),
        ("left", np.int32),
        ("cues", np.uint64),
        ("also", np.uint64),
        ("question", np.bool_),
        ("age", np.bool_),
    ]
)
"""What a stretch of text adds: fields as of `core.evidence`'s memory. `right` and `left` are `sides` of its first and
last word, and mean nothing where there is none; `cues` and `also` are the two halves of a mask of `CUES`; `age` says
that one of `AGE_CUES` stands in it."""
Rows = NDArray[np.void]
Numbers = NDArray[np.intp]

_HALF = (1 << SHIFT) - 1
_CRC = np.empty(256, np.uint32)
"""The table of CRC-32, got from zlib's own: one byte after nothing is one look-up."""
for _byte in range(256):
    _CRC[_byte ^ 0xFF] = crc32(bytes([_byte])) ^ 0xFF000000


class BulkReader:
    """Reads with the weights of `reader`, and has a memory of its own."""

    def __init__(self, reader: Reader) -> None:
        self._weights = np.frombuffer(reader.weights, np.float32).reshape(BUCKETS, len(HEADS))
        self._neighbours = np.frombuffer(reader.neighbours, np.float32).reshape(BUCKETS, len(HEADS))
        self._forget()

    def read(self, texts: Sequence[str]) -> list[Evidence]:
        """Return what each text adds. Pure: the memory changes speed, never the result."""
        if self._chunks.full:
            self._forget()
        chunks = [split(text) for text in texts]
        rows = _whole(self._chunks.rows(list(chain.from_iterable(chunks))), _lengths(chunks), self._neighbours)
        signals: list[tuple[str, ...]] = [()] * len(texts)
        ages: list[int | None] = [None] * len(texts)
        cues, also, may_state_age = (rows[field].tolist() for field in ("cues", "also", "age"))
        for place in np.flatnonzero((rows["cues"] & rows["also"] != 0) | rows["age"]).tolist():
            canonical = " ".join(filter(None, map(self._canonical.__getitem__, chunks[place])))
            signals[place] = matching(cues[place] | also[place] << SHIFT, canonical)
            if may_state_age[place]:
                ages[place] = stated_age(canonical)
        heads = map(tuple, rows["heads"].tolist())
        questions = rows["question"].astype(int).tolist()
        english, foreign, spoken = rows["english"].tolist(), [0] * len(texts), [""] * len(texts)
        for place in np.flatnonzero(rows["english"] < 0).tolist():
            english[place] = 0
            foreign[place], spoken[place] = language.foreign(self._tokens(chunks[place]))
        return list(map(Evidence, heads, rows["words"].tolist(), questions, signals, ages, english, foreign, spoken))

    def _tokens(self, chunks: list[str]) -> list[str]:
        """Canonical tokens of a message's chunks."""
        return list(chain.from_iterable(map(str.split, map(self._canonical.__getitem__, chunks))))

    def _forget(self) -> None:
        self._words = _Memory(self._learn_words)
        self._chunks = _Memory(self._learn_chunks)
        self._canonical: dict[str, str] = {}

    def _learn_chunks(self, chunks: list[str]) -> Rows:
        """Work out chunks met for the first time."""
        tokens = list(map(chunk_tokens, chunks))
        self._canonical.update(zip(chunks, map(" ".join, tokens), strict=True))
        return _whole(self._words.rows(list(chain.from_iterable(tokens))), _lengths(tokens), self._neighbours)

    def _learn_words(self, words: list[str]) -> Rows:
        """Work out words met for the first time."""
        rows = np.zeros(len(words), ROW)
        cues = [CUES.get(word, 0) for word in words]
        rows["cues"] = [cue & _HALF for cue in cues]
        rows["also"] = [cue >> SHIFT for cue in cues]
        rows["age"] = [word in AGE_CUES for word in words]
        rows["question"] = [word == "?" for word in words]
        rows["words"] = [word not in MARKS for word in words]
        rows["english"] = list(map(language.balance, words))
        rows["left"], rows["right"] = np.array(list(map(sides, words)), np.int32).reshape(-1, 2).T
        owners, buckets = _word_features([word.encode() for word in words])
        for head in range(len(HEADS)):
            rows["heads"][:, head] = np.bincount(owners, self._weights[buckets, head], len(words))
        rows["heads"][rows["words"] == 0] = 0.0
        return rows


class _Numbers(dict[str, int]):
    """Numbers strings as they come; `new` are those numbered since it was last emptied."""

    def __init__(self) -> None:
        self.new: list[str] = []

    def __missing__(self, string: str) -> int:
        number = self[string] = len(self)
        self.new.append(string)
        return number


class _Memory:
    """Rows by string; `learn` works out those never met."""

    def __init__(self, learn: Callable[[list[str]], Rows]) -> None:
        self._learn = learn
        self._numbers = _Numbers()
        self._rows = np.empty(1 << 12, ROW)
        self._characters = 0

    @property
    def full(self) -> bool:
        """Whether it holds as much as it may, in number or in characters."""
        return len(self._numbers) >= REMEMBERED or self._characters >= REMEMBERED * LONGEST_REMEMBERED

    def rows(self, strings: list[str]) -> Rows:
        """Return the row of each string."""
        numbers = np.fromiter(map(self._numbers.__getitem__, strings), np.intp, len(strings))
        if self._numbers.new:
            new, self._numbers.new = self._numbers.new, []
            self._characters += sum(map(len, new))
            known, total = len(self._numbers) - len(new), len(self._numbers)
            if total > len(self._rows):  # doubled, so that growing costs each row one copy or two
                self._rows = np.concatenate([self._rows[:known], np.empty(2 * total - known, ROW)])
            self._rows[known:total] = self._learn(new)
        return self._rows.take(numbers)


def _lengths(lists: Sequence[Sequence[str]]) -> Numbers:
    return np.fromiter(map(len, lists), np.intp, len(lists))


def _whole(parts: Rows, counts: Numbers, neighbours: NDArray[np.float32]) -> Rows:
    """Add parts up: the first `counts[0]` of them are the first whole, and so on."""
    whole = np.zeros(len(counts), ROW)
    of = np.repeat(np.arange(len(counts)), counts)
    said = np.flatnonzero(parts["words"])  # marks stand between no neighbours
    of_said, left, right = of[said], parts["left"][said], parts["right"][said]
    beside = np.flatnonzero(of_said[1:] == of_said[:-1])
    buckets = (left[beside] + right[beside + 1]) % BUCKETS
    for head in range(len(HEADS)):
        whole["heads"][:, head] = np.bincount(of, parts["heads"][:, head], len(counts))
        whole["heads"][:, head] += np.bincount(of_said[beside], neighbours[buckets, head], len(counts))
    for number in ("words", "english"):
        whole[number] = np.bincount(of, parts[number], len(counts))
    whole["left"][of_said] = left  # where a place is written to twice, the last one stays
    whole["right"][of_said[::-1]] = right[::-1]
    if len(parts):
        starts, some = np.cumsum(counts) - counts, counts > 0
        for mask in ("cues", "also"):
            whole[mask][some] = np.bitwise_or.reduceat(parts[mask], starts[some])
    for flag in ("question", "age"):
        whole[flag][of[parts[flag]]] = True
    return whole


def _word_features(words: list[bytes]) -> tuple[Numbers, NDArray[np.uint32]]:
    """Return `core.evidence.word_features` of all words: whose each is (the word's place), and its bucket.

    The CRC of n bytes leads to that of n + 1: all n-grams of all words grow together, a byte at a time.
    """
    padded = [b" %b " % word[:LONGEST_GRAMMED] for word in words]
    joined = np.frombuffer(b"".join(padded), np.uint8)
    lengths = np.fromiter(map(len, padded), np.intp, len(padded))
    owner = np.repeat(np.arange(len(words)), lengths)
    end = np.repeat(np.cumsum(lengths), lengths)
    at = np.arange(len(joined))
    crc = np.full(len(joined), 0xFFFFFFFF, np.uint32)
    whole = np.fromiter(map(crc32, words, repeat(crc32(b"="))), np.uint32, len(words))
    owners, buckets = [np.arange(len(words))], [whole]
    for size in range(1, max(GRAMS) + 1):
        inside = at < end
        at, end, owner, crc = at[inside], end[inside], owner[inside], crc[inside]
        crc = _CRC[(crc ^ joined[at]) & 0xFF] ^ crc >> 8
        at = at + 1
        if size in GRAMS:
            owners.append(owner)
            buckets.append(crc ^ 0xFFFFFFFF)
    return np.concatenate(owners), np.concatenate(buckets) % BUCKETS
