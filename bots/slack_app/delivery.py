"""Cards, calls and notices into the alert channel: post, edit in place, find again, empty.

Leans on `bots.slack_app.card` for how a card looks and on `bots.slack_app.api` for what Slack may answer. A card's
reference is ``<channel>/<ts>``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bots.common.face import Face
from bots.common.words import Words
from bots.slack_app.api import Me, RefusalError, call, pages
from bots.slack_app.card import alert_of, blocks, fallback, metadata
from bots.slack_app.markup import MARKUP
from core.cards import MessageRef
from core.errors import PlatformError

GONE = frozenset(("message_not_found", "cant_update_message", "edit_window_closed"))
"""Refusals to edit a card that a new card answers."""
NOWHERE = frozenset(("message_not_found", "channel_not_found"))
"""Refusals to edit a card that tell that it is gone."""
CLOSED = frozenset(("channel_not_found", "not_in_channel", "is_archived"))
"""Refusals that tell that an earlier alert channel is closed to the app: in the present one a card is posted anew."""
UNDRAWN = "invalid_blocks"
CALL_TYPE = "lampkeeper_call"
"""Type of the metadata by which a call is found again."""


async def show(client: AsyncWebClient, channel: str, drawn: Face, words: Words, reference: str | None) -> str:
    """Post a card in `channel`, or edit the posted one; return the reference to edit it by.

    One that somebody deleted is posted anew while its alert is open; once that is decided, people may clear it away.
    Slack takes no message of which it cannot fetch a picture; then the card goes without.
    """
    try:
        return await _show(client, channel, drawn, words, reference)
    except RefusalError as error:
        if error.code != UNDRAWN or (drawn.actor is None and drawn.target is None):
            raise
    return await _show(client, channel, replace(drawn, actor=None, target=None), words, reference)


async def _show(client: AsyncWebClient, channel: str, drawn: Face, words: Words, reference: str | None) -> str:
    """https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/methods/chat.update."""
    content = {"text": fallback(drawn), "blocks": blocks(drawn, words), "metadata": metadata(drawn.alert)}
    if reference is not None:
        posted_in, _, ts = reference.partition("/")
        try:
            await call(client.chat_update, channel=posted_in, ts=ts, **content)
        except RefusalError as error:
            if error.code not in GONE and (posted_in == channel or error.code not in CLOSED):
                raise
            if drawn.decided and error.code in NOWHERE:
                return reference
        else:
            return reference
    return await _post(client, channel, **content)


async def find(client: AsyncWebClient, channel: str, alert: str) -> str | None:
    """Return the reference of the posted card of `alert`, or None. Looks at the newest page: a try is recent."""
    async for page in pages(client.conversations_history, "messages", channel=channel, include_all_metadata=True):
        return next((f"{channel}/{message['ts']}" for message in page if alert_of(message) == alert), None)
    return None


async def withdraw(client: AsyncWebClient, reference: str, words: Words) -> None:
    """Empty a posted card, and say that its alert's data was deleted. A card that is gone needs nothing.

    https://docs.slack.dev/reference/methods/chat.update: what is to be removed is given as empty.
    """
    channel, _, ts = reference.partition("/")
    text = words.say("card.withdrawn")
    try:
        await call(client.chat_update, channel=channel, ts=ts, text=text, blocks=[], metadata={})
    except RefusalError as error:
        if error.code not in NOWHERE:
            raise


async def call_to(client: AsyncWebClient, reference: str, text: str, about: dict[str, str], *, tried: bool) -> None:
    """Call people to a posted card, by an answer to it that stands in the channel, too: an edit notifies nobody.

    With `tried`, look first whether an earlier try called about the same.
    """
    channel, _, ts = reference.partition("/")
    if tried and await _called(client, channel, ts, about):
        return
    content = {"text": text, "metadata": {"event_type": CALL_TYPE, "event_payload": about}}
    try:
        await _post(client, channel, **content, thread_ts=ts, reply_broadcast=True)
    except RefusalError as error:
        if error.code not in ("thread_not_found", "message_not_found"):
            raise
        await _post(client, channel, **content)  # somebody deleted the card


async def _called(client: AsyncWebClient, channel: str, ts: str, about: dict[str, str]) -> bool:
    try:
        async for page in pages(
            client.conversations_replies, "messages", channel=channel, ts=ts, include_all_metadata=True
        ):
            if any((message.get("metadata") or {}).get("event_payload") == about for message in page):
                return True
    except RefusalError as error:
        if error.code != "thread_not_found":
            raise
    return False


async def notify(client: AsyncWebClient, channel: str, text: str) -> None:
    """Post a notice."""
    await _post(client, channel, text=text)


async def link(client: AsyncWebClient, message: MessageRef, who: Me) -> str | None:
    """Say where a message stands, with a link to it: the one that Slack gives, or else the one it would have given.

    None for a direct message with the app, which nobody else can open.
    """
    channel, _, thread = message.key.conversation.partition("/")
    if channel.startswith("D"):
        return None
    try:
        url = str((await call(client.chat_getPermalink, channel=channel, message_ts=message.message_id))["permalink"])
    except PlatformError:
        url = who.address(channel, message.message_id, thread)
    return f"{MARKUP.when(float(message.message_id), url=url)} {MARKUP.channel(channel)}"


async def _post(client: AsyncWebClient, channel: str, **content: Any) -> str:
    answer = await call(client.chat_postMessage, channel=channel, unfurl_links=False, unfurl_media=False, **content)
    return f"{answer['channel']}/{answer['ts']}"
