"""An explanation adds up to the score, and says when the rise began."""

import subprocess
import sys
from math import log
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine import Engine
from core.explain import explain
from core.messages import Author, ConversationKey, Message
from core.model import load_model

MODEL = load_model()
ENGINE = Engine(MODEL, MODEL.thresholds)
LINES = ("how old are you", "im 14 lol", "dont tell your mum ok", "good game", "send me a pic please", "what map next?")


def said(index: int, who: str, text: str) -> Message:
    return Message(ConversationKey("space", "room"), str(index), Author(who), text, float(index))


@given(st.lists(st.tuples(st.sampled_from(["actor", "target", "friend"]), st.sampled_from(LINES)), max_size=40))
@settings(deadline=None, max_examples=50)
def test_base_messages_and_context_add_up_to_the_log_odds_of_the_score(course: list[tuple[str, str]]) -> None:
    for explanation in explain(ENGINE, [said(i, who, text) for i, (who, text) in enumerate(course)]):
        if explanation.probability is None:
            continue
        total = explanation.base + sum(share.weight for share in explanation.shares) + explanation.context
        assert total == pytest.approx(log(explanation.probability / (1 - explanation.probability)), abs=1e-6)


def test_every_message_is_explained_once_and_the_highest_pair_comes_first() -> None:
    course = [said(i, who, text) for i, (who, text) in enumerate(zip(["actor", "target"] * 3, LINES, strict=True))]
    found = explain(ENGINE, course)
    assert sorted(share.index for explanation in found for share in explanation.shares) == list(range(len(course)))
    scores = [explanation.probability or 0.0 for explanation in found]
    assert scores == sorted(scores, reverse=True)
    assert any("asks_age" in share.signals for explanation in found for share in explanation.shares)


def test_the_command_explains_a_users_own_file_and_tells_a_bad_line(tmp_path: Path) -> None:
    talk = tmp_path / "talk.jsonl"
    line = ", ".join(f'{{"author": "actor", "text": "{text}"}}' for text in LINES)
    talk.write_text(f'{{"id": "talk", "messages": [{line}]}}\nnot json\n', encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "bots", "explain", talk], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "line 2" in done.stderr
    assert "log-odds: base" in done.stdout
    assert "asks how old the other person is" in done.stdout
