"""Looking at every channel anew, in turn: what Slack dropped over HTTP, and never said so.

Leans on `history`, which reads. Over Socket Mode a connection that was lost shows, and all is read then; over HTTP
nothing shows. An event that Slack could not deliver comes again for six minutes
(https://docs.slack.dev/apis/events-api/#retries), and one that comes late, or `app_rate_limited`, has history read at
once. But after a longer outage there may be no such event left: then only looking finds what is missing. Decisions:

- The channels take turns, one call each: a round takes `ROUND` seconds, or as long as one call every `LEAST` seconds
  takes, which is half of what Slack allows. So 300 channels are looked at every ten minutes, and 1,800 within an hour.
  Nothing cheaper finds it: Slack says of no channel, without a call for it, when something was last said there, and
  whether Lampkeeper's own address can be reached it cannot see from inside.
- Only what is newer than the last look is asked for, and one call shows a page at least: edits and deletions are seen
  as far as the page reaches.
- Live events do not wait meanwhile: an alert must not be late for the sake of an outage that hardly ever was. What they
  changed is left out of what is passed on, and nothing of the last minute is taken for deleted.
- An app that may read 15 messages a minute looks at one channel a minute, at the newest page alone. Status says in
  which channels more was said than that, so that not everything that Slack drops there would be found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from bots.slack_app.pace import Pace
from core.errors import PlatformError

ROUND = 600.0
"""Seconds in which all channels are looked at, where that is not too many calls."""
LEAST = 2.0
"""Seconds between two looks: Slack allows some fifty calls a minute, and others read, too."""

log = structlog.get_logger(__name__)


class History(Protocol):
    """What reads (`bots.slack_app.history.History`)."""

    pace: Pace

    async def settled(self) -> None:
        """Return when nothing waits to be read."""

    async def listed(self) -> list[dict[str, Any]]:
        """Return the channels."""

    async def look(self, channel: dict[str, Any]) -> bool:
        """Look at one; False if not everything new could be read."""


class Sweep:
    """The looks at the channels of one workspace; `looked` is called after each."""

    def __init__(self, history: History, looked: Callable[[], Awaitable[None]]) -> None:
        self._history, self._looked = history, looked
        self.every: float | None = None
        """Seconds that a round takes; None until one began."""
        self.short: set[str] = set()
        """Channels that could not be read as far as was wanted, when they were looked at last."""

    async def run(self) -> None:
        """Look, round after round, until cancelled."""
        while True:
            await self._history.settled()
            try:
                channels = await self._history.listed()
            except PlatformError as error:
                log.warning("slack.not_looked", what=error.what, remedy=error.remedy)
                channels = []
            self.short &= {str(channel["id"]) for channel in channels}
            pause = max(ROUND / max(len(channels), 1), self._history.pace.seconds or LEAST)
            self.every = pause * max(len(channels), 1)
            if not channels:
                await asyncio.sleep(pause)
            for channel in channels:
                await asyncio.sleep(pause)
                await self._history.settled()
                await self._look(channel)
                await self._looked()

    async def _look(self, channel: dict[str, Any]) -> None:
        name = str(channel["id"])
        try:
            whole = await self._history.look(channel)
        except PlatformError as error:
            log.warning("slack.not_looked", channel=name, what=error.what, remedy=error.remedy)
            whole = False
        (self.short.discard if whole else self.short.add)(name)
