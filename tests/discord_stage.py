"""Lampkeeper on the tests' Discord: a stage with the same verbs as every other platform's.

`tests/test_adapter_contract.py` plays on all stages; `tests/test_discord_wire.py` on this one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import SecretStr
from sqlalchemy import select

from bots.discord_bot import DiscordAdapter
from core.casework.cards import Card, Person
from core.casework.desk import FourEyes
from core.config import Discord, DiscordServer
from core.guard import Guard
from core.messages import ConversationKey, Deletion, Event, Message
from core.policy import Rules, Thresholds
from core.store import tables
from tests.discord_objects import (
    ALERTS,
    CHANNELS,
    DM,
    GENERAL,
    LAMPKEEPER,
    MODERATORS,
    PEOPLE,
    SERVER,
    TOKEN,
    Json,
    button_ids,
    shown_text,
    stamp,
    there,
)
from tests.discord_platform import Platform, Reply, platform
from tests.support import Later, lampkeeper, slow_talk

VERBS = {"confirm": "Confirm", "dismiss": "Dismiss", "excerpt": "Show excerpt"}
"""Actions of a card's buttons by which it can do what every platform's cards can."""


def settings(servers: int = 1, **server: Any) -> Discord:
    """The configuration that fits the tests' Discord; `server` are keys of the first of its `servers`."""
    known: list[Json] = [
        {
            "id": there(number, SERVER),
            "alert_channel": there(number, ALERTS),
            "moderator_roles": (there(number, MODERATORS),),
        }
        for number in range(servers)
    ]
    known[0] |= server
    return Discord(token=SecretStr(TOKEN), servers=tuple(DiscordServer(**one) for one in known))


class Ear:
    """A guard that only writes down what it is given, to look at what the adapter makes of Discord's events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.alive: float | None = None
        self.chores: list[Any] = []
        self.told: list[str] = []
        self.states: list[bool] = []
        """What the guard was told about listening, without repetitions."""
        self.desk = self
        """The desk of this guard, at which nobody works."""

    async def reviewers(self, _card: Card) -> list[Person]:
        return []

    async def receive(self, event: Event) -> None:
        self.events.append(event)

    async def cursor(self, key: ConversationKey) -> str | None:
        said = [event.id for event in self.events if isinstance(event, Message) and event.key == key]
        return said[-1] if said else None

    async def last_alive(self, platform: str) -> float | None:
        assert platform == "discord"
        return self.alive

    async def standing(
        self, space: str, conversations: Iterable[str], since: float = 0.0, until: float = math.inf
    ) -> dict[str, set[str]]:
        gone = {event.id for event in self.events if isinstance(event, Deletion)}
        kept = [event for event in self.events if isinstance(event, Message) and event.id not in gone]
        found: dict[str, set[str]] = {}
        for message in kept:
            here = message.key.space == space and message.key.conversation in conversations
            if here and since <= (message.time or 0.0) <= until:
                found.setdefault(message.key.conversation, set()).add(message.id)
        return found

    @property
    def communities(self) -> Ear:
        return self

    async def every(self, _platform: str) -> dict[str, Any]:
        return {}

    def rules(self, _space: str) -> Rules:
        return Rules(Thresholds.around(0.9))

    async def arrive(self, _space: str) -> str:
        return "known"

    async def leave(self, _space: str) -> bool:
        return False

    async def tell(self, _space: str, text: str) -> None:
        self.told.append(text)

    @property
    def scans(self) -> Ear:
        return self

    async def unfinished(self, _platform: str) -> list[Any]:
        return []

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


async def heard(platform: Platform, adapter: DiscordAdapter) -> None:
    """Return when the adapter passed on all that was sent; a lost connection comes back."""
    platform.let_in()
    await platform.heard()
    await until(lambda: listens(platform, adapter))
    await adapter.settled()


def listens(platform: Platform, adapter: DiscordAdapter) -> bool:
    """Tell whether the adapter takes what comes from every server that has no outage."""
    heard_of = {f"discord:{server}" for server in platform.servers if server not in platform.outages}
    return not adapter.feed._shut & heard_of


class Told(NamedTuple):
    """What whoever pressed was told, and whether nobody else was."""

    text: str
    private: bool


class DiscordStage:
    """Lampkeeper on the tests' Discord: the same verbs as on every other platform's stage."""

    adapter: DiscordAdapter
    guard: Guard
    four_eyes: Sequence[FourEyes] = ()

    def __init__(self, folder: Path, platform: Platform, config: Discord, clock: Callable[[], float]) -> None:
        self.there = platform
        self.config = config
        self._folder = folder
        self._clock = clock
        self._life = AsyncExitStack()

    async def start(self) -> None:
        """Start Lampkeeper; returns when it listens and has read what it missed."""
        self.there.let_in()
        later = Later("discord")
        self.guard = await self._life.enter_async_context(
            lampkeeper(self._folder, clock=self._clock, deliverers=[later], four_eyes=self.four_eyes)
        )
        later.adapter = self.adapter = DiscordAdapter(self.config, self.guard)
        running = asyncio.create_task(self.adapter.run())
        self._life.push_async_callback(cancelled, running)
        await until(lambda: running.done() or listens(self.there, self.adapter))
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
        await until(lambda: not listens(self.there, self.adapter))

    async def say(
        self,
        author: str,
        text: str,
        channel: str = "general",
        id: str | None = None,  # noqa: A002
        server: int = 0,
        **more: Any,
    ) -> str:
        """Let somebody write; the same `id` again is the same message delivered twice. `server` is its number."""
        place = there(server, CHANNELS[channel])
        said = self.there.message(PEOPLE[author], place, text, int(id) if id else None, **more)
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
            {} if said["channel_id"] == str(DM) else {"guild_id": str(self.there.home(int(said["channel_id"])))}
        )
        await self.there.send("MESSAGE_DELETE", {"id": id, **where})

    def cards(self, server: int = 0, channel: int = ALERTS) -> list[Json]:
        """The cards in a server's alert channel, oldest first: title, text, buttons (their labels) and alert."""
        return [
            {
                "title": message["embeds"][0]["title"],
                "text": shown_text(message),
                "buttons": [VERBS[action] for action in actions(message) if action in VERBS],
                "alert": button_ids(message)[0].split(":")[2],
                "message": message,
            }
            for message in self.there.messages.get(there(server, channel), {}).values()
            if message["embeds"]
        ]

    def discard_cards(self) -> None:
        """Let somebody delete the posted cards."""
        for card in self.cards():
            del self.there.messages[ALERTS][int(card["message"]["id"])]

    def notices(self, server: int = 0) -> list[str]:
        """What the alert channel was told besides cards."""
        told = self.there.messages.get(there(server, ALERTS), {}).values()
        return [said["content"] for said in told if not said["embeds"]]

    async def press(self, alert: str, button: str, moderator: str = "moderator") -> Told:
        """Let somebody press "Confirm", "Dismiss" or "Show excerpt"; returns what they were shown in the end."""
        action = next(action for action, verb in VERBS.items() if verb == button)
        reply = await self.push(alert, action, moderator)
        if reply.message is not None and f"lampkeeper:grounds:{alert}" in button_ids(reply.message):
            reply = await self.dismiss(reply.message, alert, moderator=moderator)
        return Told(reply.text, reply.ephemeral)

    async def push(self, alert: str, action: str, moderator: str = "moderator") -> Reply:
        """Let somebody press a button of a card, by its action."""
        card = next(card for card in self.cards() if card["alert"] == alert)
        return await self.there.press(card["message"], f"lampkeeper:{action}:{alert}", PEOPLE[moderator])

    async def offered(self, alert: str, moderator: str = "moderator") -> set[str]:
        """What stands behind More…."""
        return {*actions((await self.push(alert, "more", moderator)).message or {})}

    async def act(self, alert: str, name: str, moderator: str = "moderator", **fields: str) -> Told:
        """Let somebody press a button behind More…, and fill in what it asks for."""
        panel = await self.push(alert, "more", moderator)
        assert panel.message is not None
        assert name in actions(panel.message)
        who = PEOPLE[moderator]
        reply = await self.there.press(panel.message, f"lampkeeper:{name}:{alert}", who)
        if reply.modal is not None:
            reply = await self.there.submit(reply.modal, fields, who, panel.message)
        return Told(reply.text, reply.ephemeral)

    async def merge(self, alert: str, into: str, moderator: str = "moderator") -> Told:
        """Let somebody merge a case into another that is offered."""
        panel = (await self.push(alert, "more", moderator)).message
        assert panel is not None
        offered = (await self.there.press(panel, f"lampkeeper:merge:{alert}", PEOPLE[moderator])).message
        assert offered is not None
        (button,) = [name for name in button_ids(offered) if name.endswith(into)]
        reply = await self.there.press(offered, button, PEOPLE[moderator])
        return Told(reply.text, reply.ephemeral)

    async def dismiss(
        self, asked: Json, alert: str, grounds: str = "other", remark: str = "", moderator: str = "moderator"
    ) -> Reply:
        """Let somebody who is asked on which grounds choose them, and send the form off."""
        chosen = await self.there.press(asked, f"lampkeeper:grounds:{alert}", PEOPLE[moderator], (grounds,))
        assert chosen.modal is not None
        return await self.there.submit(chosen.modal, {"remark": remark}, PEOPLE[moderator], asked)

    def _said(self, number: str) -> Json:
        return next(said[int(number)] for said in self.there.messages.values() if int(number) in said)


def actions(message: Json) -> list[str]:
    """The actions of a message's buttons."""
    return [button.split(":")[1] for button in button_ids(message)]


async def said(platform: Platform, author: str, text: str, channel: int = GENERAL, **more: Any) -> Json:
    """Let somebody write, where a test needs the whole message; "lampkeeper" is the bot itself."""
    who = PEOPLE | {"lampkeeper": LAMPKEEPER}
    message = platform.message(who[author], channel, text, **more)
    await platform.send("MESSAGE_CREATE", platform.as_event(message))
    return message


async def until(met: Callable[[], bool]) -> None:
    """Wait for something that comes by itself; a test that waits in vain fails by this."""
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.01)


async def talk(stage: DiscordStage, channel: str = "general", server: int = 0, target: str = "target") -> list[str]:
    """Let the actor talk to the target; return the ids of what was said."""
    first = await stage.say(target, "hello there", channel, server=server)
    return [first] + [await stage.say("actor", line, channel, server=server) for line in slow_talk()]


async def rows(stage: DiscordStage, server: int | None = None) -> list[str]:
    """Return the ids of the messages stored, in the order in which they were, of a server or of all."""
    query = select(tables.messages.c.id).order_by(tables.messages.c.seq)
    if server is not None:
        query = query.where(tables.messages.c.space == f"discord:{there(server, SERVER)}")
    async with stage.guard.ledger.store.read() as tx:
        return list(await tx.scalars(query))


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def discord_stage(
    folder: Path,
    clock: Callable[[], float] = time.time,
    servers: int = 1,
    shards: int = 1,
    *,
    kind: type[DiscordStage] = DiscordStage,
    four_eyes: Sequence[FourEyes] = (),
    **server: Any,
) -> AsyncIterator[DiscordStage]:
    """Run Lampkeeper on the tests' Discord, its database in `folder`; `server` are keys of [[discord.servers]].

    There are so many servers, spread over so many shards, and the configuration knows them all.
    """
    async with platform() as discord_there:
        discord_there.shards = shards
        for number in range(1, servers):
            discord_there.add_server(number)
        stage = kind(folder, discord_there, settings(servers, **server), clock)
        stage.four_eyes = four_eyes
        try:
            await stage.start()
            yield stage
        finally:
            await stage.stop()
