"""A report to NCMEC: what the schema wants and more; one person reported, no child left out, text alone enough."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cybertip.stored import content_of
from core.errors import ExportError
from core.export import Reporter
from core.export.cybertip_ca import export as ca
from core.export.cybertip_ca import prefilled as answers_of
from core.export.example import BEGIN, example
from core.export.ncmec import ANNOTATIONS, CONVERSATIONS, INCIDENT_TYPES, Facts, Known, prefilled, report
from core.export.record import CaseRecord, Deed, Passed, Taken
from core.export.transcript import FORGOTTEN
from core.export.writing import one_line
from tests.exports_stage import REPORTER, changed, rechained, schema

ENTRY = re.compile(r"^\d+( \(case .*\))?  [\[\d]", re.MULTILINE)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LATER = example().exported + timedelta(seconds=1)


def made(record: CaseRecord, reporter: Reporter = REPORTER, facts: Facts | None = None) -> ET.Element:
    """The report's XML, taken by the schema."""
    xml = report(record, reporter, facts or prefilled(record)).xml
    schema().validate(io.BytesIO(xml))
    return ET.fromstring(xml)


def text(tree: ET.Element, path: str) -> str:
    found = tree.find(path)
    assert found is not None, path
    return found.text or ""


def party(record: CaseRecord, **change: object) -> CaseRecord:
    assert record.target
    return record.model_copy(update={"target": record.target.model_copy(update=change)})


def actor(record: CaseRecord, **change: object) -> CaseRecord:
    return record.model_copy(update={"actor": record.actor.model_copy(update=change)})


def joined(*cases: CaseRecord) -> CaseRecord:
    """An example that other cases became part of."""
    merged = [rechained(case.model_copy(update={"case": f"a{number}"})) for number, case in enumerate(cases)]
    return example().model_copy(update={"merged": tuple(merged)})


def test_text_alone_makes_a_report_of_enticement_that_leaves_nobody_out():
    tree = made(example())
    assert [part.tag for part in tree] == [
        "incidentSummary",
        "internetDetails",
        "reporter",
        "personOrUserReported",
        "victim",
        "additionalInfo",
    ]
    assert text(tree, "incidentSummary/incidentType") == "Online Enticement of Children for Sexual Acts"
    assert text(tree, "incidentSummary/incidentDateTime") == "2026-03-02T19:04:11Z"
    assert text(tree, "internetDetails/chatImIncident/chatClient") == "Discord"
    assert text(tree, "personOrUserReported/espIdentifier") == "1001"
    assert next(part.tag for part in tree.findall("victim/*")) == "victimPerson"
    assert text(tree, "victim/victimPerson/age") == "12"
    assert text(tree, "victim/espIdentifier") == "1002"


def test_the_messages_that_moved_the_score_are_in_it_and_all_are_in_the_transcript():
    made_of = report(example(), REPORTER, prefilled(example()))
    content = text(ET.fromstring(made_of.xml), "internetDetails/chatImIncident/content")
    (file,) = made_of.files
    for item in example().items:
        assert item.content
        if item.content.text:
            assert (f"({item.content.author}): {item.content.text}" in content) == item.moved_the_score
            assert f"   | {item.content.text}\n" in file.data.decode()
    assert len(ENTRY.findall(file.data.decode())) == len(example().items)


def test_the_details_of_the_transcript_name_it_and_its_digest_and_say_read_only_where_it_was():
    for read in (False, True):
        (file,) = report(example(), REPORTER, replace(prefilled(example()), transcript_read=read)).files
        xml = file.details_xml("4564654", "b0754af766b426f2928a02c651ed4b99")
        schema().validate(io.BytesIO(xml))
        tree = ET.fromstring(xml)
        assert (text(tree, "reportId"), text(tree, "fileId")) == ("4564654", "b0754af766b426f2928a02c651ed4b99")
        assert text(tree, "originalFileName") == file.name
        assert text(tree, "fileRelevance") == "Reported"
        assert text(tree, "originalFileHash") == hashlib.sha256(file.data).hexdigest()
        assert (tree.find("fileViewedByEsp") is not None) == read


def test_a_case_of_which_no_message_is_preserved_can_be_reported():
    record = example().model_copy(update={"items": ()})
    tree = made(record)
    assert not report(record, REPORTER, prefilled(record)).files
    assert text(tree, "incidentSummary/incidentDateTime") == "2026-03-02T19:10:11Z"
    assert "no message is preserved" in text(tree, "incidentSummary/incidentDateTimeDescription")


def test_every_time_in_it_names_its_zone_whatever_zone_it_came_in():
    abroad = BEGIN.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    tree = made(changed(example(), 1, time=abroad))
    assert text(tree, "incidentSummary/incidentDateTime") == "2026-03-02T19:04:11Z"
    for part in tree.iter():
        for found in re.findall(r"\d{4}-\d\d-\d\dT\S{8,9}", part.text or ""):
            assert MOMENT.match(found), found


def test_who_reports_stands_in_it_with_address_and_organisation():
    tree = made(example())
    person = "reporter/reportingPerson"
    assert text(tree, f"{person}/email") == "ada@community.example"
    assert text(tree, f"{person}/address/state") == "CA"
    assert "Example Community" in text(tree, "reporter/companyTemplate")
    abroad = made(example(), replace(REPORTER, country="DE", region="Hessen"))
    assert text(abroad, f"{person}/address/nonUsaState") == "Hessen"
    assert abroad.find(f"{person}/address/state") is None


def test_a_reporter_without_an_address_has_none_in_it():
    tree = made(example(), Reporter(given_name="Ada", family_name="Byron", email="ada@community.example"))
    assert tree.find("reporter/reportingPerson/address") is None
    assert tree.find("reporter/companyTemplate") is None


def test_names_of_moderators_their_notes_and_who_asked_for_help_stay_here():
    record = example()
    assert record.claimed_by
    known = record.claimed_by.model_copy(update={"name": "a-moderator", "id": "2999"})
    assert record.decision
    record = record.model_copy(
        update={"claimed_by": known, "decision": record.decision.model_copy(update={"by": known})}
    )
    made_of = report(record, REPORTER, prefilled(record))
    for data in (made_of.xml, made_of.files[0].data):
        for private in (b"a-moderator", b"2999", b"Parents were told"):
            assert private not in data


def test_what_a_person_adds_is_in_it():
    facts = Facts(
        incident_type=INCIDENT_TYPES[1],
        annotations=tuple(ANNOTATIONS)[::-1],
        people={
            "1001": Known(age=31, email="actor@mail.example", country="GB", region="Kent"),
            "1002": Known(age=13, email="target@mail.example", country="US"),
        },
        high_priority="They mean to meet today.",
        agency="Example Police",
        agency_case="12-34",
        prior_reports=(111, 222, 111),
        remarks="Line one\nline two\x07",
    )
    tree = made(example(), facts=facts)
    assert text(tree, "incidentSummary/incidentType") == INCIDENT_TYPES[1]
    assert [part.tag for part in tree.findall("incidentSummary/reportAnnotations/*")] == list(ANNOTATIONS)
    assert text(tree, "incidentSummary/escalateToHighPriority") == "They mean to meet today."
    assert text(tree, "lawEnforcement/agencyName") == "Example Police"
    assert text(tree, "lawEnforcement/reportedToLe") == "true"
    person = "personOrUserReported/personOrUserReportedPerson"
    assert (text(tree, f"{person}/age"), text(tree, f"{person}/email")) == ("31", "actor@mail.example")
    assert text(tree, "personOrUserReported/estimatedLocation/countryCode") == "GB"
    assert [part.text for part in tree.findall("personOrUserReported/priorCTReports")] == ["111", "222"]
    assert text(tree, "victim/victimPerson/age") == "13"
    assert "Line one\nline two[U+0007]" in text(tree, "additionalInfo")


def test_an_age_that_the_reported_person_stated_is_told_as_stated_and_never_as_theirs():
    tree = made(actor(example(), stated_ages=(14, 19)))
    assert tree.find("personOrUserReported/personOrUserReportedPerson") is None
    assert "true or not: 14, 19." in text(tree, "personOrUserReported/additionalInfo")


@pytest.mark.parametrize(("stated", "age"), [((), None), ((12,), 12), ((12, 13), 13), ((19,), None), ((19, 13), 13)])
def test_the_childs_age_is_filled_in_where_they_said_to_be_a_minor(stated, age):
    assert prefilled(party(example(), stated_ages=stated)).people.get("1002", Known()).age == age


def test_two_minors_by_the_communitys_own_knowledge_are_annotated_as_such():
    record = party(actor(example(), age_band="16_17"), age_band="13_15")
    assert prefilled(record).annotations == ("minorToMinorInteraction",)
    assert prefilled(actor(record, age_band=None, stated_ages=(15,))).annotations == ()


def test_earlier_reports_about_the_person_are_named():
    passed = (
        Passed(to="NCMEC CyberTipline", time=BEGIN, by=(), reference="4564654"),
        Passed(to="ncmec", time=BEGIN, by=(), reference="-"),
        Passed(to="police", time=BEGIN, by=(), reference="99"),
    )
    tree = made(example().model_copy(update={"passed": passed}))
    assert [part.text for part in tree.findall("personOrUserReported/priorCTReports")] == ["4564654"]


def test_what_moderators_did_to_the_person_is_told():
    record = example()
    assert record.claimed_by
    who = record.claimed_by.model_copy(update={"id": "1001", "name": "actor"})
    done = Taken(action="ban", person=who, by=record.claimed_by, time=BEGIN, undone=BEGIN + timedelta(hours=1))
    tree = made(record.model_copy(update={"actions": (done,)}))
    assert "ban at 2026-03-02T19:04:11Z, undone at 2026-03-02T20:04:11Z" in text(
        tree, "personOrUserReported/additionalInfo"
    )


def test_every_name_that_the_person_went_by_is_in_it():
    tree = made(changed(example(), 1, name="actor before"))
    assert text(tree, "personOrUserReported/screenName") == "actor"
    assert text(tree, "personOrUserReported/displayName") == "actor before"


def test_each_child_of_merged_cases_is_a_victim_and_one_person_is_reported():
    other = party(example(2), id="1003", name="friend", stated_ages=(11,))
    tree = made(joined(other, example(1)))
    assert [part.text for part in tree.findall("victim/espIdentifier")] == ["1002", "1003"]
    assert [part.text for part in tree.findall("victim/victimPerson/age")] == ["12", "11"]
    assert len(tree.findall("personOrUserReported")) == 1


def test_where_nobody_in_particular_was_meant_it_says_so():
    tree = made(example().model_copy(update={"target": None}))
    assert tree.find("victim") is None
    assert "no victim is named" in text(tree, "additionalInfo")


def test_a_child_whose_account_is_not_known_is_a_victim_still():
    tree = made(party(example(), id="", stated_ages=()))
    assert [part.tag for part in tree.findall("victim/*")] == ["victimPerson", "espService", "screenName"]


def test_of_many_conversations_some_are_named_and_the_rest_counted():
    record = example(CONVERSATIONS + 5)
    for number in range(1, CONVERSATIONS + 6):
        record = changed(record, number, conversation=f"room {number}")
    tree = made(record)
    assert len(tree.findall("internetDetails")) == CONVERSATIONS
    assert f"conversations {CONVERSATIONS} are named above" in text(tree, "additionalInfo")


def test_a_message_that_had_to_be_forgotten_is_shown_as_removed():
    record = example()
    items = (record.items[0].model_copy(update={"content": None, "link": None}), *record.items[1:])
    record = record.model_copy(update={"items": items})
    made_of = report(record, REPORTER, prefilled(record))
    assert "hi, how old are you?" not in made_of.xml.decode() + made_of.files[0].data.decode()
    assert FORGOTTEN in made_of.files[0].data.decode()
    assert record.items[0].sha256 in made_of.files[0].data.decode()
    assert "removed at their author's request" in text(made(record), "additionalInfo")


@given(said=st.text(st.characters(exclude_categories=()), max_size=200), name=st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_text_and_no_name_can_look_like_an_entry_of_the_transcript(said, name):
    forged = f"{said}\n2  2026-03-02T19:04:56.250000Z  target (1002): message 7\r3  [2026]\u20284  2026"
    record = changed(example(2), 1, text=forged, name=f"{name}\n9  2026")
    (file,) = report(record, REPORTER, prefilled(record)).files
    assert len(ENTRY.findall(file.data.decode())) == len(record.items)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (example().model_copy(update={"decision": None}), "Nobody has decided this case yet."),
        (
            example().model_copy(
                update={"decision": example().decision.model_copy(update={"decision": "dismissed"})}  # type: ignore[union-attr]
            ),
            "This case was dismissed.",
        ),
        (actor(example(), id=""), "there is no id"),
        (actor(example(), id="U0ACTOR"), "is not one of Discord: digits"),
        (actor(example(), id="1" * 300), "is not one line of at most 255"),
        (actor(example(), id="1002"), "have the same id"),
        (actor(example(), profile="javascript:alert(1)"), "is not an address that begins with https://"),
        (party(example(), id="١٢٣"), "plain characters"),
        (joined(actor(example(1), id="1009")), "different people"),
        (joined(example(1).model_copy(update={"space": "discord:4002"})), "different communities"),
        (example().model_copy(update={"opened": LATER}), "opened after the record was made"),
        (changed(example(), 3, received=LATER), "Item 3 was received after"),
        (changed(example(), 3, time=LATER), "Item 3 was sent after"),
        (changed(example(), 3, time=datetime(1970, 1, 21, tzinfo=UTC)), "Item 3 was sent before the year 2000"),
        (
            changed(example(), 2).model_copy(update={"items": (*example().items[:4], *example().items[5:])}),
            "Item 6 stands at place 5",
        ),
    ],
)
def test_a_case_that_cannot_stand_is_refused_with_what_is_wrong_and_what_to_do(record, sentence):
    with pytest.raises(ExportError) as caught:
        report(record, REPORTER, prefilled(record))
    assert sentence in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("given_name", "", "reporting.given_name is missing"),
        ("family_name", " ", "reporting.family_name is missing"),
        ("email", "", "reporting.email is missing"),
        ("email", "ada", "reporting.email is not an e-mail address"),
        ("email", "ada..b@community.example", "reporting.email is not an e-mail address"),
        ("email", "ada@community", "reporting.email is not an e-mail address"),
        ("email", "ada@-community.example", "reporting.email is not an e-mail address"),
        ("email", "ada@community.example\n", "reporting.email must be one line"),
        ("email", f"ada@{'community.' * 30}example", "reporting.email must be one line of at most 255"),
        ("phone", "call me", "reporting.phone is not a telephone number"),
        ("country", "us", "reporting.country is not a country"),
        ("country", "XX", "reporting.country is not a country"),
        ("region", "California", "reporting.region is not a state"),
        ("website", "community.example", "reporting.website is not an address"),
        ("website", "https://[", "reporting.website is not an address"),
        ("city", "c" * 101, "reporting.city must be one line of at most 100"),
        ("organisation", "a\x00b", "reporting.organisation must be one line"),
    ],
)
def test_a_mistake_about_who_reports_is_told_by_its_key_and_not_quoted(key, value, sentence):
    with pytest.raises(ExportError) as caught:
        report(example(), replace(REPORTER, **{key: value}), prefilled(example()))
    assert sentence in caught.value.what
    assert "[reporting]" in caught.value.remedy
    assert not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (Facts(incident_type="Something else"), "The type of the incident is not known."),
        (Facts(annotations=("spam", "grim")), "1 of the annotations are not known."),
        (Facts(people={"1002": Known(age=31)}), "said to be an adult"),
        (Facts(people={"1001": Known(age=151)}), "An age must be 0 to 150 years."),
        (Facts(people={"1001": Known(age=-1)}), "An age must be 0 to 150 years."),
        (Facts(people={"1001": Known(email="@")}), "is not an e-mail address"),
        (Facts(people={"1001": Known(country="England")}), "is not a country"),
        (Facts(people={"1001": Known(region="a\nb")}), "region must be one line"),
        (Facts(high_priority="x" * 3001), "high_priority must be at most 3000 characters."),
        (Facts(high_priority="\x00" * 500), "high_priority must be at most 3000 characters."),
        (Facts(agency="x" * 256), "agency must be one line of at most 255 characters."),
        (Facts(agency="Police", agency_case="1\n2"), "agency_case must be one line"),
        (Facts(agency_case="12-34"), "agency_case is given, and agency is not."),
        (Facts(people={"1009": Known(age=12)}), "a person who is not in this case"),
        (Facts(prior_reports=(0,)), "must be above 0"),
    ],
)
def test_a_mistake_in_what_a_person_adds_is_told(facts, sentence):
    with pytest.raises(ExportError) as caught:
        report(example(), REPORTER, facts)
    assert sentence in caught.value.what
    assert caught.value.remedy


def test_a_platform_that_is_not_known_is_named_as_its_space_is_and_its_ids_are_taken():
    record = actor(example().model_copy(update={"space": "api:tenant", "items": ()}), id="user/1@a")
    tree = made(record)
    assert text(tree, "personOrUserReported/espService") == "api"
    assert text(tree, "personOrUserReported/espIdentifier") == "user/1@a"
    assert text(made(record, replace(REPORTER, service="Example Chat")), "victim/espService") == "Example Chat"


def test_pictures_that_were_sent_along_are_named_and_attached_nowhere():
    record = changed(example(), 1, attachments=("image", "hologram"))
    made_of = report(record, REPORTER, prefilled(record))
    assert [file.name.rpartition(".")[2] for file in made_of.files] == ["txt"]
    transcript = made_of.files[0].data.decode()
    assert "sent along: an image" in transcript
    assert "sent along: hologram" in transcript
    assert answers_of(record).other_shared


@pytest.mark.parametrize("name", ["0", "999999999999999999", "the-id-that-ncmec-gives-the-file", "\0report\0 \0file\0"])
def test_no_name_of_whoever_is_reported_stands_in_the_way_of_the_ids_that_ncmec_gives(name):
    (file,) = content_of(report(actor(example(), name=name), REPORTER, Facts())).files
    about = file.about("4564654", "b0754af766b426f2928a02c651ed4b99")
    schema().validate(io.BytesIO(about))
    tree = ET.fromstring(about)
    assert (text(tree, "reportId"), text(tree, "fileId")) == ("4564654", "b0754af766b426f2928a02c651ed4b99")
    assert one_line(name, 100) in text(tree, "additionalInfo")


@pytest.mark.parametrize("make", [partial(report, reporter=REPORTER, facts=Facts()), partial(ca, reporter=REPORTER)])
def test_evidence_that_was_cut_off_at_its_end_goes_to_no_authority(make):
    record = example()
    noted = Deed(time=record.exported, what="alert decided", detail={"items": 10, "chain": record.items[-1].chain})
    record = record.model_copy(update={"audit": (*record.audit, noted)})
    make(record)
    with pytest.raises(ExportError, match="The audit noted 10 items; there are 8"):
        make(record.model_copy(update={"items": record.items[:8]}))


def test_what_a_moderator_remarked_is_not_put_into_the_reporting_persons_mouth():
    record = example()
    assert record.decision
    record = record.model_copy(update={"decision": record.decision.model_copy(update={"remark": "a-moderators-words"})})
    assert "a-moderators-words" not in ET.tostring(made(record), encoding="unicode")
    for file in ca(record, REPORTER):
        assert b"a-moderators-words" not in file.data


def test_a_number_too_long_for_ncmec_is_not_taken_for_an_earlier_report():
    passed = tuple(Passed(to="NCMEC", time=BEGIN, by=(), reference=number) for number in ("9" * 5000, "12", "0"))
    assert prefilled(example().model_copy(update={"passed": passed})).prior_reports == (12,)


def test_reports_of_other_cases_about_the_same_person_are_named_too():
    earlier = (Passed(to="NCMEC CyberTipline", time=BEGIN, by=(), reference="77"),)
    record = example().model_copy(update={"earlier": earlier})
    assert text(made(record), "personOrUserReported/priorCTReports") == "77"


def test_the_conversations_that_moved_the_score_are_named_however_many_there_are():
    items = []
    for number in range(CONVERSATIONS + 5):
        item = example().items[0]
        assert item.content
        content = item.content.model_copy(update={"conversation": f"c{number}", "id": str(number)})
        moved = number == CONVERSATIONS + 4
        items.append(item.model_copy(update={"content": content, "moved_the_score": moved}))
    tree = made(rechained(example().model_copy(update={"items": tuple(items)})))
    rooms = [one.text or "" for one in tree.findall("internetDetails/chatImIncident/chatRoomName")]
    assert len(rooms) == CONVERSATIONS
    assert rooms[0].endswith(f"c{CONVERSATIONS + 4}")
    assert "how old are you" in text(tree, "internetDetails/chatImIncident/content")


def test_what_two_merged_cases_hold_is_counted_and_excerpted_once():
    record = example()
    part = rechained(record.model_copy(update={"case": "0a"}))
    alone, both = made(record), made(record.model_copy(update={"merged": (part,)}))
    for path in ("internetDetails/chatImIncident/content", "internetDetails/chatImIncident/additionalInfo"):
        assert text(alone, path) == text(both, path)
    assert "Preserved: 10 versions of messages" in text(both, "additionalInfo")
