"""Slack posts to Lampkeeper: what is signed is taken, once; what is not, or is old, or came before, is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bots.slack_app import SlackAdapter
from core.errors import PlatformError
from tests.slack_api import GENERAL, PEOPLE
from tests.slack_oauth import HttpStage, Team, http_config, http_stage
from tests.support import slow_talk

ONE = "T0ONE"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[HttpStage]:
    async with http_stage(tmp_path) as stage:
        yield stage


@pytest.fixture
async def team(stage: HttpStage) -> Team:
    return await stage.team(ONE)


def message(text: str = "hello", ts: str = "1700000000.000100") -> dict[str, object]:
    stamp = {"channel": GENERAL, "channel_type": "channel", "ts": ts, "event_ts": ts}
    return {"type": "message", "user": PEOPLE["actor"], "text": text, "team": ONE, **stamp}


def envelope(event: dict[str, object], event_id: str = "Ev1", **more: object) -> dict[str, object]:
    payload = {"type": "event_callback", "team_id": ONE, "event_id": event_id, "event": event}
    return {"type": "events_api", "payload": payload, **more}


async def test_a_conversation_leads_to_a_card_that_a_moderator_decides(stage: HttpStage, team: Team) -> None:
    await team.say("target", "hello there")
    for line in slow_talk():
        await team.say("actor", line)
    await stage.settled()
    assert {(answer.status, answer.text) for answer in team.told} == {(200, "")}
    (card,) = (m for m in team.channels["G0ALERTS"].messages if "U0ACTOR" in json.dumps(m.get("blocks")))
    answer = await team.press({"channel": "G0ALERTS", "ts": card["ts"]}, "lampkeeper_confirm", "moderator")
    await stage.settled()
    assert "Recorded" in answer["text"]
    assert "confirmed by moderator" in json.dumps(team.message("G0ALERTS", card["ts"]))


async def test_a_request_that_slack_did_not_sign_is_refused(stage: HttpStage, team: Team) -> None:
    slack, body = stage.slack, json.dumps(envelope(message())["payload"])
    wrong = slack.signed(body, "application/json", secret="f" * 32)
    other = slack.signed(body.replace("hello", "other"), "application/json")
    unsigned = {name: value for name, value in other.items() if name != "X-Slack-Signature"}
    untimed = {name: value for name, value in other.items() if name != "X-Slack-Request-Timestamp"}
    odd = slack.signed(body, "application/json") | {"X-Slack-Request-Timestamp": "yesterday"}
    for headers in (wrong, other, unsigned, untimed, odd, {"Content-Type": "application/json"}):
        assert (await slack.post(body.encode(), headers)).status == 401
    await stage.settled()
    assert await stage.stored() == []


@pytest.mark.parametrize("age", [301, -301])
async def test_a_request_of_another_time_is_refused(stage: HttpStage, team: Team, age: float) -> None:
    assert (await stage.slack.send(envelope(message()), age=age)).status == 401
    await stage.settled()
    assert await stage.stored() == []


async def test_a_request_sent_twice_is_refused_the_second_time(stage: HttpStage, team: Team) -> None:
    assert (await stage.slack.send(envelope(message()))).status == 200
    assert (await stage.slack.post(*stage.slack.sent[-1])).status == 401
    await stage.settled()
    assert len(await stage.stored()) == 1


async def test_what_is_refused_tells_nothing_and_blocks_nothing(stage: HttpStage, team: Team) -> None:
    body = json.dumps(envelope(message())["payload"])
    forged = stage.slack.signed(body, "application/json") | {"X-Slack-Signature": "v0=" + "0" * 64}
    answers = [await stage.slack.post(body.encode(), forged) for _ in range(2)]
    assert {answer.status for answer in answers} == {401}
    assert "hello" not in "".join(answer.text for answer in answers)
    assert (await stage.slack.send(envelope(message()))).status == 200


async def test_a_retried_event_is_acknowledged_and_counted_once(stage: HttpStage, team: Team) -> None:
    again = envelope(message("another text", "1700000000.000200"), retry_attempt=1, retry_reason="http_timeout")
    assert (await stage.slack.send(envelope(message()))).status == 200
    assert (await stage.slack.send(again)).status == 200, "the same event id"
    await stage.settled()
    assert await stage.stored() == [(f"slack:{ONE}", "1700000000.000100")]


async def test_after_slack_could_not_reach_lampkeeper_history_is_read(stage: HttpStage, team: Team) -> None:
    before = await team.say("target", "hello")
    await stage.settled()
    team.away = True
    missed = [await team.say("actor", f"line {number}") for number in range(3)]
    late = await team.say("actor", "the last line")
    team.away = False
    event = {**team.message(GENERAL, late), "channel": GENERAL, "channel_type": "channel", "event_ts": late}
    await team.send_event(event, "EvLATE", retry_attempt=2, retry_reason="connection_failed")
    await stage.settled()
    assert [ts for _, ts in await stage.stored()] == [before, *missed, late]


async def test_slack_finds_the_address_when_it_asks_for_it(stage: HttpStage) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "a challenge", "token": "t"})
    answer = await stage.slack.post(body.encode(), stage.slack.signed(body, "application/json"))
    assert answer.status == 200
    assert "a challenge" in answer.text


async def test_events_of_a_workspace_without_the_app_are_acknowledged_and_left_out(stage: HttpStage) -> None:
    assert (await stage.slack.send(envelope(message()))).status == 200
    await stage.settled()
    assert await stage.stored() == []


async def test_what_is_no_request_of_slacks_is_refused(stage: HttpStage) -> None:
    async with aiohttp.ClientSession() as client:
        async with client.post(f"{stage.slack.address}/slack/events", data=b"\xff{") as answer:
            assert answer.status in (400, 401)
        async with client.get(f"{stage.slack.address}/anything") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "stamp"),
    [
        ("[1]", "1"),
        ("null", "1"),
        ('"x"', "1"),
        ("payload=null", "1"),
        ("payload=[1]", "1"),
        ('{"authorizations":[1]}', "1"),
        ('{"a":' * 100_000, "1"),
        ("{}", "9" * 5_000),
    ],
    ids=["list", "null", "string", "null payload", "list payload", "authorizations", "deep", "time"],
)
async def test_what_anybody_may_post_is_refused_in_a_line_of_the_log(
    stage: HttpStage,
    body: str,
    stamp: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    form = "application/x-www-form-urlencoded" if body.startswith("payload") else "application/json"
    headers = {"Content-Type": form, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=a"}
    assert (await stage.slack.post(body.encode(), headers)).status in (400, 401)
    assert "slack.request_refused" in capsys.readouterr().out
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_request_taken_before_a_restart_is_refused_after_it(
    stage: HttpStage, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await stage.slack.send(envelope(message(), "Ev2"))).status == 200
    before = stage.slack.signed(body := json.dumps(envelope(message(), "Ev3")["payload"]), "application/json", age=2)
    await stage.restart()
    assert (await stage.slack.post(body.encode(), before)).status == 401
    assert (await stage.slack.send(envelope(message(), "Ev4"))).status == 200


async def test_slack_has_its_answer_before_anything_is_looked_up(stage: HttpStage, team: Team) -> None:
    team.hold["users.info"] = asyncio.Event()
    said = await team.say("actor", "hello")
    assert [answer.status for answer in team.told][-1:] == [200]
    assert await stage.stored() == []
    team.hold["users.info"].set()
    await stage.settled()
    assert await stage.stored() == [(f"slack:{ONE}", said)]


async def test_a_port_that_is_taken_ends_with_a_remedy(stage: HttpStage) -> None:
    other = SlackAdapter(stage.config, stage.guard)
    with pytest.raises(PlatformError, match=r"cannot listen on 127.0.0.1.*another port"):
        await other.run()


async def test_no_text_and_no_secret_reaches_the_log(
    stage: HttpStage, team: Team, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    await team.say("actor", slow_talk()[0])
    await stage.slack.send(envelope(message(slow_talk()[1])), secret="f" * 32)
    await stage.browser.back(code="a-secret-code", state="a-state")
    await stage.settled()
    captured = capsys.readouterr()
    others = ("aiohttp.access", "aiosqlite", "asyncio")
    records = [record.getMessage() for record in caplog.records if not record.name.startswith(others)]
    logged = captured.out + captured.err + "\n".join(records)
    assert "request_refused" in logged
    for secret in (*slow_talk()[:2], "xoxb-", "a-secret-code", "a-state", "v0="):
        assert secret not in logged


async def test_check_looks_at_what_http_needs(stage: HttpStage) -> None:
    findings = await stage.adapter.check()
    assert [finding for finding in findings if not finding.ok] == []
    told = "\n".join(finding.what for finding in findings)
    assert "https://lampkeeper.example/slack/events" in told
    assert "https://lampkeeper.example/slack/install" in told
    assert "by it" in told, "the port is Lampkeeper's own"


async def test_check_names_what_is_wrong_with_http_and_oauth(stage: HttpStage) -> None:
    async def wrong(**more: object) -> str:
        adapter = SlackAdapter(http_config(stage.config.port, **more), stage.guard)
        return "\n".join(f"{found.what} -> {found.remedy}" for found in await adapter.check() if not found.ok)

    assert "does not look like one" in await wrong(signing_secret="short")
    assert "client_secret is not the one" in await wrong(client_secret="not-this-one")
    assert "public_url" in await wrong(public_url=None)
    assert "cannot listen on 192.0.2.1" in await wrong(host="192.0.2.1")
    assert await wrong() == ""


async def test_one_workspace_can_be_served_over_http_by_its_token(tmp_path: Path) -> None:
    async with http_stage(tmp_path, client_id=None, client_secret=None, bot_token="xoxb-of-one") as stage:
        team = await stage.team(ONE, installed=False)
        assert stage.slack is team.slack
        team.tokens = {"xoxb-of-one"}
        stage.slack.tokens["xoxb-of-one"] = team
        await stage.restart()
        said = await team.say("actor", "hello")
        await stage.settled()
        assert await stage.stored() == [(f"slack:{ONE}", said)]
        async with aiohttp.ClientSession() as client, client.get(f"{stage.slack.address}/slack/install") as answer:
            assert answer.status == 404, "nobody else can install it"
