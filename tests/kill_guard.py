"""The one that is killed: a whole guard on a real database, at the end of a wire to `tests.kill_platform`.

It runs in a process of its own, and does what Lampkeeper does: reads what it missed, takes what comes, shows cards,
carries out what moderators press, exports, signs heads of the audit, turns the master key. What it is about stands in a
file that outlives it (`Where`), so that afterwards it can be told what a kill hit.
"""

from __future__ import annotations

import asyncio
import mmap
import pickle
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import heads
from core.casework.cards import Action, Call, Card, Person
from core.casework.desk import Desk
from core.casework.referrals import Referral
from core.export import Reporter
from core.export.archive import archive
from core.export.saving import save
from core.guard import Guard
from core.messages import ConversationKey
from core.observe import set_up_logging
from core.store import Store, tables
from core.vault import Keys
from core.vault.keyring import Held
from core.vault.places import Scope
from core.vault.rotate import rotate
from tests.support import lampkeeper

log = structlog.get_logger(__name__)

PLATFORM = "test"
MARGIN = 60.0
"""Seconds that are taken off `last_alive`, as adapters do: by so much a dead connection may go unnoticed."""
Phase = Literal[
    "starting",
    "catching up",
    "in a transaction",
    "in a commit",
    "adding keys",
    "delivering",
    "exporting",
    "signing a head",
    "turning the key",
]
PHASES: tuple[Phase, ...] = get_args(Phase)
Frame = tuple[Any, ...]


class Where:
    """How much of each phase is going on, a byte each, in a file mapped into memory: the kernel keeps it."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._going_on = mmap.mmap(file.fileno(), len(PHASES))

    @contextmanager
    def __call__(self, phase: Phase) -> Iterator[None]:
        place = PHASES.index(phase)
        self._going_on[place] += 1
        try:
            yield
        finally:
            self._going_on[place] -= 1


def framed(frame: Frame) -> bytes:
    """Put one frame on the wire: its length in four bytes, and what is said."""
    said = pickle.dumps(frame)
    return len(said).to_bytes(4) + said


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Read the next frame; None where the wire ends, be it in the middle of one."""
    try:
        frame: Frame = pickle.loads(await reader.readexactly(int.from_bytes(await reader.readexactly(4))))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return frame


class Wire:
    """A deliverer that has the platform at the other end of a socket do everything."""

    platform = PLATFORM

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: Where) -> None:
        self._reader, self._writer, self._where = reader, writer, where
        self._asked: dict[int, asyncio.Future[Any]] = {}

    def send(self, *frame: Any) -> None:
        self._writer.write(framed(frame))

    async def ask(self, what: str, *details: Any) -> Any:
        number = len(self._asked)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self.send("ask", number, what, *details)
        return await self._asked[number]

    async def frames(self) -> AsyncIterator[Frame]:
        while frame := await read_frame(self._reader):
            if frame[0] == "answer":
                self._asked[frame[1]].set_result(frame[2])
            else:
                yield frame

    async def show(self, card: Card, reference: str | None) -> str:
        decided = None if card.decided is None else card.decided.decision
        return str(await self._deliver("show", card.alert, reference, card.actor.id, card.level, card.state, decided))

    async def find(self, card: Card) -> str | None:
        found: str | None = await self._deliver("find", card.alert)
        return found

    async def withdraw(self, space: str, alert: str, reference: str | None) -> None:
        await self._deliver("withdraw", alert)

    async def notify(self, space: str, text: str) -> None:
        await self._deliver("notify", text)

    async def call(self, card: Card, reference: str, why: Call, *, tried: bool) -> None:
        await self._deliver("call", card.alert, why, tried)

    async def _deliver(self, what: str, *details: Any) -> Any:
        with self._where("delivering"):
            return await self.ask(what, *details)


# --- what moderators press -------------------------------------------------------------------------------------------


Press = Callable[[Desk, str, Person, str], Awaitable[Any]]
"""What a press does by the desk to an alert, for a moderator, with a detail; it returns what is true if it counted."""


def _verdict(press: Press) -> Press:
    async def accepted(desk: Desk, alert: str, who: Person, detail: str) -> bool:
        verdict = await press(desk, alert, who, detail)
        return verdict is not None and verdict.accepted

    return accepted


async def _report(desk: Desk, alert: str, who: Person, detail: str) -> bool:
    return await desk.refer(alert, Referral(detail, alert), who) == "recorded"


async def _excerpt(desk: Desk, alert: str, who: Person, _detail: str) -> bool:
    await desk.excerpt(alert, who)
    return True


PRESSES: dict[str, Press] = {
    "claim": _verdict(lambda desk, alert, who, _: desk.claim(alert, who)),
    "escalate": _verdict(lambda desk, alert, who, _: desk.escalate(alert, who)),
    "confirm": _verdict(lambda desk, alert, who, detail: desk.decide(alert, "confirmed", who, None, detail)),
    "dismiss": _verdict(lambda desk, alert, who, detail: desk.decide(alert, "dismissed", who, "role_play", detail)),
    "note": _verdict(lambda desk, alert, who, detail: desk.note(alert, detail, who)),
    "hold": _verdict(lambda desk, alert, who, _: desk.hold(alert, who)),
    "close": _verdict(lambda desk, alert, who, _: desk.close(alert, who)),
    "merge": _verdict(lambda desk, alert, who, into: desk.merge(alert, into, who)),
    "report": _report,
    "timeout": lambda desk, alert, who, actor: desk.acts.taken(alert, Action("timeout", Person(actor, "")), who),
    "excerpt": _excerpt,
}
"""The name of a press -> what it does. "export" is one as well; it needs more than a desk."""


class Life:
    """One life of the guard."""

    def __init__(self, guard: Guard, wire: Wire, where: Where, folder: Path) -> None:
        self._guard, self._wire, self._where, self._folder = guard, wire, where, folder
        self._store = guard.ledger.store
        self._doing: set[asyncio.Task[None]] = set()
        self._turning = asyncio.Lock()

    async def live(self, phase: AsyncExitStack) -> None:
        """Read on, then do what comes over the wire; `phase` is over once all that was missed is taken."""
        guard, missed = self._guard, asyncio.create_task(self._ask_for_missed())
        async for frame in self._wire.frames():
            match frame:
                case ("event", event):
                    await guard.receive(event)
                case ("caught up",):
                    await missed
                    guard.listening(PLATFORM, is_listening=True)
                    await guard._queue.join()
                    await phase.aclose()
                    self._wire.send("listening")
                case ("stop",):
                    return
                case (number, what, *details):
                    task = asyncio.create_task(self._tried(number, what, *details))
                    self._doing.add(task)
                    task.add_done_callback(self._doing.discard)

    async def _ask_for_missed(self) -> None:
        """Ask for what was said since the cursors; where there is none, since the last sign of life."""
        alive = await self._guard.last_alive(PLATFORM)
        since = 0.0 if alive is None else alive - MARGIN
        keys: Collection[ConversationKey] = await self._wire.ask("conversations", since)
        self._wire.send("ask", -1, "history", {key: await self._guard.cursor(key) for key in keys}, since)

    async def _tried(self, number: int, what: str, *details: Any) -> None:
        try:
            await self._do(number, what, *details)
        except Exception:
            log.exception("life.failed", what=what)

    async def _do(self, number: int, what: str, *details: Any) -> None:
        if what == "settle":
            await self._settle()
            result: Any = True
        elif what in {"head", "rotate"}:
            result = await (self._head() if what == "head" else self._rotate())
        else:
            alert, moderator, detail = details
            who = Person(moderator, "The moderator")
            press: Press = partial(self._export, str(number)) if what == "export" else PRESSES[what]
            result = bool(await press(self._guard.desk, alert, who, detail))
        self._wire.send("done", number, result)

    async def _export(self, name: str, desk: Desk, alert: str, who: Person, _detail: str) -> bool:
        record = await desk.export(alert, who)
        if record is None:
            return False
        vault, folder = self._guard.ledger.vault, self._folder / "exports" / name

        def write() -> None:
            folder.mkdir(parents=True, exist_ok=True)
            save(folder, archive(record, Reporter(), sign=vault.sign, verify_key=vault.verify_key))

        with self._where("exporting"):
            await asyncio.to_thread(write)
        return True

    async def _head(self) -> int:
        ledger = self._guard.ledger
        path, now = self._folder / "audit-heads.jsonl", ledger.clock()
        with self._where("signing a head"):
            head = await asyncio.to_thread(heads.write, path, self._store.database, ledger.vault, now, "asked")
        return 0 if head is None else head.number

    async def _rotate(self) -> bool:
        async with self._turning:
            with self._where("turning the key"):
                return (await asyncio.to_thread(rotate, Keys.beside(self._folder / "lampkeeper.key"))).done

    async def _settle(self) -> None:
        """Wait until nothing is left to be shown."""
        while True:
            await self._guard.settled()
            async with self._store.read() as tx:
                if not await tx.scalar(select(func.count()).select_from(tables.outbox)):
                    return
            await asyncio.sleep(0.1)


def watch(store: Store, where: Where) -> None:
    """Note when a transaction and its commit go on, and when keys are made."""
    begin, add = store.write, store.vault._keyring.add

    @asynccontextmanager
    async def write() -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as committing, begin() as tx:
            with where("in a transaction"):
                yield tx
            committing.enter_context(where("in a commit"))

    def added(scopes: Collection[Scope]) -> dict[Scope, Held]:
        with where("adding keys"):
            return add(scopes)

    store.write = write  # type: ignore[method-assign]
    store.vault._keyring.add = added  # type: ignore[method-assign,assignment]


async def _live(folder: Path, port: int, ahead: float) -> None:
    where = Where(folder / "where")
    async with AsyncExitStack() as phase:
        phase.enter_context(where("starting"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wire = Wire(reader, writer, where)
        async with lampkeeper(folder, clock=lambda: time.time() + ahead, deliverers=[wire]) as guard:
            watch(guard.ledger.store, where)
            await phase.aclose()
            phase.enter_context(where("catching up"))
            await Life(guard, wire, where, folder).live(phase)


def live(folder: Path, port: int, ahead: float) -> None:
    """Run a guard on the database in `folder`, its clock `ahead` of ours by so many seconds, until told to stop."""
    set_up_logging()
    lines = (folder / "log").open("a", encoding="utf-8", buffering=1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(lines))
    asyncio.run(_live(folder, port, ahead))
