"""The key file and what is sealed with it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import VaultError
from core.vault import KEY_BYTES, Vault, open_vault

PLACES = st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple)


def test_the_key_file_is_made_at_first_start_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    open_vault(tmp_path / "key", tmp_path / "database")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (tmp_path / "key").stat().st_size == KEY_BYTES
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_was_sealed_opens_after_a_restart(tmp_path: Path) -> None:
    sealed = open_vault(tmp_path / "key", tmp_path / "database").seal(b"hello", ("t", "1"))
    assert open_vault(tmp_path / "key", tmp_path / "database").open(sealed, ("t", "1")) == b"hello"


def test_a_missing_key_file_is_refused_when_a_database_exists(tmp_path: Path) -> None:
    (tmp_path / "database").write_bytes(b"something")
    with pytest.raises(VaultError, match=r"missing.*backup"):
        open_vault(tmp_path / "key", tmp_path / "database")
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    open_vault(tmp_path / "key", tmp_path / "database")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(VaultError, match="chmod 600"):
        open_vault(tmp_path / "key", tmp_path / "database")


@pytest.mark.parametrize("size", [0, 16, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_key_file_of_the_wrong_size_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "key").write_bytes(bytes(size))
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(VaultError, match="32 bytes"):
        open_vault(tmp_path / "key", tmp_path / "database")


def test_a_key_file_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="key_file"):
        open_vault(tmp_path / "no such folder" / "key", tmp_path / "database")


@given(st.binary(max_size=200), PLACES, PLACES)
def test_a_sealed_value_opens_only_where_it_was_sealed(
    data: bytes, here: tuple[str, ...], there: tuple[str, ...]
) -> None:
    vault = Vault(bytes(KEY_BYTES))
    sealed = vault.seal(data, here)
    assert vault.open(sealed, here) == data
    if here != there:
        with pytest.raises(VaultError):
            vault.open(sealed, there)


@given(st.data())
def test_a_sealed_value_that_was_changed_anywhere_does_not_open(data: st.DataObject) -> None:
    vault = Vault(bytes(KEY_BYTES))
    sealed = bytearray(vault.seal(b"some text", ("t",)))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError):
        vault.open(bytes(sealed), ("t",))


@given(st.integers(0, 43))
def test_a_sealed_value_that_was_cut_short_is_refused_like_any_other_damage(length: int) -> None:
    vault = Vault(bytes(KEY_BYTES))
    with pytest.raises(VaultError):
        vault.open(vault.seal(b"", ("t",))[:length], ("t",))


def test_the_same_text_sealed_twice_does_not_look_the_same() -> None:
    vault = Vault(bytes(KEY_BYTES))
    assert vault.seal(b"hello", ("t",)) != vault.seal(b"hello", ("t",))


def test_pseudonyms_are_equal_for_one_person_and_differ_by_person_space_and_key() -> None:
    vault, again, other = Vault(bytes(KEY_BYTES)), Vault(bytes(KEY_BYTES)), Vault(b"1" * KEY_BYTES)
    assert vault.blind("space", "actor") == again.blind("space", "actor")
    different = {
        vault.blind("space", "actor"),
        vault.blind("space", "target"),
        vault.blind("elsewhere", "actor"),
        vault.blind("spac", "eactor"),
        other.blind("space", "actor"),
    }
    assert len(different) == 5
    assert "actor" not in "".join(different)
