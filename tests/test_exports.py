"""Every export keeps the same promises, and the record that they are made of is as its page says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.config import Reporting, load_config
from core.errors import ExportError
from core.export import FORMATS, ExportFile, Reporter, exporter
from core.export.example import example
from core.export.reading import read_record
from core.export.record import CaseRecord
from core.export.record_page import CHECK, page
from tests.exports_stage import MARKED, NEEDS_PDF, REPORTER, changed, malformed, rechained, valid

ROOT = Path(__file__).parents[1]
FEW = {"pdf": 100}
"""How many malformed records an export gets that takes long over one."""
MARKS = {"pdf": [NEEDS_PDF]}
EVERY = pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, [])) for name in FORMATS])
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
"""With control characters, signs that turn lines around, and lone surrogates."""
IN_A_PROCESS = """
import hashlib, sys
from core.export import exporter
from core.export.example import example
from tests.exports_stage import REPORTER
files = exporter(sys.argv[1])(example(), REPORTER)
print([(file.name, hashlib.sha256(file.data).hexdigest()) for file in files])
"""


@EVERY
def test_every_export_says_what_it_is_for_and_makes_valid_files_of_their_own_names(name):
    files = exporter(name)(example(), REPORTER)
    assert FORMATS[name].meaning
    assert files
    assert len({file.name for file in files}) == len(files)
    for file in files:
        valid(file)


@EVERY
def test_the_same_record_gives_the_same_bytes_in_any_process(name):
    def made(seed):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", IN_A_PROCESS, name], env=environment, cwd=ROOT, capture_output=True, check=True
        )
        return done.stdout.decode()

    here = [(file.name, hashlib.sha256(file.data).hexdigest()) for file in exporter(name)(example(), REPORTER)]
    assert made("1") == made("2") == f"{here}\n"


def _tried(name: str, text: str, *, as_preserved: bool) -> list[ExportFile] | ExportError:
    try:
        record = read_record(text)
        return exporter(name)(rechained(record) if as_preserved else record, REPORTER)
    except ExportError as error:
        return error


@EVERY
def test_a_malformed_record_is_refused_in_a_sentence_or_makes_valid_files(name):
    outcomes: Counter[str] = Counter()
    for number, text in enumerate(malformed(FEW.get(name, 1000), seed=20261122)):
        # Most of them as if they had been preserved so: a digest that does not fit would hide all else.
        made = _tried(name, text, as_preserved=bool(number % 4))
        if isinstance(made, ExportError):
            assert made.what.endswith((".", "?")), made.what
            assert made.remedy
            assert MARKED not in str(made)
            outcomes["refused"] += 1
        else:
            for file in made:
                valid(file)
            outcomes["valid"] += 1
    assert outcomes["refused"]
    assert outcomes["valid"]


@EVERY
@given(name_of_actor=ANY_TEXT, text=ANY_TEXT, community=ANY_TEXT, signal=ANY_TEXT, remark=ANY_TEXT, link=ANY_TEXT)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_name_and_no_text_keeps_a_case_from_being_exported(  # noqa: PLR0917 - what hypothesis gives
    name, name_of_actor, text, community, signal, remark, link
):
    record = changed(example(2), 1, text=text, name=name_of_actor, attachments=(signal,))
    assert record.decision
    record = record.model_copy(
        update={
            "actor": record.actor.model_copy(update={"name": name_of_actor}),
            "community": community,
            "signals": (signal,),
            "decision": record.decision.model_copy(update={"remark": remark}),
            "items": (record.items[0].model_copy(update={"link": link}), *record.items[1:]),
        }
    )
    for file in exporter(name)(record, REPORTER):
        valid(file)


@EVERY
def test_a_message_that_had_to_be_forgotten_leaves_its_digest(name):
    record = example()
    items = [record.items[0].model_copy(update={"content": None, "link": None}), *record.items[1:]]
    for file in exporter(name)(record.model_copy(update={"items": tuple(items)}), REPORTER):
        valid(file)


def test_an_export_that_nobody_wrote_is_refused_with_those_there_are():
    with pytest.raises(ExportError, match="ncmec"):
        exporter("pigeon")


def test_a_record_is_the_same_after_it_was_written_and_read():
    assert read_record(example().model_dump_json()) == example()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is not JSON"),
        ("[]", "it is not an object"),
        (b"\xff", "it is not JSON"),
        ("{", "it is not JSON"),
        ('{"merged": ' + '[{"merged": ' * 3000, "it is not JSON"),
        (example().model_dump_json().replace('"kind":"message"', '"kind":"letter"'), "items.0.content.kind"),
        (example().model_dump_json().replace('"state"', '"Marked"'), "has a key that is not known"),
    ],
)
def test_a_file_that_is_no_record_is_refused_by_place_and_without_a_quote(text, sentence):
    with pytest.raises(ExportError) as caught:
        read_record(text)
    assert sentence in str(caught.value)
    assert "letter" not in str(caught.value)
    assert MARKED not in str(caught.value)


def test_the_page_of_the_record_is_as_the_code_says():
    assert (ROOT / "docs" / "case_record.md").read_text("utf-8") == page(), "write it anew: `make docs/case_record.md`"


def _checked(tmp_path: Path, tree: object) -> subprocess.CompletedProcess[str]:
    (tmp_path / "check.py").write_text(CHECK)
    (tmp_path / "case.json").write_text(json.dumps(tree), "utf-8")
    return subprocess.run(
        [sys.executable, "-I", "check.py", "case.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def _unusual() -> CaseRecord:
    """Times on the second and missing, signs beyond ASCII, a merged case, a message that was forgotten."""
    on_the_second = datetime(2026, 3, 2, 20, tzinfo=UTC)
    record = changed(example(), 1, text="żółw 🐢", received=on_the_second, time=None)
    merged = rechained(example(1).model_copy(update={"case": "0a"}))
    items = [*record.items[:1], record.items[1].model_copy(update={"content": None}), *record.items[2:]]
    return record.model_copy(update={"merged": (merged,), "items": tuple(items)})


def test_the_check_on_the_page_finds_nothing_in_a_record_as_it_was_preserved(tmp_path):
    done = _checked(tmp_path, json.loads(_unusual().model_dump_json()))
    assert (done.returncode, done.stdout) == (0, "every item is as it was preserved\n")


@pytest.mark.parametrize("deed", ["change", "remove", "repeat", "swap", "merged"])
def test_the_check_on_the_page_names_what_was_done_to_a_record(tmp_path, deed):
    tree = json.loads(_unusual().model_dump_json())
    items = tree["items"]
    if deed == "change":
        items[3]["content"]["text"] += "!"
    elif deed == "remove":
        del items[3]
    elif deed == "repeat":
        items.insert(3, items[2])
    elif deed == "swap":
        items[3], items[4] = items[4], items[3]
    else:
        tree["merged"][0]["items"][0]["content"]["author"] = "1002"
    done = _checked(tmp_path, tree)
    assert done.returncode == 1
    assert ("case 0a: item 1" if deed == "merged" else "item 4 is not as it was preserved") in done.stderr


def test_who_reports_comes_from_the_configuration(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[reporting]\ngiven_name = "Ada"\nemail = "ada@community.example"\n')
    reporter = load_config(path, {}).reporting.reporter()
    assert reporter == Reporter(given_name="Ada", email="ada@community.example")
    assert set(Reporting.model_fields) == {field.name for field in dataclasses.fields(Reporter)}
