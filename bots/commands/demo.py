"""`lampkeeper demo`: the whole way of a message, on invented conversations; no account, no network, no key.

Leans on the real engine, guard, store and model; only the platform is a dry run that prints the cards. Scores are shown
by feeding a second state, in memory, with the same messages: replay equals live, so they are the guard's own.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter

from rich.console import Console
from rich.text import Text

from bots import composition
from bots.terminal import DryRun, bar, console, show_excerpt, show_summary
from core.casework.cards import Decision, Person
from core.config import Config, Storage
from core.effects import Scored
from core.engine import Engine, SpaceState
from core.errors import ConfigError
from core.guard import Guard
from core.messages import ConversationKey, Message
from core.observe import set_up_logging
from core.transcripts import Transcript, read

PLATFORM = "demo"
DATABASE = "lampkeeper.db"
FOLDER = Path(__file__).parents[2] / "core" / "data" / "demo"
PACE = 8.0
"""Messages a second on a terminal: quick, and can still be followed."""
_NAME, _BAR = 10, 20
"""Columns for a name, and for a bar with its margin; the text has what is left."""


@dataclass(slots=True)
class Play:
    """What is needed to play, and what was played so far."""

    to: Console
    engine: Engine
    guard: Guard
    screen: DryRun
    pause: float
    states: dict[str, SpaceState] = field(default_factory=dict)
    messages: int = 0
    conversations: int = 0


def demo(*, speed: float | None = None, keep: Path | None = None) -> int:
    """Play invented conversations through the whole way, from message to decision.

    Parameters
    ----------
    speed
        Messages a second; 0 is as fast as possible. Default: a pace to follow on a terminal, else 0.
    keep
        Make the database in this folder, which must not hold one yet. Default: a new temporary folder.
    """
    set_up_logging(logging.WARNING)
    if speed is None:
        speed = PACE if sys.stdout.isatty() else 0.0
    if not 0 <= speed < float("inf"):
        raise ConfigError("The speed must be 0 or more messages a second.", "Try --speed 10.")
    asyncio.run(_demo(_folder(keep), 1 / speed if speed else 0.0))
    return 0


def _folder(keep: Path | None) -> Path:
    """Make the folder of the database; it stays, for whoever wants to look."""
    if keep is None:
        return Path(mkdtemp(prefix="lampkeeper-demo-"))
    try:
        keep.mkdir(parents=True, exist_ok=True)
        taken = (keep / DATABASE).exists()
    except OSError as error:
        raise ConfigError(f"The folder {keep} cannot be made ({error.strerror}).", "Name another one.") from None
    if taken:  # its conversations are known already, and would not alert again
        raise ConfigError(f"The folder {keep} holds a database already.", "Name another folder.")
    return keep


async def _demo(folder: Path, pause: float) -> None:
    began = perf_counter()
    config = Config(storage=Storage(database=folder / DATABASE, key_file=folder / "lampkeeper.key"))
    to = console()
    screen = DryRun(to, PLATFORM)
    engine = composition.make_engine(config)
    async with composition.opened_store(config) as store:
        guard = composition.make_guard(config, engine, store)
        async with _watching(guard, screen):
            play = Play(to, engine, guard, screen, pause)
            for path in sorted(FOLDER.glob("*.jsonl")):
                for transcript in read(path):
                    assert isinstance(transcript, Transcript)
                    await _converse(play, f"{PLATFORM}:{path.stem}", transcript)
            decisions = await _moderate(play)
            await guard.tell_unread()
            await guard.settled()
    show_summary(
        to,
        [
            ("messages", f"{play.messages}"),
            ("conversations", f"{play.conversations}"),
            ("alerts", f"{len(screen.cards)}"),
            ("decisions", f"{decisions}"),
            ("time", f"{perf_counter() - began:.1f} s"),
            ("database", str(config.storage.database)),
        ],
    )


@asynccontextmanager
async def _watching(guard: Guard, screen: DryRun) -> AsyncIterator[None]:
    """Run the guard in the background; on leaving it commits what is queued. If it fails, so does what waits for it."""
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(guard.run([screen]))
            yield
            watching.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _converse(play: Play, space: str, transcript: Transcript) -> None:
    """Let one conversation happen, message by message."""
    play.to.print(Text(f"\n{transcript.id}", style="bold"))
    state = play.states.setdefault(space, SpaceState())
    key = ConversationKey(space, transcript.id)
    for read_message in transcript.messages:
        message = read_message._replace(key=key)
        alerting = _show_message(play, message, state)
        await play.guard.receive(message)
        if alerting:  # let the card appear where it belongs
            await play.guard.settled()
        if play.pause:
            await asyncio.sleep(play.pause)
    play.messages += len(transcript.messages)
    play.conversations += 1


def _show_message(play: Play, message: Message, state: SpaceState) -> bool:
    """Print who says what, and the score that it makes of the pair; tell whether a card will follow."""
    scored, *alerts = play.engine.feed(state, message, 0.0)
    assert isinstance(scored, Scored)
    line = Text(f"{message.author.name:>{_NAME}}  {message.text}")
    line.truncate(max(play.to.width - _BAR, 2 * _NAME), overflow="ellipsis", pad=True)
    line.append(" ")
    line.append_text(bar(scored.score, ascii_only=play.to.options.ascii_only))
    play.to.print(line)
    return bool(alerts)


async def _moderate(play: Play) -> int:
    """Press what a moderator would press: an excerpt, Confirm, Dismiss; then a colleague comes late."""
    moderator, colleague = Person("moderator", "moderator"), Person("colleague", "colleague")
    alerts = list(play.screen.cards)
    to, guard = play.to, play.guard
    if not alerts:
        return 0
    first = alerts[0]
    to.print(Text("\nA moderator looks", style="bold"))
    to.print(f'  presses "Show excerpt" on card {first}, and alone sees:')
    show_excerpt(to, await guard.desk.excerpt(first, moderator))
    presses: tuple[tuple[str, Decision], ...] = (("Confirm", "confirmed"), ("Dismiss", "dismissed"))
    for alert, (button, decision) in zip(alerts, presses, strict=False):
        to.print(f"  presses {button} on card {alert}")
        await guard.desk.decide(alert, decision, moderator)
        await guard.settled()
    to.print(f"  a colleague presses Dismiss on card {first} as well, and is told:")
    late = await guard.desk.decide(first, "dismissed", colleague)
    assert late is not None
    to.print(f"  already decided: {late.card.status}\n")
    return min(len(alerts), len(presses))
