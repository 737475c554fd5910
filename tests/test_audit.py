"""The audit as a hash chain: whatever is done to its rows by hand in the database is found and named."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert
from sqlalchemy.exc import IntegrityError

from core import audit
from core.audit import erasing
from core.audit.chain import FORGOTTEN, PARTS
from core.audit.heads import DAY
from core.store import tables
from tests.audit_stage import (
    ROWS,
    SPACES,
    by_hand,
    deed,
    erase,
    heads_file,
    link_by_hand,
    named,
    opened,
    sign,
    verdict,
)
from tests.support import NOW


def test_an_untouched_audit_is_as_it_was_recorded_and_signed_to_its_end(folder: Path) -> None:
    found = verdict(folder)
    assert found.problems == []
    assert (found.rows, found.erased) == (ROWS, 0)
    assert found.signed is not None
    assert found.signed.id == ROWS


def test_a_third_party_can_verify_it_by_what_the_layout_says(folder: Path) -> None:
    """Nothing of Lampkeeper's is used here but what `core.audit.chain` and `core.audit.heads` say in words."""

    def frame(*items: str | bytes) -> bytes:
        raw = [item.encode() if isinstance(item, str) else item for item in items]
        return b"".join(struct.pack(">I", len(item)) + item for item in raw)

    def sha256(*items: str | bytes) -> bytes:
        return hashlib.sha256(frame(*items)).digest()

    previous = bytes(32)
    hashes = {}
    with by_hand(folder) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute("SELECT * FROM audit JOIN audit_chain USING (id) ORDER BY id"):
            salts = [bytes.fromhex(row[f"{part}_salt"]) for part in ("who", "about", "rest")]
            time = struct.pack(">d", row["time"])
            who = sha256("lampkeeper audit who 1", salts[0], row["who"])
            about = sha256("lampkeeper audit about 1", salts[1], row["about"])
            rest = sha256("lampkeeper audit rest 1", salts[2], time, row["space"], row["what"], row["detail"])
            number = struct.pack(">q", row["id"])
            previous = sha256("lampkeeper audit row 1", number, previous, who, about, rest)
            assert row["hash"] == previous.hex()
            hashes[row["id"]] = previous
    for line in heads_file(folder).read_bytes().splitlines():
        head = json.loads(line)
        assert bytes.fromhex(head["hash"]) == hashes[head["id"]]
        kinds = {"number": ">q", "id": ">q", "time": ">d", "rows": ">q"}
        values = {name: struct.pack(kind, head[name]) for name, kind in kinds.items()}
        values |= {name: bytes.fromhex(head[name]) for name in ("hash", "key")}
        signed = frame(
            "lampkeeper audit head 1", *(values[name] for name in ("number", "id", "hash", "time", "rows", "key"))
        )
        Ed25519PublicKey.from_public_bytes(values["key"]).verify(bytes.fromhex(head["signature"]), signed)


# ---- rows, by hand --------------------------------------------------------------------------------------------------

CHANGES: dict[str, Any] = {
    "time": NOW,
    "space": SPACES[0],
    "who": "somebody else",
    "what": "alert claimed",
    "about": "another case",
    "detail": '{"level":"urgent"}',
}


@pytest.mark.parametrize("row", [1, 5, ROWS])
@pytest.mark.parametrize("column", list(CHANGES))
def test_a_changed_value_is_found_and_its_row_is_named(folder: Path, column: str, row: int) -> None:
    with by_hand(folder) as connection:
        value = SPACES[1 - row % 2] if column == "space" else CHANGES[column]
        connection.execute(f"UPDATE audit SET {column} = ? WHERE id = ?", (value, row))
    (problem,) = verdict(folder).problems
    assert problem.row == row
    assert column in problem.what


@pytest.mark.parametrize("row", [1, 5, ROWS])
@pytest.mark.parametrize("column", [c.name for c in tables.audit_chain.c if c.name != "id"])
def test_a_changed_link_is_found_and_only_its_row_is_named(folder: Path, column: str, row: int) -> None:
    with by_hand(folder) as connection:
        connection.execute(
            f"UPDATE audit_chain SET {column} = replace({column}, substr({column}, 1, 1), 'z') WHERE id = ?", (row,)
        )
    assert named(folder) == {row}


@pytest.mark.parametrize("row", [1, 5, ROWS])
@pytest.mark.parametrize("whole", [True, False])
def test_a_removed_row_is_named(folder: Path, row: int, whole: bool) -> None:
    with by_hand(folder) as connection:
        connection.execute("DELETE FROM audit WHERE id = ?", (row,))
        if whole:
            connection.execute("DELETE FROM audit_chain WHERE id = ?", (row,))
    (problem,) = verdict(folder).problems
    assert problem.row == row
    assert "removed" in problem.what or "cut off" in problem.what


def test_several_rows_removed_in_a_row_are_named_as_one_gap(folder: Path) -> None:
    with by_hand(folder) as connection:
        for table in ("audit", "audit_chain"):
            connection.execute(f"DELETE FROM {table} WHERE id BETWEEN 4 AND 6")
    (problem,) = verdict(folder).problems
    assert str(problem).startswith("Row 4 and all up to row 6 are missing")


def test_an_added_row_is_named(folder: Path) -> None:
    with by_hand(folder) as connection:
        connection.execute("INSERT INTO audit SELECT 99, time, space, who, what, about, detail FROM audit WHERE id = 3")
    (problem,) = verdict(folder).problems
    assert problem.row == 99
    assert "added" in problem.what


def test_a_row_put_in_among_the_others_with_a_link_of_its_own_is_found(folder: Path) -> None:
    with by_hand(folder) as connection:
        for table in ("audit", "audit_chain"):
            connection.execute(f"UPDATE {table} SET id = -id - 1 WHERE id > 5")
            connection.execute(f"UPDATE {table} SET id = -id WHERE id < 0")
        link_by_hand(connection, 6, "alert claimed")
    assert named(folder) >= {*range(7, ROWS + 2)}  # what comes after it does not follow from it


@pytest.mark.parametrize("pair", [(4, 9), (4, 5), (1, ROWS)])
@pytest.mark.parametrize("those", [("audit",), ("audit", "audit_chain")])
def test_two_rows_that_changed_places_are_named_as_out_of_order(
    folder: Path, pair: tuple[int, int], those: tuple[str, ...]
) -> None:
    one, other = pair
    with by_hand(folder) as connection:
        for table in those:
            for old, new in ((one, -1), (other, one), (-1, other)):
                connection.execute(f"UPDATE {table} SET id = ? WHERE id = ?", (new, old))
    problems = [problem for problem in verdict(folder).problems if problem.row is not None]
    assert [problem.row for problem in problems] == [one, other]
    assert f"row {other}." in problems[0].what
    assert f"row {one}." in problems[1].what
    assert all("out of order" in problem.what for problem in problems)


CELLS = [(table.name, column.name) for table in (tables.audit, tables.audit_chain) for column in table.c]
VALUES = (
    st.none()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=70)
    | st.binary(max_size=70)
    | st.sampled_from([FORGOTTEN, "", "{}", "00" * 16, "00" * 32])
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CELLS), st.integers(1, ROWS + 2), VALUES)
@example(("audit", "who"), 2, FORGOTTEN)
@example(("audit_chain", "who_salt"), 2, None)
@example(("audit_chain", "id"), 2, 1 << 62)
@example(("audit", "detail"), 2, b"\xff")
def test_any_change_of_any_one_cell_is_found(
    tampered: Path, cell: tuple[str, str], row: int, value: float | str | bytes | None
) -> None:
    table, column = cell
    with by_hand(tampered) as connection:
        before = everything(connection)
        try:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (value, row))
        except sqlite3.IntegrityError:  # the database itself refuses
            assume(False)
        after = everything(connection)
        assume(before != after)
        connection.commit()
        try:
            assert verdict(tampered).problems
        finally:
            for name, rows in before.items():
                connection.execute(f"DELETE FROM {name}")
                marks = ", ".join("?" * (7 if name == "audit" else 8))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", [[v for _, v in r] for r in rows])


@pytest.fixture(scope="module")
def tampered(pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a copy with an erased part and a tombstone in it, whose tampering is undone after each example."""
    folder = Path(shutil.copytree(pattern, tmp_path_factory.mktemp("tampered") / "copy"))
    asyncio.run(erase(folder, lambda tx: erasing.erase_part(tx, "who", tables.audit.c.id == 3), ("who",)))
    asyncio.run(erase(folder, lambda tx: erasing.erase_rows(tx, tables.audit.c.id == 6), PARTS))
    sign(folder, NOW + 2 * DAY)
    assert verdict(folder).problems == []
    return folder


def everything(connection: sqlite3.Connection) -> dict[str, list[list[tuple[str, Any]]]]:
    """All cells, each with its type, for 1 is not 1.0 and not "1"."""
    found = {}
    for name in ("audit", "audit_chain"):
        connection.text_factory = bytes
        rows = connection.execute(f"SELECT * FROM {name} ORDER BY id").fetchall()
        connection.text_factory = str
        columns = [c.name for c in tables.metadata.tables[name].c]
        kinds = connection.execute(
            f"SELECT {', '.join(f'typeof({column})' for column in columns)} FROM {name} ORDER BY id"
        ).fetchall()
        found[name] = [
            [(kind, cell.decode() if kind == "text" else cell) for kind, cell in zip(kind_row, row, strict=True)]
            for kind_row, row in zip(kinds, rows, strict=True)
        ]
    return found


# ---- recording ------------------------------------------------------------------------------------------------------


async def test_what_is_rolled_back_leaves_no_gap_in_the_chain(folder: Path) -> None:
    store = await opened(folder)

    async def record_and_fail() -> None:
        async with store.write() as tx:
            await audit.record(tx, [deed(13)])
            await tx.execute(insert(tables.meta), [{"name": "key_check"}])

    with pytest.raises(IntegrityError):  # that name is there already
        await record_and_fail()
    async with store.write() as tx:
        assert list(await audit.record(tx, [deed(13), deed(14)])) == [ROWS + 1, ROWS + 2]
        assert list(await audit.record(tx, [])) == []
        assert list(await audit.record(tx, [deed(15)])) == [ROWS + 3]
    await store.close()
    assert verdict(folder).problems == []


async def test_the_end_of_the_chain_is_looked_up_once_a_transaction(folder: Path) -> None:
    store = await opened(folder)
    asked: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    async with store.write() as tx:
        for number in range(13, 16):
            await audit.record(tx, [deed(number), deed(number)])
    event.remove(Engine, "before_cursor_execute", note)
    await store.close()
    assert len(asked) == 1
    assert verdict(folder).problems == []
