"""Scans of a channel's history that a moderator asked for: shown as they go, to be cancelled, told of after a restart.

Leans on `core.scans` for what was begun and ended. How history is read, a platform's own module knows (`Read`).
Decisions that hold on every platform:

- Messages are handed over as `Edit`s, "the message as it reads now". One that was never seen is taken in without moving
  the conversation's cursor, so that a scan that is cut off leaves no gap for the next start to read; one that is known
  counts no second time, and is followed if it was edited.
- Nothing is read from before a conversation's purge horizon (`core.retention.rules`): those messages were counted when
  they came, and can no longer be told from ones that were not. So a scan finds most right after Lampkeeper came.
- What is taken in is kept for `keep_text_days` from now on, as all that is received is.
- A pause ends it: whoever paused wants nothing read.
- One scan a space at a time. It outlives the connection, and goes on with the next one.
- The answer to whoever asked is kept up to date while the platform lets it be; what is to be said after that stands in
  the alert channel.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

import structlog

from bots.texts import say
from core.errors import LampkeeperError
from core.guard import Guard
from core.scans import Outcome, Scan

log = structlog.get_logger(__name__)

EDIT_EVERY = 2.0
"""Seconds between two edits of the answer."""
BAR = 20

ENDINGS: dict[Outcome, str] = {
    "whole": "backscan.whole",
    "cancelled": "backscan.cancelled",
    "refused": "backscan.refused",
    "failed": "backscan.failed",
}
"""What is said at the end."""

Home = TypeVar("Home", str, int)
"""The platform's own id of a space."""
Show = Callable[[str, bool], Awaitable[bool]]
"""Shows a text in the answer, with or without the button that cancels; False once the answer cannot be edited."""


@dataclass(slots=True)
class Running:
    """A scan under way: how many messages were read, how far it came (0..1), and `notes` on what else to know.

    Whoever asked `cancelled` it; once it is `over`, its end is only to be told.
    """

    scan: Scan
    language: str
    show: Show
    messages: int = 0
    share: float = 0.0
    notes: tuple[str, ...] = ()
    cancelled: bool = False
    over: bool = False
    task: asyncio.Task[None] | None = None


Read = Callable[[Running], Awaitable[bool]]
"""Reads what is to be read, keeping `Running` up to date; False if the platform does not let us."""


def bar(share: float) -> str:
    """Draw how far something came.

    >>> bar(0.3)
    '▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱ 30 %'
    """
    full = int(share * BAR)
    return "▰" * full + "▱" * (BAR - full) + f" {int(share * 100)} %"


class Backscans(Generic[Home]):
    """The scans of every space of a platform.

    `language` returns that of a space; `own` names the platform's own text where a shared one does not do.
    """

    answered_for = math.inf
    """Seconds after which the answer is left alone; the platform's own."""

    def __init__(
        self,
        guard: Guard,
        platform: str,
        language: Callable[[str], str],
        own: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._guard = guard
        self._platform = platform
        self._language = language
        self._own = own
        self._running: dict[Home, Running] = {}
        self._asked: set[Home] = set()

    def busy(self, home: Home) -> bool:
        """Tell whether a scan is under way in a space, or about to be."""
        return home in self._running or home in self._asked

    @contextmanager
    def asked(self, home: Home) -> Iterator[None]:
        """Let no other scan begin in a space that is not busy, while this one is being begun."""
        self._asked.add(home)
        try:
            yield
        finally:
            self._asked.discard(home)

    def begin(self, home: Home, running: Running, read: Read) -> None:
        """Begin to read."""
        self._running[home] = running
        running.task = asyncio.create_task(self._run(home, running, read))

    def cancel(self, home: Home, number: int) -> bool:
        """Stop a scan; False if it does not run (any more)."""
        running = self._running.get(home)
        if running is None or running.scan.number != number or running.over or running.task is None:
            return False
        if not running.cancelled:
            running.cancelled = True
            running.task.cancel()
        return True

    def stop(self, home: Home, conversation: str | None = None) -> None:
        """Stop whatever is read in a space that is paused or was left; or only if it reads `conversation`."""
        if (running := self._running.get(home)) and conversation in (None, running.scan.key.conversation):
            self.cancel(home, running.scan.number)

    async def close(self) -> None:
        """End: what is under way has been cut off, and is told of at the next start."""
        tasks = [running.task for running in self._running.values() if running.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def tell_cut_off(self) -> None:
        """Tell of the scans that the last stop cut off; at the start. Where that cannot be recorded, at the next."""
        try:
            for scan in await self._guard.scans.unfinished(self._platform):
                text = self._own.get("backscan.interrupted", "backscan.interrupted")
                notice = say(self._language(scan.key.space), text, channel=scan.key.conversation, days=scan.days)
                await self._guard.scans.end(scan, "interrupted", None, notice)
        except LampkeeperError as error:
            log.error("backscan.not_recorded", what=error.what, remedy=error.remedy)

    async def _run(self, home: Home, running: Running, read: Read) -> None:
        try:
            outcome, answering = await self._follow(running, read)
            running.over = True
            await self._end(running, outcome, answering=answering)
        finally:
            del self._running[home]

    async def _follow(self, running: Running, read: Read) -> tuple[Outcome, bool]:
        """Read, and show how far it came; return how it ended, and whether the answer can still be edited."""
        reading = asyncio.ensure_future(read(running))
        began, answering = time.monotonic(), True
        try:
            while not reading.done():
                if answering and time.monotonic() - began > self.answered_for:
                    await running.show(self._say(running, "backscan.goes_on"), True)
                    answering = False
                answering = answering and await running.show(self._progress(running), True)
                await asyncio.wait([reading], timeout=EDIT_EVERY)
            outcome: Outcome = "whole" if await reading else "refused"
        except asyncio.CancelledError:
            if not running.cancelled:
                raise
            outcome = "cancelled"
        except Exception as error:  # noqa: BLE001  whatever it was, whoever asked must not be left waiting
            log.warning("backscan.failed", platform=self._platform, error=type(error).__name__)
            outcome = "failed"
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return outcome, answering

    async def _end(self, running: Running, outcome: Outcome, *, answering: bool) -> None:
        text = self._say(running, ENDINGS[outcome])
        shown = answering and await running.show(text, False)
        try:
            await self._guard.scans.end(running.scan, outcome, running.messages, None if shown else text)
        except LampkeeperError as error:  # it is told as cut off at the next start
            log.error("backscan.not_recorded", what=error.what, remedy=error.remedy)

    def _progress(self, running: Running) -> str:
        return "\n".join([self._say(running, "backscan.running"), bar(running.share), *running.notes])

    def _say(self, running: Running, text: str) -> str:
        scan = running.scan
        return say(
            running.language,
            self._own.get(text, text),
            channel=scan.key.conversation,
            days=scan.days,
            messages=f"{running.messages:,}",
        )
