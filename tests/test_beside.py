"""Casework beside a Lampkeeper that watches: two processes on one database, and neither forgets what the other did."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.casework import cases
from core.casework.cards import Person
from core.errors import StoreError, StoreInUseError
from core.guard import Guard
from core.ledger import Ledger
from core.store import open_store, tables
from core.store.lock import Lock
from core.store.states import Known, load_pairs
from tests.support import MODERATOR, NOW, ROOT, SPACE, Board, engine, lampkeeper, share_keys, talk

KIM = Person("terminal:Kim", "Kim")
HALF = 8
PAIR = ("actor", "target")


@asynccontextmanager
async def beside(folder: Path) -> AsyncIterator[Guard]:
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key", beside=True)
    try:
        yield Guard(engine(), store, clock=lambda: NOW)
    finally:
        await store.close()


async def begun(guard: Guard, board: Board) -> str:
    """Let the actor begin to talk; return the alert."""
    for message in talk()[:HALF]:
        await guard.receive(message)
    await guard.settled()
    return next(iter(board.cards.values())).alert


async def goes_on(guard: Guard) -> None:
    for message in talk()[HALF:]:
        await guard.receive(message)
    await guard.settled()


async def items(guard: Guard) -> int:
    async with guard.ledger.store.read() as tx:
        return await tx.scalar(select(func.count()).select_from(tables.items)) or 0


async def policy_of(guard: Guard) -> object:
    """What the policy remembers of the pair, read from the database."""
    known = Known(SPACE)
    async with guard.ledger.store.read() as tx:
        await load_pairs(tx, guard.ledger.vault, known, [PAIR])
    return known.state.alerts.get(PAIR)


async def test_what_is_decided_beside_counts_for_the_one_that_watches(tmp_path: Path) -> None:
    ways = {}
    for name in ("in one process", "beside"):
        folder, board = tmp_path / name, Board()
        folder.mkdir()
        if name == "beside":
            share_keys(tmp_path / "in one process", folder)
        async with lampkeeper(folder, clock=lambda: NOW, deliverers=[board]) as guard:
            alert = await begun(guard, board)
            if name == "beside":
                async with beside(folder) as other:
                    await other.desk.decide(alert, "dismissed", KIM)
            else:
                await guard.desk.decide(alert, "dismissed", KIM)
            preserved = await items(guard)
            await goes_on(guard)
            assert await items(guard) == preserved, "nothing of a dismissed case is preserved any more"
            card = next(iter(board.cards.values()))
            ways[name] = (card.decided and card.decided.decision, await policy_of(guard), len(board.cards))
    assert ways["beside"] == ways["in one process"]


async def test_what_is_taken_back_beside_is_preserved_again_by_the_one_that_watches(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard, beside(tmp_path) as other:
        alert = await begun(guard, board)
        await guard.desk.decide(alert, "dismissed", MODERATOR)
        await guard.receive(talk()[HALF])  # the one that watches remembers that nothing is preserved
        await guard.settled()
        before = await items(guard)
        await other.desk.undecide(alert, MODERATOR)
        await goes_on(guard)
        assert await items(guard) > before


async def test_both_may_write_at_the_same_time_and_nothing_is_lost(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard, beside(tmp_path) as other:
        alert = await begun(guard, board)

        async def notes(desk_of: Guard, who: Person) -> None:
            for number in range(10):
                await desk_of.desk.note(alert, f"{who.name} {number}", who)

        async def talks() -> None:
            for message in talk()[HALF:]:
                await guard.receive(message)
                await guard.settled()

        await asyncio.gather(notes(guard, MODERATOR), notes(other, KIM), talks())
        record = await guard.desk.export(alert, MODERATOR)
        assert record is not None
        assert len(record.notes) == 20
        assert len({note.text for note in record.notes}) == 20
        async with guard.ledger.store.read() as tx:
            kept = await tx.scalar(select(func.count()).select_from(tables.messages))
    assert kept == len(talk())


async def test_whoever_wrote_first_is_known_to_the_other(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard, beside(tmp_path) as other:
        alert = await begun(guard, board)
        verdicts = await asyncio.gather(guard.desk.claim(alert, MODERATOR), other.desk.claim(alert, KIM))
        assert sorted(verdict.accepted for verdict in verdicts if verdict) == [False, True]
        cards = [verdict.card for verdict in verdicts if verdict]
        assert cards[0].claimed == cards[1].claimed


async def test_memory_is_kept_while_nobody_else_writes_and_dropped_when_somebody_did(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, clock=lambda: NOW, deliverers=[board]) as guard, beside(tmp_path) as other:
        alert = await begun(guard, board)

        async def remembered(ledger: Ledger) -> int:
            async with ledger.transaction():
                return sum(map(len, ledger.memory.spaces.values()))

        assert await remembered(guard.ledger)
        await guard.desk.note(alert, "mine", MODERATOR)
        assert await remembered(guard.ledger)
        await other.desk.note(alert, "theirs", KIM)
        assert not await remembered(guard.ledger)


async def test_one_beside_keeps_no_lampkeeper_from_starting_but_a_second_watch_is_kept_out(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path):
        pass
    async with beside(tmp_path), lampkeeper(tmp_path):
        with pytest.raises(StoreInUseError):
            await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key")


async def test_where_there_is_no_database_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no database at .* yet"):
        await open_store(tmp_path / "lampkeeper.db", tmp_path / "lampkeeper.key", beside=True)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - as it is


async def test_beside_one_of_another_version_nothing_is_touched(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path):
        pass
    database = tmp_path / "lampkeeper.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    running = Lock(database)
    running.take()
    with pytest.raises(StoreError, match="of another version"):
        await open_store(database, tmp_path / "lampkeeper.key", beside=True)
    running.release()
    with pytest.raises(StoreError, match="newer version"):
        await open_store(database, tmp_path / "lampkeeper.key", beside=True)


WATCH = """
import asyncio, sys
from pathlib import Path
from tests.support import Board, lampkeeper, talk

async def watch(folder):
    board = Board()
    async with lampkeeper(folder, deliverers=[board]) as guard:
        for message in talk()[:8]:
            await guard.receive(message)
        await guard.settled()
        while True:
            await guard.settled()
            card = next(iter(board.cards.values()))
            print(card.alert, card.state, flush=True)
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                return
            for message in talk()[8:]:
                await guard.receive(message)

asyncio.run(watch(Path(sys.argv[1])))
"""


def test_commands_work_while_another_process_watches(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    watch = [sys.executable, "-c", WATCH, str(tmp_path)]
    with subprocess.Popen(watch, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdin is not None
        assert running.stdout is not None

        def told() -> list[str]:
            """What it says next, but for its log."""
            lines = iter(running.stdout.readline, "")  # type: ignore[union-attr]
            return next(words for line in lines if len(words := line.split()) == 2)

        def shown() -> list[str]:
            running.stdin.write("\n")  # type: ignore[union-attr]
            running.stdin.flush()  # type: ignore[union-attr]
            return told()

        def command(*words: str) -> subprocess.CompletedProcess[str]:
            line = [sys.executable, "-m", "bots", *words, "--config", str(tmp_path / "config.toml")]
            return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)

        alert, state = told()
        assert state == "open"
        assert "Lampkeeper is running on the database" in command("purge").stderr
        done = command("cases", "claim", alert, "--as", "Kim")
        assert (done.returncode, done.stderr) == (0, "")
        assert shown() == [alert, "claimed"]
        assert command("cases", "decide", alert, "dismiss", "--as", "Kim").returncode == 0
        assert shown() == [alert, "dismissed"]
        assert command("cases", "verify", alert).returncode == 0
        running.stdin.close()
    assert running.returncode == 0


async def test_nobody_works_on_a_case_about_themselves_whatever_they_call_themselves(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        await begun(guard, board)
    (card,) = board.cards.values()
    assert cases.concerns(card, card.actor)
    assert cases.concerns(card, Person(f"{cases.TERMINAL}{card.actor.name.upper()}", ""))
    assert cases.concerns(card, Person(f"{cases.TERMINAL}{card.actor.id}", ""))
    assert not cases.concerns(card, KIM)
    assert not cases.concerns(card, MODERATOR)
