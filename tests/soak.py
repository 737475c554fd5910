"""A minute of the busiest servers there are: ``make soak`` (also a part of ``make bench``).

``python -m tests.soak --seconds 240 --rate 500`` is the soak alone, longer or slower, to see that memory stays flat.

The real bot, in a process and on a core of its own, listens to the tests' Discord, which stands here: 2,000 messages a
second over 50 channels of 5 servers. Then everything is counted: every message stored once, every alert shown on one
card, the memory at the end against that after ten seconds. Before that three smaller bots take frames of the same kind,
as fast as they can, so that what discord.py costs alone, and what Lampkeeper adds to it, stand in one run:

- ``bare``: discord.py's own client with an `on_message` that does nothing;
- ``hears``: Lampkeeper's client, translation and feed, and a guard that throws away what it gets;
- ``scores``: the same with the engine, and nothing kept;
- ``whole``: all of it, with the database; once without the actors, so that no card is shown (``keeps``), for cards cost
  far more than messages, and there are far more of them here than anywhere.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord
from pydantic import SecretStr

from bots.composition import look_less_for_garbage
from bots.discord_bot import DiscordAdapter
from bots.discord_bot.client import INTENTS, Watch
from core.config import Discord, DiscordServer
from core.engine import Engine, SpaceState
from core.messages import Event, Message
from tests import soak_common
from tests.discord_objects import ALERTS, LAMPKEEPER, MODERATORS, SERVER, TOKEN, Json, there
from tests.discord_platform import Platform, platform, pointed_at
from tests.discord_stage import Ear
from tests.soak_common import ACTORS, CHANNELS, compare, main, model_engine, soak, talked, whole_guard

RATE, SECONDS = 2_000, 60
KINDS = ("bare", "hears", "scores", "whole")
STEPS = (
    ("translation and feed", "hears", "bare"),
    ("the engine", "scores", "hears"),
    ("batches, sealing, the database", "keeps", "scores"),
    (f"showing the cards of {ACTORS} actors", "whole", "keeps"),
)
SERVERS = 5
SMALL = 20_000
"""Frames for the comparison; the first half of them warms up."""
SERVER_IDS = [there(number, SERVER) for number in range(SERVERS)]


class Crowd:
    """Who talks where, on five servers."""

    def __init__(self, discord_there: Platform, channels: list[int], actors: int) -> None:
        self._discord, self._channels, self._actors = discord_there, channels, actors
        self.url = discord_there.url

    def messages(self) -> Iterator[Json]:
        for said in talked(self._actors):
            mentions = [] if said.whom is None else [self._discord.user(said.whom)]
            text = said.text if said.whom is None else f"<@{said.whom}> {said.text}"
            channel = self._channels[said.channel]
            yield self._discord.as_event(self._discord.message(said.who, channel, text, mentions=mentions))

    async def send(self, message: Json) -> None:
        link = self._discord.link()
        assert link.wire is not None
        assert link.session is not None
        await link.wire.write(link.session.frame("MESSAGE_CREATE", message))
        link.session.sent.clear()

    async def heard(self) -> None:
        await self._discord.heard()

    def posted(self) -> Counter[str]:
        cards: Counter[str] = Counter()
        for number in range(SERVERS):
            for message in self._discord.messages.get(there(number, ALERTS), {}).values():
                ids = [part["custom_id"] for line in message["components"] for part in line["components"]]
                if ids and message["author"]["id"] == str(LAMPKEEPER):
                    cards[ids[0].rpartition(":")[2]] += 1
        return cards


@asynccontextmanager
async def crowded(actors: int) -> AsyncIterator[Crowd]:
    """Run the tests' Discord with all servers and channels."""
    async with platform() as discord_there:
        for number in range(1, SERVERS):
            discord_there.add_server(number)
        rooms = [discord_there.add_rooms(server, CHANNELS // SERVERS) for server in SERVER_IDS]
        yield Crowd(discord_there, [room for turn in zip(*rooms, strict=True) for room in turn], actors)


# --- the bots --------------------------------------------------------------------------------------------------------


class Deaf(Ear):
    """A guard that throws away what it gets, or only scores it."""

    def __init__(self, engine: Engine | None) -> None:
        super().__init__()
        self._engine = engine
        self._spaces = {f"discord:{server}": SpaceState() for server in SERVER_IDS}

    async def receive(self, event: Event) -> None:
        if self._engine is not None and isinstance(event, Message):
            self._engine.feed(self._spaces[event.key.space], event, event.time or 0.0)


class Bare(discord.AutoShardedClient):
    """discord.py alone."""

    before_identify_hook = Watch.before_identify_hook

    async def on_message(self, message: discord.Message) -> None:
        pass


async def bot(kind: str, url: str, folder: Path) -> None:
    """Run one of the bots until it is killed."""
    servers = tuple(
        DiscordServer(id=server, alert_channel=there(number, ALERTS), moderator_roles=(there(number, MODERATORS),))
        for number, server in enumerate(SERVER_IDS)
    )
    config = Discord(token=SecretStr(TOKEN), servers=servers)
    with pointed_at(url):
        if kind == "bare":
            await Bare(intents=INTENTS, max_messages=None).start(TOKEN)
        if kind != "whole":
            engine = model_engine() if kind == "scores" else None
            await DiscordAdapter(config, Deaf(engine)).run()  # type: ignore[arg-type]
        guard = await whole_guard(folder)
        adapter = DiscordAdapter(config, guard)
        look_less_for_garbage()
        await asyncio.gather(guard.run([adapter]), adapter.run())


HERE = soak_common.Platform("tests.soak", "discord.py", crowded)

if __name__ == "__main__":
    main(
        KINDS,
        bot,
        lambda: compare(HERE, SMALL, KINDS, STEPS, "a fifth or less; aim at a tenth"),
        lambda lasting, rate: soak(HERE, lasting, rate, f"{CHANNELS} channels, {SERVERS} servers"),
        (SECONDS, RATE),
    )
