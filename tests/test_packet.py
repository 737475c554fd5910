"""The packet and the page of authorities: what they say, and that nothing in them runs, whatever people wrote."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.casework.cards import ATTACHED_WORDS, GONE_WORDS, GROUNDS
from core.effects import LEVELS
from core.errors import ExportError
from core.export import Reporter, exporter
from core.export.archive import archive
from core.export.authorities import ELSEWHERE, authorities, emergency_numbers
from core.export.example import example
from core.export.packet import packet_page, where_to_go
from core.export.page import words
from core.export.pdf import pdf
from core.export.record import CaseRecord, Deed, MemberReport, Moderator, Note, Party
from core.export.transcript import transcript
from core.messages import AGE_BANDS
from tests.archives import REPORTER, forgotten, merged, saying
from tests.exports_stage import NEEDS_PDF, changed, rechained

TEMPLATES = Path(__file__).parents[1] / "core" / "export" / "templates"
ISO_3166_1 = set(
    re.findall(
        r"[A-Z]{2}",
        """
        AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB
        BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
        BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX
        CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
        FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS
        GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
        IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA
        LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
        ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE
        NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
        PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
        SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
        TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
        UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
        """,
    )
)
VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser makes of a page: its elements in order, and its text inside and outside folded parts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = self.folded = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        if "details" in self.open and "summary" not in self.open:
            self.folded += data
        else:
            self.text += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name in names]


def packet(record: CaseRecord, reporter: Reporter = REPORTER) -> Page:
    return Page(packet_page(record, reporter))


def everywhere(text: str) -> CaseRecord:
    """An example that says the same in every place that people fill in."""
    record, who = saying(text, text), Moderator(id=text, name=text)
    assert record.target is not None
    assert record.decision is not None
    return record.model_copy(
        update={
            "community": text,
            "signals": (text,),
            "welfare": (text,),
            "actor": record.actor.model_copy(update={"name": text, "profile": text}),
            "target": record.target.model_copy(update={"name": text, "profile": f"https://a.example/{text}"}),
            "claimed_by": who,
            "decision": record.decision.model_copy(update={"remark": text, "by": who}),
            "notes": (Note(by=who, time=record.opened, text=text),),
            "reports": (MemberReport(by=who, time=record.opened, text=text),),
            "audit": (record.audit[0].model_copy(update={"by": who, "detail": {text: text}}),),
            "items": (record.items[0].model_copy(update={"link": text}), *record.items[1:]),
        }
    )


# ---- what it says ---------------------------------------------------------------------------------------------------


def test_the_summary_says_what_who_when_where_and_who_decided():
    html = packet_page(example(), REPORTER)
    summary = Page(html[html.index('<section id="summary"') : html.index('<section id="course"')]).text
    for said in (
        "This conversation strongly follows a risk pattern.",
        "the person reported",
        "1001",
        "the person approached",
        "1002",
        "says of themselves: 12",
        "2026-03-02 19:04:11.250 UTC",
        "2026-03-02 19:04:11.430 UTC",
        "Discord, community Example server (discord:4001)",
        "moderator (2001) read the case and confirmed the concern at 2026-03-02 20:11:26.430 UTC.",
        "friend@example.org",
    ):
        assert said in summary


def test_every_version_is_in_it_with_its_digest_link_and_times_edits_and_deletions_too():
    record = example()
    folded = packet(record).folded
    for item in record.items:
        assert item.sha256 in folded
        assert item.link is not None
        assert item.link in folded
    assert "edit: it says from now on" in folded
    assert "deleted" in folded
    assert "Sent along, never opened: an image" in folded


def test_what_was_written_is_folded_until_somebody_opens_it():
    record = example()
    page = packet(record)
    for item in record.items:
        assert item.content is not None
        if item.content.text and len(item.content.text) > 5:
            assert item.content.text in page.folded
            assert item.content.text not in page.text
    assert "Parents were told." in page.folded
    assert all("open" not in attributes for attributes in page.all("details"))


def test_the_first_page_says_that_texts_follow_and_a_remark_is_folded_with_them():
    record = example()
    assert record.decision is not None
    remarked = record.decision.model_copy(update={"remark": "they know each other from the club"})
    html = packet_page(record.model_copy(update={"decision": remarked}), REPORTER)
    summary = Page(html[html.index('<section id="summary"') : html.index('<section id="course"')]).text
    assert "It may be distressing to read" in summary
    page = Page(html)
    assert "they know each other from the club" in page.folded
    assert "they know each other from the club" not in page.text


def test_on_paper_it_lies_open():
    assert Page(packet_page(example(), REPORTER, folds=False)).folded == ""


def test_a_program_noticed_and_a_person_decided():
    text = packet(example()).text
    assert "Lampkeeper is a program" in text
    assert "It is a reason to read, and proves nothing." in text
    assert "Nobody has decided" not in text
    assert "Nobody has decided about this case so far" in packet(example().model_copy(update={"decision": None})).text


def test_a_case_that_members_reports_opened_says_so():
    record = example()
    deed = record.audit[0].model_copy(update={"detail": {"asked": True}})
    text = packet(record.model_copy(update={"audit": (deed,), "level": "none", "probability": None})).text
    assert "the case was opened for that" in text
    assert "No pattern was noticed; members asked moderators to look." in text
    assert "estimate is" not in text


def test_what_had_to_go_at_its_authors_request_says_so_and_its_digest_stays():
    page = packet(forgotten())
    assert page.folded.count("removed at its author's request; the digest stays") == 7
    assert example().items[0].sha256 in page.folded


def test_a_merged_case_is_part_of_one_transcript_in_the_order_of_time():
    whole = merged(example())
    page = packet(whole)
    assert "also no. 1 of case other" in page.folded
    assert "Became part of this case: other" in page.text
    times = re.findall(r"([0-9: .-]{23}) UTC received", page.folded)
    assert len(times) == len({(item.content.id, item.content.version) for item in whole.all_items if item.content})
    assert times == sorted(times)


def test_a_case_without_any_message_and_without_anybody_approached_has_a_packet():
    text = packet(example().model_copy(update={"items": (), "target": None}), Reporter()).text
    assert "No message is preserved with this case." in text
    assert "the person approached" not in text


def test_its_wording_accuses_nobody():
    said = " ".join(word for section in words().values() for word in section.values()).lower()
    assert not re.search(r"predator|groomer|offender|perpetrator|suspect|criminal|paedo|pedo|abuser|guilty", said)


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("level", LEVELS),
        ("grounds", GROUNDS),
        ("band", AGE_BANDS),
        ("attached", ATTACHED_WORDS),
        ("gone", GONE_WORDS),
        ("kind", ("message", "edit", "deletion")),
        ("summary", ("confirmed", "dismissed")),
        ("count", ("open", "confirmed", "dismissed")),
    ],
)
def test_there_are_words_for_every(section, names):
    assert set(names) <= set(words()[section])


def test_no_words_stand_in_the_table_that_nothing_says():
    code = "".join(path.read_text("utf-8") for path in [*TEMPLATES.glob("*.html"), *TEMPLATES.parent.glob("*.py")])
    tables = {"level", "grounds", "band", "attached", "gone", "kind", "count", "platform", "role", "source"}
    unused = [
        f"{section}.{name}"
        for section, said in words().items()
        if section not in tables
        for name in said
        if not re.search(rf"""\b{section}\b[^\n]*(\.{name}\b|["']{name}["'])|["']{name}["']""", code)
    ]
    assert unused == []


# ---- nothing in it runs or loads ------------------------------------------------------------------------------------


NASTY = [
    "<script>alert(1)</script>",
    "</style><script>x</script>",
    "</details></table><h1>x",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "{0.__class__}{case}",
    "<!--",
    "]]>&amp;&#0;&lt;",
    "<svg onload=x>",
    "\x00\x08\x1b[31m\u202e\u2066\ufeff\ud800",
]


def structure(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, tuple(sorted(attributes))) for name, attributes in page.elements if name != "a"]


@pytest.mark.parametrize("text", NASTY)
def test_whatever_somebody_wrote_is_text(text):
    page = packet(everywhere(text))
    assert structure(page) == structure(packet(everywhere("hello")))
    assert all(str(link["href"]).startswith(("#", "https://")) for link in page.all("a"))


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(codec=None), min_size=1, max_size=20).filter(str.strip))
def test_no_text_at_all_changes_what_the_page_is_made_of(text):
    html = packet_page(everywhere(text), REPORTER)
    assert structure(Page(html)) == structure(packet(everywhere("hello")))
    html.encode("utf-8")


def test_no_element_loads_runs_or_sends_anything():
    for html in (packet_page(everywhere("x"), REPORTER), where_to_go("DE")):
        page = Page(html)
        assert not page.all(
            "script", "img", "link", "iframe", "object", "embed", "form", "input", "video", "audio", "base"
        )
        assert not [
            name for _, attributes in page.elements for name in attributes if name in ("src", "style", "srcset")
        ]
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        assert "url(" not in html
        assert "@import" not in html


def test_the_policy_allows_its_own_style_sheet_and_nothing_else():
    html = packet_page(example(), REPORTER)
    style = html[html.index("<style>") + len("<style>") : html.index("</style>")]
    (policy,) = [meta["content"] for meta in Page(html).all("meta") if "http-equiv" in meta]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_only_web_addresses_become_links():
    record = example()
    for profile in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//a.example"):
        actor = record.actor.model_copy(update={"profile": profile})
        page = packet(record.model_copy(update={"actor": actor}))
        assert profile in page.text
        assert profile not in [link["href"] for link in page.all("a")]


def test_a_name_that_turns_the_direction_of_writing_is_written_out():
    text = packet(everywhere("abc\u202efdp.exe")).text
    assert "abc[U+202E]fdp.exe" in text
    assert "\u202e" not in text


def test_texts_of_a_million_signs_are_in_it_whole():
    page = packet(saying("a " * 500_000))
    assert "a " * 500_000 in page.folded


# ---- who cannot see it, and paper -----------------------------------------------------------------------------------


@pytest.mark.parametrize("html", [packet_page(merged(example()), REPORTER), where_to_go("GB")], ids=["packet", "go"])
def test_it_can_be_read_without_seeing_it(html):
    page = Page(html)
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert all(head.get("scope") in ("col", "row") for head in page.all("th"))
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {str(link["href"])[1:] for link in page.all("a") if str(link["href"]).startswith("#")} <= ids


def luminance(colour: str) -> float:
    """As in WCAG 2.2."""
    digits = colour * 2 if len(colour) == 3 else colour
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_of_letters_stands_out_from_every_background():
    style = (TEMPLATES / "style.css").read_text("utf-8")
    letters = set(re.findall(r"[{; ]color: #(\w+)", style))
    grounds = set(re.findall(r"background: #(\w+)", style))
    assert letters
    assert grounds
    for letter in letters:
        for ground in grounds:
            darker, lighter = sorted((luminance(letter), luminance(ground)))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5


# ---- where to go ----------------------------------------------------------------------------------------------------


def test_every_authority_has_a_secure_address_a_country_that_there_is_and_stands_there_once():
    rows = authorities()
    assert all(row.url.startswith("https://") for row in rows)
    assert {row.country for row in rows} - {ELSEWHERE} <= ISO_3166_1
    assert len({(row.country, row.name) for row in rows}) == len({row.url for row in rows}) == len(rows)
    assert all(row.what and row.name for row in rows)
    assert [row.country for row in rows if row.country != ELSEWHERE] == sorted(
        row.country for row in rows if row.country != ELSEWHERE
    )


def test_who_was_looked_up_names_where_and_nobody_else_claims_to_be():
    assert all((row.checked is None) == (row.source == "") for row in authorities())
    assert all(row.source.startswith("https://") for row in authorities() if row.checked)


def test_every_country_with_an_authority_has_an_emergency_number():
    assert set(emergency_numbers()) == {row.country for row in authorities()} - {ELSEWHERE}
    assert all(number.isdigit() for number in emergency_numbers().values())


def test_ones_own_country_comes_first_and_every_other_one_is_there():
    page = Page(where_to_go("de"))
    assert page.text.index("In your country (DE)") < page.text.index("By country")
    assert page.text.count("Onlinewache der Polizei") == 2
    assert all(row.name in page.text and row.url in page.text for row in authorities())


def test_a_country_that_is_not_in_the_list_is_told_where_lists_are():
    page = Page(where_to_go("ZZ"))
    assert "In your country" not in page.text
    assert "https://inhope.org" in page.text


def test_the_page_says_what_was_not_looked_up():
    assert where_to_go("").count("not looked up") == sum(row.checked is None for row in authorities())


def test_where_to_go_is_a_page_of_its_own_and_no_part_of_the_report():
    pages = {made.name: made.data for made in exporter("packet")(example(), REPORTER)}
    assert set(pages) == {f"lampkeeper-case-b7c1f2d3e4a5-{page}.html" for page in ("packet", "where_to_go")}
    assert b"CyberTipline" not in pages["lampkeeper-case-b7c1f2d3e4a5-packet.html"]


# ---- as PDF ---------------------------------------------------------------------------------------------------------


@NEEDS_PDF
def test_the_packet_becomes_a_pdf():
    (made,) = pdf(example(), REPORTER)
    assert made.data.startswith(b"%PDF-")
    assert made.media_type == "application/pdf"


@NEEDS_PDF
def test_a_pdf_asks_for_no_file_and_no_server(tmp_path, caplog):
    secret = tmp_path / "secret.txt"
    secret.write_text("hello")
    with caplog.at_level("WARNING", "weasyprint"):
        pdf(everywhere(f'<img src="{secret.as_uri()}"><link rel=stylesheet href=https://a.example/x.css>'), REPORTER)
    assert "a.example" not in caplog.text
    assert "secret" not in caplog.text


def test_a_long_text_on_paper_says_how_much_of_it_is_left_out():
    html = packet_page(saying("ab " * 2_000), REPORTER, folds=False)
    assert "[and 2,000 more signs, which the archive has]" in html
    assert len(html) < len(packet_page(saying("ab " * 2_000), REPORTER))


@NEEDS_PDF
def test_a_case_too_long_for_a_pdf_is_told_what_to_take_instead():
    with pytest.raises(ExportError, match="Take the packet as HTML"):
        pdf(example(10_000), REPORTER)


@pytest.mark.parametrize("where", ["id", "name"])
def test_on_paper_nothing_is_so_long_that_nobody_could_wait_for_it(where):
    record = example()
    actor = record.actor.model_copy(update={where: "x" * 120_000})
    html = packet_page(record.model_copy(update={"actor": actor}), REPORTER, folds=False)
    assert "x" * 4_000 in html
    assert "x" * 4_001 not in html
    assert "116,000" in html


@pytest.mark.parametrize(
    ("error", "said"),
    [("ImportError('no module')", "pip install"), ("OSError('cannot load library')", "apt install libpango")],
)
def test_without_weasyprint_or_its_libraries_a_sentence_says_what_to_install(tmp_path, monkeypatch, error, said):
    (tmp_path / "weasyprint.py").write_text(f"raise {error}")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ExportError, match=said):
        pdf(example(), REPORTER)


# ---- merged cases, and what does not hold ---------------------------------------------------------------------------


def second_child() -> CaseRecord:
    """An example that a case about the same actor and another child became part of; all was said before both."""
    record = example()
    other = record.model_copy(
        update={"case": "0a", "target": Party(id="1003", name="another target", stated_ages=(11,)), "merged": ()}
    )
    return record.model_copy(update={"merged": (rechained(other),)})


def test_every_child_that_the_messages_were_aimed_at_stands_in_the_summary():
    html = packet_page(second_child(), REPORTER)
    summary = html[html.index('<section id="summary"') : html.index('<section id="course"')]
    assert summary.count("the person approached") == 2
    for known in ("1002", "1003", "another target", "says of themselves: 11"):
        assert known in Page(summary).text


def test_what_two_cases_hold_is_told_once_with_both_numbers():
    record = second_child()
    page, text = packet(record), transcript(record).decode()
    assert f"Preserved versions: {len(example().items)}" in page.text
    for item in example().items:
        assert item.content
        if item.content.text:
            assert text.count(f"| {item.content.text}\n") == 1
        assert f"also no. {item.number} of case 0a" in page.folded
        assert f"   also no. {item.number} of case 0a, received" in text


def test_a_message_of_which_two_cases_say_different_things_is_told_twice():
    record = second_child()
    changed_part = changed(record.merged[0], 1, text="something else")
    page = packet(record.model_copy(update={"merged": (changed_part,)}))
    assert f"Preserved versions: {len(example().items) + 1}" in page.text


def without(record: CaseRecord, *numbers: int) -> CaseRecord:
    """The example, which the audit noted the whole chain of, and from which items were removed by hand."""
    head = {"items": len(record.items), "chain": record.items[-1].chain}
    noted = Deed(time=record.exported, what="case exported", detail=head)
    items = tuple(item for item in record.items if item.number not in numbers)
    return record.model_copy(update={"items": items, "audit": (*record.audit, noted)})


@pytest.mark.parametrize("removed", [(3,), (10,), (9, 10)])
def test_evidence_that_was_cut_is_told_on_the_first_page_and_in_the_archives_read_me(removed: tuple[int, ...]):
    told = "is not as Lampkeeper wrote it"
    assert told not in packet(without(example())).text
    record = without(example(), *removed)
    html = packet_page(record, REPORTER)
    assert told in Page(html[html.index('<section id="summary"') : html.index('<section id="course"')]).text
    (file,) = archive(record, REPORTER)
    assert told in ZipFile(BytesIO(file.data)).read("README.txt").decode()


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (None, "Nobody has decided about this case yet"),
        ("confirmed", "A person read this case and confirmed the concern"),
        ("dismissed", "A person read this case and dismissed it"),
    ],
)
def test_the_archives_read_me_says_what_was_decided_and_no_more(decision: str | None, sentence: str):
    record = example()
    assert record.decision
    made = None if decision is None else record.decision.model_copy(update={"decision": decision})
    (file,) = archive(record.model_copy(update={"decision": made}), REPORTER)
    said = " ".join(ZipFile(BytesIO(file.data)).read("README.txt").decode().split())
    assert sentence in said
    assert "people read it" not in said
