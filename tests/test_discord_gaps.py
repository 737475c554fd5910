"""Discord goes away, closes doors and floods, over the wire: nothing is lost, and what cannot be read is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql
from structlog.testing import capture_logs

from bots.discord_bot import feed, history
from core.messages import Deletion, Edit, Event
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    GENERAL,
    GROWN,
    HISTORY,
    PEOPLE,
    SECRET,
    SEND,
    SERVER,
    THREAD,
    VIEW,
    VOICE,
    Json,
    overwrite,
    stamp,
)
from tests.discord_platform import Platform
from tests.discord_stage import DiscordStage, Ear, discord_stage, heard, listening, rows, said, settings, until
from tests.support import slow_talk


class SlowEar(Ear):
    """A guard that takes nothing while `open` is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()

    async def receive(self, event: Event) -> None:
        await self.open.wait()
        await super().receive(event)


async def test_the_guard_is_told_to_listen_only_while_nothing_is_left_to_read(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    there.message(PEOPLE["actor"], GENERAL, "missed")
    there.history.clear()
    async with listening(ear) as adapter:
        await there.heard()
        assert ear.states == [False]
        there.history.set()
        await heard(there, adapter)
        await until(lambda: ear.states == [False, True])
        await there.drop(forget=True)
        await until(lambda: ear.states == [False, True, False])
        await heard(there, adapter)
        await until(lambda: ear.states == [False, True, False, True])
    assert ear.states[-1] is False


async def test_a_server_in_an_outage_is_not_listened_to(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        await heard(there, adapter)
        await until(lambda: ear.states[-1])
        await there.send("GUILD_DELETE", {"id": str(SERVER), "unavailable": True})
        await until(lambda: not ear.states[-1])


@pytest.mark.parametrize("most", [2, 10_000])
async def test_more_live_messages_than_can_wait_for_history_are_read_from_it(
    there: Platform, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(feed, "MOST", most)
    ear = Ear()
    ear.alive = time.time() - 60
    there.message(PEOPLE["actor"], GENERAL, "missed")
    there.history.clear()
    lines = [f"live {number}" for number in range(8)]
    async with listening(ear) as adapter:
        for line in lines:
            await said(there, "actor", line)
        await there.heard()
        assert sum(map(len, adapter.feed._held.values())) <= most
        there.history.set()
        await heard(there, adapter)
        await said(there, "actor", "after")
        await heard(there, adapter)
    assert list(dict.fromkeys(ear.texts())) == ["missed", *lines, "after"]


@pytest.mark.parametrize("channel", [GENERAL, THREAD])
async def test_more_live_messages_than_the_store_takes_are_read_from_history(
    there: Platform, monkeypatch: pytest.MonkeyPatch, channel: int
) -> None:
    monkeypatch.setattr(feed, "MOST", 2)
    ear = SlowEar()
    lines = [f"live {number}" for number in range(8)]
    async with listening(ear) as adapter:
        await adapter.catchup.settled()
        with capture_logs() as logs:
            for line in lines:
                await said(there, "actor", line, channel)
            await there.heard()
        assert adapter.feed._queue.qsize() <= 2
        assert [entry["channel"] for entry in logs if entry["event"] == "discord.queue_full"] == [str(channel)]
        ear.open.set()
        await heard(there, adapter)
        await said(there, "actor", "after", channel)
        await heard(there, adapter)
    assert list(dict.fromkeys(ear.texts())) == [*lines, "after"]


async def test_messages_edited_while_lampkeeper_was_away_are_edited(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    async with listening(ear) as adapter:
        untouched = await said(there, "actor", "untouched", edited_timestamp=stamp(time.time() - 3600))
        first = await said(there, "actor", "one")
        await said(there, "actor", "two")
        await heard(there, adapter)
        await there.drop(forget=True)
        first |= {"content": "another one", "edited_timestamp": stamp(time.time())}
        await heard(there, adapter)
    edits = [event.message for event in ear.events if isinstance(event, Edit)]
    assert [(edit.id, edit.text) for edit in edits] == [(first["id"], "another one")]
    assert untouched["id"] != first["id"]


async def seconds_apart(there: Platform, count: int) -> list[Json]:
    """Say some lines, one each second, up to a while ago."""
    begun = time.time() - 30
    return [
        await said(there, "actor", f"line {number}", number=history.snowflake(begun + number) + number)
        for number in range(count)
    ]


async def test_messages_deleted_while_lampkeeper_was_away_are_told_as_deleted(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    async with listening(ear) as adapter:
        lines = await seconds_apart(there, 4)
        await heard(there, adapter)
        await there.drop(forget=True)
        for number in (1, 3):
            del there.messages[GENERAL][int(lines[number]["id"])]
        await heard(there, adapter)
    assert [event.id for event in ear.events if isinstance(event, Deletion)] == [lines[1]["id"], lines[3]["id"]]


async def test_of_a_channel_that_shows_nothing_nothing_is_told_as_deleted(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    async with listening(ear) as adapter:
        await said(there, "actor", "hello")
        await heard(there, adapter)
        await there.drop(forget=True)
        there.messages[GENERAL].clear()
        await heard(there, adapter)
    assert [event for event in ear.events if isinstance(event, Deletion)] == []


async def test_messages_older_than_those_looked_through_are_not_told_as_deleted(
    there: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LOOKED_THROUGH", 2)
    ear = Ear()
    ear.alive = time.time() - 60
    async with listening(ear) as adapter:
        await seconds_apart(there, 5)
        await heard(there, adapter)
        await there.drop(forget=True)
        await heard(there, adapter)
    assert [event for event in ear.events if isinstance(event, Deletion)] == []


async def test_a_thread_whose_history_is_closed_is_told_once_somebody_writes_there(stage: DiscordStage) -> None:
    stage.there.archived.add(THREAD)
    await stage.drop_connection()
    await stage.settled()
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(GENERAL))
    await stage.there.send("THREAD_CREATE", stage.there.channel(THREAD))
    await stage.say("actor", "hello", "thread")
    await stage.settled()
    (notice,) = stage.notices()
    assert f"<#{THREAD}>" in notice


async def test_history_is_read_though_discord_does_not_tell_about_its_author(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    there.message(PEOPLE["actor"], GENERAL, "one")
    refusal = {"message": "Missing Access", "code": 50001}
    there.faults.append((f"GET /guilds/{SERVER}/members/{PEOPLE['actor']}", 403, refusal, {}))
    async with listening(ear, age_roles={str(GROWN): "adult"}) as adapter:
        await heard(there, adapter)
    assert ear.texts() == ["one"]
    assert not there.messages.get(ALERTS)
    assert not there.faults


async def talk(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()


async def count(stage: DiscordStage) -> int:
    async with stage.guard.ledger.store.read() as tx:
        return int((await tx.execute(sql("SELECT count(*) FROM messages"))).scalar_one())


async def test_an_outage_of_discord_deletes_nothing(stage: DiscordStage) -> None:
    await talk(stage)
    before = await count(stage)
    await stage.there.send("GUILD_DELETE", {"id": str(SERVER), "unavailable": True})
    await stage.there.send("GUILD_CREATE", stage.there.guild())
    await stage.settled()
    assert await count(stage) == before
    await stage.say("actor", "hello again", "voice")
    await stage.settled()
    assert await count(stage) == before + 1
    assert VOICE in stage.there.messages


def asked_for_history(there: Platform) -> int:
    return sum((method, path) == ("GET", f"/channels/{GENERAL}/messages") for method, path, _ in there.requests)


async def test_what_bots_wrote_is_read_once_and_what_people_write_after_it_is_not_missed(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    for number in range(250):
        there.message(PEOPLE["robot"], GENERAL, f"log {number}")
    async with listening(ear) as adapter:
        await heard(there, adapter)
        before = asked_for_history(there)
        await there.drop(forget=True)
        await heard(there, adapter)
        assert asked_for_history(there) == before
        await there.drop(forget=True)
        there.message(PEOPLE["actor"], GENERAL, "missed")
        await heard(there, adapter)
        assert asked_for_history(there) == before + 1
    assert before > 2
    assert ear.texts() == ["missed"]


# --- what the operator's file leaves out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "place"),
    [({"ignored_channels": (VOICE,)}, "voice"), ({"ignored_channels": (GENERAL,)}, "thread")],
    ids=["a channel", "a thread's channel"],
)
async def test_a_channel_freed_in_the_operators_file_is_read_from_the_next_start_on(
    tmp_path: Path, left_out: dict[str, Any], place: str
) -> None:
    async with discord_stage(tmp_path, **left_out) as stage:
        await stage.say("actor", "while it was left out", place)
        await stage.settled()
        await stage.restart()
        await stage.stop()
        await stage.say("actor", "between the runs", place)
        stage.config = settings()
        await stage.start()
        first = await stage.say("actor", "after it was freed", place)
        await stage.settled()
        await stage.stop()
        missed = await stage.say("actor", "while lampkeeper was away", place)
        await stage.start()
        await stage.settled()
        assert await rows(stage) == [first, missed]


async def test_an_alert_channel_that_the_operators_file_moves_is_read_from_the_next_start_on(tmp_path: Path) -> None:
    async with discord_stage(tmp_path) as stage:
        stage.there.message(PEOPLE["moderator"], ALERTS, "what moderators say among themselves")
        await stage.stop()
        stage.config = settings(alert_channel=SECRET)
        stage.there.overwrites[SECRET] = [overwrite(BOT_ROLE, allow=VIEW | SEND)]
        await stage.start()
        after = await said(stage.there, "actor", "now it is a channel as any other", ALERTS)
        await stage.settled()
        assert await rows(stage) == [after["id"]]


async def test_a_channel_that_the_operators_file_leaves_out_as_before_frees_nothing(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, ignored_channels=(VOICE,)) as stage:
        await stage.restart()
        assert not stage.adapter.servers.of(SERVER).left_out_until
        assert stage.adapter.servers.chosen(SERVER) == frozenset()
