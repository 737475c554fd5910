"""Whom a message is aimed at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversation import EPISODE_GAP, RECENT, ConversationState, address, listen
from core.messages import Author, ConversationKey, Message

KEY = ConversationKey("space", "room")


def said(who: str, at: float | None = None, **more: object) -> Message:
    return Message(KEY, "1", Author(who), "hello", at, **more)  # type: ignore[arg-type]


def targets(*messages: Message) -> list[str | None]:
    state = ConversationState()
    found = []
    for message in messages:
        found.append(address(state, message))
        listen(state, message)
    return found


def test_a_reply_goes_to_its_author_before_anyone_mentioned() -> None:
    assert targets(said("actor", reply_to="target", mentions=("friend",))) == ["target"]


def test_without_reply_or_mention_the_last_other_speaker_is_meant() -> None:
    assert targets(said("actor"), said("target"), said("actor"), said("actor"), said("friend")) == [
        None,
        "actor",
        "target",
        "target",
        "actor",
    ]


def test_nobody_talks_to_themselves() -> None:
    assert targets(said("actor", reply_to="actor", mentions=("actor",))) == [None]


def test_in_a_direct_conversation_the_first_message_already_has_a_target() -> None:
    assert targets(said("actor", partner="target")) == ["target"]


def test_after_a_long_silence_the_next_speaker_talks_to_nobody_in_particular_yet() -> None:
    assert targets(said("target", 0.0), said("actor", 1.0), said("friend", 2.0 + EPISODE_GAP)) == [None, "target", None]


def test_times_out_of_order_do_not_end_an_episode() -> None:
    assert targets(said("target", 100.0), said("friend", 0.0), said("actor", 101.0)) == [None, "target", "friend"]


people = st.sampled_from(["actor", "target", "friend"])


@given(st.lists(st.tuples(people, st.none() | st.floats(0, 1e6)), max_size=40))
def test_the_one_addressed_is_somebody_else_who_spoke_before(course: list[tuple[str, float | None]]) -> None:
    spoke: set[str] = set()
    for (who, _), target in zip(course, targets(*(said(*step) for step in course)), strict=True):
        assert target is None or (target != who and target in spoke)
        spoke.add(who)


def called(state: ConversationState, text: str, who: str = "actor", **more: object) -> str | None:
    return address(state, Message(ConversationKey("s", "c"), "1", Author(who, who.title()), text, **more))  # type: ignore[arg-type]


def crowd() -> ConversationState:
    state = ConversationState()
    for who in ("target", "friend", "teacher"):
        listen(state, Message(ConversationKey("s", "c"), "1", Author(who, f"{who.title()}"), "hi"))
    return state


@pytest.mark.parametrize("text", ["Target: look at this", "target, look at this", "  @Target: look"])
def test_a_recent_speaker_called_by_name_is_the_one_spoken_to(text: str) -> None:
    assert called(crowd(), text) == "target"


@pytest.mark.parametrize("text", ["stranger: look", "look, target", "http://example.org", "Actor: note to self", ""])
def test_a_text_that_begins_with_no_recent_speakers_name_goes_to_the_last_other_speaker(text: str) -> None:
    assert called(crowd(), text) == "teacher"


def test_an_everyday_word_before_a_comma_calls_nobody() -> None:
    state = crowd()
    listen(state, Message(ConversationKey("s", "c"), "1", Author("gamer", "Yes"), "hi"))
    listen(state, Message(ConversationKey("s", "c"), "2", Author("friend", "Friend"), "hi"))
    assert called(state, "yes, that one") == "friend"
    assert called(state, "yes: that one") == "gamer"


def test_replies_mentions_and_direct_partners_go_before_a_name() -> None:
    assert called(crowd(), "target: hi", mentions=("friend",)) == "friend"
    assert called(crowd(), "target: hi", partner="friend") == "friend"
    assert called(crowd(), "target: hi", reply_to="friend") == "friend"


def test_however_many_speak_only_the_recent_names_are_kept() -> None:
    state = ConversationState()
    for number in range(3 * RECENT):
        listen(state, Message(ConversationKey("s", "c"), "1", Author(f"p{number}", f"person {number}"), "hi"))
    assert len(state.recent) == RECENT
    assert called(state, f"person {3 * RECENT - 1}: hi") == f"p{3 * RECENT - 1}"


def test_what_is_read_from_history_answers_nobody_in_the_talk_going_on_nor_is_it_answered() -> None:
    day = 86_400.0
    assert targets(
        said("friend", 30 * day),
        said("actor", 1 * day),
        said("friend", 30 * day + 1),
        said("target", 1 * day + 1),
        said("teacher", 30 * day + 2),
        said("actor", 1 * day + 2),
        said("target", 6 * day),
    ) == [None, None, None, "actor", "friend", "target", None]


def test_history_that_is_read_from_further_back_begins_anew() -> None:
    day = 86_400.0
    course = [said("friend", 30 * day), said("target", 9 * day), said("actor", 2 * day), said("target", 2 * day + 1)]
    assert targets(*course) == [None, None, None, "actor"]


def test_a_name_that_is_called_in_history_is_that_of_somebody_who_spoke_then() -> None:
    state = ConversationState(time=1e7, last="friend", recent={"friend": "friend"})
    old = said("actor", 0.0)._replace(text="friend: hello")
    assert address(state, old) is None
    listen(state, Message(KEY, "1", Author("other", "Friend"), "hello", 0.0))
    assert address(state, old) == "other"
