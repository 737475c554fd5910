"""Slack, played over the wire: slack-bolt's real client against the tests' own Slack on 127.0.0.1.

Thresholds are so low that any score opens an alert, so a card shows that messages came through, and the store shows
which. Nothing of slack_sdk, slack_bolt or Lampkeeper is replaced. What is common to all platforms is played in
`tests/test_adapter_contract.py`, gaps in `tests/test_slack_gaps.py`, set-up in `tests/test_slack_setup.py`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from core.errors import PlatformError
from tests.slack_api import (
    ALERTS,
    BOT_TOKEN,
    BOT_USER,
    CHANNELS,
    GENERAL,
    PEOPLE,
    TEAM,
)
from tests.slack_platform import SlackStage, slack_stage
from tests.support import slow_talk

SPACE = f"slack:{TEAM}"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


async def test_a_channel_conversation_leads_to_a_card_with_everything_on_it(stage: SlackStage) -> None:
    await stage.talk()
    said, card = await stage.ids(), stage.card()
    assert "risk pattern" in card["title"]
    assert card["buttons"] == ["Confirm", "Dismiss", "Show excerpt"]
    assert "actor (`U0ACTOR`)" in card["text"]
    assert "target (`U0TARGET`)" in card["text"]
    assert "only people can say" in card["text"]
    assert any(f"archives/{GENERAL}/p{ts.replace('.', '')}" in card["text"] for ts in said)
    assert "<@" not in card["text"], "a card never mentions anybody, lest it notify the people it is about"
    posts = [arguments for method, arguments in stage.platform.calls if method == "chat.postMessage"]
    assert [(post["channel"], post["unfurl_links"]) for post in posts] == [(ALERTS, False)]
    assert posts[0]["text"]


@pytest.mark.parametrize("channel", ["club", "dm", "group"])
async def test_private_channels_and_direct_messages_are_heard(stage: SlackStage, channel: str) -> None:
    lines = [await stage.say("actor", line, channel) for line in slow_talk()]
    await stage.settled()
    assert await stage.stored() == [(CHANNELS[channel], ts) for ts in lines]
    assert len(stage.cards()) == 1


async def test_in_a_group_direct_message_of_two_the_other_one_is_addressed(stage: SlackStage) -> None:
    for line in slow_talk():
        await stage.say("actor", line, "group")
    await stage.settled()
    assert "`U0TARGET`" in stage.card()["text"]


@pytest.mark.parametrize("missed", [False, True], ids=["live", "from history"])
async def test_replies_in_a_thread_are_a_conversation_of_their_own_and_not_aimed_at_who_opened_it(
    stage: SlackStage, *, missed: bool
) -> None:
    parent = await stage.say("teacher", "who plays tonight?")
    await stage.say("friend", "something else")
    await stage.settled()
    if missed:
        await stage.drop_connection()
    replies = [await stage.say("target", "me", thread_ts=parent)]
    replies += [await stage.say("actor", line, thread_ts=parent) for line in slow_talk()]
    await stage.settled()
    assert [(where, ts) for where, ts in await stage.stored() if where != GENERAL] == [
        (f"{GENERAL}/{parent}", ts) for ts in replies
    ]
    assert "target (`U0TARGET`)" in stage.card()["text"]


async def test_an_edit_is_followed_and_a_link_preview_is_not(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    newest = (await stage.ids())[-1]
    await stage.edit(newest, "something else &lt;entirely&gt;")
    await stage.platform.unfurl(GENERAL, newest)
    await stage.settled()
    shown = (await stage.texts(alert_id, "excerpt_all")).text
    assert "something else &lt;entirely&gt;" in shown
    async with stage.guard.ledger.store.read() as tx:
        assert (await tx.execute(sql("SELECT max(version) FROM messages"))).scalar() == 1


async def test_a_deletion_is_shown_on_the_card(stage: SlackStage) -> None:
    await stage.talk()
    assert "deleted" not in stage.card()["text"]
    for message_id in (await stage.ids())[1:]:
        await stage.delete(message_id)
    await stage.settled()
    assert "(deleted since)" in stage.card()["text"]


async def test_programs_joins_and_the_alert_channel_are_never_scored(stage: SlackStage) -> None:
    for line in slow_talk():
        await stage.say(BOT_USER, line, bot_id="B0LAMP")
        await stage.say("robot", line, bot_id="B0ROBOT", subtype="bot_message", user=None)
        await stage.say("U0ROBOT", line)
        await stage.say("U0ROBOT", line, bot_id="B0ROBOT", app_id="A0ROBOT")
        await stage.say("actor", line, subtype="channel_join")
        await stage.say("moderator", line, "alerts")
    await stage.settled()
    assert await stage.stored() == []
    assert stage.cards() == []


async def test_files_me_messages_and_replies_also_sent_to_the_channel_count(stage: SlackStage) -> None:
    parent = await stage.say("target", "hello")
    await stage.say("actor", "", subtype="file_share", files=[{"id": "F1", "mimetype": "image/png"}])
    await stage.say("actor", "waves", subtype="me_message")
    broadcast = await stage.say("actor", "look", subtype="thread_broadcast", thread_ts=parent)
    await stage.settled()
    assert len(await stage.stored()) == 4
    assert (f"{GENERAL}/{parent}", broadcast) in await stage.stored()


async def test_what_cannot_be_posted_is_kept_and_appears_once_it_can(
    stage: SlackStage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.platform.refuse["chat.postMessage"] = {"code": "not_in_channel"}
    await stage.talk()
    assert stage.cards() == []
    told = caplog.text + capsys.readouterr().out
    assert "/invite @Lampkeeper" in told
    del stage.platform.refuse["chat.postMessage"]
    stage.later = 3600
    await stage.settled()
    assert len([card for card in stage.cards() if "U0ACTOR" in card["text"]]) == 1


async def test_a_full_house_on_posting_delays_the_card_and_does_not_double_it(stage: SlackStage) -> None:
    stage.platform.limit["chat.postMessage"] = [1]
    await stage.talk()
    await stage.platform.until(lambda: bool(stage.cards()))
    await stage.settled()
    stage.card()


async def test_an_event_delivered_again_changes_nothing(stage: SlackStage) -> None:
    said = await stage.say("actor", "hello")
    again = {**stage.platform.message(GENERAL, said)}
    retry = {"retry_attempt": 1, "retry_reason": "timeout"}
    event_id = await stage.platform.announce(GENERAL, again)
    event = {**again, "channel": GENERAL, "channel_type": "channel", "event_ts": said}
    await stage.platform.send_event(event, event_id, **retry)
    await stage.settled()
    assert await stage.ids() == [said]


async def test_every_envelope_is_acknowledged_once(stage: SlackStage) -> None:
    await stage.talk()
    await stage.platform.send_event({"type": "team_rename", "name": "nobody asked for this one"})
    await stage.settled()
    assert len(stage.platform.acks) == len(set(stage.platform.acks)) > len(slow_talk())


async def test_a_press_works_after_a_restart_and_the_card_shows_who_decided(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    await stage.restart()
    told, only_them = await stage.press(alert_id, "Confirm", "moderator")
    await stage.settled()
    assert "Recorded" in told
    assert only_them
    assert "Concern confirmed by moderator" in stage.card()["text"]
    assert stage.card()["actions"] == ["excerpt", "more"]


async def test_a_second_moderator_is_told_who_decided(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    await stage.press(alert_id, "Dismiss", "moderator")
    told, only_them = await stage.press(alert_id, "Confirm", "second")
    await stage.settled()
    assert "Dismissed by moderator" in told
    assert only_them
    assert "Dismissed by moderator" in stage.card()["text"]


@pytest.mark.parametrize("button", ["Confirm", "Dismiss", "Show excerpt"])
async def test_nobody_outside_the_alert_channel_can_press(stage: SlackStage, button: str) -> None:
    alert_id = await stage.alert()
    told, only_them = await stage.press(alert_id, button, "actor")
    await stage.settled()
    assert told == "Only this workspace's moderators can use this button. Nothing was changed."
    assert only_them
    assert stage.card()["buttons"] == ["Confirm", "Dismiss", "Show excerpt"]


async def test_where_moderators_are_named_the_others_in_the_channel_cannot_press(tmp_path: Path) -> None:
    async with slack_stage(tmp_path, moderators=(PEOPLE["second"],)) as stage:
        alert_id = await stage.alert()
        assert "Only this workspace's moderators" in (await stage.press(alert_id, "Confirm", "moderator")).text
        assert "Recorded" in (await stage.press(alert_id, "Confirm", "second")).text


async def test_an_excerpt_is_shown_to_the_presser_alone(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    shown, only_them = await stage.press(alert_id, "Show excerpt")
    await stage.settled()
    assert only_them
    assert "▸" in shown
    assert any(line in shown for line in slow_talk())
    posted = json.dumps(stage.platform.channels[ALERTS].messages)
    assert not any(line in posted for line in slow_talk()), "a card carries no text of messages"


async def test_a_press_on_an_alert_whose_data_is_gone_is_answered(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    await stage.guard.forget_space(SPACE)
    assert "no longer kept" in (await stage.press(alert_id, "Confirm")).text


async def test_a_card_that_somebody_deleted_is_posted_anew(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    messages = stage.platform.channels[ALERTS].messages
    messages[:] = [message for message in messages if not message.get("metadata")]
    card = await stage.guard.desk.card(alert_id)
    assert card is not None
    reference = await stage.adapter.show(card, f"{ALERTS}/1700000000.000100")
    assert stage.card()["ts"] == reference.partition("/")[2]


async def test_a_card_posted_before_a_crash_is_found_again(stage: SlackStage) -> None:
    alert_id = await stage.alert()
    card = await stage.guard.desk.card(alert_id)
    assert card is not None
    posted = f"{ALERTS}/{stage.card()['ts']}"
    message = stage.platform.message(ALERTS, stage.card()["ts"])
    blocks = message.pop("blocks")
    assert await stage.adapter.find(card) == posted, "by its metadata"
    message["blocks"] = blocks
    del message["metadata"]  # as Slack answers an app without the scope to read metadata
    assert await stage.adapter.find(card) == posted, "by its buttons"
    message["text"] = message.pop("blocks")[0]["text"]["text"]
    assert await stage.adapter.find(card) is None


async def test_a_card_of_another_workspace_is_not_shown_here(stage: SlackStage) -> None:
    with pytest.raises(PlatformError, match="other than the one"):
        await stage.adapter.notify("slack:T0OTHER", "hello")


async def test_names_cannot_call_anybody(stage: SlackStage) -> None:
    stage.platform.users[PEOPLE["actor"]]["name"] = "<!channel> & co"
    await stage.talk()
    assert "&lt;!channel&gt; &amp; co" in stage.card()["text"]
    assert "<!channel>" not in stage.card()["text"]


async def test_people_slack_does_not_tell_about_are_shown_by_their_id(stage: SlackStage) -> None:
    stage.platform.refuse["users.info"] = {"code": "missing_scope", "needed": "users:read"}
    await stage.talk()
    assert "`U0ACTOR`" in stage.card()["text"]


@pytest.mark.parametrize(
    "event",
    [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}}],
    ids=["uninstalled", "revoked"],
)
async def test_when_the_app_is_removed_its_data_goes_and_the_operator_is_told(
    stage: SlackStage, event: dict[str, object]
) -> None:
    await stage.talk()
    stage.platform.tokens.discard(BOT_TOKEN)
    await stage.platform.send_event(event)
    with pytest.raises(PlatformError, match=r"was deleted.*install the app again"):
        await stage.ended()
    assert await stage.stored() == []


async def test_a_frame_no_one_understands_is_left_out_and_listening_goes_on(stage: SlackStage) -> None:
    broken = {"type": "message", "channel": GENERAL, "user": "U0ACTOR", "text": "hi", "ts": "never"}
    await stage.platform.send_event(broken)
    await stage.platform.send_event({"type": "message", "subtype": "message_changed", "channel": GENERAL, "message": 1})
    said = await stage.say("actor", "hello")
    await stage.settled()
    assert await stage.ids() == [said]


async def test_no_text_name_or_token_reaches_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with slack_stage(tmp_path) as stage:
            stage.platform.refuse["chat.update"] = {"code": "invalid_blocks"}
            alert_id = await stage.alert()
            await stage.press(alert_id, "Show excerpt")
            await stage.press(alert_id, "Confirm")
            await stage.drop_connection()
            await stage.settled()
    captured = capsys.readouterr()
    others = ("aiohttp.access", "aiosqlite", "asyncio")
    records = [record.getMessage() for record in caplog.records if not record.name.startswith(others)]
    logged = captured.out + captured.err + "\n".join(records)
    for secret in (*slow_talk(), "xoxb-", "xapp-", "ticket=", '"actor"', "target"):
        assert secret not in logged
