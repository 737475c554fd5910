"""Dropping keys is deletion: what it takes from copies of the database, what it leaves, and what a crash may do."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from structlog.testing import capture_logs

from core import audit
from core.errors import VaultError
from core.guard import Guard
from core.retention.rules import DAY
from core.store import Store, scopes
from core.store.scopes import SEALED, sealed_columns
from core.vault import BLIND, FORMER, KEY_CHECK, Keys, Vault, _joined, new_keys
from core.vault.keyring import Keyring
from core.vault.master import derive
from core.vault.places import PLACES, Scope, about_of, scope_of
from tests.discord_stage import until
from tests.support import Board, engine, lampkeeper, slow_talk, vault_of
from tests.test_retention import (
    ACTOR,
    ELSEWHERE,
    MODERATOR,
    NOW,
    SPACE,
    TARGET,
    fill_every_table,
    line,
    reopened,
)

LATER = NOW + 8 * DAY


class Sealed(NamedTuple):
    """A sealed value as it stands in a database, and where."""

    about: tuple[str, ...]
    value: bytes


def sealed_values(database: Path) -> list[Sealed]:
    found = []
    with closing(sqlite3.connect(database)) as opened:
        opened.row_factory = sqlite3.Row
        for name, table in SEALED.items():
            for row in opened.execute(f"SELECT * FROM {name}"):
                values = ((column, row[column]) for column in sealed_columns(table))
                found += [Sealed(about_of(name, dict(row), column), value) for column, value in values if value]
    return found


def opens(vault: Vault, sealed: Sealed, place: tuple[str, ...] | None = None) -> bool:
    try:
        vault.open(sealed.value, place or sealed.about)
    except VaultError:
        return False
    return True


def copied(folder: Path) -> Path:
    """Copy the database, as a backup does."""
    backup = folder / "backup.db"
    with (
        closing(sqlite3.connect(folder / "lampkeeper.db")) as database,
        closing(sqlite3.connect(backup)) as copy,
    ):
        database.backup(copy)
    return backup


def cases_of(database: Path, vault: Vault, space: str, person: str) -> set[Scope]:
    who = vault.blind(space, person)
    with closing(sqlite3.connect(database)) as opened:
        query = "SELECT alert FROM alerts WHERE space = ? AND ? IN (actor, target)"
        return {("case", alert) for (alert,) in opened.execute(query, (space, who))}


async def test_every_sealed_value_stands_where_the_table_of_places_says_and_moved_to_another_row_does_not_open(
    tmp_path: Path,
) -> None:
    await fill_every_table(tmp_path, Board())
    vault, values = vault_of(tmp_path), sealed_values(tmp_path / "lampkeeper.db")
    assert {sealed.about[0] for sealed in values} == set(PLACES) - {"slack"}
    assert all(opens(vault, sealed) for sealed in values)
    for one in values:
        same_column = [other for other in values if other.about[0] == one.about[0] and other.about != one.about]
        assert not any(opens(vault, one, other.about) for other in same_column[:20])


async def test_a_copy_made_before_a_person_was_forgotten_cannot_be_read_for_their_cases_while_others_can(
    tmp_path: Path,
) -> None:
    await fill_every_table(tmp_path, Board())
    backup = copied(tmp_path)
    gone = cases_of(backup, vault_of(tmp_path), SPACE, TARGET)
    before = sealed_values(backup)
    assert {scope_of(sealed.about) for sealed in before} > gone
    async with lampkeeper(tmp_path, clock=lambda: LATER) as guard:
        await guard.forget_person(SPACE, TARGET)
    vault = vault_of(tmp_path)
    assert gone
    for sealed in before:
        assert opens(vault, sealed) == (scope_of(sealed.about) not in gone), sealed.about[0]


async def test_a_copy_made_before_a_space_was_forgotten_cannot_be_read_for_it_while_other_spaces_can(
    tmp_path: Path,
) -> None:
    await fill_every_table(tmp_path, Board())
    backup = copied(tmp_path)
    with closing(sqlite3.connect(backup)) as opened:
        query = opened.execute("SELECT alert FROM alerts WHERE space = ?", (SPACE,))
        gone = {("space", SPACE)} | {("case", alert) for (alert,) in query}
    before = sealed_values(backup)
    async with lampkeeper(tmp_path, clock=lambda: LATER) as guard:
        await guard.forget_space(SPACE)
    vault = vault_of(tmp_path)
    assert SPACE.encode() not in (tmp_path / "lampkeeper.keyring").read_bytes()
    for sealed in before:
        assert opens(vault, sealed) == (scope_of(sealed.about) not in gone), sealed.about[0]
    assert ("space", ELSEWHERE.space) in vault.scopes


async def test_a_forgotten_space_with_a_held_case_keeps_that_case_and_of_copies_nothing_else(tmp_path: Path) -> None:
    board = Board()
    async with lampkeeper(tmp_path, deliverers=[board]) as guard:
        for number, text in enumerate(slow_talk()):
            await guard.receive(line(number, text))
            await guard.receive(line(number + 50, text, TARGET, ACTOR))
        await guard.settled()
        held, other = (card.alert for card in board.cards.values())
        await guard.desk.hold(held, MODERATOR)
        backup = copied(tmp_path)
        assert await guard.forget_space(SPACE) == 1
        assert [shown.text for shown in await guard.desk.excerpt(held, MODERATOR)]
    vault = vault_of(tmp_path)
    for sealed in sealed_values(backup):
        assert opens(vault, sealed) == (scope_of(sealed.about) in {("case", held), ("master", "")}), sealed.about
    assert all(opens(vault, sealed) for sealed in sealed_values(tmp_path / "lampkeeper.db"))
    assert vault.retired == []
    assert ("case", other) not in vault.scopes


@pytest.mark.parametrize("held", [True, False])
async def test_a_copy_that_is_put_back_brings_nothing_back_that_was_deleted_and_lampkeeper_starts(
    tmp_path: Path, *, held: bool
) -> None:
    await fill_every_table(tmp_path, Board())
    backup = copied(tmp_path)
    async with lampkeeper(tmp_path, clock=lambda: LATER) as guard:
        if held:
            _, alert = next(iter(cases_of(backup, guard.ledger.vault, SPACE, TARGET)))
            await guard.desk.hold(alert, MODERATOR)
        await guard.forget_space(SPACE)
        await guard.receive(line(1, "hello after it came back", time=LATER))
        await guard.settled()
    shutil.copyfile(backup, tmp_path / "lampkeeper.db")
    for left in ("lampkeeper.db-wal", "lampkeeper.db-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    async with lampkeeper(tmp_path, clock=lambda: LATER, deliverers=[Board()]) as guard:
        await guard.receive(line(2, "hello once more", time=LATER))
        await guard.settled()
        await guard.keep_house()
        assert guard.skipped == 0
    after = sealed_values(tmp_path / "lampkeeper.db")
    vault = vault_of(tmp_path)
    assert all(opens(vault, sealed) for sealed in after)
    assert {sealed.about[2] for sealed in after if sealed.about[:2] == ("messages", ELSEWHERE.space)}
    here = [sealed.about for sealed in after if sealed.about[:2] == ("messages", SPACE)]
    assert [about[3] for about in here] == ["m2"]


async def test_a_keyring_older_than_the_database_is_refused_and_nothing_is_deleted(tmp_path: Path) -> None:
    await (await reopened(tmp_path)).close()
    shutil.copyfile(tmp_path / "lampkeeper.keyring", tmp_path / "older")
    await fill_every_table(tmp_path, Board())
    before = sealed_values(tmp_path / "lampkeeper.db")
    newest = (tmp_path / "lampkeeper.keyring").read_bytes()
    (tmp_path / "lampkeeper.keyring").write_bytes((tmp_path / "older").read_bytes())
    with pytest.raises(VaultError, match=r"keyring is older.*newest copy"):
        await reopened(tmp_path)
    assert sealed_values(tmp_path / "lampkeeper.db") == before
    (tmp_path / "lampkeeper.keyring").write_bytes(newest)
    await (await reopened(tmp_path)).close()


async def test_a_keyring_from_before_a_deletion_is_refused_and_what_was_said_since_stays(tmp_path: Path) -> None:
    """The space was deleted, and is there again: its first key was dropped, its second is not in the older copy."""
    keyring, older, newest = (tmp_path / name for name in ("lampkeeper.keyring", "older", "newest"))
    for copy, dropped in ((older, True), (newest, False)):
        async with lampkeeper(tmp_path) as guard:
            await guard.receive(line(1, "hello there"))
            await guard.settled()
            if dropped:
                await guard.forget_space(SPACE)
        shutil.copyfile(keyring, copy)
    before = sealed_values(tmp_path / "lampkeeper.db")
    assert "messages" in {sealed.about[0] for sealed in before}
    keyring.write_bytes(older.read_bytes())
    with pytest.raises(VaultError, match=r"keyring is older.*newest copy"):
        await reopened(tmp_path)
    assert sealed_values(tmp_path / "lampkeeper.db") == before
    keyring.write_bytes(newest.read_bytes())
    async with lampkeeper(tmp_path):
        assert all(opens(vault_of(tmp_path), sealed) for sealed in sealed_values(tmp_path / "lampkeeper.db"))


async def test_a_keyring_from_before_its_first_deletion_is_refused_when_it_stands_beside_what_came_after(
    tmp_path: Path,
) -> None:
    keyring, older = tmp_path / "lampkeeper.keyring", tmp_path / "older"
    async with lampkeeper(tmp_path) as guard:
        await guard.receive(line(1, "hello there"))
        await guard.settled()
        shutil.copyfile(keyring, older)
        await guard.forget_space(SPACE)
    keyring.write_bytes(older.read_bytes())
    with pytest.raises(VaultError, match=r"keyring is older.*newest copy"):
        await reopened(tmp_path)


async def test_an_older_copy_of_the_database_opens_with_the_newest_keyring(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        await guard.receive(line(1, "hello there"))
        await guard.settled()
    older = copied(tmp_path)
    async with lampkeeper(tmp_path) as guard:
        await guard.receive(line(2, "hello elsewhere")._replace(key=ELSEWHERE))
        await guard.settled()
    for left in ("lampkeeper.db-wal", "lampkeeper.db-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    older.replace(tmp_path / "lampkeeper.db")
    await (await reopened(tmp_path)).close()
    assert all(opens(vault_of(tmp_path), sealed) for sealed in sealed_values(tmp_path / "lampkeeper.db"))


async def test_a_space_of_which_nothing_is_sealed_yet_needs_no_key(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        await guard.communities.arrive("test:new")
    async with lampkeeper(tmp_path) as guard:
        assert await guard.communities.arrive("test:new") == "known"
        assert ("space", "test:new") not in guard.ledger.vault.scopes


@pytest.mark.parametrize("trouble", ["locked", "gone"])
async def test_messages_of_a_new_space_wait_while_its_key_cannot_be_made_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("core.vault.keyring.BUSY_SECONDS", 0.05)
    keyring, away = tmp_path / "lampkeeper.keyring", tmp_path / "away"
    async with lampkeeper(tmp_path) as guard:
        with (
            capture_logs() as logs,
            closing(sqlite3.connect(keyring, isolation_level=None)) as browser,
        ):
            if trouble == "gone":
                keyring.rename(away)
            else:
                browser.execute("BEGIN EXCLUSIVE")
            await guard.receive(line(1, "hello there"))
            await until(lambda: any(entry["event"] == "guard.cannot_write" for entry in logs))
            assert "keyring" in str(logs)
        if trouble == "gone":
            away.rename(keyring)
        await guard.settled()
        assert guard.skipped == 0
    here = [sealed for sealed in sealed_values(tmp_path / "lampkeeper.db") if sealed.about[0] == "messages"]
    assert [opens(vault_of(tmp_path), sealed) for sealed in here] == [True]


class CrashError(Exception):
    """Stands for the end of the process."""


async def test_a_crash_after_a_deletion_leaves_its_keys_to_the_next_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill_every_table(tmp_path, Board())
    before = sealed_values(copied(tmp_path))

    async def crash(_store: Store) -> None:
        raise CrashError

    store = await reopened(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "checkpoint", crash)
        with pytest.raises(CrashError):
            await Guard(engine(), store, clock=lambda: LATER).forget_space(SPACE)
    await store.close()
    assert any(opens(vault_of(tmp_path), sealed) for sealed in before if SPACE in sealed.about)
    store = await reopened(tmp_path)
    await Guard(engine(), store, clock=lambda: LATER).keep_house()
    await store.close()
    vault = vault_of(tmp_path)
    assert not any(opens(vault, sealed) for sealed in before if SPACE in sealed.about)
    assert any(opens(vault, sealed) for sealed in before if ELSEWHERE.space in sealed.about)


async def test_a_deletion_that_is_undone_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill_every_table(tmp_path, Board())
    before = sealed_values(tmp_path / "lampkeeper.db")

    async def fail(*_args: object) -> None:
        raise CrashError

    store = await reopened(tmp_path)
    guard = Guard(engine(), store, clock=lambda: LATER)
    with monkeypatch.context() as patched:
        patched.setattr(audit, "record", fail)
        with pytest.raises(CrashError):
            await guard.forget_person(SPACE, TARGET)
    assert store.vault.retired
    await store.checkpoint()
    assert store.vault.retired == []
    after = sealed_values(tmp_path / "lampkeeper.db")
    assert [sealed.about for sealed in after] == [sealed.about for sealed in before]
    assert all(opens(store.vault, sealed) for sealed in after)
    await store.close()


async def test_what_comes_in_between_a_deletion_and_the_end_of_its_keys_stays_readable(tmp_path: Path) -> None:
    async with lampkeeper(tmp_path) as guard:
        await guard.receive(line(1, "hello there"))
        await guard.settled()
        backup = copied(tmp_path)
        vault = guard.ledger.vault
        vault.retire([("space", SPACE)])
        await guard.receive(line(2, "hello again"))
        await guard.settled()
        await guard.ledger.store.checkpoint()
    vault = vault_of(tmp_path)
    assert all(opens(vault, sealed) for sealed in sealed_values(tmp_path / "lampkeeper.db"))
    assert not any(opens(vault, sealed) for sealed in sealed_values(backup) if SPACE in sealed.about)


async def test_keys_are_not_dropped_while_the_keyring_is_locked_and_are_with_the_next_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill_every_table(tmp_path, Board())
    before = sealed_values(copied(tmp_path))
    async with lampkeeper(tmp_path, clock=lambda: LATER) as guard:
        with closing(sqlite3.connect(tmp_path / "lampkeeper.keyring", isolation_level=None)) as browser:
            retire = Vault.retire

            def then_lock(vault: Vault, these: list[Scope]) -> None:
                retire(vault, these)
                browser.execute("BEGIN EXCLUSIVE")

            with monkeypatch.context() as patched:
                patched.setattr("core.vault.keyring.BUSY_SECONDS", 0.05)
                patched.setattr(Vault, "retire", then_lock)
                await guard.forget_space(SPACE)
        assert ("space", SPACE) in guard.ledger.vault.retired
        await guard.keep_house()
    vault = vault_of(tmp_path)
    assert not any(opens(vault, sealed) for sealed in before if SPACE in sealed.about)


# --- what the version before sealed ----------------------------------------------------------------------------------


def former_sealer(key: bytes) -> Callable[[bytes, tuple[str, ...]], bytes]:
    """Seal as the version before did: one key, and what tables number themselves bound to table and column only."""
    root, salt, numbers = derive(key, b"lampkeeper seal"), secrets.token_bytes(16), count()
    cipher = AESGCM(derive(root, b"lampkeeper process", salt))

    def seal(data: bytes, about: tuple[str, ...]) -> bytes:
        place = (about[0], about[-1]) if about[0] in {"actions", "requests"} else about
        nonce = next(numbers).to_bytes(12)
        return salt + nonce + cipher.encrypt(nonce, data, _joined(place))

    return seal


async def a_former_database(folder: Path) -> dict[tuple[str, ...], bytes]:
    """Make a database as the version before left it, with its key file; return what is sealed in it, in the open."""
    keys, key = Keys.beside(folder / "lampkeeper.key"), secrets.token_bytes(32)
    keys.key_file.touch(mode=0o600)
    keys.key_file.write_bytes(key)
    Keyring.make(keys.keyring, keys.read, new_keys() | {BLIND: derive(key, b"lampkeeper blind")})
    await fill_every_table(folder, Board())
    vault, seal = vault_of(folder), former_sealer(key)
    plain = {sealed.about: vault.open(sealed.value, sealed.about) for sealed in sealed_values(folder / "lampkeeper.db")}
    plain[KEY_CHECK] = b"lampkeeper"  # that version counted nothing
    with closing(sqlite3.connect(folder / "lampkeeper.db")) as database, database:
        database.row_factory = sqlite3.Row
        for name, table in SEALED.items():
            for row in database.execute(f"SELECT * FROM {name}").fetchall():
                for column in sealed_columns(table):
                    if row[column]:
                        about = about_of(name, dict(row), column)
                        new = seal(plain[about], about)
                        where = " AND ".join(f"{primary.name} = :{primary.name}" for primary in table.primary_key)
                        database.execute(f"UPDATE {name} SET {column} = :new WHERE {where}", {**dict(row), "new": new})
    keys.keyring.unlink()
    del plain[KEY_CHECK]
    return plain


async def test_a_database_of_the_version_before_opens_and_is_sealed_anew(tmp_path: Path) -> None:
    plain = await a_former_database(tmp_path)
    former = sealed_values(tmp_path / "lampkeeper.db")
    async with lampkeeper(tmp_path, clock=lambda: LATER) as guard:
        assert FORMER in guard.ledger.vault.retired
        cards = [await guard.desk.card(about[1]) for about in plain if about[0] == "alerts" and about[-1] == "sealed"]
        assert all(card is not None and card.actions for card in cards[:1])
        await guard.keep_house()
        assert guard.ledger.vault.retired == []
    vault = vault_of(tmp_path)
    after = {
        sealed.about: vault.open(sealed.value, sealed.about) for sealed in sealed_values(tmp_path / "lampkeeper.db")
    }
    assert {about: after.get(about) for about in plain if about[0] != "conversations"} == {
        about: value for about, value in plain.items() if about[0] != "conversations"
    }
    assert not any(opens(vault, sealed) for sealed in former)


async def test_a_database_of_the_version_before_is_refused_with_another_key_file_and_left_alone(tmp_path: Path) -> None:
    await a_former_database(tmp_path)
    (tmp_path / "lampkeeper.key").write_bytes(bytes(32))
    with pytest.raises(VaultError, match=r"not the one this database.*backup"):
        await reopened(tmp_path)
    assert not (tmp_path / "lampkeeper.keyring").exists()


async def test_a_keyring_lost_after_the_first_start_is_not_taken_for_a_database_of_the_version_before(
    tmp_path: Path,
) -> None:
    await a_former_database(tmp_path)
    await (await reopened(tmp_path)).close()
    (tmp_path / "lampkeeper.keyring").unlink()
    with pytest.raises(VaultError, match=r"keyring .* is missing.*backup"):
        await reopened(tmp_path)


async def test_sealing_anew_that_is_cut_short_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await a_former_database(tmp_path)
    monkeypatch.setattr(scopes, "ROWS_AT_ONCE", 7)
    store = await reopened(tmp_path)
    with monkeypatch.context() as patched:
        pages, page = count(), scopes._page

        async def some(*args: object) -> object:
            if next(pages) == 6:
                raise CrashError
            return await page(*args)  # type: ignore[arg-type]

        patched.setattr(scopes, "_page", some)
        with pytest.raises(CrashError):
            await store.finish_checkpoint()
    await store.close()
    store = await reopened(tmp_path)
    assert FORMER in store.vault.retired
    await store.finish_checkpoint()
    assert store.vault.retired == []
    values = [sealed for sealed in sealed_values(tmp_path / "lampkeeper.db") if sealed.about != KEY_CHECK]
    assert {sealed.about: store.vault.open(sealed.value, sealed.about) for sealed in values} == plain
    await store.close()


async def test_a_copied_folder_opens_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    async with lampkeeper(folder) as guard:
        await guard.receive(line(1, "hello there"))
        await guard.settled()
    shutil.copytree(folder, tmp_path / "two")
    vault = vault_of(tmp_path / "two")
    assert all(opens(vault, sealed) for sealed in sealed_values(tmp_path / "two" / "lampkeeper.db"))
