"""The audit stays verifiable where people and spaces are forgotten, and in databases of older versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine, text

from core import audit
from core.audit import erasing
from core.audit.chain import FORGOTTEN, PARTS
from core.audit.heads import write
from core.audit.verify import verify
from core.errors import AuditError
from core.store import tables
from core.store.look import looking
from core.store.schema import MIGRATIONS, NEWEST
from tests.audit_stage import (
    MODERATOR,
    ROWS,
    SPACE,
    by_hand,
    casework,
    cells,
    database,
    deed,
    erase,
    heads_file,
    named,
    opened,
    record,
    sign,
    verdict,
)
from tests.support import NOW, lampkeeper, vault_of

# ---- forgetting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["moderator", "actor", "target"])
async def test_forgetting_a_person_leaves_the_audit_verifiable_and_says_what_it_erased(
    tmp_path: Path, person: str
) -> None:
    alert = await casework(tmp_path)
    sign(tmp_path)
    blind = vault_of(tmp_path).blind(SPACE, person)
    async with lampkeeper(tmp_path) as guard:
        await guard.forget_person(SPACE, person)
    sign(tmp_path)
    found = verdict(tmp_path)
    assert found.problems == []
    assert found.erased > 0
    rows = await cells(tmp_path, "who", "what", "about", "detail")
    assert (FORGOTTEN in {who for who, *_ in rows}) == (person == "moderator")
    assert (alert in {about for *_, about, _ in rows}) == (person == "moderator")
    assert blind not in {who for who, *_ in rows}
    (account,) = [detail for _, what, _, detail in rows if what == "parts erased"]
    assert account["because"] == "person forgotten"
    assert set(account["erased"]) == {"who" if person == "moderator" else "about"}


async def test_a_forgotten_space_leaves_tombstones_which_say_nothing_of_it(tmp_path: Path) -> None:
    await casework(tmp_path)
    sign(tmp_path)
    before = await cells(tmp_path, "id")
    async with lampkeeper(tmp_path) as guard:
        await guard.forget_space(SPACE)
    found = verdict(tmp_path)
    assert found.problems == []
    assert found.erased == len(before)
    assert await cells(tmp_path, "id", "space", "what") == [(len(before) + 1, "", "parts erased")]
    with by_hand(tmp_path) as connection:
        salts = connection.execute(
            "SELECT DISTINCT who_salt, about_salt, rest_salt FROM audit_chain WHERE id <= ?", before[-1]
        )
        assert salts.fetchall() == [(None, None, None)]


async def test_a_space_whose_cases_are_held_can_be_deleted_again_and_again_without_more_being_erased(
    tmp_path: Path,
) -> None:
    alert = await casework(tmp_path)
    async with lampkeeper(tmp_path) as guard:
        await guard.desk.hold(alert, MODERATOR)
        await guard.communities.choose(SPACE, {"review": 0.5}, MODERATOR)
        for _ in range(3):
            await guard.forget_space(SPACE)
    deeds = [what for (what,) in await cells(tmp_path, "what")]
    assert deeds.count("parts erased") == 1


async def test_what_is_under_legal_hold_stays_in_the_audit_and_goes_with_the_hold(tmp_path: Path) -> None:
    alert = await casework(tmp_path)
    async with lampkeeper(tmp_path) as guard:
        await guard.desk.hold(alert, MODERATOR)
        await guard.forget_person(SPACE, "actor")
        await guard.forget_space(SPACE)
    sign(tmp_path)
    assert verdict(tmp_path).problems == []
    assert (alert,) in await cells(tmp_path, "about")
    async with lampkeeper(tmp_path) as guard:
        await guard.desk.lift(alert, MODERATOR)
        await guard.forget_space(SPACE)
    sign(tmp_path)
    assert verdict(tmp_path).problems == []
    assert {space for (space,) in await cells(tmp_path, "space")} == {""}


async def test_a_number_is_never_given_twice_even_after_its_row_was_deleted(folder: Path) -> None:
    await erase(folder, lambda tx: erasing.erase_rows(tx, tables.audit.c.id >= 1), PARTS)
    await record(folder, deed(1))
    assert await cells(folder, "id") == [(ROWS + 1,), (ROWS + 2,)]
    assert verdict(folder).problems == []


@pytest.mark.parametrize("part", ["who", "about"])
def test_a_part_erased_by_hand_that_nothing_accounts_for_is_named(folder: Path, part: str) -> None:
    with by_hand(folder) as connection:
        connection.execute(f"UPDATE audit SET {part} = ? WHERE id = 5", (FORGOTTEN,))
        connection.execute(f"UPDATE audit_chain SET {part}_salt = NULL WHERE id = 5")
    (problem,) = verdict(folder).problems
    assert problem.row == 5
    assert "no later row accounts for it" in problem.what


def test_a_row_erased_by_hand_that_nothing_accounts_for_is_named(folder: Path) -> None:
    with by_hand(folder) as connection:
        connection.execute("DELETE FROM audit WHERE id = 5")
        connection.execute("UPDATE audit_chain SET who_salt = NULL, about_salt = NULL, rest_salt = NULL WHERE id = 5")
    assert {(problem.row, "accounts" in problem.what) for problem in verdict(folder).problems} == {(5, True)}


async def test_only_a_later_row_can_account_for_what_was_erased(folder: Path) -> None:
    store = await opened(folder)
    async with store.write() as tx:
        await erasing.account(tx, NOW, "person forgotten", {"who": [ROWS + 2]})
        await audit.record(tx, [deed(14)])
        await erasing.erase_part(tx, "who", tables.audit.c.id == ROWS + 2)
    await store.close()
    (problem,) = verdict(folder).problems
    assert problem.row == ROWS + 2


async def test_what_was_erased_and_put_back_is_named(folder: Path) -> None:
    with by_hand(folder) as connection:
        kept = connection.execute("SELECT who_salt FROM audit_chain WHERE id = 5").fetchone()
    await erase(folder, lambda tx: erasing.erase_part(tx, "who", tables.audit.c.id == 5), ("who",))
    assert verdict(folder).problems == []
    with by_hand(folder) as connection:
        connection.execute("UPDATE audit SET who = 'who-5' WHERE id = 5")
        connection.execute("UPDATE audit_chain SET who_salt = ? WHERE id = 5", kept)
    (problem,) = verdict(folder).problems
    assert problem.row == 5
    assert "still has its who" in problem.what


# ---- databases of older versions ------------------------------------------------------------------------------------


def old(folder: Path, revision: str, rows: list[tuple[Any, ...]]) -> None:
    """Make a database as the version of that revision left it."""
    engine = create_engine(f"sqlite:///{database(folder)}")
    with engine.begin() as connection:
        config = AlembicConfig(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, revision)
        named = ("id", "time", "space", "who", "what", "about", "detail")
        for row in rows:
            add = text(f"INSERT INTO audit VALUES ({', '.join(f':{name}' for name in named)})")
            connection.execute(add, dict(zip(named, row, strict=True)))
    engine.dispose()


REVISIONS = [f"{number:04}" for number in range(1, int(NEWEST) + 1)]


@pytest.mark.parametrize("revision", [revision for revision in REVISIONS if revision < "0005"])
async def test_the_rows_of_an_older_database_are_chained_as_they_stand(tmp_path: Path, revision: str) -> None:
    (tmp_path / "lampkeeper.key").touch(mode=0o600)
    (tmp_path / "lampkeeper.key").write_bytes(bytes(32))
    detail = '{"level": "review", "probability": 0.5}'
    numbers = [2, 3, 7]
    old(
        tmp_path,
        revision,
        [(n, NOW + n, SPACE, FORGOTTEN if n == 3 else "who", "alert opened", "case", detail) for n in numbers],
    )
    with looking(database(tmp_path)) as connection, pytest.raises(AuditError, match="older version"):
        verify(connection, [], ())
    assert write(heads_file(tmp_path), database(tmp_path), vault_of(tmp_path), NOW, "asked") is None
    await record(tmp_path, deed(9))
    sign(tmp_path)
    found = verdict(tmp_path)
    assert found.problems == []
    assert found.rows == 9
    rows = await cells(tmp_path, "id", "who", "what", "detail")
    assert [row[0] for row in rows] == [*numbers, 8, 9]
    assert rows[0][1:] == ("who", "alert opened", json.loads(detail))
    assert rows[3][2:] == (
        "parts erased",
        {"because": "deleted before there was a chain", "erased": dict.fromkeys(PARTS, "1,4-6")},
    )
    with by_hand(tmp_path) as connection:
        connection.execute("UPDATE audit SET about = '' WHERE id = 7")
    assert named(tmp_path) == {7}


async def test_an_older_database_without_any_audit_is_brought_up_to_date(tmp_path: Path) -> None:
    (tmp_path / "lampkeeper.key").touch(mode=0o600)
    (tmp_path / "lampkeeper.key").write_bytes(bytes(32))
    old(tmp_path, "0004", [])
    await record(tmp_path, deed(1))
    sign(tmp_path)
    assert verdict(tmp_path).problems == []
