"""What is sealed opens only where it was sealed and under the key of its own space or case; pseudonyms; signatures."""

from __future__ import annotations

import string

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import VaultError
from core.store.scopes import SEALED, sealed_columns
from core.store.tables import metadata
from core.vault import KEY_BYTES, Loose, Vault, new_keys
from core.vault.places import PLACES, about_of, scope_of

VAULT = Vault(Loose(new_keys()))
NAMES = st.text(st.characters() | st.sampled_from(string.ascii_letters), max_size=8)
ABOUTS = st.tuples(st.sampled_from(sorted(PLACES)), NAMES, NAMES, st.sampled_from(["state", "body", "sealed"]))


@given(st.binary(max_size=200), ABOUTS, ABOUTS)
def test_a_sealed_value_opens_only_where_it_was_sealed(
    data: bytes, here: tuple[str, ...], there: tuple[str, ...]
) -> None:
    sealed = VAULT.seal(data, here)
    assert VAULT.open(sealed, here) == data
    if here != there:
        with pytest.raises(VaultError):
            VAULT.open(sealed, there)


@given(ABOUTS, st.integers(0, 3), NAMES)
def test_a_value_moved_to_another_table_row_or_column_does_not_open(
    here: tuple[str, ...], part: int, other: str
) -> None:
    there = (*here[:part], other if part else "people", *here[part + 1 :])
    assume(there != here)
    sealed = VAULT.seal(b"some text", here)
    with pytest.raises(VaultError):
        VAULT.open(sealed, there)


@given(NAMES, NAMES)
def test_the_key_of_one_case_opens_nothing_of_another(one: str, other: str) -> None:
    assume(one != other)
    keys = new_keys()
    first, second = Vault(Loose(keys)), Vault(Loose(keys))
    sealed = first.seal(b"some text", ("alerts", one, "sealed"))
    second.prepare([("case", one), ("case", other)])
    for of in (one, other):  # even bound to the same place, other keys than the first vault's do not open it
        with pytest.raises(VaultError):
            second.open(sealed, ("alerts", of, "sealed"))


@given(st.data())
def test_a_sealed_value_that_was_changed_anywhere_does_not_open(data: st.DataObject) -> None:
    about = ("alerts", "a1", "sealed")
    sealed = bytearray(VAULT.seal(b"some text", about))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError):
        VAULT.open(bytes(sealed), about)


@given(st.integers(0, 43))
def test_a_sealed_value_that_was_cut_short_is_refused_like_any_other_damage(length: int) -> None:
    about = ("alerts", "a1", "sealed")
    with pytest.raises(VaultError):
        VAULT.open(VAULT.seal(b"", about)[:length], about)


def test_the_same_text_sealed_twice_does_not_look_the_same() -> None:
    about = ("alerts", "a1", "sealed")
    assert VAULT.seal(b"hello", about) != VAULT.seal(b"hello", about)


def test_what_is_sealed_with_a_retired_key_opens_until_the_key_is_dropped_and_nothing_new_is_sealed_with_it() -> None:
    vault = Vault(Loose(new_keys()))
    about = ("alerts", "a1", "sealed")
    before = vault.seal(b"before", about)
    elsewhere = vault.seal(b"elsewhere", ("alerts", "a2", "sealed"))
    vault.retire([("case", "a1")])
    after = vault.seal(b"after", about)
    assert (vault.open(before, about), vault.open(after, about)) == (b"before", b"after")
    again = vault.anew(before, about)
    assert again is not None
    assert vault.anew(again, about) is None
    vault.drop(vault.retired)
    with pytest.raises(VaultError):
        vault.open(before, about)
    assert (vault.open(after, about), vault.open(again, about)) == (b"after", b"before")
    assert vault.open(elsewhere, ("alerts", "a2", "sealed")) == b"elsewhere"


def test_every_table_that_seals_says_whose_key_it_is_under_and_what_tells_its_rows_apart() -> None:
    assert set(SEALED) == set(PLACES) - {"slack"}
    for name, place in PLACES.items():
        if name == "slack":
            continue
        table = metadata.tables[name]
        unique = [{column.name for column in table.primary_key}]
        unique += [
            {column.name for column in constraint.columns}
            for constraint in table.constraints
            if hasattr(constraint, "columns") and type(constraint).__name__ == "UniqueConstraint"
        ]
        assert any(some <= set(place.row) for some in unique), name
        if place.kind != "master":
            assert place.row[0] == {"space": "space", "case": "alert"}[place.kind]
        row = {column: f"the {column}" for column in place.row}
        for column in sealed_columns(table):
            scope_of(about_of(name, row, column))


def test_pseudonyms_are_equal_for_one_person_and_differ_by_person_space_and_key() -> None:
    keys = new_keys()
    vault, again, other = Vault(Loose(keys)), Vault(Loose(keys)), Vault(Loose(new_keys()))
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


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_signature_is_checked_with_the_verify_key_and_fits_only_what_was_signed(data: bytes, other: bytes) -> None:
    assert len(VAULT.verify_key) == KEY_BYTES
    public = Ed25519PublicKey.from_public_bytes(VAULT.verify_key)
    public.verify(VAULT.sign(data), data)
    if data != other:
        with pytest.raises(InvalidSignature):
            public.verify(VAULT.sign(data), other)
