"""What Discord and Slack both need stands once."""

from __future__ import annotations

from pathlib import Path

from tests.share import ADAPTERS, twins

TAKES = """
def take(self, events):
    for event in events:
        if event.channel not in self._left_out and event.author is not None:
            self._feed.put(event.channel, event.author, event.text)
"""


def test_nothing_stands_in_both_adapters() -> None:
    discord, slack = (sorted(folder.rglob("*.py")) for folder in ADAPTERS.values())
    assert twins(discord, slack) == []


def test_what_stands_in_both_is_found_under_other_names_too(tmp_path: Path) -> None:
    one, copied, other = (tmp_path / name for name in ("one.py", "copied.py", "other.py"))
    one.write_text(TAKES)
    copied.write_text(TAKES.replace("event", "message").replace("take", "hear").replace("_feed", "feed"))
    other.write_text(TAKES.replace(".put(", ".drop("))
    assert twins([one], [copied])
    assert not twins([one], [other])
