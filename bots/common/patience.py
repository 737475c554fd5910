"""How long to wait before something is tried again: longer each time, until it worked.

Leans on `core.errors`. Reading history is tried for as long as it takes, since what is not read is a gap. Deliveries
have a schedule of their own, which survives a restart (`core.outbox`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import TryLater

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


class Patience:
    """The waits of one piece of work; `log` is told the kind of error (never its words) and the seconds waited."""

    def __init__(self, log: Callable[[str, float], object]) -> None:
        self._log = log
        self._next = FIRST_WAIT

    def worked(self) -> None:
        """Begin with short waits again."""
        self._next = FIRST_WAIT

    async def after(self, error: BaseException) -> None:
        """Wait: as long as the platform says, if it does."""
        asked = error.seconds if isinstance(error, TryLater) else None
        seconds = self._next if asked is None else asked
        self._log(type(error).__name__, seconds)
        await asyncio.sleep(seconds)
        self._next = min(self._next * 2, LONGEST_WAIT)
