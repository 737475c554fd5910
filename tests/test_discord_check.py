"""`lampkeeper check` beside a running bot: what admins chose in Discord counts, over what the operator's file says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bots.commands.service import check
from core.casework.cards import Person
from core.store.look import choices_of
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    GENERAL,
    GROWN,
    HISTORY,
    MODERATORS,
    SECRET,
    SEND,
    SERVER,
    TOKEN,
    VIEW,
    VOICE,
    Json,
    overwrite,
)
from tests.discord_stage import DiscordStage

ADMIN = Person("1", "admin")
MENTION = 1 << 17


class Said(list[str]):
    """The lines that `check` printed."""

    @property
    def wrong(self) -> list[str]:
        """Those that ask for something to be done."""
        return [line for line in self if line.startswith("✗")]


async def checked(folder: Path, capsys: pytest.CaptureFixture[str], *, alert_channel: int | None = ALERTS) -> Said:
    """Run `lampkeeper check` with an operator's file that names the server, while the bot runs."""
    channel = "" if alert_channel is None else f"alert_channel = {alert_channel}\n"
    config = folder / "config.toml"
    config.write_text(
        f"[storage]\ndatabase = '{folder / 'lampkeeper.db'}'\nkey_file = '{folder / 'lampkeeper.key'}'\n"
        f"[discord]\ntoken = '{TOKEN}'\n[[discord.servers]]\nid = {SERVER}\n{channel}"
    )
    capsys.readouterr()
    status = await asyncio.to_thread(check, config=config)
    said = Said(line for line in capsys.readouterr().out.splitlines() if line.startswith(("ok", "✗")))
    assert status == bool(said.wrong)
    assert TOKEN not in str(said)
    return said


async def choose(stage: DiscordStage, **choices: object) -> None:
    await stage.adapter.servers.choose(SERVER, choices, ADMIN)


async def test_an_alert_channel_chosen_in_discord_is_the_one_that_is_looked_at(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (unset,) = (await checked(tmp_path, capsys, alert_channel=None)).wrong
    assert "no alert channel yet" in unset
    assert "/lampkeeper setup" in unset
    await choose(stage, alert_channel=SECRET)
    (lacks,) = (await checked(tmp_path, capsys, alert_channel=None)).wrong
    assert f"alert channel {SECRET}" in lacks
    assert "View Channel" in lacks
    (lacks,) = (await checked(tmp_path, capsys)).wrong
    assert f"alert channel {SECRET}" in lacks, "the admins' choice wins over the operator's"
    await choose(stage, alert_channel=999)
    (gone,) = (await checked(tmp_path, capsys)).wrong
    assert "999" in gone
    assert "/lampkeeper settings" in gone
    await choose(stage, alert_channel=None)
    assert not (await checked(tmp_path, capsys)).wrong


async def test_channels_left_out_in_discord_are_not_looked_at(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]
    stage.there.overwrites[VOICE] = [overwrite(BOT_ROLE, deny=VIEW)]
    said = await checked(tmp_path, capsys)
    assert [str(GENERAL) in line for line in said.wrong] == [True]
    assert any("closed to the bot" in line and str(VOICE) in line for line in said)
    await choose(stage, ignored_channels=[GENERAL, VOICE])
    said = await checked(tmp_path, capsys)
    assert not said.wrong
    assert not any("closed to the bot" in line and str(VOICE) in line for line in said)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({}, "is live: a card appears from "),
        ({"review": 0.625}, "is live: a card appears from 0.625 on"),
        ({"mode": "shadow"}, "shadow mode: scores are counted, and no card is shown"),
        ({"pauses": [(86_400.0, None)]}, "is paused since 1970-01-02 00:00 UTC: nothing is read there"),
    ],
    ids=["as it is", "threshold", "shadow", "paused"],
)
async def test_mode_threshold_and_pause_are_told_as_admins_chose_them(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str], choices: Json, words: str
) -> None:
    await choose(stage, **choices)
    said = await checked(tmp_path, capsys)
    assert not said.wrong
    assert [line for line in said if words in line]


@pytest.mark.parametrize("setting", ["moderator_roles", "second_reviewers"])
async def test_roles_chosen_in_discord_that_are_gone_are_named_with_where_to_correct_them(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    await choose(stage, **{setting: [998]})
    (gone,) = (await checked(tmp_path, capsys)).wrong
    assert "998 does not exist" in gone
    assert "/lampkeeper settings" in gone


async def test_a_role_that_the_bot_may_not_call_is_named(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await choose(stage, call_role=MODERATORS)
    (mute,) = (await checked(tmp_path, capsys)).wrong
    assert f"may not call the role {MODERATORS}" in mute
    assert "Mention @everyone, @here, and All Roles" in mute
    stage.there.overwrites[ALERTS].append(overwrite(BOT_ROLE, allow=VIEW | MENTION))
    assert not (await checked(tmp_path, capsys)).wrong


async def test_a_second_channel_that_is_gone_or_closed_is_named(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await choose(stage, second_channel=997)
    (gone,) = (await checked(tmp_path, capsys)).wrong
    assert "second channel 997" in gone
    await choose(stage, second_channel=GENERAL)
    assert not (await checked(tmp_path, capsys)).wrong
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=SEND)]
    (mute,) = (await checked(tmp_path, capsys)).wrong
    assert "lacks Send Messages" in mute


async def test_checking_changes_nothing_of_what_is_stored(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await choose(stage, age_roles={str(GROWN): "adult"})
    before = choices_of(tmp_path / "lampkeeper.db")
    await checked(tmp_path, capsys)
    assert choices_of(tmp_path / "lampkeeper.db") == before != []


async def test_without_a_database_or_with_another_key_the_operators_file_is_looked_at(
    stage: DiscordStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await choose(stage, alert_channel=999)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    assert not (await checked(folder, capsys)).wrong
    key = tmp_path / "lampkeeper.key"
    key.chmod(0o600)
    key.write_bytes(bytes(32))
    (other,) = (await checked(tmp_path, capsys)).wrong
    assert "key file" in other
