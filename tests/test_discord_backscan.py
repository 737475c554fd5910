"""`/lampkeeper backscan`, over the wire: history is read as if it were said now, in sight of whoever asked."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from bots.common import backscan
from core.casework.cards import Person
from core.messages import ConversationKey
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    CATEGORY,
    FORUM,
    GENERAL,
    GROWN,
    HISTORY,
    PEOPLE,
    POST,
    SERVER,
    THREAD,
    Json,
    overwrite,
    stamp,
)
from tests.discord_platform import Reply
from tests.discord_stage import DiscordStage, discord_stage, rows, until
from tests.support import MODERATOR, slow_talk

HERE = ConversationKey(f"discord:{SERVER}", str(GENERAL))
DAY = 86_400.0


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backscan, "EDIT_EVERY", 0.02)


def past(stage: DiscordStage, author: str, text: str, days: float, channel: int = GENERAL, **more: Any) -> Json:
    """Have said something so many days ago; nobody was told of it."""
    number = stage.there.id() - (int(days * DAY * 1000) << 22)
    return stage.there.message(PEOPLE[author], channel, text, number, **more)


def past_talk(stage: DiscordStage, days: float, channel: int = GENERAL) -> None:
    past(stage, "target", "hello there", days, channel)
    for line in slow_talk():
        past(stage, "actor", line, days, channel)


async def ask(stage: DiscordStage, who: str = "moderator", channel: int = GENERAL, days: int = 7) -> Reply:
    options = {"channel": str(channel), "days": days}
    return await stage.there.interact(2, stage.there._typed("lampkeeper backscan", options), PEOPLE[who], GENERAL)


def shown(reply: Reply) -> str:
    """What the answer reads now."""
    assert reply.message is not None
    return str(reply.message["content"])


async def ended(stage: DiscordStage, reply: Reply) -> str:
    """Return what the answer reads once the scan has ended."""
    await until(lambda: not stage.adapter.scans.busy(SERVER) and not reply.message["components"])  # type: ignore[index]
    await stage.settled()
    return shown(reply)


async def cancel(stage: DiscordStage, reply: Reply, who: str = "moderator") -> Reply:
    assert reply.message is not None
    (row,) = reply.message["components"]
    return await stage.there.press(reply.message, row["components"][0]["custom_id"], PEOPLE[who])


async def test_what_was_said_before_the_bot_came_is_read_and_leads_to_a_card(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    past(stage, "actor", "a lighthouse", days=9)
    past(stage, "robot", "a windmill", days=2)
    reply = await ask(stage)
    assert reply.ephemeral
    assert "Messages: 13." in await ended(stage, reply)
    (card,) = stage.cards()
    text = (await stage.press(card["alert"], "Show excerpt")).text
    assert "lighthouse" not in text
    assert "windmill" not in text
    assert text.index("how old") < text.index("gift card"), "oldest first"


async def test_a_bar_shows_how_far_it_came(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    stage.there.history.clear()
    reply = await ask(stage)
    assert "▱ 0 %" in shown(reply)
    assert "days back: 7" in shown(reply)
    stage.there.history.set()
    await ended(stage, reply)
    assert "▰" not in shown(reply)


async def test_to_scan_twice_counts_nothing_twice_and_follows_edits(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    last = past(stage, "actor", "a lighthouse", days=2.9)
    await ended(stage, await ask(stage))
    last |= {"content": "a windmill", "edited_timestamp": stamp(time.time())}
    await ended(stage, await ask(stage))
    lines = await stage.guard.desk.excerpt(stage.cards()[0]["alert"], MODERATOR, more=20)
    assert len([line for line in lines if "gift card" in line.text]) == 1
    assert [(line.text, line.earlier) for line in lines if "light" in line.earlier] == [("a windmill", "a lighthouse")]


async def test_a_cancelled_scan_stops_and_leaves_no_gap_to_be_read_at_the_next_start(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    await ended(stage, await ask(stage, days=1))
    stage.there.history.clear()
    reply = await ask(stage)
    pressed = await cancel(stage, reply)
    assert pressed.ephemeral
    stage.there.history.set()
    assert "cancelled" in await ended(stage, reply)
    await stage.restart()
    assert await stage.guard.cursor(HERE) is None
    assert stage.cards() == []
    assert stage.notices() == []


async def test_a_scan_does_not_move_where_reading_goes_on_after_a_restart(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    await ended(stage, await ask(stage))
    assert await stage.guard.cursor(HERE) is None


async def test_only_moderators_scan_and_cancel(stage: DiscordStage) -> None:
    assert "moderators" in (await ask(stage, "friend")).text
    stage.there.history.clear()
    reply = await ask(stage)
    assert "moderators" in (await cancel(stage, reply, "friend")).text
    assert "Another scan" in (await ask(stage, "second")).text
    stage.there.history.set()
    assert "Messages: 0." in await ended(stage, reply)


async def test_of_two_who_ask_at_once_one_is_told_to_wait(stage: DiscordStage) -> None:
    stage.there.history.clear()
    replies = await asyncio.gather(ask(stage), ask(stage, "second"))
    assert sorted("Another scan" in reply.text for reply in replies) == [False, True]
    stage.there.history.set()


@pytest.mark.parametrize(
    ("server", "channel", "said"),
    [
        ({}, ALERTS, "left out"),
        ({"ignored_channels": (GENERAL,)}, GENERAL, "left out"),
        ({"ignored_channels": (CATEGORY,)}, GENERAL, "Messages: 0."),
    ],
)
async def test_what_is_not_read_is_not_scanned(tmp_path: Path, server: Json, channel: int, said: str) -> None:
    async with discord_stage(tmp_path, **server) as stage:
        reply = await ask(stage, channel=channel)
        await until(lambda: not stage.adapter.scans.busy(SERVER))
        assert said in shown(reply)


async def test_a_paused_server_is_not_scanned(stage: DiscordStage) -> None:
    await stage.adapter.servers.choose(SERVER, {"pauses": [(time.time() - 1, None)]}, Person("1", "admin"))
    assert "paused" in (await ask(stage)).text


async def test_a_channel_whose_history_is_closed_is_refused_with_the_remedy(stage: DiscordStage) -> None:
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(GENERAL))
    assert "Read Message History" in (await ask(stage)).text


async def test_a_scan_that_discord_refuses_on_the_way_says_so(stage: DiscordStage) -> None:
    refusal: tuple[str, int, Json, dict[str, str]] = (
        f"GET /channels/{GENERAL}/messages",
        403,
        {"message": "Missing Access", "code": 50001},
        {},
    )
    stage.there.faults.append(refusal)
    assert "did not let Lampkeeper read on" in await ended(stage, await ask(stage))


async def test_a_channel_stands_for_its_threads_too_and_a_forum_for_its_posts(stage: DiscordStage) -> None:
    past(stage, "actor", "one", days=1)
    past(stage, "actor", "two", days=1, channel=THREAD)
    past(stage, "actor", "three", days=1, channel=POST)
    assert "Messages: 2." in await ended(stage, await ask(stage))
    stage.there.archived.add(POST)
    await stage.there.send(
        "THREAD_DELETE", {"id": str(POST), "guild_id": str(SERVER), "parent_id": str(FORUM), "type": 11}
    )
    assert "Messages: 1." in await ended(stage, await ask(stage, channel=FORUM))


async def test_a_scan_outlives_the_connection(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    stage.there.history.clear()
    reply = await ask(stage)
    await stage.drop_connection()
    stage.there.history.set()
    stage.there.open.set()
    assert "Messages: 13." in await ended(stage, reply)


async def test_a_scan_that_a_restart_cut_off_is_said_once(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    stage.there.history.clear()
    reply = await ask(stage)
    await stage.stop()
    stage.there.history.set()
    await stage.start()
    await until(lambda: bool(stage.notices()))
    await stage.restart()
    (notice,) = stage.notices()
    assert "restarted" in notice
    assert f"<#{GENERAL}>" in notice
    assert "not running" in (await cancel(stage, reply)).text


async def test_once_the_answer_cannot_be_edited_any_more_the_alert_channel_is_told(
    stage: DiscordStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.adapter.scans, "answered_for", -1.0)
    past_talk(stage, days=3)
    stage.there.history.clear()
    reply = await ask(stage)
    assert "can no longer be kept up to date" in shown(reply)
    stage.there.history.set()
    await until(lambda: not stage.adapter.scans.busy(SERVER))
    await stage.settled()
    (notice,) = stage.notices()
    assert "Messages: 13." in notice


async def test_what_was_purged_is_not_counted_again_and_the_answer_says_so(tmp_path: Path) -> None:
    now = [time.time()]
    async with discord_stage(tmp_path, clock=lambda: now[0]) as stage:
        past(stage, "actor", "a lighthouse", days=3)
        past(stage, "actor", "a windmill", days=2)
        await ended(stage, await ask(stage))
        now[0] += 8 * DAY
        await stage.guard.purge()
        past(stage, "actor", "a harbour", days=1)
        stage.there.history.clear()
        reply = await ask(stage)
        await until(lambda: "left out" in shown(reply))
        stage.there.history.set()
        assert "Messages: 1." in await ended(stage, reply)


async def test_what_was_deleted_on_a_persons_request_is_not_read_again(stage: DiscordStage) -> None:
    past(stage, "actor", "a lighthouse", days=3)
    await ended(stage, await ask(stage))
    await stage.guard.forget_person(f"discord:{SERVER}", str(PEOPLE["actor"]))
    await ended(stage, await ask(stage))
    assert await rows(stage) == []


async def test_what_was_begun_and_ended_is_in_the_audit(stage: DiscordStage) -> None:
    past(stage, "actor", "one", days=1)
    await ended(stage, await ask(stage))
    assert await stage.guard.scans.unfinished("discord") == []


async def test_a_pause_ends_a_scan_that_is_under_way(stage: DiscordStage) -> None:
    past_talk(stage, days=3)
    stage.there.history.clear()
    reply = await ask(stage)
    stage.there.roles[GROWN] |= 1 << 5
    stage.there.member_roles[PEOPLE["teacher"]] = [GROWN]
    assert "Paused" in (await stage.there.command("lampkeeper pause", PEOPLE["teacher"])).text
    stage.there.history.set()
    assert "cancelled" in await ended(stage, reply)
    assert await rows(stage) == []


async def test_a_scan_leaves_out_what_was_said_or_edited_during_any_pause(stage: DiscordStage) -> None:
    now = time.time()
    before = past(stage, "actor", "before", days=3)
    past(stage, "actor", "during the first", days=2)
    past(stage, "actor", "changed during the second", days=3, edited_timestamp=stamp(now - 1.1 * DAY))
    after = past(stage, "actor", "after", days=0.5)
    pauses = [(now - 2.1 * DAY, now - 1.9 * DAY), (now - 1.2 * DAY, now - 1.0 * DAY)]
    stage.there.history.clear()
    reply = await ask(stage)
    await stage.adapter.servers.choose(SERVER, {"pauses": pauses}, Person("1", "admin"))
    stage.there.history.set()
    assert "Messages: 2." in await ended(stage, reply)
    assert await rows(stage) == [before["id"], after["id"]]


async def test_a_scan_leaves_out_what_was_said_while_the_channel_was_left_out(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, ignored_channels=(GENERAL,)) as stage:
        past(stage, "actor", "left out", days=1)
        past(stage, "actor", "left out, in a thread", days=1, channel=THREAD)
        await stage.adapter.servers.choose(SERVER, {"ignored_channels": []}, Person("1", "admin"))
        assert "Messages: 0." in await ended(stage, await ask(stage))
