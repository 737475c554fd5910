"""`lampkeeper cybertip` as people call it, from a confirmed case to NCMEC's receipt, on the tests' own CyberTipline."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch
from xml.etree import ElementTree as ET

import pytest
import structlog

import core.cybertip.client
from bots import composition
from bots.__main__ import _run
from core.casework import casefile
from core.casework.cards import Card, Person
from core.config import CyberTipline
from core.export.ncmec import prefilled
from core.export.record import CaseRecord
from core.retention.keeping import KEPT
from tests.cybertip_server import PASSWORD, USER, CyberTipServer, Fault, schema
from tests.support import MODERATOR, ROOT, Board, lampkeeper, said, slow_talk

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LAMPKEEPER_")}
CREDENTIALS = {"LAMPKEEPER_CYBERTIP_USERNAME": USER, "LAMPKEEPER_CYBERTIP_PASSWORD": PASSWORD}
REPORTING = '[reporting]\ngiven_name = "Ada"\nfamily_name = "Byron"\nemail = "ada@community.example"\n'
MARY, SAM = ("--as", "Mary Moderator"), ("--as", "Sam Second")


class Done(NamedTuple):
    status: int
    out: str
    err: str


@dataclass
class Operator:
    """Somebody at a terminal, with a confirmed case in their database."""

    folder: Path
    server: CyberTipServer
    hosts: tuple[str, str]
    case: str = ""
    section: str = "[cybertipline]\nlive = true\n"
    credentials: dict[str, str] = field(default_factory=lambda: dict(CREDENTIALS))

    def configure(self, more: str = "") -> Path:
        path = self.folder / "config.toml"
        path.write_text(f"{more}{REPORTING}{self.section}[discord]\ntoken = 'none'\n")
        return path

    async def started(self, *words: str) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "tests.cybertip_program", *self.hosts, *words]
        command += ["--config", str(self.folder / "config.toml")]
        return await asyncio.create_subprocess_exec(
            *command,
            env=ENVIRONMENT | self.credentials,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def call(self, *words: str) -> Done:
        """Call the command here, which takes a tenth of the time; nobody ever sees a credential."""
        done = await asyncio.to_thread(self._called, "cybertip", *words, "--config", str(self.folder / "config.toml"))
        assert PASSWORD not in done.out + done.err
        return done

    def _called(self, *words: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        environment = patch.dict(os.environ, ENVIRONMENT | self.credentials, clear=True)
        with environment, redirect_stdout(out), redirect_stderr(err):
            status = _run(list(words))
        return Done(status, out.getvalue(), err.getvalue())

    async def ended(self, *words: str) -> Done:
        """Call the command as a program of its own; nobody ever sees a traceback."""
        process = await self.started(*words)
        out, err = await process.communicate()
        done = Done(process.returncode or 0, out.decode(), err.decode())
        assert "Traceback" not in done.out + done.err, done
        assert PASSWORD not in done.out + done.err
        return done

    async def well(self, *words: str) -> str:
        done = await self.call(*words)
        assert done.status == 0, done
        return done.out

    async def badly(self, *words: str) -> str:
        done = await self.call(*words)
        assert done.status == 1, done
        return done.err

    async def confirmed(self) -> None:
        await self.well("plan", self.case, *MARY)
        await self.well("confirm", self.case, *MARY, "--type", self.case)

    async def looked_up(self) -> tuple[Card, CaseRecord]:
        """Return card and record of the case, as a Lampkeeper that starts now has them."""
        async with lampkeeper(self.folder) as guard:
            card = await guard.desk.card(self.case)
            async with guard.ledger.store.read() as tx:
                record = await casefile.record(tx, guard.ledger, self.case, reports=False)
        assert card is not None
        assert record is not None
        return card, record


@pytest.fixture
async def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    async with at_a_terminal(tmp_path) as one:
        for where in (composition, core.cybertip.client):
            monkeypatch.setattr(where, "TEST_HOST", one.hosts[0])
            monkeypatch.setattr(where, "LIVE_HOST", one.hosts[1])
        yield one
    structlog.reset_defaults()


@asynccontextmanager
async def at_a_terminal(folder: Path) -> AsyncIterator[Operator]:
    server = CyberTipServer(time.time)
    address = await server.start()
    hosts = (address.replace("127.0.0.1", "localhost"), address)  # NCMEC's test host, and its live one
    one = Operator(folder, server, hosts)
    one.configure()
    board, begin = Board("test"), time.time() - 3600
    async with lampkeeper(folder, deliverers=[board]) as guard:
        for number, text in enumerate(slow_talk()):
            await guard.receive(said(number, text, partner="target", time=begin + number))
        await guard.settled()
        (card,) = board.cards.values()
        await guard.desk.decide(card.alert, "confirmed", MODERATOR)
    one.case = card.alert
    try:
        yield one
    finally:
        await server.stop()


async def test_a_case_goes_from_plan_to_receipt_and_is_reported(operator: Operator) -> None:
    case, ncmec = operator.case, operator.server.ncmec
    assert "live host takes the credentials" in await operator.well("status")
    planned = await operator.well("plan", case, *MARY)
    assert f"confirm {case} --as NAME --type CASE --digest" in planned
    for line in slow_talk():
        assert line not in planned
    card, _ = await operator.looked_up()
    assert (card.state, card.held is not None, card.fixed_until) == ("concern_confirmed", True, None)
    digest = planned.rpartition("--digest")[2].split()[0]
    confirmed = await operator.well("confirm", case, *MARY, "--type", case, "--digest", digest)
    assert "Mary Moderator" in confirmed
    assert "submit" not in operator.server.asked
    sent = await operator.well("send", case)
    (number,) = ncmec.finished
    assert number in sent
    assert number in await operator.well("receipt", case)
    report = ncmec.reports[number]
    schema().validate(io.BytesIO(report.xml))
    (transcript,) = report.files.values()
    for line in slow_talk():
        assert line in transcript.decode()
    card, record = await operator.looked_up()
    assert card.state == "reported"
    assert card.held_until is not None
    assert abs(card.held_until - time.time() - KEPT) < 3600
    (passed,) = record.passed
    assert (passed.to, passed.reference) == ("NCMEC CyberTipline", number)
    assert [by.name for by in passed.by] == ["Mary Moderator"]
    assert prefilled(record).prior_reports == (int(number),)
    assert [deed.what for deed in record.audit if deed.what.startswith(("report", "legal"))] == [
        "report planned",
        "legal hold set",
        "report confirmed",
        "report submitted",
        "report finished",
        "report recorded",
    ]
    for again in (("send", case), ("show", case)):
        assert number in await operator.well(*again)
    for refused in (("plan", case, *MARY), ("retract", case, *MARY)):
        assert number in await operator.badly(*refused)
    assert operator.server.asked.count("submit") == 1


async def test_four_eyes_are_two_names_and_the_referral_names_both(operator: Operator) -> None:
    operator.configure('[cases]\nfour_eyes = ["report"]\n')
    case = operator.case
    await operator.well("plan", case, *MARY)
    assert "Another person" in await operator.well("confirm", case, *MARY, "--type", case)
    assert "1 were given" in await operator.badly("send", case)
    assert "You confirmed it already" in await operator.badly("confirm", case, *MARY, "--type", case)
    assert operator.server.asked == []
    await operator.well("confirm", case, *SAM, "--type", case)
    await operator.well("send", case)
    _, record = await operator.looked_up()
    assert [by.name for by in record.passed[0].by] == ["Mary Moderator", "Sam Second"]


async def test_a_wrong_number_a_wrong_name_or_a_changed_report_confirms_nothing(operator: Operator) -> None:
    case = operator.case
    await operator.well("plan", case, *MARY)
    assert "not the id of this case" in await operator.badly("confirm", case, *MARY, "--type", case[:-1])
    assert "not a name" in await operator.badly("confirm", case, "--as", "7", "--type", case)
    assert "changed since" in await operator.badly("confirm", case, *MARY, "--type", case, "--digest", "0" * 16)
    assert "Of 1 confirmations" in await operator.badly("send", case)
    assert operator.server.asked == []


async def test_facts_are_corrected_in_a_file_and_what_is_wrong_in_it_is_told_in_a_sentence(operator: Operator) -> None:
    facts, case = operator.folder / "facts.toml", operator.case
    printed = await operator.well("plan", case, *MARY)
    assert 'incident_type = "Online Enticement of Children for Sexual Acts"' in printed
    facts.write_text('remarks = "We told the school."\n[people.target]\nage = 13\ncountry = "US"\n')
    assert "age = 13" in await operator.well("plan", case, *MARY, "--facts", str(facts))
    facts.write_text("[people.target]\nage = 31\n")
    assert "is said to be an adult" in await operator.badly("plan", case, *MARY, "--facts", str(facts))
    facts.write_text("aeg = 13\n")
    assert "a key that is not known" in await operator.badly("plan", case, *MARY, "--facts", str(facts))
    facts.unlink()
    assert "cannot be read" in await operator.badly("plan", case, *MARY, "--facts", str(facts))
    await operator.well("confirm", case, *MARY, "--type", case)
    await operator.well("send", case)
    (filed,) = operator.server.ncmec.reports.values()
    report = ET.fromstring(filed.xml)
    assert report.findtext("victim/victimPerson/age") == "13"
    assert "We told the school." in (report.findtext("additionalInfo") or "")


async def test_what_people_wrote_is_printed_only_where_it_is_asked_for_and_that_is_audited(operator: Operator) -> None:
    case, line = operator.case, slow_talk()[0]
    assert line in await operator.well("plan", case, *MARY, "--text")
    assert line not in await operator.well("show", case)
    assert "--as wants your name" in await operator.badly("show", case, "--text")
    assert line in await operator.well("show", case, "--text", *SAM)
    _, record = await operator.looked_up()
    shown = [deed.by.name for deed in record.audit if deed.what == "excerpt shown" and deed.by]
    assert shown == ["Sam Second"]
    async with lampkeeper(operator.folder) as guard:
        read = await guard.desk.exposure(record.space, Person("terminal:Sam Second", "Sam Second"))
    assert (read.lines, read.cases) == (record.texts, 1)
    assert read.lines > 0


async def test_credentials_that_are_missing_or_refused_are_told_and_it_goes_on_once_they_are_right(
    operator: Operator,
) -> None:
    operator.credentials = {}
    assert "cybertipline.username is missing" in await operator.badly("status")
    await operator.confirmed()
    assert "cybertipline.username is missing" in await operator.badly("send", operator.case)
    operator.credentials = CREDENTIALS | {"LAMPKEEPER_CYBERTIP_USERNAME": "another"}
    assert "refused username or password" in await operator.badly("status")
    assert f"go-on {operator.case}" in await operator.badly("send", operator.case)
    operator.credentials = dict(CREDENTIALS)
    assert "refused username or password" in await operator.badly("send", operator.case)
    await operator.well("go-on", operator.case, *MARY, "--type", operator.case)
    await operator.well("send", operator.case)
    assert len(operator.server.ncmec.finished) == 1


async def test_reports_go_to_the_test_host_unless_the_configuration_says_live_and_count_for_nothing_there(
    operator: Operator,
) -> None:
    operator.section = "[cybertipline]\n"
    operator.configure()
    assert "test host, where nothing counts" in await operator.well("status")
    await operator.confirmed()
    await operator.well("send", operator.case)
    assert {headers["Host"].partition(":")[0] for headers in operator.server.headers} == {"localhost"}
    card, record = await operator.looked_up()
    assert (card.state, record.passed) == ("concern_confirmed", ())
    operator.section = "[cybertipline]\nlive = true\n"
    operator.configure()
    await operator.confirmed()
    await operator.well("send", operator.case)
    assert (await operator.looked_up())[0].state == "reported"


async def test_a_report_that_is_not_finished_is_taken_back_at_ncmec(operator: Operator) -> None:
    await operator.confirmed()
    operator.server.faults = [None, Fault("status", number=503)]
    assert "Not before" in await operator.badly("send", operator.case)
    assert "taken back" in await operator.well("retract", operator.case, *MARY)
    assert [report.state for report in operator.server.ncmec.reports.values()] == ["retracted"]
    assert "no report about this case is finished" in await operator.badly("receipt", operator.case)
    card, record = await operator.looked_up()
    assert (card.state, record.passed) == ("concern_confirmed", ())


async def test_a_case_that_nobody_confirmed_or_that_does_not_exist_is_not_planned(operator: Operator) -> None:
    assert "There is no case" in await operator.badly("plan", "0" * 16, *MARY)
    async with lampkeeper(operator.folder) as guard:
        await guard.desk.undecide(operator.case, MODERATOR)
    assert "Nobody has decided this case yet" in await operator.badly("plan", operator.case, *MARY)
    assert "No report was laid down" in await operator.badly("show", operator.case)


async def test_a_report_is_not_sent_once_the_concern_was_taken_back(operator: Operator) -> None:
    await operator.confirmed()
    async with lampkeeper(operator.folder) as guard:
        await guard.desk.undecide(operator.case, MODERATOR)
    assert "Only a case that people confirmed" in await operator.badly("send", operator.case)
    assert operator.server.asked == []


async def test_the_commands_are_programs_that_end_with_a_status_and_a_sentence(operator: Operator) -> None:
    case = operator.case
    unplanned = await operator.ended("cybertip", "send", case)
    assert (unplanned.status, unplanned.out) == (1, "")
    assert f"cybertip plan {case}" in unplanned.err
    await operator.confirmed()
    sent = await operator.ended("cybertip", "send", case)
    assert (sent.status, sent.err) == (0, "")
    assert operator.server.ncmec.finished[0] in sent.out


async def test_without_its_section_the_public_form_is_named(operator: Operator) -> None:
    operator.section = ""
    operator.configure()
    for words in (("status",), ("plan", operator.case, *MARY), ("send", operator.case)):
        assert "https://report.cybertip.org" in await operator.badly(*words)


async def test_what_was_cut_off_is_finished_by_run_without_anybody_asking(operator: Operator) -> None:
    await operator.confirmed()
    operator.server.faults = [None, None, Fault("hold", done=True)]
    sending = await operator.started("cybertip", "send", operator.case)
    await operator.server.reached.wait()
    sending.kill()
    await sending.communicate()
    operator.server.release.set()
    running = await operator.started("run")
    while not operator.server.ncmec.finished:
        await asyncio.sleep(0.05)
        assert running.returncode is None, await running.communicate()
    await operator.well("show", operator.case)
    running.send_signal(signal.SIGTERM)
    out, err = await running.communicate()
    assert running.returncode == 0, (out, err)
    assert b"Traceback" not in out + err
    assert b"submission.finished" in err
    (number,) = operator.server.ncmec.finished
    assert number in await operator.well("receipt", operator.case)
    _, record = await operator.looked_up()
    assert [passed.reference for passed in record.passed] == [number]


async def test_run_without_credentials_says_that_no_report_is_sent(operator: Operator) -> None:
    operator.credentials = {}
    running = await operator.started("run")
    assert running.stderr is not None
    assert b"No report to NCMEC is sent" in await running.stderr.readline()
    running.send_signal(signal.SIGTERM)
    await running.communicate()
    assert running.returncode == 0


async def test_run_tells_the_operator_what_waits_for_people_in_words_and_no_content(operator: Operator) -> None:
    await operator.confirmed()
    operator.server.faults = [Fault("code", number=3100)]
    running = await operator.started("run")
    assert running.stderr is not None
    lines: list[str] = []
    while not any("submission.waits_for_people" in line for line in lines):
        lines.append((await running.stderr.readline()).decode())
        assert lines[-1], lines
    running.send_signal(signal.SIGTERM)
    lines.append((await running.communicate())[1].decode())
    told = "".join(lines)
    assert "does not allow this account to submit reports" in told
    for word in (PASSWORD, "Mary", *slow_talk()):
        assert word not in told


async def test_check_has_a_line_that_says_whether_ncmec_takes_the_credentials(operator: Operator) -> None:
    async def line() -> str:
        done = await operator.ended("check")
        return next(line for line in done.out.splitlines() if "cybertipline" in line)

    assert await line() == "ok  cybertipline: NCMEC's live host takes the credentials"
    operator.credentials["LAMPKEEPER_CYBERTIP_USERNAME"] = "another"
    operator.section = "[cybertipline]\n"
    operator.configure()
    found = await line()
    assert found.startswith("✗ ")
    assert "test host" in found
    assert "refused username or password" in found


def test_no_configuration_names_a_host_of_ncmecs() -> None:
    assert set(CyberTipline.model_fields) == {"live", "username", "password"}


async def test_whom_the_case_is_about_neither_reads_nor_lets_go_on_nor_takes_back_a_report(operator: Operator) -> None:
    await operator.confirmed()
    operator.server.faults = [Fault("code", number=3100)]
    await operator.badly("send", operator.case)
    card, _ = await operator.looked_up()
    case, actor = operator.case, ("--as", card.actor.name or card.actor.id)
    for words in (("show", case, "--text"), ("go-on", case, "--type", case), ("retract", case)):
        assert "Nobody works on a case about themselves" in await operator.badly(*words, *actor)
    assert "it is open" not in await operator.well("show", case)
    await operator.well("go-on", case, *MARY, "--type", case)


async def test_a_plan_that_was_refused_is_no_export_on_record(operator: Operator) -> None:
    facts = operator.folder / "facts.toml"
    facts.write_text("[people.target]\nage = 31\n")
    await operator.badly("plan", operator.case, *MARY, "--facts", str(facts))
    _, record = await operator.looked_up()
    assert "case exported" not in [deed.what for deed in record.audit]
    await operator.well("plan", operator.case, *MARY)
    _, record = await operator.looked_up()
    assert [deed.what for deed in record.audit].count("case exported") == 1
