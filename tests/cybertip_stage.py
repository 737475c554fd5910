"""What the tests of reports to NCMEC share: a confirmed case, the tests' own CyberTipline, and a report to send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.casework import cases
from core.casework.cards import Decided, Person
from core.cybertip import Attachment, Report
from core.cybertip.client import Client
from core.cybertip.confirmation import Typed
from core.cybertip.steps import FINAL, Halt, Wait
from core.cybertip.submissions import Progress, Submissions
from core.effects import OpenAlert, Score
from core.ledger import Ledger
from core.messages import Pair
from core.store import open_store, tables
from tests.cybertip_server import PASSWORD, USER, CyberTipServer, Ncmec
from tests.support import NOW, SPACE, engine

CASE = "4a4e14fb06d4c4b1"
FIRST, SECOND = Person("moderator", "The moderator"), Person("second", "The second")
TYPED, TYPED_SECOND = Typed("Mary Moderator", CASE), Typed("Sam Second", CASE)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<report xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
        xsi:noNamespaceSchemaLocation="https://report.cybertip.org/ispws/xsd">
  <incidentSummary>
    <incidentType>Online Enticement of Children for Sexual Acts</incidentType>
    <incidentDateTime>2026-11-01T18:30:00Z</incidentDateTime>
  </incidentSummary>
  <internetDetails><chatImIncident><chatClient>Discord</chatClient></chatImIncident></internetDetails>
  <reporter><reportingPerson><lastName>Moderator</lastName><email>mary@example.org</email></reportingPerson></reporter>
  <personOrUserReported><espIdentifier>1001</espIdentifier><screenName>actor</screenName></personOrUserReported>
  <victim><victimPerson/><espIdentifier>1002</espIdentifier><screenName>target</screenName></victim>
  <additionalInfo>This conversation follows a risk pattern: ätt möta ensam.</additionalInfo>
</report>
""".encode()
TRANSCRIPT = b"2026-11-01T18:30:00Z actor: how old are you?\n" * 20


def details(report: str, file: str) -> bytes:
    return (
        f"<fileDetails><reportId>{report}</reportId><fileId>{file}</fileId><originalFileName>transcript.txt"
        "</originalFileName><fileRelevance>Reported</fileRelevance></fileDetails>"
    ).encode()


REPORT = Report(XML, (Attachment("transcript.txt", TRANSCRIPT, details), Attachment("edits.txt", b"none", details)))


@dataclass
class Stage:
    folder: Path
    ledger: Ledger
    server: CyberTipServer
    address: str
    time: list[float]
    case: str = CASE

    def submissions(self, **client: Any) -> Submissions:
        """Return what carries reports, as after a restart."""
        values = {"username": USER, "password": PASSWORD, "host": self.address}
        return Submissions(self.ledger, Client(**(values | client)))

    async def confirmed(self, report: Report = REPORT, **client: Any) -> Submissions:
        """Lay a report down and confirm it."""
        submissions = self.submissions(**client)
        planned = await submissions.plan(self.case, report, FIRST)
        await submissions.confirm(self.case, FIRST, Typed("Mary Moderator", self.case), planned.digest)
        return submissions

    async def to_the_end(self) -> Progress:
        """Carry as after a restart, wait where that is said, and let it go on where people are asked."""
        for _ in range(40):
            progress = await self.submissions().carry(self.case)
            if isinstance(progress.next, Wait):
                self.time[0] = progress.next.until
            elif isinstance(progress.next, Halt):
                lost = progress.standing.finish_doubt and progress.standing.report in self.server.ncmec.finished
                assert not lost, "NCMEC's people would say that it is finished"
                await self.submissions().go_on(self.case, FIRST, Typed("Mary Moderator", self.case))
            elif progress.standing.state in FINAL:
                return progress
        raise AssertionError("it comes to no end")

    async def another_case(self) -> None:
        """Go on with a new case, and an NCMEC without reports."""
        self.case = f"{int(self.case, 16) + 1:016x}"
        self.server.ncmec = Ncmec(lambda: self.time[0])
        self.server.faults, self.server.asked = [], []
        await self.open_case()

    async def open_case(self) -> None:
        score = Score(0.9, "review", "scored")
        pair = Pair(SPACE, "id-of-actor", "id-of-target")
        alert = OpenAlert(self.case, pair, "general", "m1", NOW, score, (), ())
        async with self.ledger.transaction() as tx:
            if await cases.pair_of(tx, self.ledger.vault, self.case) is None:
                await cases.save(tx, self.ledger.vault, [alert])
                await cases.decide(tx, self.ledger.vault, self.case, SPACE, Decided("confirmed", FIRST, NOW))

    async def audit(self) -> list[tuple[str, str, dict[str, Any]]]:
        table = tables.audit
        async with self.ledger.store.read() as tx:
            rows = await tx.execute(select(table.c.what, table.c.who, table.c.detail).order_by(table.c.id))
            return [(what, who, detail) for what, who, detail in rows]


@asynccontextmanager
async def served(time: list[float]) -> AsyncIterator[tuple[CyberTipServer, str]]:
    """Serve the tests' own CyberTipline; `time` holds its clock."""
    server = CyberTipServer(lambda: time[0])
    try:
        yield server, await server.start()
    finally:
        await server.stop()


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Set up a confirmed case in a database in `folder`, and the tests' own CyberTipline."""
    time = [NOW]
    async with served(time) as (server, address), opened(folder, server, address, time) as here:
        yield here


@asynccontextmanager
async def opened(folder: Path, server: CyberTipServer, address: str, time: list[float]) -> AsyncIterator[Stage]:
    """Open the database in `folder`, with a confirmed case."""
    store = await open_store(folder / "lampkeeper.db", folder / "lampkeeper.key")
    try:
        here = Stage(folder, Ledger(engine(), store, lambda: time[0]), server, address, time)
        await here.open_case()
        yield here
    finally:
        await store.close()
