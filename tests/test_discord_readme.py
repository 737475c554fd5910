"""The README's Discord part, followed word by word: each step can be done as it says, in its order, and is enough."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from bots.cli import COMMANDS, GROUPS
from bots.commands.service import check
from bots.discord_bot.permissions import invite
from bots.slack_app.commands import COMMANDS as SLACK
from core.config import Discord
from tests.discord_objects import ALERTS, BOT_ROLE, DM, LAMPKEEPER, MODERATORS, SERVER, TOKEN, button_ids
from tests.discord_platform import VIEW_AUDIT_LOG, Platform, components, platform
from tests.discord_stage import DiscordStage, talk, until
from tests.support import ROOT

INVITER = 313
MANAGE_SERVER = 1 << 5
INVITED = 1099511745668

PAGES = ["README.md", "docs/discord.md", "bots/texts/en.toml"]


def part() -> str:
    """The README's part on Discord."""
    readme = (ROOT / "README.md").read_text("utf-8")
    return readme.partition("### Discord\n")[2].partition("\n### ")[0]


async def checked(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[str]]:
    """Run `lampkeeper check`; return all that it says, and the lines that it marks."""
    capsys.readouterr()
    await asyncio.to_thread(check)
    said = capsys.readouterr().out
    return said, [line for line in said.splitlines() if line.startswith("✗")]


async def test_the_steps_lead_to_a_card_and_to_a_check_that_finds_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = re.split(r"^\d\. ", part(), flags=re.MULTILINE)[1:]
    assert len(steps) == 5
    monkeypatch.chdir(tmp_path)
    async with platform() as there:
        there.servers.clear()
        # 1
        assert "export LAMPKEEPER_DISCORD_TOKEN=" in steps[0]
        monkeypatch.setenv("LAMPKEEPER_DISCORD_TOKEN", TOKEN)
        # 2
        assert "`.venv/bin/lampkeeper check`" in steps[1]
        said, marked = await checked(capsys)
        assert invite(LAMPKEEPER) in said
        assert ["in no server yet" in line for line in marked] == [True]
        invited(there)
        # 3
        assert "`.venv/bin/lampkeeper run`" in steps[2]
        stage = DiscordStage(tmp_path, there, Discord(token=SecretStr(TOKEN)), time.time)
        await stage.start()
        try:
            await talk(stage)
            await stage.settled()
            assert stage.cards() == []
            _, marked = await checked(capsys)
            assert ["no alert channel yet: its cards wait" in line for line in marked] == [True]
            # 4: the tests' alert channel is one that only moderators and the bot can see
            # 5
            await until(lambda: bool(there.messages.get(DM)))
            (welcome,) = there.messages[DM].values()
            assert f"lampkeeper:setup:{SERVER}" in button_ids(welcome)
            begun = await there.command("lampkeeper setup", INVITER)
            await pick(there, begun.message, "alerts", ALERTS)
            await pick(there, (await there.command("lampkeeper setup", INVITER)).message, "moderators", MODERATORS)
            await stage.settled()
            assert [card["buttons"] for card in stage.cards()] == [["Confirm", "Dismiss", "Show excerpt"]]
            before = len(there.messages[ALERTS])
            await there.command("lampkeeper test", INVITER)
            await stage.settled()
            assert len(there.messages[ALERTS]) == before + 1
            assert (await checked(capsys))[1] == []
        finally:
            await stage.stop()


def invited(there: Platform) -> None:
    """Let somebody who manages the server open the link, and authorize."""
    there.servers.append(SERVER)
    there.roles[BOT_ROLE] |= INVITED | VIEW_AUDIT_LOG
    there.invited_by = INVITER
    there.roles[MODERATORS] |= MANAGE_SERVER
    there.member_roles.setdefault(INVITER, []).append(MODERATORS)


async def pick(there: Platform, message: object, page: str, value: int) -> None:
    """Turn the walk to a page, and pick something there."""
    assert isinstance(message, dict)
    while not any(part.get("custom_id") == f"lampkeeper:pick:{SERVER}:{page}" for part in components(message)):
        forward = next(part["custom_id"] for part in components(message) if part.get("label") in {"Skip", "Next"})
        turned = (await there.press(message, forward, INVITER)).message
        assert turned is not None
        message = turned
    await there.press(message, f"lampkeeper:pick:{SERVER}:{page}", INVITER, (str(value),))


@pytest.mark.parametrize("page", PAGES)
async def test_every_command_that_is_named_exists(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text("utf-8")
    async with platform() as there:
        stage = DiscordStage(tmp_path, there, Discord(token=SecretStr(TOKEN)), time.time)
        await stage.start()
        try:
            (group,) = (command for command in there.commands if command["name"] == "lampkeeper")
        finally:
            await stage.stop()
    known = {option["name"] for option in group["options"]}
    if page != "docs/discord.md":  # the others speak of Slack, too
        known |= SLACK.keys()
    named = set(re.findall(r"(?<!bin)/lampkeeper (\w+)", text))
    assert named
    assert named <= known
    typed = set(re.findall(r"(?:\.venv/bin/|`)lampkeeper ([a-z]+)", text))
    assert typed <= {name for name, *_ in (*COMMANDS, *GROUPS)}
