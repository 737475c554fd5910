"""Whom messages mean in channels of many: what is counted, which names are inferred, and when scores are smeared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Author, ConversationKey, Message
from core.policy import Thresholds
from core.training.addressing import told
from core.training.corpus import Talk
from core.training.figures import Addressing
from core.training.measure import measure
from tests.support import shipped_model

KEY = ConversationKey("space", "room")
PEOPLE = ("actor", "target", "friend", "teacher")
CROWD = [f"person {number}" for number in range(80)]
LAMP = [("friend", "lamp: try the other map"), ("target", "ok will do"), ("teacher", "lamp: and the second one")]
"""Friend and teacher call somebody "lamp", and only target is always there and never says it."""


def said(who: str, text: str = "good match today", **more: object) -> Message:
    return Message(KEY, "1", Author(who, who), text, **more)  # type: ignore[arg-type]


def course(*steps: tuple[str, str]) -> list[Message]:
    return [said(who, text) for who, text in steps]


def room(*steps: tuple[str, str], times: int = 4) -> list[tuple[str, str]]:
    """The same few steps again and again, twenty others speaking in between, none of them twice."""
    return [step for n in range(times) for step in (*steps, *((who, "hi") for who in CROWD[n * 20 : n * 20 + 20]))]


def figures(messages: list[Message]) -> Addressing:
    model = shipped_model()
    talk = Talk("talk-1", "channel", 0, 0, messages, {})
    (row,) = measure([talk], model, Thresholds.around(0.9)).addressing
    return row


def test_replies_mentions_and_names_tell_whom_a_message_means_and_the_last_other_speaker_is_held_to_them() -> None:
    messages = [
        said("target"),
        said("friend"),
        said("actor", reply_to="friend"),
        said("teacher", mentions=("target",)),
        said("actor", "target: that one"),
        said("target", "actor, which one"),
        said("friend"),
    ]
    assert told(messages) == (4, 0, 2)


def test_after_a_long_silence_the_fallback_means_nobody_and_so_never_fits() -> None:
    assert told([said("target", time=0.0), said("actor", time=1e6, reply_to="target")]) == (1, 0, 0)


def test_a_name_that_is_nobodys_id_is_inferred_from_who_speaks_around_its_calls() -> None:
    assert told(course(*room(*LAMP))) == (8, 8, 4)


@pytest.mark.parametrize(
    ("why", "steps"),
    [
        ("it is called too seldom", room(*LAMP, times=3)),
        ("one person alone calls it", room(LAMP[0], LAMP[1], LAMP[0])),
        ("it is an everyday word", [(who, text.replace("lamp:", "yes,")) for who, text in room(*LAMP)]),
        ("it is a speaker's name", [*room(*LAMP), ("lamp", "hi")]),
        ("another is there as often", room(*LAMP, ("actor", "me too"))),
        ("who is there calls it, too", [*room(*LAMP), ("target", "lamp: hi")]),
        ("nobody is there often enough", [*room(*LAMP)[:46], *(s for s in room(*LAMP)[46:] if s[0] != "target")]),
    ],
)
def test_a_name_stays_open_where(why: str, steps: list[tuple[str, str]]) -> None:
    assert told(course(*steps)) == (0, 0, 0), why


def test_two_speakers_are_no_crowd() -> None:
    talk = Talk("talk-1", "chat", 0, 0, course(("actor", "hi"), ("target", "hi")) * 9, {})
    assert measure([talk], shipped_model(), Thresholds.around(0.9)).addressing == []


def test_words_that_go_to_one_person_are_not_smeared_and_words_to_the_whole_room_are() -> None:
    text = "did you read the next chapter"
    kept = [said(who, text, reply_to="target" if who == "actor" else "actor") for who in PEOPLE[:3]] * 20
    spread = [said("actor", text, reply_to=who) for who in CROWD[:12] * 2]
    together, apart = figures(kept), figures([*spread, *(said(who, text, reply_to="actor") for who in CROWD[:12])])
    assert (together.pairs, together.scored, together.largest) == (1, 1, 1)
    assert apart.scored == 0
    assert apart.largest is not None
    assert apart.largest < 0.5


def test_where_nobody_says_a_word_no_share_of_words_is_claimed() -> None:
    assert figures([said(who, "...") for who in PEOPLE]).largest is None


step = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(["lamp: look", "target: look", "ok, fine", "good match today everybody", ""]),
    st.none() | st.sampled_from(PEOPLE),
)


@given(st.lists(st.lists(step, min_size=12, max_size=60), min_size=1, max_size=3))
def test_whatever_is_said_the_parts_are_never_more_than_the_whole(
    talks: list[list[tuple[str, str, str | None]]],
) -> None:
    heard = [
        Talk(str(n), "channel", 0, 0, [said(who, text, reply_to=whom) for who, text, whom in steps], {})
        for n, steps in enumerate(talks)
    ]
    for row in measure(heard, shipped_model(), Thresholds.around(0.9)).addressing:
        assert 0 <= row.inferred <= row.told <= row.messages
        assert 0 <= row.fallback <= row.told
        assert 0 <= row.scored <= 1
        assert row.largest is None or 0 < row.largest <= 1
        assert 1 <= row.pairs <= len(PEOPLE)
        assert row.speakers >= 3 * row.talks
