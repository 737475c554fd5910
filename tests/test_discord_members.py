"""What members can do on Discord: report, be told of help, and ask about what is kept of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import aiohttp
import discord
import pytest
from structlog.testing import capture_logs

from bots import composition
from bots.discord_bot import DiscordAdapter, forms
from bots.helplines import DIRECTORY, known
from core.casework.cards import ASKED, Person
from core.casework.reports import MOST_A_DAY
from core.config import Helpline, load_config
from core.errors import ConfigError
from core.retention import requests
from tests.discord_objects import (
    DM,
    GENERAL,
    LAMPKEEPER,
    OWNER,
    PEOPLE,
    SERVER,
    Json,
    button_ids,
    stamp,
)
from tests.discord_platform import Reply, components
from tests.discord_stage import DiscordStage, discord_stage
from tests.support import lampkeeper, slow_talk

MENU = "Report to moderators"
QUIET = 1.0 - 1e-12
"""A threshold that no score reaches: whatever shows here, a member asked for."""
FRIEND, ACTOR, TARGET = PEOPLE["friend"], PEOPLE["actor"], PEOPLE["target"]
OTHER = 900


@pytest.fixture
async def stage(stage: DiscordStage) -> DiscordStage:
    await stage.adapter.servers.choose(SERVER, {"review": QUIET}, Person("1", "admin"))
    return stage


async def talk(stage: DiscordStage) -> str:
    """Let the actor talk to the target; return the id of the fourth line."""
    await stage.say("target", "hello there")
    said = [await stage.say("actor", line) for line in slow_talk()]
    await stage.settled()
    return said[3]


async def report(stage: DiscordStage, about: int, who: int = FRIEND, words: str = "", channel: int = GENERAL) -> Reply:
    opened = await stage.there.menu(MENU, about, who, channel)
    assert opened.modal is not None, opened.text
    reply = await stage.there.submit(opened.modal, {"words": words}, who)
    await stage.settled()
    return reply


def helped(stage: DiscordStage) -> list[Json]:
    """What the bot wrote to the actor."""
    said = stage.there.messages.get(DM, {}).values()
    return [message for message in said if message["author"]["id"] == str(LAMPKEEPER)]


async def opened(stage: DiscordStage) -> Json:
    """Open the form under the bot's answer."""
    form = (await stage.there.press(helped(stage)[0], "lampkeeper:tell", ACTOR)).modal
    assert form is not None
    return form


async def tell(stage: DiscordStage, **filled: str) -> Reply:
    """Fill in the form under the bot's answer."""
    return await send(stage, await opened(stage), **filled)


async def send(stage: DiscordStage, form: Json, **filled: str) -> Reply:
    """Send the form off."""
    values = {"what": "something odd", "who": "", "where": ""} | filled
    rows = [{"type": 1, "components": [{"type": 4, "custom_id": k, "value": v}]} for k, v in values.items()]
    reply = await stage.there.interact(5, {"custom_id": form["custom_id"], "components": rows}, ACTOR, DM)
    await stage.settled()
    return reply


# --- reporting -------------------------------------------------------------------------------------------------------


async def test_a_reported_message_becomes_a_card_that_names_nobody_who_asked(stage: DiscordStage) -> None:
    reply = await report(stage, int(await talk(stage)), words="this feels wrong")
    assert reply.ephemeral
    assert "not told who it was" in reply.text
    (card,) = stage.cards()
    assert card["title"].startswith(ASKED)
    assert "Reported: by a member" in card["text"]
    assert "Friend" not in card["text"]
    assert "this feels wrong" not in card["text"]
    assert f"<@{ACTOR}>" in card["text"]


async def test_show_excerpt_shows_moderators_the_message_and_who_reported_it(stage: DiscordStage) -> None:
    await report(stage, int(await talk(stage)), words="this feels wrong")
    told = await stage.press(stage.cards()[0]["alert"], "Show excerpt")
    assert f"report by · **<@{FRIEND}> (Friend)**" in told.text
    assert "||this feels wrong||" in told.text
    assert f"▸ **<@{ACTOR}> (Actor)**" in told.text
    assert told.private


async def test_a_reported_person_is_a_card_too_and_too_little_said_is_said(stage: DiscordStage) -> None:
    await report(stage, ACTOR)
    (card,) = stage.cards()
    assert card["title"] == ASKED
    assert "Probability: none: too little was said" in card["text"]
    assert f"<@{ACTOR}> (Actor)" in card["text"]


async def test_a_report_joins_the_open_card(tmp_path: Path) -> None:
    async with discord_stage(tmp_path) as stage:
        reported = int(await talk(stage))
        (before,) = stage.cards()
        reply = await report(stage, reported)
        (card,) = stage.cards()
        assert "already" not in reply.text, "whether there is a case is nobody's business"
        assert (card["title"], card["message"]["id"]) == (before["title"], before["message"]["id"])
        assert "Reported: by a member" in card["text"]


async def test_the_same_report_twice_is_told_to_be_here(stage: DiscordStage) -> None:
    reported = int(await talk(stage))
    await report(stage, reported)
    await stage.restart()
    assert "received already" in (await report(stage, reported)).text
    assert len(stage.cards()) == 1


async def test_too_many_reports_are_refused_plainly(stage: DiscordStage) -> None:
    said = [int(await stage.say("actor", line)) for line in slow_talk()]
    await stage.settled()
    replies = [await report(stage, number) for number in said[: MOST_A_DAY + 1]]
    assert f"You sent {MOST_A_DAY} reports within a day" in replies[-1].text
    assert all("Thank you" in reply.text for reply in replies[:-1])
    assert len(stage.cards()) == 1


async def test_a_message_from_a_channel_that_is_left_out_is_a_link_and_said_to_be(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, ignored_channels=(GENERAL,)) as stage:
        said = await stage.say("actor", "do not tell anybody")
        await stage.settled()
        reply = await report(stage, int(said))
        (card,) = stage.cards()
        assert "I have not kept the words" in reply.text
        assert f"https://discord.com/channels/{SERVER}/{GENERAL}/{said}" in card["text"]
        assert "do not tell anybody" not in (await stage.press(card["alert"], "Show excerpt")).text


@pytest.mark.parametrize(("author", "sentence"), [("robot", "No person wrote this"), ("friend", "yourself")])
async def test_what_cannot_be_reported_is_refused_at_once(stage: DiscordStage, author: str, sentence: str) -> None:
    message = stage.there.message(PEOPLE[author], GENERAL, "hello")
    on_message = await stage.there.menu(MENU, int(message["id"]), FRIEND)
    assert sentence in on_message.text
    assert (await stage.there.menu(MENU, PEOPLE[author], FRIEND)).modal is None


@pytest.mark.parametrize("by", ["message", "person"])
async def test_a_report_form_that_was_open_while_the_bot_restarted_is_taken(stage: DiscordStage, by: str) -> None:
    reported = int(await talk(stage))
    opened = await stage.there.menu(MENU, reported if by == "message" else ACTOR, FRIEND)
    await stage.restart()
    assert opened.modal is not None
    reply = await stage.there.submit(opened.modal, {"words": "this feels wrong"}, FRIEND)
    await stage.settled()
    assert "moderators see your report" in reply.text
    (card,) = stage.cards()
    assert f"<@{ACTOR}> (Actor)" in card["text"]
    shown = (await stage.press(card["alert"], "Show excerpt")).text
    assert "this feels wrong" in shown
    assert ("\n▸" in shown) == (by == "message")


async def test_the_name_of_somebody_reported_whom_nobody_heard_before_is_on_the_card(stage: DiscordStage) -> None:
    await report(stage, TARGET)
    assert f"<@{TARGET}> (Target)" in stage.cards()[0]["text"]


async def test_a_server_without_an_alert_channel_says_that_the_report_waits(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, alert_channel=None) as stage:
        reply = await report(stage, ACTOR)
        assert "has not chosen yet where moderators see" in reply.text


# --- help ------------------------------------------------------------------------------------------------------------


async def test_whoever_writes_to_the_bot_is_told_of_help_once_a_day(stage: DiscordStage) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.say("actor", "are you there?", "dm")
    await stage.settled()
    await stage.restart()
    await stage.say("actor", "hm", "dm")
    await stage.settled()
    (answer,) = helped(stage)
    assert DIRECTORY in answer["content"]
    assert "not your fault" in answer["content"]
    assert "moderators of server" in answer["content"]


async def test_a_day_later_help_is_offered_again(stage: DiscordStage) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    (old,) = helped(stage)
    await stage.stop()
    long_ago = int(old["id"]) - (2 * 86_400_000 << 22)
    stage.there.messages[DM] = {long_ago: old | {"id": str(long_ago), "timestamp": stamp(time.time() - 2 * 86_400)}}
    await stage.start()
    await stage.say("actor", "hello again", "dm")
    await stage.settled()
    assert len(helped(stage)) == 2


async def test_the_servers_country_names_its_helplines_and_another_can_be_chosen(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, country="GB") as stage:
        await stage.say("actor", "hello?", "dm")
        await stage.settled()
        (answer,) = helped(stage)
        assert "0800 1111" in answer["content"]
        menu = next(part for part in components(answer) if "lampkeeper:country" in part.get("custom_id", ""))
        assert {option["value"] for option in menu["options"]} == set(known())
        reply = await stage.there.press(answer, menu["custom_id"], ACTOR, ("DE",))
        assert "116 111" in reply.text
        assert reply.ephemeral
        assert "0800 1111" in (await report(stage, TARGET)).text


async def test_help_that_could_not_be_sent_is_sent_with_the_next_line(stage: DiscordStage) -> None:
    stage.there.faults.append((f"POST /channels/{DM}/messages", 403, {"message": "no", "code": 50007}, {}))
    with capture_logs() as logs:
        await stage.say("actor", "hello?", "dm")
        await stage.settled()
        await stage.say("actor", "hello?", "dm")
        await stage.settled()
    assert "discord.help_not_sent" in {entry["event"] for entry in logs}
    assert len(helped(stage)) == 1


def test_an_operators_helplines_take_the_place_of_those_shipped() -> None:
    mine = Helpline(country="GB", name="Ours", phone="123", url="https://a.example")
    merged = known((mine,))
    assert merged["GB"] == (mine,)
    assert merged["DE"] == known()["DE"]


async def test_the_configurations_helplines_are_those_that_members_are_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[discord]\ntoken = "t"\n[[helplines]]\ncountry = "GB"\nname = "Ours"\nphone = "123"\nurl = "https://a.example"'
    )
    config = load_config(path, {})
    async with lampkeeper(tmp_path) as guard:
        adapter = cast("DiscordAdapter", composition.make_adapter(config, "discord", guard))
    assert [one.phone for one in adapter.helpdesk.helplines["GB"]] == ["123"]


@pytest.mark.parametrize("wrong", ["country = 'gb'", "phone = 'call us'", "url = 'http://a.example'", "nmae = 'x'"])
def test_a_wrong_helpline_is_told_with_its_line(tmp_path: Path, wrong: str) -> None:
    right = {"country": "'GB'", "name": "'Ours'", "phone": "'123'", "url": "'https://a.example'"}
    key, _, value = wrong.partition(" = ")
    lines = [f"{name} = {text}" for name, text in (right | {key: value}).items()]
    (tmp_path / "config.toml").write_text("\n".join(["[[helplines]]", *lines]))
    with pytest.raises(ConfigError, match=rf"line {lines.index(wrong) + 2}: .*helplines\[0\]\.{key}"):
        load_config(tmp_path / "config.toml", {})


def test_every_helpline_shipped_was_checked_and_can_be_called() -> None:
    for some in known().values():
        assert all(one.checked and one.phone for one in some)


# --- the form --------------------------------------------------------------------------------------------------------


async def test_the_form_opens_a_case_about_whom_it_names(stage: DiscordStage) -> None:
    await stage.say("target", "hi", "general")
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    await stage.restart()
    reply = await tell(stage, what="asked for a photo", who="target", where="another app")
    assert "moderators see your report" in reply.text
    (card,) = stage.cards()
    assert f"<@{TARGET}>" in card["text"]
    shown = (await stage.press(card["alert"], "Show excerpt")).text
    assert "asked for a photo" in shown
    assert "another app" in shown
    assert "Actor" in shown


async def test_a_form_that_was_open_while_the_bot_restarted_is_taken(stage: DiscordStage) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    form = await opened(stage)
    await stage.restart()
    assert "moderators see your report" in (await send(stage, form, what="something odd")).text
    assert "something odd" in (await stage.press(stage.cards()[0]["alert"], "Show excerpt")).text


async def test_a_form_that_took_longer_to_write_than_discord_py_remembers_it_is_taken(
    stage: DiscordStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "REMEMBERED", 1e-9)
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    assert "moderators see your report" in (await tell(stage)).text
    assert len(stage.cards()) == 1


async def test_the_form_takes_an_id(stage: DiscordStage) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    await tell(stage, who=f"<@{TARGET}>")
    assert f"<@{TARGET}>" in stage.cards()[0]["text"]


async def test_a_form_that_names_nobody_known_is_a_case_all_the_same(stage: DiscordStage) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    reply = await tell(stage, who="somebody from school")
    assert "could not tell who you mean" in reply.text
    (card,) = stage.cards()
    assert "nobody could name yet" in card["text"]
    assert "somebody from school" in (await stage.press(card["alert"], "Show excerpt")).text


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_where_several_servers_are_shared_nothing_is_sent_before_one_is_chosen(
    stage: DiscordStage, *, restarted: bool
) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    more: Json = {"id": str(OTHER), "name": "other", "channels": [], "threads": []}
    more["roles"] = [stage.there.role(SERVER) | {"id": str(OTHER)}]
    await stage.there.send("GUILD_CREATE", stage.there.guild() | more)
    await stage.settled()
    question = await tell(stage, what="asked for a *photo*", where="another app")
    assert "Nothing has been sent yet" in question.text
    assert stage.cards() == []
    assert question.message is not None
    menu = next(part for part in components(question.message) if part.get("custom_id") == "lampkeeper:which_server")
    assert {option["label"] for option in menu["options"]} == {"server", "other"}
    if restarted:
        await stage.restart()
    reply = await stage.there.press(question.message, "lampkeeper:which_server", ACTOR, (str(SERVER),))
    await stage.settled()
    assert "Thank you" in reply.text
    (card,) = stage.cards()
    shown = (await stage.press(card["alert"], "Show excerpt")).text
    assert "asked for a \\*photo\\* Who: (not said) Where: another app" in shown


async def test_whoever_shares_no_server_is_told_that_nobody_was(stage: DiscordStage) -> None:
    await stage.say("actor", "hello?", "dm")
    await stage.settled()
    unknown = {"message": "Unknown Member", "code": 10007}
    stage.there.faults.append((rf"GET /guilds/{SERVER}/members/{ACTOR}", 404, unknown, {}))
    assert "nobody was told" in (await tell(stage)).text
    assert stage.cards() == []


# --- what is kept ----------------------------------------------------------------------------------------------------


async def privacy(stage: DiscordStage, button: str, who: int = ACTOR) -> Reply:
    shown = await stage.there.command("lampkeeper privacy", who)
    assert shown.message is not None
    assert button in button_ids(shown.message)
    return await stage.there.press(shown.message, button, who)


async def ask_deletion(stage: DiscordStage, word: str = "Yes", who: int = ACTOR) -> Reply:
    form = (await privacy(stage, "lampkeeper:delete", who)).modal
    assert form is not None
    reply = await stage.there.submit(form, {"word": word}, who)
    await stage.settled()
    return reply


@pytest.fixture
def owned(stage: DiscordStage, monkeypatch: pytest.MonkeyPatch) -> DiscordStage:
    """The stage with an owner who holds every permission, as Discord has it."""
    allows = stage.there.allows

    def with_owner(channel: int, who: int = LAMPKEEPER) -> int:
        return (1 << 50) - 1 if who == OWNER else allows(channel, who)

    monkeypatch.setattr(stage.there, "allows", with_owner)
    return stage


async def answer(stage: DiscordStage, admin: int = OWNER) -> Reply:
    """Answer the oldest open request as an admin."""
    found = await stage.there.command("lampkeeper requests", admin)
    assert found.message is not None, found.text
    menu = next(part for part in components(found.message) if part.get("custom_id") == "lampkeeper:request")
    first = menu["options"][0]["value"]
    return await stage.there.press(found.message, "lampkeeper:request", admin, (first,))


async def test_privacy_says_what_is_kept_how_long_and_that_nothing_trains(stage: DiscordStage) -> None:
    reply = await stage.there.command("lampkeeper privacy", FRIEND)
    for said in ("7 days", "cannot opt out one by one", "Nothing trains a model", "admins choose"):
        assert said in reply.text
    assert reply.ephemeral
    assert len(reply.text) <= 2000


async def test_a_request_is_told_in_the_alert_channel_and_taken_once(stage: DiscordStage) -> None:
    assert "with this server's admins" in (await privacy(stage, "lampkeeper:see")).text
    assert "already" in (await privacy(stage, "lampkeeper:see")).text
    await stage.settled()
    (notice,) = [told for told in stage.notices() if "changed Lampkeeper's settings" not in told]
    assert "/lampkeeper requests" in notice
    assert "Actor" not in notice


async def test_only_admins_answer_requests(stage: DiscordStage) -> None:
    refused = await stage.there.command("lampkeeper requests", PEOPLE["moderator"])
    assert refused.text == "Only members who may manage this server can do this."


async def test_no_open_request_is_said(owned: DiscordStage) -> None:
    stage = owned
    assert (await stage.there.command("lampkeeper requests", OWNER)).text == "No request is open."


async def test_the_answer_goes_to_the_person_alone(owned: DiscordStage) -> None:
    stage = owned
    await talk(stage)
    await privacy(stage, "lampkeeper:see")
    reply = await answer(stage)
    assert f"{len(slow_talk())} messages of theirs" in reply.text
    assert reply.ephemeral
    assert reply.files == ()
    (told,) = helped(stage)
    assert "what Lampkeeper keeps of what you said in server" in told["content"]
    assert await requests.waiting(stage.guard.ledger, f"discord:{SERVER}") == []


async def test_closed_direct_messages_leave_the_request_open(owned: DiscordStage) -> None:
    stage = owned
    await privacy(stage, "lampkeeper:see")
    stage.there.faults.append((f"POST /channels/{DM}/messages", 403, {"message": "no", "code": 50007}, {}))
    assert "does not take direct messages" in (await answer(stage)).text
    assert len(await requests.waiting(stage.guard.ledger, f"discord:{SERVER}")) == 1


async def test_the_form_that_asks_for_a_deletion_is_taken_after_a_restart(stage: DiscordStage) -> None:
    form = (await privacy(stage, "lampkeeper:delete")).modal
    assert form is not None
    await stage.restart()
    assert "gone for good" in (await stage.there.submit(form, {"word": "yes"}, ACTOR)).text
    (waiting,) = await requests.waiting(stage.guard.ledger, f"discord:{SERVER}")
    assert waiting.kind == "deletion"


async def test_a_deletion_is_asked_for_twice_and_made_only_after_an_admins_yes(owned: DiscordStage) -> None:
    stage = owned
    await talk(stage)
    assert (await ask_deletion(stage, "no")).text == "Nothing was asked for."
    assert "gone for good" in (await ask_deletion(stage)).text
    sure = await answer(stage)
    assert "cannot be brought back" in sure.text
    space = f"discord:{SERVER}"
    assert (await requests.kept(stage.guard.ledger, space, str(ACTOR)))["your_messages"]
    assert sure.message is not None
    done = await stage.there.press(sure.message, "lampkeeper:forget", OWNER)
    assert done.text == "Everything about Actor was deleted."
    assert (await requests.kept(stage.guard.ledger, space, str(ACTOR)))["your_messages"] == []
    assert "as you asked" in helped(stage)[0]["content"]


async def test_an_admin_is_told_before_a_deletion_takes_a_confirmed_case_along(owned: DiscordStage) -> None:
    stage = owned
    await report(stage, int(await talk(stage)))
    await ask_deletion(stage)
    assert "Confirmed cases" not in (await answer(stage)).text
    (card,) = stage.cards()
    await stage.press(card["alert"], "Confirm")
    await stage.settled()
    assert "Confirmed cases that Actor is part of, and that would be deleted as well: 1." in (await answer(stage)).text


@pytest.mark.parametrize(
    "lost", [discord.RateLimited(60.0), aiohttp.ClientError("gone"), OSError("gone"), TimeoutError("gone")]
)
async def test_a_deletion_is_confirmed_to_the_admin_though_the_member_cannot_be_told(
    owned: DiscordStage, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    stage = owned
    await talk(stage)
    await ask_deletion(stage)
    sure = await answer(stage)
    assert sure.message is not None

    async def fail(*_arguments: object) -> None:
        raise lost

    monkeypatch.setattr(discord.Client, "create_dm", fail)
    done = await stage.there.press(sure.message, "lampkeeper:forget", OWNER)
    assert done.text == "Everything about Actor was deleted."


async def test_an_open_case_stops_a_deletion_and_the_admin_is_told_why(owned: DiscordStage) -> None:
    stage = owned
    await report(stage, int(await talk(stage)))
    await ask_deletion(stage)
    sure = await answer(stage)
    assert sure.message is not None
    refused = await stage.there.press(sure.message, "lampkeeper:forget", OWNER)
    assert "Nothing was deleted: 1 open (decide first)" in refused.text
    assert helped(stage) == []


async def test_no_log_holds_what_members_wrote(stage: DiscordStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logs:
        await report(stage, int(await talk(stage)), words="very private words")
        await stage.say("actor", "hello?", "dm")
        await stage.settled()
        await tell(stage, what="another private line", who="target")
    written = caplog.text + str(logs)
    for secret in ("very private words", "another private line", "Friend", "Actor"):
        assert secret not in written
