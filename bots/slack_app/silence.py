"""Whether Slack still sends events over HTTP: where it does not, the moderators are told once, and once it does again.

Leans on `sweep`, whose looks find what Slack did not deliver. Slack switches an app's event subscriptions off when too
few of an hour's deliveries succeeded (https://docs.slack.dev/reference/events/app_rate_limited), and tells the app's
owners by e-mail alone; an address that cannot be reached any more looks the same from inside. Decisions:

- It is told when a look found a message that should have come as an event, and for `LONG` after it was said none came
  at all: what Slack cannot deliver at first comes again for six minutes. No look finds anything where nobody writes, so
  a quiet workspace is not told of.
- Presses and commands say nothing: Slack sends those to another address, and goes on to.
- That it was told stands among the workspace's choices, for it is often mended by a restart: the first event after it
  is what tells that all is well again, and has everything read that was missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from bots.slack_app.history import History
from bots.slack_app.served import Served
from bots.slack_app.translate import Raw
from bots.texts import say
from core.guard import Guard

LONG = 600.0
"""Seconds without any event, after a message that should have come as one."""

log = structlog.get_logger(__name__)


class Workspace(Protocol):
    """What is needed of the workspace whose events are waited for."""

    @property
    def space(self) -> str:
        """Its name in the core."""

    @property
    def history(self) -> History:
        """What reads its channels, and knows Slack's clock."""

    @property
    def guard(self) -> Guard:
        """Whose communities are told."""

    @property
    def settings(self) -> Served:
        """What holds for it; `silent`: that no events come was told."""

    @property
    def language(self) -> str:
        """What its admins are told in."""

    async def fell_silent(self, *, silent: bool) -> None:
        """Keep whether it was told."""

    def handle(self, what: Coroutine[Any, Any, None]) -> None:
        """Do something beside what else comes."""


class Silence:
    """Of one workspace: when an event came last, and what was found since that should have come as one."""

    def __init__(self, here: Workspace) -> None:
        self._here = here
        self._heard: float | None = None
        """When an event came last, or listening began; by Slack's clock, in seconds since the epoch, as all here."""
        self._found: float | None = None
        """When the oldest message was said that was found since, and did not come."""
        self._telling = asyncio.Lock()

    def heard(self, event: Raw) -> None:
        """Take note that an event came."""
        self._heard = max(self._now(), float(event.get("event_ts") or 0.0))
        self._found = None
        if self._here.settings.silent:
            self._here.handle(self._well())

    def found(self, message: Raw) -> None:
        """Take note of a message that a look found."""
        said = float(message["ts"])
        if self._heard is not None and said > self._heard:
            self._found = said if self._found is None else min(said, self._found)

    async def judge(self) -> None:
        """Have the moderators told if no events come any more; after each look, the first of which begins the wait."""
        if self._heard is None:
            self._heard = self._now()
        found = self._found
        if found is None or self._now() - found < LONG:
            return
        async with self._telling:
            if not self._here.settings.silent:
                shown = datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M UTC")
                when = f"<!date^{int(found)}^{{date_short}} {{time}}|{shown}>"
                log.warning("slack.no_events", space=self._here.space, remedy="See Event Subscriptions in the app.")
                await self._tell("slack.silent", when=when)
                await self._here.fell_silent(silent=True)

    async def _well(self) -> None:
        async with self._telling:
            if self._here.settings.silent:
                await self._tell("slack.heard_again")
                await self._here.fell_silent(silent=False)
                self._here.history.behind()

    async def _tell(self, text: str, **blanks: object) -> None:
        await self._here.guard.communities.tell(self._here.space, say(self._here.language, text, **blanks))

    def _now(self) -> float:
        return self._here.history.pace.clock.now() or 0.0
