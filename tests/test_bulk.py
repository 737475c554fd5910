"""Reading many messages at once: to the last bit what reading them one by one gives."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import bulk
from core.bulk import BulkReader
from core.evidence import BUCKETS, HEADS, Reader

RNG = np.random.default_rng(2)
# Of half precision, as shipped.
WORDS, NEIGHBOURS = (RNG.normal(size=(BUCKETS, len(HEADS))).astype(np.float16).astype(np.float32) for _ in range(2))
READER = Reader(WORDS, NEIGHBOURS)
words = st.sampled_from(
    ["hey", "u", "how", "old?", "r", "15f", "p@rents", "don't", '"ok"', "?", ":)", "im", "15", "..."]
)
typed = st.text(max_size=80) | st.lists(words, max_size=12).map(" ".join)


@given(st.lists(st.lists(typed, max_size=8), max_size=4))
@example([])
@example([[]])
@example([["", "?", "...", "x" * 1_000, "\ud800"]])
@settings(deadline=None)
def test_many_messages_read_at_once_are_read_as_one_by_one(batches: list[list[str]]) -> None:
    together = BulkReader(READER)
    for texts in batches:
        assert together.read(texts) == [READER.read(text) for text in texts]


@given(st.lists(typed, min_size=1, max_size=8))
@settings(deadline=None, max_examples=20)
def test_how_messages_are_batched_changes_nothing(texts: list[str]) -> None:
    at_once = BulkReader(READER).read(texts)
    in_turn = BulkReader(READER)
    assert [evidence for text in texts for evidence in in_turn.read([text])] == at_once


def test_a_reader_forgets_before_its_memory_is_too_large_and_reads_on_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "REMEMBERED", 3)
    together = BulkReader(READER)
    for text in ("how old are you", "im 15, you?", "word " * 10_000, "how old are you"):
        assert together.read([text]) == [READER.read(text)]
    for number in range(20):
        together.read([f"word{number}"])
    assert len(together._chunks._numbers) <= 4


def test_more_words_than_there_were_ever_before_are_read_alike() -> None:
    text = " ".join(f"w{number}x" for number in range(20_000))
    (read,) = BulkReader(READER).read([text])
    assert read == READER.read(text)
