"""`lampkeeper cases`: casework at a terminal, with the rules and the audit of the platforms' buttons."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import sqlite3
import stat
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
from core.casework import listing
from core.casework.cards import STATES
from core.casework.desk import Referred
from core.casework.notes import LONGEST
from core.casework.transitions import STEPS, Step
from core.errors import ExportError
from core.export import FORMATS, ExportFile, Reporter, exporter
from core.export.example import example
from core.export.record import CaseRecord, broken
from core.export.saving import save
from core.messages import Author, Message
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
    board, config = Board(), tmp_path / "config.toml"
    config.write_text("")

    async def talk() -> list[str]:
        async with lampkeeper(tmp_path, deliverers=[board]) as guard:
            for number, text in enumerate(slow_talk()):
                for partner in ("target", "friend"):
                    author = Author("actor", NAMES["actor"])
                    await guard.receive(Message(KEY, f"{partner}{number}", author, text, NOW + number, partner=partner))
            for person in ("target", "friend"):
                author = Author(person, NAMES[person])
                await guard.receive(Message(KEY, f"{person}-hi", author, "hi all", NOW + 99))
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
    terminal.done("show", terminal.one, "--text", "--more", "50", "--as", "Sam")
    assert "Sam or Kim could go on." in terminal.done("show", terminal.two, "--text", "--as", "Toni")


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
        import time  # noqa: PLC0415

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
