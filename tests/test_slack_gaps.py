"""Slack goes away and comes back, in every way it does, over the wire: nothing is lost and nothing counted twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from bots.slack_app import history, pace, workspace
from tests.slack_api import GENERAL, PEOPLE, PRIVATE, TEAM, Json
from tests.slack_platform import SlackPlatform, SlackStage, pointed_at, slack_config, slack_stage
from tests.support import slow_talk

HERE = f"slack:{TEAM}"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


async def test_what_was_said_while_the_connection_was_away_is_read_once_and_in_order(stage: SlackStage) -> None:
    before = [await stage.say("target", "hello"), await stage.say("actor", "hi")]
    await stage.settled()
    await stage.drop_connection()
    missed = [await stage.say("actor", line) for line in slow_talk()]
    private = [await stage.say("friend", "are you there?", "club")]
    await stage.settled()
    after = [await stage.say("target", "ok")]
    await stage.settled()
    heard = await stage.stored()
    assert [ts for where, ts in heard if where == GENERAL] == before + missed + after
    assert [ts for where, ts in heard if where == PRIVATE] == private


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_when_slack_asks_for_a_new_connection_nothing_is_lost(stage: SlackStage, reason: str) -> None:
    hellos = stage.platform.hellos
    before = await stage.say("target", "hello")
    stage.platform.open.clear()
    await stage.platform.disconnect(reason)
    stage.platform.open.set()
    await stage.platform.heard(hellos)
    after = await stage.say("actor", "hi")
    await stage.settled()
    assert await stage.ids() == [before, after]


async def test_a_line_cut_without_a_word_is_noticed_and_mended(stage: SlackStage) -> None:
    hellos = stage.platform.hellos
    stage.platform.abort_sockets()
    await stage.platform.until(lambda: not stage.platform._sockets)
    missed = await stage.say("target", "hello")
    await stage.platform.heard(hellos)
    await stage.settled()
    assert await stage.ids() == [missed]


async def test_messages_edited_while_lampkeeper_was_away_are_edited(stage: SlackStage) -> None:
    await stage.say("target", "hello")
    first = await stage.say("actor", "one")
    await stage.say("actor", "two")
    await stage.settled()
    await stage.drop_connection()
    await stage.edit(first, "another one")
    await stage.settled()
    assert await changed(stage) == [first]


async def changed(stage: SlackStage) -> list[str]:
    """Ids of the messages of which there is a second version."""
    async with stage.guard.ledger.store.read() as tx:
        return [row.id for row in await tx.execute(sql("SELECT id FROM messages WHERE version = 1"))]


async def test_replies_edited_while_lampkeeper_was_away_are_edited(stage: SlackStage) -> None:
    root = await stage.say("target", "hello")
    replies = [await stage.say("actor", f"reply {number}", thread_ts=root) for number in range(2)]
    await stage.settled()
    await stage.drop_connection()
    await stage.edit(replies[0], "another reply")
    await stage.settled()
    assert await changed(stage) == [replies[0]]


@pytest.mark.parametrize("gone", [[0], [1], [0, 1]], ids=["the first reply", "the last", "all"])
async def test_replies_deleted_while_lampkeeper_was_away_are_marked(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch, gone: list[int]
) -> None:
    monkeypatch.setattr(history, "RECENT", 0.0)  # the thread's first message is to tell of it
    root = await stage.say("target", "hello")
    replies = [await stage.say("actor", f"reply {number}", thread_ts=root) for number in range(2)]
    await stage.settled()
    await stage.drop_connection()
    for number in gone:
        await stage.delete(replies[number])
    await stage.settled()
    assert await stage.deleted() == [replies[number] for number in gone]


async def test_a_deleted_message_that_left_a_tombstone_is_marked_and_its_thread_is_not(stage: SlackStage) -> None:
    root = await stage.say("actor", "hello")
    await stage.say("target", "a reply", thread_ts=root)
    await stage.settled()
    await stage.drop_connection()
    await stage.delete(root)
    await stage.settled()
    assert await stage.deleted() == [root]


async def test_what_slack_does_not_let_an_app_read_is_not_taken_for_deleted(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "EVERY", 0.05)
    said = [await stage.say("actor", f"line {number}") for number in range(40)]
    await stage.settled()
    stage.platform.page = 15
    await stage.drop_connection()
    for ts in (said[0], said[-3]):
        await stage.delete(ts)
    await stage.settled()
    assert await stage.deleted() == [said[-3]], "the first one is on no page that was read"


async def test_of_a_channel_that_shows_nothing_nothing_is_taken_for_deleted(stage: SlackStage) -> None:
    root = await stage.say("actor", "hello")
    await stage.say("target", "a reply", thread_ts=root)
    await stage.settled()
    await stage.drop_connection()
    stage.platform.channels[GENERAL].messages.clear()
    await stage.settled()
    assert await stage.deleted() == []


async def test_the_starting_point_for_unread_conversations_stays_while_history_is_read(stage: SlackStage) -> None:
    await stage.drop_connection()
    await stage.platform.until(lambda: not stage.platform._sockets)
    stage.platform.hold["conversations.history"] = asyncio.Event()
    await stage.reconnected()
    await stage.platform.until(lambda: bool(stage.platform.held))
    assert "slack" not in stage.guard._listening
    stage.platform.hold["conversations.history"].set()
    await stage.settled()
    assert "slack" in stage.guard._listening


async def test_while_slack_does_not_tell_which_channels_there_are_the_starting_point_stays(stage: SlackStage) -> None:
    await stage.drop_connection()
    stage.platform.refuse["users.conversations"] = {"code": "missing_scope", "needed": "channels:read"}
    await stage.settled()
    assert any("channels:read" in notice for notice in stage.notices())
    assert "slack" not in stage.guard._listening
    await stage.drop_connection()
    await stage.settled()
    assert len(stage.notices()) == 1, "it is told once"


async def test_pages_of_history_and_threads_are_read_oldest_first(stage: SlackStage) -> None:
    old = await stage.say("friend", "an old question")
    other = await stage.say("friend", "another old question")
    await stage.settled()
    stage.platform.page = 3
    await stage.stop()
    missed = [await stage.say("actor", f"line {number}") for number in range(8)]
    replies = [await stage.say("target", f"reply {number}", thread_ts=missed[2]) for number in range(4)]
    late = [await stage.say("target", f"late {number}", thread_ts=old) for number in range(5)]
    shared = [await stage.say("target", "for some", thread_ts=other)]
    shared.append(await stage.say("actor", "for all", thread_ts=other, subtype="thread_broadcast"))
    await stage.start()
    heard = await stage.stored()
    assert [ts for where, ts in heard if where == GENERAL] == [old, other, *missed]
    assert [ts for where, ts in heard if where == f"{GENERAL}/{missed[2]}"] == replies
    assert [ts for where, ts in heard if where == f"{GENERAL}/{old}"] == late
    assert [ts for where, ts in heard if where == f"{GENERAL}/{other}"] == shared


async def test_live_messages_wait_until_the_history_before_them_was_read(stage: SlackStage) -> None:
    first = await stage.say("target", "hello")
    await stage.settled()
    await stage.drop_connection()
    missed = await stage.say("actor", "missed")
    stage.platform.limit["conversations.history"] = [1]
    await stage.reconnected()
    live = [await stage.say("actor", "live"), await stage.say("target", "live too")]
    await stage.settled()
    assert await stage.ids() == [first, missed, *live]


async def test_what_is_written_and_deleted_while_history_is_read_still_counts(stage: SlackStage) -> None:
    await stage.drop_connection()
    stage.platform.hold["conversations.history"] = asyncio.Event()
    await stage.reconnected()
    await stage.platform.until(lambda: bool(stage.platform.held))
    gone = await stage.say("actor", "look quickly")
    await stage.delete(gone)
    await stage.platform.acked()
    stage.platform.hold["conversations.history"].set()
    await stage.settled()
    assert await stage.ids() == [gone]


@pytest.mark.parametrize("held", ["conversations.history", "conversations.replies"])
async def test_more_live_messages_than_can_wait_are_read_from_history(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    monkeypatch.setattr(history, "HELD_MOST", 2)
    first = await stage.say("target", "hello")
    await stage.settled()
    await stage.drop_connection()
    missed = await stage.say("actor", "missed")
    reply = await stage.say("target", "missed too", thread_ts=missed)
    stage.platform.hold[held] = asyncio.Event()
    await stage.reconnected()
    await stage.platform.until(lambda: held in stage.platform.held)
    live = [await stage.say("actor", f"live {number}") for number in range(6)]
    await stage.platform.acked()
    stage.platform.hold[held].set()
    await stage.settled()
    assert [ts for ts in await stage.ids() if ts != reply] == [first, missed, *live]
    assert reply in await stage.ids()


async def test_more_events_than_the_queue_holds_are_read_from_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "QUEUE_MOST", 2)
    async with slack_stage(tmp_path) as stage:
        stage.platform.hold["users.info"] = asyncio.Event()
        said = [await stage.say("actor", f"line {number}") for number in range(8)]
        await stage.platform.acked()
        stage.platform.hold["users.info"].set()
        await stage.settled()
        assert await stage.ids() == said


async def test_slow_reading_is_told_to_the_moderators(stage: SlackStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SLOW", 1.0)
    await stage.say("target", "hello")
    await stage.settled()
    await stage.drop_connection()
    missed = await stage.say("actor", "missed")
    stage.platform.limit["conversations.history"] = [1]
    await stage.settled()
    assert missed in await stage.ids()
    slowly, done = stage.notices()
    assert "only slowly" in slowly
    assert "conversations are not read yet" in slowly
    assert "now read" in done


async def test_a_history_that_cannot_be_read_is_told_and_listening_goes_on(stage: SlackStage) -> None:
    await stage.say("target", "hello")
    await stage.settled()
    await stage.drop_connection()
    stage.platform.refuse["conversations.history"] = {"code": "missing_scope", "needed": "channels:history"}
    await stage.settled()
    assert any("channels:history" in notice and f"<#{GENERAL}>" in notice for notice in stage.notices())
    live = await stage.say("actor", "hi")
    await stage.settled()
    assert live in await stage.ids()


async def test_what_was_said_before_the_very_first_start_is_not_read(stage: SlackStage, tmp_path: Path) -> None:
    await stage.stop()
    await stage.say("actor", "before")
    stage.folder = tmp_path / "fresh"
    stage.folder.mkdir()
    await stage.start()
    assert await stage.ids() == []


async def test_an_app_that_may_read_little_slows_down_says_how_long_it_takes_and_reads_all(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "EVERY", 0.2)
    monkeypatch.setattr(pace, "SLOW", 0.1)
    before = await stage.say("target", "hello")
    await stage.settled()
    stage.platform.page = 15
    await stage.drop_connection()
    missed = [await stage.say("actor", f"line {number}") for number in range(40)]
    await stage.settled()
    assert [ts for where, ts in await stage.stored() if where == GENERAL] == [before, *missed]
    slowly, done = stage.notices()
    assert "minutes or more" in slowly
    assert "now read" in done
    history_of_general = [
        a for m, a in stage.platform.calls if m == "conversations.history" and a["channel"] == GENERAL
    ]
    assert len(history_of_general) == 3, "the page on which the gap begins is the last one"


async def test_a_page_of_another_size_ends_the_slow_reading(stage: SlackStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "EVERY", 0.05)
    stage.platform.page = 15
    for number in range(20):
        stage.platform.channels[GENERAL].messages.append(
            {"user": "U0ROBOT", "bot_id": "B1", "ts": f"{number + 1}.000000"}
        )
    reading = pace.Pace(_nobody)
    client = stage.adapter.of(HERE).client
    await reading.call(client.conversations_history, channel=GENERAL, limit=200)
    assert reading.seconds == pace.EVERY
    stage.platform.page = 18
    await reading.call(client.conversations_history, channel=GENERAL, limit=200)
    assert reading.seconds == 0


async def _nobody(_seconds: float) -> None:
    """Tell nobody."""


async def test_a_channel_in_which_little_was_said_costs_one_call(stage: SlackStage) -> None:
    await stage.say("target", "hello")
    await stage.settled()
    await stage.drop_connection()
    await stage.say("actor", "missed")
    await stage.settled()
    asked = [arguments["channel"] for method, arguments in stage.platform.calls if method == "conversations.history"]
    assert asked.count(GENERAL) == 1


async def test_a_channel_that_cannot_be_read_is_told_once_until_it_could_be(stage: SlackStage) -> None:
    refusal = {"code": "missing_scope", "needed": "channels:history"}
    await stage.say("target", "hello")
    await stage.settled()

    async def away() -> int:
        await stage.drop_connection()
        await stage.settled()
        return len(stage.notices())

    stage.platform.refuse["conversations.history"] = refusal
    assert [await away(), await away()] == [1, 1]
    del stage.platform.refuse["conversations.history"]
    assert await away() == 1
    stage.platform.refuse["conversations.history"] = refusal
    assert await away() == 2


@pytest.mark.parametrize("also", ["nothing", "a reply of somebody else is deleted", "the reply is edited"])
async def test_replies_of_a_person_whose_data_was_deleted_do_not_come_back(stage: SlackStage, also: str) -> None:
    root = await stage.say("friend", "hello")
    replies = [await stage.say(who, "a reply", thread_ts=root) for who in ("friend", "actor", "teacher", "friend")]
    await stage.settled()
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    left = await stage.ids()
    await stage.drop_connection()
    if also == "a reply of somebody else is deleted":
        await stage.delete(replies[3])
    elif also == "the reply is edited":
        await stage.edit(replies[1], "another reply")
    await stage.settled()
    assert replies[1] not in left
    assert await stage.ids() == left


async def test_what_was_said_while_lampkeeper_was_off_is_read_with_a_clock_that_is_ahead(tmp_path: Path) -> None:
    async with slack_stage(tmp_path) as stage:
        stage.platform.behind = 7200.0
        await stage.restart()
        await stage.stop()
        missed = await stage.say("friend", "are you there?", "club")
        await stage.start()
        assert await stage.ids() == [missed]


async def test_what_a_person_says_first_where_nothing_was_said_is_read_with_a_clock_that_is_ahead(
    tmp_path: Path,
) -> None:
    async with SlackPlatform().serving() as platform:
        platform.behind = 7200.0
        stage = SlackStage(tmp_path, platform, slack_config())
        with pointed_at(platform.url):
            await stage.start()
            await stage.drop_connection()
            missed = await stage.say("friend", "are you there?", "club")
            await stage.settled()
            assert await stage.ids() == [missed]
            await stage.stop()


TOMBSTONES = {
    "as the tests' Slack leaves one": {},
    "that tells nothing of its replies": {"reply_count": None, "latest_reply": None, "thread_ts": None},
    "that tells of none": {"reply_count": 0, "latest_reply": ""},
}


@pytest.mark.parametrize("shape", TOMBSTONES.values(), ids=TOMBSTONES.keys())
@pytest.mark.parametrize("shown", ["with its replies", "without a word of them", "not at all"])
async def test_the_replies_of_a_message_that_was_deleted_are_not_taken_for_deleted_with_it(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch, shape: Json, shown: str
) -> None:
    monkeypatch.setattr(history, "RECENT", 0.0)
    before = await stage.say("friend", "good morning")
    root = await stage.say("actor", "hello")
    replies = [await stage.say(who, "a reply", thread_ts=root) for who in ("target", "actor")]
    shared = await stage.say("target", "for all", thread_ts=root, subtype="thread_broadcast")
    await stage.settled()
    await stage.drop_connection()
    await stage.delete(root)
    tombstone, messages = stage.platform.message(GENERAL, root), stage.platform.channels[GENERAL].messages
    tombstone |= shape
    for field in [field for field, value in tombstone.items() if value is None]:
        del tombstone[field]
    if shown == "without a word of them":
        messages[:] = [stage.platform.message(GENERAL, before), tombstone]
    elif shown == "not at all":
        messages.remove(tombstone)
    await stage.settled()
    assert await stage.deleted() == [root]
    assert {*replies, shared} <= {*await stage.ids()}


async def test_a_reply_deleted_in_a_thread_whose_first_message_was_deleted_is_marked(stage: SlackStage) -> None:
    root = await stage.say("actor", "hello")
    replies = [await stage.say(who, "a reply", thread_ts=root) for who in ("target", "actor")]
    await stage.settled()
    await stage.drop_connection()
    await stage.delete(root)
    await stage.delete(replies[0])
    await stage.settled()
    assert await stage.deleted() == [root, replies[0]]
