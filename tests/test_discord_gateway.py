"""Discord's gateway has a bad day: shards, sessions, silences and servers come and go; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import bots.discord_bot
from bots.discord_bot.client import Watch
from core.messages import Message
from tests.discord_objects import (
    BOT_ROLE,
    FORUM,
    GENERAL,
    GROWN,
    PEOPLE,
    SERVER,
    THREAD,
    VIEW,
    overwrite,
    there,
)
from tests.discord_platform import platform
from tests.discord_stage import DiscordStage, Ear, discord_stage, heard, listening, rows, talk, until

OTHER = 1
"""The number of the second server, which the second of two shards carries."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DiscordStage]:
    """Lampkeeper in two servers, on two shards."""
    async with discord_stage(tmp_path, servers=2, shards=2) as running:
        yield running


async def test_the_servers_of_both_shards_are_watched_and_each_gets_its_own_card(stage: DiscordStage) -> None:
    for server in (0, OTHER):
        await talk(stage, server=server)
    await stage.settled()
    assert stage.there.identifies == 2
    for server in (0, OTHER):
        (card,) = stage.cards(server)
        assert f"https://discord.com/channels/{there(server, SERVER)}/{there(server, GENERAL)}/" in card["text"]


async def test_a_shard_that_is_away_holds_only_its_own_servers(stage: DiscordStage) -> None:
    await stage.there.drop(forget=True, shard=1)
    lines = await talk(stage, server=OTHER)
    await talk(stage)
    await until(lambda: len(stage.cards()) == 1)
    assert stage.cards(OTHER) == []
    assert await rows(stage, OTHER) == []
    await stage.settled()
    assert await rows(stage, OTHER) == lines
    assert (len(stage.cards()), len(stage.cards(OTHER))) == (1, 1)


async def test_a_button_is_answered_while_the_other_shard_is_away(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.settled()
    await stage.there.drop(forget=True, shard=1)
    assert "Recorded" in (await stage.press(stage.cards()[0]["alert"], "Confirm")).text


async def lose_nothing(stage: DiscordStage, server: int, *, says_meanwhile: Any) -> None:
    """Let half of a talk come before something happens, a line while it does, the rest after it."""
    said = [await stage.say("target", "hello there", server=server)]
    said.append(await stage.say("actor", "hello to you", server=server))
    await stage.settled()
    await says_meanwhile()
    said.append(await stage.say("target", "are you there?", server=server))
    await stage.settled()
    said += await talk(stage, server=server)
    await stage.settled()
    assert await rows(stage, server) == said
    assert len(stage.cards(server)) == 1


@pytest.mark.parametrize("server", [0, OTHER])
async def test_a_request_to_reconnect_is_followed_by_its_shard_alone(stage: DiscordStage, server: int) -> None:
    await lose_nothing(stage, server, says_meanwhile=lambda: stage.there.ask_to_reconnect(server))
    assert (stage.there.identifies, stage.there.resumes) == (2, 1)


@pytest.mark.parametrize(("resumable", "counts"), [(True, (2, 1)), (False, (3, 0))])
async def test_an_invalid_session_is_resumed_or_begun_anew_as_discord_says(
    stage: DiscordStage, resumable: bool, counts: tuple[int, int]
) -> None:
    await lose_nothing(
        stage, OTHER, says_meanwhile=lambda: stage.there.invalidate(resumable=resumable, shard=stage.there.shards - 1)
    )
    assert (stage.there.identifies, stage.there.resumes) == counts


async def test_a_session_that_cannot_be_resumed_any_more_is_begun_anew(stage: DiscordStage) -> None:
    await lose_nothing(stage, OTHER, says_meanwhile=lambda: stage.there.drop(forget=True, shard=1))
    assert (stage.there.identifies, stage.there.resumes) == (3, 1)


async def test_a_connection_that_only_seems_to_stand_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Watch):
        """Takes a connection for dead sooner than after a minute."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._connection.heartbeat_timeout = 0.5

    monkeypatch.setattr(bots.discord_bot, "Watch", Impatient)
    monkeypatch.setattr("tests.discord_gateway.HEARTBEAT", 0.05)
    async with discord_stage(tmp_path, servers=2, shards=2) as stage:
        await until(lambda: stage.there.beats > 10)
        await talk(stage, server=OTHER)
        await stage.settled()
        stage.there.make_zombie(1)
        unheard = await stage.say("actor", "is anybody there?", server=OTHER)
        resumed = stage.there.resumes
        await until(lambda: stage.there.resumes > resumed)
        await stage.settled()
        assert (await rows(stage, OTHER))[-1] == unheard
        assert len(await rows(stage, OTHER)) == 14
        assert len(stage.cards(OTHER)) == 1


@pytest.mark.parametrize(
    ("event", "broken"),
    [
        ("MESSAGE_CREATE", {"guild_id": None}),
        ("THREAD_CREATE", {"thread_metadata": None}),
        ("MESSAGE_CREATE", {"thread": None}),
    ],
)
async def test_a_frame_that_ends_discord_py_costs_neither_shard_a_message(
    stage: DiscordStage, event: str, broken: dict[str, Any]
) -> None:
    first = [await stage.say("target", "hello there", server=server) for server in (0, OTHER)]
    await stage.settled()
    data = stage.there.channel(THREAD)
    if event == "MESSAGE_CREATE":
        data = stage.there.as_event(stage.there.message(PEOPLE["friend"], GENERAL, "hello"))
        first.append(data["id"])
    for link in stage.there.links:
        link.identified.clear()
    await stage.there.send_frame({"op": 0, "s": 999, "t": event, "d": data | broken})
    await stage.there.heard()
    await stage.settled()
    assert stage.there.identifies == 4
    last = [await stage.say("target", "still here", server=server) for server in (0, OTHER)]
    await stage.settled()
    assert sorted(await rows(stage)) == sorted(first + last)


# --- servers come and go ---------------------------------------------------------------------------------------------


async def test_being_removed_from_one_server_leaves_the_others_alone(stage: DiscordStage) -> None:
    for server in (0, OTHER):
        await talk(stage, server=server)
    await stage.settled()
    await stage.there.remove(there(OTHER, SERVER))
    await stage.settled()
    await stage.say("actor", "hello again")
    await stage.settled()
    assert len(await rows(stage, 0)) == 14


async def test_a_server_that_the_bot_joins_later_is_watched_at_once(stage: DiscordStage) -> None:
    third = stage.there.add_server(2)
    await stage.there.join(third)
    await talk(stage, server=2)
    await stage.settled()
    assert len(await rows(stage, 2)) == 13
    assert stage.cards(2) == [], "its admins have chosen no alert channel yet"


async def test_an_outage_of_one_server_holds_no_other_and_is_read_up_on(stage: DiscordStage) -> None:
    await stage.say("target", "hello there", server=OTHER)
    await stage.settled()
    await stage.there.fail(there(OTHER, SERVER))
    missed = stage.there.message(PEOPLE["actor"], there(OTHER, GENERAL), "said meanwhile")
    await talk(stage)
    await stage.settled()
    assert len(stage.cards()) == 1
    assert missed["id"] not in await rows(stage)
    await stage.there.recover(there(OTHER, SERVER))
    await stage.settled()
    assert (await rows(stage, OTHER))[-1] == missed["id"]


async def test_a_server_in_an_outage_at_the_start_does_not_hold_the_others(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, servers=2, shards=2) as stage:
        stage.there.outages.add(there(OTHER, SERVER))
        await stage.restart()
        await talk(stage)
        await stage.settled()
        assert len(stage.cards()) == 1


# --- threads, posts, members -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", [GENERAL, FORUM])
async def test_a_thread_or_post_is_watched_from_its_first_message(stage: DiscordStage, parent: int) -> None:
    parent = there(OTHER, parent)
    opened = stage.there.id()
    await stage.there.create_thread(opened, parent)
    first = stage.there.message(PEOPLE["actor"], opened, "first")
    await stage.there.send("MESSAGE_CREATE", stage.there.as_event(first))
    await stage.settled()
    await stage.there.delete_thread(opened)
    await stage.say("target", "elsewhere", server=OTHER)
    await stage.settled()
    assert (await rows(stage, OTHER))[0] == first["id"]
    assert len(await rows(stage, OTHER)) == 2


async def test_threads_of_a_channel_that_was_closed_to_the_bot_are_read_once_it_may(stage: DiscordStage) -> None:
    await stage.say("target", "hello there", "thread")
    await stage.settled()
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=VIEW)]
    await stage.there.change_channel(GENERAL)
    unseen = stage.there.message(PEOPLE["actor"], THREAD, "unseen")
    await stage.settled()
    assert unseen["id"] not in await rows(stage)
    stage.there.overwrites[GENERAL] = []
    await stage.there.change_channel(GENERAL)
    await stage.there.sync_threads(GENERAL)
    seen = await stage.say("actor", "seen", "thread")
    await stage.settled()
    assert (await rows(stage))[-1] == seen


async def test_an_age_role_counts_from_the_next_message_on(tmp_path: Path) -> None:
    ear = Ear()
    async with platform() as discord_there, listening(ear, age_roles={str(GROWN): "adult"}) as adapter:
        for roles in ([], [GROWN]):
            discord_there.member_roles[PEOPLE["teacher"]] = roles
            await discord_there.change_member(PEOPLE["teacher"])
            said = discord_there.message(PEOPLE["teacher"], GENERAL, "hello")
            await discord_there.send("MESSAGE_CREATE", discord_there.as_event(said))
        await heard(discord_there, adapter)
    assert [event.author.age_band for event in ear.events if isinstance(event, Message)] == [None, "adult"]


async def test_a_sweep_of_what_a_card_rests_on_shows_on_the_card(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.settled()
    assert "deleted" not in stage.cards()[0]["text"]
    await stage.there.sweep(list(stage.there.messages[GENERAL].values()))
    await stage.settled()
    assert "deleted" in stage.cards()[0]["text"]
