"""Slack's markup, events and blocks, whatever is in them; and what the SDK may log."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import slack_app
from bots.slack_app.api import Me, quiet
from bots.slack_app.card import escape, excerpt
from bots.slack_app.people import Known
from bots.slack_app.translate import people_in, plain, translate
from core.cards import ExcerptLine, Person
from core.messages import ConversationKey, Deletion, Edit, Message
from tests.slack_api import (
    BOT_USER,
    GENERAL,
    TEAM,
    check_blocks,
)

SPACE = f"slack:{TEAM}"
ME = Me(TEAM, BOT_USER, "B0LAMP", "https://lamp.slack.example/", frozenset())


@given(st.text())
def test_what_slack_escapes_is_read_as_it_was_written(written: str) -> None:
    assert plain(escape(written)) == written


def test_a_change_that_leaves_the_text_alone_is_no_edit() -> None:
    before = {"user": "U1", "text": "see https://a.example/", "ts": "1700000000.000100"}
    change = {"channel": GENERAL, "subtype": "message_changed", "previous_message": before}
    assert translate({**change, "message": {**before, "attachments": [{}]}}, SPACE, {}, ME) is None
    edit = translate({**change, "message": {**before, "text": "hello"}}, SPACE, {}, ME)
    assert isinstance(edit, Edit)
    assert edit.message.text == "hello"


def test_a_tombstone_is_a_deletion() -> None:
    before = {"user": "U1", "text": "hello", "ts": "1700000000.000100", "thread_ts": "1700000000.000100"}
    now = {**before, "user": "USLACKBOT", "subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
    change = {"channel": GENERAL, "subtype": "message_changed", "message": now, "previous_message": before}
    key = ConversationKey(SPACE, GENERAL)
    stamp = {"event_ts": "1700000001.000100"}
    assert translate({**change, **stamp}, SPACE, {}, ME) == Deletion(key, "1700000000.000100", 1700000001.0001)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["user", "text", "ts"]), inner),
    max_leaves=5,
)
SUBTYPES = st.sampled_from([None, "message_changed", "message_deleted", "thread_broadcast", "channel_join"])
FIELDS = st.sampled_from(
    [
        "user",
        "text",
        "ts",
        "thread_ts",
        "parent_user_id",
        "files",
        "message",
        "previous_message",
        "deleted_ts",
        "event_ts",
    ]
)


@given(st.dictionaries(FIELDS, JSON), SUBTYPES)
def test_no_event_however_odd_can_end_the_listening(fields: dict[str, object], subtype: str | None) -> None:
    raw = {"channel": GENERAL, "subtype": subtype, **fields}
    try:
        event = translate(raw, SPACE, dict.fromkeys(people_in(raw, ME), Known()), ME)
    except slack_app.UNREADABLE:
        return
    assert event is None or isinstance(event, Message | Edit | Deletion)


@given(
    st.lists(st.builds(ExcerptLine, st.just(Person("U1", "n" * 80)), st.none(), st.text(max_size=5000), st.booleans()))
)
def test_slack_takes_every_excerpt(lines: list[ExcerptLine]) -> None:
    check_blocks(excerpt(lines))


def test_of_what_the_sdk_logs_only_the_place_and_the_kind_remain(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "root"):
        try:
            float("hello there")
        except ValueError as error:
            quiet().exception("Failed to process: %s", error)
        quiet().debug("hello there")
    (said,) = caplog.messages
    assert said.startswith("ValueError in test_slack_translate.")
    assert "hello" not in caplog.text
