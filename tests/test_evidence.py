"""What a message adds: sums that scikit-learn would give too, signals, words."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from core.errors import ModelError
from core.evidence import BUCKETS, HEADS, Reader
from core.features import FEATURES, SHRINK, context, features, own, weights
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
        assert ours == pytest.approx(model.decision_function(made.matrix)[0], abs=1e-4)


@given(typed)
@settings(deadline=None, max_examples=10)
def test_remembering_words_changes_speed_and_never_the_result(text: str) -> None:
    fresh = Reader(WORDS, NEIGHBOURS)
    assert fresh.read(text) == fresh.read(text) == READER.read(text)


@given(st.lists(st.tuples(st.booleans(), typed), max_size=30))
@settings(deadline=None)
def test_the_quick_sum_over_a_pair_is_coefficients_times_features(said: list[tuple[bool, str]]) -> None:
    coefficients = RNG.normal(size=len(FEATURES)).tolist()
    pairs, people = (PairState(), PairState()), (PersonState(), PersonState())
    for other, text in said:
        evidence = READER.read(text)
        fold_pair(pairs[other], evidence, None)
        fold_person(people[other], evidence, "target", None)
    laid_out = weights(coefficients)
    quick = own(laid_out, pairs[0]) + context(laid_out, *pairs, *people)
    assert quick == pytest.approx(float(np.dot(coefficients, features(*pairs, *people))), abs=1e-6)


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
