# ruff: noqa: RUF001  (look-alike letters are the subject)
"""Canonical tokens: disguises come off, meaning stays, and no input breaks them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.text import LONGEST, chunk_tokens, normalise, split, tokens

ODD = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cf", "Mn", "So", "Cc"]),
        st.sampled_from("abcdehowlru013457@$ .?'\"/:-<>)\u200b\u200d\u202e\u0301\u0430\u0435\u043e"),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("How OLD r u?", "how old r u ?"),
        ("h0w p@rents s3cret l33t g1rl", "how parents secret leet girl"),
        ("$nap ki$$", "snap kiss"),
        ("15f m8 gr8 10pm 5th 2nite b4u 1000", "15f m8 gr8 10pm 5th 2nite b4u 1000"),
        ("heyyyy sooo cooool", "hey so cool"),
        ("don't I’m can´t", "dont im cant"),
        ("15/f/uk 15-f 3.5", "15 f uk 15 f 3 5"),
        ("h.o.w a/s/l U.K. m/f", "how asl uk m f"),
        ("see https://example.org/a?b=c now www.example.org", "see <url> now <url>"),
        ("<@10000001> <@!10000002> <#10000003> <mention> hi", "hi"),
        ("@how @old <@are> <@u|you> <@15>", "how old are u you 15"),
        ("write a.b@example.org", "write <email>"),
        ("yes!!! really???", "yes really ?"),
        ("“how old” she asked", '" how old " she asked'),
        ("$50 £50", "$ 50 $ 50"),
        ("love it :) <3 <:heart:99>", "love it 🙂 ❤ heart"),
        ("👩\u200d👧👍🏽", "👩 👧 👍"),
        ("a\u200bge a\x00ge p\u2060ic", "age age pic"),
        ("h\u0337o\u0337w\u0337", "how"),
        ("ＨＯＷ 𝓸𝓵𝓭 ʜᴏᴡ", "how old how"),
        ("5'4\" tall", '5 4 " tall'),
    ],
)
def test_a_message_is_reduced_to_what_it_says(typed: str, canonical: str) -> None:
    assert " ".join(tokens(typed)) == canonical


def test_look_alike_letters_fold_in_mixed_words_and_russian_stays_russian() -> None:
    assert tokens("p\u0430r\u0435nts") == ["parents"]
    assert tokens("привет как дела") == ["привет", "как", "дела"]


@pytest.mark.parametrize(
    ("typed", "chunks"),
    [
        ("h o w  o l d", ["how", "old"]),
        ("so h o w o l d are you", ["so", "how", "old", "are", "you"]),
        ("z q x j k v", ["zqxjkv"]),
        ("a s l ?", ["asl", "?"]),
        ("r u a girl", ["r", "u", "a", "girl"]),
        ("w a s d keys", ["w", "a", "s", "d", "keys"]),
        ("i am a cat", ["i", "am", "a", "cat"]),
    ],
)
def test_letters_spelled_apart_are_joined_and_short_words_are_left_alone(typed: str, chunks: list[str]) -> None:
    assert split(typed) == chunks


@given(ODD)
@example("a\ud800b \x00 \u202eabc 👩\u200d👧")
@example("h o w  o l d")
@example("ﷺ ½ ´ \u1100\u0300\u1161")
def test_spans_belong_to_the_tokens_and_stay_inside_the_text(text: str) -> None:
    found, spans = normalise(text)
    assert list(found) == tokens(text) == [token for chunk in split(text) for token in chunk_tokens(chunk)]
    assert len(spans) == len(found)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)
    assert [end for _, end in spans] == sorted(end for _, end in spans)


@given(ODD)
@example("a1b a4b3c a$0b 0ab hell0 a0")
@example("ǅ İ ſ ﬃ")
def test_a_canonical_token_is_its_own_canonical_form(text: str) -> None:
    for token in tokens(text):
        assert chunk_tokens(token) == (token,)


@given(ODD)
def test_a_token_is_short_and_has_neither_space_nor_capital(text: str) -> None:
    for token in tokens(text):
        assert 0 < len(token) <= LONGEST
        assert token.split() == [token]
        assert token.lower() == token


@given(st.text("abcdefghij klmnop", max_size=80))
def test_ordinary_words_are_split_as_by_str_split(text: str) -> None:
    words = text.split()
    if all(len(word) > 1 for word in words):
        assert split(text) == words


def test_what_the_spans_point_at_is_what_was_typed() -> None:
    text = "well, h o w  0ld… don't 15/f https://example.org"
    assert [text[start:end] for start, end in normalise(text).spans] == [
        *("well", "h o w", "0ld", "don't", "15", "f", "https://example.org")
    ]


@pytest.mark.parametrize("unit", ["a", "é", "<@", "a.", "a@", "a$0", "http:", "\u0301", "👍"])
def test_a_megabyte_without_a_space_is_read(unit: str) -> None:
    chunk = unit * (1_000_000 // len(unit))
    assert all(len(token) <= LONGEST for token in chunk_tokens(chunk))
