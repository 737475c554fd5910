"""The test card in the alert channel, and its buttons' answer. Leans on `bots.common.trial`."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bots.common.trial import BUTTONS, took
from bots.common.words import Words
from bots.slack_app.api import call
from bots.slack_app.kit import actions, button, context, header, section

ACTION = "lampkeeper-test-"
"""What the ids of its buttons begin with."""


async def post(client: AsyncWebClient, channel: str, order: str, words: Words) -> None:
    """Post the test card, and edit it to say how long it took."""
    title = words.say("test.title")
    page = [
        header(title),
        section(words.say("test.text")),
        actions([button(words.say(f"test.{name}"), f"{ACTION}{name}", name, look) for name, look in BUTTONS.items()]),
    ]
    posted = await call(client.chat_postMessage, channel=channel, text=title, blocks=page)
    page.append(context(took(words, order)))
    await call(client.chat_update, channel=str(posted["channel"]), ts=str(posted["ts"]), text=title, blocks=page)
