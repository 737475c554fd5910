"""What a message adds: sums that scikit-learn would give too, signals, words."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from core.errors import ModelError
from core.evidence import BUCKETS, HEADS, Reader
from core.features import FEATURES, SHRINK, features
from core.kinds import KINDS, context, log_odds, own, weights
from core.model import SHIPPED, load_model
from core.pair import PairState, PersonState, fold_pair, fold_person
from core.text import tokens
from core.training.heads import SCALE, Window, design

RNG = np.random.default_rng(1)
WORDS = RNG.normal(size=(BUCKETS, len(HEADS))).astype(np.float32)
NEIGHBOURS = RNG.normal(size=(BUCKETS, len(HEADS))).astype(np.float32)
READER = Reader(WORDS, NEIGHBOURS)
typed = st.text(max_size=80) | st.lists(
    st.sampled_from(["hey", "u", "how", "old?", "r", "15f", "p@rents", "don't"])
).map(" ".join)


@given(st.lists(typed, min_size=1, max_size=6))
@settings(deadline=None)
def test_what_a_reader_sums_up_word_by_word_is_what_scikit_learn_decides_on_the_whole_window(texts: list[str]) -> None:
    made = design([Window("s", "pattern", 0, [tokens(text) for text in texts])])
    model = LogisticRegression()
    model.classes_ = np.array([0, 1])
    read = [READER.read(text) for text in texts]
    size = sum(evidence.words for evidence in read) + SHRINK
    for head in range(len(HEADS)):
        model.coef_ = np.concatenate([WORDS[:, head], NEIGHBOURS[:, head]])[None, :].astype(np.float64) / SCALE
        model.intercept_ = np.zeros(1)
        ours = sum(evidence.heads[head] for evidence in read) / size
        assert ours == pytest.approx(model.decision_function(made.matrix)[0], abs=1e-6)


@given(typed)
@settings(deadline=None, max_examples=10)
def test_remembering_words_changes_speed_and_never_the_result(text: str) -> None:
    fresh = Reader(WORDS, NEIGHBOURS)
    assert fresh.read(text) == fresh.read(text) == READER.read(text)


@given(st.lists(st.tuples(st.booleans(), typed), max_size=30))
@settings(deadline=None)
def test_the_quick_way_to_the_log_odds_of_a_pair_is_what_scikit_learn_decides(said: list[tuple[bool, str]]) -> None:
    model = LogisticRegression()
    model.classes_ = np.arange(len(KINDS))
    model.coef_ = RNG.normal(size=(len(KINDS), len(FEATURES)))
    model.intercept_ = RNG.normal(size=len(KINDS))
    pairs, people = (PairState(), PairState()), (PersonState(), PersonState())
    for other, text in said:
        evidence = READER.read(text)
        fold_pair(pairs[other], evidence, None)
        fold_person(people[other], evidence, "target", None)
    laid_out = weights(model.coef_.tolist(), model.intercept_.tolist(), (1.0, 0.0, 0.0, 0.0), 0.0)
    pairs[0].leanings = own(laid_out, pairs[0])
    quick = log_odds(laid_out, context(laid_out, *pairs, *people), 0.0)
    kinds = model.predict_log_proba([features(*pairs, *people)])[0]
    assert quick == pytest.approx(np.logaddexp(*kinds[:2]) - np.logaddexp.reduce(kinds[2:]), abs=1e-6)


def test_little_said_claims_less_than_its_weights_do() -> None:
    laid_out = weights(
        np.zeros((len(KINDS), len(FEATURES))).tolist(), [3.0, 0.0, 0.0, 0.0, 0.0], (1.0, -0.5, 0.0, 0.0), 0.0
    )
    few, many = (log_odds(laid_out, laid_out.intercepts, words) for words in (10, 10_000))
    assert 0 < few < many


def test_a_question_signals_and_a_stated_age_are_seen() -> None:
    seen = READER.read("im 15, how old are you?")
    assert (seen.question, seen.age) == (1, 15)
    assert "asks_age" in seen.signals


def test_a_model_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model"):
        load_model(tmp_path)
    (tmp_path / "card.json").write_text('{"format": 0}')
    (tmp_path / "weights.safetensors").write_bytes((SHIPPED / "weights.safetensors").read_bytes())
    with pytest.raises(ModelError, match="another version"):
        load_model(tmp_path)
    (tmp_path / "card.json").write_text((SHIPPED / "card.json").read_text())
    (tmp_path / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged"):
        load_model(tmp_path)


def test_the_shipped_model_fits_this_code_and_its_card_tells_how_it_was_made() -> None:
    card = load_model().card
    assert card["features"] == list(FEATURES)
    assert card["command"]
    assert all(len(corpus["sha256"]) == 64 for corpus in card["corpora"])
    assert card["figures"]["sources"]
    assert card["limits"]
    assert card["forbidden_uses"]


def test_an_alert_waits_where_the_talk_is_closer_to_ordinary_talk_that_is_easily_mistaken() -> None:
    model = load_model(SHIPPED)
    said = [PairState(sums=[0.0] * 8 + [(model.weights.doubt + nearer) * 120.0, 100.0]) for nearer in (1.0, 0.0, -1.0)]
    at_ease, at_the_edge, doubted = map(model.agreement, said)
    assert at_ease == at_the_edge == 1.0
    assert 0.0 < doubted < 1.0
