"""Choosing a threshold by how many alerts a week it would have meant."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Alerts
from core.model import load_model
from core.peaks import DAY
from core.tune import DAYS_NEEDED, HIGHEST, Reached, tune
from tests.support import Board, slow_talk
from tests.test_cli import lampkeeper, refused
from tests.test_language import ORDINARY, lines
from tests.test_shadow import NOW, talk, watching

DAYS = st.integers(0, 55)
SEEN = st.lists(st.builds(Reached, DAYS, st.sampled_from("abcdefgh"), st.floats(0, 1)), min_size=1, max_size=60)
LIMITS = load_model().thresholds


@given(SEEN, st.floats(0.1, 20), st.floats(0.1, 0.99))
def test_the_threshold_keeps_to_what_was_asked_and_the_next_lower_one_does_not(
    seen: list[Reached], asked: float, lowest: float
) -> None:
    tuning = tune([reached.day for reached in seen], seen, asked, lowest, 0.99)
    if tuning.threshold is None:
        return
    chosen = tuning.threshold
    assert lowest <= chosen.threshold <= HIGHEST
    assert chosen.a_week <= asked
    if chosen.threshold > lowest:
        days = {reached.day for reached in seen}
        lower = tune(days, seen, 1e9, max(lowest, chosen.threshold - 2e-4), 0.99).threshold
        assert lower is not None
        assert lower.a_week > asked or lower.alerts == chosen.alerts


@given(SEEN, st.floats(0.1, 20))
def test_a_higher_threshold_never_means_more_alerts(seen: list[Reached], asked: float) -> None:
    steps = tune([reached.day for reached in seen], seen, asked, 0.1, 0.99).steps
    alerts = [step.alerts for step in steps]
    assert [step.threshold for step in steps] == sorted({step.threshold for step in steps})
    assert alerts == sorted(alerts, reverse=True)


def test_a_pair_counts_once_a_week_however_often_it_reached_the_threshold() -> None:
    seen = [Reached(day, "pair", 0.95) for day in range(14)]
    tuning = tune(range(14), seen, 5, 0.9, 0.9)
    assert tuning.threshold is not None
    assert (tuning.threshold.alerts, tuning.threshold.a_week) == (2, 1.0)


def test_quiet_days_count_as_watched() -> None:
    assert tune([0, 27], [Reached(0, "pair", 0.95)], 5, 0.9, 0.9).days == 28


@pytest.mark.parametrize("days", [1, DAYS_NEEDED - 1])
def test_less_than_a_week_is_too_little_to_choose_by(days: int) -> None:
    tuning = tune(range(days), [Reached(0, "pair", 0.95)], 5, 0.9, 0.9)
    assert tuning.short
    assert tuning.threshold is None


def test_what_no_threshold_keeps_to_is_said_not_guessed() -> None:
    seen = [Reached(day, f"pair {day}", 1.0) for day in range(28)]
    assert tune(range(28), seen, 1, 0.9, 0.99).threshold is None


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def watched(tmp_path: Path) -> Path:
    """Three weeks in shadow: every week a talk that follows the pattern, and something said on the last day."""
    async with watching(tmp_path, Board(), shadow=True, clock=lambda: NOW + 21 * DAY) as guard:
        for week in range(3):
            await talk(guard, NOW + 7 * week * DAY, slow_talk() * 2)
        await talk(guard, NOW + 20 * DAY, ["good game, well played everyone"])
    config = tmp_path / "config.toml"
    config.write_text('[alerts]\nmode = "shadow"\n')
    return config


async def test_tune_shows_what_each_threshold_would_have_meant_and_the_line_for_the_config(watched: Path) -> None:
    done = lampkeeper("tune", "--alerts-per-week", 2, "--config", watched)
    assert (done.returncode, done.stderr) == (0, "")
    assert "test:space: 21 days, 4 of them with scores" in done.stdout
    assert re.search(rf"{LIMITS.review:g}  \(review of the model\) +\d+ +\d+\.\d", done.stdout)
    line = done.stdout.split("[alerts]\n")[1].splitlines()[0]
    chosen = float(line.removeprefix("review = "))
    assert Alerts(review=chosen).review == chosen
    assert LIMITS.watch <= chosen <= HIGHEST


async def test_tune_reads_beside_a_running_lampkeeper_and_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    async with watching(tmp_path, Board(), shadow=True, clock=lambda: NOW) as guard:
        await talk(guard, texts=slow_talk() * 2)
        done = lampkeeper("tune", "--alerts-per-week", 2, "--config", tmp_path / "config.toml")
    assert done.returncode == 1
    assert "Too little to choose by: at least 7 days are needed." in done.stdout
    assert "review =" not in done.stdout
    assert "actor" not in done.stdout


async def test_tune_says_when_there_is_nothing_to_choose_by(watched: Path, tmp_path: Path) -> None:
    where = ("--alerts-per-week", 2, "--config", watched)
    assert "Known: test:space." in refused("tune", *where, "--space", "test:nowhere")
    assert "more than 0" in refused("tune", "--alerts-per-week", 0, "--config", watched)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.toml").write_text("")
    empty = ("--config", tmp_path / "empty" / "config.toml")
    assert 'mode = "shadow"' in refused("tune", "--alerts-per-week", 2, *empty)
    (tmp_path / "empty" / "lampkeeper.db").write_bytes(b"no database" * 100)
    assert "damaged or not a database" in refused("tune", "--alerts-per-week", 2, *empty)


def transcript(days: int, *, dated: bool = True) -> str:
    messages = [
        {
            "author": "actor" if number % 2 == 0 else "target",
            "text": text if number % 2 == 0 else "ok",
            "time": f"2026-03-{1 + day:02}T10:{number:02}:00" if dated else f"10:{number:02}",
        }
        for day in range(days)
        for number, text in enumerate(line for said in slow_talk() for line in (said, ""))
    ]
    return json.dumps({"id": "c1", "messages": messages}) + "\n"


def test_tune_weighs_transcripts_with_dates_by_the_same_function(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(transcript(14))
    done = lampkeeper("tune", file, "--alerts-per-week", 3)
    assert done.returncode == 0
    assert "these transcripts: 14 days" in done.stdout
    assert "[alerts]\nreview = " in done.stdout
    file.write_text(transcript(1, dated=False))
    assert "No message with a date" in refused("tune", file, "--alerts-per-week", 3)


def test_replay_and_explain_say_what_could_not_be_read(tmp_path: Path) -> None:
    messages = [
        {"author": who, "text": text, "time": None} for text in lines(ORDINARY["es"]) for who in ("friend", "teacher")
    ]
    file, scores = tmp_path / "history.jsonl", tmp_path / "scores.jsonl"
    file.write_text(json.dumps({"id": "c1", "messages": messages}) + "\n")
    done = lampkeeper("replay", file, "--scores", scores)
    assert done.returncode == 0
    assert "1 conversations in a language that the model does not read: Spanish (1)" in done.stdout
    last = json.loads(scores.read_text().splitlines()[-1])
    assert (last["score"], last["level"], last["outcome"]) == (None, "none", "unsupported_language")
    explained = lampkeeper("explain", file)
    assert "friend -> teacher: unsupported_language: mostly Spanish, which the model does not read" in explained.stdout


def test_check_says_that_it_watches_in_shadow(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[alerts]\nmode = "shadow"\n')
    assert "shadow mode: scores are noted" in lampkeeper("check", "--config", config).stdout
