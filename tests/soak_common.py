"""What every platform's soak does alike: invented talk, a bot in a process of its own, what it costs, what it keeps.

`tests/soak.py` is Discord's, `tests/soak_slack.py` Slack's. All costs are processor time of the bot's process (threads
and the kernel's part included), so that they hold on a busy machine too; whether a rate is kept up with can only be
seen on one that has a core to spare. The memory is printed every `LOOK_EVERY` seconds, and of what may fill it how much
there is, beside its bound.
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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

from core.engine import Engine
from core.evidence import REMEMBERED, TEXTS_REMEMBERED
from core.guard import QUEUE, Guard
from core.memory import MOST_REMEMBERED
from core.model import load_model
from core.observe import set_up_logging
from core.store import open_store
from core.transcripts import Transcript, read
from core.vault import PSEUDONYMS_KEPT
from tests.support import ROOT, slow_talk

CHANNELS, PEOPLE_A_CHANNEL = 50, 10
LOOK_EVERY = 10
AT_ONCE = 40
"""Messages sent between two looks at the clock."""
ACTORS = 20
"""People who say the lines of the slow talk, each to one other, amid everything else."""


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


class Said(NamedTuple):
    """One message: where (the channel's number), by whom, and to whom by name, if so; people are numbers."""

    channel: int
    who: int
    whom: int | None
    text: str


def talked(actors: int) -> Iterator[Said]:
    """Talk channel after channel in turn, for ever: in each some people of its own, in some an actor among them."""
    chance, ordinary = Random(2), lines()
    talks = {channel: iter(slow_talk()) for channel in range(actors)}
    for turn in range(sys.maxsize):
        channel = turn % CHANNELS
        first = 1_000 + channel * 100
        who, whom = first + chance.randrange(PEOPLE_A_CHANNEL), None
        text = next(ordinary)
        if turn // CHANNELS % 20 == 7 and (line := next(talks.get(channel, iter(())), None)):
            who, whom, text = first + 99, first, line
        elif chance.random() < 0.15:
            whom = first + chance.randrange(PEOPLE_A_CHANNEL)
        yield Said(channel, who, whom, text)


class Crowd(Protocol):
    """The tests' own platform, full of people."""

    @property
    def url(self) -> str:
        """Where the bot finds it."""

    def messages(self) -> Iterator[Any]:
        """Write messages for ever."""

    async def send(self, message: Any) -> None:
        """Let the bot hear of one."""

    async def heard(self) -> None:
        """Return when the bot is there and took all that was sent."""

    def posted(self) -> Counter[str]:
        """Count the cards that stand there, by alert."""


class Platform(NamedTuple):
    """A soak: the module that runs a bot, the library beneath it, and how a crowd of so many actors is made."""

    module: str
    library: str
    crowded: Callable[[int], AbstractAsyncContextManager[Crowd]]


# --- the bot ---------------------------------------------------------------------------------------------------------


def model_engine() -> Engine:
    model = load_model()
    return Engine(model, model.thresholds)


async def whole_guard(folder: Path) -> Guard:
    """Make the guard of a whole bot, which tells what it holds when it is asked."""
    guard = Guard(model_engine(), await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, say_held, guard, folder)
    return guard


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
async def started(module: str, kind: str, url: str, folder: Path) -> AsyncIterator[Process]:
    """Run a bot on the core that is not ours; leaving stops it."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, kind, url, str(folder), cwd=ROOT)
    try:
        yield Process(child.pid)
    finally:
        child.kill()
        await child.wait()


# --- the measuring ---------------------------------------------------------------------------------------------------


def row(what: str, value: str, reach: str = "") -> None:
    """Print one figure."""
    print(f"{what:<58} {value:>16}   {reach}", flush=True)  # noqa: T201


async def pour(crowd: Crowd, messages: Iterator[Any], rate: float | None = None) -> float:
    """Send messages, so many a second or as fast as they are taken; return by how many seconds it was late at worst."""
    began, late = time.perf_counter(), 0.0
    for sent, message in enumerate(messages, 1):
        await crowd.send(message)
        if rate is not None and sent % AT_ONCE == 0:
            ahead = began + sent / rate - time.perf_counter()
            late = max(late, -ahead)
            await asyncio.sleep(max(ahead, 0.0))
    return late


async def cost(on: Platform, kind: str, frames: int, actors: int = ACTORS) -> float:
    """Return the microseconds of processor time that a bot takes for a frame once it is warm."""
    with tempfile.TemporaryDirectory() as folder:
        async with on.crowded(actors) as crowd, started(on.module, kind, crowd.url, Path(folder)) as process:
            messages, store = crowd.messages(), Path(folder) if kind == "whole" else None
            await crowd.heard()
            await asyncio.sleep(1)
            await pour(crowd, islice(messages, frames // 2))
            await taken(crowd, process, store, frames // 2)
            before = process.seconds()
            await pour(crowd, islice(messages, frames // 2))
            await taken(crowd, process, store, frames)
            return (process.seconds() - before) / (frames // 2) * 1e6


async def taken(crowd: Crowd, process: Process, folder: Path | None, frames: int) -> None:
    """Return when a bot did all its work on what was sent: it rests, or has stored every message."""
    await crowd.heard()
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


Steps = tuple[tuple[str, str, str], ...]
"""What is added, by the bot that has it, to the one that lacks it."""


async def compare(on: Platform, frames: int, kinds: tuple[str, ...], steps: Steps, reach: str) -> None:
    """Print what the library takes for a frame, and what each part of Lampkeeper adds."""
    costs = {kind: await cost(on, kind, frames) for kind in kinds}
    costs["keeps"] = await cost(on, "whole", frames, actors=0)
    bare = costs["bare"]
    row(f"{on.library} alone, a frame", f"{bare:.0f} us", f"{1e6 / bare:,.0f} frames/s a core")
    for what, more, less in (*steps, ("Lampkeeper in all", "whole", "bare")):
        added = costs[more] - costs[less]
        row(
            f"  added by {what}",
            f"{added:.0f} us, {added / bare:.0%}",
            reach if (more, less) == ("whole", "bare") else "",
        )


async def soak(on: Platform, lasting: int, rate: int, around: str) -> None:
    """Print whether it loses, doubles or heaps up anything; `around` says where it happens."""
    total = rate * lasting
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with on.crowded(ACTORS) as crowd, started(on.module, "whole", crowd.url, folder) as process:
            messages = crowd.messages()
            await crowd.heard()
            before, began = process.seconds(), time.perf_counter()
            late = 0.0
            for start in range(0, lasting, LOOK_EVERY):
                step = min(LOOK_EVERY, lasting - start)
                late = max(late, await pour(crowd, islice(messages, step * rate), rate))
                row(f"memory after {start + step} s", f"{process.megabytes():.0f} MB", await process.held(folder))
            await taken(crowd, process, folder, total)
            seconds, used = time.perf_counter() - began, process.seconds() - before
            stored = await count(folder, "messages")
            row("memory at the end", f"{process.megabytes():.0f} MB", "flat")
            alerts = await shown(crowd, folder)
        row(f"{total:,} messages, {around}: stored", f"{stored:,}", f"{total:,}")
        row("  ... sent and stored within", f"{seconds:.1f} s", f"{lasting} at {rate:,}/s; at worst {late:.1f} s late")
        row("  ... processor time of the bot", f"{used:.1f} s", f"{lasting} or less: {total / used:,.0f} msg/s a core")
        row("  ... alerts, cards, cards doubled", "{}, {}, {}".format(*alerts), "as many cards, none doubled")


async def shown(crowd: Crowd, folder: Path) -> tuple[int, int, int]:
    """Return how many alerts there are, how many have cards, and how many cards are one too many."""
    while await count(folder, "outbox"):  # noqa: ASYNC110 another process has it
        await asyncio.sleep(0.5)
    cards = crowd.posted()
    return await count(folder, "alerts"), len(cards), cards.total() - len(cards)


def main(
    kinds: tuple[str, ...],
    bot: Callable[[str, str, Path], Awaitable[None]],
    compared: Callable[[], Awaitable[None]],
    soaked: Callable[[int, int], Awaitable[None]],
    lasting: tuple[int, int],
) -> None:
    """Print everything, or the soak alone; or be one of the bots: ``python -m <module> KIND URL FOLDER``.

    `lasting` are the seconds of a soak, and its messages a second.
    """
    if sys.argv[1:2] and sys.argv[1] in kinds:
        kind, url, folder = sys.argv[1:]
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        set_up_logging()
        asyncio.run(_awaited(bot(kind, url, Path(folder))))
        return
    os.environ["PYTHONPATH"] = str(ROOT)
    arguments = argparse.ArgumentParser(description="See what the bot does under the load of the busiest there are.")
    arguments.add_argument("--seconds", type=int, default=lasting[0], help="For so long.")
    arguments.add_argument("--rate", type=int, default=lasting[1], help="Messages a second.")
    chosen = arguments.parse_args()
    if len(sys.argv) == 1:
        asyncio.run(_awaited(compared()))
    asyncio.run(_awaited(soaked(chosen.seconds, chosen.rate)))


async def _awaited(work: Awaitable[None]) -> None:
    await work
