"""Discord slows down, refuses and answers too late: no card is lost or doubled, and no decision."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.discord_objects import ALERTS, BOT_ROLE, PEOPLE, SEND, VIEW, Json, overwrite
from tests.discord_rules import Limit, faults_of
from tests.discord_stage import DiscordStage, discord_stage, rows, talk, until

POST = rf"POST /channels/{ALERTS}/messages"
HOUR = 3600.0


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def three_talks(stage: DiscordStage) -> None:
    """Give three pairs in three channels a card each."""
    for channel, target in (("general", "target"), ("voice", "friend"), ("post", "teacher")):
        await talk(stage, channel, target=target)


async def three_cards(stage: DiscordStage) -> None:
    """Wait for them, and see that none comes twice."""
    await until(lambda: len(stage.cards()) >= 3)
    await stage.settled()
    assert len({card["alert"] for card in stage.cards()}) == len(stage.cards())


def posts(stage: DiscordStage) -> list[Json]:
    """What was asked to be posted in the alert channel."""
    path = f"/channels/{ALERTS}/messages"
    return [body for method, where, body in stage.there.requests if (method, where) == ("POST", path)]


# --- too many calls --------------------------------------------------------------------------------------------------


async def test_a_limit_that_discord_announces_is_kept_without_a_refusal(stage: DiscordStage) -> None:
    limit = Limit(rf"(POST|PATCH) /channels/{ALERTS}/messages.*", 1, 0.1)
    stage.there.limits.append(limit)
    await three_talks(stage)
    await three_cards(stage)
    assert limit.refused == 0


@pytest.mark.parametrize(
    "limit",
    [
        Limit(rf"(POST|PATCH) /channels/{ALERTS}/messages.*", 1, 0.1, announced=False),
        Limit(r".*", 1, 0.05, announced=False, everywhere=True),
    ],
    ids=["a route", "global"],
)
async def test_refusals_for_too_many_calls_lose_and_double_no_card(stage: DiscordStage, limit: Limit) -> None:
    stage.there.limits.append(limit)
    await three_talks(stage)
    await three_cards(stage)
    assert limit.refused


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_long_refusal_is_waited_out_in_the_outbox_without_asking_again(
    stage: DiscordStage, clock: Clock, everywhere: bool
) -> None:
    stage.there.limits.append(Limit(POST, 0, HOUR, everywhere=everywhere))
    await three_talks(stage)
    await stage.settled()
    await stage.settled()
    assert len(posts(stage)) == 1, "for the second card nothing was asked: it would be refused as well"
    assert stage.cards() == []
    clock.now += HOUR / 2
    await stage.settled()
    assert len(posts(stage)) == 1
    stage.there.limits.clear()
    clock.now += HOUR / 2 + 1
    await three_cards(stage)


async def test_a_refusal_that_outlives_the_process_is_waited_out_by_the_next(stage: DiscordStage, clock: Clock) -> None:
    stage.there.limits.append(Limit(POST, 0, HOUR))
    await talk(stage)
    await stage.settled()
    await stage.restart()
    assert len(posts(stage)) == 1
    stage.there.limits.clear()
    clock.now += HOUR + 1
    await stage.settled()
    assert len(stage.cards()) == 1


async def test_a_server_that_discord_slows_down_holds_up_no_other(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, servers=2) as stage:
        stage.there.limits.append(Limit(POST, 0, 29.0, announced=False))
        await talk(stage)
        await until(lambda: bool(posts(stage)))
        await talk(stage, server=1)
        await until(lambda: len(stage.cards(1)) == 1)
        assert stage.cards() == []


async def test_history_is_read_whole_within_a_limit(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    await stage.settled()
    await stage.drop_connection()
    missed = [await stage.say("actor", f"line {number}") for number in range(250)]
    stage.there.limits.append(Limit(r"GET /channels/\d+/messages", 1, 0.05, announced=False))
    await stage.settled()
    assert (await rows(stage))[1:] == missed


async def test_a_card_whose_answer_was_lost_on_the_way_is_not_doubled(stage: DiscordStage) -> None:
    stage.there.lost += [POST, POST]
    await talk(stage)
    await until(lambda: not stage.there.lost)
    await stage.settled()
    assert len(stage.cards()) == 1


# --- missing permissions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("denied", "code", "named"), [(SEND, 50013, "Send Messages"), (VIEW, 50001, "View Channel")])
async def test_a_card_that_discord_refuses_comes_when_the_permission_does(
    stage: DiscordStage, clock: Clock, denied: int, code: int, named: str
) -> None:
    normal = stage.there.overwrites[ALERTS]
    stage.there.overwrites[ALERTS] = [*normal[:1], overwrite(BOT_ROLE, allow=VIEW & ~denied, deny=denied)]
    await stage.there.change_channel(ALERTS)
    with capture_logs() as logs:
        await talk(stage)
        await stage.settled()
    (error,) = {entry["error"] for entry in logs if entry["event"] == "outbox.failed"}
    assert f"code {code}" in error
    assert named in error
    stage.there.overwrites[ALERTS] = normal
    await stage.there.change_channel(ALERTS)
    clock.now += HOUR
    await stage.settled()
    assert len(stage.cards()) == 1


async def test_a_card_that_could_not_be_changed_shows_how_it_stands_once_it_can(
    stage: DiscordStage, clock: Clock
) -> None:
    await talk(stage)
    await stage.settled()
    (card,) = stage.cards()
    normal = stage.there.overwrites[ALERTS]
    stage.there.overwrites[ALERTS] = [*normal[:1], overwrite(BOT_ROLE, deny=VIEW)]
    await stage.there.change_channel(ALERTS)
    assert "Recorded" in (await stage.press(card["alert"], "Confirm")).text
    await stage.settled()
    assert "confirmed" not in stage.cards()[0]["text"]
    stage.there.overwrites[ALERTS] = normal
    await stage.there.change_channel(ALERTS)
    clock.now += HOUR
    await stage.settled()
    (card,) = stage.cards()
    assert "confirmed" in card["text"]


async def test_a_server_that_refuses_holds_up_no_other(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, servers=2) as stage:
        stage.there.overwrites[ALERTS] = [overwrite(BOT_ROLE, allow=VIEW, deny=SEND)]
        for server in (0, 1):
            await talk(stage, server=server)
        await stage.settled()
        assert stage.cards() == []
        assert len(stage.cards(1)) == 1


# --- answers that come too late --------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", ["late_callbacks", "late_followups"])
async def test_a_decision_whose_answer_came_too_late_is_recorded_and_shown_on_the_card(
    stage: DiscordStage, late: str
) -> None:
    await talk(stage)
    await stage.settled()
    (card,) = copy.deepcopy(stage.cards())
    setattr(stage.there, late, True)
    told = await stage.press(card["alert"], "Confirm")
    assert told.text == "This interaction failed", "which is what Discord says itself"
    setattr(stage.there, late, False)
    async with asyncio.timeout(30):
        while "confirmed" not in stage.cards()[0]["text"]:
            await stage.settled()
    again = await stage.there.press(card["message"], f"lampkeeper:confirm:{card['alert']}", PEOPLE["second"])
    assert "before you" in again.text


@pytest.mark.parametrize("late", ["late_callbacks", "late_followups"])
async def test_an_answer_that_came_too_late_is_no_fault(stage: DiscordStage, late: str) -> None:
    await talk(stage)
    await stage.settled()
    (card,) = stage.cards()
    setattr(stage.there, late, True)
    with capture_logs() as logs:
        await stage.press(card["alert"], "Show excerpt")
        await stage.there.command("lampkeeper privacy", PEOPLE["friend"])
        await stage.settled()
    assert not [entry for entry in logs if entry["event"] in ("discord.press_failed", "discord.broken")]
    setattr(stage.there, late, False)
    assert "||" in (await stage.press(card["alert"], "Show excerpt")).text


async def test_a_button_of_another_version_does_nothing_and_harms_nothing(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.settled()
    (card,) = stage.cards()
    strange = json.loads(json.dumps(card["message"]).replace("lampkeeper:confirm:", "lampkeeper:bless:"))
    stage.there.patience = 0.2  # nothing answers
    reply = await stage.there.press(strange, f"lampkeeper:bless:{card['alert']}", PEOPLE["moderator"])
    assert reply.text == "This interaction failed"
    stage.there.patience = 20.0
    assert "Recorded" in (await stage.press(card["alert"], "Confirm")).text


# --- Discord's own limits --------------------------------------------------------------------------------------------


def test_this_discord_refuses_what_discord_does() -> None:
    button = {"type": 2, "label": "a", "custom_id": "a"}
    assert [*faults_of({"content": "a" * 2000})] == []
    for wrong in (
        {"content": "a" * 2001},
        {"embeds": [{"title": "a" * 257}]},
        {"embeds": [{"description": "a" * 4096, "fields": [{"name": "a", "value": "a" * 1024}] * 2}]},
        {"embeds": [{"fields": [{"name": "a", "value": ""}]}]},
        {"components": [{"type": 1, "components": [button, button]}]},
        {"components": [{"type": 1, "components": [{"type": 3, "custom_id": "a", "options": []}]}]},
    ):
        assert [*faults_of(wrong)], wrong
