"""Signed heads of the audit: what the chain alone cannot show, and how heads are written."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bots import composition
from core import audit
from core.audit.heads import DAY, Head, read, write
from core.config import Config, Storage
from core.errors import AuditError
from core.vault import Vault, new_keys
from core.vault.keyring import Loose
from tests.audit_stage import (
    ROWS,
    SIGNED,
    by_hand,
    database,
    deed,
    heads_file,
    lines_of,
    link_by_hand,
    make,
    recompute,
    record,
    sign,
    verdict,
)
from tests.support import NOW, vault_of

# ---- the chain against the heads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["UPDATE audit SET who = '' WHERE id = 3", "DELETE FROM audit WHERE id = 3"])
def test_a_chain_wholly_made_anew_is_found_by_the_heads_alone(folder: Path, change: str) -> None:
    recompute(folder, change)
    (problem,) = verdict(folder).problems
    assert "not the one that was signed" in problem.what
    assert f"between 1 and {SIGNED} on" in problem.what


def test_what_was_made_anew_is_narrowed_down_to_the_rows_between_two_heads(folder: Path) -> None:
    with by_hand(folder) as connection:
        for table in ("audit", "audit_chain"):
            connection.execute(f"DELETE FROM {table} WHERE id > {SIGNED + 1}")
        for number in range(SIGNED + 2, ROWS + 1):
            link_by_hand(connection, number, "alert claimed")
    found = verdict(folder)
    (problem,) = found.problems
    assert f"between {SIGNED + 1} and {ROWS} on" in problem.what
    assert found.signed is not None
    assert found.signed.id == SIGNED


def test_a_tail_that_was_cut_off_is_found_by_the_heads_alone(folder: Path) -> None:
    with by_hand(folder) as connection:
        for table in ("audit", "audit_chain"):
            connection.execute(f"DELETE FROM {table} WHERE id > 10")
    (problem,) = verdict(folder).problems
    assert str(problem).startswith(f"Row 11 and what follows, up to row {ROWS}, were cut off: they were there on 1970-")


async def test_rows_after_the_newest_head_follow_from_it(folder: Path) -> None:
    await record(folder, deed(13), deed(14))
    found = verdict(folder)
    assert found.problems == []
    assert found.signed is not None
    assert (found.rows, found.signed.id) == (ROWS + 2, ROWS)


@pytest.mark.parametrize("name", [name for name in Head._fields if name not in {"key", "signature"}])
def test_a_changed_head_is_found(folder: Path, name: str) -> None:
    first, second = lines_of(folder)
    head = json.loads(first)
    value = head[name]
    head[name] = value.translate({ord("0"): "1", ord("1"): "0"}) if isinstance(value, str) else value + 1
    heads_file(folder).write_text(json.dumps(head) + "\n" + second)
    assert any("Line 1 of the heads was changed" in problem.what for problem in verdict(folder).problems)


def test_a_head_signed_anew_by_somebody_else_is_found(folder: Path) -> None:
    recompute(folder)
    other = Vault(Loose(new_keys()))
    heads_file(folder).unlink()
    write(heads_file(folder), database(folder), other, NOW, "asked")
    problems = verdict(folder).problems
    assert any("signed with another key" in problem.what for problem in problems)
    assert verdict(folder, key=other.verify_key.hex()).problems == []


@pytest.mark.parametrize(
    ("left", "what"), [([1], "Head 1 is missing"), ([0, 2], "Head 2 is missing"), ([0, 2, 1], "out of order")]
)
def test_heads_taken_out_or_moved_are_found(folder: Path, left: list[int], what: str) -> None:
    sign(folder, NOW + 2 * DAY)
    lines = lines_of(folder)
    heads_file(folder).write_text("".join(lines[number] for number in left))
    assert any(what in problem.what for problem in verdict(folder).problems)


def test_a_head_repeated_is_found(folder: Path) -> None:
    heads_file(folder).write_text("".join([*lines_of(folder), lines_of(folder)[0]]))
    assert any("out of order" in problem.what for problem in verdict(folder).problems)


def test_a_cut_file_of_heads_vouches_only_so_far_as_it_goes(folder: Path) -> None:
    heads_file(folder).write_text(lines_of(folder)[0])
    found = verdict(folder)
    assert found.problems == []
    assert found.signed is not None
    assert found.signed.id == SIGNED


def test_an_empty_file_of_heads_vouches_for_nothing(folder: Path) -> None:
    heads_file(folder).write_text("")
    found = verdict(folder)
    assert (found.rows, found.signed, found.problems) == (ROWS, None, [])


def test_a_missing_file_of_heads_is_told(folder: Path) -> None:
    with pytest.raises(AuditError, match="There is no file of signed heads"):
        read(folder / "nowhere")


async def test_the_heads_of_another_database_are_told_apart_even_with_the_same_key(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("lampkeeper.key", "lampkeeper.keyring"):
        shutil.copy(folder / name, other / name)
    await make(other)
    assert verdict(other).problems == []
    (problem,) = verdict(folder, heads_file(other)).problems
    assert "another database's" in problem.what


# ---- writing heads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_a_crash_cut_off_is_understood_and_the_next_one_begins_anew(folder: Path, cut: int) -> None:
    whole = heads_file(folder).read_bytes()
    heads_file(folder).write_bytes(whole[:-cut])
    torn = verdict(folder)
    assert torn.problems == []
    head = sign(folder, NOW + 2 * DAY)
    assert heads_file(folder).read_bytes().startswith(whole[:-cut] + b"\n")  # nothing was overwritten
    mended = verdict(folder)
    assert mended.problems == []
    assert mended.signed == head


def test_a_head_is_due_once_a_day_and_at_a_stop_only_if_rows_were_added(folder: Path) -> None:
    vault, path = vault_of(folder), heads_file(folder)
    signed = partial(write, path, database(folder), vault)
    last = NOW + DAY
    assert signed(last + DAY - 1, "daily") is None
    assert signed(last + DAY, "stopping") is None
    assert signed(last + DAY, "daily")
    asyncio.run(record(folder, deed(13)))
    assert signed(last + DAY + 1, "daily") is None
    assert signed(last + DAY + 2, "stopping")
    assert verdict(folder).problems == []


def test_a_clock_that_was_set_back_does_not_keep_heads_from_being_signed(folder: Path) -> None:
    assert write(heads_file(folder), database(folder), vault_of(folder), NOW - DAY, "daily")


def test_nothing_is_signed_where_there_is_nothing(tmp_path: Path) -> None:
    vault = Vault(Loose(new_keys()))
    assert write(heads_file(tmp_path), database(tmp_path), vault, NOW, "asked") is None
    asyncio.run(record(tmp_path))
    assert write(heads_file(tmp_path), database(tmp_path), vault_of(tmp_path), NOW, "asked") is None


@pytest.mark.parametrize("how", ["made anew", "cut off"])
def test_no_new_head_covers_up_that_the_chain_is_not_what_was_signed(folder: Path, how: str) -> None:
    if how == "made anew":
        recompute(folder)
    else:
        with by_hand(folder) as connection:
            connection.execute("DELETE FROM audit_chain WHERE id > 10")
    before = lines_of(folder)
    with pytest.raises(AuditError, match=r"not the one that was signed.*audit verify.*move"):
        sign(folder, NOW + 2 * DAY)
    assert lines_of(folder) == before


def test_a_file_that_cannot_be_written_is_told_with_the_remedy(folder: Path) -> None:
    with pytest.raises(AuditError, match=r"cannot be written.*audit_heads"):
        write(Path("/proc/heads"), database(folder), vault_of(folder), NOW, "asked")


async def test_the_guard_signs_with_its_housekeeping_and_when_it_stops(tmp_path: Path) -> None:
    storage = Storage(database=database(tmp_path), key_file=tmp_path / "lampkeeper.key")
    config = Config(storage=storage)
    async with composition.opened_store(config) as store:
        guard = composition.make_guard(config, composition.make_engine(config), store)
        await guard.keep_house()
        async with guard.ledger.transaction() as tx:
            await audit.record(tx, [deed(1) | {"time": time.time()}])
        await guard.keep_house()
        await guard.keep_house()
        assert [line.head.id for line in read(storage.heads) if line.head] == [1]
        running = asyncio.create_task(guard.run([]))
        async with guard.ledger.transaction() as tx:
            await audit.record(tx, [deed(2) | {"time": time.time()}])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [line.head.id for line in read(storage.heads) if line.head] == [1, 2]
    assert verdict(tmp_path).problems == []


async def test_a_head_that_cannot_be_signed_is_told_in_the_log_and_holds_nothing_up(tmp_path: Path) -> None:
    storage = Storage(
        database=database(tmp_path), key_file=tmp_path / "lampkeeper.key", audit_heads=Path("/proc/heads")
    )
    config = Config(storage=storage)
    async with composition.opened_store(config) as store:
        guard = composition.make_guard(config, composition.make_engine(config), store)
        with capture_logs() as logs:
            await guard.keep_house()
    (told,) = [entry for entry in logs if entry["event"] == "guard.housekeeping_failed"]
    assert "/proc/heads cannot be written" in told["what"]
    assert "audit_heads" in told["remedy"]
