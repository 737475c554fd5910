"""Who is who in a Slack workspace, and where the app is: over the wire to the tests' own Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from bots.slack_app.events import join
from core.casework.cards import Person
from core.errors import PlatformError
from tests.slack_api import ALERTS, BOT_USER, GENERAL, PEOPLE, PRIVATE, TEAM
from tests.slack_platform import SlackStage, slack_stage
from tests.slack_seeing_stage import (
    CLUB,
    OTHER_TEAM,
    app_comes,
    app_is_removed,
    change_account,
    channel_event,
    channel_without_the_app,
    past,
    regroup,
)
from tests.support import slow_talk

HERE = f"slack:{TEAM}"
PUPILS, STAFF = "S0PUPILS", "S0STAFF"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[SlackStage]:
    async with slack_stage(tmp_path) as stage:
        yield stage


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[SlackStage]:
    """A workspace with usergroups that tell an age band; everybody is staff."""
    async with slack_stage(tmp_path, age_roles={PUPILS: "13_15", STAFF: "adult"}) as stage:
        stage.platform.usergroups = {PUPILS: set(), STAFF: set(PEOPLE.values())}
        yield stage


# Ages.


async def test_two_members_of_the_staff_are_never_alerted(school: SlackStage) -> None:
    await school.talk()
    assert school.cards() == []


async def test_a_changed_usergroup_counts_from_the_next_message_on(school: SlackStage) -> None:
    await school.talk()
    await regroup(school.platform, STAFF, {"actor"})
    await regroup(school.platform, PUPILS, {"target"})
    await school.settled()
    await school.talk()
    assert PEOPLE["target"] in school.card()["text"]


async def test_who_is_in_two_usergroups_has_the_younger_band(school: SlackStage) -> None:
    school.platform.usergroups[PUPILS] = {PEOPLE["target"]}
    await school.talk()
    assert PEOPLE["target"] in school.card()["text"]


async def test_a_usergroup_is_asked_for_once_and_not_for_every_message(school: SlackStage) -> None:
    await school.talk()
    asked = [arguments["usergroup"] for method, arguments in school.platform.calls if method.startswith("usergroups")]
    assert sorted(asked) == [PUPILS, STAFF]


async def test_a_usergroup_that_cannot_be_read_is_told_once_and_messages_still_count(school: SlackStage) -> None:
    school.platform.refuse["usergroups.users.list"] = {"code": "missing_scope", "needed": "usergroups:read"}
    await school.talk()
    assert len(school.notices()) == 2
    assert all("usergroups:read" in notice for notice in school.notices())
    assert school.cards()


async def test_who_belongs_to_a_usergroup_is_told_and_a_refusal_lets_nobody_in(school: SlackStage) -> None:
    people = school.adapter.of(HERE).people
    assert await people.in_usergroup(PEOPLE["teacher"], STAFF)
    assert not await people.in_usergroup(PEOPLE["teacher"], PUPILS)
    with pytest.raises(PlatformError):
        await people.in_usergroup(PEOPLE["teacher"], "S0GONE")


async def test_while_slack_asks_to_wait_a_usergroup_is_as_it_was(school: SlackStage) -> None:
    people = school.adapter.of(HERE).people
    assert await people.in_usergroup(PEOPLE["teacher"], STAFF)
    people.regrouped(STAFF)
    school.platform.limit["usergroups.users.list"] = [30]
    assert await people.in_usergroup(PEOPLE["teacher"], STAFF)


# People.


async def test_guests_and_people_of_other_workspaces_are_told_apart(stage: SlackStage) -> None:
    users, people = stage.platform.users, stage.adapter.of(HERE).people
    stage.platform.teams[OTHER_TEAM] = "Other School"
    users[PEOPLE["friend"]]["is_restricted"] = True
    users[PEOPLE["teacher"]] |= {"team_id": OTHER_TEAM, "is_stranger": False}
    users[PEOPLE["second"]] |= {"team_id": "T0SILENT"}
    users[PEOPLE["actor"]] |= {"team_id": "T0SISTER", "enterprise_user": {"teams": [TEAM, "T0SISTER"]}}
    told = {name: await people.whose(PEOPLE[name], TEAM, "en") for name in ("target", "friend", "teacher", "second")}
    assert told == {
        "target": "",
        "friend": "guest",
        "teacher": "from another workspace: Other School",
        "second": "from another workspace",
    }
    assert await people.whose(PEOPLE["actor"], TEAM, "en") == "", "one organisation's workspaces share their people"


async def test_a_card_says_who_is_a_guest_and_whose_the_others_are(stage: SlackStage) -> None:
    stage.platform.teams[OTHER_TEAM] = "Other School"
    stage.platform.users[PEOPLE["target"]]["is_ultra_restricted"] = True
    stage.platform.users[PEOPLE["actor"]]["team_id"] = OTHER_TEAM
    await stage.talk()
    assert "target (guest)" in stage.card()["text"]
    assert "actor (from another workspace: Other School)" in stage.card()["text"]


async def test_a_deactivated_account_is_shown_as_gone_until_it_is_back(stage: SlackStage) -> None:
    alert = await stage.alert()

    async def gone() -> str | None:
        await stage.settled()
        card = await stage.guard.desk.card(alert)
        assert card is not None
        return card.actor.gone

    await change_account(stage.platform, "actor", deleted=True)
    assert await gone() == "left"
    await change_account(stage.platform, "actor", deleted=False)
    assert await gone() is None


async def test_a_new_name_is_shown_from_the_next_message_on(stage: SlackStage) -> None:
    await stage.say("actor", "hello")
    await stage.settled()
    await change_account(stage.platform, "actor", name="renamed", profile={"display_name": "renamed"})
    await stage.talk()
    assert "renamed" in stage.card()["text"]


# Where the app is.


async def test_the_app_reads_a_channel_from_when_it_was_invited_and_not_before(stage: SlackStage) -> None:
    channel = channel_without_the_app(stage.platform)
    past(stage, "target", "before", days=0.0001, channel=channel)
    await app_comes(stage.platform, channel)
    said = [await stage.say("actor", "after", channel)]
    await stage.settled()
    await stage.drop_connection()
    said.append(await stage.say("actor", "missed", channel))
    await stage.settled()
    await stage.restart()
    assert [ts for where, ts in await stage.stored() if where == channel] == said


async def test_what_was_said_before_an_invitation_that_was_missed_is_not_read(stage: SlackStage) -> None:
    channel = channel_without_the_app(stage.platform)
    await stage.say("target", "hello")
    await stage.settled()
    await stage.drop_connection()
    root = await stage.say("target", "before", channel)
    await stage.say("friend", "a reply before", channel, thread_ts=root)
    await app_comes(stage.platform, channel)
    after = await stage.say("actor", "after", channel)
    reply = await stage.say("actor", "a reply after", channel, thread_ts=root)
    await stage.settled()
    assert [(where, ts) for where, ts in await stage.stored() if where.startswith(channel)] == [
        (channel, after),
        (f"{channel}/{root}", reply),
    ]


async def test_a_channel_that_the_app_was_taken_out_of_is_told_once(stage: SlackStage) -> None:
    await stage.say("actor", "hello")
    await stage.settled()
    await app_is_removed(stage.platform, GENERAL)
    await stage.settled()
    (notice,) = stage.notices()
    assert f"<#{GENERAL}>" in notice
    assert "/invite" in notice
    await stage.drop_connection()
    await stage.settled()
    assert len(stage.notices()) == 1, "what cannot be read any more was told already"


async def test_a_removal_is_told_again_after_the_app_was_invited_again(stage: SlackStage) -> None:
    for _ in range(2):
        await app_is_removed(stage.platform, GENERAL)
        await stage.settled()
        await app_comes(stage.platform, GENERAL)
        await stage.settled()
    assert len(stage.notices()) == 2


@pytest.mark.parametrize(
    ("kind", "word"), [("channel_archive", "archived"), ("channel_deleted", "deleted"), ("group_left", "removed")]
)
async def test_an_archived_or_deleted_channel_is_told(stage: SlackStage, kind: str, word: str) -> None:
    await channel_event(stage.platform, kind, GENERAL)
    await stage.settled()
    (notice,) = stage.notices()
    assert word in notice


async def test_a_channel_that_was_not_watched_may_end_without_a_word(stage: SlackStage) -> None:
    await channel_event(stage.platform, "channel_deleted", channel_without_the_app(stage.platform))
    await stage.say("moderator", "a word among moderators", ALERTS)
    await channel_event(stage.platform, "group_left", ALERTS)
    await stage.settled()
    assert stage.notices() == []


async def test_an_event_that_slack_delivers_twice_is_told_once(stage: SlackStage) -> None:
    event = {"type": "channel_shared", "connected_team_id": OTHER_TEAM, "channel": GENERAL, "event_ts": "1.0"}
    event_id = await stage.platform.send_event(event)
    await stage.platform.send_event(event, event_id, retry_attempt=1, retry_reason="timeout")
    await stage.settled()
    assert len(stage.notices()) == 1


async def test_a_channel_that_is_shared_with_another_workspace_is_told_with_whose_it_is(stage: SlackStage) -> None:
    stage.platform.teams[OTHER_TEAM] = "Other School"
    await channel_event(stage.platform, "channel_shared", GENERAL, connected_team_id=OTHER_TEAM)
    await channel_event(stage.platform, "channel_unshared", GENERAL, previously_connected_team_id=OTHER_TEAM)
    await stage.settled()
    shared, unshared = stage.notices()
    assert "Other School" in shared
    assert f"<#{GENERAL}> is no longer shared" in unshared


async def test_the_app_joins_a_public_channel_by_command_and_never_by_itself(stage: SlackStage) -> None:
    channel = channel_without_the_app(stage.platform)
    await stage.talk()
    await stage.restart()
    assert "conversations.join" not in [method for method, _ in stage.platform.calls]
    client = stage.adapter.of(HERE).client
    assert f"Lampkeeper is in <#{channel}>" in await join(client, channel, "en")
    stage.platform.channels[channel].kind = "group"
    assert "/invite" in await join(client, channel, "en")
    stage.platform.refuse["conversations.join"] = {"code": "missing_scope", "needed": "channels:join"}
    assert "channels:join" in await join(client, CLUB, "en")


async def test_an_event_of_an_odd_shape_is_left_out_and_listening_goes_on(
    stage: SlackStage, capsys: pytest.CaptureFixture[str]
) -> None:
    await stage.platform.send_event({"type": "user_change", "user": "U0ACTOR", "event_ts": "1.0"})
    await stage.platform.send_event({"type": "member_joined_channel", "event_ts": "1.0"})
    said = [await stage.say("actor", line) for line in slow_talk()[:2]]
    await stage.settled()
    assert await stage.ids() == said
    assert "Traceback" not in capsys.readouterr().out


async def test_a_message_by_way_of_an_app_counts_as_whose_name_it_stands_under(stage: SlackStage) -> None:
    marks: dict[str, Any] = {
        "bot_id": "B0CLIENT",
        "app_id": "A0CLIENT",
        "bot_profile": {"id": "B0CLIENT", "app_id": "A0CLIENT"},
    }
    theirs = await stage.say("actor", "hello", client_msg_id=None, **marks)
    await stage.say("U0ROBOT", "a program's own words", **marks)
    await stage.say("U0NOBODY", "words from an account that Slack does not tell of", **marks)
    await stage.settled()
    assert await stage.ids() == [theirs]
    await stage.drop_connection()
    missed = await stage.say("target", "read from history", client_msg_id=None, **marks)
    await stage.say("U0ROBOT", "a program again", **marks)
    await stage.settled()
    assert await stage.ids() == [theirs, missed]


async def test_an_app_that_writes_in_a_persons_name_cannot_keep_an_alert_from_opening(stage: SlackStage) -> None:
    await stage.say("target", "hello there")
    for line in slow_talk():
        await stage.say("actor", line, bot_id="B0CLIENT", app_id="A0CLIENT")
    await stage.settled()
    assert stage.card()


NEW = "C0SHARED"
"""What the private channel is called once it is shared."""


async def share(stage: SlackStage, old: str) -> None:
    """Somebody shares a private channel with another workspace: Slack gives it another ID."""
    channels = stage.platform.channels
    channels[NEW] = channels.pop(old)
    channels[NEW].name = NEW
    event = {"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": NEW}
    await stage.platform.send_event({**event, "event_ts": stage.platform.now()})
    await stage.settled()


async def test_what_was_said_before_a_channel_got_another_id_counts_once_and_what_is_said_then_goes_on(
    stage: SlackStage,
) -> None:
    before = [await stage.platform.say(who, "hello", PRIVATE) for who in ("target", "actor")]
    replies = [await stage.platform.say("target", "a reply", PRIVATE, thread_ts=before[0])]
    await stage.settled()
    await share(stage, PRIVATE)
    replies.append(await stage.platform.say("actor", "a reply", NEW, thread_ts=before[0]))
    after = [await stage.platform.say("actor", "hi", NEW)]
    await stage.settled()
    await stage.drop_connection()
    replies.append(await stage.platform.say("actor", "a missed reply", NEW, thread_ts=before[0]))
    after.append(await stage.platform.say("actor", "missed", NEW))
    await stage.settled()
    await stage.restart()
    stored = await stage.stored()
    assert sorted(ts for where, ts in stored if where == PRIVATE) == before
    assert sorted(ts for where, ts in stored if where == f"{PRIVATE}/{before[0]}") == replies
    assert sorted(ts for where, ts in stored if where == NEW) == after
    assert len(stored) == len(before + replies + after)
    assert await stage.deleted() == []


@pytest.mark.parametrize("heard", [True, False], ids=["live", "in a gap"])
async def test_what_is_edited_or_deleted_after_a_channel_got_another_id_is_known_again(
    stage: SlackStage, *, heard: bool
) -> None:
    said = [await stage.platform.say("actor", f"line {number}", PRIVATE) for number in range(3)]
    await stage.settled()
    await share(stage, PRIVATE)
    if not heard:
        await stage.drop_connection()
    await stage.platform.edit(NEW, said[0], "another line")
    await stage.platform.delete(NEW, said[1])
    await stage.settled()
    assert await stage.deleted() == [said[1]]
    assert await stage.ids() == said
    async with stage.guard.ledger.store.read() as tx:
        assert list(await tx.scalars(sql("SELECT id FROM messages WHERE version = 1"))) == [said[0]]


async def test_what_was_deleted_on_request_does_not_come_back_by_a_channels_other_id(stage: SlackStage) -> None:
    for who in ("friend", "actor", "friend"):
        await stage.platform.say(who, "hello", PRIVATE)
    await stage.settled()
    await stage.guard.forget_person(HERE, PEOPLE["actor"])
    left = await stage.ids()
    await share(stage, PRIVATE)
    await stage.drop_connection()
    await stage.settled()
    assert await stage.ids() == left


async def test_the_alert_channel_and_its_cards_go_along_when_it_gets_another_id(stage: SlackStage) -> None:
    alert = await stage.alert()
    await share(stage, ALERTS)
    assert stage.adapter.of(HERE).settings.alert_channel == NEW
    (card,) = stage.cards(NEW)
    await stage.platform.press(card, "lampkeeper_confirm", "moderator")
    await stage.settled()
    (after,) = stage.cards(NEW)
    assert (after["ts"], after["alert"]) == (card["ts"], alert)
    assert after["text"] != card["text"]
    await stage.platform.say("moderator", "a word among moderators", NEW)
    await stage.restart()
    assert NEW not in {where for where, _ in await stage.stored()}


async def test_a_channel_that_is_left_out_stays_so_under_another_id(stage: SlackStage) -> None:
    here = stage.adapter.of(HERE)
    await here.choose({"ignored_channels": (PRIVATE,)}, Person(PEOPLE["moderator"], "moderator"))
    await share(stage, PRIVATE)
    assert here.settings.ignored_channels == (NEW,)
    await stage.platform.say("actor", "hello", NEW)
    await stage.settled()
    assert await stage.ids() == []


@pytest.mark.parametrize("stayed", [True, False], ids=["in it", "out of it"])
async def test_a_channel_that_is_opened_again_is_watched_again_if_the_app_is_still_in_it(
    stage: SlackStage, *, stayed: bool
) -> None:
    event = {"channel": GENERAL, "user": PEOPLE["teacher"]}
    history = stage.adapter.of(f"slack:{TEAM}").history
    watched = history.watched
    await stage.platform.send_event({"type": "channel_archive", "event_ts": stage.platform.now(), **event})
    await stage.settled()
    assert history.watched == watched - 1
    if not stayed:
        stage.platform.channels[GENERAL].members.discard(BOT_USER)
    await stage.platform.send_event({"type": "channel_unarchive", "event_ts": stage.platform.now(), **event})
    await stage.settled()
    assert history.watched == watched - (not stayed)
    await stage.platform.send_event({"type": "channel_archive", "event_ts": stage.platform.now(), **event})
    await stage.settled()
    assert sum("archived" in told for told in stage.notices()) == 1 + stayed
