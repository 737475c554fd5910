"""Writing to one person, in their direct message with the app.

Leans on `bots.slack_app.api`. Files go up by https://docs.slack.dev/messaging/working-with-files#upload.
"""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bots.common.answers import File
from bots.slack_app.api import RefusalError, call

UNREACHABLE = frozenset(("user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot"))
"""Refusals to open a direct message that nobody here can change."""


async def write(client: AsyncWebClient, user: str, text: str, file: File | None = None) -> bool:
    """Write to somebody; False if they cannot be written to. Raises `PlatformError` where Slack refuses else.

    https://docs.slack.dev/reference/methods/conversations.open
    """
    try:
        channel = str((await call(client.conversations_open, users=user))["channel"]["id"])
    except RefusalError as error:
        if error.code not in UNREACHABLE:
            raise
        return False
    if file is None:
        await call(client.chat_postMessage, channel=channel, text=text, unfurl_links=False, unfurl_media=False)
    else:
        await call(
            client.files_upload_v2, channel=channel, initial_comment=text, filename=file.name, content=file.content
        )
    return True
