"""Setting a server up from inside Discord: the welcome, the walk through the settings, changing them, and the pause.

discord.py's real client against the tests' own Discord; the database is a real one.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from bots.discord_bot.permissions import ASIDE, PERMISSIONS, invite
from bots.discord_bot.translate import space
from core.casework.cards import Person
from core.config import Discord, DiscordServer, load_config
from core.peaks import day_of
from core.policy import Thresholds
from core.store import tables
from tests.discord_gateway import Link
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    CATEGORY,
    DM,
    EMBED,
    EVERYONE,
    GENERAL,
    GROWN,
    HISTORY,
    LAMPKEEPER,
    MODERATORS,
    PEOPLE,
    SECRET,
    SEND,
    SERVER,
    THREAD,
    TOKEN,
    VIEW,
    VOICE,
    Json,
    overwrite,
)
from tests.discord_platform import VIEW_AUDIT_LOG, Platform, Reply, components, platform
from tests.discord_stage import DiscordStage, Ear, alone, rows, until
from tests.support import ROOT, slow_talk

ADMIN, OTHER, INVITER = PEOPLE["teacher"], PEOPLE["moderator"], PEOPLE["second"]
MANAGE_GUILD, BAN, MODERATE, FILES, MANAGE_ROLES = 1 << 5, 1 << 2, 1 << 40, 1 << 15, 1 << 28
OPTIONAL = BAN | MODERATE | FILES
SET_UP = f"lampkeeper:setup:{SERVER}"


@asynccontextmanager
async def fresh(
    folder: Path, scene: Callable[[Platform], None] = lambda _there: None, **server: Any
) -> AsyncIterator[DiscordStage]:
    """Run Lampkeeper in a server that nobody set up, whose teacher may manage it; `server`: the operator's choices."""
    async with platform() as there:
        there.roles[GROWN] |= MANAGE_GUILD
        there.roles[BOT_ROLE] |= OPTIONAL
        there.member_roles[ADMIN] = [GROWN]
        there.overwrites[ALERTS].append(overwrite(GROWN, allow=VIEW))
        scene(there)
        config = Discord(token=SecretStr(TOKEN), servers=(DiscordServer(id=SERVER, **server),) if server else ())
        stage = DiscordStage(folder, there, config, time.time)
        try:
            await stage.start()
            yield stage
        finally:
            await stage.stop()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DiscordStage]:
    async with fresh(tmp_path) as running:
        yield running


def posted(there: Platform, channel: int) -> list[Json]:
    """What the bot wrote in a channel, without cards."""
    said = there.messages.get(channel, {}).values()
    return [message for message in said if message["author"]["id"] == str(LAMPKEEPER) and not message["embeds"]]


async def greeting(there: Platform, channel: int = GENERAL) -> Json:
    """Wait for the welcome, which nothing waits for."""
    await until(lambda: bool(posted(there, channel)))
    return posted(there, channel)[-1]


def labels(message: Json | None) -> list[str]:
    assert message is not None
    return [part["label"] for part in components(message) if part.get("label")]


def turns_to(message: Json | None, label: str) -> str:
    """Return the id of the button with a label."""
    assert message is not None
    return next(str(part["custom_id"]) for part in components(message) if part.get("label") == label)


def menu(message: Json | None) -> Json:
    assert message is not None
    return next(part for part in components(message) if part["type"] in {3, 6, 8})


async def walk_to(stage: DiscordStage, page: str) -> Reply:
    """Begin the walk and turn to a page."""
    reply = await stage.there.command("lampkeeper setup", ADMIN)
    while menu(reply.message)["custom_id"] != f"lampkeeper:pick:{SERVER}:{page}":
        reply = await forward(stage, reply)
    return reply


async def forward(stage: DiscordStage, reply: Reply) -> Reply:
    label = next(label for label in labels(reply.message) if label in {"Skip", "Next"})
    assert reply.message is not None
    return await stage.there.press(reply.message, turns_to(reply.message, label), ADMIN)


async def pick(stage: DiscordStage, reply: Reply, *values: int | str, who: int = ADMIN) -> Reply:
    assert reply.message is not None
    return await stage.there.press(reply.message, menu(reply.message)["custom_id"], who, tuple(map(str, values)))


async def audited(stage: DiscordStage, what: str) -> list[Json]:
    async with stage.guard.ledger.store.read() as tx:
        query = select(tables.audit.c.who, tables.audit.c.detail).where(tables.audit.c.what == what)
        return [{"who": row.who, **row.detail} for row in await tx.execute(query.order_by(tables.audit.c.id))]


def holds(stage: DiscordStage, name: str) -> Any:
    return getattr(stage.adapter.servers.of(SERVER), name)


# --- the welcome -----------------------------------------------------------------------------------------------------


async def test_a_new_server_is_greeted_once_with_a_button_to_set_it_up(stage: DiscordStage) -> None:
    welcome = await greeting(stage.there)
    assert labels(welcome) == ["Set up"]
    assert "/lampkeeper setup" in welcome["content"]
    await stage.drop_connection()
    await stage.settled()
    await stage.restart()
    assert len(posted(stage.there, GENERAL)) == 1
    assert len(await audited(stage, "space joined")) == 1


def may_read_audit_log(there: Platform) -> None:
    there.roles[EVERYONE] |= VIEW_AUDIT_LOG
    there.invited_by = INVITER


async def test_whoever_invited_the_bot_is_greeted_alone(tmp_path: Path) -> None:
    async with fresh(tmp_path, may_read_audit_log) as stage:
        welcome = await greeting(stage.there, DM)
        assert labels(welcome) == ["Set up"]
        assert posted(stage.there, GENERAL) == []
        assert {"recipient_id": INVITER} in [
            body for _, path, body in stage.there.requests if path.endswith("@me/channels")
        ]


async def test_where_the_inviter_takes_no_direct_messages_the_system_channel_is_told(tmp_path: Path) -> None:
    def scene(there: Platform) -> None:
        may_read_audit_log(there)
        there.faults.append((f"POST /channels/{DM}/messages", 403, {"code": 50007, "message": "Cannot send"}, {}))
        there.overwrites[SECRET] = []
        as_it_is = there.guild
        there.guild = lambda *server: as_it_is(*server) | {"system_channel_id": str(SECRET)}  # type: ignore[method-assign]

    async with fresh(tmp_path, scene) as stage:
        await greeting(stage.there, SECRET)
        assert posted(stage.there, DM) == posted(stage.there, GENERAL) == []


async def test_a_server_that_the_operator_set_up_is_not_greeted(tmp_path: Path) -> None:
    async with fresh(tmp_path, alert_channel=ALERTS) as stage:
        while not await audited(stage, "space joined"):
            await stage.settled()
        assert posted(stage.there, GENERAL) == []
        assert posted(stage.there, ALERTS) == []


async def test_where_the_bot_may_write_nowhere_nobody_is_greeted_and_it_runs(tmp_path: Path) -> None:
    def scene(there: Platform) -> None:
        there.roles[EVERYONE] &= ~SEND

    async with fresh(tmp_path, scene) as stage:
        while not await audited(stage, "space joined"):
            await stage.settled()
        assert posted(stage.there, GENERAL) == []
        assert "step 1" in (await stage.there.command("lampkeeper setup", ADMIN)).text


async def test_a_server_joined_while_the_bot_runs_is_greeted(stage: DiscordStage) -> None:
    await greeting(stage.there)
    await stage.there.send("GUILD_DELETE", {"id": str(SERVER)})
    while (stood := await stage.guard.communities.standing(space(SERVER))).joined is not None and stood.left is None:
        await stage.there.heard()
    await stage.guard.forget_space(space(SERVER))
    joined = {name: value for name, value in stage.there.guild().items() if name != "unavailable"}
    await stage.there.send("GUILD_CREATE", joined)
    await until(lambda: len(posted(stage.there, GENERAL)) == 2)


async def test_a_new_server_is_live_at_the_cautious_threshold(stage: DiscordStage) -> None:
    rules = stage.guard.communities.rules(space(SERVER))
    assert not rules.shadow
    assert rules.thresholds == stage.guard.ledger.engine.thresholds


# --- the walk --------------------------------------------------------------------------------------------------------


async def test_the_walk_stores_every_choice_at_once_and_sums_up(stage: DiscordStage) -> None:
    welcome = await greeting(stage.there)
    reply = await stage.there.press(welcome, SET_UP, ADMIN)
    assert reply.ephemeral
    assert "Skip" in labels(reply.message)
    reply = await pick(stage, reply, ALERTS)
    assert holds(stage, "alert_channel") == ALERTS
    assert "Next" in labels(reply.message)
    chosen = [
        ("moderators", [MODERATORS]),
        ("age_under_13", []),
        ("age_13_15", []),
        ("age_16_17", []),
        ("age_adult", [GROWN]),
        ("ignored", [VOICE, CATEGORY]),
    ]
    for page, values in chosen:
        reply = await forward(stage, reply)
        assert menu(reply.message)["custom_id"].endswith(f":{page}")
        reply = await pick(stage, reply, *values) if values else reply
    reply = await forward(stage, await forward(stage, reply))
    reply = await forward(stage, await pick(stage, reply, "GB"))
    assert "That is all" in reply.text
    assert f"<#{ALERTS}> _(chosen here)_" in reply.text
    assert "United Kingdom" in reply.text
    assert holds(stage, "moderator_roles") == (MODERATORS,)
    assert holds(stage, "age_roles") == {str(GROWN): "adult"}
    assert holds(stage, "ignored_channels") == (VOICE, CATEGORY)
    changes = [deed["changes"] for deed in await audited(stage, "settings changed")]
    assert {"alert_channel": ALERTS} in changes
    assert {"country": "GB"} in changes


async def test_a_walk_that_was_begun_goes_on_after_a_restart(stage: DiscordStage) -> None:
    reply = await walk_to(stage, "moderators")
    await stage.restart()
    reply = await pick(stage, reply, MODERATORS)
    assert "Stored" in reply.text
    await stage.restart()
    assert holds(stage, "moderator_roles") == (MODERATORS,)


async def test_the_set_up_button_answers_after_a_restart(stage: DiscordStage) -> None:
    welcome = await greeting(stage.there)
    await stage.restart()
    reply = await stage.there.press(welcome, SET_UP, ADMIN)
    assert "step 1" in reply.text


async def test_whoever_may_not_manage_the_server_is_refused(stage: DiscordStage) -> None:
    welcome = await greeting(stage.there)
    begun = await stage.there.command("lampkeeper setup", ADMIN)
    refused = [
        await stage.there.press(welcome, SET_UP, OTHER),
        await pick(stage, begun, ALERTS, who=OTHER),
        await stage.there.command("lampkeeper setup", OTHER),
        await stage.there.command("lampkeeper settings", OTHER, mode="shadow"),
        await stage.there.command("lampkeeper pause", OTHER),
        await stage.there.command("lampkeeper resume", OTHER),
    ]
    assert {reply.text for reply in refused} == {"Only members who may manage this server can do this."}
    assert all(reply.ephemeral for reply in refused)
    assert await audited(stage, "settings changed") == []


async def test_an_alert_channel_that_everyone_sees_is_warned_of(stage: DiscordStage) -> None:
    begun = await stage.there.command("lampkeeper setup", ADMIN)
    assert "Everyone can see" in (await pick(stage, begun, GENERAL)).text
    assert holds(stage, "alert_channel") == GENERAL
    assert "Everyone can see" not in (await pick(stage, begun, ALERTS)).text


async def test_a_channel_that_the_bot_cannot_post_in_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    def scene(there: Platform) -> None:
        there.overwrites[ALERTS][1] = overwrite(BOT_ROLE, allow=VIEW | EMBED | HISTORY, deny=SEND)

    async with fresh(tmp_path, scene) as stage:
        begun = await stage.there.command("lampkeeper setup", ADMIN)
        reply = await pick(stage, begun, ALERTS)
        assert "cannot post" in reply.text
        assert "Send Messages" in reply.text
        assert holds(stage, "alert_channel") is None
        assert "cannot post" in (await stage.there.command("lampkeeper settings", ADMIN, alert_channel=ALERTS)).text
        assert holds(stage, "alert_channel") is None


async def test_what_lacks_a_permission_is_said_to_begin_with(tmp_path: Path) -> None:
    def scene(there: Platform) -> None:
        there.roles[BOT_ROLE] = 0

    async with fresh(tmp_path, scene) as stage:
        reply = await walk_to(stage, "country")
        text = (await forward(stage, reply)).text
        for row in PERMISSIONS:
            assert (row.label in text) == (row.without is not None and row.flag not in ASIDE)


async def test_cards_that_waited_for_an_alert_channel_are_shown_when_it_is_chosen(stage: DiscordStage) -> None:
    for text in slow_talk():
        await stage.say("actor", text)
        await stage.say("target", "ok")
    await stage.settled()
    assert stage.cards() == []
    begun = await stage.there.command("lampkeeper setup", ADMIN)
    await pick(stage, begun, ALERTS)
    await stage.settled()
    assert stage.cards()


async def test_everyone_is_no_moderator(stage: DiscordStage) -> None:
    reply = await pick(stage, await walk_to(stage, "moderators"), EVERYONE, MODERATORS)
    assert "@everyone was left out" in reply.text
    assert holds(stage, "moderator_roles") == (MODERATORS,)


async def test_a_role_means_the_age_that_was_chosen_last(stage: DiscordStage) -> None:
    await pick(stage, await walk_to(stage, "age_13_15"), GROWN)
    await pick(stage, await walk_to(stage, "age_adult"), GROWN)
    assert holds(stage, "age_roles") == {str(GROWN): "adult"}
    await pick(stage, await walk_to(stage, "age_adult"))
    assert holds(stage, "age_roles") == {}


# --- the threshold by a budget ---------------------------------------------------------------------------------------


async def test_before_a_week_was_seen_the_cautious_threshold_stays_and_the_walk_says_so(stage: DiscordStage) -> None:
    before = stage.guard.communities.rules(space(SERVER))
    reply = await pick(stage, await walk_to(stage, "budget"), 5)
    assert "too little to go by yet" in reply.text
    assert stage.guard.communities.rules(space(SERVER)) == before
    assert await audited(stage, "settings changed") == []


async def test_a_budget_fits_the_threshold_to_what_was_seen(stage: DiscordStage) -> None:
    today = day_of(time.time())
    days = range(today - 13, today + 1)
    peaks = [0.981 + 0.001 * number for number in range(14)]
    rows = [{"day": d, "actor": f"{d}", "target": "", "probability": p} for d, p in zip(days, peaks, strict=True)]
    rows += [{"day": day, "actor": "", "target": "", "probability": 0.0} for day in days]
    async with stage.guard.ledger.store.write() as tx:
        await tx.execute(insert(tables.peaks), [row | {"space": space(SERVER)} for row in rows])
    reply = await pick(stage, await walk_to(stage, "budget"), 1)
    assert "Cards appear from" in reply.text
    review = holds(stage, "review")
    assert sum(peak >= review for peak in peaks) == 2  # two weeks, one a week
    assert stage.guard.communities.rules(space(SERVER)).thresholds == Thresholds.around(review)
    await pick(stage, await walk_to(stage, "budget"), "none")
    assert holds(stage, "review") is None


# --- from a direct message -------------------------------------------------------------------------------------------


async def test_the_inviter_sets_the_server_up_from_the_direct_message(tmp_path: Path) -> None:
    def scene(there: Platform) -> None:
        may_read_audit_log(there)
        there.invited_by = ADMIN

    async with fresh(tmp_path, scene) as stage:
        welcome = await greeting(stage.there, DM)
        reply = await stage.there.press(welcome, SET_UP, ADMIN)
        assert reply.ephemeral
        options = [option["value"] for option in menu(reply.message)["options"]]
        assert str(ALERTS) in options
        assert str(VOICE) not in options
        assert reply.message is not None
        begun = reply.message | {"channel_id": str(DM)}
        reply = await stage.there.press(begun, menu(begun)["custom_id"], ADMIN, (str(ALERTS),))
        assert holds(stage, "alert_channel") == ALERTS
        refused = await stage.there.press(welcome, SET_UP, OTHER)
        assert refused.text == "Only members who may manage this server can do this."


# --- settings --------------------------------------------------------------------------------------------------------


async def test_settings_are_shown_with_where_they_come_from_changed_and_taken_back(tmp_path: Path) -> None:
    async with fresh(tmp_path, alert_channel=ALERTS, country="IE") as stage:
        shown = await stage.there.command("lampkeeper settings", ADMIN)
        assert shown.ephemeral
        assert f"**Alert channel**: <#{ALERTS}> _(as the operator set it)_" in shown.text
        assert "live: cards are shown _(as at the start)_" in shown.text
        changed = await stage.there.command(
            "lampkeeper settings", ADMIN, country="nz", review=0.5, call_role=MODERATORS
        )
        assert "New Zealand _(chosen here)_" in changed.text
        assert "50 % _(chosen here)_" in changed.text
        assert holds(stage, "call_role") == MODERATORS
        assert stage.guard.communities.rules(space(SERVER)).thresholds.review == 0.5
        await stage.restart()
        back = await stage.there.command("lampkeeper settings", ADMIN, reset="country")
        assert "Ireland _(as the operator set it)_" in back.text
        await stage.there.command("lampkeeper settings", ADMIN, reset="everything")
        assert stage.adapter.servers.chosen(SERVER) == frozenset()
        deeds = await audited(stage, "settings changed")
        assert deeds[0]["changes"] == {"country": "NZ", "review": 0.5, "call_role": MODERATORS}
        assert deeds[1]["changes"] == {"country": None}
        assert {deed["who"] for deed in deeds} == {stage.guard.ledger.vault.blind(space(SERVER), str(ADMIN))}


async def test_a_role_that_urgent_cards_could_not_call_is_warned_of(stage: DiscordStage) -> None:
    reply = await stage.there.command("lampkeeper settings", ADMIN, call_role=MODERATORS)
    assert "does not let Lampkeeper call that role" in reply.text
    mentionable = stage.there.role(MODERATORS) | {"mentionable": True}
    await stage.there.send("GUILD_ROLE_UPDATE", {"guild_id": str(SERVER), "role": mentionable})
    stage.there.role = lambda role: mentionable  # type: ignore[method-assign]
    reply = await stage.there.command("lampkeeper settings", ADMIN, call_role=MODERATORS)
    assert "does not let Lampkeeper call that role" not in reply.text


async def test_a_second_channel_is_another_one_in_which_the_bot_can_write(stage: DiscordStage) -> None:
    use = stage.there.command
    await use("lampkeeper settings", ADMIN, alert_channel=ALERTS)
    assert "Choose another one" in (await use("lampkeeper settings", ADMIN, second_channel=ALERTS)).text
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=SEND)]
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(GENERAL))
    assert "Send Messages" in (await use("lampkeeper settings", ADMIN, second_channel=GENERAL)).text
    assert holds(stage, "second_channel") is None
    stage.there.overwrites[GENERAL] = []
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(GENERAL))
    assert "without names" in (await use("lampkeeper settings", ADMIN, second_channel=GENERAL)).text
    assert holds(stage, "second_channel") == GENERAL


async def test_shadow_mode_says_that_nobody_is_told(stage: DiscordStage) -> None:
    assert "no card is shown" in (await stage.there.command("lampkeeper settings", ADMIN, mode="shadow")).text
    assert stage.guard.communities.rules(space(SERVER)).shadow
    await stage.there.command("lampkeeper settings", ADMIN, mode="live")
    assert not stage.guard.communities.rules(space(SERVER)).shadow


async def test_one_of_several_roles_or_channels_is_put_in_and_taken_out(stage: DiscordStage) -> None:
    use = stage.there.command
    await use("lampkeeper settings", ADMIN, moderator_role=MODERATORS, second_reviewer=GROWN, ignored_channel=VOICE)
    assert (holds(stage, "moderator_roles"), holds(stage, "second_reviewers")) == ((MODERATORS,), (GROWN,))
    assert holds(stage, "ignored_channels") == (VOICE,)
    await use("lampkeeper settings", ADMIN, moderator_role=GROWN, ignored_channel=VOICE)
    assert holds(stage, "moderator_roles") == (MODERATORS, GROWN)
    assert holds(stage, "ignored_channels") == ()
    await use("lampkeeper settings", ADMIN, age_role=GROWN, age="adult")
    assert holds(stage, "age_roles") == {str(GROWN): "adult"}
    await use("lampkeeper settings", ADMIN, age_role=GROWN)
    assert holds(stage, "age_roles") == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"language": "xx"}, "no such language"),
        ({"country": "Ireland"}, "two letters"),
        ({"reset": "nothing"}, "no such setting"),
        ({"age": "adult"}, "give both"),
        ({"moderator_role": EVERYONE}, "@everyone was left out"),
    ],
)
async def test_what_cannot_be_set_is_said_and_not_stored(stage: DiscordStage, options: Json, said: str) -> None:
    assert said in (await stage.there.command("lampkeeper settings", ADMIN, **options)).text
    assert await audited(stage, "settings changed") == []


async def test_while_typing_there_are_languages_countries_and_what_can_be_taken_back(stage: DiscordStage) -> None:
    typing = stage.there.typing
    assert "en" in await typing("lampkeeper settings", "language", "", ADMIN)
    assert await typing("lampkeeper settings", "country", "zea", ADMIN) == ("New Zealand",)
    assert await typing("lampkeeper settings", "reset", "", ADMIN) == ()
    await stage.there.command("lampkeeper settings", ADMIN, country="NZ")
    assert await typing("lampkeeper settings", "reset", "", ADMIN) == ("Country for helplines", "Everything")
    assert await typing("lampkeeper settings", "reset", "", OTHER) == ()


# --- pause and resume ------------------------------------------------------------------------------------------------


async def test_what_is_said_during_a_pause_is_never_read_not_even_from_history(tmp_path: Path) -> None:
    async with fresh(tmp_path, alert_channel=ALERTS) as stage:
        before = await stage.say("actor", "before the pause")
        await stage.settled()
        paused = await stage.there.command("lampkeeper pause", ADMIN)
        assert "never read" in paused.text
        during = [await stage.say("actor", "during the pause")]
        said = stage.there.messages[GENERAL][int(before)]
        said |= {"content": "changed meanwhile", "edited_timestamp": datetime.now(UTC).isoformat()}
        await stage.there.send("MESSAGE_UPDATE", stage.there.as_event(said))
        await stage.restart()
        during.append(await stage.say("friend", "during the pause too"))
        await stage.drop_connection()
        during.append(await stage.say("target", "nobody listens"))
        await stage.settled()
        resumed = await stage.there.command("lampkeeper resume", ADMIN)
        assert "Reading again" in resumed.text
        await stage.restart()
        after = await stage.say("actor", "after the pause")
        await stage.settled()
        async with stage.guard.ledger.store.read() as tx:
            stored = list(await tx.scalars(select(tables.messages.c.id).order_by(tables.messages.c.seq)))
        assert stored == [before, after]
        assert not set(during) & set(stored)
        await until(lambda: len(stage.notices()) == 2)
        assert {("paused" in told, "ended" in told) for told in stage.notices()} == {(True, False), (False, True)}


async def test_pausing_twice_and_resuming_twice_say_so(stage: DiscordStage) -> None:
    assert "not paused" in (await stage.there.command("lampkeeper resume", ADMIN)).text
    await stage.there.command("lampkeeper pause", ADMIN)
    assert "already" in (await stage.there.command("lampkeeper pause", ADMIN)).text
    assert "Paused" in (await stage.there.command("lampkeeper settings", ADMIN)).text
    await stage.there.command("lampkeeper resume", ADMIN)
    assert "Paused" not in (await stage.there.command("lampkeeper settings", ADMIN)).text
    changes = [set(deed["changes"]) for deed in await audited(stage, "settings changed")]
    assert changes == [{"pauses"}, {"pauses"}]


async def test_what_was_said_during_an_earlier_pause_is_never_read_though_another_followed(tmp_path: Path) -> None:
    async with fresh(tmp_path, alert_channel=ALERTS) as stage:
        before = await stage.say("actor", "before the pauses")
        await stage.settled()
        for line in ("during the first pause", "during the second pause"):
            await stage.there.command("lampkeeper pause", ADMIN)
            await stage.say("actor", line)
            await stage.there.command("lampkeeper resume", ADMIN)
        await stage.restart()
        assert await rows(stage) == [before]


async def test_what_was_said_during_a_pause_is_not_read_though_it_is_edited_after_it(tmp_path: Path) -> None:
    async with fresh(tmp_path, alert_channel=ALERTS) as stage:
        await stage.there.command("lampkeeper pause", ADMIN)
        during = await stage.say("actor", "during the pause")
        await stage.there.command("lampkeeper resume", ADMIN)
        after = await stage.say("friend", "after the pause")
        await stage.edit(during, "changed in sight")
        await stage.settled()
        await stage.drop_connection()
        said = stage.there.messages[GENERAL][int(during)]
        said |= {"content": "changed out of sight", "edited_timestamp": datetime.now(UTC).isoformat()}
        await stage.settled()
        assert await rows(stage) == [after]


async def test_what_is_said_during_a_pause_is_not_read_by_a_catch_up_that_began_before_it(tmp_path: Path) -> None:
    async with fresh(tmp_path, alert_channel=ALERTS) as stage:
        first = await stage.say("actor", "first")
        await stage.settled()
        await stage.drop_connection()
        stage.there.history.clear()
        missed = str(stage.there.message(PEOPLE["actor"], GENERAL, "missed")["id"])
        stage.there.let_in()
        await stage.there.heard()
        await stage.there.command("lampkeeper pause", ADMIN)
        await stage.say("actor", "during the pause")
        await stage.there.heard()
        stage.there.history.set()
        await stage.settled()
        assert await rows(stage) == [first, missed]


@pytest.mark.parametrize(
    ("chosen", "place", "then"),
    [
        ({"alert_channel": ALERTS}, ALERTS, {"alert_channel": SECRET}),
        ({"ignored_channels": [VOICE]}, VOICE, {"ignored_channels": []}),
        ({"ignored_channels": [CATEGORY]}, VOICE, {"ignored_channels": None}),
        ({"ignored_channels": [GENERAL]}, THREAD, {"ignored_channels": [VOICE]}),
    ],
)
async def test_what_was_said_where_nothing_was_read_is_not_read_once_it_is(
    stage: DiscordStage, chosen: Json, place: int, then: Json
) -> None:
    async def said(text: str) -> Json:
        message = stage.there.message(PEOPLE["actor"], place, text)
        await stage.there.send("MESSAGE_CREATE", stage.there.as_event(message))
        return message

    await stage.adapter.servers.choose(SERVER, chosen, Person("1", "admin"))
    before = await said("before")
    await stage.settled()
    await stage.adapter.servers.choose(SERVER, then, Person("1", "admin"))
    before |= {"content": "changed after", "edited_timestamp": datetime.now(UTC).isoformat()}
    await stage.there.send("MESSAGE_UPDATE", stage.there.as_event(before))
    after = await said("after")
    await stage.restart()
    assert await rows(stage) == [after["id"]]


# --- what is missed --------------------------------------------------------------------------------------------------


async def test_without_a_configuration_too_what_was_missed_is_read_before_what_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[int] = []
    async with fresh(tmp_path, lambda there: rooms.extend(there.add_rooms(SERVER, 12))) as stage:
        there, send = stage.there, Link.send
        for room in rooms:
            await there.send("MESSAGE_CREATE", there.as_event(there.message(PEOPLE["actor"], room, "first")))
        await stage.settled()
        await stage.stop()
        missed = {there.message(PEOPLE["actor"], room, "missed")["id"] for room in rooms}
        live: list[str] = []

        async def at_once(link: Link, event: str, data: Json) -> None:
            await send(link, event, data)
            if event == "GUILD_CREATE" and not live:
                said = [there.message(PEOPLE["friend"], room, "live at once") for room in rooms]
                live.extend(message["id"] for message in said)
                for message in said:
                    await send(link, "MESSAGE_CREATE", there.as_event(message))

        monkeypatch.setattr(Link, "send", at_once)
        await stage.start()
        await stage.settled()
        assert missed | set(live) <= set(await rows(stage))


async def test_a_history_that_is_closed_is_told_once_there_is_an_alert_channel(tmp_path: Path) -> None:
    def closed(there: Platform) -> None:
        there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]

    async with fresh(tmp_path, closed) as stage:
        await stage.settled()
        await stage.there.command("lampkeeper settings", ADMIN, alert_channel=ALERTS)
        await until(lambda: any(f"cannot read the history of <#{GENERAL}>" in told for told in stage.notices()))
        await stage.drop_connection()
        await stage.settled()
        told = [told for told in stage.notices() if "cannot read the history" in told]
        assert len(told) == 1
        assert "`/lampkeeper settings`" in told[0]


# --- the invite link, and the page -----------------------------------------------------------------------------------


async def test_check_prints_the_invite_link_and_what_does_not_work_without_optional_permissions() -> None:
    async with platform() as there:
        lines = await alone(Ear()).check()
        text = "\n".join(line.what for line in lines)
        assert invite(LAMPKEEPER) in text
        for row in PERMISSIONS:
            assert (f"({row.label}" in text) == (row.without is not None and row.flag not in ASIDE)
        assert all(line.ok for line in lines)
        there.roles[BOT_ROLE] |= OPTIONAL | MANAGE_ROLES
        text = "\n".join(line.what for line in await alone(Ear()).check())
        assert "cannot" not in text


def test_the_link_asks_for_no_permission_that_rules_a_server() -> None:
    asked = discord.Permissions(int(invite(1).rpartition("=")[2]))
    ruling = ("administrator", "manage_guild", "manage_roles", "manage_channels", "manage_webhooks", "kick_members")
    assert not any(getattr(asked, name) for name in ruling)
    assert not asked.manage_messages
    assert all(getattr(asked, row.flag) == row.invited for row in PERMISSIONS)


def test_the_page_says_what_the_table_of_permissions_says() -> None:
    page = (ROOT / "docs" / "discord.md").read_text("utf-8")
    assert invite(1).replace("client_id=1", "client_id=APPLICATION_ID") in page
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    assert rows == [
        (
            row.label,
            str(row.value),
            row.why,
            "needed" if row.without is None else "optional" if row.invited else "by channel",
        )
        for row in PERMISSIONS
    ]


async def test_the_page_explains_every_option_of_settings(stage: DiscordStage) -> None:
    (command,) = (command for command in stage.there.commands if command["name"] == "lampkeeper")
    (settings,) = (part for part in command["options"] if part["name"] == "settings")
    table = (ROOT / "docs" / "discord.md").read_text("utf-8").partition("## Settings")[2].partition("\n## ")[0]
    assert [name for option in settings["options"] if f"`{(name := option['name'])}`" not in table] == []


def test_a_token_alone_is_configuration_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, {"LAMPKEEPER_DISCORD_TOKEN": TOKEN})
    assert config.discord is not None
    assert config.discord.servers == ()
    assert config.storage.database.parent == tmp_path.resolve()
