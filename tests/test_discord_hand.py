"""The moderator's hand on Discord, over the wire: what each button of a card does, to whom, and what it refuses."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast, get_args

import discord
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bots.common import hand
from bots.discord_bot import card as drawn
from bots.discord_bot.buttons import BUTTONS, custom_id
from bots.discord_bot.links import links
from bots.texts import say, texts
from core import outbox
from core.casework.cards import GROUNDS, Call, Card, ExcerptLine, Person
from core.store import tables
from tests.discord_objects import (
    ALERTS,
    BAN_MEMBERS,
    BOT_ROLE,
    DM,
    EVERYONE,
    FORUM,
    GENERAL,
    GROWN,
    MANAGE_MESSAGES,
    MANAGE_ROLES,
    MODERATE_MEMBERS,
    MODERATORS,
    PEOPLE,
    SERVER,
    VIEW,
    Json,
    button_ids,
    overwrite,
    stamp,
)
from tests.discord_platform import Reply, components
from tests.discord_stage import DiscordStage, discord_stage, until
from tests.support import slow_talk

EVERYTHING = MODERATE_MEMBERS | BAN_MEMBERS | MANAGE_ROLES
ADMINISTRATOR = 1 << 3
CALLED, REVIEWERS = 204, 205
ACTOR = PEOPLE["actor"]
TIMEOUTS = f"PATCH /guilds/{SERVER}/members/{ACTOR}"


async def role(stage: DiscordStage, number: int, permissions: int, position: int, *, member: int | None = None) -> None:
    """Let a role have permissions and a place, and perhaps give it to somebody besides."""
    there = stage.there
    event = "GUILD_ROLE_UPDATE" if number in there.roles else "GUILD_ROLE_CREATE"
    there.roles[number] = permissions
    there.positions[number] = position
    if member is not None:
        there.member_roles.setdefault(member, []).append(number)
    await there.send(event, {"guild_id": str(SERVER), "role": there.role(number)})


@pytest.fixture
async def stage(stage: DiscordStage) -> DiscordStage:
    """A server in which the bot and its moderators may do everything, with one card."""
    await role(stage, BOT_ROLE, EVERYTHING, 10)
    await role(stage, MODERATORS, EVERYTHING, 5)
    await talk(stage)
    return stage


async def talk(stage: DiscordStage, channel: str = "general") -> None:
    await stage.say("target", "hello there", channel)
    for line in slow_talk():
        await stage.say("actor", line, channel)
    await stage.settled()


def alert(stage: DiscordStage) -> str:
    return str(stage.cards()[0]["alert"])


def text(stage: DiscordStage) -> str:
    return str(stage.cards()[0]["text"])


async def go_on(stage: DiscordStage, reply: Reply, action: str, moderator: str = "moderator") -> Reply:
    """Press a button of an answer."""
    assert reply.message is not None
    number = next(name for name in button_ids(reply.message) if name.split(":")[1] == action)
    return await stage.there.press(reply.message, number, PEOPLE[moderator])


async def act(stage: DiscordStage, action: str, moderator: str = "moderator") -> Reply:
    """Choose an action behind More…, and say yes where that is asked."""
    panel = await stage.push(alert(stage), "more", moderator)
    reply = await go_on(stage, panel, action, moderator)
    if reply.message is not None and f"lampkeeper:yes_{action}:{alert(stage)}" in button_ids(reply.message):
        reply = await go_on(stage, reply, f"yes_{action}", moderator)
    await stage.settled()
    return reply


def asked(stage: DiscordStage, pattern: str) -> list[Json]:
    """Bodies of the requests whose ``METHOD /path`` the pattern matches."""
    return [body for method, path, body in stage.there.requests if re.fullmatch(pattern, f"{method} {path}")]


def moment(time_stamp: str | None) -> float:
    assert time_stamp is not None
    return datetime.fromisoformat(time_stamp).timestamp()


def ends(stage: DiscordStage) -> float:
    """When the actor's time-out ends."""
    return moment(stage.there.timed_out[ACTOR])


async def deeds(stage: DiscordStage) -> list[str]:
    async with stage.guard.ledger.store.read() as tx:
        return list(await tx.scalars(select(tables.audit.c.what).order_by(tables.audit.c.id)))


# --- time out, remove, ban -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["timeout_1h", "timeout_24h", "timeout_7d", "remove", "ban"])
async def test_what_touches_a_member_is_asked_once_more_before_anything_is_done(
    stage: DiscordStage, action: str
) -> None:
    panel = await stage.push(alert(stage), "more")
    question = await go_on(stage, panel, action)
    assert question.ephemeral
    assert "?" in question.text
    assert question.message is not None
    assert button_ids(question.message) == [f"lampkeeper:yes_{action}:{alert(stage)}"]
    assert not stage.there.timed_out
    assert not stage.there.banned
    assert GENERAL not in stage.there.overwrites
    assert "action taken" not in await deeds(stage)


async def test_a_timeout_is_done_shown_audited_and_undone_after_a_restart(stage: DiscordStage) -> None:
    reply = await act(stage, "timeout_24h")
    assert reply.ephemeral
    assert "timed out until" in reply.text
    assert stage.there.timed_out[ACTOR]
    assert "Timed out until" in text(stage)
    assert "by Moderator" in text(stage)
    await stage.restart()
    undone = await go_on(stage, reply, "undo")
    await stage.settled()
    assert undone.text == "Undone."
    assert stage.there.timed_out[ACTOR] is None
    assert "undone" in text(stage)
    assert (await deeds(stage))[-2:] == ["action taken", "action undone"]
    assert (await go_on(stage, reply, "undo", "second")).text == "This was undone already."


async def test_undoing_a_timeout_gives_back_the_longer_one_that_stood_before(stage: DiscordStage) -> None:
    stood = stamp(time.time() + 5 * 86_400)
    stage.there.timed_out[ACTOR] = stood
    reply = await act(stage, "timeout_1h")
    assert ends(stage) < moment(stood)
    await stage.restart()
    undone = await go_on(stage, reply, "undo")
    assert "from before stands again" in undone.text
    assert f"<t:{int(moment(stood))}" in undone.text
    assert ends(stage) == pytest.approx(moment(stood), abs=0.01)


async def test_undoing_a_shorter_timeout_leaves_the_longer_one_that_came_after(stage: DiscordStage) -> None:
    first = await act(stage, "timeout_1h")
    then = await act(stage, "timeout_24h")
    longer = ends(stage)
    assert "Nothing was changed" in (await go_on(stage, first, "undo")).text
    assert ends(stage) == longer
    assert (await go_on(stage, then, "undo")).text == "Undone."  # the first one was undone: it does not come back
    assert stage.there.timed_out[ACTOR] is None


async def test_undoing_the_longer_of_two_timeouts_leaves_the_shorter_one(stage: DiscordStage) -> None:
    await act(stage, "timeout_1h")
    shorter = ends(stage)
    then = await act(stage, "timeout_24h")
    assert "from before stands again" in (await go_on(stage, then, "undo")).text
    assert ends(stage) == pytest.approx(shorter, abs=0.01)


async def test_a_timeout_from_before_that_is_over_does_not_come_back(stage: DiscordStage) -> None:
    stage.there.timed_out[ACTOR] = stamp(time.time() - 60)
    reply = await act(stage, "timeout_1h")
    assert (await go_on(stage, reply, "undo")).text == "Undone."
    assert stage.there.timed_out[ACTOR] is None


@pytest.mark.parametrize("since", [None, 3 * 86_400.0], ids=["lifted", "prolonged"])
async def test_a_timeout_that_somebody_changed_in_discord_since_is_left_alone(
    stage: DiscordStage, since: float | None
) -> None:
    reply = await act(stage, "timeout_1h")
    changed = None if since is None else stamp(time.time() + since)
    stage.there.timed_out[ACTOR] = changed
    told = (await go_on(stage, reply, "undo")).text
    assert told == ("Undone." if since is None else "Somebody changed this time-out since. Nothing was changed now.")
    assert stage.there.timed_out[ACTOR] == changed
    assert (await deeds(stage))[-1] == "action undone"


async def test_a_timeout_undone_by_another_card_does_not_come_back_by_this_one(stage: DiscordStage) -> None:
    first = await act(stage, "timeout_1h")
    await stage.say("friend", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()
    other = str(stage.cards()[-1]["alert"])
    assert other != alert(stage)
    question = await go_on(stage, await stage.push(other, "more"), "timeout_24h")
    then = await go_on(stage, question, "yes_timeout_24h")
    assert "Nothing was changed" in (await go_on(stage, first, "undo")).text
    assert (await go_on(stage, then, "undo")).text == "Undone."
    assert stage.there.timed_out[ACTOR] is None


@pytest.mark.parametrize("stands", [0.5, 3.0], ids=["a shorter one", "a longer one"])
async def test_whoever_would_shorten_a_timeout_is_told_until_when_it_stands(stage: DiscordStage, stands: float) -> None:
    stage.there.timed_out[ACTOR] = stamp(time.time() + stands * 3600)
    question = await go_on(stage, await stage.push(alert(stage), "more"), "timeout_1h")
    assert ("would end that sooner" in question.text) == (stands > 1)
    assert (f"<t:{int(ends(stage))}" in question.text) == (stands > 1)


async def test_what_was_done_is_undone_from_the_card_by_any_moderator_after_a_restart(stage: DiscordStage) -> None:
    await act(stage, "timeout_24h")
    await act(stage, "ban")
    await stage.restart()
    panel = await stage.push(alert(stage), "more", "second")
    assert panel.message is not None
    undos = [part for part in components(panel.message) if ":undo:" in part.get("custom_id", "")]
    assert [part["label"] for part in undos] == ["Undo 1", "Undo 2"]
    assert re.search(r"1\. Timed out until .* by Moderator", panel.text)
    assert re.search(r"2\. Banned by Moderator", panel.text)
    undone = await stage.there.press(panel.message, undos[1]["custom_id"], PEOPLE["second"])
    assert undone.text == "Undone."
    assert not stage.there.banned
    (again,) = [
        part
        for part in components((await stage.push(alert(stage), "more")).message or {})
        if ":undo:" in part.get("custom_id", "")
    ]
    assert again["label"] == "Undo"


async def test_undo_tells_that_nothing_is_kept_and_not_that_a_ban_was_undone(stage: DiscordStage) -> None:
    reply = await act(stage, "ban")
    await stage.guard.forget_person(f"discord:{SERVER}", str(ACTOR))
    told = (await go_on(stage, reply, "undo")).text
    assert stage.there.banned == {ACTOR}
    assert "already" not in told
    assert "Nothing is kept of this any more" in told


async def test_two_moderators_who_act_at_once_end_in_one_action(stage: DiscordStage) -> None:
    replies = await asyncio.gather(act(stage, "ban", "moderator"), act(stage, "ban", "second"))
    assert len(asked(stage, f"PUT /guilds/{SERVER}/bans/{ACTOR}")) == 1
    assert sorted("already" in reply.text for reply in replies) == [False, True]
    assert (await deeds(stage)).count("action taken") == 1


async def test_a_ban_deletes_no_message_and_is_undone(stage: DiscordStage) -> None:
    reply = await act(stage, "ban")
    assert stage.there.banned == {ACTOR}
    assert [said for said in stage.there.messages[GENERAL].values() if said["author"]["id"] == str(ACTOR)]
    await go_on(stage, reply, "undo")
    assert not stage.there.banned


async def test_a_ban_that_somebody_lifted_in_discord_is_taken_as_undone(stage: DiscordStage) -> None:
    reply = await act(stage, "ban")
    stage.there.banned.clear()
    assert "no longer knows" in (await go_on(stage, reply, "undo")).text
    await stage.settled()
    assert "undone" in text(stage)


async def test_somebody_is_removed_from_the_channel_alone_and_let_in_again(stage: DiscordStage) -> None:
    stage.there.overwrites[GENERAL] = [overwrite(GROWN, allow=VIEW)]
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(GENERAL))
    reply = await act(stage, "remove")
    assert f"<#{GENERAL}>" in reply.text
    denied = overwrite(ACTOR, deny=VIEW, member=True)
    assert stage.there.overwrites[GENERAL] == [overwrite(GROWN, allow=VIEW), denied]
    assert f"Removed from <#{GENERAL}>" in text(stage)
    assert "cannot see" in (await act(stage, "remove", "second")).text
    await go_on(stage, reply, "undo")
    assert stage.there.overwrites[GENERAL] == [overwrite(GROWN, allow=VIEW)]


async def test_what_a_member_was_allowed_in_the_channel_is_given_back(stage: DiscordStage) -> None:
    before = [overwrite(ACTOR, allow=VIEW, member=True)]
    stage.there.overwrites[GENERAL] = before
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(GENERAL))
    reply = await act(stage, "remove")
    await go_on(stage, reply, "undo")
    assert stage.there.overwrites[GENERAL] == before


@pytest.mark.parametrize(("channel", "place"), [("thread", GENERAL), ("post", FORUM)])
async def test_from_a_thread_somebody_is_removed_with_its_channel(tmp_path: Path, channel: str, place: int) -> None:
    async with discord_stage(tmp_path) as stage:
        await role(stage, BOT_ROLE, EVERYTHING, 10)
        await role(stage, MODERATORS, EVERYTHING, 5)
        await talk(stage, channel)
        assert f"<#{place}>" in (await act(stage, "remove")).text
        assert [held["id"] for held in stage.there.overwrites[place]] == [str(ACTOR)]


async def test_from_a_direct_message_or_a_channel_that_is_gone_nobody_can_be_removed(tmp_path: Path) -> None:
    async with discord_stage(tmp_path) as stage:
        await role(stage, BOT_ROLE, EVERYTHING, 10)
        await role(stage, MODERATORS, EVERYTHING, 5)
        await talk(stage, "dm")
        assert "direct message" in (await act(stage, "remove")).text


async def test_of_somebody_who_left_only_a_ban_is_possible(stage: DiscordStage) -> None:
    stage.there.left.add(ACTOR)
    for action in ("timeout_1h", "remove"):
        assert "no longer a member" in (await act(stage, action)).text
    assert "banned" in (await act(stage, "ban")).text
    assert stage.there.banned == {ACTOR}


@pytest.mark.parametrize(
    ("action", "held", "named"),
    [
        ("ban", MODERATE_MEMBERS | MANAGE_ROLES, "Ban Members"),
        ("timeout_1h", BAN_MEMBERS | MANAGE_ROLES, "Timeout Members"),
        ("remove", BAN_MEMBERS | MODERATE_MEMBERS, "Manage Permissions"),
    ],
)
@pytest.mark.parametrize("whose", ["moderator", "bot"])
async def test_nobody_does_through_the_bot_what_they_may_not_nor_the_bot_what_it_may_not(
    stage: DiscordStage, action: str, held: int, named: str, whose: str
) -> None:
    await role(stage, MODERATORS if whose == "moderator" else BOT_ROLE, held, 5 if whose == "moderator" else 10)
    reply = await act(stage, action)
    assert named in reply.text
    assert ("You need" if whose == "moderator" else "Lampkeeper's role lacks") in reply.text
    assert not asked(stage, r"(PATCH|PUT) /(guilds|channels)/\d+/(members|bans|permissions)/.*")
    assert "action taken" not in await deeds(stage)


async def test_a_permission_that_was_taken_away_after_the_question_counts(stage: DiscordStage) -> None:
    question = await go_on(stage, await stage.push(alert(stage), "more"), "ban")
    await role(stage, MODERATORS, 0, 5)
    assert "Ban Members" in (await go_on(stage, question, "yes_ban")).text
    assert not stage.there.banned


@pytest.mark.parametrize(
    ("permissions", "position", "told"),
    [
        (ADMINISTRATOR, 1, "moderates or administers"),
        (0, 6, "as high as yours"),
        (0, 20, "as high as yours"),
    ],
)
async def test_admins_and_those_above_are_out_of_reach(
    stage: DiscordStage, permissions: int, position: int, told: str
) -> None:
    await role(stage, GROWN, permissions, position, member=ACTOR)
    for action in ("timeout_1h", "ban"):
        assert told in (await act(stage, action)).text
    assert not stage.there.timed_out
    assert not stage.there.banned


async def test_nothing_is_done_to_whoever_moderates(stage: DiscordStage) -> None:
    stage.there.member_roles[ACTOR] = [MODERATORS]
    assert "moderates or administers" in (await act(stage, "ban")).text
    assert "about you" in (await stage.push(alert(stage), "more", "actor")).text


async def test_a_member_above_the_bot_is_said_to_be(stage: DiscordStage) -> None:
    await role(stage, MODERATORS, EVERYTHING, 30)
    await role(stage, GROWN, 0, 20, member=ACTOR)
    assert "move Lampkeeper's role up" in (await act(stage, "timeout_1h")).text


async def test_what_discord_refuses_is_said_and_stands_on_no_card(stage: DiscordStage) -> None:
    stage.there.faults.append((TIMEOUTS, 403, {"message": "Missing Permissions", "code": 50013}, {}))
    reply = await act(stage, "timeout_1h")
    assert "code 50013" in reply.text
    assert "Timed out" not in text(stage)
    assert (await deeds(stage))[-2:] == ["action taken", "action refused"]
    assert "timed out until" in (await act(stage, "timeout_1h")).text, "it can be tried again"


async def test_if_discord_does_not_answer_the_card_shows_it_and_it_can_be_taken_back(stage: DiscordStage) -> None:
    stage.there.faults.append((TIMEOUTS, 503, {"message": "upstream", "code": 0}, {}))
    reply = await act(stage, "timeout_1h")
    assert "not known" in reply.text
    assert "Timed out until" in text(stage)
    assert (await go_on(stage, reply, "undo")).text == "Undone."


# --- the decision ----------------------------------------------------------------------------------------------------


async def test_a_dismissal_asks_for_grounds_and_a_remark_and_is_undone_after_a_restart(stage: DiscordStage) -> None:
    question = await stage.push(alert(stage), "dismiss")
    assert question.ephemeral
    assert question.message is not None
    assert "Open" in text(stage)
    reply = await stage.dismiss(question.message, alert(stage), "role_play", "they rehearse **a play**")
    await stage.settled()
    assert "Dismissed by Moderator" in reply.text
    assert "role play or a game" in text(stage)
    assert "they rehearse \\*\\*a play" in text(stage)
    await stage.restart()
    assert "open again" in (await go_on(stage, reply, "undecide")).text
    await stage.settled()
    assert "Open" in text(stage)
    assert stage.cards()[0]["buttons"] == ["Confirm", "Dismiss", "Show excerpt"]


async def test_a_form_that_was_open_during_a_restart_is_taken_in(stage: DiscordStage) -> None:
    question = await stage.push(alert(stage), "dismiss")
    assert question.message is not None
    menu = f"lampkeeper:grounds:{alert(stage)}"
    form = (await stage.there.press(question.message, menu, PEOPLE["moderator"], ("other",))).modal
    assert form is not None
    await stage.restart()
    reply = await stage.there.submit(form, {"remark": ""}, PEOPLE["moderator"], question.message)
    assert "Recorded" in reply.text


async def test_a_form_of_somebody_who_moderates_no_more_is_refused(stage: DiscordStage) -> None:
    question = await stage.push(alert(stage), "dismiss")
    assert question.message is not None
    menu = f"lampkeeper:grounds:{alert(stage)}"
    form = (await stage.there.press(question.message, menu, PEOPLE["moderator"], ("other",))).modal
    assert form is not None
    stage.there.member_roles[PEOPLE["moderator"]] = []
    assert "Only" in (await stage.there.submit(form, {"remark": ""}, PEOPLE["moderator"], question.message)).text
    await stage.settled()
    assert "Open" in text(stage)


async def test_a_claim_is_on_the_card_and_others_can_take_it_over(stage: DiscordStage) -> None:
    await stage.push(alert(stage), "claim")
    await stage.settled()
    assert "Moderator is looking into it" in text(stage)
    told = await stage.push(alert(stage), "release", "second")
    assert "Moderator is looking into it" in told.text
    await go_on(stage, told, "take_over", "second")
    await stage.settled()
    assert "Second is looking into it" in text(stage)
    await stage.push(alert(stage), "release", "second")
    await stage.settled()
    assert "looking into it" not in text(stage)
    assert f"lampkeeper:claim:{alert(stage)}" in button_ids(stage.cards()[0]["message"])


@pytest.mark.parametrize(
    "action",
    ["claim", "more", "hold", "export", "export_zip", "escalate", "yes_ban", "yes_lift", "undecide", "note", "report"],
)
async def test_only_moderators_press_whatever_the_button(stage: DiscordStage, action: str) -> None:
    number = custom_id(action, alert(stage))
    button = {"type": 2, "custom_id": number, "label": "x", "style": 2}
    shown = stage.cards()[0]["message"] | {"components": [{"type": 1, "components": [button]}]}
    before = await deeds(stage)
    reply = await stage.there.press(shown, number, PEOPLE["friend"])
    assert (reply.text, reply.ephemeral) == ("Only this server's moderators can use this button.", True)
    assert await deeds(stage) == before
    assert not stage.there.banned


# --- preserve, export, second look -----------------------------------------------------------------------------------


async def test_a_legal_hold_is_on_the_card_and_ending_it_is_asked_once_more(stage: DiscordStage) -> None:
    assert "legal hold" in (await act(stage, "hold")).text
    assert "Under legal hold" in text(stage)
    assert "ended" in (await act(stage, "lift")).text
    assert "Under legal hold" not in text(stage)
    assert (await deeds(stage))[-2:] == ["legal hold set", "legal hold lifted"]


async def test_an_export_is_a_file_for_the_presser_alone_and_on_record(stage: DiscordStage) -> None:
    offered = await act(stage, "export")
    assert offered.message is not None
    assert button_ids(offered.message) == [
        f"lampkeeper:export_{form}:{alert(stage)}" for form in ("zip", "packet", "json")
    ]
    assert "case exported" not in await deeds(stage)
    reply = await go_on(stage, offered, "export_zip")
    assert reply.ephemeral
    assert reply.files == (f"lampkeeper-case-{alert(stage)}.zip",)
    assert (await deeds(stage))[-1] == "case exported"


async def test_a_packet_is_two_pages(stage: DiscordStage) -> None:
    reply = await go_on(stage, await act(stage, "export"), "export_packet")
    assert [name.rpartition("-")[2] for name in reply.files] == ["packet.html", "where_to_go.html"]


async def test_files_larger_than_discord_takes_are_told_with_another_way(stage: DiscordStage) -> None:
    stage.there.attachment_limit = 1000
    told = await go_on(stage, await act(stage, "export"), "export_zip")
    assert told.files == ()
    assert "lampkeeper cases export" in told.text
    assert "case exported" not in await deeds(stage)


def test_links_lead_to_messages_and_people_and_to_no_direct_message() -> None:
    guild = cast("discord.Guild", SimpleNamespace(id=SERVER, name="a club"))
    known = links(guild, {str(DM)})
    assert known.community == "a club"
    assert known.message(str(GENERAL), "7") == f"https://discord.com/channels/{SERVER}/{GENERAL}/7"
    assert known.message(str(DM), "7") is None
    assert known.person(str(ACTOR)) == f"https://discord.com/users/{ACTOR}"


async def test_the_second_reviewers_are_called_once_and_nobody_else(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, second_reviewers=(REVIEWERS,)) as stage:
        await role(stage, REVIEWERS, 0, 3)
        await talk(stage)
        assert "called" in (await act(stage, "escalate")).text
        assert "asked already" in (await act(stage, "escalate", "second")).text
        await stage.restart()
        await stage.settled()
        assert "second reviewer was asked" in text(stage)
        (call,) = calls(stage)
        assert f"<@&{REVIEWERS}>" in call["content"]
        assert call["message_reference"]["message_id"] == stage.cards()[0]["message"]["id"]
        mentions = call["allowed_mentions_asked"]
        assert (mentions["parse"], mentions["roles"]) == ([], [REVIEWERS])
        assert not mentions.get("replied_user")


# --- notes, reports, four eyes ---------------------------------------------------------------------------------------


async def form(stage: DiscordStage, name: str, moderator: str = "moderator") -> tuple[Json, Json]:
    """Press a button behind More… that opens a form; return the form, and the message it was opened from."""
    panel = await stage.push(alert(stage), "more", moderator)
    opened = await go_on(stage, panel, name, moderator)
    assert opened.modal is not None
    assert panel.message is not None
    return opened.modal, panel.message


async def test_a_note_that_was_begun_before_a_restart_is_taken_in(stage: DiscordStage) -> None:
    modal, panel = await form(stage, "note")
    await stage.restart()
    told = await stage.there.submit(modal, {"text": "spoke with both"}, PEOPLE["moderator"], panel)
    assert (told.text.startswith("Noted"), told.ephemeral) == (True, True)
    assert (await deeds(stage))[-1] == "note added"


async def test_a_note_of_somebody_who_moderates_no_more_is_refused(stage: DiscordStage) -> None:
    modal, panel = await form(stage, "note")
    stage.there.member_roles[PEOPLE["moderator"]] = []
    told = await stage.there.submit(modal, {"text": "spoke with both"}, PEOPLE["moderator"], panel)
    assert told.text.startswith("Only")
    assert "note added" not in await deeds(stage)


async def test_the_steps_of_a_case_stand_on_its_card(stage: DiscordStage) -> None:
    assert "Nobody is reminded" in (await act(stage, "put_aside")).text
    assert "Put aside until somebody answers" in text(stage)
    await act(stage, "resume", "second")
    assert "Put aside" not in text(stage)
    await stage.push(alert(stage), "confirm")
    await act(stage, "close")
    assert "Closed. Concern confirmed by Moderator" in text(stage)
    await act(stage, "reopen")
    assert "Closed" not in text(stage)


async def test_a_step_that_somebody_took_meanwhile_is_told_with_where_the_case_stands(stage: DiscordStage) -> None:
    panel = await stage.push(alert(stage), "more")
    await act(stage, "put_aside", "second")
    assert "Put aside" in (await go_on(stage, panel, "put_aside")).text
    assert (await deeds(stage)).count("case put aside") == 1


async def test_where_bans_take_two_the_first_agrees_and_the_second_bans(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, four_eyes=("ban",)) as stage:
        await role(stage, BOT_ROLE, EVERYTHING, 10)
        await role(stage, MODERATORS, EVERYTHING, 5)
        await talk(stage)
        for _ in range(2):
            assert "second moderator" in (await act(stage, "ban")).text
            assert not stage.there.banned
        await stage.restart()
        assert "is banned" in (await act(stage, "ban", "second")).text
        assert stage.there.banned == {ACTOR}
        assert (await deeds(stage)).count("action taken") == 1


async def test_a_forms_fields_fit_what_discord_takes() -> None:
    for one in hand.FORMS.values():
        assert 0 < len(say("en", one.title)) <= 45
        assert len(one.inputs) <= 5
        for field in one.inputs:
            assert 0 < len(say("en", field.label)) <= 45
            assert field.most <= 4000


# --- calls to what nobody looks into ---------------------------------------------------------------------------------


async def put_call(stage: DiscordStage, why: Call) -> Card:
    """Have people called to the card; return the card."""
    ledger = stage.guard.ledger
    async with ledger.transaction() as tx:
        await outbox.put_call(tx, f"discord:{SERVER}", alert(stage), why, ledger.clock())
    await stage.settled()
    card = await stage.guard.desk.card(alert(stage))
    assert card is not None
    return card


def answers(stage: DiscordStage, channel: int = ALERTS) -> list[Json]:
    return [said for said in stage.there.messages.get(channel, {}).values() if not said["embeds"]]


async def test_a_reminder_mentions_nobody_and_a_ping_the_moderators(stage: DiscordStage) -> None:
    await put_call(stage, "remind")
    card = await put_call(stage, "ping")
    remind, ping = answers(stage)
    assert remind["message_reference"]["message_id"] == stage.cards()[0]["message"]["id"]
    assert remind["allowed_mentions_asked"]["roles"] == []
    assert ping["allowed_mentions_asked"]["roles"] == [MODERATORS]
    assert f"<@&{MODERATORS}>" in ping["content"]
    assert f"<t:{int(card.opened)}:R>" in remind["content"]
    stage.there._nonces.clear()
    posted = f"{ALERTS}/{stage.cards()[0]['message']['id']}"
    for why in get_args(Call)[2:4]:
        await stage.adapter.call(card, posted, why, tried=True)
    assert len(answers(stage)) == 2, "a try that was interrupted after it had called"


async def test_where_a_role_is_chosen_a_ping_calls_that(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, call_role=CALLED) as stage:
        await role(stage, CALLED, 0, 3)
        await talk(stage)
        before = len(answers(stage))
        await put_call(stage, "ping")
        assert answers(stage)[before]["allowed_mentions_asked"]["roles"] == [CALLED]


async def test_a_second_channel_that_is_closed_falls_back_on_the_card(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, second_channel=FORUM + 900) as stage:
        await talk(stage)
        with capture_logs() as logs:
            await put_call(stage, "second_channel")
        (said,) = answers(stage)
        assert said["allowed_mentions_asked"]["roles"] == [MODERATORS]
        assert "still waits" in said["content"]
        assert "discord.second_channel_closed" in [entry["event"] for entry in logs]


async def test_a_second_channel_is_found_again_after_a_crash(stage: DiscordStage) -> None:
    (room,) = stage.there.add_rooms(SERVER, 1)
    await stage.there.send("CHANNEL_CREATE", stage.there.channel(room))
    await stage.adapter.servers.choose(SERVER, {"second_channel": room}, Person("1", "admin"))
    card = await put_call(stage, "second_channel")
    message = stage.cards()[0]["message"]["id"]
    stage.there._nonces.clear()
    await stage.adapter.call(card, f"{ALERTS}/{message}", "second_channel", tried=True)
    (said,) = answers(stage, room)
    assert f"/{ALERTS}/{message}" in said["content"]


async def test_without_second_reviewers_escalating_says_how_to_choose_them(stage: DiscordStage) -> None:
    assert "/lampkeeper settings" in (await act(stage, "escalate")).text
    assert "alert escalated" not in await deeds(stage)


def calls(stage: DiscordStage) -> list[Json]:
    return [said for said in stage.there.messages[ALERTS].values() if "<@&" in said["content"]]


async def test_an_urgent_card_calls_the_role_once_through_retries_and_restarts(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, call_role=CALLED, review=1e-9) as stage:
        await role(stage, CALLED, 0, 3)
        await talk(stage)
        card = stage.cards()[0]
        (call,) = calls(stage)
        shown = await stage.guard.desk.card(card["alert"])
        assert shown is not None
        assert shown.level == "urgent"
        assert call["allowed_mentions_asked"]["roles"] == [CALLED]
        assert "an admin can allow" in call["content"], "the role may not be mentioned by everybody"
        posted = f"{ALERTS}/{card['message']['id']}"
        stage.there._nonces.clear()
        await stage.adapter.call(shown, posted, "urgent", tried=True)
        await stage.push(card["alert"], "claim")
        await stage.restart()
        await talk(stage)
        assert len(calls(stage)) == 1


# --- what is shown ---------------------------------------------------------------------------------------------------


async def test_a_card_tells_accounts_ages_other_cases_and_the_course(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, age_roles={str(GROWN): "adult"}) as stage:
        stage.there.member_roles[ACTOR] = [GROWN]
        await stage.say("target", "hello, i am 14 by the way")
        await talk(stage)
        shown = text(stage)
        assert "account made <t:" in shown
        assert "joined <t:1704067200:D>" in shown
        assert "adult by role" in shown
        assert "says of themselves: 14" in shown
        assert "no other case here" in shown
        assert re.search("`[▁▂▃▄▅▆▇█]+`", shown)
        assert "thumbnail" in stage.cards()[0]["message"]["embeds"][0]


async def test_a_card_comes_although_discord_does_not_tell_of_the_people(tmp_path: Path) -> None:
    async with discord_stage(tmp_path) as stage:
        stage.there.left.add(ACTOR)
        stage.there.faults += [
            (f"GET /guilds/{SERVER}/members/{PEOPLE['target']}", 403, {"message": "Missing Access", "code": 50001}, {})
        ] * 9
        await talk(stage)
        assert "no longer a member" in text(stage)


async def test_an_excerpt_marks_in_bold_what_weighs_most_behind_spoilers(stage: DiscordStage) -> None:
    reply = await stage.push(alert(stage), "excerpt")
    assert reply.ephemeral
    marked = [line for line in reply.text.splitlines() if line.startswith("▸")]
    assert any("**" in line.split("||")[1] for line in marked)
    others = [line for line in reply.text.splitlines() if "||" in line and line not in marked]
    assert not any("**" in line.split("||")[1] for line in others)
    assert "only people can say what it means" in reply.text


async def test_more_of_what_was_said_is_shown_when_asked_for(stage: DiscordStage) -> None:
    for _ in range(30):
        await stage.say("target", "a lighthouse, and the sea")
    await stage.settled()
    first = await stage.push(alert(stage), "excerpt")
    more = await go_on(stage, first, "excerpt_more")
    assert more.ephemeral
    assert more.text.count("lighthouse") > first.text.count("lighthouse")


def test_an_address_in_a_name_or_a_text_is_shown_and_cannot_be_clicked() -> None:
    address = "https://a.example/photo"
    line = ExcerptLine(Person("1", address), 0.0, f"look <{address}>", reason=True)
    shown = str(drawn.excerpt([line])[0].description)
    assert shown.count("a.example/photo") == 2
    assert "://" not in shown.replace("\\://", "")


def test_a_long_excerpt_is_spread_over_messages_and_says_what_it_leaves_out() -> None:
    lines = [ExcerptLine(Person("1", "actor"), float(n), f"line {n} " + "x" * 390, reason=False) for n in range(60)]
    pages = drawn.excerpt(lines)
    assert len(pages) == drawn.EXCERPT_MESSAGES
    shown = "\n".join(page.description or "" for page in pages)
    numbers = [int(number) for number in re.findall(r"line (\d+)", shown)]
    assert numbers == list(range(60 - len(numbers), 60))
    assert f"{60 - len(numbers)} lines are left out" in (pages[0].description or "")


def test_what_a_member_reported_is_shown_however_much_was_said() -> None:
    said = [ExcerptLine(Person("1", "actor"), float(n), f"line {n} " + "x" * 390, reason=False) for n in range(60)]
    report = ExcerptLine(Person("2", "friend"), 60.0, "please look at this", reason=False, report=True)
    assert any("please look at this" in (page.description or "") for page in drawn.excerpt([*said, report]))


async def test_what_was_done_stands_where_the_answer_can_no_longer_be_given(stage: DiscordStage) -> None:
    stage.there.faults.append((r"POST /webhooks/.*", 404, {"message": "Unknown Webhook", "code": 10015}, {}))
    with capture_logs() as logs:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stage.push(alert(stage), "confirm")
        await until(lambda: "discord.answer_lost" in [line["event"] for line in logs])
    await stage.settled()
    assert "Concern confirmed by Moderator" in text(stage)


def test_every_button_has_a_text_that_discord_takes() -> None:
    for action, button in BUTTONS.items():
        assert 0 < len(say("en", button.text)) <= 80
        assert len(custom_id(action, "0" * 64)) <= 100
    for grounds in GROUNDS:
        assert 0 < len(say("en", f"card.grounds_{grounds}")) <= 100
    assert len(say("en", "hand.remark_title")) <= 45
    assert len(say("en", "hand.remark_label")) <= 45


def test_no_text_of_cards_or_of_the_hand_accuses_anybody() -> None:
    for key, said in texts("en").items():
        if key.startswith(("card.", "hand.")):
            assert not re.search(r"predator|groom|abuse|offender|guilty|criminal", said, re.IGNORECASE), key


async def test_nobody_decides_the_case_that_is_about_them(stage: DiscordStage) -> None:
    stage.there.member_roles[PEOPLE["actor"]] = [MODERATORS]
    reply = await stage.push(alert(stage), "confirm", "actor")
    assert "about you" in reply.text
    assert "Open" in text(stage)


async def test_a_permission_in_another_channel_makes_nobody_a_moderator(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, moderator_roles=()) as stage:
        stage.there.overwrites[GENERAL] = [overwrite(PEOPLE["friend"], allow=MANAGE_MESSAGES, member=True)]
        told = await stage.there.command("lampkeeper cases", PEOPLE["friend"], GENERAL)
        assert told.text.startswith("Only")


async def test_a_card_moves_to_the_new_alert_channel_when_the_old_one_is_closed(stage: DiscordStage) -> None:
    await stage.adapter.servers.choose(SERVER, {"alert_channel": GENERAL}, Person("1", "admin"))
    stage.there.overwrites[ALERTS] = [overwrite(EVERYONE, deny=VIEW)]
    before = stage.cards()[0]["alert"]
    await stage.there.press(stage.cards()[0]["message"], f"lampkeeper:claim:{before}", PEOPLE["moderator"])
    await stage.settled()
    moved = [said for said in stage.there.messages[GENERAL].values() if said["embeds"]]
    assert [button_ids(said)[0].split(":")[2] for said in moved] == [before]
