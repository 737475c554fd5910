"""Scans of a Slack channel's history, over the wire: read oldest first, shown as they go, to be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from bots.common import backscan
from bots.slack_app import pace
from core.casework.cards import Person
from core.messages import ConversationKey
from core.scans import Scan
from tests.slack_api import BOT_USER, GENERAL, PEOPLE, PRIVATE, TEAM
from tests.slack_platform import SlackStage, slack_stage
from tests.slack_seeing_stage import DAY, app_is_removed, past
from tests.support import slow_talk

HERE = f"slack:{TEAM}"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backscan, "EDIT_EVERY", 0.02)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


class Answer:
    """What whoever asked for a scan is shown; `refuse` stands for an answer that cannot be edited any more."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.texts: list[str] = []
        self.stoppable = True
        self.refuse = False

    async def show(self, text: str, stoppable: bool) -> bool:
        if not self.refuse:
            self.texts.append(text)
            self.stoppable = stoppable
        return not self.refuse


async def ask(stage: SlackStage, days: int = 7, channel: str = GENERAL) -> Answer:
    scan = await stage.guard.scans.begin(ConversationKey(HERE, channel), days, Person("U0MODERATOR", "moderator"))
    answer = Answer(scan)
    stage.adapter.of(HERE).scans.start(scan, stage.adapter.of(HERE).history, answer.show)
    return answer


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in Lampkeeper's own tasks
            await asyncio.sleep(0.01)


async def ended(stage: SlackStage, answer: Answer) -> str:
    await until(lambda: not stage.adapter.of(HERE).scans.busy(HERE))
    await stage.settled()
    return answer.texts[-1]


def past_talk(stage: SlackStage, days: float, channel: str = GENERAL) -> None:
    past(stage, "target", "hello there", days, channel)
    for line in slow_talk():
        past(stage, "actor", line, days, channel)


async def test_what_was_said_before_the_app_came_is_read_oldest_first_and_leads_to_a_card(stage: SlackStage) -> None:
    past(stage, "actor", "a harbour", days=0.5)
    past_talk(stage, days=3)
    past(stage, "actor", "a lighthouse", days=9)
    past(stage, "U0ROBOT", "a windmill", days=2, bot_id="B1")
    answer = await ask(stage)
    assert f"Messages: {len(slow_talk()) + 2}." in await ended(stage, answer)
    assert not answer.stoppable
    read = [ts for _, ts in await stage.stored()]
    assert read == sorted(read)
    assert stage.card()


async def test_a_bar_shows_how_far_it_came(stage: SlackStage) -> None:
    past_talk(stage, days=3)
    stage.platform.hold["conversations.history"] = asyncio.Event()
    answer = await ask(stage)
    await until(lambda: bool(answer.texts))
    assert "▱ 0 %" in answer.texts[0]
    assert answer.stoppable
    stage.platform.hold["conversations.history"].set()
    assert "▰" not in await ended(stage, answer)


async def test_threads_are_read_too_those_of_older_messages_as_well(stage: SlackStage) -> None:
    old = past(stage, "friend", "an old question", days=9)
    new = past(stage, "friend", "a new question", days=3)
    replies = [past(stage, "actor", "one", days=2, thread_ts=new["ts"])]
    late = [past(stage, "actor", "two", days=1, thread_ts=old["ts"])]
    past(stage, "actor", "before", days=8.5, thread_ts=old["ts"])
    shared = past(stage, "actor", "three", days=1, thread_ts=new["ts"], subtype="thread_broadcast")
    assert "Messages: 4." in await ended(stage, await ask(stage))
    assert set(await stage.stored()) == {
        (GENERAL, new["ts"]),
        (f"{GENERAL}/{new['ts']}", replies[0]["ts"]),
        (f"{GENERAL}/{new['ts']}", shared["ts"]),
        (f"{GENERAL}/{old['ts']}", late[0]["ts"]),
    }


async def test_to_scan_twice_counts_nothing_twice_and_follows_edits(stage: SlackStage) -> None:
    message = past(stage, "actor", "a lighthouse", days=3)
    await ended(stage, await ask(stage))
    message |= {"text": "a windmill", "edited": {"user": message["user"], "ts": stage.platform.now()}}
    await ended(stage, await ask(stage))
    async with stage.guard.ledger.store.read() as tx:
        rows = await tx.execute(sql("SELECT id, version FROM messages ORDER BY version"))
        assert [tuple(row) for row in rows] == [(message["ts"], 0), (message["ts"], 1)]


async def test_a_scan_does_not_move_where_reading_goes_on_after_a_restart(stage: SlackStage) -> None:
    past_talk(stage, days=3)
    await ended(stage, await ask(stage))
    assert await stage.guard.cursor(ConversationKey(HERE, GENERAL)) is None


async def test_a_cancelled_scan_stops_and_says_so(stage: SlackStage) -> None:
    past_talk(stage, days=3)
    stage.platform.hold["conversations.history"] = asyncio.Event()
    answer = await ask(stage)
    await until(lambda: bool(stage.platform.held))
    assert stage.adapter.of(HERE).scans.cancel(HERE, answer.scan.number)
    stage.platform.hold["conversations.history"].set()
    assert "cancelled" in await ended(stage, answer)
    assert not stage.adapter.of(HERE).scans.cancel(HERE, answer.scan.number)
    await stage.restart()
    assert stage.notices() == []


async def test_a_scan_that_a_restart_cut_off_is_said_once(stage: SlackStage) -> None:
    stage.platform.hold["conversations.history"] = asyncio.Event()
    await ask(stage)
    await until(lambda: bool(stage.platform.held))
    await stage.stop()
    stage.platform.hold["conversations.history"].set()
    await stage.start()
    await until(lambda: bool(stage.notices()))
    await stage.restart()
    (notice,) = stage.notices()
    assert "restarted" in notice
    assert f"<#{GENERAL}>" in notice


async def test_a_scan_outlives_the_connection_and_waits_as_slack_asks(stage: SlackStage) -> None:
    past_talk(stage, days=3)
    stage.platform.limit["conversations.history"] = [0, 0]
    answer = await ask(stage)
    await stage.drop_connection()
    await stage.settled()
    assert f"Messages: {len(slow_talk()) + 1}." in await ended(stage, answer)


async def test_a_scan_that_slack_refuses_says_so_with_the_remedy(stage: SlackStage) -> None:
    stage.platform.channels[GENERAL].members.discard(BOT_USER)
    said = await ended(stage, await ask(stage))
    assert "did not let Lampkeeper read on" in said
    assert "/invite" in said


async def test_being_taken_out_of_the_channel_ends_its_scan_and_no_other(stage: SlackStage) -> None:
    stage.platform.hold["conversations.history"] = asyncio.Event()
    answer = await ask(stage)
    await until(lambda: bool(stage.platform.held))
    await app_is_removed(stage.platform, PRIVATE)
    await stage.platform.acked()
    assert stage.adapter.of(HERE).scans.busy(HERE)
    await app_is_removed(stage.platform, GENERAL)
    assert "cancelled" in await ended(stage, answer)
    stage.platform.hold["conversations.history"].set()


async def test_once_the_answer_cannot_be_edited_any_more_the_alert_channel_is_told(stage: SlackStage) -> None:
    past(stage, "actor", "hello", days=3)
    answer = await ask(stage)
    answer.refuse = True
    await until(lambda: bool(stage.notices()))
    (notice,) = stage.notices()
    assert f"<#{GENERAL}> is read" in notice


async def test_at_the_slow_pace_the_answer_says_so(stage: SlackStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "EVERY", 0.05)
    stage.platform.page = 15
    said = [past(stage, "actor", f"line {number}", days=3)["ts"] for number in range(40)]
    answer = await ask(stage)
    assert "Messages: 40." in await ended(stage, answer)
    assert await stage.ids() == said
    assert any("one page a minute" in text for text in answer.texts)


async def test_what_was_purged_is_not_counted_again_and_the_answer_says_so(stage: SlackStage) -> None:
    past(stage, "actor", "a lighthouse", days=3)
    past(stage, "actor", "a windmill", days=2)
    await ended(stage, await ask(stage))
    stage.later = 8 * DAY
    await stage.guard.purge()
    past(stage, "actor", "a harbour", days=1)
    stage.platform.hold["conversations.history"] = asyncio.Event()
    answer = await ask(stage)
    await until(lambda: any("left out" in text for text in answer.texts))
    stage.platform.hold["conversations.history"].set()
    assert "Messages: 1." in await ended(stage, answer)


async def test_what_was_deleted_on_a_persons_request_is_not_read_again(stage: SlackStage) -> None:
    gone = past(stage, "actor", "a lighthouse", days=3)
    await ended(stage, await ask(stage))
    assert await stage.ids() == [gone["ts"]]
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    said = await stage.say("friend", "a harbour")
    await stage.settled()
    await ended(stage, await ask(stage))
    assert await stage.ids() == [said]
