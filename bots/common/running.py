"""Work that goes on until it is cancelled: several pieces side by side, and one again and again.

Leans on `core.errors`. A connection ends for many reasons, and a platform's library may raise anything; listening goes
on all the same, unless a person must act first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bots.common import patience
from core.errors import PlatformError, TryLater


async def together(*parts: Awaitable[None]) -> None:
    """Run all until one of them ends; stop the others then, and raise what that one raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        over, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in over:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def again_and_again(work: Callable[[], Awaitable[None]], tell: Callable[[Exception | None, float], None]) -> None:
    """Do `work`, and when it ends, do it again after a while; return only when cancelled.

    `tell` is told what it ended by (None: by itself), and in how many seconds it begins again: after as many as the
    platform asks for, if it does, else after more each time, until it went on for long. Whoever logs what it ended by
    leaves out the words of an error that is none of ours, for they may quote what people wrote.

    Raises `PlatformError` where a person must act.
    """
    wait = patience.FIRST_WAIT
    while True:
        began, ended = time.monotonic(), None
        try:
            await work()
        except Exception as error:
            if isinstance(error, PlatformError) and not isinstance(error, TryLater):
                raise
            ended = error
        lasted = time.monotonic() - began
        wait = patience.FIRST_WAIT if lasted > patience.LONGEST_WAIT else min(2 * wait, patience.LONGEST_WAIT)
        asked = ended.seconds if isinstance(ended, TryLater) else None
        tell(ended, asked or wait)
        await asyncio.sleep(asked or wait)
