"""What an admin may choose, looked at before it is stored: the alert channel above all, for cards name people.

`/lampkeeper setup` and `/lampkeeper settings` both go by this.
"""

from __future__ import annotations

from typing import Any

from bots.common.settings import Choice
from bots.slack_app.api import call
from bots.slack_app.asked import Asked
from core.errors import PlatformError, TryLater


async def alert_channel(asked: Asked, channel: str) -> Choice:
    """Choose the alert channel: refused where the app is not in it, warned of where everybody can read along.

    https://docs.slack.dev/reference/objects/conversation-object
    """
    shown, told = asked.words.markup.channel(channel), await _usable(asked, channel)
    if told is None:
        return Choice({}, (asked.say("setup.alerts_unseen", channel=shown),))
    notes = [asked.say("setup.alerts_chosen", channel=shown)]
    if not told.get("is_private"):
        notes.append(asked.say("setup.alerts_public", channel=shown))
    if told.get("is_ext_shared") or told.get("is_pending_ext_shared"):
        notes.append(asked.say("home.alerts_shared", channel=shown))
    return Choice({"alert_channel": channel}, tuple(notes))


async def second_channel(asked: Asked, channel: str) -> Choice:
    """Choose where what nobody claims is told besides: refused where the app is not, or cards stand already."""
    shown = asked.words.markup.channel(channel)
    if channel == asked.workspace.settings.alert_channel:
        return Choice({}, (asked.say("settings.second_same"),))
    if await _usable(asked, channel) is None:
        return Choice({}, (asked.say("setup.alerts_unseen", channel=shown),))
    return Choice({"second_channel": channel}, (asked.say("settings.second_chosen", channel=shown),))


async def unseen(asked: Asked, group: str) -> tuple[str, ...]:
    """Say why a usergroup cannot be chosen: Slack does not tell who is in it, so that it would keep everybody out.

    https://docs.slack.dev/reference/methods/usergroups.users.list
    """
    try:
        await call(asked.workspace.client.usergroups_users_list, usergroup=group)
    except PlatformError as error:
        return (asked.say("home.group_unseen", group=asked.words.markup.role(group), why=error),)
    return ()


async def _usable(asked: Asked, channel: str) -> dict[str, Any] | None:
    """Return what Slack tells of a channel that the app can post in; None if it cannot."""
    try:
        told: dict[str, Any] = (await call(asked.workspace.client.conversations_info, channel=channel))["channel"]
    except TryLater:
        raise
    except PlatformError:
        return None
    return None if told.get("is_archived") or not told.get("is_member") else told
