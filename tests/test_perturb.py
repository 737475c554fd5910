"""Disguises and slips: what they do to words, and that none delays the alert on a talk that follows the pattern."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.messages import Author, ConversationKey, Message
from core.model import load_model
from core.policy import Thresholds
from core.respell import MEANT, ORDINARY, WORDS, undigited, unstretched
from core.text import tokens
from core.training.corpus import Role, Talk
from core.training.perturb import PERTURBATIONS, delays
from core.transcripts import Transcript, read
from tests.support import ROOT, shipped_model, talk

DEMO = ROOT / "core" / "data" / "demo"
MOST_LATER = 3
every = pytest.mark.parametrize("name", PERTURBATIONS)


def invented_talks() -> list[Talk]:
    """The demonstration's transcripts that follow the pattern, and the tests' own; roles are the authors' names."""
    roles: dict[str, Role] = {"actor": "pattern", "target": "approached"}
    return [
        Talk("slow", "tests", 1, 0, talk(), roles),
        *_demonstrated(roles),
    ]


def _demonstrated(roles: dict[str, Role]) -> list[Talk]:
    return [
        Talk(transcript.id, path.stem, 1, 0, transcript.messages, roles)
        for path in sorted(DEMO.glob("*.jsonl"))
        for transcript in read(path)
        if isinstance(transcript, Transcript) and transcript.label == 1
    ]


def test_no_perturbation_moves_the_alert_later_by_more_than_three_messages_on_the_median() -> None:
    found = delays(invented_talks(), shipped_model(), load_model().thresholds)
    assert set(found) == set(PERTURBATIONS)
    for name, delay in found.items():
        assert delay.talks >= 2
        assert delay.later is not None, name
        assert delay.later <= MOST_LATER, name


def test_talks_that_never_alert_say_nothing_about_delays() -> None:
    key = ConversationKey("space", "talk")
    silent = Talk("t", "s", 1, 0, [Message(key, "1", Author("actor"), "hi")], {"actor": "pattern"})
    assert delays([silent], shipped_model(), Thresholds(0.5, 0.9, 0.99)) == {}


@every
@given(st.text(max_size=80), st.integers())
@example("how old are you, send me a photo of your house 15", 1)
def test_a_perturbation_is_a_pure_function_of_text_and_draw(name: str, text: str, seed: int) -> None:
    perturbation = PERTURBATIONS[name]
    assert perturbation(text, Random(seed)) == perturbation(text, Random(seed))
    assert perturbation("", Random(seed)) == ""


@every
def test_a_perturbation_changes_something_and_not_everything(name: str) -> None:
    text = "how old are you? please send a picture of your house to this number 15 tonight " * 20
    changed = PERTURBATIONS[name](text, Random(1))
    assert changed != text
    if name != "upper case":
        assert len(set(changed.split()) & set(text.split())) > 5


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("prnts scrt pht whr schl", "parents secret photo where school"),
        ("secert tongiht parnets scchool wierd", "secret tonight parents school weird"),
        ("mesage tomorow", "message tomorrow"),
        ("4ge ag3 5end p1c5 4lon3", "age age send pics alone"),
        ("seeend aggge sweeeet seee coool", "send age sweet see cool"),
        ("send 📷 ur 🏠 alone", "send pic ur home alone"),
        ("🅷🅾🆆 1️⃣5️⃣ 🔟 🇸🇳🇦🇵", "how 15 10 snap"),
        ("🇬🇧 🇺🇸", "🇬 🇧 🇺 🇸"),
        ("p 4 r 3 n t s", "parents"),
    ],
)
def test_slips_and_left_out_vowels_are_restored(typed: str, canonical: str) -> None:
    assert " ".join(tokens(typed)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "three patents quite sacred trail angle pictured messaged phony horse mouse",
        "pls txt btw lts sql thx brb tmrw lmk kms wtf",
        "15f 15yo gr8 m8 2nite 1075 50 5th 3d mp3 v2 b2b k8s 4k",
    ],
)
def test_ordinary_words_numbers_and_abbreviations_stay_as_they_are(text: str) -> None:
    assert tokens(text) == text.split()


def test_known_words_are_never_changed_and_whatever_is_changed_becomes_one() -> None:
    assert not (WORDS | ORDINARY) & set(MEANT)
    assert set(MEANT.values()) <= WORDS


@given(st.text("abcdehnoprstwy0135", min_size=1, max_size=12))
def test_digits_become_letters_only_where_that_makes_a_known_word(word: str) -> None:
    once = undigited(word)
    assert once == word or once in WORDS
    assert undigited(once) == once


def test_a_stretched_word_that_nobody_knows_keeps_its_usual_form() -> None:
    assert unstretched("zzzap", "zzap") == "zzap"
