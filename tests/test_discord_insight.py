"""What moderators can look at on Discord, over the wire: status, preview, cases, stats, the test card, and digests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from sqlalchemy import select

from bots.discord_bot.slash import cases
from core.casework.cards import Person
from core.messages import Author, ConversationKey, Message
from core.peaks import DAY
from core.store import tables
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    GENERAL,
    GROWN,
    HISTORY,
    PEOPLE,
    SECRET,
    SEND,
    SERVER,
    VIEW,
    Json,
    button_ids,
    overwrite,
)
from tests.discord_platform import Reply
from tests.discord_stage import DiscordStage, discord_stage, until
from tests.support import MODERATOR as SOMEBODY
from tests.support import slow_talk

SPACE = f"discord:{SERVER}"
MODERATOR, MEMBER, ADMIN = PEOPLE["moderator"], PEOPLE["friend"], PEOPLE["teacher"]
MANAGE_SERVER = 1 << 5


@pytest.fixture
def clock() -> list[float]:
    return [time.time()]


@pytest.fixture
async def stage(tmp_path: Path, clock: list[float]) -> AsyncIterator[DiscordStage]:
    async with discord_stage(tmp_path, lambda: clock[0]) as running:
        there = running.there
        there.roles[GROWN] = MANAGE_SERVER
        there.member_roles[ADMIN] = [GROWN]
        await there.send("GUILD_ROLE_UPDATE", {"guild_id": str(SERVER), "role": there.role(GROWN)})
        yield running


async def talk(stage: DiscordStage, actor: str = "actor", target: str = "target") -> None:
    """Let somebody's talk to somebody open an alert; anybody, whom the tests' Discord need not know."""
    now, key = stage.guard.ledger.clock(), ConversationKey(SPACE, str(GENERAL))
    ids = {name: str(number) for name, number in PEOPLE.items()}
    for number, text in enumerate(slow_talk()):
        author = Author(ids.get(actor, actor), actor.capitalize())
        said = Message(key, f"{number}{crc32(actor.encode())}{int(now)}", author, text, now + number / 1000)
        await stage.guard.receive(said._replace(partner=ids.get(target, target)))
    await stage.settled()


async def ask(stage: DiscordStage, words: str, who: int = MODERATOR, **options: Any) -> Reply:
    reply = await stage.there.command(f"lampkeeper {words}", who, **options)
    assert reply.ephemeral, "nobody else sees an answer"
    return reply


async def choose(stage: DiscordStage, **changes: Any) -> None:
    await stage.adapter.servers.choose(SERVER, changes, Person("1", "admin"))


def unasked(stage: DiscordStage) -> list[str]:
    """What the alert channel was told that nobody's change of the settings, or pause, brought about."""
    changes = ("changed Lampkeeper's settings", "paused Lampkeeper", "ended the pause")
    return [told for told in stage.notices() if not any(change in told for change in changes)]


@pytest.mark.parametrize("words", ["status", "preview", "cases", "stats", "test"])
async def test_members_are_refused_and_nothing_is_looked_up(stage: DiscordStage, words: str) -> None:
    reply = await ask(stage, words, MEMBER)
    assert reply.text.startswith("Only")
    assert stage.notices() == []


async def test_members_are_offered_no_cases_and_no_thresholds_while_they_type(stage: DiscordStage) -> None:
    await talk(stage)
    assert await stage.there.typing("lampkeeper case", "case", "", MEMBER) == ()
    assert await stage.there.typing("lampkeeper preview", "threshold", "", MEMBER) == ()
    assert (await ask(stage, "case", MEMBER, case=stage.cards()[0]["alert"])).text.startswith("Only")


# --- status ----------------------------------------------------------------------------------------------------------


async def test_status_tells_what_was_seen_and_that_nothing_is_missing(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()
    text = (await ask(stage, "status")).text
    assert f"{len(slow_talk()) + 1} seen" in text
    assert f"Received in the last 7 days: {len(slow_talk()) + 1}" in text
    assert "**Alerts** in the last 7 days: 1. Open now: 1." in text
    assert "**Lag** from a message to its record" in text
    assert "**Connected** since <t:" in text
    assert "**Last event**: <t:" in text
    assert "**Last gap**: <t:" in text
    assert "**Connection** 1 of 1: connected" in text
    assert stage.guard.ledger.engine.model.card["name"] in text  # type: ignore[attr-defined]
    assert "**Permissions**: none is missing." in text
    assert f"closed to Lampkeeper: <#{SECRET}>" in text
    assert "Paused" not in text
    assert "Not shown yet" not in text


async def test_status_names_what_is_missing_channel_by_channel_and_what_could_not_be_read(stage: DiscordStage) -> None:
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]
    await stage.drop_connection()
    await stage.settled()
    text = (await ask(stage, "status")).text
    assert f"**Missing** in <#{GENERAL}>: Read Message History" in text
    assert f"read from history except in <#{GENERAL}>" in text
    assert f"in <#{ALERTS}>" not in text


async def test_status_tells_that_cards_wait_and_why(stage: DiscordStage) -> None:
    stage.there.overwrites[ALERTS] = [*stage.there.overwrites[ALERTS], overwrite(BOT_ROLE, allow=VIEW, deny=SEND)]
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(ALERTS))
    await talk(stage)
    text = (await ask(stage, "status")).text
    assert "**Not shown yet**: 1." in text
    assert "Give its role Send Messages" in text
    assert f"**Missing** in <#{ALERTS}>: Send Messages" in text


async def test_status_tells_mode_threshold_and_pause(stage: DiscordStage) -> None:
    await choose(stage, review=0.9, mode="shadow", pauses=[(1000.0, None)])
    text = (await ask(stage, "status")).text
    assert "**Shadow mode**" in text
    assert "from 0.9 on" in text
    assert "**Paused** since <t:1000:f>" in text
    await choose(stage, alert_channel=999)
    assert "**Missing**: an alert channel" in (await ask(stage, "status")).text


# --- preview ---------------------------------------------------------------------------------------------------------


async def test_a_preview_says_what_thresholds_would_have_meant_in_words_and_as_a_picture(
    stage: DiscordStage, clock: list[float]
) -> None:
    await choose(stage, review=0.9)
    await talk(stage, "actor")
    clock[0] += 10 * DAY
    await talk(stage, "friend")
    reply = await ask(stage, "preview")
    assert "**0.9** (the present one): 1 in 7 days, 2 in 30 days, about 1.3 a week" in reply.text
    assert "(for at most 3 a week)" in reply.text
    assert reply.files == ("thresholds.png",)
    sent = next(body for _, path, body in reversed(stage.there.requests) if path.startswith("/webhooks/"))
    (picture,) = sent["attachments"]
    assert "0.9: 1.3;" in picture["description"]
    assert len(picture["description"]) <= 1024
    asked = await ask(stage, "preview", threshold=0.5)
    assert "**0.5** (yours): 1 in 7 days, 2 in 30 days" in asked.text
    assert "**0.9** (the present one)" in asked.text


async def test_a_preview_of_nothing_says_so(stage: DiscordStage) -> None:
    assert "Nothing was scored here" in (await ask(stage, "preview")).text


async def test_thresholds_are_offered_while_typing(stage: DiscordStage, clock: list[float]) -> None:
    await choose(stage, review=0.9)
    for name in ("actor", "friend"):
        await talk(stage, name)
        clock[0] += 10 * DAY
    offered = await stage.there.typing("lampkeeper preview", "threshold", "", MODERATOR)
    assert offered[0] == "0.9: the present one"
    assert any("at most 3 a week" in name for name in offered)
    assert "0.77" in await stage.there.typing("lampkeeper preview", "threshold", "0.77", MODERATOR)


# --- cases -----------------------------------------------------------------------------------------------------------


async def test_cases_are_listed_with_links_to_their_cards_and_can_be_turned_over(
    stage: DiscordStage, clock: list[float]
) -> None:
    for number in range(12):
        await talk(stage, f"9{number:02}")
        clock[0] += 3600
    first = await ask(stage, "cases")
    assert "Open cases: 12" in first.text
    assert first.text.count(f"[Card](https://discord.com/channels/{SERVER}/{ALERTS}/") == 10
    assert "<@911>" in first.text
    assert "<@901>" not in first.text
    assert first.message is not None
    shown = await turn(stage, first.message, "older", MODERATOR)
    assert "<@901>" in shown
    assert "11 to 12 of 12" in shown
    assert "1 to 10 of 12" in await turn(stage, first.message, "newer", MODERATOR)
    refused = await stage.there.press(first.message, "lampkeeper-cases:older", MEMBER)
    assert refused.text.startswith("Only")


async def test_the_lists_buttons_go_when_they_would_not_answer_any_more(
    stage: DiscordStage, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "LIFE", 0.2)
    for number in range(11):
        await talk(stage, f"9{number:02}")
        clock[0] += 3600
    first = (await ask(stage, "cases")).message
    assert first is not None
    await until(lambda: first["components"] == [])


async def turn(stage: DiscordStage, message: Json, button: str, who: int) -> str:
    return (await stage.there.press(message, f"lampkeeper-cases:{button}", who)).text


async def test_cases_can_be_asked_for_by_state_and_by_member(stage: DiscordStage) -> None:
    await talk(stage, "actor")
    await talk(stage, "robot", "friend")
    decided = next(card for card in stage.cards() if f"<@{PEOPLE['actor']}>" in card["text"])
    await stage.press(decided["alert"], "Dismiss")
    assert f"<@{PEOPLE['actor']}>" not in (await ask(stage, "cases")).text
    await stage.guard.desk.close(decided["alert"], SOMEBODY)
    assert "Closed cases: 1" in (await ask(stage, "cases", which="closed")).text
    assert "Cases put aside: 0" in (await ask(stage, "cases", which="on_hold")).text
    await stage.guard.desk.reopen(decided["alert"], SOMEBODY)
    settled = (await ask(stage, "cases", which="decided")).text
    assert "Dismissed by Moderator" in settled
    assert f"<@{PEOPLE['robot']}>" not in settled
    about = (await ask(stage, "cases", which="all", about=str(PEOPLE["friend"]))).text
    assert "Cases: 1" in about
    assert "There is no such case." in (await ask(stage, "cases", about=str(PEOPLE["second"]))).text


async def test_a_case_shows_its_card_who_did_what_and_where_the_card_stands(stage: DiscordStage) -> None:
    await talk(stage)
    card = stage.cards()[0]
    await stage.press(card["alert"], "Show excerpt")
    await stage.press(card["alert"], "Confirm")
    await stage.settled()
    text = (await ask(stage, "case", case=card["alert"])).text
    assert f"https://discord.com/channels/{SERVER}/{ALERTS}/{card['message']['id']}" in text
    assert "Probability" in text
    assert "Lampkeeper: noticed it (" in text
    assert text.count("Lampkeeper: noticed more") == 1, "many times in a row are one line"
    assert "Moderator: read the excerpt" in text
    assert "Moderator: decided: concern confirmed" in text
    for line in slow_talk():
        assert line not in text, "the text of messages is shown on demand only"


async def test_open_cases_are_offered_in_words_while_typing(stage: DiscordStage, clock: list[float]) -> None:
    await talk(stage, "actor")
    clock[0] += 3 * 3600
    (offered,) = await stage.there.typing("lampkeeper case", "case", "", MODERATOR)
    assert offered.endswith(f", 3 h ago, Actor → {PEOPLE['target']}")
    assert await stage.there.typing("lampkeeper case", "case", "acto", MODERATOR) == (offered,)
    assert await stage.there.typing("lampkeeper case", "case", "somebody else", MODERATOR) == ()
    assert (await ask(stage, "case", case="0000")).text == "This case is no longer kept."


# --- stats and what is told unasked ----------------------------------------------------------------------------------


async def test_stats_count_the_week_and_the_month(stage: DiscordStage, clock: list[float]) -> None:
    await talk(stage, "actor")
    await stage.press(stage.cards()[0]["alert"], "Dismiss")
    clock[0] += 10 * DAY
    await talk(stage, "friend")
    text = (await ask(stage, "stats")).text
    week, month = text.split("The last 30 days")
    assert "Alerts: 1 (" in week
    assert "Decided: none" in week
    assert "Alerts: 2 (" in month
    assert "Decided: 1 (0 confirmed, 1 dismissed: 100 % of them)" in month
    assert "Half of the decisions came within" in month
    assert "Open now: 1" in week


async def test_after_a_week_a_threshold_is_offered_once_and_then_comes_a_digest_a_week(
    stage: DiscordStage, clock: list[float]
) -> None:
    await choose(stage, review=0.9)
    await talk(stage)
    clock[0] += DAY
    told: list[list[str]] = []
    for days in (6, 7, 7):
        clock[0] += days * DAY
        await talk(stage)
        for _ in range(2):  # the housekeeping comes by every hour
            await stage.guard.keep_house()
            await stage.settled()
        told.append(unasked(stage)[sum(map(len, told)) :])
    (advice,), (digest,), (again,) = told
    assert "Lampkeeper has been here for a week" in advice
    assert "Shown: 1 card." in advice
    assert "at most 3 a week" in advice
    assert "/lampkeeper preview" in advice
    assert "The week with Lampkeeper" in digest
    assert "Open now: 1" in digest
    assert "The week with Lampkeeper" in again, "something is still open"


async def test_a_quiet_week_is_one_line_and_a_pause_is_not_told_of(stage: DiscordStage, clock: list[float]) -> None:
    await choose(stage, mode="shadow")
    await talk(stage)
    await stage.guard.communities.stands(SPACE, joined=clock[0], advised=clock[0])
    clock[0] += 7 * DAY
    await choose(stage, pauses=[(clock[0], None)])
    await stage.guard.keep_house()
    await stage.settled()
    assert unasked(stage) == []
    await choose(stage, pauses=[(clock[0] - 1, clock[0])])
    await stage.guard.keep_house()
    await stage.settled()
    (digest,) = unasked(stage)
    assert digest.startswith("A quiet week")
    assert "\n" not in digest


# --- the test card ---------------------------------------------------------------------------------------------------


def trial_cards(stage: DiscordStage) -> list[Json]:
    return [message for message in stage.there.messages.get(ALERTS, {}).values() if "TEST" in str(message["embeds"])]


async def test_a_test_card_stands_in_the_alert_channel_answers_and_leaves_nothing_behind(stage: DiscordStage) -> None:
    reply = await ask(stage, "test", ADMIN)
    assert f"<#{ALERTS}>" in reply.text
    (card,) = trial_cards(stage)
    assert "stood here" in str(card["embeds"]), "it was edited to tell how long it took"
    assert card["allowed_mentions_asked"] == {"parse": []}
    await stage.restart()
    for button in button_ids(card):
        answer = await stage.there.press(card, button, MODERATOR)
        assert answer.text.startswith("This is a test")
        assert answer.ephemeral
        assert (await stage.there.press(card, button, MEMBER)).text.startswith("Only")
    async with stage.guard.ledger.store.read() as tx:
        for table in (tables.alerts, tables.peaks, tables.outbox):
            assert (await tx.execute(select(table))).all() == []
        assert set(await tx.scalars(select(tables.audit.c.what))) <= {"space joined"}
    assert "There is no such case." in (await ask(stage, "cases")).text
    assert "Open now: 0" in (await ask(stage, "stats")).text


async def test_a_test_card_that_cannot_be_shown_says_why_and_does_not_come_later(stage: DiscordStage) -> None:
    kept = stage.there.overwrites[ALERTS]
    stage.there.overwrites[ALERTS] = [*kept, overwrite(BOT_ROLE, allow=VIEW, deny=SEND)]
    await stage.there.send("CHANNEL_UPDATE", stage.there.channel(ALERTS))
    reply = await ask(stage, "test", ADMIN)
    assert "Give its role Send Messages" in reply.text
    stage.there.overwrites[ALERTS] = kept
    await stage.restart()
    assert trial_cards(stage) == []


async def test_a_moderator_who_may_not_manage_the_server_cannot_order_a_test_card(stage: DiscordStage) -> None:
    assert "who may manage this server" in (await ask(stage, "test", MODERATOR)).text
    assert trial_cards(stage) == []


async def test_without_an_alert_channel_there_is_no_test(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, alert_channel=None) as stage:
        stage.there.roles[GROWN] = MANAGE_SERVER
        stage.there.member_roles[ADMIN] = [GROWN]
        await stage.there.send("GUILD_ROLE_UPDATE", {"guild_id": str(SERVER), "role": stage.there.role(GROWN)})
        assert "no alert channel yet" in (await ask(stage, "test", ADMIN)).text
