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

All costs are processor time of the bot's process (threads and the kernel's part included), so that they hold on a busy
machine too; whether 2,000 a second are kept up with can only be seen on one that has a core to spare. The memory is
printed every `LOOK_EVERY` seconds, and of what may fill it how much there is, beside its bound.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import discord
from pydantic import SecretStr

from bots.composition import look_less_for_garbage
from bots.discord_bot import DiscordAdapter
from bots.discord_bot.client import INTENTS, Watch
from core.config import Discord, DiscordServer
from core.engine import Engine, SpaceState
from core.evidence import REMEMBERED, TEXTS_REMEMBERED
from core.guard import QUEUE, Guard
from core.memory import MOST_REMEMBERED
from core.messages import Event, Message
from core.model import load_model
from core.observe import set_up_logging
from core.store import open_store
from core.transcripts import Transcript, read
from core.vault import PSEUDONYMS_KEPT
from tests.discord_objects import ALERTS, LAMPKEEPER, MODERATORS, SERVER, TOKEN, Json, there
from tests.discord_platform import Platform, platform, pointed_at
from tests.discord_stage import Ear
from tests.support import ROOT, slow_talk

RATE, SECONDS = 2_000, 60
KINDS = ("bare", "hears", "scores", "whole")
SERVERS, CHANNELS, PEOPLE_A_CHANNEL = 5, 50, 10
LOOK_EVERY = 10
SMALL = 20_000
"""Frames for the comparison; the first half of them warms up."""
AT_ONCE = 40
"""Frames written between two looks at the clock."""
ACTORS = 20
"""People who say the lines of the slow talk, each to one other, amid everything else."""
SERVER_IDS = [there(number, SERVER) for number in range(SERVERS)]


# --- what is said ----------------------------------------------------------------------------------------------------


def lines() -> Iterator[str]:
    """Say ordinary things for ever: invented lines, and words of theirs anew."""
    chance = Random(1)
    talks = [talk for file in sorted((ROOT / "core/data/demo").glob("*.jsonl")) for talk in read(file)]
    ordinary = [talk for talk in talks if isinstance(talk, Transcript) and not talk.label]
    whole = [message.text for talk in ordinary for message in talk.messages]
    words = [word for line in whole for word in line.split()]
    while True:
        yield (
            chance.choice(whole) if chance.random() < 0.5 else " ".join(chance.choices(words, k=chance.randint(2, 14)))
        )


@dataclass
class Crowd:
    """Who talks where: in every channel some people of its own, and in some an actor among them."""

    discord: Platform
    channels: list[int]
    actors: int

    def messages(self) -> Iterator[Json]:
        """Write messages, channel after channel in turn, for ever."""
        chance, said = Random(2), lines()
        talks = {channel: iter(slow_talk()) for channel in self.channels[: self.actors]}
        for turn in range(sys.maxsize):
            channel = self.channels[turn % len(self.channels)]
            first = 1_000 + self.channels.index(channel) * 100
            who, whom = first + chance.randrange(PEOPLE_A_CHANNEL), None
            text = next(said)
            if turn // len(self.channels) % 20 == 7 and (line := next(talks.get(channel, iter(())), None)):
                who, whom, text = first + 99, first, line
            elif chance.random() < 0.15:
                whom = first + chance.randrange(PEOPLE_A_CHANNEL)
            mentions = [] if whom is None else [self.discord.user(whom)]
            text = text if whom is None else f"<@{whom}> {text}"
            yield self.discord.as_event(self.discord.message(who, channel, text, mentions=mentions))


@asynccontextmanager
async def crowded(actors: int = ACTORS) -> AsyncIterator[Crowd]:
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


async def bot(kind: str, folder: Path) -> None:
    """Run one of the bots until it is killed."""
    if kind == "bare":
        await Bare(intents=INTENTS, max_messages=None).start(TOKEN)
    servers = tuple(
        DiscordServer(id=server, alert_channel=there(number, ALERTS), moderator_roles=(there(number, MODERATORS),))
        for number, server in enumerate(SERVER_IDS)
    )
    config = Discord(token=SecretStr(TOKEN), servers=servers)
    model = load_model()
    engine = Engine(model, model.thresholds)
    if kind != "whole":
        await DiscordAdapter(config, Deaf(engine if kind == "scores" else None)).run()  # type: ignore[arg-type]
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    guard = Guard(engine, store)
    adapter = DiscordAdapter(config, guard)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, say_held, guard, folder)
    look_less_for_garbage()
    await asyncio.gather(guard.run([adapter]), adapter.run())


def say_held(guard: Guard, folder: Path) -> None:
    """Write down how much of what has a bound is held, and the bound."""
    reader, pseudonyms = guard.ledger.engine.model.reader, guard.ledger.vault.blind.cache_info()
    states = sum(map(len, guard.ledger.memory.spaces.values()))
    held = {
        "texts": (len(reader._texts), TEXTS_REMEMBERED),
        "chunks": (len(reader._memory), REMEMBERED),
        "words": (len(reader._words), REMEMBERED),
        "states": (states, MOST_REMEMBERED),
        "pseudonyms": (pseudonyms.currsize, PSEUDONYMS_KEPT),
        "queue": (guard._queue.qsize(), QUEUE),
    }
    scratch = folder / "held.new"
    scratch.write_text(", ".join(f"{name} {number:,} of {most:,}" for name, (number, most) in held.items()))
    scratch.rename(folder / "held")


class Bare(discord.AutoShardedClient):
    """discord.py alone."""

    before_identify_hook = Watch.before_identify_hook

    async def on_message(self, message: discord.Message) -> None:
        pass


@dataclass
class Process:
    """A bot, seen from outside."""

    number: int

    def seconds(self) -> float:
        """Return the processor time it used so far."""
        fields = Path(f"/proc/{self.number}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def held(self, folder: Path) -> str:
        """Ask the whole bot what it holds."""
        (folder / "held").unlink(missing_ok=True)
        os.kill(self.number, signal.SIGUSR1)
        while not (folder / "held").exists():  # noqa: ASYNC110 another process writes it
            await asyncio.sleep(0.1)
        return (folder / "held").read_text()

    def megabytes(self) -> float:
        """Return the memory it holds."""
        return int(Path(f"/proc/{self.number}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


@asynccontextmanager
async def started(kind: str, url: str, folder: Path) -> AsyncIterator[Process]:
    """Run a bot on the core that is not ours; leaving stops it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak", kind, url, str(folder), cwd=ROOT, stderr=None
    )
    try:
        yield Process(child.pid)
    finally:
        child.kill()
        await child.wait()


# --- the measuring ---------------------------------------------------------------------------------------------------


def row(what: str, value: str, reach: str = "") -> None:
    """Print one figure."""
    print(f"{what:<58} {value:>16}   {reach}", flush=True)  # noqa: T201


async def pour(crowd: Crowd, messages: Iterator[Json], rate: float | None = None) -> float:
    """Send messages, so many a second or as fast as they are taken; return by how many seconds it was late at worst."""
    link = crowd.discord.link()
    assert link.wire is not None
    assert link.session is not None
    session, began, late = link.session, time.perf_counter(), 0.0
    for sent, message in enumerate(messages, 1):
        await link.wire.write(session.frame("MESSAGE_CREATE", message))
        session.sent.clear()
        if rate is not None and sent % AT_ONCE == 0:
            ahead = began + sent / rate - time.perf_counter()
            late = max(late, -ahead)
            await asyncio.sleep(max(ahead, 0.0))
    return late


async def cost(kind: str, frames: int = SMALL, actors: int = ACTORS) -> float:
    """Return the microseconds of processor time that a bot takes for a frame once it is warm."""
    with tempfile.TemporaryDirectory() as folder:
        async with crowded(actors) as crowd, started(kind, crowd.discord.url, Path(folder)) as process:
            messages = crowd.messages()
            await crowd.discord.heard()
            await asyncio.sleep(1)
            await pour(crowd, islice(messages, frames // 2))
            await taken(crowd, process, Path(folder) if kind == "whole" else None, frames // 2)
            before = process.seconds()
            await pour(crowd, islice(messages, frames // 2))
            await taken(crowd, process, Path(folder) if kind == "whole" else None, frames)
            return (process.seconds() - before) / (frames // 2) * 1e6


async def taken(crowd: Crowd, process: Process, folder: Path | None, frames: int) -> None:
    """Return when a bot did all its work on what was sent: it rests, or has stored every message."""
    await crowd.discord.heard()
    while folder is not None and await count(folder, "messages") < frames:  # noqa: ASYNC110 another process has it
        await asyncio.sleep(0.2)
    if folder is None:
        before = -1.0
        while process.seconds() > before:
            before = process.seconds()
            await asyncio.sleep(0.2)


async def count(folder: Path, table: str) -> int:
    """Count the rows of a table in the bot's database, which it has open."""
    reading = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import sqlite3; print(sqlite3.connect('file:{folder}/lampkeeper.db?mode=ro', uri=True)"
        f".execute('SELECT count(*) FROM {table}').fetchone()[0])",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await reading.communicate()
    return int(out or b"0")


async def compare() -> dict[str, float]:
    """Print what discord.py takes for a frame, and what each part of Lampkeeper adds."""
    costs = {kind: await cost(kind) for kind in KINDS} | {"keeps": await cost("whole", actors=0)}
    bare = costs["bare"]
    row("discord.py alone, a frame", f"{bare:.0f} us", f"{1e6 / bare:,.0f} frames/s a core")
    for what, more, less in (
        ("translation and feed", "hears", "bare"),
        ("the engine", "scores", "hears"),
        ("batches, sealing, the database", "keeps", "scores"),
        (f"showing the cards of {ACTORS} actors", "whole", "keeps"),
        ("Lampkeeper in all", "whole", "bare"),
    ):
        added = costs[more] - costs[less]
        reach = "a fifth or less; aim at a tenth" if less == "bare" and more == "whole" else ""
        row(f"  added by {what}", f"{added:.0f} us, {added / bare:.0%}", reach)
    return costs


async def soak(lasting: int, rate: int) -> None:
    """Print whether it loses, doubles or heaps up anything."""
    total = rate * lasting
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with crowded() as crowd, started("whole", crowd.discord.url, folder) as process:
            messages = crowd.messages()
            await crowd.discord.heard()
            before, began = process.seconds(), time.perf_counter()
            late = 0.0
            for after in range(LOOK_EVERY, lasting + 1, LOOK_EVERY):
                late = max(late, await pour(crowd, islice(messages, LOOK_EVERY * rate), rate))
                row(f"memory after {after} s", f"{process.megabytes():.0f} MB", await process.held(folder))
            await taken(crowd, process, folder, total)
            seconds, used = time.perf_counter() - began, process.seconds() - before
            stored = await count(folder, "messages")
            row("memory at the end", f"{process.megabytes():.0f} MB", "flat")
            alerts = await shown(crowd, folder)
        row(f"{total:,} messages, {CHANNELS} channels, {SERVERS} servers: stored", f"{stored:,}", f"{total:,}")
        row("  ... sent and stored within", f"{seconds:.1f} s", f"{lasting} at {rate:,}/s; at worst {late:.1f} s late")
        row("  ... processor time of the bot", f"{used:.1f} s", f"{lasting} or less: {total / used:,.0f} msg/s a core")
        row("  ... alerts, cards, cards doubled", "{}, {}, {}".format(*alerts), "as many cards, none doubled")


async def shown(crowd: Crowd, folder: Path) -> tuple[int, int, int]:
    """Return how many alerts there are, how many have cards, and how many cards are one too many."""
    while await count(folder, "outbox"):  # noqa: ASYNC110 another process has it
        await asyncio.sleep(0.5)
    cards: Counter[str] = Counter()
    for number in range(SERVERS):
        for message in crowd.discord.messages.get(there(number, ALERTS), {}).values():
            ids = [part["custom_id"] for line in message["components"] for part in line["components"]]
            if ids and message["author"]["id"] == str(LAMPKEEPER):
                cards[ids[0].rpartition(":")[2]] += 1
    return await count(folder, "alerts"), len(cards), cards.total() - len(cards)


def main() -> None:
    """Print everything, or the soak alone; or be one of the bots: ``python -m tests.soak KIND URL FOLDER``."""
    cores = sorted(os.sched_getaffinity(0))
    if sys.argv[1:2] and sys.argv[1] in KINDS:
        kind, url, folder = sys.argv[1:]
        os.sched_setaffinity(0, {cores[-1]})
        set_up_logging()
        with pointed_at(url):
            asyncio.run(bot(kind, Path(folder)))
        return
    os.environ["PYTHONPATH"] = str(ROOT)
    arguments = argparse.ArgumentParser(description="See what the bot does under the load of the busiest servers.")
    arguments.add_argument("--seconds", type=int, default=SECONDS, help=f"For so long, in steps of {LOOK_EVERY}.")
    arguments.add_argument("--rate", type=int, default=RATE, help="Messages a second.")
    chosen = arguments.parse_args()
    if len(sys.argv) == 1:
        asyncio.run(compare())
    asyncio.run(soak(chosen.seconds, chosen.rate))


if __name__ == "__main__":
    main()
