"""Every signal keeps the contract: it fires on its examples through the whole way, stays quiet else, and is cheap."""

from __future__ import annotations

import json
import re
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.evidence import Evidence
from core.features import FEATURES, shown_signals, welfare_signals
from core.pair import PairState, PersonState, fold_pair, fold_person
from core.signals import CUES, PATTERN_SIGNALS, WEIGHED, matching
from core.signals.ages import stated_age
from core.signals.computed import (
    COMPUTED_SIGNALS,
    MEANINGS,
    adult,
    age_gap,
    fan_out,
    lied_about_age,
    night_hours,
    one_sided_questions,
    rapid_escalation,
    young,
)
from core.signals.pattern import PatternSignal
from core.text import tokens
from core.training.rates import rates, shown

DOCS = Path(__file__).parents[1] / "docs" / "signals.md"
ACCUSING = "predator groomer grooming pedophile paedophile abuser victim suspect criminal offender perpetrator pervert"
WIDEST = 600
"""Characters: more than any pattern can match, so a search looks at each place of a text this far at most."""
NESTED = 200
"""Most repetitions that one repeat inside another may add up to."""

every = pytest.mark.parametrize("signal", PATTERN_SIGNALS, ids=lambda signal: signal.name)


@every
def test_a_signal_fires_on_its_examples(signal: PatternSignal) -> None:
    assert len(signal.examples) >= 3
    for example in signal.examples:
        assert signal.name in shown(example), example


@every
def test_a_signal_stays_quiet_on_its_counter_examples(signal: PatternSignal) -> None:
    assert len(signal.counter_examples) >= 3
    for example in signal.counter_examples:
        assert signal.name not in shown(example), example


@every
@settings(
    max_examples=60, derandomize=True, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_whatever_a_pattern_matches_holds_a_cue(signal: PatternSignal, data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(signal.patterns))
    text = data.draw(st.from_regex(rf"\A(?:{pattern})\Z", alphabet="abcdefghijklmnopqrstuvwxyz0123456789 ?$<>"))
    words = text.split(" ")
    assert not signal.cues.isdisjoint(words)
    assert not signal.also or not signal.also.isdisjoint(words)


@every
def test_cues_are_canonical_tokens(signal: PatternSignal) -> None:
    for cue in signal.cues | signal.also:
        assert tokens(cue) == [cue]


@every
def test_searching_is_linear_because_nothing_repeats_without_bound(signal: PatternSignal) -> None:
    for pattern in signal.patterns:
        tree = parser.parse(pattern)
        assert tree.getwidth()[1] <= WIDEST, pattern
        assert _most_repeats(tree) <= NESTED, pattern


def _most_repeats(node: Any) -> int:
    """Largest product of repeat counts along one way down a parsed pattern."""
    if isinstance(node, parser.SubPattern | list):
        return max((_most_repeats(part) for part in node), default=1)
    if not isinstance(node, tuple):
        return 1
    operation, argument = (node[0], node[1:]) if len(node) > 1 else (None, node)
    if operation in (constants.MAX_REPEAT, constants.MIN_REPEAT):
        _, most, inner = argument[0]
        return max(1, int(most)) * _most_repeats(inner)
    return max((_most_repeats(part) for part in argument), default=1)


def test_the_repeat_check_sees_what_it_is_for() -> None:
    assert _most_repeats(parser.parse("(?:(?:a{1,40} ){0,3}b)?")) == 120
    assert _most_repeats(parser.parse("(?:a+ )*")) > NESTED


def test_names_are_unique_and_in_snake_case() -> None:
    names = [signal.name for signal in PATTERN_SIGNALS] + [signal.name for signal in COMPUTED_SIGNALS]
    assert len(set(names)) == len(names)
    assert set(MEANINGS) == set(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("name", MEANINGS)
def test_a_meaning_says_what_was_said_and_accuses_nobody(name: str) -> None:
    words = set(re.findall(r"[a-z]+", MEANINGS[name].lower()))
    assert words.isdisjoint(ACCUSING.split())
    assert len(words) >= 3
    assert MEANINGS[name][0].islower()
    assert MEANINGS[name][-1].isalpha() or MEANINGS[name][-1].isdigit()


def test_the_documentation_lists_exactly_the_registered_signals() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    registered = [(signal.name, signal.stage, signal.meaning) for signal in PATTERN_SIGNALS]
    assert rows == registered + [(signal.name, "computed", signal.meaning) for signal in COMPUTED_SIGNALS]


def test_a_message_without_cues_is_not_searched() -> None:
    assert not any(token in CUES for token in tokens("the patch fixes that bug on my machine"))
    assert matching(0, "how old are you") == ()


@pytest.mark.parametrize(
    "text",
    [
        "i wont ask how old are you",
        "I would never ask, not even how old r u",
        'they wrote "how old are you" in the form',
        "she said “wanna meet?” and left",
    ],
)
def test_negated_and_quoted_words_do_not_count(text: str) -> None:
    assert shown(text) == ()


@pytest.mark.parametrize("text", ["why don't you send me a pic", "don't u have a pic", 'ok " how old are you'])
def test_a_question_with_a_negation_and_an_open_quotation_mark_do_count(text: str) -> None:
    assert shown(text)


def test_a_signal_that_begins_with_a_negation_counts() -> None:
    assert "secrecy_request" in shown("don't tell anyone")
    assert "secrecy_request" in shown("d0n't t3ll y0ur m0m")


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("I'm 15", 15),
        ("i am fifteen", 15),
        ("im only 12 lol", 12),
        ("15f", 15),
        ("15/f/uk", 15),
        ("f15", 15),
        ("hi 42 m here", 42),
        ("turning 14", None),
        ("I'm turning 14 next week", 13),
        ("im almost 16", 15),
        ("im in 8th grade", 13),
        ("I'm in year 9", 13),
        ("i'm a 10th grader", 15),
        ("i just turned 34", 34),
        ("im 15 years old", 15),
        ("my age is 20", 20),
        ("i am eighteen", 18),
        ("im 15 minutes away", None),
        ("i'm 5 foot 4", None),
        ("I'm 5'4\"", None),
        ("15 mins", None),
        ("im 15 years into this", None),
        ("when im 18", None),
        ("she is 15", None),
        ("i am not 15", None),
        ('he said "im 15"', None),
        ("im 12yrs old", 12),
        ("im 1 5", 15),
        ("im 1 5 minutes", None),
        ("in yr 10", 14),
        ("8th grade wbu", 13),
        ("the 8th grade", None),
        ("im in tenth grade", 15),
        ("im a freshman in high school", 14),
        ("im a freshman", None),
        ("1️⃣5️⃣f", 15),
        ("im fourten", 14),
        ("im 100", None),
        ("im 50 50 on that", None),
        ("i am in 3 servers", None),
        ("", None),
    ],
)
def test_an_age_counts_only_where_people_state_their_own(text: str, age: int | None) -> None:
    assert stated_age(" ".join(tokens(text))) == age


@given(st.text(st.sampled_from('im a0123456789fmyo "grade year when ?'), max_size=60))
def test_a_stated_age_is_a_plausible_age(text: str) -> None:
    age = stated_age(" ".join(tokens(text)))
    assert age is None or 5 <= age <= 79


def person(*ages: int, band: Any = None, **targets: int) -> PersonState:
    return PersonState(ages=list(ages), age_band=band, targets=dict(targets))


def gap(actor: PersonState, target: PersonState) -> bool:
    return age_gap(PairState(), PairState(), actor, target)


def test_an_age_gap_needs_a_minor_and_somebody_clearly_older() -> None:
    assert gap(person(30), person(14))
    assert gap(person(band="adult"), person(14))
    assert gap(person(17), person(13))
    assert gap(person(30), person(band="13_15"))
    assert not gap(person(17), person(16))
    assert not gap(person(30), person(25))
    assert not gap(person(30), person())
    assert not gap(person(), person(14))
    assert not gap(person(14), person(30))


def test_a_band_given_by_the_platform_weighs_more_than_what_people_say() -> None:
    assert adult(person(14, band="adult"))
    assert not young(person(14, band="adult"))
    assert not adult(person(13, 30, band="13_15"))


def test_two_own_ages_contradict_each_other_unless_a_birthday_lies_between() -> None:
    def lied(*ages: int) -> bool:
        return lied_about_age(PairState(), PairState(), person(*ages), person())

    assert lied(16, 34)
    assert not lied(15, 16)
    assert not lied(16)


def test_fan_out_means_signals_to_several_people() -> None:
    def fans(**targets: int) -> bool:
        return fan_out(PairState(), PairState(), person(**targets), person())

    assert fans(friend=3, target=4, teacher=3)
    assert not fans(friend=30, target=4)
    assert not fans(friend=1, target=1, teacher=1, actor=1)


def test_rapid_escalation_means_several_stages_within_the_first_messages() -> None:
    def rapid(**first_seen: int) -> bool:
        return rapid_escalation(PairState(first_seen=dict(first_seen)), PairState(), person(), person())

    assert rapid(asks_age=1, flattery=5, asks_alone=30)
    assert not rapid(asks_age=1, flattery=5, asks_alone=31)
    assert not rapid(asks_age=1, asks_location=2, asks_appearance=3)
    assert not rapid(asks_age=1, flattery=2, target_discomfort=3)


def test_one_sided_questions_need_somebody_who_answers() -> None:
    def one_sided(questions: int, back: int, said: int) -> bool:
        pair, reverse = PairState(questions=questions), PairState(messages=said, questions=back)
        return one_sided_questions(pair, reverse, person(), person())

    assert one_sided(12, 1, 20)
    assert not one_sided(12, 10, 20)
    assert not one_sided(12, 0, 2)
    assert not one_sided(3, 0, 20)


def test_rates_count_messages_per_thousand_and_lines_that_cannot_be_read(tmp_path: Path) -> None:
    said = ["how old are you?", "hi", "ok", "how old r u"]
    messages = ", ".join(f'{{"author": "actor", "text": "{text}"}}' for text in said)
    (tmp_path / "talk.jsonl").write_text(f'{{"id": "1", "messages": [{messages}]}}\nbroken\n', encoding="utf-8")
    found = rates([tmp_path / "talk.jsonl"])
    assert found.messages == {"talk": 4}
    assert found.skipped == {"talk": 1}
    assert found.per_thousand["asks_age"] == {"talk": 500.0}
    assert found.per_thousand["threat"] == {"talk": 0.0}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("whats ur disc", "move_off_platform"),
        ("what's your dc user", "move_off_platform"),
        ("ur snap?", "move_off_platform"),
        ("add me on tele", "move_off_platform"),
        ("just dm me", "move_off_platform"),
        ("lets go to dms", "move_off_platform"),
        ("want some robux?", "gifts"),
        ("i'll gift u nitro", "gifts"),
        ("vbucks if u send a pic", "gifts"),
        ("i can get u a giftcard", "gifts"),
        ("can we ft", "video_call"),
        ("hop on vc with me", "video_call"),
        ("delete the chat ok", "secrecy_request"),
        ("our lil secret", "secrecy_request"),
        ("keep it lowkey", "secrecy_request"),
        ("nobody has to know about us", "secrecy_request"),
        ("ur so mature", "age_minimising"),
        ("age is just a num", "age_minimising"),
        ("do u have a bed time", "schedule_probe"),
        ("how late can u stay up", "schedule_probe"),
        ("are u in ur room", "asks_alone"),
        ("close ur door", "asks_alone"),
        ("does ur mom check ur phone", "asks_parents"),
        ("wanna link up", "meet_up"),
        ("u can come to mine", "come_over"),
        ("send 📷 pls", "asks_photo"),
        ("hw ld r u", "asks_age"),
        ("d0 ur p4r3nts ch3ck ur ph0n3", "asks_parents"),
        ("i ❤ u", "love_declared"),
        ("if u trusted me", "trust_test"),
        ("im a sophomore in hs", "claims_minor"),
        ("im 1 3", "claims_minor"),
    ],
)
def test_the_words_of_this_decade_and_their_disguises_show(text: str, name: str) -> None:
    assert name in shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "dm me if the build breaks",
        "the dms are broken since the update",
        "my robux are gone",
        "nitro is too expensive",
        "hop on the server, raid at nine",
        "get in vc everyone",
        "delete the chat plugin and restart",
        "i dc'd from the game",
        "the camera is off by one",
        "close the door of the castle",
        "a mature project",
        "that is sus",
        "vc is lagging",
        "link the issue",
    ],
)
def test_ordinary_talk_of_this_decade_shows_nothing(text: str) -> None:
    assert shown(text) == ()


def test_signals_that_are_not_weighed_are_counted_apart_and_are_no_features() -> None:
    assert "self_harm_mention" not in WEIGHED
    assert not {"signal_self_harm_mention", "signal_night_hours"} & set(FEATURES)
    pair, someone = PairState(), person()
    evidence = Evidence((0.0, 0.0, 0.0, 0.0), 3, 0, ("self_harm_mention", "names_skin", "asks_age"), None)
    fold_pair(pair, evidence, None)
    fold_person(someone, evidence, "target", None)
    assert (pair.signals, pair.unweighed) == ({"asks_age": 1}, {"self_harm_mention": 1, "names_skin": 1})
    assert someone.targets == {"target": 1}
    assert welfare_signals(pair) == ("self_harm_mention",)
    assert shown_signals(pair, PairState(), someone, person()) == ("asks_age", "self_harm_mention", "names_skin")


def test_what_the_one_approached_answers_is_no_fan_out() -> None:
    someone = person()
    for target in ("actor", "friend", "teacher"):
        for _ in range(9):
            evidence = Evidence((0.0, 0.0, 0.0, 0.0), 3, 0, ("claims_minor", "target_discomfort"), None)
            fold_person(someone, evidence, target, None)
    assert not fan_out(PairState(), PairState(), someone, person())


def test_night_hours_means_most_messages_between_eleven_and_five() -> None:
    def nightly(*hours: float) -> bool:
        pair = PairState()
        for hour in hours:
            fold_pair(pair, Evidence((0.0, 0.0, 0.0, 0.0), 1, 0, (), None), 86_400 * 20_000 + hour * 3_600)
        return night_hours(pair, PairState(), person(), person())

    assert nightly(*[23, 0, 4.9] * 4)
    assert not nightly(*[23, 0, 4.9] * 2)
    assert not nightly(*[23, 12, 5] * 8)
    assert not nightly(*[22.9, 5] * 8)


def test_rates_compare_labelled_talk_and_count_computed_signals_by_conversation(tmp_path: Path) -> None:
    def line(label: int, *texts: str) -> str:
        said = [{"author": "actor", "text": text, "time": "23:30"} for text in texts]
        return json.dumps({"id": "1", "label": label, "messages": said})

    ordinary = line(0, *["hi"] * 499, "how old are you")
    (tmp_path / "ordinary.jsonl").write_text(ordinary, encoding="utf-8")
    (tmp_path / "pattern.jsonl").write_text(line(1, *["how old are you", "send a pic"] * 5) + "\n", encoding="utf-8")
    found = rates(sorted(tmp_path.iterdir()))
    assert found.times["asks_age"] == pytest.approx(250.0)
    assert found.times["asks_photo"] == float("inf")
    assert found.times["threat"] is None
    assert found.per_thousand["night_hours"] == {"ordinary": 1000.0, "pattern": 1000.0}
    assert found.conversations == {"ordinary": 1, "pattern": 1}
