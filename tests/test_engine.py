"""The engine, with the shipped model: what it tells, and that replay equals live."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.effects import Effect, OpenAlert, Scored, UpdateAlert
from core.engine import Engine, SpaceState
from core.messages import Author, ConversationKey, Message, Pair
from core.model import load_model
from core.policy import Thresholds

MODEL = load_model()
LINES = (
    "hey what grade are you in",
    "how old are you",
    "you seem so mature for your age",
    "are your parents home right now",
    "do you have whatsapp, we can talk there",
    "send me a pic of you please",
    "this is our secret ok, dont tell your mom",
    "i can buy you robux if you want",
    "we should meet up just us two",
    "good game everyone",
    "anyone up for a raid tonight?",
    "my homework is due tomorrow",
)


def engine(review: float = 1e-9) -> Engine:
    return Engine(MODEL, Thresholds(review / 2, review, 0.999999))


def message(index: int, who: str, text: str, conversation: str = "room", **more: object) -> Message:
    return Message(ConversationKey("space", conversation), str(index), Author(who), text, float(index), **more)  # type: ignore[arg-type]


def feed_all(
    messages: list[Message], state: SpaceState | None = None, review: float = 1e-9
) -> tuple[SpaceState, list[Effect]]:
    state = state or SpaceState()
    ours = engine(review)
    return state, [effect for m in messages for effect in ours.feed(state, m, 0.0)]


talks = st.lists(
    st.builds(
        message,
        st.just(0),
        st.sampled_from(["actor", "target", "friend"]),
        st.sampled_from(LINES) | st.text(max_size=40),
        st.sampled_from(["room", "thread"]),
    ),
    max_size=30,
).map(lambda ms: [m._replace(id=str(i), time=float(i)) for i, m in enumerate(ms)])


@given(talks, st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_in_one_go_or_with_a_stop_in_between_gives_the_same_state_and_effects(talk: list[Message], cut: int) -> None:
    whole, effects = feed_all(talk)
    state, first = feed_all(talk[:cut])
    state, second = feed_all(talk[cut:], deepcopy(state))
    assert (state, first + second) == (whole, effects)


@given(talks)
@settings(max_examples=60, deadline=None)
def test_messages_read_many_at_once_as_replay_does_make_the_same_state_and_effects(talk: list[Message]) -> None:
    ours, state = engine(), SpaceState()
    read = ours.read_all([m.text for m in talk])
    effects = [
        effect for m, evidence in zip(talk, read, strict=True) for effect in ours.feed_read(state, m, evidence, 0.0)
    ]
    assert (state, effects) == feed_all(talk)


@given(talks)
@settings(max_examples=60, deadline=None)
def test_every_message_is_scored_once_and_a_score_is_a_probability_or_insufficient(talk: list[Message]) -> None:
    _, effects = feed_all(talk)
    scores = [effect.score.probability for effect in effects if isinstance(effect, Scored)]
    assert len(scores) == len(talk)
    assert all(p is None or 0 <= p <= 1 for p in scores)


@given(talks)
@settings(max_examples=60, deadline=None)
def test_an_alert_opens_once_for_a_pair_and_only_then_is_updated(talk: list[Message]) -> None:
    _, effects = feed_all(talk)
    opened: set[Pair] = set()
    for effect in effects:
        if isinstance(effect, OpenAlert):
            assert effect.pair not in opened
            opened.add(effect.pair)
        elif isinstance(effect, UpdateAlert):
            assert effect.pair in opened


def test_too_little_said_is_insufficient_and_never_zero() -> None:
    _, effects = feed_all([message(0, "actor", "hi")])
    assert isinstance(effects[0], Scored)
    assert effects[0].score.probability is None


def test_an_alert_names_its_signals_and_the_messages_that_showed_them() -> None:
    _, effects = feed_all([message(i, "actor", text, partner="target") for i, text in enumerate(LINES[:9])])
    last = [effect for effect in effects if isinstance(effect, OpenAlert | UpdateAlert)][-1]
    assert {"asks_age", "secrecy_request", "move_off_platform"} <= set(last.signals)
    shown = {signal for reason in last.reasons for signal in reason.signals}
    assert shown
    assert shown <= set(last.signals)
    assert {reason.message_id for reason in last.reasons} <= {str(i) for i in range(9)}


def test_a_reasons_weight_is_what_its_message_added_in_log_odds() -> None:
    talk = [message(i, "actor", text, partner="target") for i, text in enumerate(LINES)]
    states = [feed_all(talk[:count])[0] for count in range(1, len(talk) + 1)]
    logits = [0.0, *(state.pairs["actor", "target"].logit for state in states)]
    moments = states[-1].pairs["actor", "target"].moments
    assert moments
    for moment in moments:
        index = int(moment.message_id)
        assert moment.weight == pytest.approx(logits[index + 1] - logits[index], abs=1e-9)


def test_two_adults_known_by_their_roles_are_left_alone_and_one_alone_is_not() -> None:
    def talk(actor_band: str | None, target_band: str | None) -> list[Effect]:
        answer = message(0, "target", "hi there")._replace(author=Author("target", "", target_band))  # type: ignore[arg-type]
        said = [message(i, "actor", text, partner="target") for i, text in enumerate(LINES[:9], 1)]
        return feed_all([answer, *(m._replace(author=Author("actor", "", actor_band)) for m in said)])[1]  # type: ignore[arg-type]

    assert not [e for e in talk("adult", "adult") if isinstance(e, OpenAlert)]
    assert [e for e in talk("adult", None) if isinstance(e, OpenAlert)]
    assert [e for e in talk("adult", "13_15") if isinstance(e, OpenAlert)]


def test_people_in_one_space_are_strangers_to_those_in_another() -> None:
    first = [message(i, "actor", text, partner="target") for i, text in enumerate(LINES[:9])]
    second = [m._replace(key=ConversationKey("other space", "room")) for m in first]
    _, one = feed_all(first)
    _, other = feed_all(second)
    assert [e.score for e in one if isinstance(e, Scored)] == [e.score for e in other if isinstance(e, Scored)]
    assert {e.alert for e in one if isinstance(e, OpenAlert)}.isdisjoint(
        {e.alert for e in other if isinstance(e, OpenAlert)}
    )


def test_the_pair_is_scored_across_the_rooms_of_its_space() -> None:
    talk = [message(i, "actor", text, f"room {i % 3}", partner="target") for i, text in enumerate(LINES)]
    state, _ = feed_all(talk)
    assert state.pairs["actor", "target"].messages == len(LINES)


@pytest.mark.parametrize(
    "text", ["", "\0" * 100, "\ud800\udfff", "\u202eabc\u202c", "a\u200bb" * 1000, "x" * 1_000_000, "word " * 200_000]
)
def test_no_text_is_too_strange_to_be_scored(text: str) -> None:
    _, effects = feed_all([message(0, "actor", text), message(1, "target", text)])
    assert len([e for e in effects if isinstance(e, Scored)]) == 2
