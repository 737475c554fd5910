"""Reading history as slowly as Slack asks, and no slower.

Leans on `bots.slack_app.api`, and keeps the time by Slack's answers (`clock`). An app distributed outside Slack's
Marketplace may call conversations.history and conversations.replies once a minute, for 15 messages each
(https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps); every other app some fifty
times, for a page of any size. Slack does not say which an app is. It shows: a page that holds 15 messages where more
were asked for and more there are, or an answer 429 with a long Retry-After. Once pages show it, calls are spaced by
themselves, so that no call is spent on a refusal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bots.common.patience import Patience
from bots.slack_app.api import Method, call
from bots.slack_app.clock import Clock
from core.errors import TryLater

EVERY = 60.0
"""Seconds between two calls of one method where an app may read 15 messages a minute."""
REDUCED = (15, 16)
"""How many messages a page holds then; a thread's pages begin with its first message."""
LIMITED = frozenset(("conversations_history", "conversations_replies"))
SLOW = 30.0
"""Seconds to wait from which on people are told that reading takes long."""

log = structlog.get_logger(__name__)


class Pace:
    """One workspace's: all that reads its history goes through here.

    `slowly` is called whenever a call has to wait for long, with the seconds.
    """

    def __init__(self, slowly: Callable[[float], Awaitable[None]]) -> None:
        self.seconds = 0.0
        """Between two calls of one of the `LIMITED` methods; 0 where Slack sets no such limit."""
        self.clock = Clock()
        """What time it is at Slack, by the answers to these calls."""
        self._slowly = slowly
        self._next: dict[str, float] = {}

    async def call(self, method: Method, **arguments: Any) -> AsyncSlackResponse:
        """Call until Slack answers; raises `PlatformError` where it refuses."""
        patience = Patience(lambda error, wait: log.info("slack.history_waits", error=error, seconds=wait))
        name = getattr(method, "__name__", "")
        while True:
            await self._turn(name)
            try:
                answer = await call(method, **arguments)
            except TryLater as error:
                if error.seconds is not None and error.seconds >= SLOW:
                    await self._slowly(error.seconds)
                await patience.after(error)
            else:
                self.clock.heard(answer.headers)
                self._look(name, arguments.get("limit", 0), answer)
                return answer

    async def _turn(self, name: str) -> None:
        now = time.monotonic()
        turn = max(now, self._next.get(name, 0.0))
        if self.seconds and name in LIMITED:
            self._next[name] = turn + self.seconds
        if turn - now >= SLOW:
            await self._slowly(turn - now)
        if turn > now:
            await asyncio.sleep(turn - now)

    def _look(self, name: str, asked: int, answer: AsyncSlackResponse) -> None:
        """Learn from a page how much the app may read."""
        found = answer.get("messages")
        if found is None or asked <= max(REDUCED) or not answer.get("has_more"):
            return
        if len(found) not in REDUCED:
            self.seconds = 0.0
        elif not self.seconds:
            self.seconds = EVERY
            self._next[name] = time.monotonic() + EVERY
