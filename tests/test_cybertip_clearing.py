"""What was laid down for NCMEC goes where people asked to be forgotten, and with the evidence of its case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.casework import holds
from core.casework.cards import Person
from core.casework.desk import Desk
from core.cybertip import Attachment, Report
from core.cybertip.submissions import Submissions
from core.errors import SubmissionError
from core.retention import rules
from core.retention.rules import DAY, forget_person
from tests.cybertip_server import Fault
from tests.cybertip_stage import CASE, FIRST, REPORT, TYPED, XML, Stage, details, stage
from tests.support import MODERATOR, SPACE, engine

OTHER = "1009"
TELLING = Report(
    XML, (Attachment("transcript.txt", b"1  2026-11-01T18:30:00Z  somebody (1009): message 1\n", details),)
)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as one:
        yield one


async def forget(here: Stage, person: str) -> None:
    async with here.ledger.transaction() as tx:
        await forget_person(tx, here.ledger.vault, engine(), SPACE, person, here.time[0])


async def lift(here: Stage) -> None:
    """End the hold as the operator, who may do so whatever is under way."""
    assert await holds.end(here.ledger, SPACE) == 1


async def state(submissions: Submissions) -> str:
    progress = await submissions.progress(CASE)
    assert progress is not None
    return progress.standing.state


async def test_a_report_that_tells_of_somebody_forgotten_is_taken_back_unless_it_is_under_hold(here: Stage) -> None:
    submissions = here.submissions()
    digest = (await submissions.plan(CASE, TELLING, FIRST)).digest
    await forget(here, OTHER)
    assert await submissions.read(CASE, FIRST) is not None, "the hold keeps it"
    await lift(here)
    await forget(here, "100")
    await forget(here, "009")
    assert await submissions.read(CASE, FIRST) is not None, "it tells nothing of either"
    await forget(here, OTHER)
    assert await submissions.read(CASE, FIRST) is None
    assert await state(submissions) == "retracted"
    with pytest.raises(SubmissionError, match="nothing to confirm"):
        await submissions.confirm(CASE, FIRST, TYPED, digest)
    assert [what for what, _, _ in await here.audit()].count("report taken back") == 1
    assert here.server.asked == []


async def test_a_report_that_is_open_at_ncmec_is_taken_back_there_when_somebody_in_it_is_forgotten(here: Stage) -> None:
    submissions = await here.confirmed(TELLING)
    here.server.faults = [None, Fault("status", number=503)]
    await submissions.carry(CASE)
    await lift(here)
    await forget(here, OTHER)
    progress = await submissions.carry(CASE)
    assert (progress.standing.state, progress.next) == ("retracted", None)
    assert [report.state for report in here.server.ncmec.reports.values()] == ["retracted"]


async def test_of_a_report_handed_in_receipt_and_log_stay_where_what_it_said_is_forgotten(here: Stage) -> None:
    submissions = await here.confirmed(TELLING)
    await submissions.carry(CASE)
    await lift(here)
    await forget(here, OTHER)
    assert await submissions.read(CASE, Person("m", "m")) is None
    assert await state(submissions) == "finished"
    assert await submissions.receipt(CASE) is not None


@pytest.mark.parametrize("handed_in", [False, True])
async def test_what_was_laid_down_goes_with_the_evidence_of_its_case(here: Stage, handed_in: bool) -> None:
    submissions = await here.confirmed(REPORT)
    if handed_in:
        await submissions.carry(CASE)
    keep = here.ledger.keep
    await lift(here)
    assert (await Desk(here.ledger).close(CASE, MODERATOR)) is not None
    here.time[0] += (keep.closed - 1) * DAY
    await rules.purge(here.ledger)
    assert await submissions.read(CASE, FIRST) is not None
    here.time[0] += 2 * DAY
    async with here.ledger.store.read() as tx:
        due = [(one.table, one.what) for one in await rules.due(tx, keep, here.time[0])]
    assert ("submissions", "without what was sent") in due
    await rules.purge(here.ledger)
    assert await submissions.read(CASE, FIRST) is None
    assert await state(submissions) == ("finished" if handed_in else "retracted")
    async with here.ledger.store.read() as tx:
        assert await rules.due(tx, keep, here.time[0]) == []
