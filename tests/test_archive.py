"""The archive of a case: what is in it, the same each time, and nothing that a spreadsheet calculates."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ExportError
from core.export import FORMATS, exporter
from core.export.archive import AUDIT, CASE, CONTENTS, DOMAIN, MANIFEST, MESSAGES, README, SIGNATURE, SUMS, archive
from core.export.example import example
from core.export.packet import PACKET
from core.export.record import CaseRecord, Content, broken
from core.export.sheet import cell
from tests.archives import COMMUNITY, REPORTER, forgotten, merged, public, saying, signed, unpacked


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_it_holds_the_record_the_tables_the_packet_and_how_to_check_them():
    assert set(unpacked(signed(example()))) == {*CONTENTS, MANIFEST, SIGNATURE, SUMS}


def test_the_same_record_gives_the_same_bytes():
    assert signed(example()) == signed(example())


def test_the_record_comes_back_as_it_was():
    record = example()
    assert CaseRecord.model_validate(json.loads(unpacked(signed(record))[CASE])) == record


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_at_all_comes_back_as_it_was(text):
    record = saying(text)
    written = unpacked(signed(record))[CASE]
    assert CaseRecord.model_validate(json.loads(written)) == record


def test_every_preserved_version_is_a_row_with_its_digest_and_chain_value():
    record = example()
    found = rows(unpacked(signed(record))[MESSAGES])
    assert [row["kind"] for row in found][-3:] == ["message", "edit", "deletion"]
    assert [(row["sha256"], row["chain"]) for row in found] == [(item.sha256, item.chain) for item in record.items]


def test_versions_and_deeds_of_merged_cases_are_in_the_tables_under_their_case():
    record = merged(example())
    files = unpacked(signed(record))
    assert {row["case"] for row in rows(files[MESSAGES])} == {record.case, "other"}
    assert {row["case"] for row in rows(files[AUDIT])} == {record.case, "other"}


def test_of_somebody_who_was_forgotten_the_digest_stays_and_the_chain_holds():
    record = forgotten()
    row = rows(unpacked(signed(record))[MESSAGES])[0]
    assert row["kind"] == "removed at its author's request"
    assert row["sha256"] == example().items[0].sha256
    assert row["text"] == row["author id"] == row["author name"] == ""
    assert broken(record) == []


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("https://a.example")', "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", " =1", "=1"]
)
def test_a_spreadsheet_calculates_nothing_of_what_somebody_wrote(text):
    row = rows(unpacked(signed(saying(text)))[MESSAGES])[0]
    assert row["text"] == f"'{text}"


@pytest.mark.parametrize("id_", ["1102345678901234567", "1700000000.123456", "12345e67"])
def test_a_spreadsheet_rounds_no_id(id_):
    assert cell(id_) == f"'{id_}"


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12))
def test_taking_one_apostrophe_from_the_front_gives_back_what_was_there(text):
    written = cell(text)
    assert written.removeprefix("'") == text
    assert (written == text) == (not written.startswith("'"))


def test_signs_that_cannot_be_seen_are_written_out_in_the_tables():
    assert rows(unpacked(signed(saying("a\u202eb\x00c")))[MESSAGES])[0]["text"] == "a[U+202E]b[U+0000]c"


def test_its_name_is_safe_whatever_the_case_is_called():
    (made,) = archive(example().model_copy(update={"case": "../../etc/passwd\x00"}), REPORTER)
    assert re.fullmatch(r"lampkeeper-case-[A-Za-z0-9_]+\.zip", made.name)


def test_an_archive_that_is_not_signed_says_so():
    (made,) = archive(example(), REPORTER)
    files = unpacked(made.data)
    assert SIGNATURE not in files
    assert b"This archive is not signed" in files[README]


def test_a_signature_without_its_key_is_a_mistake():
    with pytest.raises(TypeError):
        archive(example(), REPORTER, sign=COMMUNITY.sign)


def test_an_archive_larger_than_anybody_could_check_is_not_made(monkeypatch):
    monkeypatch.setattr("core.export.archive.MOST_BYTES", 20_000)
    with pytest.raises(ExportError, match="Take the packet instead"):
        archive(example(), REPORTER)


def test_times_in_the_zip_are_those_of_the_record():
    with ZipFile(io.BytesIO(signed(example()))) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(2026, 3, 2, 21, 11, 26)}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_finds_every_file_in_order(tmp_path):
    for name, data in unpacked(signed(example())).items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count(": OK\n") == len(CONTENTS) + 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_commands_in_the_readme_check_the_signature_with_openssl(tmp_path):
    files = unpacked(signed(example()))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    readme = files[README].decode().replace("\r\n", "\n")
    pem = re.search(r"-----BEGIN.*?KEY-----\n.*?-----END PUBLIC KEY-----", readme, re.DOTALL)
    assert pem is not None
    (tmp_path / "key.pem").write_text(pem[0] + "\n")
    commands = "\n".join(re.findall(r"^ {5}(\(printf .*|openssl .*)$", readme, re.MULTILINE))
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Signature Verified Successfully" in done.stdout + done.stderr


def test_what_is_signed_is_no_manifest_by_itself():
    files = unpacked(signed(example()))
    COMMUNITY.public_key().verify(files[SIGNATURE], DOMAIN + files[MANIFEST])
    assert json.loads(files[MANIFEST])["verify_key"] == public(COMMUNITY).hex()


def test_the_packet_in_it_is_the_packet():
    assert unpacked(signed(example()))[PACKET] == exporter("packet")(example(), REPORTER)[0].data


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_the_registry_can_be_imported(name):
    assert callable(exporter(name))


def test_a_format_that_there_is_not_is_told_with_those_that_there_are():
    with pytest.raises(ExportError, match=r"no export named 'fax'\. There are: .*packet"):
        exporter("fax")


def test_a_deletion_and_an_empty_text_are_told_apart_in_the_record():
    empty, deleted = (json.loads(unpacked(signed(saying(text)))[CASE]) for text in ("", None))
    assert empty["items"][0]["content"]["text"] == ""
    assert deleted["items"][0]["content"]["text"] is None
    assert Content.model_validate(deleted["items"][0]["content"]).text is None
