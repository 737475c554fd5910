"""`/lampkeeper` on Slack, over the wire: who may use what, what it answers, and what a change does at once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from bots.common import backscan
from bots.slack_app.commands import COMMANDS
from bots.slack_app.commands.settings import CHANGES
from bots.slack_app.commands_page import page
from core.retention.rules import DAY
from tests.slack_api import ALERTS, BOT_USER, GENERAL, PEOPLE, PRIVATE, TEAM, Json
from tests.slack_oauth import http_stage
from tests.slack_platform import SlackStage, slack_config, slack_stage
from tests.slack_seeing_stage import channel_without_the_app, comes, goes, past
from tests.support import ROOT, slow_talk

HERE = f"slack:{TEAM}"
ADMIN, MODERATOR, MEMBER = "teacher", "moderator", "friend"
CHANNEL = f"<#{GENERAL}|general>"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        stage.platform.users[PEOPLE[ADMIN]]["is_admin"] = True
        stage.platform.usergroups |= {group: set() for group in ("S0MODS", "S0SECOND", "S0CALL", "S0PUPIL")}
        yield stage


def words(answer: Json) -> str:
    """All that an answer shows."""
    shown = [answer.get("text", ""), *(block.get("text", {}).get("text", "") for block in answer.get("blocks") or ())]
    return "\n".join(shown).replace("\u200b", "")


async def ask(stage: SlackStage, text: str, who: str = MODERATOR) -> str:
    number = await stage.platform.command(text, who)
    answer = await stage.platform.answered(number)
    assert answer["response_type"] == "ephemeral"
    return words(answer)


async def audit(stage: SlackStage, what: str) -> list[Json]:
    async with stage.guard.ledger.store.read() as tx:
        rows = await tx.execute(sql("SELECT detail FROM audit WHERE what = :what ORDER BY id"), {"what": what})
        return [json.loads(row.detail) if isinstance(row.detail, str) else row.detail for row in rows]


# --- who may ---------------------------------------------------------------------------------------------------------

ANSWERED = [(word, command.who) for word, command in COMMANDS.items() if command.act is not None]


@pytest.mark.parametrize(("word", "who"), ANSWERED)
async def test_only_those_whose_it_is_to_ask_get_an_answer(stage: SlackStage, word: str, who: str) -> None:
    if word == "setup":
        await stage.platform.command(word, ADMIN)
        await stage.platform.until(lambda: bool(stage.platform.views))
    else:
        assert "Only" not in await ask(stage, word, ADMIN if who == "admin" else MODERATOR)
    refused = await ask(stage, word, MEMBER)
    assert ("Only this workspace's moderators" in refused) == (who in ("moderator", "staff"))
    assert ("Only admins and owners" in refused) == (who == "admin")
    if who == "admin":
        assert "Only admins and owners" in await ask(stage, word, MODERATOR)
    elif who != "member":
        assert ("Only" in await ask(stage, word, ADMIN)) == (who == "moderator")


async def test_an_admin_sees_cases_while_in_the_alert_channel(stage: SlackStage) -> None:
    assert "counts as one while in the alert channel" in await ask(stage, "cases", ADMIN)
    await comes(stage.platform, ADMIN, ALERTS)
    assert "Open cases: 0" in await ask(stage, "cases", ADMIN)
    await goes(stage.platform, ADMIN, ALERTS)
    assert "counts as one while in the alert channel" in await ask(stage, "cases", ADMIN)


async def test_an_admin_of_another_workspace_is_none_here(stage: SlackStage) -> None:
    stage.platform.users[PEOPLE["actor"]] |= {"is_admin": True, "team_id": "T0OTHER"}
    assert "Only admins" in await ask(stage, "settings mode shadow", "actor")


async def test_with_a_usergroup_of_moderators_only_its_members_are(stage: SlackStage) -> None:
    stage.platform.usergroups["S0MODS"] = {PEOPLE["friend"]}
    await ask(stage, "settings moderator_role <!subteam^S0MODS|@mods>", ADMIN)
    assert "How Lampkeeper is doing" in await ask(stage, "status", "friend")
    assert "Only this workspace's moderators" in await ask(stage, "status", MODERATOR)


async def test_help_lists_what_whoever_asks_may_use(stage: SlackStage) -> None:
    assert "/lampkeeper privacy" in await ask(stage, "", MEMBER)
    assert "/lampkeeper status" not in await ask(stage, "help", MEMBER)
    assert "/lampkeeper status" in await ask(stage, "help", MODERATOR)
    assert "/lampkeeper setup" in await ask(stage, "help", ADMIN)


@pytest.mark.parametrize(("typed", "near"), [("prevew", "preview"), ("backscn #general", "backscan"), ("CASE", None)])
async def test_a_wrong_word_is_answered_with_the_nearest(stage: SlackStage, typed: str, near: str | None) -> None:
    answer = await ask(stage, typed)
    assert ("Did you mean" in answer) == (near is not None)
    assert near is None or f"/lampkeeper {near}" in answer


async def test_a_word_near_to_none_is_answered_with_the_list(stage: SlackStage) -> None:
    assert "/lampkeeper cases" in await ask(stage, "<!channel>zzz")


# --- settings --------------------------------------------------------------------------------------------------------


async def test_a_change_is_audited_and_works_at_once(stage: SlackStage) -> None:
    assert "shadow" in await ask(stage, "settings mode shadow", ADMIN)
    assert stage.guard.communities.rules(HERE).shadow
    assert [row["changes"] for row in await audit(stage, "settings changed")] == [{"mode": "shadow"}]
    await stage.talk()
    assert stage.cards() == []
    await ask(stage, "settings reset mode", ADMIN)
    assert not stage.guard.communities.rules(HERE).shadow


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("review 0.75", "review", 0.75),
        ("second_reviewer S0SECOND", "second_reviewers", ("S0SECOND",)),
        ("call_role <!subteam^S0CALL|@call>", "call_role", "S0CALL"),
        (f"ignored_channel {CHANNEL}", "ignored_channels", (GENERAL,)),
        (f"second_channel {CHANNEL}", "second_channel", GENERAL),
        ("age_role <!subteam^S0PUPIL> 13_15", "age_roles", {"S0PUPIL": "13_15"}),
        ("country gb", "country", "GB"),
        ("language en", "language", "en"),
    ],
)
async def test_every_option_can_be_changed_and_taken_back(stage: SlackStage, typed: str, name: str, value: Any) -> None:
    before = getattr(stage.adapter.of(HERE).settings, name)
    assert "as the operator set it" in await ask(stage, "settings", ADMIN), "the alert channel"
    assert "Stored" in await ask(stage, f"settings {typed}", ADMIN)
    assert getattr(stage.adapter.of(HERE).settings, name) == value
    assert "chosen here" in await ask(stage, "settings", ADMIN)
    await ask(stage, "settings reset everything", ADMIN)
    assert getattr(stage.adapter.of(HERE).settings, name) == before
    assert "chosen here" not in await ask(stage, "settings", ADMIN)


@pytest.mark.parametrize("option", [name for name in CHANGES if name != "age_role"])
async def test_a_value_that_is_none_changes_nothing_and_says_what_would_do(stage: SlackStage, option: str) -> None:
    before = stage.adapter.of(HERE).settings
    assert "Stored" not in await ask(stage, f"settings {option} ?", ADMIN)
    assert stage.adapter.of(HERE).settings == before


@pytest.mark.parametrize("typed", ["moderator_role", "second_reviewer", "call_role", "age_role {} 13_15"])
@pytest.mark.parametrize("why", ["there is none", "its members are not told"])
async def test_a_usergroup_that_slack_does_not_tell_of_is_not_stored_and_locks_nobody_out(
    stage: SlackStage, typed: str, why: str
) -> None:
    alert, before = await stage.alert(), stage.adapter.of(HERE).settings
    if why != "there is none":
        stage.platform.refuse["usergroups.users.list"] = {"code": "missing_scope", "needed": "usergroups:read"}
    group = "STAFFROOM" if why == "there is none" else "S0MODS"
    told = await ask(stage, f"settings {typed if '{}' in typed else typed + ' {}'}".format(group), ADMIN)
    assert f"did not tell who belongs to <!subteam^{group}>" in told or f"`{group}`" in told
    assert "Stored" not in told
    assert stage.adapter.of(HERE).settings == before
    assert "You are looking into it" in (await stage.push(alert, "claim")).text


async def test_a_usergroup_that_is_gone_can_be_taken_out(stage: SlackStage) -> None:
    await ask(stage, "settings moderator_role S0MODS", ADMIN)
    del stage.platform.usergroups["S0MODS"]
    assert "Stored" in await ask(stage, "settings moderator_role S0MODS", ADMIN)
    assert stage.adapter.of(HERE).settings.moderator_roles == ()


async def test_a_wrong_option_is_answered_with_the_nearest(stage: SlackStage) -> None:
    assert "Did you mean `mode`?" in await ask(stage, "settings mod shadow", ADMIN)
    assert "An age is one of" in await ask(stage, "settings age_role S0PUPIL 12", ADMIN)


async def test_an_alert_channel_without_the_app_is_refused_and_a_public_one_is_warned_of(stage: SlackStage) -> None:
    channel_without_the_app(stage.platform, "channel")
    assert "not in" in await ask(stage, "settings alert_channel C0LATER", ADMIN)
    assert stage.adapter.of(HERE).settings.alert_channel == ALERTS
    assert "Everyone can see" in await ask(stage, f"settings alert_channel {CHANNEL}", ADMIN)
    assert stage.adapter.of(HERE).settings.alert_channel == GENERAL


async def test_a_second_channel_is_another_one_and_has_the_app_in_it(stage: SlackStage) -> None:
    channel_without_the_app(stage.platform, "channel")
    assert "not in" in await ask(stage, "settings second_channel C0LATER", ADMIN)
    assert "Choose another one" in await ask(stage, f"settings second_channel {ALERTS}", ADMIN)
    assert stage.adapter.of(HERE).settings.second_channel is None


async def test_what_was_said_in_a_channel_while_it_was_left_out_is_never_read(stage: SlackStage) -> None:
    await ask(stage, f"settings ignored_channel {CHANNEL}", ADMIN)
    await stage.say("actor", "a lighthouse")
    await ask(stage, f"settings ignored_channel {CHANNEL}", ADMIN)
    said = await stage.say("actor", "a windmill")
    await stage.settled()
    await stage.restart()
    assert await stage.ids() == [said]


async def test_nor_is_it_after_the_operators_file_was_changed(stage: SlackStage) -> None:
    stage.config = slack_config(ignored_channels=[GENERAL])
    await stage.restart()
    await stage.say("actor", "a lighthouse")
    await stage.settled()
    stage.config = slack_config()
    await stage.restart()
    said = await stage.say("actor", "a windmill")
    await stage.settled()
    assert await stage.ids() == [said]


# --- pauses ----------------------------------------------------------------------------------------------------------


async def test_what_is_said_in_a_pause_is_never_read_not_even_from_history(stage: SlackStage) -> None:
    before = await stage.say("actor", "a lighthouse")
    await stage.settled()
    assert "Paused" in await ask(stage, "pause", ADMIN)
    assert "paused already" in await ask(stage, "pause", ADMIN)
    await stage.say("actor", "a windmill")
    await stage.edit(before, "a harbour")
    await stage.settled()
    assert "Reading again" in await ask(stage, "resume", ADMIN)
    assert "not paused" in await ask(stage, "resume", ADMIN)
    after = await stage.say("actor", "a bridge")
    await stage.settled()
    await stage.restart()
    assert await stage.ids() == [before, after]
    async with stage.guard.ledger.store.read() as tx:
        assert await tx.scalar(sql("SELECT max(version) FROM messages")) == 0
    told = stage.notices()
    assert "paused Lampkeeper" in told[0]
    assert "ended the pause" in told[1]


async def test_what_is_deleted_in_a_pause_goes(stage: SlackStage) -> None:
    said = await stage.say("actor", "a lighthouse")
    await stage.settled()
    await ask(stage, "pause", ADMIN)
    await stage.delete(said)
    await stage.settled()
    async with stage.guard.ledger.store.read() as tx:
        assert await tx.scalar(sql("SELECT count(*) FROM messages WHERE deleted")) == 1


# --- looking ---------------------------------------------------------------------------------------------------------


async def test_status_says_what_was_seen_and_what_is_missing(stage: SlackStage) -> None:
    await stage.talk()
    told = await ask(stage, "status")
    assert f"{len(slow_talk()) + 1} seen" in told
    assert "Last gap" in told
    assert "Connected since <!date" in told.replace("*", "")
    assert "Last event: <!date" in told.replace("*", "")
    assert "Looked at again" not in told, "over Socket Mode a lost connection shows"
    assert "can post there" in told
    stage.platform.channels[ALERTS].members.discard(BOT_USER)
    assert "Missing" in await ask(stage, "status", ADMIN)


async def test_a_preview_says_what_thresholds_would_have_meant_in_words_and_as_a_plot(stage: SlackStage) -> None:
    assert "Nothing was scored" in await ask(stage, "preview")
    await stage.talk()
    told = await ask(stage, "preview")
    assert "▸" in told
    assert "█" in told
    assert "0.77" in await ask(stage, "preview 0.77")
    assert "A threshold is a probability" in await ask(stage, "preview much")


async def test_cases_are_listed_and_opened_with_what_was_done(stage: SlackStage) -> None:
    assert "Open cases: 0" in await ask(stage, "cases")
    alert = await stage.alert()
    number = await stage.platform.command("cases", MODERATOR)
    answer = await stage.platform.answered(number)
    assert "actor" in words(answer)
    assert "https://lamp.slack.example/archives/G0ALERTS/p" in words(answer)
    (button,) = (block["accessory"] for block in answer["blocks"] if "accessory" in block)
    await stage.platform.act(MODERATOR, button["action_id"], button["value"])
    await stage.platform.until(lambda: bool(stage.platform.views))
    (window,) = stage.platform.views.values()
    assert "What was noticed" in words(window)
    assert "noticed it" in words(window)
    assert button["value"] == alert


async def test_a_case_is_found_by_a_name(stage: SlackStage) -> None:
    assert "There is no such case" in await ask(stage, "case actor")
    await stage.talk()
    assert "What was done" in await ask(stage, "case acto")
    assert "There is no such case" in await ask(stage, "case nobody-of-that-name")


async def test_cases_can_be_asked_for_by_person_and_by_what_became_of_them(stage: SlackStage) -> None:
    await stage.talk()
    assert "Decided cases: 0" in await ask(stage, "cases decided")
    assert "Cases put aside: 0" in await ask(stage, "cases on_hold")
    assert "Cases: 1" in await ask(stage, f"cases all <@{PEOPLE['target']}|target>")
    assert "Cases: 0" in await ask(stage, f"cases all <@{PEOPLE['friend']}|friend>")


async def test_a_case_that_somebody_else_tries_to_open_stays_shut(stage: SlackStage) -> None:
    alert = await stage.alert()
    number = await stage.platform.act(MEMBER, "lampkeeper-case", alert)
    assert "Only this workspace's moderators" in words(await stage.platform.answered(number))
    assert stage.platform.views == {}


async def test_pages_of_cases_turn_in_place(stage: SlackStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.common.cases.PAGE", 1)
    await stage.talk()
    for line in slow_talk():
        await stage.say("second", line, "club")
    await stage.say("friend", "hello", "club")
    for line in slow_talk():
        await stage.say("second", line, "club")
    await stage.settled()
    first = await stage.platform.answered(await stage.platform.command("cases", MODERATOR))
    (row,) = (block for block in first["blocks"] if block["type"] == "actions")
    (older,) = row["elements"]
    turned = await stage.platform.answered(await stage.platform.act(MODERATOR, older["action_id"], older["value"]))
    assert turned["replace_original"]
    assert "2 to 2" in json.dumps(turned)


async def test_stats_and_a_test_card(stage: SlackStage) -> None:
    assert "Conversations watched: 0" in await ask(stage, "stats")
    assert "The test card stands in" in await ask(stage, "test", ADMIN)
    card = stage.platform.channels[ALERTS].messages[-1]
    assert card["blocks"][0]["text"]["text"] == "TEST: this is not about anybody"
    assert "could be edited" in json.dumps(card["blocks"])
    number = await stage.platform.act(MODERATOR, "lampkeeper-test-confirm", "confirm")
    assert "the button works" in words(await stage.platform.answered(number))


async def test_digest_and_advice_come_to_the_alert_channel(stage: SlackStage) -> None:
    stage.later = 8 * DAY
    await stage.guard.keep_house()
    await stage.settled()
    assert "here for a week" in "\n".join(stage.notices())


# --- reading ---------------------------------------------------------------------------------------------------------


async def test_a_public_channel_is_joined_by_command_only(stage: SlackStage) -> None:
    channel = channel_without_the_app(stage.platform)
    assert "is in <#C0LATER>" in await ask(stage, f"join <#{channel}|later>")
    assert BOT_USER in stage.platform.channels[channel].members
    assert "Invite it there" in await ask(stage, f"join <#{PRIVATE}|club>")
    assert "Which channel?" in await ask(stage, "join later")


async def test_a_scan_shows_in_place_how_far_it_came_and_can_be_cancelled(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backscan, "EDIT_EVERY", 0.02)
    past(stage, "actor", "hello", days=3)
    stage.platform.hold["conversations.history"] = asyncio.Event()
    assert "begun" in await ask(stage, f"backscan {CHANNEL} 9")
    shown = stage.platform.channels[ALERTS].messages
    await stage.platform.until(lambda: "▱ 0 %" in json.dumps(shown[-1], ensure_ascii=False))
    (button,) = shown[-1]["blocks"][-1]["elements"]
    assert "Another scan" in await ask(stage, f"backscan {CHANNEL}")
    refused = await stage.platform.act(MEMBER, button["action_id"], button["value"])
    assert "Only" in words(await stage.platform.answered(refused))
    pressed = await stage.platform.act(MODERATOR, button["action_id"], button["value"])
    assert "being stopped" in words(await stage.platform.answered(pressed))
    await stage.platform.until(lambda: "was cancelled" in shown[-1]["text"])
    assert len(shown) == 1
    stage.platform.hold["conversations.history"].set()
    late = await stage.platform.act(MODERATOR, button["action_id"], button["value"])
    assert "not running" in words(await stage.platform.answered(late))


async def test_a_scan_is_refused_with_the_reason(stage: SlackStage) -> None:
    channel_without_the_app(stage.platform)
    assert "Which channel?" in await ask(stage, "backscan general 3")
    assert "From 1 to 90" in await ask(stage, f"backscan {CHANNEL} 91")
    assert "/invite @Lampkeeper" in await ask(stage, "backscan C0LATER 3")
    assert "does not read it" in await ask(stage, f"backscan <#{ALERTS}|alerts> 3")
    await ask(stage, "pause", ADMIN)
    assert "reads nothing" in await ask(stage, f"backscan {CHANNEL} 3")


# --- workspaces side by side, over HTTP ------------------------------------------------------------------------------


async def test_two_workspaces_share_no_settings_and_no_cases(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        one, two = await stage.team("T0ONE"), await stage.team("T0TWO")
        one.users[PEOPLE[ADMIN]]["is_owner"] = True
        two.users[PEOPLE["friend"]]["is_admin"] = True
        await one.say("target", "hello there")
        for line in slow_talk():
            await one.say("actor", line)
        await stage.settled()
        alert = json.loads(one.cards()[0])["metadata"]["event_payload"]["alert"]
        assert "Open cases: 1" in words(await one.answered(await one.command("cases", MODERATOR)))
        assert "Open cases: 0" in words(await two.answered(await two.command("cases", MODERATOR)))
        assert "There is no such case" in words(await two.answered(await two.command(f"case {alert}", MODERATOR)))
        pressed = await two.answered(await two.act(MODERATOR, "lampkeeper-case", alert))
        assert "no longer kept" in words(pressed)
        assert "Stored" in words(await one.answered(await one.command("settings mode shadow", ADMIN)))
        assert "Only admins" in words(await two.answered(await two.command("settings mode shadow", ADMIN)))
        assert stage.guard.communities.rules("slack:T0ONE").shadow
        assert not stage.guard.communities.rules("slack:T0TWO").shadow
        assert {answer.status for answer in (*one.told, *two.told)} == {200}


async def test_slack_has_its_answer_before_anything_is_looked_up(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        team = await stage.team("T0ONE")
        team.hold["users.info"] = asyncio.Event()
        number = await team.command("help", MEMBER)
        assert [(answer.status, answer.text) for answer in team.told][-1:] == [(200, "")]
        assert team.answers == []
        team.hold["users.info"].set()
        assert "What you can use here" in words(await team.answered(number))


async def test_what_slack_refuses_is_said_in_words_and_no_text_reaches_the_log(
    stage: SlackStage, capsys: pytest.CaptureFixture[str]
) -> None:
    await ask(stage, "settings moderator_role S0MODS", ADMIN)
    stage.platform.refuse["usergroups.users.list"] = {"code": "missing_scope", "needed": "usergroups:read"}
    assert "lacks the permission (scope) usergroups:read" in await ask(stage, "case a-secret-word")
    assert "a-secret-word" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("file", ["README.md", "docs/slack.md", "bots/texts/en.toml"])
def test_every_command_that_is_named_exists(file: str) -> None:
    named = set(re.findall(r"(?<!bin)/lampkeeper (\w+)", (ROOT / file).read_text("utf-8")))
    assert named
    assert named <= COMMANDS.keys()


def test_the_page_of_commands_is_that_of_the_commands_there_are() -> None:
    written = (ROOT / "docs" / "slack_commands.md").read_text("utf-8")
    assert written == page(), "write it anew with `make docs/slack_commands.md`"
