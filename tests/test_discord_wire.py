"""The Discord adapter over real sockets: discord.py's own client against the tests' own Discord.

What all platforms' adapters do alike is in `tests/test_adapter_contract.py`; here is what only Discord has.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from core.casework.cards import Person
from core.messages import Author, ConversationKey, Deletion, Edit, Message
from core.store import tables
from tests.discord_objects import (
    ALERTS,
    BOT_ROLE,
    CATEGORY,
    DM,
    FORUM,
    GENERAL,
    GROWN,
    HISTORY,
    MANAGE_MESSAGES,
    MODERATORS,
    PEOPLE,
    POST,
    SEND,
    SERVER,
    THREAD,
    TOKEN,
    VIEW,
    VOICE,
    Json,
    overwrite,
    stamp,
)
from tests.discord_platform import Platform, platform
from tests.discord_stage import DiscordStage, Ear, discord_stage, heard, listening, said
from tests.support import slow_talk


async def talk(stage: DiscordStage, channel: str = "general") -> Json:
    """Let the actor talk to the target; return the card."""
    await stage.say("target", "hello there", channel)
    for line in slow_talk():
        await stage.say("actor", line, channel)
    await stage.settled()
    (card,) = stage.cards()
    return card


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "number"), [("general", GENERAL), ("thread", THREAD), ("post", POST), ("voice", VOICE)]
)
async def test_a_card_links_to_the_messages_where_they_stand(stage: DiscordStage, channel: str, number: int) -> None:
    card = await talk(stage, channel)
    assert f"https://discord.com/channels/{SERVER}/{number}/" in card["text"]
    assert f"<@{PEOPLE['actor']}>" in card["text"]


async def test_posting_a_card_notifies_nobody(stage: DiscordStage) -> None:
    await talk(stage)
    (posted,) = [body for method, path, body in stage.there.requests if method == "POST" and path.endswith("/messages")]
    assert posted["allowed_mentions"] == {"parse": []}


async def test_a_direct_message_with_the_bot_goes_to_the_server_of_the_configuration(stage: DiscordStage) -> None:
    for line in slow_talk():
        await stage.say("actor", line, "dm")
    await stage.settled()
    (card,) = stage.cards()
    assert "direct message with the bot" in card["text"]
    assert "nobody in particular" in card["text"]
    assert "https://discord.com" not in card["text"]


async def test_a_card_about_direct_messages_says_so_after_a_restart(stage: DiscordStage) -> None:
    for line in slow_talk():
        await stage.say("actor", line, "dm")
    await stage.settled()
    await stage.restart()
    await stage.press(stage.cards()[0]["alert"], "Confirm")
    await stage.settled()
    assert "https://discord.com" not in stage.cards()[0]["text"]


async def test_programs_and_the_system_are_never_scored(stage: DiscordStage) -> None:
    for line in slow_talk():
        await said(stage.there, "robot", line)
        await said(stage.there, "lampkeeper", line)
        await said(stage.there, "actor", line, webhook_id="900")
        await said(stage.there, "actor", line, type=7)
    await stage.settled()
    assert not stage.cards()
    assert await stage.guard.cursor(ConversationKey(f"discord:{SERVER}", str(GENERAL))) is None


async def test_the_moderators_own_and_ignored_channels_are_not_read(there: Platform) -> None:
    ear = Ear()
    async with listening(ear, ignored_channels=(CATEGORY, FORUM)) as adapter:
        for channel in (ALERTS, VOICE, POST, GENERAL):
            await said(there, "moderator", f"in {channel}", channel)
        await heard(there, adapter)
    assert ear.texts() == [f"in {GENERAL}"]


async def test_a_server_that_nobody_set_up_is_watched_and_its_card_waits_for_an_alert_channel(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, alert_channel=None) as stage:
        await stage.say("target", "hello there")
        for line in slow_talk():
            await stage.say("actor", line)
        await stage.settled()
        assert stage.cards() == []
        await stage.adapter.servers.choose(SERVER, {"alert_channel": ALERTS}, Person("1", "admin"))
    async with discord_stage(tmp_path, clock=lambda: time.time() + 3600, alert_channel=None) as stage:
        assert len(stage.cards()) == 1, "what was chosen is kept"


async def test_what_was_said_while_a_server_was_paused_is_never_read(tmp_path: Path) -> None:
    async with discord_stage(tmp_path) as stage:
        began = time.time() - 1
        await stage.adapter.servers.choose(SERVER, {"pauses": [(began, None)]}, Person("1", "admin"))
        for line in slow_talk():
            await stage.say("actor", line)
        await stage.settled()
        await stage.adapter.servers.choose(SERVER, {"pauses": [(began, time.time() + 1)]}, Person("1", "admin"))
        await stage.drop_connection()
        await stage.settled()
        assert stage.cards() == []


async def test_the_commands_are_put_and_a_member_is_told_what_is_kept(stage: DiscordStage) -> None:
    reply = await stage.there.command("lampkeeper privacy", PEOPLE["friend"])
    assert "7 days" in reply.text
    assert reply.ephemeral


async def test_a_message_is_translated_whole(there: Platform) -> None:
    ear = Ear()
    there.member_roles[PEOPLE["teacher"]] = [GROWN]
    first = there.message(PEOPLE["target"], GENERAL, "who wants to play?")
    people = [there.user(PEOPLE[name]) for name in ("friend", "robot", "target")]
    picture = {"id": "1", "filename": "a.png", "size": 1, "url": "https://a.example/a.png", "proxy_url": ""}
    async with listening(ear, age_roles={str(GROWN): "adult"}) as adapter:
        message = await said(
            there,
            "teacher",
            f"<@{PEOPLE['target']}> and <@{PEOPLE['friend']}>, see <#{GENERAL}> <:wave:123>",
            type=19,
            mentions=people,
            message_reference={
                "type": 0,
                "message_id": first["id"],
                "channel_id": str(GENERAL),
                "guild_id": str(SERVER),
            },
            referenced_message=first,
            attachments=[picture | {"content_type": "image/png"}, picture],
        )
        await heard(there, adapter)
    (event,) = ear.events
    assert isinstance(event, Message)
    assert event.key == ConversationKey(f"discord:{SERVER}", str(GENERAL))
    assert event.id == message["id"]
    assert event.author == (str(PEOPLE["teacher"]), "Teacher", "adult")
    assert event.text == "and , see #channel :wave:"
    assert event.reply_to == str(PEOPLE["target"])
    assert event.mentions == (str(PEOPLE["target"]), str(PEOPLE["friend"]))
    assert event.attachments == ("image", "file")
    assert event.partner is None
    assert event.time is not None
    assert abs(event.time - time.time()) < 3600


async def test_an_answer_to_a_program_is_aimed_at_nobody(there: Platform) -> None:
    ear = Ear()
    first = there.message(PEOPLE["robot"], GENERAL, "welcome")
    async with listening(ear) as adapter:
        reference = {"message_id": first["id"], "channel_id": str(GENERAL), "guild_id": str(SERVER)}
        await said(there, "actor", "hi", type=19, message_reference=reference, referenced_message=first)
        await heard(there, adapter)
    (event,) = ear.events
    assert isinstance(event, Message)
    assert event.reply_to is None


async def test_a_link_preview_is_no_edit(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        message = await said(there, "actor", "see https://a.example")
        await there.send("MESSAGE_UPDATE", there.as_event(message | {"embeds": [{"type": "link", "title": "a"}]}))
        edited = {"content": "see above", "edited_timestamp": stamp(time.time())}
        await there.send("MESSAGE_UPDATE", there.as_event(message | edited))
        await heard(there, adapter)
    _, edit = ear.events
    assert isinstance(edit, Edit)
    assert edit.message.text == "see above"


async def test_a_pin_of_a_message_that_was_edited_long_ago_is_no_edit(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        long_ago = there.id() - (30 * 86_400_000 << 22)
        edited = {"edited_timestamp": stamp(time.time() - 29 * 86400)}
        message = there.message(PEOPLE["actor"], GENERAL, "see above", long_ago, **edited)
        await there.send("MESSAGE_UPDATE", there.as_event(message | {"pinned": True}))
        await heard(there, adapter)
    assert not ear.events


async def test_a_sweep_of_messages_is_followed(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        swept = {"ids": ["12", "11"], "channel_id": str(GENERAL), "guild_id": str(SERVER)}
        await there.send("MESSAGE_DELETE_BULK", swept)
        await there.send("MESSAGE_DELETE", {"id": "13", "channel_id": str(DM)})
        await heard(there, adapter)
    assert [(event.id, event.key.conversation) for event in ear.events if isinstance(event, Deletion)] == [
        ("11", str(GENERAL)),
        ("12", str(GENERAL)),
        ("13", str(DM)),
    ]


# --- no gaps ---------------------------------------------------------------------------------------------------------


async def test_nothing_from_before_the_very_first_start_is_read(there: Platform) -> None:
    ear = Ear()
    old = there.id() - (3600_000 << 22)
    there.message(PEOPLE["actor"], GENERAL, "long ago", old)
    async with listening(ear) as adapter:
        await heard(there, adapter)
    assert not ear.events


async def test_a_long_absence_is_read_whole_and_in_order(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    for number in range(250):
        there.message(PEOPLE["actor"], GENERAL, f"line {number}")
    async with listening(ear) as adapter:
        await heard(there, adapter)
    assert ear.texts() == [f"line {number}" for number in range(250)]


async def test_what_comes_in_while_history_is_read_waits_its_turn(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    there.message(PEOPLE["actor"], GENERAL, "missed")
    there.history.clear()
    async with listening(ear) as adapter:
        await said(there, "actor", "live")
        await said(there, "actor", "elsewhere", VOICE)
        await there.heard()
        await adapter.feed.settled()
        assert ear.texts() == ["elsewhere"]
        there.history.set()
        await heard(there, adapter)
    assert ear.texts()[:3] == ["elsewhere", "missed", "live"]


async def test_roles_are_asked_for_where_history_does_not_tell_them(there: Platform) -> None:
    ear = Ear()
    ear.alive = time.time() - 60
    there.member_roles[PEOPLE["teacher"]] = [GROWN]
    there.message(PEOPLE["teacher"], GENERAL, "one")
    there.message(PEOPLE["teacher"], GENERAL, "two")
    async with listening(ear, age_roles={str(GROWN): "adult"}) as adapter:
        await heard(there, adapter)
    assert [event.author.age_band for event in ear.events if isinstance(event, Message)] == ["adult", "adult"]
    assert len([path for _, path, _ in there.requests if path.endswith(f"/members/{PEOPLE['teacher']}")]) == 1


async def test_discords_request_to_reconnect_loses_nothing(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        await said(there, "actor", "one")
        there.open.clear()
        await there.send_frame({"op": 7, "d": None})
        there.identified.clear()
        await said(there, "actor", "two")
        await heard(there, adapter)
        await said(there, "actor", "three")
        await heard(there, adapter)
    assert (there.identifies, there.resumes) == (1, 1)
    assert list(dict.fromkeys(ear.texts())) == ["one", "two", "three"]


async def test_direct_messages_missed_while_away_are_read(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        await said(there, "actor", "one", DM)
        await heard(there, adapter)
        await there.drop(forget=True)
        there.message(PEOPLE["actor"], DM, "two")
        await heard(there, adapter)
        await said(there, "actor", "three", DM)
        await heard(there, adapter)
    assert (there.identifies, there.resumes) == (2, 1)
    assert list(dict.fromkeys(ear.texts())) == ["one", "two", "three"]


async def test_a_thread_that_was_archived_while_away_is_read_once_somebody_writes_there(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        await said(there, "actor", "one", THREAD)
        await heard(there, adapter)
        await there.drop(forget=True)
        there.message(PEOPLE["actor"], THREAD, "two")
        there.archived.add(THREAD)
        await heard(there, adapter)
        assert ear.texts() == ["one"]
        await said(there, "actor", "three", THREAD)
        await heard(there, adapter)
    assert list(dict.fromkeys(ear.texts())) == ["one", "two", "three"]


async def test_a_frame_that_cannot_be_parsed_costs_no_message(there: Platform) -> None:
    ear = Ear()
    with capture_logs() as logs:
        async with listening(ear) as adapter:
            await said(there, "actor", "one")
            await heard(there, adapter)
            there.identified.clear()
            broken = there.as_event(there.message(PEOPLE["actor"], GENERAL, "secret words")) | {"guild_id": None}
            await there.send_frame({"op": 0, "s": 99, "t": "MESSAGE_CREATE", "d": broken})
            await heard(there, adapter)
            await said(there, "actor", "two")
            await heard(there, adapter)
    assert there.identifies == 2
    assert list(dict.fromkeys(ear.texts())) == ["one", "secret words", "two"]
    assert [entry["error"] for entry in logs if entry["event"] == "discord.broken"] == ["TypeError"]
    assert "secret words" not in str(logs)


async def test_a_channel_whose_history_is_closed_is_told_once_and_read_live(stage: DiscordStage) -> None:
    stage.there.overwrites[GENERAL] = [overwrite(BOT_ROLE, deny=HISTORY)]
    await stage.drop_connection()
    await stage.settled()
    await stage.drop_connection()
    await stage.settled()
    (notice,) = stage.notices()
    assert "Read Message History" in notice
    assert f"<#{GENERAL}>" in notice
    await talk(stage)


# --- cards and buttons -----------------------------------------------------------------------------------------------


async def test_a_card_that_may_not_be_posted_comes_once_it_may(tmp_path: Path) -> None:
    now = [time.time()]
    async with discord_stage(tmp_path, clock=lambda: now[0]) as stage:
        normal = stage.there.overwrites[ALERTS]
        stage.there.overwrites[ALERTS] = [*normal, overwrite(BOT_ROLE, allow=VIEW, deny=SEND)]
        await stage.there.send("CHANNEL_UPDATE", stage.there.channel(ALERTS))
        with capture_logs() as logs:
            await stage.say("target", "hello there")
            for line in slow_talk():
                await stage.say("actor", line)
            await stage.settled()
        assert not stage.cards()
        assert any("Give its role Send Messages" in str(entry.get("error")) for entry in logs)
        stage.there.overwrites[ALERTS] = normal
        now[0] += 3600
        await stage.settled()
        assert len(stage.cards()) == 1


async def test_a_rate_limit_delays_a_card_and_does_not_double_it(stage: DiscordStage) -> None:
    answer = {"message": "You are being rate limited.", "retry_after": 0.05, "global": False}
    fault = (f"POST /channels/{ALERTS}/messages", 429, answer, {"Via": "1.1 google"})
    stage.there.faults += [fault, fault]
    await talk(stage)
    assert not stage.there.faults


async def test_a_card_whose_posting_was_not_confirmed_is_found_again(stage: DiscordStage) -> None:
    alert = (await talk(stage))["alert"]
    card = await stage.guard.desk.card(alert)
    assert card is not None
    posted = f"{ALERTS}/{stage.cards()[0]['message']['id']}"
    assert await stage.adapter.find(card) == posted
    assert await stage.adapter.show(card, None) == posted
    assert len(stage.cards()) == 1


async def test_a_card_that_was_never_posted_is_not_found(stage: DiscordStage) -> None:
    alert = (await talk(stage))["alert"]
    card = await stage.guard.desk.card(alert)
    assert card is not None
    del stage.there.messages[ALERTS]
    assert await stage.adapter.find(card) is None


async def test_a_card_that_somebody_deleted_is_posted_anew(stage: DiscordStage) -> None:
    card = await talk(stage)
    lost = card["message"]
    del stage.there.messages[ALERTS][int(lost["id"])]
    await stage.there.press(lost, f"lampkeeper:claim:{card['alert']}", PEOPLE["moderator"])
    await stage.settled()
    (anew,) = stage.cards()
    assert "is looking into it" in anew["text"]


async def test_a_decided_card_that_somebody_cleared_away_is_not_posted_anew(stage: DiscordStage) -> None:
    card = await talk(stage)
    await stage.push(card["alert"], "confirm")
    await stage.settled()
    del stage.there.messages[ALERTS][int(card["message"]["id"])]
    await stage.guard.forget_person(f"discord:{SERVER}", str(PEOPLE["moderator"]))
    await stage.settled()
    assert stage.cards() == []
    await stage.guard.forget_person(f"discord:{SERVER}", str(PEOPLE["actor"]))
    await stage.settled()
    async with stage.guard.ledger.store.read() as tx:
        assert list(await tx.scalars(select(tables.outbox.c.id))) == []


async def test_two_people_who_alert_again_after_a_deletion_have_a_card_again(stage: DiscordStage) -> None:
    first = await talk(stage)
    await stage.guard.forget_person(f"discord:{SERVER}", str(PEOPLE["actor"]))
    await stage.settled()
    assert stage.cards() == []
    assert (await talk(stage))["alert"] == first["alert"]


async def test_the_same_talk_once_more_after_a_deletion_has_a_card_again(stage: DiscordStage) -> None:
    here, (actor, target) = ConversationKey(f"discord:{SERVER}", str(GENERAL)), (PEOPLE["actor"], PEOPLE["target"])
    for start in (1e9, 1e10):  # long before the deletion, and long after it
        for number, line in enumerate(slow_talk()):
            author, when = Author(str(actor), "Actor"), start + number
            await stage.guard.receive(Message(here, str(1000 + number), author, line, when, partner=str(target)))
        await stage.settled()
        assert len(stage.cards()) == 1
        await stage.guard.forget_person(f"discord:{SERVER}", str(actor))
        await stage.settled()
        assert stage.cards() == []


@pytest.mark.parametrize("gone", ["unset", "deleted"])
async def test_where_no_alert_channel_is_no_card_is_taken_back_and_the_order_ends(tmp_path: Path, gone: str) -> None:
    unset: dict[str, Any] = {"alert_channel": None} if gone == "unset" else {}
    async with discord_stage(tmp_path, **unset) as stage:
        if gone == "deleted":
            stage.there.faults.append(
                (f"GET /channels/{ALERTS}/messages", 404, {"message": "Unknown Channel", "code": 10003}, {})
            )
        await stage.adapter.withdraw(f"discord:{SERVER}", "0a", None)
        assert not stage.there.faults


async def test_permission_is_asked_at_every_press(stage: DiscordStage) -> None:
    card = await talk(stage)
    assert "||" in (await stage.press(card["alert"], "Show excerpt")).text
    stage.there.member_roles[PEOPLE["moderator"]] = []
    refused = await stage.press(card["alert"], "Show excerpt")
    assert refused == ("Only this server's moderators can use this button.", True)


async def test_without_moderator_roles_the_permission_to_manage_messages_decides(tmp_path: Path) -> None:
    async with discord_stage(tmp_path, moderator_roles=()) as stage:
        stage.there.overwrites[ALERTS].append(overwrite(MODERATORS, allow=VIEW | MANAGE_MESSAGES))
        stage.there.overwrites[ALERTS].append(overwrite(PEOPLE["friend"], allow=VIEW, member=True))
        card = await talk(stage)
        assert "Only" in (await stage.press(card["alert"], "Confirm", "friend")).text
        assert "Recorded" in (await stage.press(card["alert"], "Confirm", "moderator")).text


async def test_a_button_of_an_alert_that_is_not_kept_says_so(stage: DiscordStage) -> None:
    card = await talk(stage)
    posted = json.loads(json.dumps(card["message"]).replace(card["alert"], "0000000000000000"))
    reply = await stage.there.press(posted, "lampkeeper:confirm:0000000000000000", PEOPLE["moderator"])
    assert (reply.text, reply.ephemeral) == ("This alert is no longer kept.", True)


async def test_nobody_can_write_out_of_a_spoiler(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", f"{line} || [look](https://a.example) **")
    await stage.settled()
    reply = await stage.press(stage.cards()[0]["alert"], "Show excerpt")
    assert reply.text.count("||") == 2 * reply.text.count(": ||")
    assert reply.text.count("[look]") == reply.text.count("\\[look]") > 0


async def test_no_log_holds_words_names_or_tokens(stage: DiscordStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        card = await talk(stage)
        await stage.press(card["alert"], "Show excerpt")
        await stage.drop_connection()
        await stage.restart()
    written = caplog.text + str(logs)
    assert "discord.caught_up" in written
    for secret in (*slow_talk(), "Actor", "Target", "Moderator", TOKEN):
        assert secret not in written


async def test_mentioning_somebody_in_every_line_hides_nothing() -> None:
    ear = Ear()
    async with platform() as there, listening(ear) as adapter:
        for line in slow_talk():
            target = there.user(PEOPLE["target"])
            await said(there, "actor", f"<@{PEOPLE['target']}> {line}", mentions=[target])
        await heard(there, adapter)
    assert ear.texts() == slow_talk()
