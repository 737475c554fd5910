"""The one way to write: transactions that keep the writer's memory and the database together.

Leans on `core.store`, `core.memory`, `core.clock` and `core.reread`. The guard writes what came in, the desk what
people decided, the communities what they chose; all of them here, under one lock, so that memory and database never
part. When a transaction fails, memory is dropped and reads itself again; so it is when somebody else wrote meanwhile
(`core.store.beside`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, latest_right
from core.engine import Engine
from core.memory import Memory
from core.messages import AgeBand
from core.reread import reread
from core.retention.keeping import Keep
from core.store import Store, beside, tables, upsert
from core.tally import Tallies

log = structlog.get_logger(__name__)


class Ledger:
    """The engine, its memory and the store; `clock` is the machine's, in seconds since the epoch (`core.clock`).

    `age_bands` is what the operator knows of people (``platform:id``), `keep` how long things are kept.

    Functions in `committed` are called after every commit: something may be due to be shown.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Callable[[], float],
        age_bands: Mapping[str, AgeBand] = MappingProxyType({}),
        keep: Keep = Keep(),  # noqa: B008 - a value
    ) -> None:
        self.engine = engine
        self.keep = keep
        self.age_bands = age_bands
        self.store = store
        self.vault = store.vault
        self.clock = Clock(clock)
        self.memory = Memory()
        self.tallies = Tallies(clock())
        self.committed: list[Callable[[], None]] = []
        self._same_model = store.beside
        self._clock_looked_up = False
        self._written_beside = 0.0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction; if it fails, memory may be ahead of the database and is dropped.

        The first one looks whether the states in the database are of this model, before anything is read from them;
        not beside another Lampkeeper, where nothing is scored.
        Who gives up while still waiting for the lock leaves memory alone: it belongs to whoever holds the lock.
        """
        begun = False
        try:
            async with self.store.write() as tx:
                begun = True
                await self._mind_others(tx)
                if not self._clock_looked_up:
                    if (right := await latest_right(tx)) is not None:
                        self.clock.was_right(right)
                    self._clock_looked_up = True
                if not self._same_model and (pairs := await reread(tx, self.vault, self.engine)):
                    log.info("ledger.pairs_read_anew_for_another_model", pairs=pairs)
                yield tx
            self._same_model = True
        except BaseException:
            if begun:
                self.memory.clear()
            raise
        for tell in self.committed:
            tell()

    async def _mind_others(self, tx: AsyncConnection) -> None:
        """Drop memory where another process wrote since the last transaction; beside one that watches, tell it."""
        written = await beside.written(tx)
        if self.store.beside:
            self.vault.refresh()  # what is sealed now must not be under a key that goes
            written += 1
            await upsert(tx, tables.meta, [{"name": beside.ROW, "number": written}])
        if written != self._written_beside:
            self.memory.clear()
            self._written_beside = written
