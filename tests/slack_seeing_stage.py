"""What else happens in the tests' own Slack: the app comes into a channel and leaves it, accounts change, time passed.

Payloads are shaped as https://docs.slack.dev/reference/events documents them.
"""

from __future__ import annotations

import bisect
import time
from typing import Any

from tests.slack_api import BOT_USER, GENERAL, PEOPLE, TEAM, Channel, Json
from tests.slack_platform import SlackPlatform, SlackStage

CLUB = "C0LATER"
"""A public channel that the app is not in."""
OTHER_TEAM = "T0OTHER"
DAY = 86_400.0


def channel_without_the_app(platform: SlackPlatform, kind: str = "channel") -> str:
    platform.channels[CLUB] = Channel(CLUB, kind, set(PEOPLE.values()))
    return CLUB


async def app_comes(platform: SlackPlatform, channel: str) -> None:
    """Somebody invites the app."""
    platform.channels[channel].members.add(BOT_USER)
    now = platform.now()
    joined = {"type": "message", "subtype": "channel_join", "user": BOT_USER, "text": "has joined", "ts": now}
    platform.channels[channel].messages.append(joined)
    await platform.announce(channel, joined)
    event = {"type": "member_joined_channel", "user": BOT_USER, "channel": channel, "channel_type": "C", "team": TEAM}
    await platform.send_event(event | {"event_ts": now, "inviter": PEOPLE["moderator"]})


async def app_is_removed(platform: SlackPlatform, channel: str) -> None:
    """Somebody takes the app out of a channel: Slack tells it in two ways."""
    platform.channels[channel].members.discard(BOT_USER)
    now = platform.now()
    event = {"type": "member_left_channel", "user": BOT_USER, "channel": channel, "channel_type": "C", "team": TEAM}
    await platform.send_event(event | {"event_ts": now})
    left = {"type": "channel_left", "channel": channel, "actor_id": PEOPLE["moderator"], "event_ts": now}
    await platform.send_event(left)


async def comes(platform: SlackPlatform, who: str, channel: str) -> None:
    """Somebody comes into a channel."""
    platform.channels[channel].members.add(PEOPLE[who])
    await _moved(platform, "member_joined_channel", who, channel)


async def goes(platform: SlackPlatform, who: str, channel: str) -> None:
    """Somebody leaves a channel."""
    platform.channels[channel].members.discard(PEOPLE[who])
    await _moved(platform, "member_left_channel", who, channel)


async def _moved(platform: SlackPlatform, kind: str, who: str, channel: str) -> None:
    event = {"type": kind, "user": PEOPLE[who], "channel": channel, "channel_type": "G", "team": platform.team}
    await platform.send_event(event | {"event_ts": platform.now()})
    await platform.acked()


async def channel_event(platform: SlackPlatform, kind: str, channel: str, **more: Any) -> None:
    await platform.send_event({"type": kind, "channel": channel, "event_ts": platform.now(), **more})


async def change_account(platform: SlackPlatform, who: str, **changes: Any) -> None:
    """An account changes: deactivated, brought back, renamed."""
    user = PEOPLE[who]
    platform.users[user] |= changes
    profile = {"display_name": who, "real_name": who}
    account = {"id": user, "team_id": TEAM, "deleted": False, "profile": profile} | platform.users[user]
    await platform.send_event({"type": "user_change", "user": account, "event_ts": platform.now()})


async def regroup(platform: SlackPlatform, group: str, members: set[str]) -> None:
    """A usergroup changes."""
    platform.usergroups[group] = {PEOPLE[name] for name in members}
    event = {"type": "subteam_members_changed", "subteam_id": group, "team_id": TEAM, "event_ts": platform.now()}
    await platform.send_event(event)


def past(stage: SlackStage, author: str, text: str, days: float, channel: str = GENERAL, **more: Any) -> Json:
    """Have said something so many days ago; nobody was told of it."""
    messages = stage.platform.channels[channel].messages
    ts = f"{time.time() - days * DAY + next(stage.platform.numbers) / 1000:.6f}"
    message: Json = {
        "type": "message",
        "user": PEOPLE.get(author, author),
        "text": text,
        "ts": ts,
        "team": TEAM,
        **more,
    }
    if thread := more.get("thread_ts"):
        root = stage.platform.message(channel, thread)
        root.update(thread_ts=thread, latest_reply=max(ts, root.get("latest_reply", "")), reply_count=1)
    bisect.insort(messages, message, key=lambda one: float(one["ts"]))
    return message
