"""What moderators do with a card on Slack, over real sockets: claim, decide, look, preserve, export, act, take back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bots.slack_app.delivery import CALL_TYPE
from core import outbox
from core.casework.cards import Call
from core.export.record import CaseRecord
from core.store import tables
from tests.slack_api import ALERTS, BOT_USER, GENERAL, PEOPLE, TEAM
from tests.slack_oauth import HttpStage, Team, http_stage
from tests.slack_platform import SlackStage, slack_stage
from tests.slack_replies import Reply, replied
from tests.slack_seeing_stage import comes, regroup
from tests.support import MODERATOR, slow_talk

OWNER = "U0OWNER"
MODERATORS, REVIEWERS = "S0MODERATORS", "S0REVIEWERS"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


def with_an_owner(stage: SlackStage) -> None:
    stage.platform.users[OWNER] = {"name": "owner", "is_bot": False, "is_owner": True, "is_primary_owner": True}


async def deeds(stage: Any) -> list[str]:
    """What the audit holds, but for what came by itself."""
    by_itself = ("space joined", "alert opened", "alert updated")
    async with stage.guard.ledger.store.read() as tx:
        whole = select(tables.audit.c.what).where(tables.audit.c.what.not_in(by_itself)).order_by(tables.audit.c.id)
        return list(await tx.scalars(whole))


def said_to(stage: SlackStage, user: str) -> list[str]:
    """What the app wrote to somebody."""
    found = [c for c in stage.platform.channels.values() if c.kind == "im" and c.members == {user, BOT_USER}]
    return [message["text"] for channel in found for message in channel.messages if message.get("bot_id")]


async def act(stage: SlackStage, alert: str, deed: str, moderator: str = "moderator") -> Reply:
    """Ask for a deed, and say yes."""
    asked = await stage.push(alert, deed, moderator)
    assert list(asked.buttons) == [f"yes_{deed}"]
    done = await stage.push(alert, f"yes_{deed}", moderator)
    await stage.settled()
    return done


async def test_a_card_shows_who_looks_into_it_and_the_others_are_told(stage: SlackStage) -> None:
    alert = await stage.alert()
    assert stage.card()["actions"] == ["claim", "confirm", "dismiss", "excerpt", "more"]
    assert "You are looking into it" in (await stage.push(alert, "claim")).text
    await stage.settled()
    assert "moderator is looking into it" in stage.card()["text"]
    assert stage.card()["actions"][0] == "release"
    other = await stage.push(alert, "claim", "second")
    assert "moderator is looking into it since" in other.text
    assert list(other.buttons) == ["take_over"]
    await stage.push(alert, "take_over", "second")
    await stage.settled()
    assert "second is looking into it" in stage.card()["text"]
    assert "free for others" in (await stage.push(alert, "release", "second")).text
    await stage.settled()
    assert "looking into it" not in stage.card()["text"]


async def test_a_dismissal_asks_why_and_keeps_reason_and_remark(stage: SlackStage) -> None:
    alert = await stage.alert()
    asked = await stage.push(alert, "dismiss")
    assert asked.form is not None
    assert "Nothing is recorded" in asked.text
    assert await deeds(stage) == []
    told = await stage.dismiss(asked.form, "role_play", "they rehearse <!channel> *a play*")
    await stage.settled()
    assert told.ephemeral
    assert "Dismissed by moderator" in told.text
    text = stage.card()["text"]
    assert "role play or a game" in text
    assert "they rehearse" not in text, "a remark stands behind a button"
    written = await stage.push(alert, "written")
    assert written.ephemeral
    assert "they rehearse &lt;!channel&gt;" in written.text
    assert "*a play*" not in written.text


async def test_a_form_that_was_open_during_a_restart_still_counts(stage: SlackStage) -> None:
    alert = await stage.alert()
    form = (await stage.push(alert, "dismiss")).form
    assert form is not None
    await stage.restart()
    assert "Recorded" in (await stage.dismiss(form)).text


async def test_a_form_that_comes_too_late_says_who_decided(stage: SlackStage) -> None:
    alert = await stage.alert()
    form = (await stage.push(alert, "dismiss")).form
    assert form is not None
    await stage.push(alert, "confirm", "second")
    assert "Concern confirmed by second" in (await stage.dismiss(form)).text
    assert "Concern confirmed by second" in (await stage.push(alert, "dismiss")).text


async def test_whoever_decided_can_take_it_back_and_nobody_else(stage: SlackStage) -> None:
    alert = await stage.alert()
    decided = await stage.push(alert, "confirm")
    assert list(decided.buttons) == ["undecide"]
    assert "only your own" in (await stage.push(alert, "undecide", "second")).text
    assert "open again" in (await stage.push(alert, "undecide")).text
    await stage.settled()
    assert "confirm" in stage.card()["actions"]


async def test_of_two_who_decide_at_once_one_is_recorded_and_the_other_told(stage: SlackStage) -> None:
    alert = await stage.alert()
    form = (await stage.push(alert, "dismiss", "second")).form
    assert form is not None
    replies = await asyncio.gather(stage.push(alert, "confirm"), stage.dismiss(form, moderator="second"))
    await stage.settled()
    assert sorted("Recorded" in reply.text for reply in replies) == [False, True]
    assert [deed for deed in await deeds(stage) if deed == "alert decided"] == ["alert decided"]


async def test_texts_come_in_a_modal_with_the_note_that_only_people_conclude(stage: SlackStage) -> None:
    alert = await stage.alert()
    folded = await stage.push(alert, "excerpt")
    assert not [line for line in slow_talk() if line in folded.text], "it opens folded"
    assert "What was noticed" in folded.text
    assert await deeds(stage) == [], "nothing was looked at yet"
    stage.platform.views.clear()
    shown = await stage.texts(alert)
    assert any(line in shown.text for line in slow_talk())
    assert "only people can say what it means" in shown.text
    (view,) = stage.platform.views.values()
    assert view["user"] == PEOPLE["moderator"]
    assert await deeds(stage) == ["excerpt shown"]


async def test_more_of_what_was_said_comes_in_the_same_window_when_asked_for(stage: SlackStage) -> None:
    alert = await stage.alert()
    for _ in range(30):
        await stage.say("target", "a lighthouse, and the sea")
    await stage.settled()
    first = await stage.texts(alert)
    assert "excerpt_more" in first.buttons
    (view,) = stage.platform.views.values()
    await stage.platform.act("moderator", "lampkeeper_excerpt_more", alert, view)
    await stage.platform.until(lambda: stage.platform.views[view["id"]] is not view)
    more = replied(stage.platform.views[view["id"]])
    assert more.text.count("lighthouse") > first.text.count("lighthouse")
    assert len(stage.platform.views) == 1


@pytest.mark.parametrize("button", ["excerpt", "dismiss", "note"])
async def test_where_slack_has_waited_too_long_the_presser_is_told_to_press_again(
    stage: SlackStage, button: str
) -> None:
    alert = await stage.alert()
    stage.platform.slow = True
    told = await stage.push(alert, button)
    assert "press again" in told.text
    assert told.ephemeral
    assert await deeds(stage) == []
    stage.platform.slow = False
    assert "press again" not in (await stage.push(alert, button)).text


async def test_an_excerpt_of_purged_text_says_so(stage: SlackStage) -> None:
    alert = await stage.alert()
    await stage.guard.desk.decide(alert, "dismissed", MODERATOR)
    stage.later = 400 * 86_400.0
    await stage.guard.purge()
    assert "no longer kept" in (await stage.texts(alert)).text


async def test_a_case_is_preserved_and_the_hold_is_ended_only_when_asked_twice(stage: SlackStage) -> None:
    alert = await stage.alert()
    offered = (await stage.push(alert, "more")).buttons
    assert list(offered) == [
        "remove",
        "deactivate",
        "hold",
        "export",
        "escalate",
        "note",
        "written",
        "put_aside",
        "merge",
    ]
    await stage.push(alert, "hold")
    await stage.settled()
    assert "Under legal hold" in stage.card()["text"]
    assert "lift" in (await stage.push(alert, "more")).buttons
    asked = await stage.push(alert, "lift")
    assert list(asked.buttons) == ["yes_lift"]
    await stage.settled()
    assert "Under legal hold" in stage.card()["text"]
    await stage.push(alert, "yes_lift")
    await stage.settled()
    assert "Under legal hold" not in stage.card()["text"]


async def test_the_file_of_a_case_goes_into_the_pressers_direct_messages(stage: SlackStage) -> None:
    alert = await stage.alert()
    offered = await stage.push(alert, "export")
    assert list(offered.buttons) == ["export_zip", "export_packet", "export_json"]
    assert stage.platform.files == {}
    told = await stage.push(alert, "export_json")
    assert "in your direct messages" in told.text
    ((file),) = stage.platform.files.values()
    assert stage.platform.channels[file["channel"]].members == {PEOPLE["moderator"], BOT_USER}
    assert file["name"] == f"lampkeeper-case-{alert}.json"
    assert file["length"] == len(file["content"])
    record = CaseRecord.model_validate_json(file["content"])
    assert slow_talk()[0] in [item.content.text for item in record.items if item.content is not None]
    assert (record.community, record.actor.profile) == ("Lamp", "https://lamp.slack.example/team/U0ACTOR")
    assert all(
        (item.link or "").startswith(f"https://lamp.slack.example/archives/{GENERAL}/p") for item in record.items
    )


async def test_a_packet_is_two_pages(stage: SlackStage) -> None:
    await stage.push(await stage.alert(), "export_packet")
    names = [file["name"] for file in stage.platform.files.values()]
    assert [name.rpartition("-")[2] for name in names] == ["packet.html", "where_to_go.html"]
    assert len({file["channel"] for file in stage.platform.files.values()}) == 1


async def test_a_file_that_slack_refuses_is_told_with_what_to_do(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.refuse["files.getUploadURLExternal"] = {"code": "missing_scope", "needed": "files:write"}
    told = await stage.push(alert, "export_zip")
    assert "files:write" in told.text
    assert stage.platform.files == {}


async def test_a_picture_that_slack_cannot_fetch_holds_up_no_card(stage: SlackStage) -> None:
    pictures = {who: f"https://a.example/{who}.png" for who in ("actor", "target")}
    for who, url in pictures.items():
        stage.platform.users[PEOPLE[who]]["profile"] = {"display_name": who, "image_72": url}
    stage.platform.unreachable = {pictures["target"]}
    await stage.talk()
    assert pictures["actor"] not in stage.card()["text"]
    stage.platform.unreachable = set()
    await stage.push(stage.card()["alert"], "claim")
    await stage.settled()
    assert pictures["actor"] in stage.card()["text"]


def calls(stage: SlackStage, group: str) -> list[dict[str, Any]]:
    there = stage.platform.channels[ALERTS].messages
    return [message for message in there if f"<!subteam^{group}>" in message["text"]]


async def test_a_second_look_calls_the_reviewers_once_at_the_card(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, second_reviewers=(REVIEWERS,)) as stage:
        alert = await stage.alert()
        assert "were called" in (await stage.push(alert, "escalate")).text
        await stage.settled()
        (call,) = calls(stage, REVIEWERS)
        assert call["thread_ts"] == stage.card()["ts"]
        assert "A second reviewer was asked" in stage.card()["text"]
        assert "asked already" in (await stage.push(alert, "escalate", "second")).text
        await stage.settled()
        assert len(calls(stage, REVIEWERS)) == 1


async def test_without_reviewers_nobody_is_called_and_the_presser_is_told(stage: SlackStage) -> None:
    alert = await stage.alert()
    assert "No usergroup of second reviewers" in (await stage.push(alert, "escalate")).text
    await stage.settled()
    assert "A second reviewer" not in stage.card()["text"]


async def test_an_urgent_card_calls_the_chosen_usergroup_once(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, call_role=MODERATORS) as stage:
        alert = await stage.alert()
        for line in slow_talk():
            await stage.say("actor", line)
        await stage.settled()
        assert "strongly" in stage.card()["title"]
        (call,) = calls(stage, MODERATORS)
        card = await stage.guard.desk.card(alert)
        assert card is not None
        await stage.adapter.call(card, f"{ALERTS}/{call['thread_ts']}", "urgent", tried=True)
        assert len(calls(stage, MODERATORS)) == 1, "a try that was interrupted after it had called"


async def test_a_call_to_a_card_that_somebody_deleted_is_posted_alone(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, second_reviewers=(REVIEWERS,)) as stage:
        alert = await stage.alert()
        card = await stage.guard.desk.card(alert)
        assert card is not None
        await stage.adapter.call(card, f"{ALERTS}/1.000001", "second", tried=True)
        (call,) = calls(stage, REVIEWERS)
        assert "thread_ts" not in call


# --- notes, reports, four eyes ---------------------------------------------------------------------------------------


async def test_a_note_that_was_begun_before_a_restart_is_taken_in(stage: SlackStage) -> None:
    alert = await stage.alert()
    form = (await stage.push(alert, "note")).form
    assert form is not None
    assert await deeds(stage) == []
    await stage.restart()
    told = await stage.fill(form, text="spoke with both")
    assert (told.text.startswith("Noted"), told.ephemeral) == (True, True)
    assert await deeds(stage) == ["note added"]


async def test_a_note_of_somebody_who_moderates_no_more_is_refused(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=(MODERATORS,)) as stage:
        await regroup(stage.platform, MODERATORS, {"moderator"})
        form = (await stage.push(await stage.alert(), "note")).form
        assert form is not None
        await regroup(stage.platform, MODERATORS, {"second"})
        await stage.settled()
        assert "Only this workspace's" in (await stage.fill(form, text="spoke with both")).text
        assert await deeds(stage) == []


async def test_the_steps_of_a_case_stand_on_its_card(stage: SlackStage) -> None:
    alert = await stage.alert()
    await stage.push(alert, "put_aside")
    await stage.settled()
    assert "Put aside until somebody answers" in stage.card()["text"]
    assert "Put aside" in (await stage.push(alert, "put_aside", "second")).text
    await stage.push(alert, "resume", "second")
    await stage.push(alert, "confirm")
    await stage.push(alert, "close")
    await stage.settled()
    assert "Closed. Concern confirmed by moderator" in stage.card()["text"]
    await stage.push(alert, "reopen")
    await stage.settled()
    assert "Closed" not in stage.card()["text"]


async def test_an_owner_is_a_second_person_so_asking_one_takes_no_two_moderators(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, four_eyes=("ban", "report")) as stage:
        with_an_owner(stage)
        await act(stage, await stage.alert(), "deactivate")
        assert len(said_to(stage, OWNER)) == 1


# --- calls to what nobody looks into ---------------------------------------------------------------------------------


async def put_call(stage: SlackStage, alert: str, why: Call) -> list[dict[str, Any]]:
    """Have people called to a card; return what was said for that in the alert channel so far."""
    ledger = stage.guard.ledger
    async with ledger.transaction() as tx:
        await outbox.put_call(tx, f"slack:{TEAM}", alert, why, ledger.clock())
    await stage.settled()
    there = stage.platform.channels[ALERTS].messages
    return [one for one in there if (one.get("metadata") or {}).get("event_type") == CALL_TYPE]


async def test_a_reminder_stays_in_the_cards_thread_and_calls_nobody(stage: SlackStage) -> None:
    (said,) = await put_call(stage, await stage.alert(), "remind")
    assert said["thread_ts"] == stage.card()["ts"]
    assert not [sign for sign in ("<@", "<!subteam", "<!channel") if sign in said["text"]]
    posted = [about for method, about in stage.platform.calls if method == "chat.postMessage"][-1]
    assert posted["reply_broadcast"] in (False, "0", "false")


@pytest.mark.parametrize(
    ("chosen", "called"),
    [
        ({"call_role": REVIEWERS, "moderator_roles": (MODERATORS,)}, f"<!subteam^{REVIEWERS}>"),
        ({"moderator_roles": (MODERATORS,)}, f"<!subteam^{MODERATORS}>"),
        ({"moderators": (PEOPLE["moderator"],)}, f"<@{PEOPLE['moderator']}>"),
        ({}, "<!channel>"),
    ],
    ids=["the usergroup to call", "the moderators' usergroup", "moderators by name", "the alert channel"],
)
async def test_a_ping_calls_whoever_moderates(tmp_path: Path, chosen: dict[str, Any], called: str) -> None:
    async with slack_stage(tmp_path, **chosen) as stage:
        said = (await put_call(stage, await stage.alert(), "ping"))[-1]
        assert said["text"].startswith(called)
        card = stage.card()["ts"]
        assert said.get("thread_ts") == (None if called == "<!channel>" else card), "in a thread it calls nobody"
        assert f"/archives/{ALERTS}/p{card.replace('.', '')}" in said["text"]


async def test_a_call_to_everybody_is_said_once_also_after_a_crash(stage: SlackStage) -> None:
    alert = await stage.alert()
    await put_call(stage, alert, "ping")
    card = await stage.guard.desk.card(alert)
    assert card is not None
    await stage.adapter.call(card, f"{ALERTS}/{stage.card()['ts']}", "ping", tried=True)
    assert len([post for post in stage.platform.channels[ALERTS].messages if "<!channel>" in post["text"]]) == 1


async def test_a_second_channel_that_is_closed_falls_back_on_the_card(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, second_channel="C0GONE", moderators=(PEOPLE["moderator"],)) as stage:
        with capture_logs() as logs:
            (said,) = await put_call(stage, await stage.alert(), "second_channel")
        assert "still waits" in said["text"]
        assert said["thread_ts"] == stage.card()["ts"]
        assert "slack.second_channel_closed" in [entry["event"] for entry in logs]


# --- who may press ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "button",
    [
        *("claim", "release", "confirm", "dismiss", "excerpt", "more", "hold", "yes_lift", "export", "export_zip"),
        *("yes_remove", "note", "put_aside", "report", "close"),
    ],
)
async def test_nobody_but_moderators_can_press_anything(stage: SlackStage, button: str) -> None:
    alert = await stage.alert()
    told = await stage.push(alert, button, "actor")
    assert told.text == "Only this workspace's moderators can use this button. Nothing was changed."
    assert told.ephemeral
    assert await deeds(stage) == []
    assert stage.platform.views == {}


async def test_where_a_usergroup_moderates_its_members_press_and_nobody_else(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=(MODERATORS,), moderators=(PEOPLE["friend"],)) as stage:
        stage.platform.usergroups[MODERATORS] = {PEOPLE["teacher"]}
        alert = await stage.alert()
        assert "Only this workspace's" in (await stage.push(alert, "claim", "moderator")).text
        assert "You are looking into it" in (await stage.push(alert, "claim", "teacher")).text
        assert "teacher is looking into it" in (await stage.push(alert, "claim", "friend")).text


async def test_an_admin_presses_while_in_the_alert_channel_and_only_then(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=(MODERATORS,)) as stage:
        stage.platform.usergroups[MODERATORS] = {PEOPLE["moderator"]}
        stage.platform.users[PEOPLE["teacher"]]["is_owner"] = True
        alert = await stage.alert()
        assert "Only this workspace's" in (await stage.push(alert, "claim", "teacher")).text
        await comes(stage.platform, "teacher", ALERTS)
        assert "You are looking into it" in (await stage.push(alert, "claim", "teacher")).text
        assert "Only this workspace's" in (await stage.push(alert, "claim", "second")).text, "in it, but no admin"
        stage.platform.users[PEOPLE["teacher"]]["is_owner"] = False
        assert "Only this workspace's" in (await stage.push(alert, "release", "teacher")).text


async def test_where_slack_does_not_tell_who_moderates_nothing_is_done(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=(MODERATORS,)) as stage:
        alert = await stage.alert()
        told = await stage.push(alert, "confirm")
        assert "could not be done" in told.text
        assert await deeds(stage) == []


async def test_somebody_whom_a_card_is_about_may_look_at_it_and_nothing_more(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderators=(PEOPLE["actor"], PEOPLE["moderator"])) as stage:
        alert = await stage.alert()
        for button in ("claim", "confirm", "dismiss", "hold", "export", "yes_remove"):
            assert "This card is about you" in (await stage.push(alert, button, "actor")).text
        assert "What was said" in (await stage.texts(alert, moderator="actor")).text
        assert "moderates this workspace" in (await stage.push(alert, "remove")).text


# --- what touches a member -------------------------------------------------------------------------------------------


async def test_somebody_is_removed_from_the_channel_and_let_in_again(stage: SlackStage) -> None:
    alert, members = await stage.alert(), stage.platform.channels[GENERAL].members
    asked = await stage.push(alert, "remove")
    assert f"<#{GENERAL}>" in asked.text
    assert PEOPLE["actor"] in members, "only asked so far"
    done = await act(stage, alert, "remove")
    assert PEOPLE["actor"] not in members
    assert f"Removed from <#{GENERAL}> by moderator" in stage.card()["text"]
    again = await stage.push(alert, "yes_remove", "second")
    assert "is not in" in again.text
    await stage.restart()
    assert (await stage.push(done.buttons["undo"], "undo", "second")).text == "Undone."
    await stage.settled()
    assert PEOPLE["actor"] in members
    assert "undone" in stage.card()["text"]
    assert "undone already" in (await stage.push(done.buttons["undo"], "undo")).text


async def test_nobody_takes_back_what_was_done_to_themselves(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderator_roles=(MODERATORS,)) as stage:
        await regroup(stage.platform, MODERATORS, {"moderator"})
        done = await act(stage, await stage.alert(), "remove")
        await regroup(stage.platform, MODERATORS, {"moderator", "actor"})
        await stage.settled()
        assert "about you" in (await stage.push(done.buttons["undo"], "undo", "actor")).text
        assert PEOPLE["actor"] not in stage.platform.channels[GENERAL].members


async def test_of_two_who_remove_at_once_one_does(stage: SlackStage) -> None:
    alert = await stage.alert()
    await asyncio.gather(stage.push(alert, "yes_remove"), stage.push(alert, "yes_remove", "second"))
    await stage.settled()
    assert [method for method, _ in stage.platform.calls].count("conversations.kick") == 1
    assert (await deeds(stage)).count("action taken") == 1


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ({"is_owner": True}, "owns or administers"),
        ({"is_admin": True}, "owns or administers"),
        ({"is_bot": True}, "is a program"),
        ({"deleted": True}, "is deactivated"),
    ],
    ids=["owner", "admin", "program", "deactivated"],
)
@pytest.mark.parametrize("deed", ["remove", "deactivate"])
async def test_nothing_is_done_to_owners_admins_programs_and_who_is_gone(
    stage: SlackStage, deed: str, who: dict[str, bool], told: str
) -> None:
    alert = await stage.alert()
    stage.platform.users[PEOPLE["actor"]] |= who
    assert told in (await stage.push(alert, deed)).text
    assert told in (await stage.push(alert, f"yes_{deed}")).text
    assert await deeds(stage) == []
    assert "conversations.kick" not in [method for method, _ in stage.platform.calls]


async def test_where_slack_does_not_tell_who_somebody_is_nothing_is_done_to_them(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.refuse["users.info"] = {"code": "missing_scope", "needed": "users:read"}
    assert "users:read" in (await stage.push(alert, "yes_remove")).text
    assert await deeds(stage) == []


async def test_a_guest_who_moderates_cannot_remove_anybody(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.users[PEOPLE["moderator"]]["is_restricted"] = True
    assert "Guests cannot" in (await stage.push(alert, "remove")).text


async def test_nobody_is_removed_from_the_channel_that_everybody_is_in(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.for_everybody.add(GENERAL)
    assert "everybody in the workspace" in (await stage.push(alert, "remove")).text


async def test_nobody_is_removed_from_a_group_direct_message(stage: SlackStage) -> None:
    await stage.talk("group")
    assert "direct message" in (await stage.push(stage.card()["alert"], "remove")).text


async def test_what_slack_refuses_is_not_on_the_card(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.refuse["conversations.kick"] = {"code": "restricted_action"}
    told = await act(stage, alert, "remove")
    assert "A setting of this workspace" in told.text
    assert told.buttons == {}
    assert "Removed from" not in stage.card()["text"]
    assert (await deeds(stage))[-1] == "action refused"


async def test_where_slack_does_not_answer_the_record_stands_and_can_be_taken_back(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.limit["conversations.kick"] = [1]
    told = await act(stage, alert, "remove")
    assert "it is not known" in told.text
    assert "Removed from" in stage.card()["text"]
    assert (await stage.push(told.buttons["undo"], "undo")).text == "Undone."


async def test_an_owner_is_asked_to_deactivate_what_no_app_can(stage: SlackStage) -> None:
    with_an_owner(stage)
    alert = await stage.alert()
    done = await act(stage, alert, "deactivate")
    assert "owner" in done.text
    (asked,) = said_to(stage, OWNER)
    assert "actor (`U0ACTOR`)" in asked
    assert "No app can do that" in asked
    assert not [line for line in slow_talk() if line in asked]
    assert "An owner was asked to deactivate the account, by moderator" in stage.card()["text"]
    assert (await stage.push(done.buttons["undo"], "undo")).text == "Undone."
    assert "takes back" in said_to(stage, OWNER)[-1]


@pytest.mark.parametrize("why", ["nobody owns it", "the owner cannot be written to"])
async def test_where_no_owner_can_be_reached_the_alert_channel_is_told(stage: SlackStage, why: str) -> None:
    if why != "nobody owns it":
        with_an_owner(stage)
        stage.platform.refuse["conversations.open"] = {"code": "missing_scope", "needed": "im:write"}
    alert = await stage.alert()
    assert "alert channel" in (await act(stage, alert, "deactivate")).text
    assert any("asks an owner or admin to deactivate" in notice for notice in stage.notices())


async def test_somebody_of_another_workspace_cannot_be_deactivated_here(stage: SlackStage) -> None:
    alert = await stage.alert()
    stage.platform.users[PEOPLE["actor"]]["team_id"] = "T0OTHER"
    assert "belongs to another workspace" in (await stage.push(alert, "deactivate")).text


# --- two workspaces --------------------------------------------------------------------------------------------------


async def play(stage: HttpStage, team: Team) -> str:
    await team.say("target", "hello there")
    for line in slow_talk():
        await team.say("actor", line)
    await stage.settled()
    card = next(m for m in team.channels[ALERTS].messages if "U0ACTOR" in json.dumps(m.get("blocks")))
    return str(card["metadata"]["event_payload"]["alert"])


async def test_nothing_pressed_in_one_workspace_reaches_another(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        one, other = await stage.team("T0ONE"), await stage.team("T0OTHER")
        alert = await play(stage, one)
        done = await one.push("lampkeeper_yes_remove", alert, "moderator")
        number = next(e["value"] for b in done["blocks"] if b["type"] == "actions" for e in b["elements"])
        for button in ("claim", "confirm", "dismiss", "hold", "export", "yes_remove"):
            assert "no longer kept" in (await other.push(f"lampkeeper_{button}", alert, "moderator"))["text"]
        assert "Nothing is kept" in (await other.push("lampkeeper_undo", number, "moderator"))["text"]
        shown = await other.push("lampkeeper_excerpt", alert, "moderator")
        assert not [line for line in slow_talk() if line in json.dumps(shown)]
        form = await one.push("lampkeeper_dismiss", alert, "moderator")
        other.views[form["id"]] = form
        values = {
            "grounds": {"grounds": {"selected_option": {"value": "other"}}},
            "remark": {"remark": {"value": None}},
        }
        assert "no longer kept" in (await other.submit(form, values, "moderator"))["text"]
        assert PEOPLE["actor"] not in one.channels[GENERAL].members
        assert PEOPLE["actor"] in other.channels[GENERAL].members
        assert "alert decided" not in await deeds(stage)
        assert other.files == {}
