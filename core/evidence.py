"""What one message adds: learned evidence for each head, and the signals it shows.

Leans on `core.text` for words, `core.signals` for patterns and `core.language` for the language. Every learned feature
belongs to one word (its character n-grams and itself) or to two neighbours, so a message's evidence is a plain sum.
What a word adds is remembered: chat is Zipfian, and a message then costs a few dictionary look-ups. Features are hashed
with CRC-32, so the artefact holds weights and no word of the texts it learned from.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from core import language
from core.respell import WORDS
from core.signals import CUES, PATTERN_SIGNALS, SHIFT, matching
from core.signals.ages import AGE_CUES, stated_age
from core.text import chunk_tokens, split, tokens

HEADS = ("pattern", "side", "young", "hard")
"""pattern: the one who approaches, against everybody else; side: against the one approached; young: the one approached,
against everybody else; hard: the one who approaches, against the ordinary talk most easily taken for it, which many
easier kinds would drown."""
BUCKETS = 1 << 17
GRAMS = (2, 3, 4, 5)
LONGEST_GRAMMED = 24
"""Bytes of a word that n-grams are made of."""
MARKS = frozenset('?"')
"""Tokens that are no words."""
REMEMBERED = 200_000
TEXTS_REMEMBERED = 20_000
"""Whole messages, of which short ones come again and again: more of them hit hardly more often, at 600 bytes each."""
LONGEST_REMEMBERED = 40
MAY_STATE_AGE = 1 << 3 * SHIFT
"""A bit that no shift of `CUES` reaches: the message has one of `AGE_CUES`."""
_MIX = 0x9E3779B1
_PROBE = (
    "H0w's it going?? s o o o  g o o d :) 15f don't @friend https://example.org привет p@rents <3 gr8 \"ok\" $5 "
    "prnts secert piiic 📷"
)


class Evidence(NamedTuple):
    """One message's share.

    `heads` are sums over its words and neighbours, in log-odds per `core.model`'s scale; `words` counts them;
    `question` is 1 if something is asked; `age` is an age in years the author states as their own. `english` counts
    common English words, less those of other languages; where those are more, `foreign` counts the words and `language`
    names one (`core.language`).
    """

    heads: tuple[float, float, float, float]
    words: int
    question: int
    signals: tuple[str, ...]
    age: int | None
    english: int = 0
    foreign: int = 0
    language: str = ""


def word_features(token: str) -> list[int]:
    """Return the buckets of one word: the word itself and its n-grams of bytes within word boundaries.

    >>> len(word_features("hi"))
    7
    """
    word = token.encode()
    padded = b" %b " % word[:LONGEST_GRAMMED]
    grams = [padded[start : start + size] for size in GRAMS for start in range(len(padded) - size + 1)]
    return [crc32(gram) % BUCKETS for gram in (b"=" + word, *grams)]


def sides(token: str) -> tuple[int, int]:
    """Hash a word as the left and as the right one of two neighbours, for `neighbour_feature`."""
    hashed = crc32(token.encode())
    return hashed * _MIX % BUCKETS, hashed % BUCKETS


def neighbour_feature(left: int, right: int) -> int:
    """Return the bucket of two neighbouring words, given their `sides`; a space of its own beside the words'."""
    return (left + right) % BUCKETS


def fingerprint() -> str:
    """Tell this way of reading from any other: weights learned for one mean nothing to another.

    8 hex digits over what a text of many kinds of words is read as.
    """
    words = tokens(_PROBE)
    read = [word_features(word) for word in words]
    patterns = [(signal.name, sorted(signal.cues), sorted(signal.also), signal.patterns) for signal in PATTERN_SIGNALS]
    beside = [neighbour_feature(sides(a)[0], sides(b)[1]) for a, b in pairwise(words)]
    return f"{crc32(repr((words, read, beside, patterns, sorted(WORDS))).encode()):08x}"


class _Word(NamedTuple):
    """What is remembered of one word."""

    pattern: float
    side: float
    young: float
    hard: float
    left: int
    right: int
    cues: int


class _Chunk(NamedTuple):
    """What is remembered of one stretch of text without white space."""

    pattern: float
    side: float
    young: float
    hard: float
    words: int
    right: int
    left: int
    cues: int
    question: int
    tokens: tuple[str, ...]
    english: int


class Reader:
    """Reads messages with one model's weights.

    Parameters
    ----------
    words, neighbours
        Weights of shape (`BUCKETS`, heads), float32, for `word_features` and `neighbour_feature`.
    """

    def __init__(self, words: NDArray[np.float32], neighbours: NDArray[np.float32]) -> None:
        # Flat arrays of the standard library: a row costs a tenth of numpy's to read, and lies in one cache line.
        self.weights = array("f", words.astype(np.float32).tobytes())
        self.neighbours = array("f", neighbours.astype(np.float32).tobytes())
        self._memory: dict[str, _Chunk] = {}
        self._words: dict[str, _Word] = {}
        self._texts: dict[str, Evidence] = {}

    def read(self, text: str) -> Evidence:
        """Return what `text` adds. Pure: the memory changes speed, never the result."""
        if len(text) > LONGEST_REMEMBERED:
            return self._read(text)
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= TEXTS_REMEMBERED:
                self._texts.clear()
            known = self._texts[text] = self._read(text)
        return known

    def _read(self, text: str) -> Evidence:
        memory = self._memory
        pattern = side = young = hard = 0.0
        neighbours = self.neighbours
        words = cues = question = english = 0
        left = -1
        chunks = split(text)
        for chunk in chunks:
            try:  # nearly every chunk is known, and then this makes no call
                known = memory[chunk]
            except KeyError:
                known = self._learn(chunk)
            one, two, three, four, count, right, end, cue, asks, _, common = known
            english += common
            cues |= cue
            question |= asks
            if not count:
                continue
            pattern += one
            side += two
            young += three
            hard += four
            words += count
            if left >= 0:
                # `neighbour_feature`, written out: a call here would cost a tenth of the whole.
                row = (left + right) % BUCKETS * 4
                pattern += neighbours[row]
                side += neighbours[row + 1]
                young += neighbours[row + 2]
                hard += neighbours[row + 3]
            left = end
        signals: tuple[str, ...] = ()
        age = None
        if cues & (cues >> SHIFT | MAY_STATE_AGE):
            canonical = " ".join(self._tokens(chunks))
            signals = matching(cues, canonical)
            if cues & MAY_STATE_AGE:
                age = stated_age(canonical)
        if english < 0:
            foreign, spoken = language.foreign(self._tokens(chunks))
            return Evidence((pattern, side, young, hard), words, question, signals, age, 0, foreign, spoken)
        return Evidence((pattern, side, young, hard), words, question, signals, age, english)

    def _tokens(self, chunks: list[str]) -> list[str]:
        """Canonical tokens of a message's chunks."""
        return [token for chunk in chunks for token in (self._memory.get(chunk) or self._learn(chunk)).tokens]

    def _learn(self, chunk: str) -> _Chunk:
        """Work out a chunk met for the first time, and remember it."""
        known_as = chunk_tokens(chunk)
        pattern = side = young = hard = 0.0
        right = left = -1
        words = cues = 0
        for token in known_as:
            word = self._words.get(token) or self._learn_word(token)
            cues |= word.cues
            if token in MARKS:
                continue
            words += 1
            pattern, side = pattern + word.pattern, side + word.side
            young, hard = young + word.young, hard + word.hard
            if left < 0:
                right = word.right
            else:
                row = neighbour_feature(left, word.right) * len(HEADS)
                one, two, three, four = self.neighbours[row : row + len(HEADS)]
                pattern, side, young, hard = pattern + one, side + two, young + three, hard + four
            left = word.left
        english = sum(map(language.balance, known_as))
        known = _Chunk(pattern, side, young, hard, words, right, left, cues, int("?" in known_as), known_as, english)
        if len(chunk) <= LONGEST_REMEMBERED:
            if len(self._memory) >= REMEMBERED:
                self._memory.clear()
            self._memory[chunk] = known
        return known

    def _learn_word(self, token: str) -> _Word:
        """Work out a word met for the first time, and remember it."""
        weights, rows = self.weights, [bucket * len(HEADS) for bucket in word_features(token)]
        pattern = sum([weights[row] for row in rows])
        side = sum([weights[row + 1] for row in rows])
        young = sum([weights[row + 2] for row in rows])
        hard = sum([weights[row + 3] for row in rows])
        word = _Word(
            pattern, side, young, hard, *sides(token), CUES.get(token, 0) | (token in AGE_CUES) * MAY_STATE_AGE
        )
        if len(self._words) >= REMEMBERED:
            self._words.clear()
        self._words[token] = word
        return word
