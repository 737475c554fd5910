"""What the README and docs/slack.md say of Slack, word by word: each step can be done as it says, and is enough.

Whatever stands in the documents as typed (a command, an export, a part of the configuration) is taken from there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots import composition
from bots.commands.service import check
from bots.common import hand
from bots.slack_app.actions import DEEDS
from bots.slack_app.manifest import EVENTS_PATH, EXAMPLE_URL, INSTALL_PATH, REDIRECT_PATH, REPORT_NAME, SCOPES, manifest
from bots.slack_app.markup import words
from bots.texts import ENGLISH
from core.config import ENVIRONMENT, Config, load_config
from core.errors import ConfigError
from tests.slack_api import ALERTS, APP_TOKEN, BOT_TOKEN, BOT_USER, GENERAL, PEOPLE, TEAM
from tests.slack_platform import SlackPlatform, SlackStage, pointed_at
from tests.slack_seeing_stage import app_comes
from tests.support import ROOT

ADMIN = "teacher"
WORDS = words(ENGLISH)
TOKENS = {"xoxb-...": BOT_TOKEN, "xapp-...": APP_TOKEN}
"""What stands in the documents for a token -> the one that Slack gave."""


def readme() -> str:
    """The README's part on Slack."""
    return (ROOT / "README.md").read_text("utf-8").partition("### Slack\n")[2].partition("\n## ")[0]


def page() -> str:
    """docs/slack.md."""
    return (ROOT / "docs" / "slack.md").read_text("utf-8")


def steps(document: str) -> list[str]:
    """The steps of a document, in their order."""
    if document == "README":
        return re.split(r"^\d\. ", readme(), flags=re.MULTILINE)[1:]
    set_up, *_ = re.split(r"^## (?!\d)", page(), flags=re.MULTILINE)
    made, installed, *rest = re.split(r"^## \d\. ", set_up, flags=re.MULTILINE)[1:]
    started, alerts, invited, chosen = rest
    return [made, installed, started, alerts + invited, chosen]


def typed(text: str) -> Iterator[list[str]]:
    """The words of each `lampkeeper` that is to be typed in a terminal."""
    for line in re.findall(r"\.venv/bin/lampkeeper ([^`\n#]+)", text):
        yield line.split()


def exports(text: str) -> dict[str, str]:
    return dict(re.findall(r"export (\w+)=([\w.-]+)", text))


async def run(command: list[str]) -> str:
    """Run a command as it is typed; return what it prints."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bots", *command, stdout=PIPE)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


async def marked(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run `lampkeeper check`; return the lines that it marks."""
    capsys.readouterr()
    await asyncio.to_thread(check)
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]


def bare(platform: SlackPlatform) -> SlackPlatform:
    """A workspace into which the app has just been installed: it is in no channel."""
    for channel in platform.channels.values():
        channel.members.discard(BOT_USER)
    platform.users[PEOPLE[ADMIN]]["is_owner"] = True
    platform.scopes = set()
    platform.tokens = set()
    return platform


@pytest.mark.parametrize("document", ["README", "docs/slack.md"])
async def test_the_steps_lead_to_a_card_and_to_a_check_that_finds_nothing_more(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    created, installed, started, invited, chosen = steps(document)
    monkeypatch.chdir(tmp_path)
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)
    async with SlackPlatform().serving() as platform:
        bare(platform)
        with pointed_at(platform.url):
            # 1: what the link leads to is what the command prints; its scopes are what is granted
            assert "slack_manifest.yaml" in created
            (command,) = typed(created)
            printed = await run(command)
            assert printed == (ROOT / "docs" / "slack_manifest.yaml").read_text("utf-8")
            assert manifest()["settings"]["socket_mode_enabled"]
            # 2
            platform.scopes = set(manifest()["oauth_config"]["scopes"]["bot"])
            platform.tokens = {BOT_TOKEN, APP_TOKEN}
            assert "`connections:write`" in installed
            given = exports(installed)
            assert {*given.values()} == TOKENS.keys()
            for variable, stands_for in given.items():
                monkeypatch.setenv(variable, TOKENS[stands_for])
            # 3
            assert [*typed(started)] == [["check"], ["run"]]
            lines = await marked(capsys)
            assert "two lines" in started
            assert ["none is chosen" in line for line in lines] == [True, False]
            assert ["the app is in none" in line for line in lines] == [False, True]
            config = load_config(None, os.environ).slack
            assert config is not None
            stage = SlackStage(tmp_path, platform, config)
            await stage.start()
            try:
                # 4
                assert "`/invite @Lampkeeper`" in invited
                assert platform.channels[ALERTS].describe()["is_private"]
                for channel in (ALERTS, GENERAL):
                    await app_comes(platform, channel)
                await stage.talk()
                assert stage.cards() == [], "cards wait until they have a channel"
                # 5
                await set_up(platform, chosen)
                await stage.settled()
                assert [card["buttons"] for card in stage.cards()] == [["Confirm", "Dismiss", "Show excerpt"]]
                assert "/lampkeeper test" in chosen
                number = await platform.command("test", ADMIN)
                await platform.answered(number)
                await stage.settled()
                assert "TEST" in platform.channels[ALERTS].messages[-1]["blocks"][0]["text"]["text"]
                assert ["check"] in [*typed(chosen)]
                assert await marked(capsys) == []
            finally:
                await stage.stop()
            if document != "README":
                await gone()


async def set_up(platform: SlackPlatform, step: str) -> None:
    """Choose the alert channel in the window that the command opens."""
    assert "`/lampkeeper setup`" in step
    await platform.command("setup", ADMIN)
    await platform.until(lambda: bool(platform.views))
    (view,) = platform.views.values()
    assert "alert_channel" in {block.get("block_id") for block in view["blocks"]}
    picked = {"alert_channel": {"type": "conversations_select", "selected_conversation": ALERTS}}
    await platform.send_window(ADMIN, view, picked)
    await platform.until(lambda: "Stored" in json.dumps(platform.views[view["id"]]))


async def gone() -> None:
    """Remove what is kept, as the last part says."""
    (command,) = typed(page().partition("## Removing it")[2])
    assert command[-1] == "slack:TEAM_ID"
    assert "was removed" in await run([*command[:-1], f"slack:{TEAM}", "--yes"])


# --- the other ways in docs/slack.md ---------------------------------------------------------------------------------


def blocks() -> list[str]:
    """The pieces of configuration, in their order."""
    return re.findall(r"```toml\n(.*?)```", page(), flags=re.DOTALL)


def held(folder: Path, text: str, **environment: str) -> Config:
    """Read a configuration, and miss no key."""
    file = folder / "config.toml"
    file.write_text(text, "utf-8")
    config = load_config(file, environment)
    assert composition.configured(config) == ["slack"]
    assert composition.missing_tokens(config, "slack") == []
    return config


def test_the_pieces_of_configuration_hold_together_with_what_is_exported(tmp_path: Path) -> None:
    beforehand, http, many, invited = blocks()
    _, _, part = page().partition("## Over HTTP")
    over_http, _, of_many = part.partition("## Many workspaces")
    given = exports(page().partition("## 3.")[0])
    uncommented = re.sub(r"^# ", "", beforehand, flags=re.MULTILINE)
    for text in (beforehand, uncommented):
        assert held(tmp_path, text, **given).slack.alert_channel == "C0123456789"  # type: ignore[union-attr]
    signed = given | exports(over_http)
    assert held(tmp_path, http, **signed).slack.connection == "http"  # type: ignore[union-attr]
    without = http.replace('alert_channel = "C0123456789"\n', "") + many
    del signed["LAMPKEEPER_SLACK_BOT_TOKEN"]
    for text in (without, without + invited):
        assert held(tmp_path, text, **signed, **exports(of_many)).slack.client_id  # type: ignore[union-attr]


async def test_the_app_over_http_is_made_as_the_page_says() -> None:
    (_, _, part) = page().partition("## Over HTTP")
    printed = await run(next(typed(part)))
    assert printed == (ROOT / "docs" / "slack_manifest_http.yaml").read_text("utf-8")
    made = manifest(EXAMPLE_URL)
    public = blocks()[1].partition('public_url = "')[2].partition('"')[0]
    assert made["settings"]["event_subscriptions"]["request_url"] == public + EVENTS_PATH
    assert made["oauth_config"]["redirect_urls"] == [public + REDIRECT_PATH]
    assert f"`{public}{INSTALL_PATH}`" in part
    assert f"`{REDIRECT_PATH}`" in part
    assert all(path.startswith("/slack/") for path in (EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH))


def test_without_any_token_the_way_to_a_configuration_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"set in this terminal.*Copy config\.example\.toml"):
        load_config(None, {}, serves=True)


# --- what is named ---------------------------------------------------------------------------------------------------


def test_the_page_names_every_button_by_its_label() -> None:
    table = page().partition("| button | what it does |")[2].partition("\n\n")[0]
    named = {name.rstrip("…") for row in table.splitlines() for name in re.findall(r"\*\*(.+?)\*\*", row)}
    offered = [*hand.BUTTONS, hand.MORE, *DEEDS, "undo"]
    second = {"take_over", "undecide", "yes_lift"}  # offered by an answer, which says what they do
    labels = {WORDS.say(hand.look(name)[0]).rstrip("…") for name in offered if name not in second}
    assert named == labels | {WORDS.say("slack_hand.show_texts")}  # in the window that shows an excerpt folded


def test_the_page_names_what_people_press_in_slack_as_it_stands_there() -> None:
    for name in (REPORT_NAME, WORDS.say("setup.button"), WORDS.say("home.open_case"), WORDS.say("slack_members.kept")):
        assert f"**{name}**" in page() or f"→ {name}**" in page()
    assert set(SCOPES) >= {scope for scope in re.findall(r"`([a-z]+:[a-z]+)`", page()) if scope != "connections:write"}
