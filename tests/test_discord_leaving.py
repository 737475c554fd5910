"""A server removes the bot, over the wire: it is sealed at once, whole again if the bot is back, and deleted if not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from core.casework.cards import Person
from core.retention import rules
from core.retention.leaving import GRACE
from core.store import tables
from tests.discord_objects import ALERTS, GENERAL, LAMPKEEPER, PEOPLE, SERVER, Json, stamp
from tests.discord_objects import there as placed
from tests.discord_platform import Platform
from tests.discord_stage import DiscordStage, Ear, cancelled, discord_stage, heard, listening, until
from tests.support import slow_talk

HERE = f"discord:{SERVER}"
ADMIN = Person("1", "admin")


@dataclass
class Clock:
    """Lampkeeper's clock, which a test may set forward."""

    ahead: float = 0.0
    real: Callable[[], float] = field(default=time.time)

    def __call__(self) -> float:
        return self.real() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def talk(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()


async def rows(stage: DiscordStage, table: str) -> list[Any]:
    here = tables.metadata.tables[table]
    async with stage.guard.ledger.store.read() as tx:
        return list((await tx.execute(select(here).where(here.c.space == HERE))).all())


async def deeds(stage: DiscordStage) -> list[str]:
    return [row.what for row in await rows(stage, "audit")]


async def kept(stage: DiscordStage) -> dict[str, int]:
    """How many rows each table has of the server."""
    counts = {name: len(await rows(stage, name)) for name, rule in rules.RULES.items() if rule.of_a_space}
    return {name: count for name, count in counts.items() if count}


async def remove(stage: DiscordStage) -> None:
    """Discord says that the bot is in the server no more; returns when Lampkeeper took note."""
    with capture_logs() as logs:
        await stage.there.send("GUILD_DELETE", {"id": str(SERVER)})
        await until(lambda: any(entry["event"] == "discord.removed" for entry in logs))
    (told,) = [entry for entry in logs if entry["event"] == "discord.removed"]
    assert "7 days" in told["remedy"]


def invited_again(there: Platform) -> Json:
    """API, "Guild Create", as the bot gets it on joining: it joined just now."""
    me = there.member(LAMPKEEPER) | {"user": there.user(LAMPKEEPER), "joined_at": stamp(time.time() + 1)}
    return {name: value for name, value in there.guild().items() if name != "unavailable"} | {"members": [me]}


async def invite(stage: DiscordStage) -> None:
    """Invite the bot again; returns when Lampkeeper took note."""
    with capture_logs() as logs:
        await stage.there.send("GUILD_CREATE", invited_again(stage.there))
        await until(lambda: any(entry["event"] == "discord.joined" for entry in logs))
    await stage.settled()


async def test_a_server_that_removes_the_bot_is_sealed_at_once(stage: DiscordStage) -> None:
    await talk(stage)
    before = [message["embeds"] for message in stage.there.messages[ALERTS].values()]
    await remove(stage)
    assert "space left" in await deeds(stage)
    await stage.guard.communities.tell(HERE, "something")
    assert await stage.guard.desk.decide(stage.cards()[0]["alert"], "confirmed", ADMIN)
    await stage.guard.settled()
    assert [message["embeds"] for message in stage.there.messages[ALERTS].values()] == before
    assert stage.notices() == []


async def test_direct_messages_with_the_bot_are_not_read_for_a_server_that_removed_it(stage: DiscordStage) -> None:
    await talk(stage)
    await remove(stage)
    before = await kept(stage)
    for line in slow_talk():
        await stage.say("actor", line, "dm")
    await stage.there.heard()
    await stage.guard.settled()
    assert await kept(stage) == before


async def test_back_within_a_week_everything_is_as_it_was_and_the_admins_are_told(
    stage: DiscordStage, clock: Clock
) -> None:
    await talk(stage)
    await stage.adapter.servers.choose(SERVER, {"review": 0.5}, ADMIN)
    await stage.settled()
    before = stage.notices()
    await remove(stage)
    await stage.guard.desk.decide(stage.cards()[0]["alert"], "confirmed", ADMIN)
    messages = await rows(stage, "messages")
    clock.ahead = GRACE - 3600
    await stage.guard.forget_left()
    clock.ahead = 0.0
    stage.there.message(PEOPLE["actor"], GENERAL, "while it was away")
    await invite(stage)
    assert (await stage.guard.communities.standing(HERE)).left is None
    assert stage.adapter.servers.of(SERVER).review == 0.5
    assert "confirmed" in stage.cards()[0]["text"], "what was to be shown meanwhile is shown"
    (notice,) = [told for told in stage.notices() if told not in before]
    assert "back" in notice
    assert await rows(stage, "messages") == messages, "what was said meanwhile was not seen"


async def test_after_a_week_everything_is_deleted_but_one_row_that_says_so(stage: DiscordStage, clock: Clock) -> None:
    await talk(stage)
    await stage.adapter.servers.choose(SERVER, {"review": 0.5}, ADMIN)
    await remove(stage)
    clock.ahead = GRACE + 3600
    await stage.guard.forget_left()
    await stage.guard.forget_left()
    (row,) = await rows(stage, "audit")
    assert (row.what, row.who, row.about, row.detail) == ("space deleted", "", "", {"held": 0})
    assert await kept(stage) == {"audit": 1}


async def test_a_server_that_was_deleted_and_invites_the_bot_again_is_a_new_one(
    stage: DiscordStage, clock: Clock
) -> None:
    await talk(stage)
    await stage.adapter.servers.choose(SERVER, {"review": 0.5}, ADMIN)
    await stage.settled()
    before = stage.notices()
    await remove(stage)
    clock.ahead = GRACE + 3600
    await stage.guard.forget_left()
    await invite(stage)
    assert stage.notices() == before
    assert stage.adapter.servers.of(SERVER).review is None
    assert await rows(stage, "messages") == []
    assert await deeds(stage) == ["space deleted", "space joined"]


async def test_a_case_under_legal_hold_outlives_its_server_sealed(stage: DiscordStage, clock: Clock) -> None:
    await talk(stage)
    (alert,) = [card["alert"] for card in stage.cards()]
    async with stage.guard.ledger.transaction() as tx:
        await tx.execute(update(tables.alerts).values(held=clock()))
    await remove(stage)
    clock.ahead = GRACE + 3600
    await stage.guard.forget_left()
    await stage.guard.forget_left()
    assert await stage.guard.desk.card(alert) is not None
    assert (await stage.guard.communities.standing(HERE)).left is not None
    assert [row.detail for row in await rows(stage, "audit") if row.what == "space deleted"] == [{"held": 1}]
    assert not {"messages", "conversations", "peaks"}.intersection(await kept(stage))
    async with stage.guard.ledger.transaction() as tx:
        await tx.execute(update(tables.alerts).values(held=None))
    await stage.guard.forget_left()
    assert await kept(stage) == {"audit": 1}


async def test_a_server_that_removed_the_bot_while_it_was_not_running_is_sealed_at_the_start(
    stage: DiscordStage,
) -> None:
    await talk(stage)
    await stage.stop()
    stage.there.servers.remove(SERVER)
    with capture_logs() as logs:
        starting = asyncio.create_task(stage.start())
        await until(lambda: any(entry["event"] == "discord.removed" for entry in logs))
    await cancelled(starting)
    assert (await stage.guard.communities.standing(HERE)).left is not None


async def test_nothing_from_before_the_bot_joined_is_read(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 3600
    there.message(PEOPLE["actor"], GENERAL, "before it joined")
    frame = invited_again(there)
    async with listening(ear) as adapter:
        await heard(there, adapter)
        ear.events.clear()
        await there.send("GUILD_DELETE", {"id": str(SERVER)})
        await there.send("GUILD_CREATE", frame)
        number = there.id() + (5_000 << 22)
        later = there.message(PEOPLE["actor"], GENERAL, "after it joined", number)
        await there.send("MESSAGE_CREATE", there.as_event(later))
        await heard(there, adapter)
    assert set(ear.texts()) == {"after it joined"}


@pytest.mark.parametrize("answered", [True, False])
async def test_a_server_that_removed_the_bot_while_the_session_was_lost_is_sealed(
    tmp_path: Path, answered: bool
) -> None:
    other = placed(1, SERVER)
    async with discord_stage(tmp_path, servers=2) as stage:
        await stage.drop_connection(forget=True)
        stage.there.servers.remove(other)
        if not answered:
            stage.there.faults.append(("GET /users/@me/guilds", 403, {"message": "Missing Access", "code": 50001}, {}))
        with capture_logs() as logs:
            await stage.settled()
            told = "discord.removed" if answered else "discord.servers_unknown"
            await until(lambda: any(entry["event"] == told for entry in logs))
        await stage.settled()
        assert ((await stage.guard.communities.standing(f"discord:{other}")).left is not None) == answered
        assert (await stage.guard.communities.standing(HERE)).left is None
        if answered:
            await until(lambda: "discord" in stage.guard._listening)
