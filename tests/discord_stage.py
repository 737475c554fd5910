"""Lampkeeper on the tests' Discord: a stage with the same verbs as every other platform's.

`tests/test_adapter_contract.py` plays on all stages; `tests/test_discord_wire.py` on this one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import SecretStr

from bots.discord_bot import DiscordAdapter
from core.cards import Card
from core.config import Discord, DiscordServer
from core.guard import Guard
from core.messages import ConversationKey, Event, Message
from tests.discord_objects import (
    ALERTS,
    CHANNELS,
    DM,
    MODERATORS,
    PEOPLE,
    SERVER,
    TOKEN,
    Json,
    button_ids,
    shown_text,
    stamp,
)
from tests.discord_platform import Platform, platform
from tests.support import lampkeeper


def settings(**server: Any) -> Discord:
    """The configuration that fits the tests' Discord."""
    known: Json = {"id": SERVER, "alert_channel": ALERTS, "moderator_roles": (MODERATORS,)}
    return Discord(token=SecretStr(TOKEN), servers=(DiscordServer(**known | server),))


class Ear:
    """A guard that only writes down what it is given, to look at what the adapter makes of Discord's events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.alive: float | None = None
        self.states: list[bool] = []
        """What the guard was told about listening, without repetitions."""

    async def receive(self, event: Event) -> None:
        self.events.append(event)

    async def cursor(self, key: ConversationKey) -> str | None:
        said = [event.id for event in self.events if isinstance(event, Message) and event.key == key]
        return said[-1] if said else None

    async def last_alive(self, platform: str) -> float | None:
        assert platform == "discord"
        return self.alive

    @property
    def communities(self) -> Ear:
        return self

    async def every(self, _platform: str) -> dict[str, Any]:
        return {}

    def listening(self, platform: str, is_listening: bool) -> None:
        assert platform == "discord"
        if self.states[-1:] != [is_listening]:
            self.states.append(is_listening)

    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Message)]


def alone(ear: Ear, **server: Any) -> DiscordAdapter:
    """Make the adapter with nothing behind it; `server` are keys of [[discord.servers]]."""
    return DiscordAdapter(settings(**server), cast("Guard", ear))


@asynccontextmanager
async def listening(ear: Ear, **server: Any) -> AsyncIterator[DiscordAdapter]:
    """Run the adapter alone on the tests' Discord."""
    adapter = alone(ear, **server)
    running = asyncio.create_task(adapter.run())
    try:
        await until(lambda: running.done() or not adapter.feed._shut)
        yield adapter
    finally:
        await cancelled(running)


async def heard(there: Platform, adapter: DiscordAdapter) -> None:
    """Return when the adapter passed on all that was sent; a lost connection comes back."""
    there.open.set()
    await there.heard()
    await until(lambda: not adapter.feed._shut)
    await adapter.settled()


class Later:
    """Stands in for the adapter, which is made with a guard that is made with its deliverers."""

    platform = "discord"
    adapter: DiscordAdapter

    async def show(self, card: Card, reference: str | None) -> str:
        return await self.adapter.show(card, reference)

    async def find(self, card: Card) -> str | None:
        return await self.adapter.find(card)

    async def notify(self, space: str, text: str) -> None:
        await self.adapter.notify(space, text)


class Told(NamedTuple):
    """What whoever pressed was told, and whether nobody else was."""

    text: str
    private: bool


class DiscordStage:
    """Lampkeeper on the tests' Discord: the same verbs as on every other platform's stage."""

    adapter: DiscordAdapter
    guard: Guard

    def __init__(self, folder: Path, there: Platform, config: Discord, clock: Callable[[], float]) -> None:
        self.there = there
        self.config = config
        self._folder = folder
        self._clock = clock
        self._life = AsyncExitStack()

    async def start(self) -> None:
        """Start Lampkeeper; returns when it listens and has read what it missed."""
        self.there.open.set()
        later = Later()
        self.guard = await self._life.enter_async_context(
            lampkeeper(self._folder, clock=self._clock, deliverers=[later])
        )
        later.adapter = self.adapter = DiscordAdapter(self.config, self.guard)
        running = asyncio.create_task(self.adapter.run())
        self._life.push_async_callback(cancelled, running)
        await until(lambda: running.done() or not self.adapter.feed._shut)
        if running.done():
            running.result()
        await self.settled()

    async def stop(self) -> None:
        """Stop Lampkeeper; people go on talking."""
        await self._life.aclose()
        self._life = AsyncExitStack()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def settled(self) -> None:
        """Return when all that was said was stored, and all that is due was shown; a lost connection comes back."""
        await heard(self.there, self.adapter)
        await self.guard.settled()

    async def drop_connection(self, *, forget: bool = True) -> None:
        """Cut the connection until `settled`; Discord forgets the session, so what is said meanwhile is missed."""
        await self.there.drop(forget=forget)

    async def say(self, author: str, text: str, channel: str = "general", id: str | None = None, **more: Any) -> str:  # noqa: A002
        """Let somebody write; the same `id` again is the same message delivered twice."""
        said = self.there.message(PEOPLE[author], CHANNELS[channel], text, int(id) if id else None, **more)
        await self.there.send("MESSAGE_CREATE", self.there.as_event(said))
        return str(said["id"])

    async def edit(self, id: str, text: str) -> None:  # noqa: A002
        said = self._said(id)
        said |= {"content": text, "edited_timestamp": stamp(time.time())}
        await self.there.send("MESSAGE_UPDATE", self.there.as_event(said))

    async def delete(self, id: str) -> None:  # noqa: A002
        said = self._said(id)
        del self.there.messages[int(said["channel_id"])][int(id)]
        where = {"channel_id": said["channel_id"]} | (
            {} if said["channel_id"] == str(DM) else {"guild_id": str(SERVER)}
        )
        await self.there.send("MESSAGE_DELETE", {"id": id, **where})

    def cards(self) -> list[Json]:
        """The cards in the alert channel, oldest first: title, text, buttons (their labels) and alert."""
        return [
            {
                "title": message["embeds"][0]["title"],
                "text": shown_text(message),
                "buttons": [button["label"] for row in message["components"] for button in row["components"]],
                "alert": button_ids(message)[0].split(":")[2],
                "message": message,
            }
            for message in self.there.messages.get(ALERTS, {}).values()
            if message["embeds"]
        ]

    def notices(self) -> list[str]:
        """What the alert channel was told besides cards."""
        return [said["content"] for said in self.there.messages.get(ALERTS, {}).values() if not said["embeds"]]

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> Told:
        """Let somebody press "Confirm", "Dismiss" or "Show excerpt"; returns what they were shown."""
        action = {"Confirm": "confirm", "Dismiss": "dismiss", "Show excerpt": "excerpt"}[button]
        card = next(card for card in self.cards() if card["alert"] == alert)
        reply = await self.there.press(card["message"], f"lampkeeper:{action}:{alert}", PEOPLE[moderator])
        return Told(reply.text, reply.ephemeral)

    def _said(self, number: str) -> Json:
        return next(said[int(number)] for said in self.there.messages.values() if int(number) in said)


async def until(met: Callable[[], bool]) -> None:
    """Wait for something that comes by itself; a test that waits in vain fails by this."""
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.01)


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def discord_stage(
    folder: Path, clock: Callable[[], float] = time.time, **server: Any
) -> AsyncIterator[DiscordStage]:
    """Run Lampkeeper on the tests' Discord, its database in `folder`; `server` are keys of [[discord.servers]]."""
    async with platform() as there:
        stage = DiscordStage(folder, there, settings(**server), clock)
        try:
            await stage.start()
            yield stage
        finally:
            await stage.stop()
