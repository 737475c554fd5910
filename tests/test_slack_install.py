"""Many workspaces: installing by OAuth, tokens that end, two side by side, and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from bots import slack_app
from bots.commands.service import check
from bots.slack_app import workspaces
from bots.slack_app.manifest import SCOPES
from core.config import load_config
from core.errors import ConfigError, PlatformError, StoreError
from core.installations import Installations
from core.messages import Event
from core.retention.keeping import DAY, GRACE
from tests.slack_api import ALERTS, APP_TOKEN, BOT_USER, PRIVATE
from tests.slack_oauth import ADMIN, CLIENT, PUBLIC, SECRET, SIGNING, Browser, HttpStage, Team, http_stage
from tests.support import slow_talk

ONE, OTHER = "T0ONE", "T0OTHER"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[HttpStage]:
    async with http_stage(tmp_path) as stage:
        yield stage


async def talk(stage: HttpStage, team: Team) -> None:
    await team.say("target", "hello there")
    for line in slow_talk():
        await team.say("actor", line)
    await stage.settled()


async def spaces(stage: HttpStage) -> set[str]:
    return {space for space, _ in await stage.stored()}


async def installed(stage: HttpStage) -> set[str]:
    return set(await stage.adapter._workspaces.installations.every("slack"))


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


# ---- installing


async def test_the_install_page_asks_slack_for_what_the_manifest_names(stage: HttpStage) -> None:
    asked = await stage.browser.begin()
    assert set(asked["scope"].split(",")) == set(SCOPES)
    assert asked["redirect_uri"] == f"{PUBLIC}/slack/oauth_redirect"
    assert "user_scope" not in asked
    assert asked["state"]


async def test_a_workspace_that_installs_it_is_served_at_once_and_after_a_restart(stage: HttpStage) -> None:
    team = await stage.team(ONE, installed=False)
    answer = await stage.browser.install(team)
    assert (answer.status, "is in the workspace now" in answer.text) == (200, True)
    first = await team.say("actor", "hello")
    await stage.settled()
    await stage.restart()
    second = await team.say("actor", "hello again")
    await stage.settled()
    assert [ts for _, ts in await stage.stored()] == [first, second]


async def test_what_was_said_before_it_was_installed_is_not_read(stage: HttpStage) -> None:
    await stage.team(OTHER)
    team = await stage.team(ONE, installed=False)
    team.away = True
    await team.say("actor", "before")
    team.away = False
    await stage.browser.install(team)
    await stage.settled()
    assert await stage.stored() == []


async def test_cards_wait_until_an_alert_channel_is_chosen_in_slack(stage: HttpStage) -> None:
    team = await stage.team(ONE, installed=False)
    await stage.browser.install(team)
    await talk(stage, team)
    assert team.cards() == []
    await stage.adapter.of(f"slack:{ONE}").choose({"alert_channel": ALERTS}, ADMIN)
    await stage.settled()
    assert "U0ACTOR" in "".join(team.cards())


async def test_choices_hold_after_a_restart_and_the_alert_channel_is_not_read(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    await stage.adapter.of(f"slack:{ONE}").choose({"ignored_channels": [PRIVATE]}, ADMIN)
    await stage.restart()
    await team.say("actor", "hello", PRIVATE)
    await team.say("moderator", "hello", ALERTS)
    said = await team.say("actor", "hello")
    await stage.settled()
    assert [ts for _, ts in await stage.stored()] == [said]


@pytest.mark.parametrize("case", ["wrong", "of another browser", "none", "no code"])
async def test_an_installation_that_was_not_begun_here_is_refused(stage: HttpStage, case: str) -> None:
    team = await stage.team(ONE, installed=False)
    stage.slack.codes["code"] = team
    asked = await stage.browser.begin()
    browser = Browser(stage.slack) if case == "of another browser" else stage.browser
    state = {"wrong": "00" * 54, "none": ""}.get(case, asked["state"])
    if case == "wrong":
        browser.cookie = f"slack-app-oauth-state={state}"
    answer = await browser.back(state=state, **({} if case == "no code" else {"code": "code"}))
    assert answer.status == 400
    assert f"Begin again at {PUBLIC}/slack/install" in answer.text
    assert await installed(stage) == set()


async def test_a_state_is_good_for_ten_minutes(stage: HttpStage) -> None:
    team = await stage.team(ONE, installed=False)
    stage.slack.codes["code"] = team
    asked = await stage.browser.begin()
    stage.later = 601
    answer = await stage.browser.back(code="code", state=asked["state"])
    assert answer.status == 400
    assert await installed(stage) == set()


async def test_a_state_is_good_once(stage: HttpStage) -> None:
    team, other = await stage.team(ONE, installed=False), await stage.team(OTHER, installed=False)
    stage.slack.codes |= {"code": team, "another": other}
    asked = await stage.browser.begin()
    cookie = stage.browser.cookie
    assert (await stage.browser.back(code="code", state=asked["state"])).status == 200
    stage.browser.cookie = cookie
    assert (await stage.browser.back(code="another", state=asked["state"])).status == 400
    assert await installed(stage) == {f"slack:{ONE}"}


async def test_who_says_no_in_slack_is_told_that_nothing_happened(stage: HttpStage) -> None:
    asked = await stage.browser.begin()
    answer = await stage.browser.back(error="access_denied", state=asked["state"])
    assert "Nothing was installed" in answer.text
    odd = await stage.browser.back(error="<script>", state=asked["state"])
    assert "Nothing was installed" in odd.text
    assert "script" not in unquote(odd.text)


async def test_a_workspace_that_the_operator_did_not_name_sees_why_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with http_stage(tmp_path, teams=(ONE,)) as stage:
        team, other = await stage.team(ONE, installed=False), await stage.team(OTHER, installed=False)
        refused = await stage.browser.install(other)
        assert (refused.status, "allows it in certain workspaces only" in refused.text) == (403, True)
        assert await installed(stage) == set()
        assert other.tokens == set(), "the app is taken out of it again"
        assert (await stage.browser.install(team)).status == 200
        assert await installed(stage) == {f"slack:{ONE}"}


async def test_a_workspace_that_is_in_already_stays_and_check_tells_of_it(
    stage: HttpStage, capsys: pytest.CaptureFixture[str]
) -> None:
    other = await stage.team(OTHER)
    (everybody,) = await checked(stage, capsys, "may install the app")
    assert "all whose people have the link" in everybody
    stage.config = stage.config.model_copy(update={"teams": (ONE,)})
    await stage.restart()
    assert (await stage.browser.install(other)).status == 200, "whose token had to be renewed by hand"
    said = await other.say("actor", "hello")
    await stage.settled()
    assert (f"slack:{OTHER}", said) in await stage.stored()
    named, left = await checked(stage, capsys, "may install the app", "not among teams", more=f"teams = ['{ONE}']\n")
    assert (named[:2], ONE in named) == ("ok", True)
    assert (left[0], f"slack:{OTHER}" in left) == ("✗", True)


@pytest.mark.parametrize("teams", ["[]", "['general']"])
def test_a_list_of_workspaces_names_some(tmp_path: Path, teams: str) -> None:
    (tmp_path / "config.toml").write_text(f"[slack]\nteams = {teams}\n")
    with pytest.raises(ConfigError, match="teams"):
        load_config(tmp_path / "config.toml", {})


async def test_a_code_that_slack_does_not_take_installs_nothing(stage: HttpStage) -> None:
    asked = await stage.browser.begin()
    answer = await stage.browser.back(code="made-up", state=asked["state"])
    assert answer.status == 401
    assert "could not finish" in answer.text
    assert await installed(stage) == set()


async def test_when_slack_hangs_up_nothing_is_installed_and_the_next_try_works(
    stage: HttpStage, capsys: pytest.CaptureFixture[str]
) -> None:
    team = await stage.team(ONE, installed=False)
    stage.slack.refuse = "hang up"
    answer = await stage.browser.install(team)
    assert answer.status == 503
    assert "could not finish" in answer.text
    assert "slack.not_installed" in capsys.readouterr().out
    stage.slack.refuse = ""
    assert (await stage.browser.install(team)).status == 200


async def test_where_the_operators_own_token_is_refused_the_others_are_served(tmp_path: Path) -> None:
    async with http_stage(tmp_path, bot_token="xoxb-nobody-knows") as stage:
        team = await stage.team(ONE)
        said = await team.say("actor", "hello")
        await stage.settled()
        assert await stage.stored() == [(f"slack:{ONE}", said)]


@pytest.mark.parametrize("code", ["invalid_auth", "missing_scope"])
async def test_the_operators_own_workspace_is_tried_again_like_the_others(tmp_path: Path, code: str) -> None:
    async with http_stage(tmp_path, bot_token="xoxb-of-one") as stage:
        own, other = await stage.team(ONE, installed=False), await stage.team(OTHER)
        own.tokens, own.refuse = {"xoxb-of-one"}, {"auth.test": {"code": code}}
        stage.slack.tokens["xoxb-of-one"] = own
        await stage.restart()
        await stage.adapter.of(f"slack:{OTHER}").settled()
        assert "slack" not in stage.guard._listening, "what is said in the workspace is missed"
        with pytest.raises(PlatformError, match="not connected yet"):
            stage.adapter.of(f"slack:{ONE}")
        del own.refuse["auth.test"]
        await stage.adapter._workspaces.look()
        said = [await own.say("actor", "hello"), await other.say("actor", "hello")]
        await stage.settled()
        assert {ts for _, ts in await stage.stored()} == set(said)
        assert "slack" in stage.guard._listening


async def test_an_own_token_that_was_taken_back_holds_up_nothing(tmp_path: Path) -> None:
    async with http_stage(tmp_path, bot_token="xoxb-of-one") as stage:
        own = await stage.team(ONE, installed=False)
        await stage.team(OTHER)
        own.tokens, own.refuse = {"xoxb-of-one"}, {"auth.test": {"code": "token_revoked"}}
        stage.slack.tokens["xoxb-of-one"] = own
        await stage.restart()
        await stage.settled()
        assert "slack" in stage.guard._listening
        before = len(own.calls)
        await stage.adapter._workspaces.look()
        assert len(own.calls) == before, "nobody but the operator can mend that, and a restart follows"


async def checked(stage: HttpStage, capsys: pytest.CaptureFixture[str], *about: str, more: str = "") -> list[str]:
    """Run `lampkeeper check` beside the running Lampkeeper; return the lines `about` something.

    If nothing is named: about the tokens of workspaces that installed the app.
    """
    config = stage.folder / "config.toml"
    config.write_text(
        f"[storage]\ndatabase = '{stage.folder / 'lampkeeper.db'}'\nkey_file = '{stage.folder / 'lampkeeper.key'}'\n"
        f"[slack]\nconnection = 'http'\nsigning_secret = '{SIGNING}'\npublic_url = '{PUBLIC}'\n"
        f"client_id = '{CLIENT}'\nclient_secret = '{SECRET}'\nport = {stage.config.port}\n{more}"
    )
    capsys.readouterr()
    await asyncio.to_thread(check, config=config)
    told = capsys.readouterr().out
    assert "xoxb-" not in told
    return [line for line in told.splitlines() if any(part in line for part in about or ["installed the app: token"])]


async def test_check_looks_at_the_token_of_each_workspace_that_installed_it(
    stage: HttpStage, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = await stage.team(ONE), await stage.team(OTHER)
    good = await checked(stage, capsys)
    assert [line[:2] for line in good] == ["ok", "ok"]
    assert [name for line in good for name in (ONE, OTHER) if f"slack:{name}," in line] == [ONE, OTHER]
    one.refuse["auth.test"] = {"code": "account_inactive"}
    other.refuse["auth.test"] = {"code": "invalid_auth"}
    removed, refused = await checked(stage, capsys)
    assert (removed[0], refused[0]) == ("✗", "✗")
    assert f"lampkeeper purge --space slack:{ONE}" in removed
    assert "/slack/install under public_url" in refused
    assert "purge" not in refused


async def test_check_looks_at_what_each_workspace_that_installed_it_chose(tmp_path: Path) -> None:
    async with http_stage(tmp_path, alert_channel="C0OPERATORS") as stage:
        one, _ = await stage.team(ONE), await stage.team(OTHER)
        chosen = {"alert_channel": "C0NOWHERE", "second_channel": "C0NEITHER", "moderator_roles": ["S0NOPE"]}
        await stage.adapter.of(f"slack:{ONE}").choose(chosen, ADMIN)
        one.scopes.discard("users:read")
        bad = [finding for finding in await stage.adapter.check() if not finding.ok]
        assert {f"slack:{ONE}," in finding.what for finding in bad} == {True}
        alerts, second, group, scope = (
            next(finding for finding in bad if part in finding.what)
            for part in ("alert channel", "second channel", "usergroup S0NOPE", "users:read is missing")
        )
        assert alerts.remedy == "Choose it in Slack, with /lampkeeper setup."
        assert second.remedy == "Choose it in Slack, with /lampkeeper settings second_channel."
        assert "/lampkeeper settings" in group.remedy
        assert "installed in the workspace again" in scope.remedy


async def test_check_leaves_a_token_that_has_ended_to_the_running_lampkeeper(
    stage: HttpStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.slack.lifetime = 43_200
    team = await stage.team(ONE)
    team.refuse["auth.test"] = {"code": "token_expired"}
    (line,) = await checked(stage, capsys)
    assert line.startswith("ok")
    assert "renewed" in line
    (token,) = team.tokens
    assert stage.slack.tokens[token] is team, "nobody renewed it"


async def test_no_token_can_be_read_on_the_disk(stage: HttpStage, tmp_path: Path) -> None:
    stage.slack.lifetime = 43_200
    await stage.team(ONE)
    await stage.stop()
    raw = on_disk(tmp_path)
    assert f"slack:{ONE}".encode() in raw
    assert b"xoxb-" not in raw
    assert b"xoxe-" not in raw
    await stage.start()


async def test_over_socket_mode_workspaces_install_it_too(tmp_path: Path) -> None:
    async with http_stage(tmp_path, connection="socket", app_token=APP_TOKEN) as stage:
        team = await stage.team(ONE, installed=False)
        stage.slack.tokens[APP_TOKEN] = team
        team.tokens = {APP_TOKEN}
        await stage.restart()
        await team.heard(0)
        await stage.browser.install(team)
        await stage.settled()
        said = await team.say("actor", "hello")
        await team.acked()
        await stage.settled()
        assert await stage.stored() == [(f"slack:{ONE}", said)]
        assert team.told == [], "nothing was posted over HTTP"


# ---- tokens that end


async def test_a_token_that_ends_soon_is_renewed_and_the_new_one_stored(stage: HttpStage) -> None:
    stage.slack.lifetime = 3600
    team = await stage.team(ONE)
    (before,) = team.tokens
    await stage.adapter._workspaces.look()
    (after,) = team.tokens
    assert after != before
    stage.slack.lifetime = 43_200
    await stage.restart()
    said = await team.say("actor", "hello")
    await talk(stage, team)
    assert said in [ts for _, ts in await stage.stored()]
    assert team.cards()
    (last,) = team.tokens
    await stage.adapter._workspaces.look()
    assert team.tokens == {last}, "twelve hours are long enough"


async def test_a_token_that_slack_renews_no_more_is_said_and_holds_up_no_other_workspace(
    stage: HttpStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.slack.lifetime = 3600
    await stage.team(ONE)
    stage.slack.refreshing.clear()
    stage.slack.lifetime = None
    other = await stage.team(OTHER)
    await stage.restart()
    said = await other.say("actor", "hello")
    await stage.guard.settled()
    await stage.adapter.of(f"slack:{OTHER}").settled()
    await stage.guard.settled()
    assert await stage.stored() == [(f"slack:{OTHER}", said)]
    assert "/slack/install under public_url" in capsys.readouterr().out
    with pytest.raises(PlatformError, match="not connected yet"):
        stage.adapter.of(f"slack:{ONE}")


async def test_a_new_token_that_cannot_be_stored_is_used_and_stored_later(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.slack.lifetime = 3600
    team = await stage.team(ONE)
    stage.slack.lifetime = 43_200
    with monkeypatch.context() as broken:
        broken.setattr(Installations, "save", full)
        await stage.adapter._workspaces.look()
    assert "slack.token_not_stored" in capsys.readouterr().out
    (token,) = team.tokens
    assert stage.adapter.of(f"slack:{ONE}").client.token == token
    await stage.adapter._workspaces.look()
    assert team.tokens == {token}, "it is good for twelve hours"
    kept = await stage.adapter._workspaces.given()
    assert kept[f"slack:{ONE}"].token == token


# ---- side by side


async def test_two_workspaces_have_their_own_tokens_cards_and_data(stage: HttpStage) -> None:
    one, other = await stage.team(ONE), await stage.team(OTHER)
    await stage.settled()
    other.calls.clear()
    await talk(stage, one)
    assert await spaces(stage) == {f"slack:{ONE}"}
    assert one.cards()
    assert other.cards() == []
    assert [method for method, _ in other.calls if method in ("users.info", "chat.postMessage")] == []
    await talk(stage, other)
    assert await spaces(stage) == {f"slack:{ONE}", f"slack:{OTHER}"}
    assert other.cards()
    (card,) = (message for message in one.channels[ALERTS].messages if "U0ACTOR" in str(message.get("blocks")))
    elsewhere = other.channels[ALERTS].messages
    elsewhere.append({**card, "ts": "1.000001"})
    answer = await other.press({"channel": ALERTS, "ts": "1.000001"}, "lampkeeper_confirm", "moderator")
    assert "no longer kept" in answer["text"], "a card copied into another workspace decides nothing"


async def test_a_slow_workspace_does_not_hold_up_another(stage: HttpStage) -> None:
    one, other = await stage.team(ONE), await stage.team(OTHER)
    one.limit["users.info"] = [30]
    await one.say("actor", "hello")
    said = await other.say("actor", "hello")
    await stage.adapter.of(f"slack:{OTHER}").settled()
    await stage.guard.settled()
    assert (f"slack:{OTHER}", said) in await stage.stored()


# ---- leaving


async def test_a_workspace_that_removes_the_app_is_deleted_at_once_and_the_other_stays(stage: HttpStage) -> None:
    one, other = await stage.team(ONE), await stage.team(OTHER)
    for team in (one, other):
        await talk(stage, team)
    await one.send_event({"type": "app_uninstalled"})
    await stage.settled()
    assert await spaces(stage) == {f"slack:{OTHER}"}
    assert await installed(stage) == {f"slack:{OTHER}"}
    said = await other.say("actor", "still here")
    await stage.settled()
    assert said in [ts for _, ts in await stage.stored()]
    assert not stage.running.done()
    with pytest.raises(PlatformError, match="not installed in this"):
        await stage.adapter.notify(f"slack:{ONE}", "hello")


async def test_when_its_token_is_taken_back_the_workspace_is_deleted(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    await talk(stage, team)
    (token,) = team.tokens
    team.tokens = set()
    del stage.slack.tokens[token]
    await team.send_event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
    await stage.settled()
    assert await stage.stored() == []
    assert await installed(stage) == set()


async def test_when_another_token_is_taken_back_nothing_is_deleted(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    await talk(stage, team)
    before = await stage.stored()
    await team.send_event({"type": "tokens_revoked", "tokens": {"oauth": ["U0ACTOR"]}})
    await team.send_event({"type": "tokens_revoked", "tokens": {"bot": [BOT_USER]}})
    await stage.settled()
    assert await stage.stored() == before
    assert await installed(stage) == {f"slack:{ONE}"}


async def test_cases_under_legal_hold_stay_sealed_when_the_app_is_removed(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    await talk(stage, team)
    posted = next(message for message in team.channels[ALERTS].messages if message.get("metadata"))
    alert = posted["metadata"]["event_payload"]["alert"]
    assert await stage.guard.desk.hold(alert, ADMIN)
    await team.send_event({"type": "app_uninstalled"})
    await stage.settled()
    assert await stage.stored() == []
    assert await stage.guard.desk.card(alert) is not None
    assert (await stage.guard.communities.standing(f"slack:{ONE}")).left is not None
    assert len(team.cards()) == 1


async def test_a_workspace_that_installs_it_again_begins_anew(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    await talk(stage, team)
    await team.send_event({"type": "app_uninstalled"})
    await stage.settled()
    await stage.browser.install(team)
    said = await team.say("actor", "hello")
    await stage.settled()
    assert await stage.stored() == [(f"slack:{ONE}", said)]
    assert stage.adapter.of(f"slack:{ONE}").settings.alert_channel is None


async def test_a_removal_that_is_told_late_does_not_delete_what_was_installed_again_since(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_app, "OLD", -1.0)
    team = await stage.team(ONE)
    said = await team.say("actor", "hello")
    await stage.settled()
    await stage.browser.install(team)
    await team.send_event({"type": "app_uninstalled"}, retry_attempt=3, retry_reason="http_error")
    await stage.settled()
    assert await stage.stored() == [(f"slack:{ONE}", said)]
    team.tokens.clear()
    await team.send_event({"type": "app_uninstalled"}, retry_attempt=3, retry_reason="http_error")
    await stage.settled()
    assert await stage.stored() == []


async def test_a_removal_while_lampkeeper_was_away_is_noticed_and_deleted_after_the_grace(stage: HttpStage) -> None:
    team = await stage.team(ONE)
    await talk(stage, team)
    await stage.stop()
    team.refuse["auth.test"] = {"code": "account_inactive"}
    await stage.start()
    await stage.guard.settled()
    assert await installed(stage) == set()
    assert await spaces(stage) == {f"slack:{ONE}"}, "sealed, and kept for a while"
    for day in range(1, int(GRACE // DAY) + 1):
        stage.later = day * DAY + 60
        await stage.guard.keep_house()
    assert await stage.stored() == []


async def full(*_: object) -> None:
    raise StoreError("The database cannot be written (disk full).", "Make room.")


@pytest.mark.parametrize("step", ["forget", "_uninstalled"])
async def test_a_removal_that_is_cut_off_is_finished_after_the_next_start(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    team, reached = await stage.team(ONE), asyncio.Event()
    await talk(stage, team)

    async def cut_off(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as cut:
        cut.setattr(workspaces if step == "forget" else workspaces.Workspaces, step, cut_off)
        await team.send_event({"type": "app_uninstalled"})
        await reached.wait()
        team.refuse["auth.test"] = {"code": "account_inactive"}
        await stage.stop()
    await stage.start()
    await stage.adapter._workspaces.look()
    await stage.guard.keep_house()
    assert await stage.stored() == []
    assert await installed(stage) == set()


async def test_a_removal_that_cannot_be_finished_is_said_and_the_housekeeping_finishes_it(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    team = await stage.team(ONE)
    await talk(stage, team)
    with monkeypatch.context() as broken:
        broken.setattr(workspaces, "forget", full)
        await team.send_event({"type": "app_uninstalled"})
        await stage.settled()
    assert "slack.not_deleted" in capsys.readouterr().out
    assert await spaces(stage) == {f"slack:{ONE}"}
    await stage.guard.keep_house()
    assert await stage.stored() == []


async def test_a_removal_that_cannot_even_be_noted_is_tried_again(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workspaces, "LOOK_EVERY", 0.05)
    team = await stage.team(ONE)
    await talk(stage, team)
    said: list[str] = []
    with monkeypatch.context() as broken:
        broken.setattr(workspaces, "seal", full)
        team.refuse["auth.test"] = {"code": "account_inactive"}
        await team.send_event({"type": "app_uninstalled"})

        def told() -> bool:
            said.append(capsys.readouterr().out)
            return "slack.not_sealed" in "".join(said)

        await team.until(told)
    await stage.settled()
    assert await stage.stored() == []
    assert await installed(stage) == set()


async def test_what_was_received_before_a_removal_is_not_stored_after_it(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "STORED_WITHIN", 0.1)
    team, written = await stage.team(ONE), asyncio.Event()
    await talk(stage, team)
    write = stage.guard._take

    async def slow(events: list[Event]) -> None:
        await written.wait()
        await write(events)

    monkeypatch.setattr(stage.guard, "_take", slow)
    await team.say("actor", "hello once more")
    await stage.adapter.of(f"slack:{ONE}").settled()
    await team.send_event({"type": "app_uninstalled"})
    await stage.adapter.settled()
    assert await stage.stored() == []
    written.set()
    await stage.guard.settled()
    assert await stage.stored() == []
    assert (await stage.guard.communities.standing(f"slack:{ONE}")).joined is None


@pytest.mark.parametrize("code", ["org_login_required", "no_permission", "missing_scope", "accesslimited"])
async def test_a_refusal_that_says_nothing_of_the_token_deletes_nothing(
    stage: HttpStage, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(workspaces, "LOOK_EVERY", 0.05)
    team = await stage.team(ONE)
    await talk(stage, team)
    before, asked = await stage.stored(), len(team.calls)
    team.refuse["auth.test"] = {"code": code}
    await team.send_event({"type": "tokens_revoked", "tokens": {"bot": [BOT_USER]}})
    await team.until(lambda: [method for method, _ in team.calls[asked:]].count("auth.test") > 1)
    assert await stage.stored() == before
    team.refuse["auth.test"] = {"code": "token_revoked"}
    await stage.settled()
    assert await stage.stored() == []


@pytest.mark.parametrize("code", ["invalid_auth", "missing_scope"])
async def test_a_workspace_that_refuses_the_token_is_tried_again(
    stage: HttpStage, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    team = await stage.team(ONE)
    await stage.stop()
    team.refuse["auth.test"] = {"code": code}
    await stage.start()
    assert "slack.not_entered" in capsys.readouterr().out
    assert await installed(stage) == {f"slack:{ONE}"}
    del team.refuse["auth.test"]
    await stage.adapter._workspaces.look()
    said = await team.say("actor", "hello")
    await stage.settled()
    assert [ts for _, ts in await stage.stored()] == [said]
