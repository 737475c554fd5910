"""Slack's markup, events and blocks, whatever is in them; and what the SDK may log."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.slack_app import workspace
from bots.slack_app.api import Me, quiet
from bots.slack_app.markup import escape
from bots.slack_app.people import UNKNOWN, Known, known_of
from bots.slack_app.translate import notice, people_in, plain, translate
from core.messages import ConversationKey, Deletion, Edit, Message
from tests.slack_api import (
    BOT_USER,
    GENERAL,
    TEAM,
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


def test_history_tells_that_a_message_was_edited_and_when() -> None:
    said = {"user": "U1", "text": "hello", "ts": "1700000000.000100", "channel": GENERAL}
    first = translate(said, SPACE, {}, ME)
    assert isinstance(first, Message)
    assert first.edited is None
    edited = translate({**said, "edited": {"user": "U1", "ts": "1700000060.000000"}}, SPACE, {}, ME)
    assert isinstance(edited, Message)
    assert edited.edited == 1700000060.0


def test_a_tombstone_is_a_deletion() -> None:
    before = {"user": "U1", "text": "hello", "ts": "1700000000.000100", "thread_ts": "1700000000.000100"}
    now = {**before, "user": "USLACKBOT", "subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
    change = {"channel": GENERAL, "subtype": "message_changed", "message": now, "previous_message": before}
    key = ConversationKey(SPACE, GENERAL)
    stamp = {"event_ts": "1700000001.000100"}
    assert translate({**change, **stamp}, SPACE, {}, ME) == Deletion(key, "1700000000.000100", 1700000001.0001)


def test_of_files_and_shared_messages_only_the_kinds_are_kept() -> None:
    shared = {
        "is_share": True,
        "is_msg_unfurl": True,
        "text": "somebody's words",
        "author_id": "U2",
        "message_blocks": [],
    }
    preview = {"is_msg_unfurl": True, "from_url": "https://lamp.slack.example/", "message_blocks": []}
    files = [{"name": "me.png", "mimetype": "image/png", "url_private": "https://files.example/"}, {"id": "F2"}]
    raw = {"channel": GENERAL, "user": "U1", "text": "look", "ts": "1700000000.000100", "subtype": "file_share"}
    message = translate({**raw, "files": files, "attachments": [shared, preview]}, SPACE, {}, ME)
    assert isinstance(message, Message)
    assert message.attachments == ("image", "file", "forward")
    assert message.text == "look"


APP_MARKS = {"bot_id": "B1", "app_id": "A1", "bot_profile": {"id": "B1", "app_id": "A1", "name": "another client"}}


@pytest.mark.parametrize("marks", [APP_MARKS, {"bot_id": "B1"}, {"app_id": "A1"}], ids=["all", "bot_id", "app_id"])
def test_what_a_person_writes_by_way_of_an_app_is_theirs(marks: dict[str, object]) -> None:
    before = {"channel": GENERAL, "user": "U1", "text": "hello", "ts": "1700000000.000100", **marks}
    people = {"U1": Known(name="friend")}
    message = translate(before, SPACE, people, ME)
    assert isinstance(message, Message)
    assert (message.author.id, message.text) == ("U1", "hello")
    change = {"channel": GENERAL, "subtype": "message_changed", "previous_message": before}
    assert isinstance(translate({**change, "message": {**before, "text": "hi"}}, SPACE, people, ME), Edit)
    gone = {"subtype": "message_deleted", "deleted_ts": before["ts"], "previous_message": before}
    assert isinstance(translate({"channel": GENERAL, **gone}, SPACE, {}, ME), Deletion)


@pytest.mark.parametrize("account", [Known(bot=True), UNKNOWN], ids=["a program's", "unknown"])
def test_what_an_app_writes_from_an_account_that_is_not_a_persons_is_left_out(account: Known) -> None:
    raw = {"channel": GENERAL, "user": "U1", "text": "hello", "ts": "1700000000.000100", **APP_MARKS}
    assert translate(raw, SPACE, {"U1": account}, ME) is None


def test_what_a_person_types_counts_also_where_slack_does_not_tell_who_that_is() -> None:
    raw = {"channel": GENERAL, "user": "U1", "text": "hello", "ts": "1700000000.000100"}
    assert isinstance(translate(raw, SPACE, {"U1": UNKNOWN}, ME), Message)


def test_what_this_app_itself_writes_never_counts() -> None:
    raw = {"channel": GENERAL, "user": "U1", "text": "hello", "ts": "1700000000.000100", "bot_id": ME.bot}
    assert translate(raw, SPACE, {"U1": Known(name="friend")}, ME) is None


@pytest.mark.parametrize(
    "program",
    [
        {"subtype": "bot_message", "bot_id": "B1"},
        {"bot_id": "B1"},
        {"bot_profile": {"app_id": "A1"}},
        {"user": "USLACKBOT"},
        {"user": None},
        {"subtype": "reminder_add"},
    ],
)
def test_what_apps_and_workflows_write_is_left_out(program: dict[str, object]) -> None:
    raw = {"channel": GENERAL, "user": "U1", "text": "hello", "ts": "1700000000.000100", **program}
    assert translate(raw, SPACE, {}, ME) is None


@pytest.mark.parametrize("account", [{"is_bot": True}, {"is_workflow_bot": True}])
def test_what_a_program_writes_as_if_it_were_a_person_is_left_out(account: dict[str, object]) -> None:
    raw = {"channel": GENERAL, "user": "U1", "text": "hello", "ts": "1700000000.000100"}
    assert translate(raw, SPACE, {"U1": known_of(account)}, ME) is None


def test_a_reply_also_sent_to_the_channel_stays_in_its_thread_when_it_is_edited_or_leaves_a_tombstone() -> None:
    root = "1700000000.000100"
    before = {
        "user": "U1",
        "text": "hello",
        "ts": "1700000001.000100",
        "thread_ts": root,
        "subtype": "thread_broadcast",
    }
    change = {"channel": GENERAL, "subtype": "message_changed", "previous_message": before}
    edit = translate({**change, "message": {**before, "text": "hi"}}, SPACE, {}, ME)
    assert isinstance(edit, Edit)
    gone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": before["ts"], "thread_ts": root}
    deletion = translate({**change, "message": gone}, SPACE, {}, ME)
    unseen = translate({"channel": GENERAL, "subtype": "message_changed", "message": gone}, SPACE, {}, ME)
    assert isinstance(deletion, Deletion)
    assert isinstance(unseen, Deletion)
    assert {edit.message.key, deletion.key, unseen.key} == {ConversationKey(SPACE, f"{GENERAL}/{root}")}


def test_a_me_message_and_its_edit_count() -> None:
    before = {"channel": GENERAL, "user": "U1", "text": "waves", "ts": "1700000000.000100", "subtype": "me_message"}
    assert isinstance(translate(before, SPACE, {}, ME), Message)
    change = {"channel": GENERAL, "subtype": "message_changed", "previous_message": before}
    assert isinstance(translate({**change, "message": {**before, "text": "nods"}}, SPACE, {}, ME), Edit)


def test_whom_a_message_calls_is_no_part_of_what_it_says() -> None:
    assert plain("<!subteam^S0PUPILS|@pupils> <!here> <@U1|friend> come in") == "come in"


@given(st.text())
def test_a_notice_of_ours_calls_nobody(text: str) -> None:
    sent = notice(f"{text}<!channel><@U1>")
    assert plain(sent).endswith("<!channel><@U1>")


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
    except workspace.UNREADABLE:
        return
    assert event is None or isinstance(event, Message | Edit | Deletion)


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
