"""The master key and the keyring: where they come from, what can be wrong with them, and another master key."""

from __future__ import annotations

import base64
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest

import core.vault.keyring
import core.vault.master
from core.errors import StoreError, VaultError
from core.vault import KEY_BYTES, Keys, Vault, open_vault
from core.vault.keyring import Keyring
from core.vault.master import fingerprint
from core.vault.rotate import rotate
from tests.support import ROOT

ABOUT = ("alerts", "a1", "sealed")
MASTER = bytes(range(KEY_BYTES))
OTHER = b"another key, also thirty-two by."
TURNING = """
import sys
from pathlib import Path
from core.vault import Keys
from core.vault.rotate import rotate
print("begins", flush=True)
while True:
    rotate(Keys.beside(Path(sys.argv[1])))
"""


def beside(folder: Path) -> Keys:
    return Keys.beside(folder / "lampkeeper.key")


def opened(keys: Keys) -> Vault:
    return open_vault(keys, None)


def private(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


# --- the key file ----------------------------------------------------------------------------------------------------


def test_key_file_and_keyring_are_made_at_first_start_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    opened(beside(tmp_path))
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert made == {"lampkeeper.key": 0o600, "lampkeeper.keyring": 0o600}
    assert (tmp_path / "lampkeeper.key").stat().st_size == KEY_BYTES


def test_what_was_sealed_signed_and_blinded_is_the_same_after_a_restart(tmp_path: Path) -> None:
    before = opened(beside(tmp_path))
    sealed = before.seal(b"hello", ABOUT)
    after = opened(beside(tmp_path))
    assert after.open(sealed, ABOUT) == b"hello"
    assert after.verify_key == before.verify_key
    assert after.blind("space", "actor") == before.blind("space", "actor")


def test_no_key_stands_in_the_open_in_the_keyring(tmp_path: Path) -> None:
    vault = opened(beside(tmp_path))
    vault.seal(b"hello", ABOUT)
    raw = (tmp_path / "lampkeeper.keyring").read_bytes()
    assert b"a1" in raw  # what is not wrapped is found this way
    for held in vault._keys.values():
        assert held[0].key not in raw


@pytest.mark.parametrize("name", ["lampkeeper.key", "lampkeeper.keyring"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_of_keys_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int, name: str) -> None:
    opened(beside(tmp_path))
    (tmp_path / name).chmod(mode)
    with pytest.raises(VaultError, match=f"chmod 600 .*{name}"):
        opened(beside(tmp_path))


@pytest.mark.parametrize("size", [0, 16, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_key_file_of_the_wrong_size_is_refused(tmp_path: Path, size: int) -> None:
    private(tmp_path / "lampkeeper.key", bytes(size))
    with pytest.raises(VaultError, match="32 bytes"):
        opened(beside(tmp_path))


def test_a_key_file_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="key_file"):
        opened(beside(tmp_path / "no such folder"))


def test_a_keyring_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"\[storage\] keyring"):
        opened(replace(beside(tmp_path), keyring=tmp_path / "no such folder" / "keyring"))


# --- what can be lost or mixed up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lampkeeper.key", "lampkeeper.keyring"])
def test_a_lost_file_of_keys_is_refused_and_never_made_anew_where_something_was_sealed(
    tmp_path: Path, name: str
) -> None:
    keys = beside(tmp_path)
    check = opened(keys).proof(None)
    (tmp_path / name).unlink()
    with pytest.raises(VaultError, match=r"missing.*backup"):
        open_vault(keys, check)
    assert not (tmp_path / name).exists()


def test_a_keyring_that_does_not_count_its_changes_yet_opens_and_counts_from_now_on(tmp_path: Path) -> None:
    sealed = opened(beside(tmp_path)).seal(b"hello", ABOUT)
    with closing(sqlite3.connect(tmp_path / "lampkeeper.keyring")) as file, file:
        file.execute("DROP TABLE changes")
        file.execute("PRAGMA user_version = 1")
    vault = opened(beside(tmp_path))
    assert vault.open(sealed, ABOUT) == b"hello"
    before = vault.changes
    vault.seal(b"hello", ("alerts", "another", "sealed"))
    assert before < vault.changes == opened(beside(tmp_path)).changes


def test_the_keyring_of_another_database_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    check = opened(beside(tmp_path / "one")).proof(None)
    opened(beside(tmp_path / "two"))
    with pytest.raises(VaultError, match=r"keyring .* is not the one this database.*backup"):
        open_vault(beside(tmp_path / "two"), check)


def test_the_master_key_of_another_keyring_is_refused(tmp_path: Path) -> None:
    keys = beside(tmp_path)
    opened(keys)
    private(keys.key_file, OTHER)
    with pytest.raises(VaultError, match=r"master key is not the one.*backup"):
        opened(keys)


@pytest.mark.parametrize("content", [b"", b"this is no keyring " * 500])
def test_a_damaged_keyring_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    opened(beside(tmp_path))
    private(tmp_path / "lampkeeper.keyring", content)
    with pytest.raises(VaultError, match=r"keyring.*backup"):
        opened(beside(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE keys SET name = 'a2' WHERE kind = 'case'",
        "UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE kind = 'blind') WHERE kind = 'case'",
        "UPDATE keys SET wrapped = x'00' WHERE kind = 'case'",
        "DELETE FROM keys WHERE kind = 'blind'",
    ],
)
def test_a_keyring_in_which_somebody_moved_or_changed_a_key_is_refused(tmp_path: Path, change: str) -> None:
    opened(beside(tmp_path)).seal(b"hello", ABOUT)
    with closing(sqlite3.connect(tmp_path / "lampkeeper.keyring")) as file, file:
        file.execute(change)
    with pytest.raises(VaultError, match="damaged"):
        opened(beside(tmp_path))


def test_a_new_key_waits_for_nobody_longer_than_need_be_and_says_who_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.vault.keyring, "BUSY_SECONDS", 0.05)
    vault = opened(beside(tmp_path))
    vault.seal(b"hello", ABOUT)
    with closing(sqlite3.connect(tmp_path / "lampkeeper.keyring", isolation_level=None)) as browser:
        browser.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"keyring .* is locked by another program"):
            vault.seal(b"hello", ("alerts", "a2", "sealed"))
        vault.seal(b"hello", ABOUT)  # keys that are there need no file
    vault.seal(b"hello", ("alerts", "a2", "sealed"))


# --- where the master key comes from ---------------------------------------------------------------------------------


def written(text: str) -> tuple[str, ...]:
    """A command that writes something."""
    return (sys.executable, "-c", f"import sys; sys.stdout.buffer.write({text})")


@pytest.mark.parametrize(
    "source",
    [
        {"secret": base64.b64encode(MASTER).decode()},
        {"secret": base64.b64encode(MASTER).decode() + "\n"},
        {"command": written(repr(MASTER))},
        {"command": written(repr(base64.b64encode(MASTER) + b"\n"))},
        {},
    ],
    ids=["environment", "environment with a line end", "command", "command in base64", "file"],
)
def test_every_source_gives_the_same_master_key(tmp_path: Path, source: dict[str, str]) -> None:
    if not source:
        private(tmp_path / "lampkeeper.key", base64.b64encode(MASTER))
    keys = Keys(tmp_path / "lampkeeper.key", tmp_path / "lampkeeper.keyring", **source)  # type: ignore[arg-type]
    sealed = opened(keys).seal(b"hello", ABOUT)
    assert (tmp_path / "lampkeeper.key").exists() == (not source)
    private(tmp_path / "lampkeeper.key", MASTER)
    assert opened(beside(tmp_path)).open(sealed, ABOUT) == b"hello"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/command",), "cannot be run"),
        ((sys.executable, "-c", "print('marked'); raise SystemExit('marked')"), "failed"),
        ((sys.executable, "-c", "print('marked')"), "32 bytes"),
        ((sys.executable, "-c", "print('marked', flush=True); import time; time.sleep(60)"), "did not end"),
        (("a\0b",), "cannot be run"),
    ],
)
def test_a_key_command_that_gives_no_key_is_told_without_a_word_of_what_it_wrote(
    tmp_path: Path, command: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.vault.master, "COMMAND_SECONDS", 0.5)
    with pytest.raises(VaultError, match=words) as refused:
        opened(replace(beside(tmp_path), command=command))
    assert "marked" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_holds_no_key_is_told_without_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="LAMPKEEPER_MASTER_KEY") as refused:
        opened(replace(beside(tmp_path), secret="marked"))
    assert "marked" not in str(refused.value)


# --- another master key ----------------------------------------------------------------------------------------------


def test_a_new_master_key_opens_everything_and_the_former_nothing(tmp_path: Path) -> None:
    keys = beside(tmp_path)
    vault = opened(keys)
    sealed, former = vault.seal(b"hello", ABOUT), keys.key_file.read_bytes()
    done = rotate(keys)
    new = keys.key_file.read_bytes()
    assert done == (fingerprint(former), fingerprint(new), True)
    assert former != new
    after = opened(keys)
    assert after.open(sealed, ABOUT) == b"hello"
    assert (after.verify_key, after.blind("s", "p")) == (vault.verify_key, vault.blind("s", "p"))
    private(keys.key_file, former)
    with pytest.raises(VaultError, match="not the one"):
        opened(keys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lampkeeper.key", "lampkeeper.keyring"]


def test_a_running_process_goes_on_and_adds_keys_under_the_new_master_key(tmp_path: Path) -> None:
    keys = beside(tmp_path)
    running = opened(keys)
    sealed = {"a1": running.seal(b"a1", ABOUT)}
    for number in range(3):
        rotate(keys)
        name = f"after {number}"
        sealed[name] = running.seal(name.encode(), ("alerts", name, "sealed"))
    for vault in (running, opened(keys)):
        assert {name: vault.open(value, ("alerts", name, "sealed")).decode() for name, value in sealed.items()} == {
            name: name for name in sealed
        }


def test_a_process_that_cannot_get_at_the_new_master_key_says_so_and_seals_nothing_it_could_not_open(
    tmp_path: Path,
) -> None:
    former = replace(beside(tmp_path), secret=base64.b64encode(MASTER).decode())
    running = opened(former)
    sealed = running.seal(b"hello", ABOUT)
    rotate(former, private(tmp_path / "new", OTHER))
    opened(replace(former, secret=base64.b64encode(OTHER).decode()))
    assert running.open(sealed, ABOUT) == b"hello"
    with pytest.raises(StoreError, match="Restart"):
        running.seal(b"hello", ("alerts", "a2", "sealed"))


def test_an_announced_master_key_takes_over_when_it_is_in_place_and_until_then_the_former_works(
    tmp_path: Path,
) -> None:
    former = replace(beside(tmp_path), secret=base64.b64encode(MASTER).decode())
    next_one = replace(former, secret=None, command=written(repr(OTHER)))
    sealed = {"a1": opened(former).seal(b"a1", ABOUT)}
    done = rotate(former, private(tmp_path / "new", base64.b64encode(OTHER)))
    assert done == (fingerprint(MASTER), fingerprint(OTHER), False)
    sealed["a2"] = opened(former).seal(b"a2", ("alerts", "a2", "sealed"))
    assert Keyring(former.keyring, next_one.read).standing() == (fingerprint(MASTER), fingerprint(OTHER))
    assert rotate(next_one) == (fingerprint(MASTER), fingerprint(OTHER), True)
    after = opened(next_one)
    assert [after.open(value, ("alerts", name, "sealed")).decode() for name, value in sealed.items()] == list(sealed)
    with pytest.raises(VaultError, match="not the one"):
        opened(former)


def test_what_cannot_be_rotated_is_told_with_the_remedy(tmp_path: Path) -> None:
    keys = replace(beside(tmp_path), secret=base64.b64encode(MASTER).decode())
    opened(keys)
    with pytest.raises(VaultError, match="--new-from"):
        rotate(keys)
    with pytest.raises(VaultError, match="in use"):
        rotate(keys, private(tmp_path / "same", MASTER))
    (tmp_path / "same").chmod(0o644)
    with pytest.raises(VaultError, match="chmod 600"):
        rotate(keys, tmp_path / "same")


@pytest.mark.parametrize("step", ["announce", "write_file", "succeed"])
def test_a_crash_before_any_step_leaves_a_keyring_that_opens_and_can_be_rotated(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = beside(tmp_path)
    running = opened(keys)
    sealed = running.seal(b"hello", ABOUT)

    def crash(*_args: object, **_more: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if step == "write_file":
            patched.setattr("core.vault.rotate.write_file", crash)
        elif step == "announce":
            patched.setattr(Keyring, "announce", crash)
        else:
            succeed, calls = Keyring.succeed, count()

            def crash_at_last(keyring: Keyring) -> bool:
                return crash() if next(calls) else succeed(keyring)

            patched.setattr(Keyring, "succeed", crash_at_last)
        with pytest.raises(KeyboardInterrupt):
            rotate(keys)
    meanwhile = running.seal(b"meanwhile", ("alerts", "a2", "sealed"))
    for _ in range(2):
        vault = opened(keys)
        assert vault.open(sealed, ABOUT) == b"hello"
        assert vault.open(meanwhile, ("alerts", "a2", "sealed")) == b"meanwhile"
        assert rotate(keys).done


def test_a_process_killed_at_any_moment_of_a_rotation_leaves_a_keyring_that_opens(tmp_path: Path) -> None:
    keys = beside(tmp_path)
    running = opened(keys)
    sealed = [running.seal(b"hello", ("alerts", str(number), "sealed")) for number in range(40)]
    for turn in range(12):
        turning = subprocess.Popen(
            [sys.executable, "-c", TURNING, str(keys.key_file)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert turning.stdout is not None
        turning.stdout.readline()
        time.sleep(0.003 * turn)
        turning.send_signal(signal.SIGKILL)
        turning.wait()
        turning.stdout.close()
        name = f"after {turn}"
        sealed.append(running.seal(b"hello", ("alerts", name, "sealed")))
        vault = opened(keys)
        assert all(
            vault.open(value, ("alerts", str(number), "sealed")) == b"hello" for number, value in enumerate(sealed[:40])
        )
        assert vault.open(sealed[-1], ("alerts", name, "sealed")) == b"hello"
    rotate(keys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lampkeeper.key", "lampkeeper.keyring"]
