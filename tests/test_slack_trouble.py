"""Slack where something is closed, taken away or broken: who may no more, and what must be seen all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from bots.slack_app.commands import COMMANDS
from bots.slack_app.requests import FORGET
from core import stats
from core.casework.cards import Person
from core.retention import requests
from tests.slack_api import ALERTS, BOT_USER, PEOPLE, PRIVATE, TEAM
from tests.slack_members_stage import command, press
from tests.slack_oauth import http_stage
from tests.slack_platform import SlackStage, slack_stage
from tests.test_slack_commands import CHANNEL, ask

HERE = f"slack:{TEAM}"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        stage.platform.users[PEOPLE["teacher"]]["is_admin"] = True
        yield stage


@pytest.mark.parametrize("how", ["the app was removed from it", "it was deleted"])
async def test_an_open_card_in_a_closed_alert_channel_is_posted_in_the_new_one(stage: SlackStage, how: str) -> None:
    alert = await stage.alert()
    await ask(stage, f"settings alert_channel {PRIVATE}", "teacher")
    if how == "it was deleted":
        del stage.platform.channels[ALERTS]
    else:
        stage.platform.channels[ALERTS].members.discard(BOT_USER)
    await stage.guard.desk.claim(alert, Person(PEOPLE["moderator"], "moderator"))
    await stage.settled()
    assert [message for message in stage.platform.channels[PRIVATE].messages if message.get("metadata")]


async def claimed_and_released(stage: SlackStage, alert: str, times: int) -> None:
    moderator = Person(PEOPLE["moderator"], "moderator")
    for _ in range(times):
        await stage.guard.desk.claim(alert, moderator)
        await stage.settled()
        await stage.guard.desk.release(alert, moderator)
        await stage.settled()


def naming(stage: SlackStage, channel: str = ALERTS) -> int:
    """How many posts in a channel name the actor."""
    return sum(PEOPLE["actor"] in json.dumps(post) for post in stage.platform.channels[channel].messages)


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
async def test_a_card_that_slack_lets_nobody_edit_is_replaced_and_emptied_with_its_data(
    stage: SlackStage, code: str
) -> None:
    alert = await stage.alert()
    stage.platform.refuse["chat.update"] = {"code": code}
    await claimed_and_released(stage, alert, 3)
    assert (len(stage.cards()), naming(stage)) == (1, 1)
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    await stage.settled()
    assert naming(stage) == 0
    assert (await stats.undelivered(stage.guard.ledger, HERE)).waiting == 0
    assert stage.notices() == []


async def test_of_a_card_that_slack_lets_nobody_edit_nor_delete_the_moderators_are_told(stage: SlackStage) -> None:
    alert = await stage.alert()
    first = stage.card()["ts"]
    stage.platform.refuse |= {
        "chat.update": {"code": "cant_update_message"},
        "chat.delete": {"code": "cant_delete_message"},
    }
    await stage.guard.desk.claim(alert, Person(PEOPLE["moderator"], "moderator"))
    await stage.settled()
    (told,) = stage.notices()
    assert "delete it by hand" in told
    assert f"/archives/{ALERTS}/p{first.replace('.', '')}" in told
    (second,) = (card["ts"] for card in stage.cards() if card["ts"] != first)
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    await stage.settled()
    (_, told) = stage.notices()
    assert second.replace(".", "") in told
    assert (await stats.undelivered(stage.guard.ledger, HERE)).waiting == 0


async def test_a_replacement_that_was_not_recorded_is_found_and_not_posted_again(stage: SlackStage) -> None:
    alert = await stage.alert()
    async with stage.guard.ledger.store.read() as tx:
        before = await tx.scalar(sql("SELECT reference FROM alerts"))
    stage.platform.uneditable.add(before.partition("/")[2])
    moderator = Person(PEOPLE["moderator"], "moderator")
    stage.platform.refuse["chat.delete"] = {"code": "ratelimited"}
    await stage.guard.desk.claim(alert, moderator)
    await stage.settled()
    async with stage.guard.ledger.transaction() as tx:
        await tx.execute(sql("UPDATE alerts SET reference = :before"), {"before": before})  # as if cut off there
    del stage.platform.refuse["chat.delete"]
    await stage.guard.desk.release(alert, moderator)
    await stage.settled()
    assert naming(stage) == 1


async def test_of_a_card_left_in_a_channel_that_is_closed_to_it_the_moderators_are_told(stage: SlackStage) -> None:
    alert = await stage.alert()
    old = stage.card()["ts"]
    await ask(stage, f"settings alert_channel {PRIVATE}", "teacher")
    stage.platform.channels[ALERTS].members.discard(BOT_USER)
    await stage.guard.desk.claim(alert, Person(PEOPLE["moderator"], "moderator"))
    await stage.settled()
    texts = [post["text"] for post in stage.platform.channels[PRIVATE].messages]
    assert sum("delete it by hand" in text and old.replace(".", "") in text for text in texts) == 1


@pytest.mark.parametrize("code", ["channel_not_found", "not_in_channel", "is_archived"])
async def test_of_a_deleted_persons_card_in_a_channel_closed_to_it_the_moderators_are_told(
    stage: SlackStage, code: str
) -> None:
    await stage.alert()
    await ask(stage, f"settings alert_channel {PRIVATE}", "teacher")
    stage.platform.refuse["chat.update"] = {"code": code}
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    await stage.settled()
    texts = [post["text"] for post in stage.platform.channels[PRIVATE].messages]
    assert sum("delete it by hand" in text for text in texts) == 1
    assert (await stats.undelivered(stage.guard.ledger, HERE)).waiting == 0


@pytest.mark.parametrize("what", ["claim", "dismiss", "excerpt", "export"])
async def test_people_of_another_workspace_in_the_alert_channel_moderate_nothing(stage: SlackStage, what: str) -> None:
    alert = await stage.alert()
    stage.platform.users[PEOPLE["second"]]["team_id"] = "T0OTHER"
    assert "Only this workspace's moderators" in (await stage.push(alert, what, "second")).text


async def test_who_is_an_admin_no_more_changes_nothing_though_slack_did_not_say_so(stage: SlackStage) -> None:
    await ask(stage, "settings", "teacher")
    stage.platform.users[PEOPLE["teacher"]]["is_admin"] = False
    assert "Only" in await ask(stage, "settings mode shadow", "teacher")


@pytest.mark.parametrize("answered", [False, True], ids=["a message", "a message with replies"])
async def test_what_is_deleted_in_a_channel_left_out_since_is_deleted_here_too(
    stage: SlackStage, answered: bool
) -> None:
    said = await stage.say("actor", "a lighthouse")
    if answered:
        await stage.say("target", "where?", thread_ts=said)
    await stage.settled()
    await ask(stage, f"settings ignored_channel {CHANNEL}", "teacher")
    await stage.delete(said)
    await stage.settled()
    async with stage.guard.ledger.store.read() as tx:
        assert await tx.scalar(sql("SELECT count(*) FROM messages WHERE deleted")) == 1


async def test_a_usergroup_that_is_gone_keeps_no_moderator_of_another_one_out(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=("S0GONE", "S0MODS")) as stage:
        stage.platform.usergroups["S0MODS"] = {PEOPLE["friend"]}
        stage.platform.users[PEOPLE["second"]]["is_admin"] = True
        alert = await stage.alert()
        assert "You are looking into it" in (await stage.push(alert, "claim", "friend")).text
        assert "friend is looking into it" in (await stage.push(alert, "claim", "second")).text, "an admin"
        assert "knows no such usergroup" in (await stage.push(alert, "claim", "moderator")).text


async def test_of_whom_slack_does_not_tell_whose_they_are_presses_nothing(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.refuse["users.info"] = {"code": "user_not_visible"}
    assert "could not be done" in (await stage.push(alert, "claim", "second")).text
    del stage.platform.refuse["users.info"]
    assert "You are looking into it" in (await stage.push(alert, "claim", "moderator")).text


async def test_help_asks_slack_only_few_times_who_somebody_is(stage: SlackStage) -> None:
    before = len(stage.platform.calls)
    await ask(stage, "help", "friend")
    asked = [method for method, _ in stage.platform.calls[before:] if method == "users.info"]
    assert len(asked) < len(COMMANDS) / 2


async def test_a_word_with_a_capital_as_phones_write_it_is_answered(stage: SlackStage) -> None:
    number = await stage.platform.command("Privacy", "friend")
    assert "kept" in str(await stage.platform.answered(number))


async def test_events_that_slack_dropped_over_http_are_read_from_history(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        team = await stage.team("T0ONE")
        await team.say("target", "hello")
        await stage.settled()
        team.away = True
        missed = await team.say("actor", "a line that Slack dropped")
        team.away = False
        told = {
            "type": "app_rate_limited",
            "team_id": "T0ONE",
            "minute_rate_limited": 1_700_000_000,
            "api_app_id": "A0",
        }
        answer = await stage.slack.send({"type": "events_api", "payload": told})
        assert answer.status == 200
        await stage.settled()
        assert missed in [message for _, message in await stage.stored()]


async def test_a_workspace_that_slack_refuses_costs_a_newer_one_nothing(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        one = await stage.team("T0ONE")
        await one.say("target", "hi")
        await stage.settled()
        stage.slack.tokens = {token: team for token, team in stage.slack.tokens.items() if team is not one}
        await stage.restart()
        await asyncio.sleep(1.1)  # Slack's times of messages and ours of arrivals are whole seconds apart
        two = await stage.team("T0TWO")
        before = await two.say("target", "hello")
        await stage.adapter.of("slack:T0TWO").settled()
        await stage.guard.settled()
        await stage.stop()
        two.away = True
        missed = await two.say("actor", "said while it was stopped")
        two.away = False
        await stage.start()
        await stage.adapter.of("slack:T0TWO").settled()
        await stage.guard.settled()
        stored = [message for _, message in await stage.stored()]
        assert before in stored
        assert missed in stored


async def test_an_admin_who_asks_for_their_own_deletion_learns_nothing_of_cases_and_deletes_none(
    stage: SlackStage,
) -> None:
    stage.platform.users[PEOPLE["actor"]]["is_admin"] = True
    alert = await stage.alert()
    await stage.push(alert, "confirm")
    await requests.ask(stage.guard.ledger, HERE, "deletion", Person(PEOPLE["actor"], "actor"), "A request.")
    menu = (await command(stage.platform, "requests", "actor")).elements()["lampkeeper:request"]
    told = await press(stage.platform, menu, "actor", chosen=menu["options"][0]["value"])
    assert "somebody else has to answer it" in told.text
    assert "case" not in told.text
    assert told.elements() == {}
    sure = {"action_id": FORGET, "type": "button", "value": menu["options"][0]["value"]}
    assert "somebody else has to answer it" in (await press(stage.platform, sure, "actor")).text
    assert await stage.guard.desk.card(alert) is not None


async def test_a_window_that_is_closed_before_its_excerpt_is_there_says_nothing_of_a_fault(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.hold["views.update"] = asyncio.Event()
    pressing = asyncio.create_task(stage.push(alert, "excerpt"))
    await stage.platform.until(lambda: "views.update" in stage.platform.held)
    stage.platform.views.clear()
    stage.platform.hold["views.update"].set()
    await stage.platform.until(lambda: any(method == "views.update" for method, _ in stage.platform.calls))
    await stage.settled()
    pressing.cancel()
    assert stage.platform.answers == []
