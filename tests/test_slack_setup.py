"""Setting up and being removed: tokens, `lampkeeper check`, the manifest, over the wire to the tests' own Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots import slack_app
from bots.slack_app import SlackAdapter
from bots.slack_app.manifest import SCOPES, text
from core.errors import PlatformError
from tests.slack_api import (
    ALERTS,
    APP_TOKEN,
    BOT_TOKEN,
    BOT_USER,
    CHANNELS,
    DIRECT,
    GENERAL,
    GROUP,
    PEOPLE,
    PRIVATE,
)
from tests.slack_platform import SlackStage, slack_config, slack_stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


async def test_a_token_revoked_while_running_ends_with_a_remedy_at_the_next_start(stage: SlackStage) -> None:
    stage.platform.tokens.remove(BOT_TOKEN)
    await stage.restart()
    with pytest.raises(PlatformError, match=r"revoked.*Install the app.*lampkeeper purge --space slack:"):
        await stage.ended()


async def test_socket_mode_switched_off_is_said_with_the_remedy(stage: SlackStage) -> None:
    stage.platform.refuse["apps.connections.open"] = {"code": "socket_mode_not_enabled"}
    await stage.restart()
    with pytest.raises(PlatformError, match=r"Socket Mode is off.*switch Socket Mode on"):
        await stage.ended()


async def test_an_app_token_revoked_while_running_ends_with_a_remedy(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_app, "LOST_AFTER", 1)
    stage.platform.tokens.remove(APP_TOKEN)
    await stage.platform.close_sockets()
    with pytest.raises(PlatformError, match=r"revoked.*App-Level Tokens"):
        await stage.ended()


async def test_check_finds_a_good_set_up_good(stage: SlackStage) -> None:
    findings = await stage.adapter.check()
    assert [finding for finding in findings if not finding.ok] == []
    assert any(f"{len(CHANNELS) - 1} watched" in finding.what for finding in findings)


async def test_check_names_what_is_wrong_and_what_to_do(stage: SlackStage) -> None:
    async def wrong() -> str:
        return "\n".join(
            f"{finding.what} -> {finding.remedy}" for finding in await stage.adapter.check() if not finding.ok
        )

    stage.platform.scopes -= {"chat:write", "users:read"}
    missing = await wrong()
    assert "chat:write is missing: needed to post alert cards" in missing
    assert "users:read is missing" in missing
    assert "slack_manifest.json" in missing
    stage.platform.scopes = set(SCOPES)

    stage.platform.channels[ALERTS].kind = "channel"
    assert "public" in await wrong()
    stage.platform.channels[ALERTS].members.remove(BOT_USER)
    assert "/invite @Lampkeeper" in await wrong()
    stage.platform.channels[ALERTS].kind = "group"
    assert "cannot see it" in await wrong()
    stage.platform.channels[ALERTS].members.add(BOT_USER)

    for name in (GENERAL, PRIVATE, DIRECT, GROUP):
        stage.platform.channels[name].members.discard(BOT_USER)
    assert "in none but the alert channel" in await wrong()

    stage.platform.tokens.clear()
    revoked = await wrong()
    assert "Slack bot token: The Slack token was revoked." in revoked
    assert "App-Level Tokens" in revoked
    assert "xoxb-" not in revoked


async def test_check_names_a_moderator_slack_does_not_know(stage: SlackStage) -> None:
    adapter = SlackAdapter(slack_config(moderators=("U0NOBODY", PEOPLE["moderator"])), stage.guard)
    wrong = [finding.what for finding in await adapter.check() if not finding.ok]
    assert wrong == ["Slack moderator U0NOBODY: Slack knows no such person."]


async def test_check_of_a_slack_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    async with slack_stage(tmp_path) as stage:
        adapter = stage.adapter
    assert [finding.ok for finding in await adapter.check()] == [False, False]


def test_the_manifest_in_the_docs_is_the_one_the_code_asks_for() -> None:
    assert (Path(__file__).parents[1] / "docs/slack_manifest.json").read_text() == text()


def test_the_docs_name_every_scope_with_its_purpose() -> None:
    page = (Path(__file__).parents[1] / "docs/slack.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert {scope.strip("`"): purpose for scope, purpose in rows} == SCOPES
