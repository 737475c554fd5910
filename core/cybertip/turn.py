"""One at a time speaks to NCMEC: a lock beside the database that holds between processes.

Leans on `core.store.lock`. `lampkeeper run` carries reports on, and so does `lampkeeper cybertip send`: which request
is still waiting for its answer, and which one was interrupted, only the process that asked can tell. So nobody looks at
the log to change it while another does. Whoever finds it taken waits a little, for most steps take a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.errors import StoreInUseError, SubmissionError
from core.store.lock import Lock

PATIENCE = 5.0
LOOKED_EVERY = 0.1
"""Seconds."""


@asynccontextmanager
async def turn(database: Path) -> AsyncIterator[None]:
    """Hold the turn; SubmissionError if somebody else has it for longer than `PATIENCE`."""
    lock = Lock(database.with_name(f"{database.name}-cybertip"))
    await _taken(lock)
    try:
        yield
    finally:
        lock.release()


async def _taken(lock: Lock) -> None:
    for _ in range(round(PATIENCE / LOOKED_EVERY)):
        try:
            lock.take()
        except StoreInUseError:
            await asyncio.sleep(LOOKED_EVERY)
        else:
            return
    raise SubmissionError(
        "Another Lampkeeper is sending a report to NCMEC at this moment.", "See how it stands in a minute."
    )
