"""The formulas: held to cases made by hand, to scikit-learn where it has the same, and to what must hold of any."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from core.errors import ModelError
from core.policy import Thresholds
from core.training.figures import Addressing, Figures, SourceFigures, figures_of
from core.training.latency import erde, latency, penalty
from core.training.metrics import (
    average_precision,
    calibration_error,
    precision_at,
    precision_recall,
    reliability,
    wilson,
)

RANKED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)
DELAYS = st.lists(st.none() | st.integers(1, 3000), min_size=1, max_size=30)


def arrays(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels, bool), np.array(scores)


def test_perfect_calibration_has_no_error_and_false_certainty_has_much() -> None:
    assert calibration_error(reliability([(5, 0.95, True)] * 95 + [(5, 0.05, False)] * 95)) == pytest.approx(0.05)
    assert calibration_error(reliability([(5, 1.0, False), (5, 0.0, True)])) == pytest.approx(1.0)


def test_a_reliability_table_weighs_both_classes_alike_and_loses_no_look() -> None:
    bins = reliability([(5, 0.42, True)] + [(5, 0.44, False)] * 9 + [(5, 0.91, True)] * 3)
    assert [b.looks for b in bins] == [10, 3]
    assert sum(b.share for b in bins) == pytest.approx(1)
    assert bins[0].pattern == pytest.approx(0.125 / 0.625)


@given(RANKED)
def test_average_precision_is_scikit_learns(rows) -> None:
    labels, scores = arrays(rows)
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))


@given(RANKED)
def test_every_point_of_the_curve_is_what_alerting_from_its_probability_gives(rows) -> None:
    labels, scores = arrays(rows)
    points = precision_recall(labels, scores)
    for point in points:
        alerted = scores >= point.probability
        assert point.precision == pytest.approx(labels[alerted].mean())
        assert point.recall == pytest.approx(labels[alerted].sum() / labels.sum())
    assert points[-1].recall == 1
    assert [p.recall for p in points] == sorted(p.recall for p in points)


@given(st.integers(1, 5000), st.data())
def test_wilsons_bounds_hold_what_was_measured_and_close_in_as_more_is_heard(of, data) -> None:
    hits = data.draw(st.integers(0, of))
    low, high = wilson(hits, of)
    assert 0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1
    closer = wilson(hits * 10, of * 10)
    assert closer[1] - closer[0] < high - low


@given(st.floats(0.01, 1), st.floats(0, 1))
def test_precision_falls_as_the_pattern_grows_rare(recall, false_alert_rate) -> None:
    found = [precision_at(one_in, recall, false_alert_rate) for one_in in (2, 100, 1000, 10_000)]
    assert found == sorted(found, reverse=True)


@given(st.integers(1, 2999))
def test_waiting_a_message_longer_always_costs(message) -> None:
    assert penalty(message) <= penalty(message + 1) <= 1


@given(DELAYS, DELAYS)
def test_an_earlier_alert_never_makes_the_figures_of_earliness_worse(pattern, ordinary) -> None:
    sooner = [delay and max(1, delay // 2) for delay in pattern]
    late, early = latency(("a", "b"), pattern, ordinary), latency(("a", "b"), sooner, ordinary)
    assert early.f_latency >= late.f_latency
    assert early.erde_5 <= late.erde_5
    assert early.erde_50 <= late.erde_50
    assert 0 <= late.f_latency <= late.f1 <= 1


def test_a_model_that_never_alerts_is_not_quick() -> None:
    found = latency(("approaches", "chat"), [None, None], [None])
    assert (found.f_latency, found.speed, found.delay, found.precision) == (0, 0, None, 0)
    assert erde([None, None], [None], 50) == pytest.approx(2 / 3)


def test_figures_read_back_from_a_card_are_the_figures_written() -> None:
    figures = Figures(Thresholds(0.1, 0.2, 0.3), [SourceFigures("a", "pattern", 3, 30, 2, first_alerts=[4, 9])])
    figures.calibration_by_length = {5: 0.1}
    figures.latency = [latency(("a", "b"), [4, 9, None], [None])]
    figures.reliability = []
    figures.perturbations = {"leet": {"median_delay": 1.0}}
    figures.addressing = [Addressing("a", 3, 30, 9, 4, 5, 12, 1.5, 0.4, None)]
    assert figures_of(json.loads(json.dumps({"figures": asdict(figures)}))) == figures


def test_a_card_made_before_a_figure_was_measured_is_read_without_it() -> None:
    older = asdict(Figures(Thresholds(0.1, 0.2, 0.3), [SourceFigures("a", "pattern", 3, 30, 2)]))
    del older["addressing"], older["perturbations"]
    found = figures_of({"figures": older})
    assert found is not None
    assert (found.messages, found.addressing, found.perturbations) == (30, [], {})


def test_figures_of_another_shape_are_refused_with_the_place() -> None:
    with pytest.raises(ModelError, match=r"at sources.0.source"):
        figures_of(
            {"figures": {"thresholds": {"watch": 0.1, "review": 0.2, "urgent": 0.3}, "sources": [{"talks": "x"}]}}
        )
