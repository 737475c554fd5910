"""Whatever a card says, Slack takes it; and what people wrote is shown as they wrote it, and calls nobody."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.common import hand
from bots.common.answers import Answer
from bots.common.face import Account, Face, Field, Picture, face
from bots.slack_app import card, cards_page
from bots.slack_app.actions import DEEDS
from bots.slack_app.markup import APART, MARKUP, words
from bots.slack_app.presses import BUTTONS
from bots.texts import ENGLISH
from core.casework.cards import Action, Background, Card, Claim, Decided, ExcerptLine, MessageRef, Person, Taken
from core.effects import Level
from core.messages import ConversationKey
from tests.slack_api import check_blocks, check_view
from tests.support import ROOT

WORDS = words(ENGLISH)
LEVELS = st.sampled_from(get_args(Level))
TEXT = st.text(max_size=40) | st.sampled_from(["x" * 5000, "one two\n" * 700, "&" * 5000])
PICTURES = st.none() | st.builds(Picture, TEXT, st.just("https://a.example/picture.png"))
FACES = st.builds(
    Face,
    alert=st.just("a" * 16),
    title=TEXT,
    level=LEVELS,
    decided=st.booleans(),
    opened=st.floats(0, 4e9),
    fields=st.lists(st.builds(Field, TEXT, TEXT, st.booleans()), max_size=80).map(tuple),
    note=TEXT,
    buttons=st.lists(st.sampled_from(sorted(BUTTONS)), min_size=1, max_size=25, unique=True).map(tuple),
    actor=PICTURES,
    target=PICTURES,
)
NAMES = st.text(max_size=100) | st.sampled_from(["<!channel>", "&" * 100, "<@U0TARGET>", "*" * 100, "`<!here>`"])
PEOPLE = st.builds(Person, st.just("U0ACTOR"), NAMES, st.sampled_from([None, "left", "banned"]))
TIMES = st.floats(1e9, 4e9)
CARDS = st.builds(
    Card,
    alert=st.just("a" * 16),
    space=st.just("slack:T0LAMP"),
    level=LEVELS,
    probability=st.none() | st.floats(0, 1),
    actor=PEOPLE,
    target=st.none() | PEOPLE,
    signals=st.lists(st.text(max_size=40), max_size=40).map(tuple),
    messages=st.lists(
        st.builds(MessageRef, st.just(ConversationKey("slack:T0LAMP", "C1")), st.just("1.1"), st.booleans()),
        max_size=30,
    ).map(tuple),
    opened=TIMES,
    decided=st.none() | st.builds(Decided, st.just("dismissed"), PEOPLE, TIMES, st.just("other"), TEXT),
    claimed=st.none() | st.builds(Claim, PEOPLE, TIMES),
    escalated=st.none() | TIMES,
    held=st.none() | TIMES,
    actions=st.lists(
        st.builds(
            Taken,
            st.integers(0),
            st.builds(Action, st.sampled_from(sorted(DEEDS)), PEOPLE, st.none(), st.just("C1")),
            PEOPLE,
            TIMES,
            st.none() | TIMES,
        ),
        max_size=20,
    ).map(tuple),
    about_actor=st.builds(Background, st.integers(0, 99), stated=st.lists(st.integers(5, 99), max_size=9).map(tuple)),
    reported=st.lists(TIMES, max_size=9).map(tuple),
    asked=st.booleans(),
)
MARKS = re.compile(r"<[^<>]*>")
OURS = re.compile(r"<(?:!date\^\d+\^[^<>|]*\|[^<>]*|#[CG]\w+|https://[^<>]*)>")


@given(FACES)
def test_slack_takes_any_face(drawn: Face) -> None:
    blocks = card.blocks(drawn, WORDS)
    check_blocks(blocks)
    assert blocks[-1]["type"] == "actions"
    assert len(card.fallback(drawn)) <= 3000


@given(CARDS)
def test_a_card_is_whole_and_nothing_in_it_calls_or_mentions_anybody(about: Card) -> None:
    drawn = face(about, WORDS, ["<https://a.example|there>"] * len(about.messages), {"U0ACTOR": Account()})
    blocks = card.blocks(drawn, WORDS)
    check_blocks(blocks)
    texts = [text["text"] for block in blocks for text in block.get("fields", [])]
    texts += [block["text"]["text"] for block in blocks if block["type"] == "section" and "text" in block]
    assert len(texts) == len(drawn.fields), "no field is left out"
    for text in [*texts, card.fallback(drawn)]:
        assert all(OURS.fullmatch(mark) for mark in MARKS.findall(text))
        assert "<" not in MARKS.sub("", text)


@given(
    st.lists(
        st.builds(
            ExcerptLine,
            PEOPLE,
            st.none() | TIMES,
            st.text(max_size=40) | st.sampled_from(["&" * 2000, "a b " * 400]),
            st.booleans(),
            report=st.booleans(),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_slack_takes_every_excerpt(lines: list[ExcerptLine]) -> None:
    view = card.excerpt(Answer(excerpt=tuple(lines), buttons=(("excerpt_more", "a" * 16),)), WORDS)
    check_view(view)
    assert "only people can say" in str(view["blocks"][-1])


@given(st.text(), st.lists(st.sampled_from(sorted(BUTTONS)), max_size=5, unique=True))
def test_slack_takes_every_answer(text: str, names: list[str]) -> None:
    check_blocks(card.answer(Answer(text, buttons=tuple((name, "a" * 16) for name in names)), WORDS))


def test_slack_takes_the_form_and_what_waits() -> None:
    form = card.form(Answer("Why?", grounds="a" * 16), WORDS, {})
    check_view(form)
    check_view(card.waiting(WORDS))
    offered = form["blocks"][1]["element"]["options"]
    assert [one["value"] for one in offered] == [value for value, _ in hand.grounds_offered(WORDS)]


@pytest.mark.parametrize("name", hand.FORMS)
def test_slack_takes_every_form_and_shows_its_title_whole(name: str) -> None:
    form = card.form(Answer(form=(name, "a" * 16)), WORDS, {"form": name, "alert": "a" * 16})
    check_view(form)
    assert form["title"]["text"] == WORDS.say(hand.FORMS[name].title)
    assert all(block["element"]["max_length"] <= 3000 for block in form["blocks"])


@given(st.text(alphabet="ab *_~`<>&!|@\n", max_size=60))
def test_what_people_wrote_comes_back_letter_by_letter_and_no_sign_touches_a_letter(text: str) -> None:
    written = MARKUP.escaped(text)
    shown = written.replace(APART, "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown == text
    assert not re.search(r"[*_~`][^\u200b]|[^\u200b][*_~`]", written)
    assert not re.search(r"[<>]", written)


@pytest.mark.parametrize(
    ("ours", "written"),
    [
        ("**Paused** since {since}", "*Paused* since {since}"),
        ("_({source})_ and *this*", "_({source})_ and _this_"),
        ("`/lampkeeper pause` in <#{channel}>", "`/lampkeeper pause` in <#{channel}>"),
        ("**{name}**: [here]({url})", "*{name}*: <{url}|here>"),
        ("two **bold** in **one**", "two *bold* in *one*"),
    ],
)
def test_our_texts_are_written_as_slack_reads_them(ours: str, written: str) -> None:
    assert MARKUP.text(ours) == written


def test_every_button_has_a_label_that_slack_takes() -> None:
    for name in [*BUTTONS, "undo"]:
        check_blocks(card.answer(Answer("told", buttons=((name, "a" * 16),)), WORDS))


def test_several_things_to_undo_are_told_apart() -> None:
    shown = card.answer(Answer("told", buttons=(("hold", "a"), ("undo", "7"), ("undo", "9"))), WORDS)
    check_blocks(shown)
    buttons: list[Any] = [one for block in shown for one in block.get("elements", [])]
    assert [(one["text"]["text"], one["value"]) for one in buttons][1:] == [("Undo 1", "7"), ("Undo 2", "9")]


def test_pictures_stand_beside_names() -> None:
    drawn = face(cards_page.CARD, WORDS, ["there"] * 3, {"U0ACTOR": Account(avatar="https://a.example/actor.png")})
    images: list[Any] = [part for block in card.blocks(drawn, WORDS) for part in block.get("elements", [])]
    assert {"type": "image", "image_url": "https://a.example/actor.png", "alt_text": "actor"} in images


def test_the_page_of_cards_shows_what_is_drawn() -> None:
    written = (ROOT / "docs" / "slack_cards.md").read_text("utf-8")
    assert written == cards_page.page(), "write it anew with `make docs/slack_cards.md`"
