"""`lampkeeper verify`: what was changed by hand is found and named, and a file made to do harm does none."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.commands.verify import verify
from core.errors import ConfigError, ExportError
from core.export.archive import CASE, CONTENTS, MANIFEST, SIGNATURE, SUMS, archive
from core.export.example import example
from core.export.record import Content, beginning, follow
from core.export.verify import MOST_ENTRIES, examine
from tests.archives import (
    COMMUNITY,
    REPORTER,
    STRANGER,
    forgotten,
    merged,
    packed,
    public,
    recomputed,
    signed,
    unpacked,
)

Case = dict[str, Any]
KEY = public(COMMUNITY).hex()


def faults(tmp_path: Path, zipped: bytes, key: bytes | None = None) -> list[str]:
    """What does not hold."""
    path = tmp_path / "case.zip"
    path.write_bytes(zipped)
    return [finding.sentence for finding in examine(path, key) if not finding.holds]


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    files = unpacked(signed(example()))
    return packed((files | {name: change(files[name])}).items())


def case_changed(change: Callable[[Case], object], *, key: Any = None) -> bytes:
    """An archive whose record somebody changed, who then made everything anew that needs no key, or their own."""
    files = unpacked(signed(example()))
    case = json.loads(files[CASE])
    change(case)
    return packed(recomputed(files | {CASE: json.dumps(case).encode()}, key).items())


def chained_anew(case: Case) -> None:
    """Number the items, and make digests and chain anew, as anybody can."""
    chain = beginning(case["case"])
    for number, item in enumerate(case["items"], 1):
        digest = Content.model_validate(item["content"]).digest()
        chain = follow(chain, bytes.fromhex(digest))
        item |= {"number": number, "sha256": digest, "chain": chain.hex()}


# ---- what holds -----------------------------------------------------------------------------------------------------


def test_an_archive_as_it_was_made_holds(tmp_path):
    assert faults(tmp_path, signed(example())) == []
    assert faults(tmp_path, signed(example()), public(COMMUNITY)) == []


def test_it_holds_with_merged_cases_and_where_somebody_was_forgotten(tmp_path):
    assert faults(tmp_path, signed(merged(forgotten()))) == []
    assert any("only the digest is there" in finding.sentence for finding in examine(tmp_path / "case.zip"))


def test_packing_it_again_changes_nothing_that_counts(tmp_path):
    files = unpacked(signed(example()))
    assert faults(tmp_path, packed(reversed(files.items()))) == []


# ---- files changed by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CONTENTS, MANIFEST, SIGNATURE, SUMS])
def test_one_byte_more_in_any_file_is_found(tmp_path, name):
    found = faults(tmp_path, changed(name, lambda data: data + b" "))
    assert found
    if name in CONTENTS:
        assert found == [sentence for sentence in found if sentence.startswith(f"{name} was changed")]


@pytest.mark.parametrize("name", [*CONTENTS, MANIFEST, SIGNATURE, SUMS])
def test_a_file_taken_out_is_found(tmp_path, name):
    files = unpacked(signed(example()))
    del files[name]
    found = faults(tmp_path, packed(files.items()))
    assert found[0].startswith("It is not signed" if name == SIGNATURE else f"{name} is missing")


@pytest.mark.parametrize(
    "name", ["note.txt", "Case.json", "../case.json", "/etc/cron.d/x", "case.json/", "a\\case.json"]
)
def test_a_file_put_in_is_found_and_nothing_is_written(tmp_path, name):
    files = unpacked(signed(example()))
    (found,) = faults(tmp_path, packed((files | {name: b"x"}).items()))
    assert found.endswith("does not belong to it.")
    assert [path.name for path in tmp_path.iterdir()] == ["case.zip"]


def test_a_file_that_is_there_twice_is_found_whichever_comes_first(tmp_path):
    files = unpacked(signed(example()))
    for entries in ([(CASE, b"{}"), *files.items()], [*files.items(), (CASE, b"{}")]):
        with pytest.warns(UserWarning, match="Duplicate name"):
            zipped = packed(entries)
        assert f"'{CASE}' is there 2 times." in faults(tmp_path, zipped)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.data())
def test_any_one_byte_of_any_file_is_found(tmp_path, data):
    files = unpacked(signed(example()))
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    flip = data.draw(st.integers(1, 255))
    other = bytearray(files[name])
    other[at] ^= flip
    assert faults(tmp_path, packed((files | {name: bytes(other)}).items()))


# ---- the record changed by hand, and everything made anew that needs no key -----------------------------------------


def retext(case: Case) -> None:
    case["items"][2]["content"]["text"] = "something else"


def test_a_changed_message_is_named(tmp_path):
    found = faults(tmp_path, case_changed(retext))
    assert "Item 3 was changed: its digest is another." in found
    assert any(sentence.startswith("The signature does not fit") for sentence in found)


def test_a_message_taken_out_of_the_middle_breaks_the_chain_there(tmp_path):
    found = faults(tmp_path, case_changed(lambda case: case["items"].pop(4)))
    assert "Item 6 stands at place 5." in found
    assert "The chain does not hold at item 6." in found


def test_a_message_put_in_breaks_the_chain_there(tmp_path):
    found = faults(tmp_path, case_changed(lambda case: case["items"].insert(1, case["items"][0])))
    assert "The chain does not hold at item 1." in found


def test_messages_in_another_order_break_the_chain(tmp_path):
    found = faults(tmp_path, case_changed(lambda case: case["items"].reverse()))
    assert any(sentence.startswith("The chain does not hold") for sentence in found)


def test_another_time_beside_a_message_is_found(tmp_path):
    def redate(case: Case) -> None:
        case["items"][0]["received"] = "2020-01-01T00:00:00Z"

    assert "Item 1 was received at another time than it says." in faults(tmp_path, case_changed(redate))


def retext_and_chain(case: Case) -> None:
    retext(case)
    chained_anew(case)


def reorder_and_chain(case: Case) -> None:
    case["items"].reverse()
    chained_anew(case)


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case["items"].pop(),
        lambda case: case["items"].clear(),
        lambda case: case["items"][0].update(content=None),
        retext_and_chain,
        reorder_and_chain,
        lambda case: case["actor"].update(id="9"),
        lambda case: case["audit"].pop(),
    ],
    ids=["last out", "all out", "text out", "digests anew", "order anew", "another person", "audit"],
)
def test_whoever_makes_everything_anew_without_the_key_is_found_by_the_signature_alone(tmp_path, change):
    (found,) = faults(tmp_path, case_changed(change))
    assert found == f"The signature does not fit: this is not what the holder of the key {KEY} signed."


def test_whoever_signs_with_a_key_of_their_own_is_found_by_the_key_that_was_given(tmp_path):
    zipped = case_changed(retext_and_chain, key=STRANGER)
    (found,) = faults(tmp_path, zipped, public(COMMUNITY))
    assert found == f"It is signed with another key than the one you gave: it names {public(STRANGER).hex()}."


def test_without_a_key_given_the_key_is_shown_and_nobody_is_told_whose_it_is(tmp_path):
    path = tmp_path / "case.zip"
    path.write_bytes(case_changed(lambda _case: None, key=STRANGER))
    (sentence,) = [finding.sentence for finding in examine(path) if "public key" in finding.sentence]
    assert public(STRANGER).hex() in sentence
    assert "Ask the community" in sentence


def test_a_signature_of_the_community_for_something_else_does_not_fit(tmp_path):
    files = unpacked(signed(example()))
    files[SIGNATURE] = COMMUNITY.sign(files[MANIFEST])
    assert [sentence[:26] for sentence in faults(tmp_path, packed(files.items()))] == ["The signature does not fit"]


def test_an_archive_that_is_not_signed_does_not_hold(tmp_path):
    (made,) = archive(example(), REPORTER)
    (found,) = faults(tmp_path, made.data)
    assert found.startswith("It is not signed")


def test_the_record_of_another_case_is_found(tmp_path):
    files, other = unpacked(signed(example())), example().model_copy(update={"case": "other", "items": ()})
    files[CASE] = unpacked(signed(other))[CASE]
    assert "case.json is of another case, or of another time, than the manifest says." in faults(
        tmp_path, packed(files.items())
    )


def test_of_many_faults_some_are_told_and_the_rest_counted(tmp_path):
    files = unpacked(signed(example(100)))
    case = json.loads(files[CASE])
    for item in case["items"]:
        item["content"]["name"] = "friend"
    found = faults(tmp_path, packed((files | {CASE: json.dumps(case).encode()}).items()))
    assert found[-1].endswith("more of this kind.")
    assert len(found) < 40


# ---- files made to do harm ------------------------------------------------------------------------------------------


def zip_of(name: str, data: bytes, method: int = ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with ZipFile(written, "w", method) as zipped:
        zipped.writestr(ZipInfo(name) if method != ZIP_DEFLATED else name, data, method)
    return written.getvalue()


def sized(zipped: bytes, size: int) -> bytes:
    """A zip of one entry whose directory says another size."""
    at = zipped.index(b"PK\x01\x02") + 24
    return zipped[:at] + struct.pack("<I", size) + zipped[at + 4 :]


@pytest.mark.parametrize("data", [b"", b"PK", b"hello", b"PK\x03\x04" + bytes(100), b"\x00" * 1000], ids=repr)
def test_what_is_no_zip_is_told(tmp_path, data):
    (found,) = faults(tmp_path, data)
    assert found.startswith("The file is no zip archive, or a damaged one.")


def test_a_zip_cut_off_anywhere_is_told(tmp_path):
    whole = signed(example())
    for length in range(0, len(whole), 997):
        assert faults(tmp_path, whole[:length])


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    bomb = zip_of(CASE, bytes(300 * 1024 * 1024))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    (found,) = faults(tmp_path, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "larger than 256 MB" in found
    assert peak < 10_000_000


def test_a_zip_that_says_it_is_smaller_than_it_is_is_told(tmp_path):
    (found,) = faults(tmp_path, sized(zip_of(CASE, bytes(10_000_000)), 100))
    assert found.startswith("The file is no zip archive, or a damaged one.")


def test_a_zip_of_very_many_entries_is_not_read(tmp_path):
    (found,) = faults(tmp_path, packed((f"{number}.txt", b"") for number in range(MOST_ENTRIES + 1)))
    assert "entries, which no archive of a case does" in found


def test_an_encrypted_entry_and_one_packed_otherwise_are_told(tmp_path):
    zipped = zip_of(CASE, b"{}")
    at = zipped.index(b"PK\x01\x02") + 8
    (found,) = faults(tmp_path, zipped[:at] + b"\x01" + zipped[at + 1 :])
    assert "encrypted" in found
    (found,) = faults(tmp_path, zip_of(CASE, b"{}", ZIP_BZIP2))
    assert "packed in a way" in found


def test_a_name_that_would_write_on_the_terminal_is_written_out(tmp_path):
    files = unpacked(signed(example()))
    (found,) = faults(tmp_path, packed((files | {"\x1b[2J\u202eexe.fdp" + "x" * 500: b""}).items()))
    assert found.isprintable()
    assert "[U+001B]" in found
    assert len(found) < 200


@pytest.mark.parametrize(
    "data",
    [b"", b"[" * 100_000, b'{"a":' * 100_000, b"null", b"[]", b"1" * 10_000, b"\xff\xfe", b'"\\ud800"', b"NaN"],
    ids=lambda data: repr(data[:8]),
)
@pytest.mark.parametrize("name", [CASE, MANIFEST])
def test_json_made_to_do_harm_is_told(tmp_path, name, data):
    assert faults(tmp_path, changed(name, lambda _data: data))


def test_cases_merged_into_each_other_without_end_are_told(tmp_path):
    def nested(case: Case) -> None:
        inner = {**case, "items": [], "merged": []}
        for _ in range(400):
            inner = {**case, "items": [], "merged": [inner]}
        case["merged"] = [inner]

    assert "case.json is no record of a case that this version of Lampkeeper reads." in faults(
        tmp_path, case_changed(nested)
    )


def test_words_of_the_record_never_reach_the_terminal_by_a_fault(tmp_path):
    def rename(case: Case) -> None:
        case["merged"] = [{**case, "case": "\x1b]0;x\x07" * 200, "merged": []}]

    found = faults(tmp_path, case_changed(rename))
    assert all(sentence.isprintable() and len(sentence) < 400 for sentence in found)
    assert any("[U+001B]" in sentence for sentence in found)


def test_extra_keys_in_a_manifest_are_no_manifest(tmp_path):
    found = faults(tmp_path, changed(MANIFEST, lambda data: data.replace(b'"format"', b'"more": 1, "format"')))
    assert found[0].startswith("manifest.json is missing, or no manifest")


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "case.zip"
    path.write_bytes(signed(example()))
    return path


def test_the_command_needs_nothing_but_the_file(good, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "bots", "verify", str(good), "--key", KEY]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(root)})
    assert done.stdout.endswith("It holds.\n")
    assert f"The signature fits the public key {KEY}, which is the one you gave." in done.stdout
    assert list(empty.iterdir()) == []


def test_it_exits_with_1_and_says_what_does_not_hold(tmp_path, capsys):
    path = tmp_path / "case.zip"
    path.write_bytes(case_changed(retext))
    assert verify(path) == 1
    said = capsys.readouterr().out
    assert "✗   Item 3 was changed" in said
    assert "It does NOT hold" in said


def test_the_key_may_be_written_in_groups(good):
    assert verify(good, key=":".join(KEY[at : at + 4].upper() for at in range(0, 64, 4))) == 0


@pytest.mark.parametrize("key", ["", "abc", "g" * 64, KEY + "00"])
def test_a_key_that_is_none_is_told(good, key):
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        verify(good, key=key)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ExportError, match="cannot be read"):
        verify(tmp_path / "no.zip")
    with pytest.raises(ExportError, match="cannot be read"):
        verify(tmp_path)
