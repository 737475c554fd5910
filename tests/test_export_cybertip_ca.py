"""What Cybertip.ca asks for: the form filled in as far as the record knows, an address tip of named addresses alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import ExportError
from core.export import Reporter, facts
from core.export.cybertip_ca import Answers, export, prefilled
from core.export.example import example
from core.export.record import CaseRecord
from tests.exports_stage import REPORTER, changed, valid


def files(record: CaseRecord, reporter: Reporter = REPORTER, answers: Answers | None = None) -> dict[str, str]:
    """What is in each file, by the end of its name."""
    made = export(record, reporter, facts=answers)
    for file in made:
        valid(file)
    return {file.name.rpartition("-")[2]: file.data.decode() for file in made}


def test_the_form_names_both_and_asks_what_only_a_person_can_answer():
    form = files(example())["form.txt"]
    assert "What are you reporting?: Online luring of a child" in form
    assert "Do the child and the suspect plan to meet in person?: not known" in form
    assert "Username and id on the service: actor (id 1001)" in form
    assert "Username and id on the service: target (id 1002)" in form
    assert "E-mail: ada@community.example" in form


@pytest.mark.parametrize(
    ("hour", "written"), [(0, "12:30 AM"), (9, "09:30 AM"), (12, "12:30 PM"), (18, "06:30 PM"), (23, "11:30 PM")]
)
def test_date_and_time_are_written_as_the_form_wants_them(hour, written):
    record = changed(example(1), 1, time=datetime(2026, 2, 4, hour, 30, tzinfo=UTC))
    form = json.loads(files(record)["form.json"])["parts"]["Report"]
    assert (form["Date (UTC)"], form["Time (UTC)"]) == ("02/04/2026", written)


def test_the_same_stands_in_the_text_and_in_the_json():
    made = files(example())
    for heading, fields in json.loads(made["form.json"])["parts"].items():
        assert f"\n{heading}\n---" in made["form.txt"]
        for what, value in fields.items():
            assert f"{what}: {value}" in made["form.txt"]


def test_what_a_person_answers_stands_in_it():
    answers = replace(prefilled(example()), plan_to_meet=True, other_shared=False, remarks="One\nSuspect\n-------")
    form = files(example(), answers=answers)["form.txt"]
    assert "plan to meet in person?: yes" in form
    assert "suspect shared images or videos with the child?: no\n" in form
    assert form.count("\nSuspect\n") == 1


def test_it_can_be_sent_without_saying_who_reports():
    assert "Your contact\n------------\n\n" not in files(example())["form.txt"]
    assert files(example(), Reporter())["form.txt"].endswith("Your contact\n------------\n")


def test_an_address_tip_is_made_of_the_named_addresses_alone():
    named = ("https://pictures.example/a?b=c", "192.0.2.7", "2001:db8::7", "192.0.2.7")
    made = files(example(), answers=Answers(material_at=named))
    assert made["addresses.txt"] == "https://pictures.example/a?b=c\n192.0.2.7\n2001:db8::7\n"
    assert "addresses.txt" not in files(example())


@pytest.mark.parametrize(
    "address", ["", "pictures.example", "ftp://pictures.example", "https://a b", "192.0.2", "a\nb"]
)
def test_what_is_no_address_is_not_taken_into_a_tip(address):
    with pytest.raises(ExportError) as caught:
        export(example(), REPORTER, facts=Answers(material_at=(address,)))
    assert "An address of the tip" in caught.value.what


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (example().model_copy(update={"decision": None}), "Nobody has decided this case yet."),
        (example().model_copy(update={"exported": example().opened - timedelta(days=1)}), "after the record was made"),
    ],
)
def test_it_is_refused_as_any_report_is(record, sentence):
    with pytest.raises(ExportError) as caught:
        export(record, REPORTER)
    assert sentence in caught.value.what


def test_remarks_that_are_too_long_are_refused():
    with pytest.raises(ExportError, match="at most 5000"):
        export(example(), REPORTER, facts=Answers(remarks="x" * 5001))


def test_without_messages_there_is_no_transcript():
    made = files(example().model_copy(update={"items": (), "target": None}))
    assert set(made) == {"form.txt", "form.json"}
    assert "Preserved: none" in made["form.txt"]


@pytest.mark.parametrize(("aimed_at", "answer"), [("1001", True), ("1003", None), (None, None)])
def test_that_the_child_shared_pictures_with_the_suspect_is_said_only_where_they_were_aimed_at_them(aimed_at, answer):
    record = changed(example(), 7, target=aimed_at)
    assert prefilled(record).child_shared is answer
    theirs = changed(example(), 1, attachments=("video",), target={"1001": "1002"}.get(aimed_at, aimed_at))
    assert prefilled(theirs).other_shared is answer


def test_what_a_person_says_is_read_from_a_file_such_as_is_printed():
    written = facts.write(prefilled(example()))
    assert "# plan_to_meet is not known" in written
    assert facts.read(written, prefilled(example())) == prefilled(example())
    said = facts.read('plan_to_meet = true\nmaterial_at = ["192.0.2.7"]\n', prefilled(example()))
    assert (said.plan_to_meet, said.child_shared) == (True, True)
    assert files(example(), answers=said)["addresses.txt"] == "192.0.2.7\n"
    for wrong in ("plan_to_met = true", 'plan_to_meet = "perhaps"', "["):
        with pytest.raises(ExportError):
            facts.read(wrong, prefilled(example()))
