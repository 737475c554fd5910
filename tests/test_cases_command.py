"""`lampkeeper cases`: casework at a terminal, with the rules and the audit of the platforms' buttons."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from bots.__main__ import _run
from bots.cli import GROUPS, app
from bots.commands.cases.common import COMMAND, STANDS
from bots.commands.cases.page import CASE, EXAMPLES, page
from bots.commands.cases.passing import NOT_RECORDED
from bots.common.exports import linked
from bots.composition import links_of
from core.casework import listing
from core.casework.cards import STATES
from core.casework.desk import Referred
from core.casework.notes import LONGEST
from core.casework.transitions import STEPS, Step
from core.config import Config
from core.errors import ExportError
from core.export import FORMATS, ExportFile, Reporter, exporter
from core.export.example import example
from core.export.record import CaseRecord, broken
from core.export.saving import save
from core.export.transcript import transcript
from core.messages import Author, Message
from tests.exports_stage import REPORTER
from tests.support import KEY, NOW, ROOT, SPACE, Board, lampkeeper, slow_talk

NAMES = {"actor": "Robin\x1b[2J\u202e", "target": "The target", "friend": "The friend"}


class Said(NamedTuple):
    status: int
    out: str
    err: str


class Terminal(NamedTuple):
    """A terminal beside a database with two cases of one actor: `one` with the target, `two` with a friend."""

    folder: Path
    one: str
    two: str
    say: Callable[..., Said]

    def done(self, *words: str) -> str:
        said = self.say(*words)
        assert (said.status, said.err) == (0, ""), said
        return said.out

    def refused(self, *words: str) -> str:
        said = self.say(*words)
        assert said.status == 1, said
        return said.err

    def state(self, case: str) -> str:
        return next(
            line.split(" is ")[1].split(". From")[0]
            for line in self.done("show", case).splitlines()
            if line.startswith("state")
        )

    def history(self, case: str) -> list[tuple[str, str | None]]:
        async def read() -> list[tuple[str, str | None]]:
            async with lampkeeper(self.folder) as guard:
                done = await listing.history(guard.ledger, SPACE, case)
            return [(one.what, None if one.who is None else one.who.name) for one in done]

        return asyncio.run(read())


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return opened(tmp_path, capsys, NOW)


@pytest.fixture
def lately(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The same, of the last hour: no authority takes a case from before the year 2000."""
    return opened(tmp_path, capsys, time.time() - 3600)


def opened(tmp_path: Path, capsys: pytest.CaptureFixture[str], begin: float) -> Terminal:
    board, config = Board(), tmp_path / "config.toml"
    config.write_text("")

    async def talk() -> list[str]:
        async with lampkeeper(tmp_path, deliverers=[board]) as guard:
            for number, text in enumerate(slow_talk()):
                for partner in ("target", "friend"):
                    author = Author("actor", NAMES["actor"])
                    await guard.receive(
                        Message(KEY, f"{partner}{number}", author, text, begin + number, partner=partner)
                    )
            for person in ("target", "friend"):
                author = Author(person, NAMES[person])
                await guard.receive(Message(KEY, f"{person}-hi", author, "hi all", begin + 99))
            await guard.settled()
            cards = {card.target.id: card.alert for card in board.cards.values() if card.target}
            return [cards["target"], cards["friend"]]

    one, two = asyncio.run(talk())

    def say(*words: str) -> Said:
        capsys.readouterr()
        status = _run(["cases", *words, "--config", str(config)])
        return Said(status, *capsys.readouterr())

    return Terminal(tmp_path, one, two, say)


# --- looking ---------------------------------------------------------------------------------------------------------


def test_the_list_names_each_case_with_who_works_on_it_and_leaves_out_what_was_not_asked_for(
    terminal: Terminal,
) -> None:
    assert terminal.done("list", "decided") == "There are no such cases.\n"
    terminal.done("claim", terminal.one, "--as", "Kim")
    terminal.done("decide", terminal.two, "dismiss", "--as", "Kim")
    waiting, decided, every = (terminal.done("list", which) for which in ("open", "decided", "all"))
    assert terminal.one in waiting
    assert terminal.two not in waiting
    assert "Kim" in waiting
    assert terminal.two in decided
    assert terminal.one not in decided
    assert f"{SPACE}: 2" in every
    about = terminal.done("list", "all", "--about", "friend")
    assert terminal.two in about
    assert terminal.one not in about
    assert "the newest 1 of 2" in terminal.done("list", "all", "--limit", "1", "--space", SPACE)
    assert f"Known: {SPACE}" in terminal.refused("list", "--space", "discord:1")


def test_a_case_is_shown_with_its_steps_notes_and_others_but_without_what_was_said(terminal: Terminal) -> None:
    terminal.done("claim", terminal.one, "--as", "Kim")
    terminal.done("note", terminal.one, "called the school", "--as", "Kim")
    terminal.done("hold", terminal.one, "--as", "Kim")
    out = terminal.done("show", terminal.one)
    assert f"Case {terminal.one} is looked into by Kim" in out
    assert "From there: claim --over, release, escalate, decide dismiss" in out
    assert "called the school (Kim, " in out
    assert "until it is lifted" in out
    assert f"{terminal.two}: open" in out
    assert not [text for text in slow_talk() if text in out]
    assert terminal.two in terminal.done("related", terminal.one)


def test_text_is_shown_to_whoever_asks_under_their_name_and_that_is_audited_and_counted(terminal: Terminal) -> None:
    (terminal.folder / "config.toml").write_text("[cases]\nexcerpt_lines_a_day = 3\n")
    assert "--as Kim" in terminal.refused("show", terminal.one, "--text")
    assert "Add --text" in terminal.refused("show", terminal.one, "--more", "3")
    assert terminal.history(terminal.one)[-1][0] != "excerpt shown"
    out = terminal.done("show", terminal.one, "--text", "--as", "Kim")
    assert [text for text in slow_talk() if text in out]
    assert "a break is part of the work." in out
    assert terminal.history(terminal.one)[-1] == ("excerpt shown", "Kim")
    again = terminal.done("show", terminal.one, "--text", "--more", "50", "--as", "Kim")
    assert all(text in " ".join(again.split()) for text in slow_talk())
    assert "a break is part of the work." not in again
    terminal.done("claim", terminal.one, "--as", "Sam")
    assert "Sam could go on." in terminal.done("show", terminal.two, "--text", "--as", "Toni"), "Kim read enough"


def test_the_kind_word_comes_with_an_exported_file_too(terminal: Terminal) -> None:
    (terminal.folder / "config.toml").write_text("[cases]\nexcerpt_lines_a_day = 3\n")
    into = ("--out", str(terminal.folder))
    assert "a break is part of the work." in terminal.done("export", terminal.one, *into, "--as", "Kim")
    assert "a break is part of the work." not in terminal.done("export", terminal.two, *into, "--as", "Kim")


def test_nothing_that_strangers_wrote_steers_the_terminal(terminal: Terminal) -> None:
    outs = [terminal.done("list", "all"), terminal.done("show", terminal.one, "--text", "--as", "Kim")]
    outs.append(terminal.done("related", terminal.one))
    for out in outs:
        assert "Robin" in out
        assert "\x1b" not in out
        assert "\u202e" not in out


# --- working ---------------------------------------------------------------------------------------------------------


def test_every_step_can_be_taken_at_a_terminal_and_is_audited_under_the_name_given(terminal: Terminal) -> None:
    one, two = terminal.one, terminal.two
    taken: list[tuple[str, ...]] = [
        ("claim", one, "--as", "Kim"),
        ("claim", one, "--over", "--as", "Sam"),
        ("release", one, "--as", "Sam"),
        ("escalate", one, "--as", "Sam"),
        ("aside", one, "--as", "Kim"),
        ("resume", one, "--as", "Kim"),
        ("decide", one, "confirm", "--as", "Kim"),
        ("decide", one, "undo", "--as", "Kim"),
        ("decide", one, "dismiss", "--grounds", "role_play", "--remark", "they play", "--as", "Kim"),
        ("note", one, "both were asked", "--as", "Sam"),
        ("hold", one, "--as", "Sam"),
        ("lift", one, "--as", "Sam"),
        ("close", one, "--as", "Sam"),
        ("reopen", one, "--as", "Kim"),
    ]
    for words in taken:
        terminal.done(*words)
    history = terminal.history(one)[-len(taken) :]
    assert [who for _, who in history] == [words[-1] for words in taken]
    assert "they play" in terminal.done("show", one)
    terminal.done("merge", two, one, "--as", "Kim")
    assert f"closed, as part of case {one}" in terminal.state(two)


def test_of_two_who_claim_the_second_is_told_who_was_first(terminal: Terminal) -> None:
    terminal.done("claim", terminal.one, "--as", "Kim")
    told = terminal.refused("claim", terminal.one, "--as", "Sam")
    assert "Nothing was changed." in told
    assert "--over" in told
    assert "looked into by Kim" in told
    assert "Only whoever looks into it" in terminal.refused("release", terminal.one, "--as", "Sam")


def test_a_step_that_cannot_be_taken_says_where_the_case_stands_and_what_can_be_done(terminal: Terminal) -> None:
    told = terminal.refused("close", terminal.one, "--as", "Kim")
    assert f"Case {terminal.one} is open: nobody looks into it. From there: claim, escalate," in told
    terminal.done("decide", terminal.one, "dismiss", "--as", "Kim")
    assert "dismissed by Kim" in terminal.refused("decide", terminal.one, "confirm", "--as", "Sam")
    assert "Only whoever decided" in terminal.refused("decide", terminal.one, "undo", "--as", "Sam")
    assert f"{terminal.two} is none" in terminal.refused("merge", terminal.two, terminal.two, "--as", "Kim")


def test_nobody_acts_without_a_name_or_on_a_case_about_themselves_or_on_none(terminal: Terminal) -> None:
    assert terminal.say("claim", terminal.one).status == 2
    for name in ("", "  ", "a\x1b[31m", "x" * 81):
        assert "--as wants your name." in terminal.refused("claim", terminal.one, "--as", name)
    assert "about themselves" in terminal.refused("claim", terminal.one, "--as", "ACTOR")
    assert "about themselves" in terminal.refused("export", terminal.one, "--as", "actor")
    assert "There is no case 'nix'." in terminal.refused("show", "nix")
    assert terminal.state(terminal.one) == "open: nobody looks into it"


def test_a_note_comes_from_standard_input_where_no_shell_shall_keep_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("seen by two of us\n"))
    terminal.done("note", terminal.one, "--as", "Kim")
    assert "seen by two of us" in terminal.done("show", terminal.one)
    assert "nothing to note" in terminal.refused("note", terminal.one, "  ", "--as", "Kim")
    assert "longer than" in terminal.refused("note", terminal.one, "x" * (LONGEST + 1), "--as", "Kim")
    assert "Only a dismissal has grounds." in terminal.refused(
        "decide", terminal.one, "confirm", "--grounds", "other", "--as", "Kim"
    )


# --- what leaves -----------------------------------------------------------------------------------------------------


def test_an_export_is_one_file_for_its_owner_alone_and_is_never_written_over(terminal: Terminal) -> None:
    out = terminal.folder / "files"
    assert "There is no folder" in terminal.refused("export", terminal.one, "--out", str(out), "--as", "Kim")
    out.mkdir()
    words = ("export", terminal.one, "--out", str(out), "--as", "Kim")
    assert "Written: " in terminal.done(*words)
    (file,) = out.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    record = CaseRecord.model_validate_json(file.read_bytes())
    assert (record.case, broken(record)) == (terminal.one, [])
    assert terminal.history(terminal.one)[-1] == ("case exported", "Kim")
    before = file.read_bytes()
    assert "is there already" in terminal.refused(*words)
    assert file.read_bytes() == before
    assert f"There are: {', '.join(FORMATS)}." in terminal.refused("export", terminal.one, "--format", "x", "--as", "K")


def test_of_several_files_all_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"mine")
    with pytest.raises(ExportError, match="is there already"):
        save(tmp_path, [ExportFile(name, "text/plain", b"new") for name in ("a", "b", "c")])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"b": b"mine"}


def test_the_json_format_is_the_record_itself() -> None:
    (file,) = exporter("json")(example(), Reporter())
    assert CaseRecord.model_validate_json(file.data) == example()
    assert json.loads(file.data)["format"] == example().format


def test_a_report_is_recorded_by_whoever_types_the_number_of_a_confirmed_case(terminal: Terminal) -> None:
    one = terminal.one
    words = ("report", one, "--to", "NCMEC CyberTipline", "--reference", "123456", "--as", "Kim")
    assert "only a case that was confirmed" in terminal.refused(*words, "--confirm", one)
    terminal.done("decide", one, "confirm", "--as", "Kim")
    assert "--confirm wants the number" in terminal.refused(*words, "--confirm", "yes")
    assert "Recorded; nothing was sent. Its evidence is kept until" in terminal.done(*words, "--confirm", one)
    out = " ".join(terminal.done("show", one).split())
    assert "to NCMEC CyberTipline, number 123456, by Kim" in out
    assert "its time is fixed" in terminal.refused("lift", one, "--as", "Kim")


def test_where_two_are_asked_for_the_first_is_told_so_and_the_second_completes_it(terminal: Terminal) -> None:
    (terminal.folder / "config.toml").write_text('[cases]\nfour_eyes = ["report"]\n')
    one = terminal.one
    terminal.done("decide", one, "confirm", "--as", "Kim")
    words = ("report", one, "--to", "police", "--confirm", one, "--as")
    assert "This takes two people." in terminal.done(*words, "Kim")
    assert "This takes two people." in terminal.done(*words, "Kim")
    assert terminal.state(one).startswith("confirmed as a concern")
    assert "Recorded" in terminal.done(*words, "Sam")
    assert "by Kim and Sam" in terminal.done("show", one)


# --- whether it is as it was preserved -------------------------------------------------------------------------------

TAMPERED = {
    "DELETE FROM items WHERE number = (SELECT max(number) FROM items WHERE alert = :case) AND alert = :case": "items",
    "DELETE FROM items WHERE number = 2 AND alert = :case": "chain does not hold",
    "DELETE FROM items WHERE alert = :case": "there are 0",
    "UPDATE items SET sha256 = chain WHERE number = 3 AND alert = :case": "Item 3 was changed",
    "UPDATE items SET chain = sha256 WHERE number = 3 AND alert = :case": "chain does not hold at item 3",
    "UPDATE items SET content = NULL, author = '' WHERE number = 3 AND alert = :case": "Item 3 has no content",
    "UPDATE items SET content = NULL, author = '' WHERE alert = :case": "Item 12 has no content",
    "UPDATE items SET received = 1.0 WHERE number = 3 AND alert = :case": "its content was received at another time",
    "UPDATE items SET content = x'00' WHERE number = 3 AND alert = :case": "cannot be opened",
    "UPDATE items SET content = (SELECT content FROM items WHERE number = 1 AND alert = :case) "
    "WHERE number = 3 AND alert = :case": "cannot be opened",
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_verify_finds_what_was_changed_by_hand(statement: str, terminal: Terminal) -> None:
    assert f"items of case {terminal.one} are as they were preserved." in terminal.done("verify", terminal.one)
    with closing(sqlite3.connect(terminal.folder / "lampkeeper.db")) as by_hand, by_hand:
        by_hand.execute(statement, {"case": terminal.one})
    assert TAMPERED[statement] in terminal.refused("verify", terminal.one)
    assert terminal.say("verify", terminal.two).status == 0


def test_a_case_whose_evidence_was_purged_holds(terminal: Terminal) -> None:
    terminal.done("decide", terminal.one, "dismiss", "--as", "Kim")

    async def purge() -> None:
        async with lampkeeper(terminal.folder, clock=lambda: time.time() + 40 * 86_400) as guard:
            await guard.purge()

    asyncio.run(purge())
    assert terminal.done("verify", terminal.one) == f"All 0 items of case {terminal.one} are as they were preserved.\n"


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_made_from_the_table_and_the_commands() -> None:
    assert (ROOT / "docs" / "cases.md").read_text(encoding="utf-8") == page() + "\n"
    for way in STEPS:
        assert f"| {way.step.replace('_', ' ')} |" in page()
        for start in way.start:
            assert way.end is None or f"    {start} --> {way.end}: " in page()
    assert set(STANDS) == set(STATES)
    assert set(COMMAND) == set(get_args(Step))
    assert {*NOT_RECORDED, "recorded"} == set(get_args(Referred))


@pytest.mark.parametrize("name", [name for group, _, names in GROUPS if group == "cases" for name, *_ in names])
def test_every_example_on_the_page_is_a_command_line_that_works(name: str) -> None:
    app.parse_args(["cases", name, *shlex.split(EXAMPLES[name])], print_error=False, exit_on_error=False)
    assert CASE in EXAMPLES[name] or name == "list"


def test_every_command_named_as_a_way_on_is_one() -> None:
    names: Any = {name for group, _, names in GROUPS if group == "cases" for name, *_ in names}
    assert {command.split()[0] for command in COMMAND.values()} <= names


# --- what leaves, and what is typed ----------------------------------------------------------------------------------

REPORTING = '[reporting]\ngiven_name = "Ada"\nfamily_name = "Byron"\nemail = "ada@community.example"\n'


def exported(terminal: Terminal) -> int:
    return [what for what, _ in terminal.history(terminal.one)].count("case exported")


def test_what_was_refused_is_no_export_on_record_and_leaves_no_file(terminal: Terminal) -> None:
    words = ("export", terminal.one, "--out", str(terminal.folder), "--as", "Kim", "--format")
    before = sorted(terminal.folder.iterdir())
    for form in ("ncmec", "cybertip_ca"):
        assert "Nobody has decided this case yet" in terminal.refused(*words, form)
    assert sorted(terminal.folder.iterdir()) == before
    assert exported(terminal) == 0
    assert "Nobody has decided this case so far" in terminal.done(*words, "json")
    assert "is there already" in terminal.refused(*words, "json")
    assert exported(terminal) == 1


def test_all_formats_of_all_cases_stand_beside_each_other_in_one_folder(lately: Terminal) -> None:
    (lately.folder / "config.toml").write_text(REPORTING)
    out = lately.folder / "files"
    out.mkdir()
    formats = [form for form in FORMATS if form != "pdf"]
    for case in (lately.one, lately.two):
        lately.done("decide", case, "confirm", "--as", "Kim")
        for form in formats:
            lately.done("export", case, "--out", str(out), "--as", "Kim", "--format", form)
    names = [path.name for path in out.iterdir()]
    assert all(lately.one in name or lately.two in name for name in names)
    assert len(names) == 2 * sum(len(exporter(form)(example(), REPORTER)) for form in formats)


def test_what_only_a_person_knows_comes_from_a_file_such_as_was_printed(lately: Terminal) -> None:
    (lately.folder / "config.toml").write_text(REPORTING)
    lately.done("decide", lately.one, "confirm", "--as", "Kim", "--remark", "a-moderators-words")
    facts = lately.folder / "facts.toml"

    def export(form: str, *more: str) -> str:
        out = lately.folder / f"{form}{len(more)}"
        out.mkdir()
        words = ("export", lately.one, "--out", str(out), "--as", "Kim", "--format", form, *more)
        printed = lately.done(*words)
        assert "a-moderators-words" not in printed + "".join(path.read_text() for path in out.iterdir())
        return printed + "".join(path.read_text() for path in sorted(out.iterdir()) if "addresses" in path.name)

    assert "# plan_to_meet is not known" in export("cybertip_ca")
    facts.write_text('plan_to_meet = true\nmaterial_at = ["192.0.2.7"]\n')
    assert "192.0.2.7" in export("cybertip_ca", "--facts", str(facts))
    assert "prior_reports = []" in export("ncmec")
    assert "a key that is not known" in lately.refused(
        "export", lately.one, "--as", "Kim", "--format", "ncmec", "--facts", str(facts)
    )
    assert "takes no facts" in lately.refused("export", lately.one, "--as", "Kim", "--facts", str(facts))


def test_evidence_that_was_cut_is_told_with_the_packet_and_refused_to_an_authority(lately: Terminal) -> None:
    (lately.folder / "config.toml").write_text(REPORTING)
    lately.done("decide", lately.one, "confirm", "--as", "Kim")
    with closing(sqlite3.connect(lately.folder / "lampkeeper.db")) as by_hand, by_hand:
        by_hand.execute("DELETE FROM items WHERE alert = ? AND number >= 3", (lately.one,))
    words = ("export", lately.one, "--out", str(lately.folder), "--as", "Kim", "--format")
    for form in ("ncmec", "cybertip_ca"):
        assert "does not hold: The audit noted" in lately.refused(*words, form)
    told = lately.say(*words, "packet")
    assert (told.status, "Written: " in told.out) == (1, True)
    assert "items; there are 2" in told.err


LONG = "9" * 5000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("report", "ONE", "--to", LONG, "--confirm", "ONE", "--as", "Kim"), "--to wants one line"),
        (("report", "ONE", "--to", "a\nb", "--confirm", "ONE", "--as", "Kim"), "--to wants one line"),
        (("report", "ONE", "--to", "a\x1b[2J", "--confirm", "ONE", "--as", "Kim"), "--to wants one line"),
        (("report", "ONE", "--to", "a\udcff", "--confirm", "ONE", "--as", "Kim"), "--to wants one line"),
        (("report", "ONE", "--to", "a", "--reference", LONG, "--confirm", "ONE", "--as", "K"), "--reference wants"),
        (("decide", "ONE", "confirm", "--remark", "x" * 301, "--as", "Kim"), "longer than 300"),
        (("decide", "ONE", "confirm", "--remark", "a\udcff", "--as", "Kim"), "characters that no text has"),
        (("note", "ONE", "a\udcff", "--as", "Kim"), "characters that no text has"),
        (("show", "\udcff"), "no id of a case"),
        (("show", LONG), "no id of a case"),
        (("merge", "ONE", "\udcff", "--as", "Kim"), "no id of a case"),
        (("list", "--about", "\udcff"), "wants one line"),
        (("list", "--space", "\udcff"), "wants one line"),
        (("list", "--limit", "9" * 20), "Must be <= 10000"),
        (("show", "ONE", "--text", "--more", "9" * 20, "--as", "Kim"), "Must be <= 10000"),
    ],
)
def test_what_no_form_would_take_is_refused_in_a_sentence(
    words: tuple[str, ...], sentence: str, terminal: Terminal
) -> None:
    said = terminal.say(*(terminal.one if word == "ONE" else word for word in words))
    assert said.status in {1, 2}
    assert sentence in " ".join(said.err.split())


def test_the_same_report_is_recorded_once(terminal: Terminal) -> None:
    one = terminal.one
    terminal.done("decide", one, "confirm", "--as", "Kim")
    words = ("report", one, "--to", "Police", "--confirm", one, "--as", "Kim", "--reference")
    terminal.done(*words, "7")
    assert "this was before" in terminal.refused(*words, "7")
    terminal.done(*words, "8")
    assert [what for what, _ in terminal.history(one)].count("report recorded") == 2


def test_exports_of_a_space_on_discord_have_links_where_no_message_can_be_a_direct_one() -> None:
    record = example()
    for server, linked_items in (("4001", 0), ("4002", len(record.items))):
        config = Config.model_validate({"discord": {"token": "t", "direct_messages": int(server)}})
        links = links_of(config, "discord:4001")
        assert links is not None
        made = linked(record, links)
        assert made.actor.profile == "https://discord.com/users/1001"
        assert sum(item.link is not None for item in made.items) == linked_items
        assert "Community: Discord, discord:4001" in transcript(made).decode()
    assert links_of(config, "slack:T1") is None
