"""A minute of a busy workspace: ``make soak``.

As `tests/soak.py` for Discord: the real bot, in a process and on a core of its own, has a Socket Mode connection to the
tests' Slack, which stands here: 500 messages a second over 50 channels. Before that, frames of the same kind go, as
fast as they are acknowledged, to

- ``bare``: slack-bolt's own app, handler and client, with a listener that does nothing;
- ``whole``: all of Lampkeeper, with the database; once without the actors, so that no card is shown (``keeps``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bots.composition import look_less_for_garbage
from bots.slack_app import SlackAdapter, api
from tests import soak_common
from tests.slack_api import ALERTS, APP_TOKEN, BOT_TOKEN, BOT_USER, Channel
from tests.slack_platform import SlackPlatform, slack_config
from tests.soak_common import ACTORS, CHANNELS, Said, compare, main, soak, talked, whole_guard

RATE, SECONDS = 500, 60
KINDS = ("bare", "whole")
STEPS = (
    ("translation, the engine, the database", "keeps", "bare"),
    (f"showing the cards of {ACTORS} actors", "whole", "keeps"),
)
SMALL = 6_000
"""Frames for the comparison; the first half of them warms up."""
UNACKNOWLEDGED = 200
"""Frames on their way: a client that is sent more than it takes would only fill its memory."""


class Crowd:
    """Who talks where, in one workspace."""

    def __init__(self, slack: SlackPlatform, actors: int) -> None:
        self._slack, self._actors = slack, actors
        self.url = slack.url

    def messages(self) -> Iterator[Said]:
        return talked(self._actors)

    async def send(self, message: Said) -> None:
        who = f"U0{message.who}"
        self._slack.users.setdefault(who, {"name": f"member {message.who}", "is_bot": False})
        text = message.text if message.whom is None else f"<@U0{message.whom}> {message.text}"
        await self._slack.say(who, text, _channel(message.channel))
        await self._slack.until(lambda: len(self._slack._unacked) < UNACKNOWLEDGED)

    async def heard(self) -> None:
        await self._slack.until(lambda: self._slack.hellos > 0 and not self._slack._unacked)

    def posted(self) -> Counter[str]:
        posted = self._slack.channels[ALERTS].messages
        return Counter(
            str(message["metadata"]["event_payload"]["alert"]) for message in posted if message.get("metadata")
        )


def _channel(number: int) -> str:
    return f"C0{number}"


@asynccontextmanager
async def crowded(actors: int) -> AsyncIterator[Crowd]:
    """Run the tests' Slack with all channels."""
    async with SlackPlatform().serving() as slack:
        for number in range(CHANNELS):
            slack.channels[_channel(number)] = Channel(_channel(number), "channel", {BOT_USER})
        yield Crowd(slack, actors)


async def bot(kind: str, url: str, folder: Path) -> None:
    """Run one of the bots until it is killed."""
    if kind == "bare":
        await bare(url)
    api.BASE_URL = f"{url}/api/"
    guard = await whole_guard(folder)
    adapter = SlackAdapter(slack_config(), guard)
    look_less_for_garbage()
    await asyncio.gather(guard.run([adapter]), adapter.run())


async def bare(url: str) -> None:
    """Run slack-bolt alone."""
    client = AsyncWebClient(BOT_TOKEN, base_url=f"{url}/api/")
    app = AsyncApp(client=client)

    @app.event("message")
    async def hear() -> None:
        pass

    await AsyncSocketModeHandler(app, APP_TOKEN, web_client=client).connect_async()
    await asyncio.Event().wait()


HERE = soak_common.Platform("tests.soak_slack", "slack-bolt", crowded)

if __name__ == "__main__":
    main(
        KINDS,
        bot,
        lambda: compare(HERE, SMALL, KINDS, STEPS, "a tenth or less; aim at a twentieth"),
        lambda lasting, rate: soak(HERE, lasting, rate, f"{CHANNELS} channels"),
        (SECONDS, RATE),
    )
