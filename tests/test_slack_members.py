"""What members can do on Slack: report, be told of help, and ask about what is kept of them. Over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from bots import composition
from bots.helplines import DIRECTORY, known
from bots.slack_app import SlackAdapter, asked
from core.casework.cards import ASKED, Person
from core.casework.reports import MOST_A_DAY
from core.config import Config, Helpline
from core.retention import requests
from tests.slack_api import ALERTS, BOT_USER, DIRECT, GENERAL, PEOPLE, TEAM, Channel, Json
from tests.slack_members_stage import Told, command, direct_messages, press, shortcut, submit
from tests.slack_oauth import http_stage
from tests.slack_platform import SlackStage, slack_config, slack_stage
from tests.support import lampkeeper, slow_talk

HERE = f"slack:{TEAM}"
QUIET = 1.0 - 1e-12
"""A threshold that no score reaches: whatever shows here, a member asked for."""
ADMIN = Person("U0ADMIN", "admin")
BETWEEN = "D0BETWEEN"
"""A direct message between the actor and the friend, where no app is."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as running:
        await running.adapter.of(HERE).choose({"review": QUIET}, ADMIN)
        running.platform.users[PEOPLE["moderator"]]["is_admin"] = True
        yield running


async def talk(stage: SlackStage) -> Json:
    """Let the actor talk to the target; return the fourth line."""
    await stage.say("target", "hello there")
    said = [await stage.say("actor", line) for line in slow_talk()]
    await stage.settled()
    return stage.platform.message(GENERAL, said[3])


async def form(stage: SlackStage, message: Json, channel: str = GENERAL, who: str = "friend") -> Json:
    opened = (await shortcut(stage.platform, message, channel, who)).modal
    assert opened is not None
    return opened


async def report(stage: SlackStage, message: Json, words: str = "", channel: str = GENERAL, who: str = "friend") -> str:
    told = await submit(stage.platform, await form(stage, message, channel, who), {"words": words}, who)
    await stage.settled()
    return told


async def reports(stage: SlackStage) -> str:
    """What moderators read about the one card, when they ask for it."""
    (card,) = stage.cards()
    lines = await stage.guard.desk.excerpt(card["alert"], Person(PEOPLE["moderator"], "moderator"))
    return " ".join(f"{line.author.name}: {line.text}" for line in lines)


async def ask(stage: SlackStage, text: str = "hello?") -> None:
    """Let the actor write to the app."""
    await stage.say("actor", text, "dm")
    await stage.settled()


def below(message: Json) -> dict[str, Json]:
    return Told(blocks=tuple(message["blocks"])).elements()


async def tell(stage: SlackStage, **filled: str) -> str:
    """Fill in the form under the app's answer."""
    answer = direct_messages(stage.platform)[0]
    opened = (await press(stage.platform, below(answer)["lampkeeper:tell"])).modal
    assert opened is not None
    told = await submit(stage.platform, opened, {"what": "something odd"} | filled, "actor")
    await stage.settled()
    return told


# --- reporting -------------------------------------------------------------------------------------------------------


async def test_a_reported_message_becomes_a_card_that_names_nobody_who_asked(stage: SlackStage) -> None:
    told = await report(stage, await talk(stage), "this feels wrong")
    assert "not told who it was" in told
    assert "workspace's moderators" in told
    (card,) = stage.cards()
    assert card["title"].endswith(ASKED)
    assert PEOPLE["actor"] in card["text"]
    assert PEOPLE["friend"] not in card["text"]
    assert "this feels wrong" not in card["text"]


async def test_the_person_reported_hears_nothing_of_it(stage: SlackStage) -> None:
    message = await talk(stage)
    before = {name: len(there.messages) for name, there in stage.platform.channels.items()}
    await report(stage, message, "this feels wrong")
    more = {name for name, there in stage.platform.channels.items() if len(there.messages) > before.get(name, 0)}
    assert more == {stage.card()["channel"]}
    assert stage.platform.answers == []


async def test_moderators_are_shown_who_reported_and_what_they_wrote(stage: SlackStage) -> None:
    await report(stage, await talk(stage), "this feels wrong")
    assert "friend: this feels wrong" in await reports(stage)


async def test_a_report_joins_the_open_card(tmp_path: Path) -> None:
    async with slack_stage(tmp_path) as stage:
        message = await talk(stage)
        before = stage.card()
        assert "already" not in await report(stage, message), "whether there is a case is nobody's business"
        assert (stage.card()["ts"], len(stage.cards())) == (before["ts"], 1)


async def test_the_same_report_twice_is_told_to_be_here(stage: SlackStage) -> None:
    message = await talk(stage)
    await report(stage, message)
    await stage.restart()
    assert "received already" in await report(stage, message)
    assert len(stage.cards()) == 1


async def test_too_many_reports_are_refused_plainly(stage: SlackStage) -> None:
    said = [await stage.say("actor", line) for line in slow_talk()]
    await stage.settled()
    told = [await report(stage, stage.platform.message(GENERAL, ts)) for ts in said[: MOST_A_DAY + 1]]
    assert f"You sent {MOST_A_DAY} reports within a day" in told[-1]
    assert all("Thank you" in text for text in told[:-1])


async def test_a_form_opened_before_a_restart_can_be_sent_after_it(stage: SlackStage) -> None:
    opened = await form(stage, await talk(stage))
    await stage.restart()
    assert "Thank you" in await submit(stage.platform, opened, {})


async def test_a_reply_is_reported_in_its_thread(stage: SlackStage) -> None:
    root = await stage.say("target", "hello there")
    reply = await stage.say("actor", "do not tell anybody", thread_ts=root)
    await stage.settled()
    told = await report(stage, stage.platform.message(GENERAL, reply))
    assert "not kept" not in told
    assert "do not tell anybody" in await reports(stage)


async def test_a_direct_message_where_the_app_is_not_is_a_case_without_its_words(stage: SlackStage) -> None:
    stage.platform.channels[BETWEEN] = Channel(BETWEEN, "im", {PEOPLE["actor"], PEOPLE["friend"]})
    message = {"type": "message", "user": PEOPLE["actor"], "text": "do not tell anybody", "ts": stage.platform.now()}
    told = await report(stage, message, "asked for a photo", BETWEEN)
    assert "moderators cannot open it" in told
    assert "link" not in told
    (card,) = stage.cards()
    assert PEOPLE["actor"] in card["text"]
    assert PEOPLE["friend"] in card["text"], "the two who talk with each other"
    shown = await reports(stage)
    assert "asked for a photo" in shown
    assert "do not tell anybody" not in shown
    assert "direct message that the app is not in" in card["text"]
    assert "with the app" not in card["text"]
    removing = (await stage.push(card["alert"], "remove")).text
    assert "nothing to remove them from" in removing
    assert "alert_channel" not in removing


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({"user": PEOPLE["friend"]}, "yourself"),
        ({"user": BOT_USER, "bot_id": "B0LAMP"}, "No person wrote this"),
        ({"bot_id": "B0OTHER", "subtype": "bot_message"}, "No person wrote this"),
        ({"user": PEOPLE["actor"], "subtype": "channel_join"}, "No person wrote this"),
    ],
)
async def test_what_cannot_be_reported_is_refused_at_once(stage: SlackStage, message: Json, sentence: str) -> None:
    raw = {"type": "message", "text": "hello", "ts": stage.platform.now()} | message
    told = await shortcut(stage.platform, raw)
    assert told.modal is None
    assert sentence in told.text


async def test_a_program_that_slack_tells_only_when_asked_is_refused_when_the_form_is_sent(stage: SlackStage) -> None:
    raw = {"type": "message", "text": "hello", "ts": stage.platform.now(), "user": "U0ROBOT"}
    assert "No person wrote this" in await report(stage, raw)
    assert stage.cards() == []


async def test_a_workspace_without_an_alert_channel_says_that_the_report_waits(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, alert_channel=None) as stage:
        assert "has not chosen yet where moderators see" in await report(stage, await talk(stage))


async def test_a_form_that_slack_opens_no_more_is_said_and_pressed_again(stage: SlackStage) -> None:
    message = await talk(stage)
    stage.platform.refuse["views.open"] = {"code": "expired_trigger_id"}
    assert "press again" in (await shortcut(stage.platform, message)).text
    stage.platform.refuse.clear()
    assert "Thank you" in await report(stage, message)


async def test_what_slack_refuses_else_is_said_with_its_remedy(stage: SlackStage) -> None:
    stage.platform.refuse["views.open"] = {"code": "missing_scope", "needed": "commands"}
    assert "commands" in (await shortcut(stage.platform, await talk(stage))).text


async def test_an_answer_that_takes_long_comes_as_a_direct_message(
    stage: SlackStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await form(stage, await talk(stage))
    monkeypatch.setattr(asked, "IN_FORM", 0.0)
    assert await submit(stage.platform, opened, {}) == "", "the form closes"
    await stage.platform.until(lambda: bool(direct_messages(stage.platform, "friend")))
    assert "Thank you" in direct_messages(stage.platform, "friend")[0]["text"]
    assert direct_messages(stage.platform) == []


# --- help ------------------------------------------------------------------------------------------------------------


async def test_whoever_writes_to_the_app_is_told_of_help_once_a_day(stage: SlackStage) -> None:
    await ask(stage)
    await ask(stage, "are you there?")
    await stage.restart()
    await ask(stage, "hm")
    (answer,) = direct_messages(stage.platform)
    for said in (DIRECTORY, "not your fault", "*Report something*", "can be seen by them"):
        assert said in answer["text"]
    assert answer["blocks"][0]["text"]["text"] == answer["text"]


async def test_a_day_later_help_is_offered_again(stage: SlackStage) -> None:
    await ask(stage)
    await stage.stop()
    for message in stage.platform.channels[DIRECT].messages:
        message["ts"] = f"{float(message['ts']) - 2 * 86_400:.6f}"
    await stage.start()
    await ask(stage, "hello again")
    assert len(direct_messages(stage.platform)) == 2


async def test_the_workspaces_country_names_its_helplines_and_another_can_be_chosen(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, country="GB") as stage:
        await ask(stage)
        (answer,) = direct_messages(stage.platform)
        assert "0800 1111" in answer["text"]
        menu = below(answer)["lampkeeper:country"]
        assert {option["value"] for option in menu["options"]} == set(known())
        assert "116 111" in (await press(stage.platform, menu, chosen="DE")).text
        assert "0800 1111" in await report(stage, await talk(stage))


async def test_help_waits_where_slack_asks_to_wait(stage: SlackStage) -> None:
    stage.platform.limit["chat.postMessage"] = [1]
    await ask(stage)
    assert len(direct_messages(stage.platform)) == 1


async def test_help_that_could_not_be_sent_is_sent_with_the_next_line(stage: SlackStage) -> None:
    stage.platform.refuse["chat.postMessage"] = {"code": "missing_scope", "needed": "chat:write"}
    with capture_logs() as logs:
        await ask(stage)
        stage.platform.refuse.clear()
        await ask(stage)
    assert "slack.help_not_sent" in {entry["event"] for entry in logs}
    assert len(direct_messages(stage.platform)) == 1


async def test_help_is_offered_where_slack_lets_nothing_be_looked_up(stage: SlackStage) -> None:
    stage.platform.refuse["conversations.history"] = {"code": "missing_scope", "needed": "im:history"}
    await ask(stage)
    assert len(direct_messages(stage.platform)) == 1


async def test_nobody_is_answered_in_a_channel_nor_in_a_group_message(stage: SlackStage) -> None:
    for channel in ("general", "club", "group"):
        await stage.say("actor", "hello?", channel)
    await stage.settled()
    posted = {call["channel"] for method, call in stage.platform.calls if method == "chat.postMessage"}
    assert posted <= {ALERTS}


async def test_the_configurations_helplines_are_those_that_members_are_told(tmp_path: Path) -> None:
    ours = Helpline(country="GB", name="Ours", phone="123", url="https://a.example")
    config = Config(slack=slack_config(), helplines=(ours,))
    async with lampkeeper(tmp_path) as guard:
        adapter = cast("SlackAdapter", composition.make_adapter(config, "slack", guard))
    assert adapter.helplines["GB"] == (ours,)


async def test_any_number_of_countries_and_helplines_can_be_shown(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, country="AA") as stage:
        countries = [first + second for first in "ABCDEFGH" for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
        line = Helpline(country="AA", name="A name as long as can be" * 3, phone="123", url="https://a.example")
        stage.adapter.helplines.clear()
        stage.adapter.helplines.update(dict.fromkeys(countries, (line,) * 20))
        await ask(stage)
        (answer,) = direct_messages(stage.platform)
        menus = [one for block in answer["blocks"][2:] for one in block["elements"]]
        assert [option["value"] for menu in menus for option in menu["options"]] == countries
        assert "more" in answer["text"], "how many helplines were left out is said"


# --- the form --------------------------------------------------------------------------------------------------------


async def test_the_form_opens_a_case_about_whom_it_chooses(stage: SlackStage) -> None:
    await ask(stage)
    told = await tell(stage, what="asked for a photo", member=PEOPLE["target"], where="another app")
    assert "moderators see your report" in told
    (card,) = stage.cards()
    assert PEOPLE["target"] in card["text"]
    shown = await reports(stage)
    assert "asked for a photo" in shown
    assert "another app" in shown
    assert "actor" in shown


@pytest.mark.parametrize("who", ["target", "@Target", PEOPLE["target"], f"<@{PEOPLE['target']}>"])
async def test_the_form_takes_a_name_or_an_id(stage: SlackStage, who: str) -> None:
    await stage.say("target", "hi", "general")
    await ask(stage)
    await tell(stage, who=who)
    assert PEOPLE["target"] in stage.cards()[0]["text"]


@pytest.mark.parametrize("filled", [{"who": "somebody from school"}, {"member": "U0ROBOT"}, {"who": "U0NOBODY"}, {}])
async def test_a_form_that_names_nobody_known_is_a_case_all_the_same(stage: SlackStage, filled: dict[str, str]) -> None:
    await ask(stage)
    assert "could not tell who you mean" in await tell(stage, **filled)
    assert "something odd" in await reports(stage)


# --- what is kept ----------------------------------------------------------------------------------------------------


async def want(stage: SlackStage, button: str, who: str = "actor") -> Told:
    kept = (await command(stage.platform, "privacy", who)).elements()
    return await press(stage.platform, kept[button], who)


async def want_deletion(stage: SlackStage, word: str = "Yes") -> str:
    opened = (await want(stage, "lampkeeper:delete")).modal
    assert opened is not None
    told = await submit(stage.platform, opened, {"word": word}, "actor")
    await stage.settled()
    return told


async def answer(stage: SlackStage, who: str = "moderator") -> Told:
    """Answer the oldest open request."""
    menu = (await command(stage.platform, "requests", who)).elements()["lampkeeper:request"]
    return await press(stage.platform, menu, who, chosen=menu["options"][0]["value"])


async def waiting(stage: SlackStage) -> int:
    return len(await requests.waiting(stage.guard.ledger, HERE))


async def test_privacy_says_what_is_kept_how_long_and_that_nothing_trains(stage: SlackStage) -> None:
    told = await command(stage.platform, "privacy", "friend")
    for said in ("7 days", "cannot opt out one by one", "*Nothing trains a model.*", "admins and owners answer"):
        assert said in told.text
    assert told.elements().keys() == {"lampkeeper:see", "lampkeeper:delete"}


async def test_the_same_stands_behind_a_button_under_the_apps_answer(stage: SlackStage) -> None:
    await ask(stage)
    kept = await press(stage.platform, below(direct_messages(stage.platform)[0])["lampkeeper:kept"])
    assert kept == await command(stage.platform, "privacy")


async def test_a_request_is_told_in_the_alert_channel_and_taken_once(stage: SlackStage) -> None:
    assert "admins and owners" in (await want(stage, "lampkeeper:see")).text
    assert "already" in (await want(stage, "lampkeeper:see")).text
    await stage.settled()
    (notice,) = [told for told in stage.notices() if "changed Lampkeeper's settings" not in told]
    assert "/lampkeeper requests" in notice
    assert "actor" not in notice


@pytest.mark.parametrize("who", ["friend", "second"])
async def test_only_owners_and_admins_answer_requests(stage: SlackStage, who: str) -> None:
    assert "Only admins and owners" in (await command(stage.platform, "requests", who)).text


async def test_another_workspaces_admin_answers_nothing_here(stage: SlackStage) -> None:
    stage.platform.users[PEOPLE["teacher"]] |= {"is_admin": True, "team_id": "T0OTHER"}
    assert "Only admins and owners" in (await command(stage.platform, "requests", "teacher")).text


async def test_whoever_is_no_admin_any_more_can_press_nothing(stage: SlackStage) -> None:
    await want_deletion(stage)
    sure = (await answer(stage)).elements()["lampkeeper:forget"]
    assert "Only admins and owners" in (await press(stage.platform, sure, "friend")).text
    assert await waiting(stage) == 1


async def test_no_open_request_is_said(stage: SlackStage) -> None:
    assert (await command(stage.platform, "requests", "moderator")).text == "No request is open."


async def test_the_answer_goes_to_the_person_alone(stage: SlackStage) -> None:
    await talk(stage)
    await want(stage, "lampkeeper:see")
    told = await answer(stage)
    assert f"{len(slow_talk())} messages of theirs" in told.text
    (sent,) = direct_messages(stage.platform)
    assert "what Lampkeeper keeps of what you said in Lamp" in sent["text"]
    (file,) = (json.loads(stage.platform.files[file["id"]]["content"]) for file in sent["files"])
    assert [line["text"] for line in file["your_messages"]] == slow_talk()
    assert await waiting(stage) == 0


async def test_whoever_cannot_be_written_to_leaves_the_request_open(stage: SlackStage) -> None:
    await want(stage, "lampkeeper:see")
    stage.platform.users[PEOPLE["actor"]]["deleted"] = True
    assert "lets nobody write to actor" in (await answer(stage)).text
    assert await waiting(stage) == 1


async def test_a_file_that_slack_does_not_take_leaves_the_request_open_and_says_why(stage: SlackStage) -> None:
    await want(stage, "lampkeeper:see")
    stage.platform.refuse["files.getUploadURLExternal"] = {"code": "missing_scope", "needed": "files:write"}
    assert "files:write" in (await answer(stage)).text
    assert await waiting(stage) == 1


async def test_a_deletion_is_asked_for_twice_and_made_only_after_an_admins_yes(stage: SlackStage) -> None:
    await talk(stage)
    assert await want_deletion(stage, "no") == "Nothing was asked for."
    assert "gone for good" in await want_deletion(stage)
    sure = await answer(stage)
    assert "cannot be brought back" in sure.text
    me = PEOPLE["actor"]
    assert (await requests.kept(stage.guard.ledger, HERE, me))["your_messages"]
    await stage.restart()
    done = await press(stage.platform, sure.elements()["lampkeeper:forget"], "moderator")
    assert done.text == "Everything about actor was deleted."
    assert (await requests.kept(stage.guard.ledger, HERE, me))["your_messages"] == []
    assert "as you asked" in direct_messages(stage.platform)[0]["text"]
    again = await press(stage.platform, sure.elements()["lampkeeper:forget"], "moderator")
    assert again.text == "This request was answered already."


async def test_a_deletion_is_made_although_the_person_cannot_be_told(stage: SlackStage) -> None:
    await talk(stage)
    await want_deletion(stage)
    sure = (await answer(stage)).elements()["lampkeeper:forget"]
    stage.platform.refuse["conversations.open"] = {"code": "missing_scope", "needed": "im:write"}
    assert "was deleted" in (await press(stage.platform, sure, "moderator")).text


async def test_an_open_case_stops_a_deletion_and_the_admin_is_told_why(stage: SlackStage) -> None:
    await report(stage, await talk(stage))
    await want_deletion(stage)
    sure = (await answer(stage)).elements()["lampkeeper:forget"]
    assert "Nothing was deleted: 1 open (decide first)" in (await press(stage.platform, sure, "moderator")).text
    assert direct_messages(stage.platform) == []


# --- several workspaces, and the log ---------------------------------------------------------------------------------


async def test_nothing_crosses_workspaces_and_http_serves_members_as_well(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        one, two = await stage.team("T0ONE"), await stage.team("T0TWO")
        two.users[PEOPLE["moderator"]]["is_admin"] = True
        await one.say("actor", "hello?", DIRECT)
        await stage.settled()
        assert (len(direct_messages(one)), len(direct_messages(two))) == (1, 0)
        tell_one = below(direct_messages(one)[0])
        opened = (await press(one, tell_one["lampkeeper:tell"])).modal
        assert opened is not None
        assert "Thank you" in await submit(one, opened, {"what": "something odd", "member": PEOPLE["target"]}, "actor")
        kept = (await press(one, tell_one["lampkeeper:kept"])).elements()
        assert "Your request" in (await press(one, kept["lampkeeper:see"])).text
        await stage.settled()
        assert (len(one.cards()), len(two.cards())) == (1, 0)
        assert [len(await requests.waiting(stage.guard.ledger, f"slack:{t.team}")) for t in (one, two)] == [1, 0]
        number = {"type": "button", "action_id": "lampkeeper:forget", "value": "1"}
        assert "answered already" in (await press(two, number, "moderator")).text


async def test_a_fault_is_said_and_logged_by_its_kind_alone(stage: SlackStage) -> None:
    unheard = {"type": "button", "action_id": "lampkeeper:country", "value": "secret words"}
    with capture_logs() as logs:
        told = await press(stage.platform, unheard)
    assert "could not be done now" in told.text
    (entry,) = (entry for entry in logs if entry["event"] == "slack.command_failed")
    assert entry["error"] == "KeyError"
    assert "secret words" not in str(logs)


async def test_no_log_holds_what_members_wrote(stage: SlackStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for name in ("friend", "actor"):
        stage.platform.users[PEOPLE[name]]["name"] = "Their Name"
    with capture_logs() as logs:
        await report(stage, await talk(stage), "very private words")
        await ask(stage)
        await tell(stage, what="another private line", who="target")
        stage.platform.refuse["views.open"] = {"code": "internal_error"}
        await shortcut(stage.platform, stage.platform.channels[GENERAL].messages[-1])
    written = caplog.text + str(logs)
    for secret in ("very private words", "another private line", "Their Name"):
        assert secret not in written
