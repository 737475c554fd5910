"""Cards and notices into the alert channel: post, edit in place, find again.

Leans on `bots.slack_app.card` for how a card looks and on `bots.slack_app.api` for what Slack may answer. A card's
reference is ``<channel>/<ts>``.
"""

from __future__ import annotations

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bots.slack_app.api import Me, RefusalError, call, pages
from bots.slack_app.card import alert_of, blocks, fallback, metadata
from core.cards import WITHDRAWN, Card, MessageRef
from core.errors import PlatformError

GONE = frozenset(("message_not_found", "cant_update_message", "edit_window_closed"))
"""Refusals to edit a card that a new card answers."""
NOWHERE = frozenset(("message_not_found", "channel_not_found"))
"""Refusals to edit a card that tell that it is gone."""


async def show(client: AsyncWebClient, channel: str, card: Card, reference: str | None, who: Me) -> str:
    """Post `card` in `channel`, or edit the posted one; return the reference to edit it by.

    https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/methods/chat.update
    """
    links = [await link(client, message, who) for message in card.messages]
    content = {"text": fallback(card), "blocks": blocks(card, links), "metadata": metadata(card)}
    if reference is not None:
        posted_in, _, ts = reference.partition("/")
        try:
            await call(client.chat_update, channel=posted_in, ts=ts, **content)
        except RefusalError as error:
            if error.code not in GONE:
                raise
        else:
            return reference
    return await _post(client, channel, **content)


async def find(client: AsyncWebClient, channel: str, alert: str) -> str | None:
    """Return the reference of the posted card of `alert`, or None. Looks at the newest page: a try is recent."""
    async for page in pages(client.conversations_history, "messages", channel=channel, include_all_metadata=True):
        return next((f"{channel}/{message['ts']}" for message in page if alert_of(message) == alert), None)
    return None


async def withdraw(client: AsyncWebClient, reference: str) -> None:
    """Empty a posted card, and say that its alert's data was deleted. A card that is gone needs nothing.

    https://docs.slack.dev/reference/methods/chat.update: what is to be removed is given as empty.
    """
    channel, _, ts = reference.partition("/")
    try:
        await call(client.chat_update, channel=channel, ts=ts, text=WITHDRAWN, blocks=[], metadata={})
    except RefusalError as error:
        if error.code not in NOWHERE:
            raise


async def notify(client: AsyncWebClient, channel: str, text: str) -> None:
    """Post a notice."""
    await _post(client, channel, text=text)


async def link(client: AsyncWebClient, message: MessageRef, who: Me) -> str:
    """Return the address of a message; where Slack does not say, the one it would have said."""
    channel, _, thread = message.key.conversation.partition("/")
    try:
        answer = await call(client.chat_getPermalink, channel=channel, message_ts=message.message_id)
    except PlatformError:
        of_thread = f"?thread_ts={thread}&cid={channel}" if thread else ""
        return f"{who.url}archives/{channel}/p{message.message_id.replace('.', '')}{of_thread}"
    return str(answer["permalink"])


async def _post(client: AsyncWebClient, channel: str, **content: Any) -> str:
    answer = await call(client.chat_postMessage, channel=channel, unfurl_links=False, unfurl_media=False, **content)
    return f"{answer['channel']}/{answer['ts']}"
