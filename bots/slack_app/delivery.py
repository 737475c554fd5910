"""Cards, calls and notices into the alert channel: post, edit in place, find again, empty.

Leans on `bots.slack_app.card` for how a card looks and on `bots.slack_app.api` for what Slack may answer. A card's
reference is ``<channel>/<ts>``. Decision: no card is left behind with names on it. One that Slack lets nobody edit any
more is deleted once the new one stands, or instead of being emptied; where Slack refuses that, too, or the app is not
in its channel any more, the caller is told, for then only people can.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bots.common.face import Face
from bots.common.words import Words
from bots.slack_app.api import Me, Method, RefusalError, call, pages
from bots.slack_app.card import alert_of, blocks, fallback, metadata
from bots.slack_app.markup import MARKUP
from core.casework.cards import MessageRef
from core.errors import PlatformError, TryLater

DELETED = "message_not_found"
GONE = frozenset((DELETED, "cant_update_message", "edit_window_closed"))
"""Refusals to edit a card that a new card answers."""
NOWHERE = frozenset((DELETED, "channel_not_found"))
"""Refusals to edit a decided card that need no new one."""
CLOSED = frozenset(("channel_not_found", "not_in_channel", "is_archived"))
"""Refusals that tell that an earlier alert channel is closed to the app: in the present one a card is posted anew."""
UNDRAWN = "invalid_blocks"
THREADLESS = frozenset(("thread_not_found", "message_not_found"))
"""Refusals to answer a card that tell that it is gone."""
CALL_TYPE = "lampkeeper_call"
"""Type of the metadata by which a call is found again."""


class Posted(NamedTuple):
    """The reference of a card; `left` is that of an earlier one that stands yet, which only people can delete."""

    reference: str
    left: str | None = None


async def show(client: AsyncWebClient, channel: str, drawn: Face, words: Words, reference: str | None) -> Posted:
    """Post a card in `channel`, or edit the posted one.

    One that somebody deleted is posted anew while its alert is open; once that is decided, people may clear it away.
    Slack takes no message of which it cannot fetch a picture; then the card goes without.
    """
    try:
        return await _show(client, channel, drawn, words, reference)
    except RefusalError as error:
        if error.code != UNDRAWN or (drawn.actor is None and drawn.target is None):
            raise
    return await _show(client, channel, replace(drawn, actor=None, target=None), words, reference)


async def _show(client: AsyncWebClient, channel: str, drawn: Face, words: Words, reference: str | None) -> Posted:
    content = {"text": fallback(drawn), "blocks": blocks(drawn, words), "metadata": metadata(drawn.alert)}
    if reference is None:
        return Posted(await _post(client, channel, **content))
    why = await _uneditable(client, channel, reference, content)
    if why is None or (drawn.decided and why in NOWHERE):
        return Posted(reference)
    if why == DELETED:
        return Posted(await _post(client, channel, **content))
    new = await find(client, channel, drawn.alert, but=reference)  # what an interrupted try posted
    if new is None or await _uneditable(client, channel, new, content) is not None:
        new = await _post(client, channel, **content)
    removed = False
    with suppress(TryLater):  # raised now, it would have the new card forgotten
        removed = await _removed(client, reference)
    return Posted(new, None if removed else reference)


async def _uneditable(client: AsyncWebClient, channel: str, reference: str, content: dict[str, Any]) -> str | None:
    """Edit a posted card; return why that can be done no more, None if it was done.

    https://docs.slack.dev/reference/methods/chat.update
    """
    posted_in, _, ts = reference.partition("/")
    try:
        await call(client.chat_update, channel=posted_in, ts=ts, **content)
    except RefusalError as error:
        if error.code not in GONE and (posted_in == channel or error.code not in CLOSED):
            raise
        return error.code
    return None


async def _removed(client: AsyncWebClient, reference: str) -> bool:
    """Delete a posted card; False where Slack refuses. https://docs.slack.dev/reference/methods/chat.delete."""
    channel, _, ts = reference.partition("/")
    try:
        await call(client.chat_delete, channel=channel, ts=ts)
    except RefusalError as error:
        return error.code == DELETED
    return True


async def find(client: AsyncWebClient, channel: str, alert: str, but: str | None = None) -> str | None:
    """Return the reference of the posted card of `alert`, other than `but`, or None.

    Looks at the newest page: a try is recent.
    """
    async for page in pages(client.conversations_history, "messages", channel=channel, include_all_metadata=True):
        cards = (f"{channel}/{message['ts']}" for message in page if alert_of(message) == alert)
        return next((card for card in cards if card != but), None)
    return None


async def withdraw(client: AsyncWebClient, reference: str, words: Words) -> bool:
    """Empty a posted card, and say that its alert's data was deleted. A card that is gone needs nothing.

    Return False where Slack lets the app neither empty nor delete it; raise `RefusalError` where it is not in there.

    https://docs.slack.dev/reference/methods/chat.update: what is to be removed is given as empty.
    """
    channel, _, ts = reference.partition("/")
    text = words.say("card.withdrawn")
    try:
        await call(client.chat_update, channel=channel, ts=ts, text=text, blocks=[], metadata={})
    except RefusalError as error:
        if error.code == DELETED:
            return True
        if error.code in GONE:
            return await _removed(client, reference)
        raise
    return True


class Calling(NamedTuple):
    """What is said to call people: its text, what it is found again by; `aloud`, in the channel and not in a thread."""

    text: str
    about: dict[str, str]
    aloud: bool = True

    @property
    def content(self) -> dict[str, Any]:
        """What is posted."""
        return {"text": self.text, "metadata": {"event_type": CALL_TYPE, "event_payload": self.about}}


async def call_to(client: AsyncWebClient, reference: str, calling: Calling, *, tried: bool) -> None:
    """Call people to a posted card, by an answer to it: an edit notifies nobody.

    With `tried`, look first whether an earlier try called about the same.
    """
    channel, _, ts = reference.partition("/")
    if tried and await _called(client.conversations_replies, calling, channel=channel, ts=ts):
        return
    try:
        await _post(client, channel, **calling.content, thread_ts=ts, reply_broadcast=calling.aloud)
    except RefusalError as error:
        if error.code not in THREADLESS:
            raise
        await _post(client, channel, **calling.content)  # somebody deleted the card


async def tell_once(client: AsyncWebClient, channel: str, calling: Calling, *, tried: bool) -> None:
    """Call people to a card in another channel; with `tried`, look first whether an earlier try did."""
    if not (tried and await _called(client.conversations_history, calling, channel=channel)):
        await _post(client, channel, **calling.content)


async def _called(method: Method, calling: Calling, **where: Any) -> bool:
    """Look in a thread, or among a channel's newest messages: a try is recent."""
    try:
        async for page in pages(method, "messages", include_all_metadata=True, **where):
            if any((message.get("metadata") or {}).get("event_payload") == calling.about for message in page):
                return True
            if "ts" not in where:
                break
    except RefusalError as error:
        if error.code not in THREADLESS:
            raise
    return False


async def notify(client: AsyncWebClient, channel: str, text: str) -> None:
    """Post a notice."""
    await _post(client, channel, text=text)


async def link(client: AsyncWebClient, message: MessageRef, who: Me) -> str | None:
    """Say where a message stands, with a link to it: the one that Slack gives, or else the one it would have given.

    None for a direct message with the app, which nobody else can open.
    """
    channel, url = message.key.conversation.partition("/")[0], who.said_at(message.key.conversation, message.message_id)
    if url is None:
        return None
    with suppress(PlatformError):
        url = str((await call(client.chat_getPermalink, channel=channel, message_ts=message.message_id))["permalink"])
    return f"{MARKUP.when(float(message.message_id), url=url)} {MARKUP.channel(channel)}"


async def _post(client: AsyncWebClient, channel: str, **content: Any) -> str:
    answer = await call(client.chat_postMessage, channel=channel, unfurl_links=False, unfurl_media=False, **content)
    return f"{answer['channel']}/{answer['ts']}"
