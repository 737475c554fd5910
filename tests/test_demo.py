"""The demo: invented conversations of which the right ones alert, and the whole way that `lampkeeper demo` shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bots.commands.demo import FOLDER
from core.effects import OpenAlert
from core.engine import Engine, SpaceState
from core.model import load_model
from core.transcripts import Transcript, read

PEOPLE = re.compile(r"(actor|target|friend|teacher|parent|child|gamer|player|student)(_[abc])?")
TALKS = [talk for path in sorted(FOLDER.glob("*.jsonl")) for talk in read(path) if isinstance(talk, Transcript)]


@pytest.fixture(scope="module")
def engine():
    model = load_model()
    return Engine(model, model.thresholds)


def alerts(engine, talk):
    state = SpaceState()
    effects = [effect for message in talk.messages for effect in engine.feed(state, message, 0.0)]
    return [effect for effect in effects if isinstance(effect, OpenAlert)]


@pytest.mark.parametrize("talk", [talk for talk in TALKS if talk.label == 1], ids=lambda talk: talk.id)
def test_a_conversation_that_follows_the_pattern_alerts_and_names_the_actor(engine, talk):
    opened = alerts(engine, talk)
    assert [effect.pair.actor for effect in opened if effect.pair.target == "target"] == ["actor"]


@pytest.mark.parametrize("talk", [talk for talk in TALKS if talk.label == 0], ids=lambda talk: talk.id)
def test_an_ordinary_conversation_that_looks_alike_does_not_alert(engine, talk):
    assert alerts(engine, talk) == []


def test_there_are_enough_conversations_of_both_kinds_with_times_and_roles_for_names():
    labels = [talk.label for talk in TALKS]
    assert labels.count(1) >= 2
    assert labels.count(0) >= 4
    for talk in TALKS:
        assert 20 <= len(talk.messages) <= 60
        assert talk.unclear == 0
        assert all(message.time is not None for message in talk.messages)
        assert all(PEOPLE.fullmatch(message.author.id) for message in talk.messages)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the demo prints into a pipe, and the folder it keeps its database in."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "bots", "demo", "--speed", "0", "--keep", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, folder


def test_the_demo_shows_messages_scores_and_cards(shown):
    text, _ = shown
    assert re.search(r"actor  hey .* - %\n", text)
    assert re.search(r"actor  .* [0-9]+ %\n", text)
    assert "ALERT  This conversation" in text
    assert "actor -> target" in text
    assert "[Confirm]  [Dismiss]  [Show excerpt]" in text


def test_the_demo_shows_what_moderators_do(shown):
    text, _ = shown
    assert "Concern confirmed by moderator" in text
    assert "Dismissed by moderator" in text
    assert "already decided: Concern confirmed by moderator" in text


def test_the_demo_ends_with_a_summary_and_leaves_its_database(shown):
    text, folder = shown
    lines = text.split("Summary\n")[1].splitlines()
    summary: dict[str, str] = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines)
    assert int(summary["messages"]) == sum(len(talk.messages) for talk in TALKS)
    assert int(summary["conversations"]) == len(TALKS)
    assert int(summary["alerts"]) >= 2
    assert summary["decisions"] == "2"
    assert Path(summary["database"]) == folder / "lampkeeper.db"
    assert (folder / "lampkeeper.db").stat().st_size > 0
    assert (folder / "lampkeeper.key").stat().st_mode & 0o077 == 0


def test_the_demo_does_not_play_into_a_database_that_knows_it_already(shown):
    _, folder = shown
    before = (folder / "lampkeeper.db").read_bytes()
    command = [sys.executable, "-m", "bots", "demo", "--speed", "0", "--keep", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The folder {folder} holds a database already. Name another folder.\n"
    assert (folder / "lampkeeper.db").read_bytes() == before


def test_the_demo_is_readable_in_a_pipe(shown):
    text, _ = shown
    assert "\x1b" not in text
    assert "╭" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_nothing_of_the_demos_texts_is_readable_in_its_database(shown):
    _, folder = shown
    stored = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"add me there" not in stored
    assert b"add me there" in b"".join(path.read_bytes() for path in FOLDER.iterdir())
