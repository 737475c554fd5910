"""What the bot sees on Discord besides text, over the wire: forwards, files, roles, and people who come and go."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bots.discord_bot import content
from core import audit
from core.casework.cards import ExcerptLine
from core.messages import Message
from core.store import tables
from tests.discord_objects import (
    ALERTS,
    FORUM,
    GENERAL,
    GROWN,
    PEOPLE,
    POST,
    SERVER,
    VOICE,
    Json,
    stamp,
)
from tests.discord_platform import Platform
from tests.discord_stage import DiscordStage, Ear, heard, listening, said, until
from tests.support import MODERATOR, slow_talk

MEMBERS_FLAG_LIMITED = 1 << 15
"""API, "Application Flags": GATEWAY_GUILD_MEMBERS_LIMITED."""
PICTURE = {"id": "1", "filename": "a.png", "size": 1, "url": "https://a.example/a.png", "proxy_url": ""}


def forwarded(text: str, **more: Any) -> Json:
    """API, "Message Snapshot Object", and the reference that goes with it."""
    kept: Json = {"type": 0, "content": text, "embeds": [], "attachments": [], "timestamp": stamp(time.time())}
    kept |= {"edited_timestamp": None, "mentions": [], "mention_roles": [], "components": []}
    reference = {"type": 1, "message_id": "1", "channel_id": str(GENERAL), "guild_id": str(SERVER)}
    return {"message_snapshots": [{"message": kept | more}], "message_reference": reference}


async def talk(stage: DiscordStage) -> Json:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line)
    await stage.settled()
    (card,) = stage.cards()
    return card


async def test_a_forwarded_message_is_a_fact_and_nobodys_words(there: Platform) -> None:
    ear = Ear()
    async with listening(ear) as adapter:
        await said(there, "actor", "", **forwarded("our secret", attachments=[PICTURE | {"content_type": "image/png"}]))
        await heard(there, adapter)
    (event,) = ear.events
    assert isinstance(event, Message)
    assert event.text == ""
    assert event.attachments == ("forward", "image")


async def test_forwarding_the_pattern_raises_no_alert(stage: DiscordStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", "", **forwarded(line))
    await stage.settled()
    assert stage.cards() == []


async def test_an_excerpt_tells_what_was_sent_along_and_opens_none_of_it(stage: DiscordStage) -> None:
    card = await talk(stage)
    sticker = {"id": "5", "name": "wave", "format_type": 1}
    await stage.say("actor", "", attachments=[PICTURE | {"content_type": "image/png"}], sticker_items=[sticker])
    await stage.settled()
    await stage.press(card["alert"], "Show excerpt")
    lines = await stage.guard.desk.excerpt(card["alert"], MODERATOR, more=20)
    assert "an image, a sticker" in [line.attached for line in lines]
    assert not [path for _, path, _ in stage.there.requests if "a.png" in path]


async def last_line(stage: DiscordStage) -> ExcerptLine:
    """What is shown of the newest message of the case."""
    (card,) = stage.cards()
    return (await stage.guard.desk.excerpt(card["alert"], MODERATOR, more=20))[-1]


@pytest.mark.parametrize("channel", ["voice", "post", "thread"])
async def test_a_message_beside_a_call_or_in_a_post_is_followed_when_edited_and_deleted(
    stage: DiscordStage, channel: str
) -> None:
    await stage.say("target", "hello there", channel)
    for line in slow_talk():
        await stage.say("actor", line, channel)
    number = await stage.say("actor", "a lighthouse", channel)
    await stage.edit(number, "a windmill")
    await stage.settled()
    assert (await last_line(stage)).text == "a windmill"
    await stage.delete(number)
    await stage.settled()
    assert (await last_line(stage)).deleted


async def test_a_new_post_in_a_forum_is_read_from_its_first_message(there: Platform) -> None:
    ear = Ear()
    there.archived.add(POST)
    async with listening(ear) as adapter:
        await heard(there, adapter)
        await there.send("THREAD_CREATE", there.channel(POST) | {"newly_created": True})
        await said(there, "actor", "the first", POST)
        await said(there, "friend", "the second", POST)
        await heard(there, adapter)
    assert list(dict.fromkeys(ear.texts())) == ["the first", "the second"]
    assert FORUM not in there.messages


async def test_a_changed_role_counts_from_the_next_message(there: Platform) -> None:
    ear = Ear()
    async with listening(ear, age_roles={str(GROWN): "adult"}) as adapter:
        await said(there, "teacher", "one")
        there.member_roles[PEOPLE["teacher"]] = [GROWN]
        changed = there.member(PEOPLE["teacher"]) | {"user": there.user(PEOPLE["teacher"]), "guild_id": str(SERVER)}
        await there.send("GUILD_MEMBER_UPDATE", changed)
        await said(there, "teacher", "two")
        await heard(there, adapter)
    assert [event.author.age_band for event in ear.events if isinstance(event, Message)] == [None, "adult"]


def left(there: Platform, who: str) -> Json:
    return {"guild_id": str(SERVER), "user": there.user(PEOPLE[who])}


async def test_a_card_says_that_somebody_was_banned_and_the_audit_notes_it(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.there.send("GUILD_BAN_ADD", left(stage.there, "actor"))
    await stage.there.send("GUILD_MEMBER_REMOVE", left(stage.there, "actor"))
    await stage.there.heard()
    await until(lambda: "banned" in stage.cards()[0]["text"])
    await stage.settled()
    (card,) = stage.cards()
    assert "(Actor), banned →" in card["text"]
    async with stage.guard.ledger.store.read() as tx:
        noted = [row for row in await tx.execute(tables.audit.select()) if row.what == "person gone"]
    assert {(row.about, row.who) for row in noted} == {(card["alert"], audit.LAMPKEEPER)}
    assert noted[-1].detail == {"how": "banned"}, "whichever of the two Discord tells first"


async def test_a_card_says_that_somebody_left_until_they_write_again(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.there.send("GUILD_MEMBER_REMOVE", left(stage.there, "target"))
    await stage.there.heard()
    await until(lambda: "(Target), not here any more" in stage.cards()[0]["text"])
    await stage.say("target", "i am back")
    await stage.settled()
    await stage.press(stage.cards()[0]["alert"], "Confirm")
    await stage.settled()
    assert "not here any more" not in stage.cards()[0]["text"]


async def test_a_card_says_no_more_that_somebody_left_who_joined_again(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.there.send("GUILD_MEMBER_REMOVE", left(stage.there, "target"))
    await stage.there.heard()
    await until(lambda: "not here any more" in stage.cards()[0]["text"])
    await stage.there.send("GUILD_MEMBER_ADD", stage.there.member(PEOPLE["target"]) | left(stage.there, "target"))
    await stage.there.heard()
    await until(lambda: "not here any more" not in stage.cards()[0]["text"])


async def test_that_somebody_left_who_is_on_no_card_is_not_kept(stage: DiscordStage) -> None:
    await talk(stage)
    await stage.say("friend", "bye")
    await stage.there.send("GUILD_BAN_ADD", left(stage.there, "friend"))
    await stage.there.heard()
    await stage.settled()
    async with stage.guard.ledger.store.read() as tx:
        assert not [row for row in await tx.execute(tables.audit.select()) if row.what == "person gone"]


@pytest.mark.parametrize("switched_on", [False, True])
async def test_the_members_intent_is_asked_for_only_where_it_is_switched_on(there: Platform, switched_on: bool) -> None:
    there.flags = there.flags | MEMBERS_FLAG_LIMITED if switched_on else there.flags & ~MEMBERS_FLAG_LIMITED
    async with listening(Ear()) as adapter:
        await heard(there, adapter)
        assert adapter._client is not None
        assert adapter._client.intents.members is switched_on


async def test_when_text_is_withheld_the_admins_are_told_once(stage: DiscordStage) -> None:
    for number in range(3 * content.ENOUGH):
        await stage.say("actor", "" if number % content.ENOUGH else f"hello <@{300}>", mentions=[stage.there.user(300)])
    await stage.settled()
    (notice,) = stage.notices()
    assert "Message Content Intent" in notice
    assert str(ALERTS) not in notice


async def test_pictures_without_words_are_no_sign_that_text_is_withheld(stage: DiscordStage) -> None:
    for _ in range(2 * content.ENOUGH):
        await stage.say("actor", "", "voice", attachments=[PICTURE])
    await stage.settled()
    assert stage.notices() == []
    assert VOICE in stage.there.messages
