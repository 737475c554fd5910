"""The database: opening it, what can be wrong with it, transactions, and states that come back as they were."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

import core.store
from core.conversation import ConversationState
from core.engine import PairKey
from core.errors import StoreError, VaultError
from core.pair import Moment, PairState, PersonState
from core.policy import AlertState
from core.store import Store, open_store, tables
from core.store.schema import MIGRATIONS, NEWEST
from core.store.states import Known, Marks, Touched, load_conversations, load_pairs, load_people, save
from tests.support import ROOT

HOLDER = """
import asyncio, sys, time
from pathlib import Path
from core.store import open_store
folder = Path(sys.argv[1])
asyncio.run(open_store(folder / "db", folder / "key"))
print("open", flush=True)
time.sleep(600)
"""


async def opened(folder: Path) -> Store:
    return await open_store(folder / "db", folder / "key")


async def made(folder: Path) -> None:
    await (await opened(folder)).close()


async def test_the_migrations_make_exactly_the_tables_that_the_code_describes(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    async with store.read() as tx:
        difference = await tx.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), tables.metadata))
    await store.close()
    assert difference == []


async def test_the_migrations_make_tables_whose_numbers_are_given_once_where_the_code_says_so(tmp_path: Path) -> None:
    await made(tmp_path)
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        made_so = dict(database.execute("SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master"))
    for name, table in tables.metadata.tables.items():
        assert made_so[name] == bool(table.dialect_options["sqlite"]["autoincrement"]), name


async def test_a_database_opens_again_after_it_was_closed(tmp_path: Path) -> None:
    await made(tmp_path)
    await made(tmp_path)


async def test_a_second_process_on_one_database_is_refused_until_the_first_ends_however_it_ends(tmp_path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    with pytest.raises(StoreError, match="Another Lampkeeper"):
        await opened(tmp_path)
    holder.kill()
    await holder.wait()
    await made(tmp_path)


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    await made(tmp_path)
    with closing(sqlite3.connect(tmp_path / "db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version.*backup"):
        await opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / "db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


async def test_a_database_that_another_program_locks_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.store, "BUSY_SECONDS", 0.05)
    await made(tmp_path)
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as browser:
        browser.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked.*Close the program"):
            await opened(tmp_path)
    await made(tmp_path)


async def test_a_file_that_is_no_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    await made(tmp_path)
    (tmp_path / "db").write_bytes(b"not a database " * 1000)
    with pytest.raises(StoreError, match=r"damaged.*backup"):
        await opened(tmp_path)


async def test_a_damaged_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    await made(tmp_path)
    with (tmp_path / "db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 30_000)
    with pytest.raises(StoreError, match=r"damaged.*backup"):
        await opened(tmp_path)


async def test_a_folder_that_does_not_exist_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"folder.*write"):
        await open_store(tmp_path / "nowhere" / "db", tmp_path / "key")


async def test_a_folder_that_cannot_be_written_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"folder.*write"):
        await open_store(Path("/proc/db"), tmp_path / "key")  # not even root can write there


async def test_another_key_than_the_one_the_data_was_sealed_with_is_refused(tmp_path: Path) -> None:
    await made(tmp_path)
    (tmp_path / "key").unlink()
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_bytes(b"another key, also thirty-two by.")
    with pytest.raises(VaultError, match=r"not the one.*backup"):
        await opened(tmp_path)


async def test_one_task_failing_does_not_undo_or_commit_what_another_writes_at_the_same_time(tmp_path: Path) -> None:
    store = await opened(tmp_path)

    async def write(name: str, *, fail: bool) -> None:
        async with store.write() as tx:
            await tx.execute(insert(tables.spaces), [{"space": name}])
            await asyncio.sleep(0.001)
            if fail:
                raise ValueError(name)

    writes = [write(str(number), fail=number % 2 == 0) for number in range(20)]
    await asyncio.gather(*writes, return_exceptions=True)
    async with store.read() as tx:
        assert set(await tx.scalars(select(tables.spaces.c.space))) == {str(number) for number in range(1, 20, 2)}
    await store.close()


async def test_a_reader_sees_one_state_of_things_while_a_writer_writes(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    names = select(tables.spaces.c.space)
    async with store.read() as reader:
        assert list(await reader.scalars(names)) == []
        async with store.write() as tx:
            await tx.execute(insert(tables.spaces), [{"space": "new"}])
        assert list(await reader.scalars(names)) == []
    async with store.read() as reader:
        assert list(await reader.scalars(names)) == ["new"]
    await store.close()


async def test_tasks_cancelled_anywhere_leave_whole_transactions_and_a_usable_store(tmp_path: Path) -> None:
    store = await opened(tmp_path)

    async def write(number: int) -> None:
        async with store.write() as tx:
            for half in "ab":
                await tx.execute(insert(tables.spaces), [{"space": f"{number}{half}"}])

    chance = random.Random(1)
    for number in range(60):
        task = asyncio.create_task(write(number))
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.001]))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await write(60)
    async with store.read() as tx:
        written = set(await tx.scalars(select(tables.spaces.c.space)))
    assert {name[:-1] for name in written if name.endswith("a")} == {
        name[:-1] for name in written if name.endswith("b")
    }
    assert "60a" in written
    await store.close()


async def test_a_task_cancelled_anywhere_holds_no_lock_when_the_database_is_opened_again(tmp_path: Path) -> None:
    async def write(store: Store) -> None:
        while True:
            async with store.write() as tx:
                await tx.execute(insert(tables.spaces), [{"space": "kept"}])
                await tx.scalar(select(tables.spaces.c.space))
                await tx.execute(delete(tables.spaces))

    for number in range(40):
        store = await opened(tmp_path)
        task = asyncio.create_task(write(store))
        for _ in range(number):
            await asyncio.sleep(0)
        await asyncio.sleep(number % 7 * 0.0007)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await store.close()
    await made(tmp_path)


NUMBERS = st.floats(allow_nan=False)
IDS = st.text(max_size=6)
COUNTS = st.dictionaries(IDS, st.integers(0, 9), max_size=3)
TIMES = st.none() | NUMBERS
PAIRS = st.builds(
    PairState,
    messages=st.integers(0, 9),
    questions=st.integers(0, 9),
    first_time=TIMES,
    last_time=TIMES,
    sums=st.lists(NUMBERS, min_size=10, max_size=10),
    signals=COUNTS,
    unweighed=COUNTS,
    night=st.integers(0, 9),
    first_seen=COUNTS,
    english=NUMBERS,
    foreign=NUMBERS,
    languages=COUNTS,
    leanings=st.lists(NUMBERS, min_size=5, max_size=5),
    moments=st.lists(st.builds(Moment, IDS, IDS, st.integers(1, 9), NUMBERS, st.lists(IDS, max_size=2)), max_size=2),
)
PEOPLE = st.builds(
    PersonState,
    messages=st.integers(0, 9),
    ages=st.lists(st.integers(5, 99), max_size=3),
    age_band=st.sampled_from([None, "13_15", "adult"]),
    targets=COUNTS,
)
ALERTS = st.builds(
    AlertState,
    count=st.integers(0, 3),
    open=st.booleans(),
    level=st.sampled_from(["none", "review"]),
    signals=st.lists(IDS, max_size=2),
    decided_at=TIMES,
    fell=st.booleans(),
    unread=st.booleans(),
    unread_signals=st.lists(IDS, max_size=2),
)
SPEAKERS = (st.none() | IDS, st.none() | IDS, TIMES, st.dictionaries(IDS, IDS, max_size=3))
CONVERSATIONS = st.builds(ConversationState, *SPEAKERS, past=st.none() | st.builds(ConversationState, *SPEAKERS))
PAIR_KEYS = st.tuples(IDS, st.none() | IDS.filter(bool))


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(PAIR_KEYS, PAIRS, max_size=3),
    st.dictionaries(IDS, PEOPLE, max_size=3),
    st.dictionaries(IDS, CONVERSATIONS, max_size=3),
    ALERTS,
)
def test_every_state_comes_back_from_the_database_exactly_as_it_was(
    pairs: dict[PairKey, PairState],
    people: dict[str, PersonState],
    conversations: dict[str, ConversationState],
    alert: AlertState,
) -> None:
    async def there_and_back(folder: Path) -> None:
        store = await opened(folder)
        known = Known("space")
        known.state.pairs, known.state.people, known.state.conversations = pairs, people, conversations
        known.state.alerts = dict.fromkeys(list(pairs)[:1], alert)
        known.names = dict.fromkeys(people, "a name")
        known.marks = {name: Marks("7", 1.5, None) for name in conversations}
        async with store.write() as tx:
            await save(tx, store.vault, known, Touched(set(conversations), set(people), set(pairs)))
        again = Known("space")
        async with store.read() as tx:
            await load_conversations(tx, store.vault, again, conversations)
            await load_people(tx, store.vault, again, people)
            await load_pairs(tx, store.vault, again, pairs)
        await store.close()
        assert again == known

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(there_and_back(Path(folder)))


def test_the_program_works_with_the_newest_revision_there_is() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST
