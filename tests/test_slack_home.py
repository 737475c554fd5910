"""The app's Home and the window of `/lampkeeper setup`, over the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from core.casework.cards import Person
from tests.slack_api import ALERTS, GENERAL, PEOPLE, PRIVATE, TEAM, Json
from tests.slack_members_stage import direct_messages
from tests.slack_oauth import http_stage
from tests.slack_platform import SlackPlatform, SlackStage, slack_config, slack_stage
from tests.slack_replies import replied
from tests.slack_seeing_stage import app_is_removed, change_account, comes, goes, regroup
from tests.support import slow_talk

HERE = f"slack:{TEAM}"
ADMIN, MODERATOR, MEMBER = "teacher", "moderator", "friend"
HOME: Json = {"type": "home", "id": "V0HOME"}


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
    before = set(stage.platform.views)
    await stage.platform.command("setup", who)
    await stage.platform.until(lambda: len(stage.platform.views) > len(before))
    return next(view for name, view in stage.platform.views.items() if name not in before)


async def sent(stage: SlackStage, picked: Json, who: str = ADMIN) -> str:
    """Fill the window in, and return what it says then."""
    view = await window(stage)
    await stage.platform.send_window(who, view, picked)
    await stage.platform.until(lambda: stage.platform.views[view["id"]] != view)
    return json.dumps(stage.platform.views[view["id"]], ensure_ascii=False)


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


async def test_an_admin_sees_what_is_wrong_but_no_cases_where_the_alert_channel_is_closed(stage: SlackStage) -> None:
    await comes(stage.platform, ADMIN, ALERTS)
    assert "Open cases" in await home(stage.platform, ADMIN)
    await app_is_removed(stage.platform, ALERTS)
    await stage.settled()
    shown = await home(stage.platform, ADMIN)
    assert "How Lampkeeper is doing" in shown
    assert "Missing" in shown
    assert "Open cases" not in shown


async def test_a_case_is_opened_from_home_by_moderators_only(stage: SlackStage) -> None:
    alert = await stage.alert()
    await stage.platform.act(MEMBER, "lampkeeper-case", alert, HOME)
    await stage.platform.until(lambda: bool(stage.platform.views))
    (refused,) = stage.platform.views.values()
    assert "Only this workspace's moderators" in json.dumps(refused)
    await stage.platform.act(MODERATOR, "lampkeeper-case", alert, HOME)
    await stage.platform.until(lambda: len(stage.platform.views) == 2)
    assert "noticed it" in json.dumps([*stage.platform.views.values()][-1])


async def test_the_window_opens_from_home_for_admins(stage: SlackStage) -> None:
    await stage.platform.act(MODERATOR, "lampkeeper-setup", "", HOME)
    await stage.platform.until(lambda: len(stage.platform.views) == 1)
    assert "Only admins" in json.dumps(stage.platform.views)
    await stage.platform.act(ADMIN, "lampkeeper-setup", "", HOME)
    await stage.platform.until(lambda: len(stage.platform.views) == 2)
    assert "conversations_select" in json.dumps(stage.platform.views)


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


async def test_a_usergroup_chosen_for_two_ages_stands_for_the_youngest_and_that_is_said(stage: SlackStage) -> None:
    await window(stage)
    told = await sent(stage, {"age_13_15": groups("S0PUPILS"), "age_adult": groups("S0PUPILS", "S0MODS")})
    assert stage.adapter.of(f"slack:{TEAM}").settings.age_roles == {"S0PUPILS": "13_15", "S0MODS": "adult"}
    assert told.count("more than one age") == 1
    assert "13 to 15" in told


async def test_a_window_sent_as_it_was_changes_nothing(stage: SlackStage) -> None:
    assert "Nothing was changed" in await sent(stage, {"alert_channel": channel(ALERTS), "moderator_roles": groups()})
    async with stage.guard.ledger.store.read() as tx:
        assert await tx.scalar(sql("SELECT count(*) FROM audit WHERE what = 'settings changed'")) == 0


def left_out(*channels: str) -> Json:
    return {"ignored_channels": {"type": "multi_conversations_select", "selected_conversations": [*channels]}}


async def test_channels_left_out_that_an_admin_cannot_see_are_named_in_the_window_and_stay_left_out(
    stage: SlackStage,
) -> None:
    stage.platform.channels[PRIVATE].members.discard(PEOPLE[ADMIN])
    await stage.adapter.of(HERE).choose({"ignored_channels": [PRIVATE, GENERAL]}, Person(PEOPLE[ADMIN], ADMIN))
    view = await window(stage)
    (menu,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "ignored_channels"]
    assert menu["initial_conversations"] == [GENERAL]
    assert f"not in the menu, as you cannot see them in Slack: <#{PRIVATE}>" in json.dumps(view)
    assert "Stored" in await sent(stage, left_out())
    assert stage.adapter.of(HERE).settings.ignored_channels == (PRIVATE,)
    assert "Stored" in await sent(stage, left_out(GENERAL))
    assert stage.adapter.of(HERE).settings.ignored_channels == (PRIVATE, GENERAL)
    assert "Nothing was changed" in await sent(stage, left_out(GENERAL))


async def test_where_slack_does_not_tell_the_channels_none_left_out_is_lost(stage: SlackStage) -> None:
    await stage.adapter.of(HERE).choose({"ignored_channels": [PRIVATE, GENERAL]}, Person(PEOPLE[ADMIN], ADMIN))
    stage.platform.refuse["users.conversations"] = {"code": "missing_scope", "needed": "groups:read"}
    assert "Nothing was changed" in await sent(stage, left_out())
    assert stage.adapter.of(HERE).settings.ignored_channels == (PRIVATE, GENERAL)


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
    await stage.platform.until(lambda: "Stored" in json.dumps(stage.platform.views[view["id"]]))
    assert stage.adapter.of(HERE).settings.alert_channel == PRIVATE


async def test_the_tab_of_messages_draws_nothing(stage: SlackStage) -> None:
    event = {"type": "app_home_opened", "user": PEOPLE[MEMBER], "channel": "D0ACTOR", "tab": "messages"}
    await stage.platform.send_event(event | {"event_ts": stage.platform.now()})
    await stage.platform.acked()
    assert "What is kept" in await home(stage.platform, MODERATOR)
    assert PEOPLE[MEMBER] not in stage.platform.homes


# --- who moderates no more -------------------------------------------------------------------------------------------

NAMES = "actor (`U0ACTOR`)"


async def lost(stage: SlackStage, who: str = MODERATOR) -> bool:
    """Whether somebody's Home, as it stands in Slack, shows no more than everybody's."""
    await stage.settled()
    shown = json.dumps(stage.platform.homes[PEOPLE[who]], ensure_ascii=False)
    assert "What is kept" in shown
    return not any(one in shown for one in (NAMES, "Open cases", "How Lampkeeper is doing", ALERTS))


async def named(stage: SlackStage, who: str = MODERATOR) -> None:
    """Have an alert, and let somebody open their Home."""
    await stage.alert()
    assert NAMES in await home(stage.platform, who)


async def test_whoever_leaves_the_alert_channel_has_no_names_in_their_home_any_more(stage: SlackStage) -> None:
    await named(stage)
    await goes(stage.platform, "second", ALERTS)
    assert not await lost(stage), "somebody else left"
    await goes(stage.platform, MODERATOR, ALERTS)
    assert await lost(stage)


async def test_whoever_is_taken_out_of_the_moderators_usergroup_has_none_either(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=("S0MODS",)) as stage:
        await regroup(stage.platform, "S0MODS", {MODERATOR, "second"})
        await named(stage)
        await home(stage.platform, "second")
        await regroup(stage.platform, "S0MODS", {"second"})
        assert await lost(stage)
        assert not await lost(stage, "second")


async def test_a_change_of_the_settings_takes_names_off_homes(stage: SlackStage) -> None:
    await named(stage)
    command = await stage.platform.command("settings moderator_role S0MODS", ADMIN)
    assert "Stored" in json.dumps(await stage.platform.answered(command))
    assert await lost(stage)


async def test_an_admin_who_is_none_any_more_has_no_settings_in_their_home(stage: SlackStage) -> None:
    await comes(stage.platform, ADMIN, ALERTS)
    await named(stage, ADMIN)
    await goes(stage.platform, ADMIN, ALERTS)
    await stage.settled()
    shown = json.dumps(stage.platform.homes[PEOPLE[ADMIN]])
    assert "How Lampkeeper is doing" in shown, "an admin's still"
    assert "Open cases" not in shown
    await change_account(stage.platform, ADMIN, is_admin=False)
    assert await lost(stage, ADMIN)


@pytest.mark.parametrize("away", ["Lampkeeper", "the connection"])
async def test_who_was_lost_while_nobody_listened_is_found_afterwards(stage: SlackStage, away: str) -> None:
    await named(stage)
    await (stage.stop() if away == "Lampkeeper" else stage.drop_connection())
    stage.platform.channels[ALERTS].members.discard(PEOPLE[MODERATOR])
    await (stage.start() if away == "Lampkeeper" else stage.reconnected())
    assert await lost(stage)


async def test_moderators_whom_the_operators_file_names_no_more_are_found_at_the_next_start(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderators=(PEOPLE["friend"],)) as stage:
        await named(stage, "friend")
        stage.config = slack_config()
        await stage.restart()
        assert await lost(stage, "friend")


async def test_a_home_that_slack_did_not_take_is_drawn_with_the_housekeeping(stage: SlackStage) -> None:
    await named(stage)
    stage.platform.limit["views.publish"] = [1]
    await goes(stage.platform, MODERATOR, ALERTS)
    assert not await lost(stage)
    await stage.guard.keep_house()
    assert await lost(stage)


async def test_where_slack_does_not_tell_who_moderates_no_home_names_anybody(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=("S0MODS",)) as stage:
        await regroup(stage.platform, "S0MODS", {MODERATOR})
        await named(stage)
        del stage.platform.usergroups["S0MODS"]
        await stage.guard.keep_house()
        assert await lost(stage)


async def test_who_is_noted_is_forgotten_with_what_their_home_showed(stage: SlackStage) -> None:
    await named(stage)
    await home(stage.platform, MEMBER)
    assert stage.adapter.of(HERE).settings.homes == {PEOPLE[MODERATOR]: "moderator"}
    await stage.restart()
    assert stage.adapter.of(HERE).settings.homes == {PEOPLE[MODERATOR]: "moderator"}
    assert not await lost(stage)
    await goes(stage.platform, MODERATOR, ALERTS)
    assert await lost(stage)
    assert stage.adapter.of(HERE).settings.homes == {}
    assert "homes" not in (await stage.guard.communities.every("slack"))[HERE]


async def test_a_person_whose_data_was_deleted_is_named_in_no_home(stage: SlackStage) -> None:
    await named(stage)
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    await stage.platform.until(lambda: "Open cases: 0" in json.dumps(stage.platform.homes[PEOPLE[MODERATOR]]))
    assert NAMES not in json.dumps(stage.platform.homes[PEOPLE[MODERATOR]], ensure_ascii=False)


async def test_homes_are_drawn_once_for_all_cards_that_are_taken_back_together(stage: SlackStage) -> None:
    await named(stage)
    await stage.say("friend", "hello there", PRIVATE)
    for line in slow_talk():
        await stage.say("actor", line, PRIVATE)
    await stage.settled()
    assert len(stage.cards()) > 1
    stage.platform.calls.clear()
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    await stage.settled()
    assert stage.cards() == []
    assert [method for method, _ in stage.platform.calls].count("views.publish") == 1


async def test_nor_is_one_whose_card_was_never_posted(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, alert_channel=None, moderators=(PEOPLE[MODERATOR],)) as stage:
        await stage.talk()
        await home(stage.platform, MODERATOR)
        assert PEOPLE["actor"] in json.dumps(stage.platform.homes)
        await stage.guard.forget_person(HERE, PEOPLE["actor"])
        await stage.guard.keep_house()
        assert PEOPLE["actor"] not in json.dumps(stage.platform.homes)


# --- a case in a window ----------------------------------------------------------------------------------------------


async def case(stage: SlackStage, who: str = MODERATOR) -> Json:
    """Have an alert, and open its case from Home."""
    await stage.platform.act(who, "lampkeeper-case", await stage.alert(), HOME)
    await stage.platform.until(lambda: bool(stage.platform.views))
    (view,) = stage.platform.views.values()
    return view


async def pressed(stage: SlackStage, view: Json, button: str, who: str = MODERATOR) -> Json:
    """Press a button in a window; return the window as it is then."""
    about = replied(view).buttons[button]
    before = stage.platform.views[view["id"]]
    await stage.platform.act(who, f"lampkeeper_{button}", about, before)
    await stage.platform.until(lambda: stage.platform.views[view["id"]] is not before)
    return stage.platform.views[view["id"]]


async def over(stage: SlackStage, view: Json, button: str) -> Json:
    """Press a button in a window that opens another one over it; return that."""
    await stage.platform.act(MODERATOR, f"lampkeeper_{button}", replied(view).buttons[button], view)
    await stage.platform.until(lambda: len(stage.platform.views) == 2)
    return [*stage.platform.views.values()][-1]


async def sent_off(stage: SlackStage, form: Json) -> None:
    """Fill in the form of a dismissal, and send it."""
    grounds = {"grounds": {"selected_option": {"value": "other"}}}
    await stage.platform.send_form(MODERATOR, form, {"grounds": grounds, "remark": {"remark": {"value": None}}})


async def test_a_case_in_a_window_has_the_buttons_of_its_card(stage: SlackStage) -> None:
    view = await case(stage)
    assert list(replied(view).buttons) == stage.card()["actions"]


async def test_a_decision_in_a_window_stands_there_with_the_case_and_on_the_card(stage: SlackStage) -> None:
    view = await pressed(stage, await case(stage), "confirm")
    told, _, below = replied(view).text.partition("What was noticed")
    assert "Recorded" in told
    assert "Concern confirmed by moderator" in told
    assert "What was done" in below
    assert "confirm" not in replied(view).buttons
    await stage.settled()
    assert "Concern confirmed by moderator" in stage.card()["text"]
    view = await pressed(stage, view, "undecide")
    assert "open again" in replied(view).text
    assert "confirm" in replied(view).buttons


async def test_more_offers_in_a_window_what_it_offers_under_the_card(stage: SlackStage) -> None:
    view = await pressed(stage, await case(stage), "more")
    view = await pressed(stage, view, "remove")
    assert PEOPLE["actor"] in stage.platform.channels[GENERAL].members, "asked once more"
    view = await pressed(stage, view, "yes_remove")
    assert PEOPLE["actor"] not in stage.platform.channels[GENERAL].members
    view = await pressed(stage, view, "undo")
    assert "Undone" in replied(view).text
    assert "What was done" in replied(view).text


async def test_an_excerpt_is_shown_over_the_case(stage: SlackStage) -> None:
    view = await case(stage)
    excerpt = await over(stage, view, "excerpt")
    await stage.platform.until(lambda: bool(stage.platform.views[excerpt["id"]]["updated"]))
    shown = replied(await stage.platform.unfold(excerpt, MODERATOR)).text
    assert any(line in shown for line in slow_talk())
    assert not [line for line in slow_talk() if line in json.dumps(stage.platform.views[view["id"]])]


async def test_a_dismissal_asks_why_over_the_case_and_ends_in_its_window(stage: SlackStage) -> None:
    view = await case(stage)
    await sent_off(stage, await over(stage, view, "dismiss"))
    await stage.platform.until(lambda: bool(stage.platform.views[view["id"]]["updated"]))
    text = replied(stage.platform.views[view["id"]]).text
    assert "Dismissed by moderator" in text
    assert "What was done" in text


async def test_a_note_is_asked_for_over_the_case_and_ends_in_its_window(stage: SlackStage) -> None:
    view = await pressed(stage, await case(stage), "more")
    form = await over(stage, view, "note")
    await stage.platform.send_form(MODERATOR, form, {"text": {"text": {"value": "spoke with both"}}})
    await stage.platform.until(lambda: stage.platform.views[view["id"]] is not view)
    text = replied(stage.platform.views[view["id"]]).text
    assert "Noted" in text
    assert "added a note" in text


async def test_what_ends_after_the_window_was_closed_is_told_in_the_alert_channel(stage: SlackStage) -> None:
    view = await case(stage)
    form = await over(stage, view, "dismiss")
    del stage.platform.views[view["id"]]
    await sent_off(stage, form)
    await stage.platform.until(lambda: bool(stage.platform.answers))
    (told,) = stage.platform.answers
    assert (told["channel"], told["user"]) == (ALERTS, PEOPLE[MODERATOR])
    assert "Dismissed by moderator" in told["text"]


async def test_whoever_moderates_no_more_presses_nothing_in_a_window_and_the_case_goes(stage: SlackStage) -> None:
    view = await case(stage)
    await goes(stage.platform, MODERATOR, ALERTS)
    view = await pressed(stage, view, "confirm")
    assert replied(view).text == "Only this workspace's moderators can use this button. Nothing was changed."
    await stage.settled()
    assert "confirm" in stage.card()["actions"]


# --- presses that come too late --------------------------------------------------------------------------------------


@pytest.mark.parametrize("button", ["excerpt", "dismiss"])
async def test_a_press_in_a_window_that_comes_too_late_is_told_there(stage: SlackStage, button: str) -> None:
    view = await case(stage)
    stage.platform.slow = True
    view = await pressed(stage, view, button)
    assert "press again" in replied(view).text
    assert "What was done" in replied(view).text


async def test_a_press_in_home_that_comes_too_late_is_told_in_the_alert_channel(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.slow = True
    await stage.platform.act(MODERATOR, "lampkeeper-case", alert, HOME)
    await stage.platform.until(lambda: bool(stage.platform.answers))
    (told,) = stage.platform.answers
    assert (told["channel"], told["user"]) == (ALERTS, PEOPLE[MODERATOR])
    assert "press again" in told["text"]


async def test_who_is_not_in_the_alert_channel_is_told_in_a_direct_message(stage: SlackStage) -> None:
    stage.platform.slow = True
    await stage.platform.act(ADMIN, "lampkeeper-setup", "", HOME)
    await stage.platform.until(lambda: bool(direct_messages(stage.platform, ADMIN)))
    assert "press again" in direct_messages(stage.platform, ADMIN)[0]["text"]
    assert stage.platform.answers == []


# --- workspaces side by side -----------------------------------------------------------------------------------------


async def test_each_workspace_has_its_own_home(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        one, two = await stage.team("T0ONE"), await stage.team("T0TWO")
        await one.say("target", "hello there")
        for line in slow_talk():
            await one.say("actor", line)
        await stage.settled()
        assert "Open cases: 1" in await home(one, MODERATOR)
        assert "Open cases: 0" in await home(two, MODERATOR)
