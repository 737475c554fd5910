"""Slack drops what it could not deliver over HTTP, and says nothing: looking at every channel anew finds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from bots.slack_app import history, pace, silence, sweep
from bots.slack_app.clock import Clock
from bots.slack_app.reading import Span
from bots.slack_app.workspace import Workspace
from tests.slack_api import ALERTS, GENERAL, PEOPLE
from tests.slack_oauth import HttpStage, Team, http_stage

ONE = "T0ONE"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[HttpStage]:
    async with http_stage(tmp_path) as stage:
        yield stage


@pytest.fixture
async def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpStage]:
    """A stage on which a round of looks takes less than a second, and what is young counts, too."""
    monkeypatch.setattr(sweep, "ROUND", 0.2)
    monkeypatch.setattr(sweep, "LEAST", 0.02)
    monkeypatch.setattr(history, "MARGIN", 0.0)
    async with http_stage(tmp_path) as stage:
        yield stage


def here(stage: HttpStage) -> Workspace:
    return stage.adapter.of(f"slack:{ONE}")


def looks(team: Team) -> int:
    return sum(method == "conversations.history" and a["channel"] == GENERAL for method, a in team.calls)


async def looked(stage: HttpStage, team: Team) -> None:
    """Return when the channel general was looked at twice more, so once from beginning to end, and all is stored."""
    before = looks(team)
    await team.until(lambda: looks(team) > before + 1)
    await stage.settled()


async def ids(stage: HttpStage) -> set[str]:
    return {ts for _, ts in await stage.stored()}


async def until(stage: HttpStage, team: Team, which: str, expected: list[str]) -> None:
    """Look until the rows are the expected ones: the time by Slack's answers is up to a second behind."""
    async with asyncio.timeout(30):
        while await rows(stage, which) != expected:
            await looked(stage, team)


async def rows(stage: HttpStage, which: str) -> list[str]:
    async with stage.guard.ledger.store.read() as tx:
        return list(await tx.scalars(sql(f"SELECT id FROM messages WHERE {which} ORDER BY seq")))


async def test_what_slack_dropped_in_the_middle_is_found(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    said = [await team.say("target", "hello")]
    await quick.settled()
    team.away = True
    said += [await team.say("actor", f"line {number}") for number in range(3)]
    said.append(await team.say("target", "a reply", thread_ts=said[0]))
    team.away = False
    said.append(await team.say("actor", "heard again"))
    await looked(quick, team)
    assert await ids(quick) == set(said)


async def test_edits_and_deletions_that_slack_dropped_are_found(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    said = [await team.say("actor", f"line {number}") for number in range(4)]
    reply = await team.say("target", "a reply", thread_ts=said[3])
    await quick.settled()
    team.away = True
    await team.edit(GENERAL, said[0], "another line")
    await team.delete(GENERAL, said[1])
    await team.delete(GENERAL, reply)
    team.away = False
    await until(quick, team, "deleted", [said[1], reply])
    assert await rows(quick, "version = 1") == [said[0]]


@pytest.mark.parametrize("ahead", [0.0, 120.0, 7200.0])
async def test_what_was_said_in_the_last_minute_is_not_taken_for_deleted_however_far_ahead_our_clock_is(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(history, "MARGIN", 60.0)
    team = await quick.team(ONE)
    team.behind = ahead
    await looked(quick, team)
    said = [await team.say("actor", f"line {number}") for number in range(2)]
    await quick.settled()
    team.away = True
    await team.delete(GENERAL, said[1])
    await looked(quick, team)
    assert await rows(quick, "deleted") == []


async def test_nothing_is_taken_for_deleted_while_slack_does_not_tell_what_time_it_is(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "heard", lambda _clock, _headers: None)
    await quick.restart()
    team = await quick.team(ONE)
    said = [await team.say("actor", f"line {number}") for number in range(2)]
    await quick.settled()
    team.away = True
    await team.delete(GENERAL, said[1])
    await looked(quick, team)
    assert await rows(quick, "deleted") == []


async def test_what_slack_dropped_is_found_with_a_clock_that_is_ahead(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    await quick.guard.communities.stands(f"slack:{ONE}", joined=time.time() - 86_400.0)
    team.behind = 120.0
    await quick.restart()
    said = [await team.say("target", "hello")]
    await looked(quick, team)
    team.away = True
    said.append(await team.say("actor", "dropped"))
    team.away = False
    await looked(quick, team)
    assert await ids(quick) == set(said)


async def test_a_late_event_has_everything_read_since_the_channel_was_looked_at(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    before = await team.say("target", "hello")
    await stage.settled()
    team.away = True
    missed = [await team.say("actor", f"line {number}") for number in range(3)]
    late = await team.say("actor", "the last line")
    team.away = False
    newer = await team.say("target", "heard before the retry comes")
    await stage.settled()
    event = {**team.message(GENERAL, late), "channel": GENERAL, "channel_type": "channel", "event_ts": late}
    await team.send_event(event, "EvLATE", retry_attempt=2, retry_reason="connection_failed")
    await stage.settled()
    assert await ids(stage) == {before, *missed, late, newer}


async def test_what_slack_dropped_before_a_restart_is_found_after_it(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    team.away = True
    missed = await team.say("actor", "dropped")
    team.away = False
    newer = await team.say("target", "heard")
    await stage.settled()
    await stage.restart()
    await stage.settled()
    assert await ids(stage) == {missed, newer}


async def test_what_was_deleted_on_request_is_not_read_again(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    await team.say("actor", "hello")
    other = await team.say("friend", "hello all", "C0GENERAL", thread_ts=None)
    replies = [await team.say(who, "a reply", thread_ts=other) for who in ("friend", "actor", "teacher")]
    await quick.settled()
    await quick.guard.forget_person(f"slack:{ONE}", PEOPLE["actor"])
    left = await ids(quick)
    await looked(quick, team)
    await quick.restart()
    await looked(quick, team)
    assert await ids(quick) == left <= {other, *replies} - {replies[1]}


async def test_live_events_do_not_wait_while_a_channel_is_looked_at(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    team.hold["conversations.history"] = asyncio.Event()
    await team.until(lambda: "conversations.history" in team.held)
    said = await team.say("actor", "hello")
    await quick.settled()
    assert await ids(quick) == {said}
    team.hold["conversations.history"].set()


async def test_what_was_edited_while_a_channel_is_looked_at_is_not_put_back(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    said = await team.say("actor", "hello")
    await stage.settled()
    team.away = True
    await team.edit(GENERAL, said, "an older text")
    reader, general = here(stage).history.reader, team.channels[GENERAL].describe()
    heard = Span(0.0, 0.0, 0.0, changed=frozenset({said}))
    assert await reader.read(general, heard)
    await stage.settled()
    assert await rows(stage, "version = 1") == []
    assert await reader.read(general, heard._replace(changed=frozenset()))
    await stage.settled()
    assert await rows(stage, "version = 1") == [said]


async def test_a_channel_that_the_app_came_into_unheard_is_read(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    team.channels[GENERAL].members.discard("U0LAMP")
    await quick.restart()
    await here(quick).settled()
    team.away = True
    team.channels[GENERAL].members.add("U0LAMP")
    said = await team.say("actor", "hello")
    await looked(quick, team)
    assert await ids(quick) == {said}


async def test_status_says_how_often_channels_are_looked_at_and_what_that_does_not_show(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "EVERY", 0.02)
    team = await quick.team(ONE)
    await looked(quick, team)
    (often,) = here(quick).swept()
    assert "Looked at again" in often
    team.away, team.page = True, 15
    said = [await team.say("actor", f"line {number}") for number in range(40)]
    await looked(quick, team)
    await looked(quick, team)
    assert here(quick).history.pace.seconds
    more = [await team.say("actor", f"more {number}") for number in range(40)]
    await looked(quick, team)
    _, short = here(quick).swept()
    assert f"<#{GENERAL}>" in short
    found = await ids(quick)
    assert set(said) <= found
    assert set(more[-10:]) <= found
    assert set(more[:10]).isdisjoint(found)


async def test_a_refusal_to_one_look_ends_no_other(quick: HttpStage) -> None:
    team = await quick.team(ONE)
    team.refuse["conversations.history"] = {"code": "missing_scope", "needed": "channels:history"}
    await looked(quick, team)
    assert GENERAL in (here(quick).sweep or pytest.fail("it is not looked at")).short
    del team.refuse["conversations.history"]
    team.away = True
    said = await team.say("actor", "hello")
    await looked(quick, team)
    assert await ids(quick) == {said}


def notices(team: Team) -> list[str]:
    """What Lampkeeper told in the alert channel, cards and changes of its settings apart."""
    told = [m["text"] for m in team.channels[ALERTS].messages if m.get("bot_id") and not m.get("metadata")]
    return [text for text in told if "settings" not in text]


async def told(stage: HttpStage, team: Team, number: int) -> list[str]:
    """Return what was told, once that is so many notices."""
    async with asyncio.timeout(30):
        while len(notices(team)) < number:
            await looked(stage, team)
    return notices(team)


async def test_that_slack_sends_no_events_any_more_is_told_once_and_that_it_does_again(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LONG", 0.5)
    team = await quick.team(ONE)
    said = [await team.say("target", "hello")]
    await looked(quick, team)
    team.away = True
    for number in range(2):
        said.append(await team.say("actor", f"line {number}"))
        (first,) = await told(quick, team, 1)
        await looked(quick, team)
    assert "Event Subscriptions" in first
    assert "no events" in next(here(quick).swept())
    assert notices(team) == [first], "it is told once"
    await quick.restart()
    said.append(await team.say("actor", "after a restart"))
    await looked(quick, team)
    assert notices(team) == [first], "also over a restart"
    team.away = False
    said.append(await team.say("target", "heard"))
    said.append(await team.say("target", "heard, too"))
    _, second = await told(quick, team, 2)
    await looked(quick, team)
    assert "events again" in second
    assert len(notices(team)) == 2
    assert "no events" not in next(here(quick).swept())
    assert await ids(quick) == set(said)


async def test_that_slack_sends_no_events_can_be_told_again_after_it_did(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LONG", 0.5)
    team = await quick.team(ONE)
    await looked(quick, team)
    for number in range(2):
        team.away = True
        await team.say("actor", "dropped")
        await told(quick, team, 2 * number + 1)
        team.away = False
        await team.say("actor", "heard")
        await told(quick, team, 2 * number + 2)
        await looked(quick, team)


async def test_a_few_dropped_messages_among_others_that_came_are_not_told(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LONG", 1.5)
    team = await quick.team(ONE)
    await looked(quick, team)
    team.away = True
    missed = await team.say("actor", "dropped")
    await looked(quick, team)
    team.away = False
    await team.say("target", "heard")
    await looked(quick, team)
    assert missed in await ids(quick)
    await asyncio.sleep(2)
    await looked(quick, team)
    assert notices(team) == []


async def test_a_workspace_in_which_nobody_writes_is_not_told_of(
    quick: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LONG", 0.0)
    team = await quick.team(ONE)
    await team.say("target", "hello")
    await quick.restart()
    team.away = True
    await team.say("U0ROBOT", "a program's words", bot_id="B1")
    await looked(quick, team)
    await looked(quick, team)
    assert notices(team) == []
