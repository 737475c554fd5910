"""When moderators are told, told more, and left in peace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.effects import LEVELS
from core.messages import Pair
from core.pair import PersonState
from core.policy import (
    COOLDOWN,
    MARGIN,
    SHARPENED,
    AlertState,
    Thresholds,
    alert_name,
    decided,
    level_of,
    odds_of,
    step,
    weighed,
)

STEPS = Thresholds(watch=0.5, review=0.8, urgent=0.95)


def told(state: AlertState, probability: float, time: float = 0.0, signals: tuple[str, ...] = ()) -> str:
    return step(state, probability, level_of(probability, STEPS), signals, time, STEPS.review)


@pytest.mark.parametrize(
    ("probability", "level"),
    [(0.0, "none"), (0.49, "none"), (0.5, "watch"), (0.8, "review"), (0.95, "urgent"), (1.0, "urgent")],
)
def test_a_probability_has_one_level(probability: float, level: str) -> None:
    assert level_of(probability, STEPS) == level


def test_an_alert_opens_once_and_the_same_score_is_not_news() -> None:
    state = AlertState()
    assert [told(state, p) for p in (0.4, 0.7, 0.85, 0.85, 0.9)] == ["nothing", "nothing", "open", "nothing", "nothing"]


def test_a_higher_level_or_a_new_signal_updates_the_open_alert() -> None:
    state = AlertState()
    told(state, 0.85, signals=("asks_age",))
    assert told(state, 0.97, signals=("asks_age",)) == "raise"
    assert told(state, 0.97, signals=("asks_age", "secrecy_request")) == "update"
    assert told(state, 0.85, signals=("asks_age", "secrecy_request")) == "nothing"


def test_after_a_decision_the_pair_is_quiet_until_the_cooldown_is_over_and_the_score_fell_and_rose_again() -> None:
    state = AlertState()
    told(state, 0.9, 0.0)
    decided(state, 10.0)
    assert told(state, 0.94, 20.0) == "nothing"
    assert told(state, 0.94, 20.0 + COOLDOWN) == "nothing", "the same words alerted twice"
    assert told(state, STEPS.review - MARGIN - 0.01, 30.0 + COOLDOWN) == "nothing"
    assert told(state, 0.9, 40.0 + COOLDOWN) == "open"
    assert state.count == 2


def test_after_a_decision_a_higher_level_is_news_at_once_and_a_new_signal_once_the_cooldown_is_over() -> None:
    state = AlertState()
    told(state, 0.85, 0.0, ("asks_age",))
    decided(state, 10.0)
    assert told(state, 0.85, 20.0, ("asks_age", "meet_up")) == "nothing"
    assert told(state, 0.85, 20.0 + COOLDOWN, ("asks_age", "meet_up")) == "open"
    decided(state, 30.0 + COOLDOWN)
    assert told(state, 0.97, 31.0 + COOLDOWN, ("asks_age", "meet_up")) == "open"


def test_a_score_that_only_wavers_around_the_threshold_alerts_once() -> None:
    state = AlertState()
    told(state, 0.81)
    decided(state, 0.0)
    later = COOLDOWN + 1
    assert {told(state, p, later + i) for i, p in enumerate((0.79, 0.81, 0.78, 0.82))} == {"nothing"}


@given(st.lists(st.floats(0, 1), max_size=60))
def test_no_course_of_scores_opens_a_second_alert_while_one_is_open(scores: list[float]) -> None:
    state = AlertState()
    assert [told(state, p, float(t)) for t, p in enumerate(scores)].count("open") <= 1


def test_an_alerts_name_depends_on_space_pair_and_number_alone() -> None:
    pair = Pair("s", "actor", "target")
    names = {
        alert_name(pair, 1),
        alert_name(pair, 2),
        alert_name(Pair("s", "target", "actor"), 1),
        alert_name(Pair("s", "a", None), 1),
    }
    assert len(names) == 4
    assert alert_name(pair, 1) == alert_name(Pair("s", "actor", "target"), 1)


@given(st.floats(0.01, 0.99))
def test_thresholds_chosen_by_one_number_are_in_order(review: float) -> None:
    chosen = Thresholds.around(review)
    assert chosen.watch <= chosen.review <= chosen.urgent
    assert chosen.review == review


BANDS = st.sampled_from([None, "under_13", "13_15", "16_17", "adult"])
PEOPLE = st.builds(PersonState, ages=st.lists(st.integers(8, 79), max_size=3), age_band=BANDS)
MINORS = st.builds(PersonState, ages=st.lists(st.integers(8, 17), min_size=1, max_size=2)) | st.builds(
    PersonState, ages=st.lists(st.integers(8, 79), max_size=3), age_band=st.sampled_from(["under_13", "13_15", "16_17"])
)


def level(probability: float, actor: PersonState, target: PersonState) -> int:
    return LEVELS.index(level_of(weighed(probability, odds_of(actor, target)), STEPS))


@given(st.floats(0, 1), PEOPLE, MINORS)
def test_knowing_that_the_target_is_a_minor_never_lowers_a_level(
    probability: float, actor: PersonState, minor: PersonState
) -> None:
    assert level(probability, actor, minor) >= level(probability, actor, PersonState())


@given(st.floats(0, 1), st.lists(st.integers(8, 79), max_size=2), st.lists(st.integers(8, 79), max_size=2))
def test_two_known_adults_never_reach_a_level(probability: float, said: list[int], answered: list[int]) -> None:
    actor, target = PersonState(ages=said, age_band="adult"), PersonState(ages=answered, age_band="adult")
    assert level(probability, actor, target) == 0


@pytest.mark.parametrize(
    ("actor", "target", "odds"),
    [
        (PersonState(age_band="adult"), PersonState(age_band="13_15"), SHARPENED),
        (PersonState(ages=[30]), PersonState(ages=[14]), SHARPENED),
        (PersonState(ages=[17]), PersonState(ages=[13]), SHARPENED),
        (PersonState(age_band="adult"), PersonState(ages=[30]), 1.0),
        (PersonState(ages=[30]), PersonState(ages=[30]), 1.0),
        (PersonState(age_band="13_15"), PersonState(age_band="13_15"), 1.0),
        (PersonState(age_band="13_15"), PersonState(age_band="adult"), 1.0),
        (PersonState(age_band="adult"), PersonState(), 1.0),
    ],
)
def test_ages_weigh_as_the_table_says(actor: PersonState, target: PersonState, odds: float) -> None:
    assert odds_of(actor, target) == odds


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.0, 1.0, SHARPENED]))
def test_weighing_keeps_order_and_stays_a_probability(one: float, other: float, odds: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= weighed(low, odds) <= weighed(high, odds) <= 1 or odds == 0
