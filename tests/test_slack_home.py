"""The app's Home and the window of `/lampkeeper setup`, over the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from tests.slack_api import ALERTS, GENERAL, PEOPLE, PRIVATE, TEAM, Json
from tests.slack_oauth import http_stage
from tests.slack_platform import SlackPlatform, SlackStage, slack_stage
from tests.support import slow_talk

HERE = f"slack:{TEAM}"
ADMIN, MODERATOR, MEMBER = "teacher", "moderator", "friend"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        stage.platform.users[PEOPLE[ADMIN]]["is_admin"] = True
        stage.platform.usergroups |= {"S0MODS": {PEOPLE["second"]}, "S0PUPILS": set()}
        yield stage


async def home(platform: SlackPlatform, who: str, tab: str = "home") -> str:
    """Open the Home; return what it shows."""
    platform.homes.pop(PEOPLE[who], None)
    event = {"type": "app_home_opened", "user": PEOPLE[who], "channel": "D0ACTOR", "tab": tab}
    await platform.send_event(event | {"event_ts": platform.now()})
    await platform.until(lambda: PEOPLE[who] in platform.homes)
    return json.dumps(platform.homes[PEOPLE[who]], ensure_ascii=False)


async def window(stage: SlackStage, who: str = ADMIN) -> Json:
    """Open the window of the set-up."""
    before = set(stage.platform.windows)
    await stage.platform.command("setup", who)
    await stage.platform.until(lambda: len(stage.platform.windows) > len(before))
    return next(view for name, view in stage.platform.windows.items() if name not in before)


async def sent(stage: SlackStage, picked: Json, who: str = ADMIN) -> str:
    """Fill the window in, and return what it says then."""
    view = await window(stage)
    await stage.platform.send_window(who, view, picked)
    await stage.platform.until(lambda: stage.platform.windows[view["id"]] != view)
    return json.dumps(stage.platform.windows[view["id"]], ensure_ascii=False)


def channel(name: str) -> Json:
    return {"type": "conversations_select", "selected_conversation": name}


def groups(*names: str) -> Json:
    return {"type": "multi_static_select", "selected_options": [{"value": name} for name in names]}


async def test_moderators_see_cases_status_settings_and_preview(stage: SlackStage) -> None:
    alert = await stage.alert()
    shown = await home(stage.platform, MODERATOR)
    assert "Open cases: 1" in shown
    assert alert in shown
    assert "How Lampkeeper is doing" in shown
    assert "Alert channel" in shown
    assert "█" in shown
    assert "What is kept" in shown
    assert "lampkeeper-setup" not in shown, "an admin's"
    assert "lampkeeper-setup" in await home(stage.platform, ADMIN)


async def test_everybody_else_sees_what_is_kept_and_how_to_get_help_and_no_more(stage: SlackStage) -> None:
    await stage.talk()
    for who in (MEMBER, "actor", "target"):
        shown = await home(stage.platform, who)
        assert "What is kept" in shown
        assert "Report to moderators" in shown
        assert "Open cases" not in shown
        assert "U0ACTOR" not in shown
        assert ALERTS not in shown


async def test_a_case_is_opened_from_home_by_moderators_only(stage: SlackStage) -> None:
    alert = await stage.alert()
    await stage.platform.act(MEMBER, "lampkeeper-case", alert, at_home=True)
    await stage.platform.until(lambda: bool(stage.platform.windows))
    (refused,) = stage.platform.windows.values()
    assert "Only this workspace's moderators" in json.dumps(refused)
    await stage.platform.act(MODERATOR, "lampkeeper-case", alert, at_home=True)
    await stage.platform.until(lambda: len(stage.platform.windows) == 2)
    assert "noticed it" in json.dumps([*stage.platform.windows.values()][-1])


async def test_the_window_opens_from_home_for_admins(stage: SlackStage) -> None:
    await stage.platform.act(MODERATOR, "lampkeeper-setup", "", at_home=True)
    await stage.platform.until(lambda: len(stage.platform.windows) == 1)
    assert "Only admins" in json.dumps(stage.platform.windows)
    await stage.platform.act(ADMIN, "lampkeeper-setup", "", at_home=True)
    await stage.platform.until(lambda: len(stage.platform.windows) == 2)
    assert "conversations_select" in json.dumps(stage.platform.windows)


async def test_the_window_shows_what_holds_and_stores_what_is_chosen(stage: SlackStage) -> None:
    view = await window(stage)
    fields = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert fields["alert_channel"]["initial_conversation"] == ALERTS
    assert [option["value"] for option in fields["moderator_roles"]["options"]] == ["S0MODS", "S0PUPILS"]
    told = await sent(
        stage,
        {
            "alert_channel": channel(PRIVATE),
            "moderator_roles": groups("S0MODS"),
            "age_13_15": groups("S0PUPILS"),
            "ignored_channels": {"type": "multi_conversations_select", "selected_conversations": [GENERAL]},
            "budget": {"type": "static_select", "selected_option": None},
        },
    )
    assert "Stored" in told
    held = stage.adapter.of(HERE).settings
    assert (held.alert_channel, held.moderator_roles, held.ignored_channels) == (PRIVATE, ("S0MODS",), (GENERAL,))
    assert held.age_roles == {"S0PUPILS": "13_15"}
    async with stage.guard.ledger.store.read() as tx:
        assert await tx.scalar(sql("SELECT count(*) FROM audit WHERE what = 'settings changed'")) == 1
    await stage.platform.until(lambda: "chosen here" in json.dumps(stage.platform.homes.get(PEOPLE[ADMIN])))
    assert "How Lampkeeper is doing" in await home(stage.platform, "second")
    assert "How Lampkeeper is doing" not in await home(stage.platform, MODERATOR)


async def test_a_window_sent_as_it_was_changes_nothing(stage: SlackStage) -> None:
    assert "Nothing was changed" in await sent(stage, {"alert_channel": channel(ALERTS), "moderator_roles": groups()})
    async with stage.guard.ledger.store.read() as tx:
        assert await tx.scalar(sql("SELECT count(*) FROM audit WHERE what = 'settings changed'")) == 0


async def test_too_little_to_fit_a_threshold_to_is_said_in_the_window(stage: SlackStage) -> None:
    budget = {"budget": {"type": "static_select", "selected_option": {"value": "5"}}}
    assert "too little to go by" in await sent(stage, budget)


async def test_a_window_that_somebody_else_sends_stores_nothing(stage: SlackStage) -> None:
    assert "Only admins" in await sent(stage, {"alert_channel": channel(PRIVATE)}, MODERATOR)
    assert stage.adapter.of(HERE).settings.alert_channel == ALERTS


async def test_a_window_that_comes_too_late_is_said(stage: SlackStage) -> None:
    stage.platform.refuse["views.open"] = {"code": "expired_trigger_id"}
    answer = await stage.platform.answered(await stage.platform.command("setup", ADMIN))
    assert "three seconds" in answer["text"]


async def test_without_usergroups_the_rest_can_be_chosen(stage: SlackStage) -> None:
    stage.platform.refuse["usergroups.list"] = {"code": "missing_scope", "needed": "usergroups:read"}
    view = await window(stage)
    assert "moderator_roles" not in json.dumps(view)
    await stage.platform.send_window(ADMIN, view, {"alert_channel": channel(PRIVATE)})
    await stage.platform.until(lambda: "Stored" in json.dumps(stage.platform.windows[view["id"]]))
    assert stage.adapter.of(HERE).settings.alert_channel == PRIVATE


async def test_the_tab_of_messages_draws_nothing(stage: SlackStage) -> None:
    event = {"type": "app_home_opened", "user": PEOPLE[MEMBER], "channel": "D0ACTOR", "tab": "messages"}
    await stage.platform.send_event(event | {"event_ts": stage.platform.now()})
    await stage.platform.acked()
    assert "What is kept" in await home(stage.platform, MODERATOR)
    assert PEOPLE[MEMBER] not in stage.platform.homes


async def test_each_workspace_has_its_own_home(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        one, two = await stage.team("T0ONE"), await stage.team("T0TWO")
        await one.say("target", "hello there")
        for line in slow_talk():
            await one.say("actor", line)
        await stage.settled()
        assert "Open cases: 1" in await home(one, MODERATOR)
        assert "Open cases: 0" in await home(two, MODERATOR)
