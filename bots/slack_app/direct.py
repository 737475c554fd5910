"""Telling one person something that nobody else sees.

Leans on `bots.slack_app.api`. What was pressed, typed or sent is answered at the address that came along; where none
did (in the app's Home, in a window), in the alert channel, shown to that person alone, and for who is not in it, in
their direct message with the app. Files, which nothing that passes can hold, go there always, by
https://docs.slack.dev/messaging/working-with-files#upload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bots.common.exports import File
from bots.slack_app.api import RefusalError, call
from bots.slack_app.kit import Block, Shown
from core.errors import PlatformError

UNREACHABLE = frozenset(("user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot"))
"""Refusals to open a direct message that nobody here can change."""

log = structlog.get_logger(__name__)


async def answer(client: AsyncWebClient, body: Mapping[str, Any], channel: str | None, shown: Shown) -> None:
    """Answer whoever pressed, typed or sent what Slack tells in `body`.

    `channel` is where they can be told, if they are in it, where Slack gives no address to answer at.
    """
    user = str(body["user"]["id"] if "user" in body else body["user_id"])
    if url := body.get("response_url"):
        told = await AsyncRespond(response_url=url)(
            shown.text, shown.drawn(), response_type="ephemeral", replace_original=shown.instead
        )
        if told.status_code != HTTPStatus.OK:
            log.warning("slack.answer_lost", status=told.status_code)
    elif not await _seen(client, user, channel, shown) and not await write(
        client, user, shown.text, blocks=shown.drawn()
    ):
        log.warning("slack.answer_lost", why="the person cannot be written to")


async def _seen(client: AsyncWebClient, user: str, channel: str | None, shown: Shown) -> bool:
    """Show something to one member of a channel (https://docs.slack.dev/reference/methods/chat.postEphemeral)."""
    if channel is None:
        return False
    try:
        await call(client.chat_postEphemeral, channel=channel, user=user, text=shown.text, blocks=shown.drawn())
    except PlatformError:
        return False
    return True


async def write(
    client: AsyncWebClient, user: str, text: str, files: Sequence[File] = (), blocks: Sequence[Block] = ()
) -> bool:
    """Write to somebody; False if they cannot be written to. Raises `PlatformError` where Slack refuses else.

    https://docs.slack.dev/reference/methods/conversations.open
    """
    try:
        channel = str((await call(client.conversations_open, users=user))["channel"]["id"])
    except RefusalError as error:
        if error.code not in UNREACHABLE:
            raise
        return False
    if not files:
        plain = {"unfurl_links": False, "unfurl_media": False}
        await call(client.chat_postMessage, channel=channel, text=text, blocks=list(blocks) or None, **plain)
    else:
        parts = [{"content": file.content, "filename": file.name, "title": file.name} for file in files]
        await call(client.files_upload_v2, channel=channel, initial_comment=text or None, file_uploads=parts)
    return True


async def within(client: AsyncWebClient, channel: str) -> bool:
    """Tell whether the app is in a direct message, also where Slack does not say; it knows of no other one.

    https://docs.slack.dev/reference/methods/conversations.info
    """
    try:
        await call(client.conversations_info, channel=channel)
    except RefusalError as error:
        return error.code != "channel_not_found"
    except PlatformError:
        pass
    return True
