"""What an admin may choose, looked at before it is stored: the alert channel above all, for cards name people.

`/lampkeeper setup` and `/lampkeeper settings` both go by this.
"""

from __future__ import annotations

from bots.common.settings import Choice
from bots.slack_app.api import call
from bots.slack_app.asked import Asked
from core.errors import PlatformError, TryLater


async def alert_channel(asked: Asked, channel: str) -> Choice:
    """Choose the alert channel: refused where the app is not in it, warned of where everybody can read along.

    https://docs.slack.dev/reference/objects/conversation-object
    """
    shown = asked.words.markup.channel(channel)
    try:
        told = (await call(asked.workspace.client.conversations_info, channel=channel))["channel"]
    except TryLater:
        raise
    except PlatformError:
        return Choice({}, (asked.say("setup.alerts_unseen", channel=shown),))
    if told.get("is_archived") or not told.get("is_member"):
        return Choice({}, (asked.say("setup.alerts_unseen", channel=shown),))
    notes = [asked.say("setup.alerts_chosen", channel=shown)]
    if not told.get("is_private"):
        notes.append(asked.say("setup.alerts_public", channel=shown))
    if told.get("is_ext_shared") or told.get("is_pending_ext_shared"):
        notes.append(asked.say("home.alerts_shared", channel=shown))
    return Choice({"alert_channel": channel}, tuple(notes))
