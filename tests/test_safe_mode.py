"""The store or the model cannot be opened: the bot says so on Discord, over the wire, and goes on once they can be."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bots import composition
from bots.commands import service
from bots.discord_bot import safe
from core import channels
from core.casework.cards import Person
from core.config import Config, Storage
from core.errors import ModelError, StoreError, StoreInUseError
from core.store import open_store
from tests.discord_objects import ALERTS, GENERAL, MESSAGE_CONTENT, PEOPLE, SERVER
from tests.discord_platform import Platform, platform
from tests.discord_stage import discord_stage, settings, until
from tests.support import slow_talk

NO_DATABASE = b"this is no database " * 1000


@pytest.fixture
async def there() -> AsyncIterator[Platform]:
    async with platform() as running:
        yield running


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe, "TRIED_EVERY", 0.02)
    monkeypatch.setattr(service, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(service, "LONGEST_WAIT", 0.05)


def config_in(folder: Path, **server: Any) -> Config:
    storage = Storage(database=folder / "lampkeeper.db", key_file=folder / "lampkeeper.key")
    return Config(storage=storage, discord=settings(**server))


def damage(folder: Path) -> None:
    (folder / "lampkeeper.db").write_bytes(NO_DATABASE)
    (folder / "lampkeeper.db-wal").unlink(missing_ok=True)  # SQLite would mend the file from it
    key = folder / "lampkeeper.key"
    if not key.exists():
        key.write_bytes(bytes(32))
        key.chmod(0o600)


def mend(folder: Path) -> None:
    (folder / "lampkeeper.db").unlink()


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[asyncio.Task[int]]:
    """`lampkeeper run`, which is stopped at the end of the block as the system would."""
    task = asyncio.create_task(service._run(config))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await task


def told(there: Platform) -> list[str]:
    return [said["content"] for said in there.messages.get(ALERTS, {}).values() if not said["embeds"]]


async def test_a_database_that_cannot_be_opened_is_told_in_the_alert_channel_once(
    there: Platform, tmp_path: Path
) -> None:
    damage(tmp_path)
    async with running(config_in(tmp_path)):
        await until(lambda: bool(told(there)))
        await there.heard()
        await asyncio.sleep(10 * safe.TRIED_EVERY)
        (notice,) = told(there)
    assert "not checking messages" in notice
    assert "is damaged" in notice
    assert "Restore it from your backup" in notice
    assert (tmp_path / "lampkeeper.db").read_bytes() == NO_DATABASE


async def test_it_is_told_again_every_hour(there: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe, "TOLD_EVERY", 0.05)
    damage(tmp_path)
    async with running(config_in(tmp_path)):
        await until(lambda: len(told(there)) > 1)


async def test_once_it_can_be_opened_lampkeeper_runs_and_reads_what_it_missed(there: Platform, tmp_path: Path) -> None:
    config = config_in(tmp_path)
    async with discord_stage_on(there, tmp_path):
        pass
    whole = (tmp_path / "lampkeeper.db").read_bytes()
    damage(tmp_path)
    async with running(config):
        await until(lambda: bool(told(there)))
        there.message(PEOPLE["target"], GENERAL, "hello there")
        for line in slow_talk():
            there.message(PEOPLE["actor"], GENERAL, line)
        (tmp_path / "lampkeeper.db").write_bytes(whole)
        await until(lambda: any(said["embeds"] for said in there.messages[ALERTS].values()))
    assert "checks messages again" in told(there)[1]


async def test_safe_mode_asks_for_no_messages(there: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    identify = there._identify

    async def noting(socket: Any, data: Any) -> None:
        asked.append(data["intents"])
        await identify(socket, data)

    monkeypatch.setattr(there, "_identify", noting)
    damage(tmp_path)
    async with running(config_in(tmp_path)):
        await there.identified.wait()
        mend(tmp_path)
        await until(lambda: len(asked) == 2)
    assert [bool(intents & MESSAGE_CONTENT) for intents in asked] == [False, True]


async def test_commands_and_buttons_tell_moderators_what_is_wrong_and_others_only_that_it_cannot_be_done(
    tmp_path: Path,
) -> None:
    async with discord_stage(tmp_path) as stage:
        await stage.say("target", "hello there")
        for line in slow_talk():
            await stage.say("actor", line)
        await stage.settled()
        await stage.stop()
        damage(tmp_path)
        async with running(config_in(tmp_path)):
            await until(lambda: any("not checking" in notice for notice in stage.notices()))
            await stage.there.heard()
            moderator = await stage.there.command("lampkeeper privacy", PEOPLE["moderator"])
            member = await stage.there.command("lampkeeper privacy", PEOPLE["friend"])
            pressed = await stage.press(stage.cards()[0]["alert"], "Confirm")
            typed = await stage.there.typing("lampkeeper backscan", "days", "", PEOPLE["moderator"])
    assert "is damaged" in moderator.text
    assert moderator.ephemeral
    assert "could not be done" in member.text
    assert "damaged" not in member.text
    assert "is damaged" in pressed.text
    assert typed == ()


async def test_a_server_that_was_set_up_on_discord_itself_is_told_too(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, alert_channel=None) as stage:
        await stage.adapter.servers.choose(SERVER, {"alert_channel": ALERTS}, Person("1", "admin"))
        await stage.stop()
        damage(tmp_path)
        async with running(config_in(tmp_path, alert_channel=None)):
            await until(lambda: any("settings" not in text for text in told(stage.there)))


async def test_a_server_that_is_forgotten_is_not_remembered_for_safe_mode(tmp_path: Path) -> None:
    async with discord_stage(tmp_path) as stage:
        database = tmp_path / "lampkeeper.db"
        await stage.adapter.servers.choose(SERVER, {"alert_channel": ALERTS}, Person("1", "admin"))
        assert channels.recall(database) == {f"discord:{SERVER}": ALERTS}
        await stage.guard.forget_space(f"discord:{SERVER}")
        assert channels.recall(database) == {}


def test_without_the_file_of_alert_channels_or_with_a_damaged_one_none_is_known(tmp_path: Path) -> None:
    database = tmp_path / "lampkeeper.db"
    channels.note(database, "discord:1", 2)
    assert channels.recall(database) == {"discord:1": 2}
    (file,) = tmp_path.iterdir()
    file.write_text(json.dumps(["damaged"]))
    assert channels.recall(database) == {}
    file.write_bytes(NO_DATABASE)
    assert channels.recall(database) == {}


async def test_a_model_that_cannot_be_loaded_is_told_too(
    there: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_config: Config) -> None:
        raise ModelError("The model is damaged.", "Install Lampkeeper again.")

    with monkeypatch.context() as patched:
        patched.setattr(composition, "make_engine", damaged)
        async with running(config_in(tmp_path)):
            await until(lambda: bool(told(there)))
    assert "Install Lampkeeper again." in told(there)[0]
    store = await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key")
    await store.close()


async def test_where_another_lampkeeper_watches_nobody_is_told_otherwise(there: Platform, tmp_path: Path) -> None:
    store = await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key")
    with pytest.raises(StoreInUseError, match="Another Lampkeeper"):
        await service._run(config_in(tmp_path))
    await store.close()
    assert told(there) == []
    assert not there.requests


async def test_a_safe_mode_that_discord_refuses_ends_with_what_is_wrong(
    there: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(tmp_path)
    there.accept_token = "another"
    with pytest.raises(StoreError, match="is damaged"):
        await service._run(config_in(tmp_path))
    assert "token" in capsys.readouterr().err


@asynccontextmanager
async def discord_stage_on(there: Platform, folder: Path) -> AsyncIterator[None]:
    """Lampkeeper running on a Discord that is there already, its database in `folder`."""
    async with running(config_in(folder)):
        await until(lambda: there.identified.is_set() and (folder / "lampkeeper.db").exists())
        await until(lambda: bool(there.commands))
        await there.heard()
        await asyncio.sleep(0.2)
        yield
