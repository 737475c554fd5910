"""Setting up and being removed: tokens, `lampkeeper check`, the manifest, over the wire to the tests' own Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.cli import app
from bots.slack_app import SlackAdapter, socket_mode
from bots.slack_app.manifest import EVENTS, SCOPES, manifest, text
from bots.slack_app.scopes_page import page
from core.casework.cards import Person
from core.errors import ConfigError, PlatformError
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
    TEAM,
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


async def test_a_token_that_slack_does_not_know_ends_with_a_remedy(stage: SlackStage) -> None:
    stage.platform.refuse["auth.test"] = {"code": "invalid_auth"}
    await stage.restart()
    with pytest.raises(PlatformError, match=r"does not accept the token.*Install the app"):
        await stage.ended()


async def test_socket_mode_switched_off_is_said_with_the_remedy(stage: SlackStage) -> None:
    stage.platform.refuse["apps.connections.open"] = {"code": "socket_mode_not_enabled"}
    await stage.restart()
    with pytest.raises(PlatformError, match=r"Socket Mode is off.*switch Socket Mode on"):
        await stage.ended()


async def test_an_app_token_revoked_while_running_ends_with_a_remedy(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_mode, "LOST_AFTER", 1)
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
    assert "OAuth & Permissions" in missing
    stage.platform.scopes = set(SCOPES) - {"files:write"}
    assert await wrong() == "", "what may be left out is no mistake"
    assert any("cannot be exported" in finding.what for finding in await stage.adapter.check())
    stage.platform.scopes = set(SCOPES)

    stage.platform.channels[PRIVATE].members.remove(BOT_USER)
    await stage.adapter.of(f"slack:{TEAM}").choose({"second_channel": PRIVATE}, Person("1", "admin"))
    assert "Slack second channel" in await wrong()
    stage.platform.channels[PRIVATE].members.add(BOT_USER)
    assert await wrong() == ""

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


async def test_check_looks_at_what_was_chosen_in_slack_over_the_file(stage: SlackStage) -> None:
    adapter = SlackAdapter(slack_config(alert_channel=None), stage.guard)
    assert any("none is chosen" in finding.what for finding in await adapter.check() if not finding.ok)
    chosen = {"alert_channel": ALERTS, "moderator_roles": ["S0GONE"]}
    await stage.guard.communities.choose(f"slack:{TEAM}", chosen, Person(PEOPLE["moderator"], "moderator"))
    wrong = [finding.what for finding in await adapter.check() if not finding.ok]
    assert len(wrong) == 1
    assert wrong[0].startswith("Slack moderators' usergroup S0GONE")


async def test_check_says_of_each_channel_where_it_is_chosen(stage: SlackStage) -> None:
    adapter = SlackAdapter(slack_config(alert_channel="C0NOWHERE", second_channel="C0NEITHER"), stage.guard)
    alerts, second = (finding for finding in await adapter.check() if not finding.ok)
    assert "/lampkeeper setup" in alerts.remedy
    assert "into alert_channel under [slack]" in alerts.remedy
    assert "/lampkeeper settings second_channel" in second.remedy
    assert "into second_channel under [slack]" in second.remedy


async def test_a_token_that_has_ended_is_answered_by_what_can_be_done(stage: SlackStage) -> None:
    stage.platform.refuse["auth.test"] = {"code": "token_expired"}
    (finding,) = (finding for finding in await stage.adapter.check() if not finding.ok)
    assert "lets nobody switch it off" in finding.what
    assert "Make a new app" in finding.remedy


@pytest.mark.parametrize("odd", ["\r", "\n", "\u2026"])
async def test_a_token_with_a_character_that_none_has_is_said(stage: SlackStage, odd: str) -> None:
    bot_token, app_token = (token[:9] + odd + token[9:] for token in (BOT_TOKEN, APP_TOKEN))
    adapter = SlackAdapter(slack_config(bot_token=bot_token, app_token=app_token), stage.guard)
    bot, app_level = await adapter.check()
    assert "character that no token has" in bot.what or "does not accept" in bot.what
    assert not bot.ok
    assert not app_level.ok
    assert BOT_TOKEN not in str((bot, app_level))


async def test_check_of_a_slack_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    async with slack_stage(tmp_path) as stage:
        adapter = stage.adapter
    assert [finding.ok for finding in await adapter.check()] == [False, False]


DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(
    ("file", "address"), [("slack_manifest.yaml", None), ("slack_manifest_http.yaml", "https://lampkeeper.example")]
)
def test_the_manifests_in_the_docs_are_the_ones_the_code_asks_for(file: str, address: str | None) -> None:
    assert (DOCS / file).read_text("utf-8") == text(address), "write it anew with `make docs/slack_scopes.md`"


def test_the_page_of_scopes_is_made_from_the_tables() -> None:
    assert (DOCS / "slack_scopes.md").read_text("utf-8") == page(), "write it anew with `make docs/slack_scopes.md`"


@pytest.mark.parametrize("address", [None, "https://lampkeeper.example/sub/"])
def test_the_manifest_holds_every_scope_and_event_of_the_tables(address: str | None) -> None:
    made = manifest(address)
    assert set(made["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert set(made["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)
    assert made["settings"]["socket_mode_enabled"] is (address is None)
    addresses = {value for line in text(address).splitlines() if "https" in line for value in [line.split('"')[1]]}
    wanted = {"https://lampkeeper.example/sub/slack/events", "https://lampkeeper.example/sub/slack/oauth_redirect"}
    assert addresses == (set() if address is None else wanted)


def test_every_scope_that_slack_wants_for_an_event_is_asked_for_and_explained() -> None:
    assert {scope for heard in EVENTS.values() for scope in heard.scopes} <= set(SCOPES)
    assert all(scope.why for scope in SCOPES.values())
    assert all(heard.why for heard in EVENTS.values())


def test_names_are_as_short_as_slack_wants_them() -> None:
    features = manifest()["features"]
    (shortcut,), (command,) = features["shortcuts"], features["slash_commands"]
    assert len(shortcut["name"]) <= 24
    assert max(len(shortcut["description"]), len(manifest()["display_information"]["description"])) <= 140
    assert len(command["description"]) <= 2000


def test_the_command_prints_the_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    app(["slack", "manifest"], result_action="return_value")
    assert capsys.readouterr().out == text()
    app(["slack", "manifest", "--http", "https://lamp.example"], result_action="return_value")
    assert capsys.readouterr().out == text("https://lamp.example")


@pytest.mark.parametrize("left_out", [name for name, scope in SCOPES.items() if scope.without])
def test_without_a_scope_the_manifest_holds_nothing_that_slack_takes_with_it_only(
    left_out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app(["slack", "manifest", "--without", left_out, "--without", "team:read"], result_action="return_value")
    assert capsys.readouterr().out == text(None, (left_out, "team:read"))
    made = manifest(None, (left_out, "team:read"))
    scopes = {*made["oauth_config"]["scopes"]["bot"]}
    assert scopes == {*SCOPES} - {left_out, "team:read"}
    events = made["settings"]["event_subscriptions"]["bot_events"]
    assert all({*EVENTS[event].scopes} <= scopes for event in events)
    assert {*EVENTS} - {*events} == {name for name, heard in EVENTS.items() if left_out in heard.scopes}
    commands = {"slash_commands", "shortcuts"} & made["features"].keys()
    assert commands == (set() if left_out == "commands" else {"slash_commands", "shortcuts"})


@pytest.mark.parametrize("scope", ["chat:write", "no:such"])
def test_a_scope_that_cannot_be_left_out_is_named(scope: str) -> None:
    with pytest.raises(ConfigError, match=rf"{scope} cannot be left out.*usergroups:read"):
        app(["slack", "manifest", "--without", scope], exit_on_error=False, result_action="return_value")


@pytest.mark.parametrize("address", ["http://lamp.example", "lamp.example", "https://lamp.example/?a=1"])
def test_the_command_refuses_an_address_that_slack_would_refuse(address: str) -> None:
    with pytest.raises(ConfigError, match="with https"):
        app(["slack", "manifest", "--http", address], exit_on_error=False, result_action="return_value")
