"""Reports to NCMEC over a real socket: what people have to do, what is sent, and what is kept of it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.casework import holds
from core.config import load_config
from core.cybertip import LIVE_HOST, TEST_HOST, Attachment, Report
from core.cybertip.client import Client
from core.cybertip.confirmation import Typed
from core.cybertip.log import Answered, Asked
from core.cybertip.steps import Halt, Wait
from core.cybertip.submissions import Submissions
from core.errors import ConfigError, SubmissionError
from core.retention.rules import forget_person, forget_space
from core.store import tables
from tests.cybertip_server import PASSWORD, USER, Fault
from tests.cybertip_stage import (
    CASE,
    FIRST,
    REPORT,
    SECOND,
    TRANSCRIPT,
    TYPED,
    TYPED_SECOND,
    XML,
    Stage,
    details,
    stage,
)
from tests.support import NOW, SPACE, engine


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as one:
        yield one


async def test_a_confirmed_report_is_handed_in_with_its_files_and_leaves_a_receipt(here: Stage) -> None:
    submissions = await here.confirmed()
    progress = await submissions.carry(CASE)
    assert (progress.standing.state, progress.next) == ("finished", None)
    (number,) = here.server.ncmec.finished
    report = here.server.ncmec.reports[number]
    assert report.xml == XML
    assert list(report.files.values()) == [TRANSCRIPT, b"none"]
    assert [details(number, file) for file in report.files] == list(report.details.values())
    receipt = await submissions.receipt(CASE)
    assert receipt is not None
    assert (receipt["report"], receipt["files"], receipt["listed"]) == (number, list(report.files), list(report.files))
    assert receipt["request"] == "r-1"
    assert await here.submissions().progress(CASE) == progress


async def test_a_report_without_any_file_is_handed_in_too(here: Stage) -> None:
    submissions = await here.confirmed(Report(XML))
    assert (await submissions.carry(CASE)).standing.state == "finished"
    assert here.server.asked == ["submit", "finish"]


async def test_nothing_is_sent_before_a_person_confirmed_it_by_name(here: Stage) -> None:
    submissions = here.submissions()
    planned = await submissions.plan(CASE, REPORT, FIRST)
    progress = await submissions.carry(CASE)
    assert isinstance(progress.next, Halt)
    assert await submissions.carry_all() == []
    assert here.server.asked == []
    confirmed = await submissions.confirm(CASE, FIRST, TYPED, planned.digest)
    assert [entry.name for entry in confirmed.standing.confirmed] == ["Mary Moderator"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (Typed("Mary Moderator", "4a4e14fb"), "not the id of this case"),
        (Typed("Mary Moderator", ""), "not the id of this case"),
        (Typed("", CASE), "not a name"),
        (Typed("ok", CASE), "not a name"),
        (Typed("12345", CASE), "not a name"),
        (Typed("Mary\x07Moderator", CASE), "not a name"),
        (Typed("x" * 101, CASE), "not a name"),
        (Typed(CASE.upper(), CASE), "in place of a name"),
    ],
)
async def test_what_does_not_confirm_a_report_is_told_in_a_sentence(here: Stage, typed: Typed, sentence: str) -> None:
    submissions = here.submissions()
    planned = await submissions.plan(CASE, REPORT, FIRST)
    with pytest.raises(SubmissionError, match=sentence):
        await submissions.confirm(CASE, FIRST, typed, planned.digest)
    assert (await submissions.carry(CASE)).standing.state == "planned"


async def test_four_eyes_are_two_accounts_and_two_names(here: Stage) -> None:
    submissions = here.submissions()
    digest = (await submissions.plan(CASE, REPORT, FIRST, four_eyes=True)).digest
    await submissions.confirm(CASE, FIRST, TYPED, digest)
    assert (await submissions.carry(CASE)).standing.state == "planned"
    with pytest.raises(SubmissionError, match="You confirmed it already"):
        await submissions.confirm(CASE, FIRST, TYPED_SECOND, digest)
    with pytest.raises(SubmissionError, match="Somebody of this name"):
        await submissions.confirm(CASE, SECOND, Typed("mary  MODERATOR", CASE), digest)
    await submissions.confirm(CASE, SECOND, TYPED_SECOND, digest)
    assert (await submissions.carry(CASE)).standing.state == "finished"
    with pytest.raises(SubmissionError, match="nothing to confirm"):
        await submissions.confirm(CASE, SECOND, TYPED_SECOND, digest)


async def test_a_confirmation_is_for_what_was_shown(here: Stage) -> None:
    submissions = here.submissions()
    shown = await submissions.plan(CASE, REPORT, FIRST)
    await submissions.plan(CASE, REPORT._replace(files=()), FIRST)
    with pytest.raises(SubmissionError, match="changed since it was shown"):
        await submissions.confirm(CASE, FIRST, TYPED, shown.digest)


async def test_a_report_is_taken_back_at_ncmec_as_long_as_it_is_not_finished(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [None, None, Fault("status", number=503)]
    assert isinstance((await submissions.carry(CASE)).next, Wait)
    progress = await submissions.retract(CASE, FIRST)
    assert (progress.standing.state, progress.next) == ("retracted", None)
    assert [report.state for report in here.server.ncmec.reports.values()] == ["retracted"]
    assert await here.submissions().retract(CASE, FIRST) == progress
    with closing(sqlite3.connect(here.folder / "lampkeeper.db")) as database:
        assert database.execute("SELECT content, receipt FROM submissions").fetchone() == (None, None)


async def test_a_report_that_was_not_sent_yet_is_taken_back_without_asking_ncmec(here: Stage) -> None:
    submissions = await here.confirmed()
    assert (await submissions.retract(CASE, FIRST)).standing.state == "retracted"
    assert (await submissions.carry(CASE)).next is None
    assert here.server.asked == []


async def test_a_finished_report_is_not_taken_back_nor_made_again(here: Stage) -> None:
    submissions = await here.confirmed()
    await submissions.carry(CASE)
    with pytest.raises(SubmissionError, match="is finished"):
        await submissions.retract(CASE, FIRST)
    with pytest.raises(SubmissionError, match="was handed in at NCMEC's test host"):
        await submissions.plan(CASE, REPORT, FIRST)
    assert (await submissions.carry(CASE)).standing.state == "finished"
    assert here.server.asked.count("submit") == 1


async def test_a_finish_that_ncmec_got_and_we_do_not_know_of_shows_when_it_is_taken_back(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [None] * 5 + [Fault("cut", done=True)]
    await submissions.carry(CASE)
    progress = await submissions.retract(CASE, FIRST)
    assert progress.standing.state == "finished"
    assert [what for what, _, _ in await here.audit()][-1] == "report finished"


async def test_a_refused_report_is_laid_down_and_confirmed_anew(here: Stage) -> None:
    submissions = await here.confirmed(REPORT._replace(xml=XML.replace(b"<incidentType>Online", b"<incidentType>On")))
    progress = await submissions.carry(CASE)
    assert progress.standing.state == "refused"
    assert isinstance(progress.next, Halt)
    assert "not valid" in progress.next.what
    submissions = await here.confirmed()
    assert (await submissions.carry(CASE)).standing.state == "finished"


async def test_a_report_under_way_is_not_replaced(here: Stage) -> None:
    submissions = await here.confirmed()
    with pytest.raises(SubmissionError, match="on its way"):
        await submissions.plan(CASE, REPORT, FIRST)


async def test_what_people_ask_for_where_there_is_nothing_is_told_in_a_sentence(here: Stage) -> None:
    submissions = here.submissions()
    with pytest.raises(SubmissionError, match="no such case"):
        await submissions.plan("0" * 16, REPORT, FIRST)
    with pytest.raises(SubmissionError, match="No report was laid down"):
        await submissions.carry(CASE)
    assert await submissions.progress(CASE) is None
    await here.confirmed()
    with pytest.raises(SubmissionError, match="Nothing stands in its way"):
        await submissions.go_on(CASE, FIRST, TYPED)


async def test_a_faulty_description_of_a_file_is_found_before_anything_is_sent(here: Stage) -> None:
    faulty = Attachment("transcript.txt", TRANSCRIPT, lambda report, _file: details(report, "another"))
    with pytest.raises(SubmissionError, match="attachment 1"):
        await here.submissions().plan(CASE, Report(XML, (faulty,)), FIRST)


async def test_each_step_is_audited_under_pseudonyms(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [Fault("code", number=1100)]
    await here.to_the_end()
    deeds = await here.audit()
    me = here.ledger.vault.blind(SPACE, FIRST.id)
    number = here.server.ncmec.finished[0]
    assert [(what, who) for what, who, _ in deeds] == [
        ("report planned", me),
        ("legal hold set", me),
        ("report confirmed", me),
        ("report step failed", ""),
        ("report submitted", ""),
        ("report finished", ""),
    ]
    assert deeds[3][2] == {"live": False, "step": "submit", "code": 1100, "status": 200}
    assert deeds[5][2] == {"live": False, "report": number}
    assert await submissions.receipt(CASE)


async def test_nothing_of_a_report_nor_the_credentials_is_logged_or_stands_open_on_the_disk(here: Stage) -> None:
    with capture_logs() as logs:
        await here.confirmed()
        here.server.faults = [Fault("status", number=502), Fault("cut"), Fault("code", number=4711)]
        await here.to_the_end()
    assert logs
    shown = repr(logs) + repr(vars(here.submissions(username="u"))) + repr(Client(USER, PASSWORD))
    disk = b"".join(path.read_bytes() for path in here.folder.iterdir())
    for word in ("Mary", "how old are you", "transcript.txt", "mary@example.org", PASSWORD, "id-of"):
        assert word not in shown
        assert word.encode() not in disk


async def test_a_forgotten_moderators_name_is_gone_and_the_confirmation_stands(here: Stage) -> None:
    submissions = await here.confirmed()
    await submissions.carry(CASE)
    me = here.ledger.vault.blind(SPACE, FIRST.id)
    async with here.ledger.transaction() as tx:
        await forget_person(tx, here.ledger.vault, engine(), SPACE, FIRST.id, NOW)
    progress = await submissions.progress(CASE)
    assert progress is not None
    assert [(entry.who, entry.name) for entry in progress.standing.confirmed] == [("forgotten", "")]
    assert "Mary" not in repr(progress.entries)
    assert me not in repr(progress.entries)
    assert (progress.standing.state, progress.standing.report) == ("finished", here.server.ncmec.finished[0])
    with closing(sqlite3.connect(here.folder / "lampkeeper.db")) as database:
        assert database.execute("SELECT confirmer FROM submissions").fetchone() == ("forgotten",)


@pytest.mark.parametrize("held", [False, True])
async def test_a_submission_goes_with_its_case_and_is_held_by_it(here: Stage, held: bool) -> None:
    submissions = await here.confirmed()
    await submissions.carry(CASE)
    async with here.ledger.transaction() as tx:
        if not held:
            await tx.execute(tables.alerts.update().values(held=None))
        await forget_person(tx, here.ledger.vault, engine(), SPACE, "id-of-target", NOW)
        await forget_space(tx, here.ledger.vault, SPACE, NOW)
    assert (await submissions.progress(CASE) is not None) == held


async def test_a_case_that_is_deleted_while_its_report_is_on_its_way_is_told_in_a_sentence(here: Stage) -> None:
    submissions = await here.confirmed()
    here.server.faults = [None, Fault("status", number=503)]
    await submissions.carry(CASE)
    await holds.end(here.ledger, SPACE)
    async with here.ledger.transaction() as tx:
        await forget_space(tx, here.ledger.vault, SPACE, NOW)
    with pytest.raises(SubmissionError, match="No report was laid down"):
        await submissions.carry(CASE)
    assert await submissions.carry_all() == []


async def test_the_test_host_is_asked_unless_the_live_one_is_named() -> None:
    assert not Client(USER, PASSWORD).live
    assert Client(USER, PASSWORD, LIVE_HOST).live
    assert TEST_HOST != LIVE_HOST


async def test_a_report_to_the_test_host_is_not_taken_for_one_to_the_live_host(here: Stage) -> None:
    await (await here.confirmed()).carry(CASE)
    live = Submissions(here.ledger, Client(USER, PASSWORD, LIVE_HOST))
    with pytest.raises(SubmissionError, match="NCMEC's test host"):
        await live.carry(CASE)
    planned = await live.plan(CASE, REPORT, FIRST)
    assert (planned.standing.state, planned.standing.live) == ("planned", True)
    with pytest.raises(SubmissionError, match="NCMEC's live host"):
        await here.submissions().carry(CASE)


async def test_credentials_and_the_schema_are_looked_at_without_a_report(here: Stage) -> None:
    good = Client(USER, PASSWORD, here.address)
    assert (await good.status()).code == 0
    assert b"reportDoneResponse" in await good.schema()
    bad = Client(USER, "wrong", here.address)
    assert (await bad.status()).status == 401
    with pytest.raises(SubmissionError, match="username or password"):
        await bad.schema()


def test_the_live_host_and_the_credentials_come_from_the_configuration_and_never_show(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[cybertipline]\nusername = 'one'\nlive = true\n")
    section = load_config(path, {"LAMPKEEPER_CYBERTIP_PASSWORD": PASSWORD}).cybertipline
    assert section is not None
    assert section.password is not None
    assert (section.live, section.password.get_secret_value()) == (True, PASSWORD)
    assert PASSWORD not in repr(section)
    path.write_text("[cybertipline]\nlife = true\n")
    with pytest.raises(ConfigError, match="did you mean 'live'"):
        load_config(path, {})


async def test_the_log_holds_every_request_and_its_outcome(here: Stage) -> None:
    await here.confirmed()
    here.server.faults = [None, Fault("cut", done=True)]
    progress = await here.to_the_end()
    asked = [entry.step for entry in progress.entries if isinstance(entry, Asked)]
    told = [entry for entry in progress.entries if isinstance(entry, Answered)]
    assert len(asked) == len(told) == len(here.server.asked)
    names = {"fileinfo": "describe"}
    assert asked == [names.get(step, step) for step in here.server.asked]
    assert [entry.outcome.trouble for entry in told].count("cut") == 1


async def test_a_second_report_to_the_test_host_is_refused_without_saying_that_the_case_was_reported(
    here: Stage,
) -> None:
    await (await here.confirmed()).carry(CASE)
    with pytest.raises(SubmissionError, match="test host, where nothing counts") as told:
        await here.submissions().plan(CASE, REPORT, FIRST)
    assert "was reported to NCMEC" not in str(told.value)


async def test_a_report_that_cannot_be_opened_holds_up_no_other(here: Stage) -> None:
    await here.confirmed()
    broken = here.case
    here.case = f"{int(here.case, 16) + 1:016x}"
    await here.open_case()
    here.time[0] += 1
    submissions = await here.confirmed()
    async with here.ledger.transaction() as tx:
        sealed = tables.submissions.update().where(tables.submissions.c.alert == broken)
        await tx.execute(sealed.values(log=bytes(60)))
    with capture_logs() as logs:
        carried = await submissions.carry_all()
    assert [(case, progress.standing.state) for case, progress in carried] == [(here.case, "finished")]
    assert [one["case"] for one in logs if one["event"] == "submission.not_carried"] == [broken]
