"""Carries reports to NCMEC out, step by step: each step is in the log before it is asked, and its outcome after.

Leans on `core.ledger`, `core.cybertip.stored` for the rows, `core.cybertip.steps` for what comes next,
`core.cybertip.client` for the asking and `core.casework.referrals` for what a finished report is to a case. Decisions:

- `carry` goes on from whatever the log says, so a restart, a second press or a timer all call the same function. It
  returns when the report is finished or taken back, when there is something to wait for, or when a human is needed.
- One task at a time carries reports: a lock here, and a file's beside the database against other processes
  (`core.cybertip.turn`), or a request that another process waits for would be taken for one that was interrupted. The
  log would find out otherwise: an entry is added only to the log that was read.
- Only a confirmed case is reported (`core.casework.transitions`): that is looked at when a report is laid down, when it
  is confirmed, and once more before anything is sent, for the decision may have been taken back meanwhile.
- Laying a report down sets the legal hold, for the evidence must outlast the days until it is sent; as part of the
  report it ends by itself (`core.casework.holds`). A report finished
  at the live host is a referral of the case, by those who confirmed it; at the test host nothing counts.
- `lampkeeper run` looks every minute (`keep_carrying`), in a task of its own: among the hourly chores a slow NCMEC
  would hold up the others, and a report that was to wait half a minute would wait an hour.
- A task that is cancelled, or killed, while NCMEC's answer is on its way leaves a request without an answer in the log.
  Whoever carries next counts it as perhaps done.
- What a human does is checked and recorded before anything follows from it: named confirmation of exactly what is
  stored (`digest`), by two people where four eyes are asked for; letting it go on; taking it back.
- Everything is audited, under pseudonyms. Nothing of a report is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox
from core.casework import casefile, cases, exposure, holds, preserved, referrals
from core.casework.cards import Person
from core.casework.referrals import Referral
from core.cybertip import NAME, Report, stored
from core.cybertip.answers import Outcome, meaning
from core.cybertip.client import Client
from core.cybertip.confirmation import Typed, checked
from core.cybertip.log import Answered, Asked, Confirmed, Entry, GoneOn, Planned, TakenBack
from core.cybertip.steps import IDLE, Do, Halt, Next, Standing, following, standing
from core.cybertip.stored import Content, Kept
from core.cybertip.turn import turn
from core.errors import LampkeeperError, SubmissionError
from core.ledger import Ledger
from core.retention.keeping import KEPT
from core.store import tables

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between looks at what is to be carried on."""
GRACE = 10.0
"""Seconds that a stop waits for an answer that is on its way: without it a report may stay in doubt for a day."""


class Progress(NamedTuple):
    """A case's report: how it stands, what comes next (None: nothing more), and its log.

    `digest` is the SHA-256 of what is to be sent: what a human confirms.
    """

    standing: Standing
    next: Next
    digest: str
    entries: tuple[Entry, ...]


class Submissions:
    """Reports to NCMEC on one ledger, through one client."""

    def __init__(self, ledger: Ledger, client: Client) -> None:
        self._ledger = ledger
        self._client = client
        self._one = asyncio.Lock()
        self._told: set[tuple[str, str]] = set()

    async def plan(self, alert: str, report: Report, person: Person, *, four_eyes: bool = False) -> Progress:
        """Lay down what is to be sent for a case; it is sent once one person, or two, confirmed it.

        SubmissionError if there is no such case, if it is not confirmed, if a report about it is on its way or was
        made, or if its documents do not fit. A report made to NCMEC's test host does not count for the live one. The
        case is put under legal hold.
        """
        content = stored.content_of(report)
        vault = self._ledger.vault
        async with self._turn(), self._ledger.transaction() as tx:
            space = await tx.scalar(select(tables.alerts.c.space).where(tables.alerts.c.alert == alert))
            if space is None:
                raise SubmissionError("There is no such case.", "Look the case's id up again.")
            await _confirmed(tx, alert)
            before = await stored.load(tx, vault, alert)
            if before is not None:
                self._may_be_replaced(before.standing)
            now = self._ledger.clock()
            who = await cases.remember(tx, vault, space, person)
            files = tuple((file.name, file.digest()) for file in content.files)
            entry = Planned(now, who, self._client.live, 2 if four_eyes else 1, content.digest(), files)
            entries = (*(before.entries if before else ()), entry)
            kept = Kept(alert, space, now, entries, standing(entries))
            await stored.put(tx, vault, kept, content)
            await self._audit(tx, kept, "report planned", who)
            await self._hold(tx, kept, who)
        return self._progress(kept)

    async def confirm(self, alert: str, person: Person, typed: Typed, digest: str) -> Progress:
        """Record that a human confirms the report; SubmissionError if what they typed, or saw (`digest`), is not it."""
        async with self._turn(), self._ledger.transaction() as tx:
            kept = await self._settled(tx, alert)
            if kept.standing.state != "planned":
                raise SubmissionError("There is nothing to confirm: that was done.", "See how the report stands.")
            await _confirmed(tx, alert)
            if digest != _digest(kept.entries):
                raise SubmissionError("The report was changed since it was shown.", "Read it again, then confirm it.")
            who = await cases.remember(tx, self._ledger.vault, kept.space, person)
            decided = await tx.scalar(select(tables.alerts.c.decided).where(tables.alerts.c.alert == alert)) or 0.0
            if any(entry.time < decided for entry in kept.standing.confirmed):
                raise SubmissionError(
                    "The case was decided anew since the first confirmation.", "Prepare the report anew."
                )
            if who in {entry.who for entry in kept.standing.confirmed}:
                raise SubmissionError("You confirmed it already.", "The second confirmation is for another person.")
            name = checked(typed, alert, [entry.name for entry in kept.standing.confirmed])
            kept = await stored.add(tx, self._ledger.vault, kept, Confirmed(self._ledger.clock(), who, name))
            await self._audit(tx, kept, "report confirmed", who)
        return self._progress(kept)

    async def go_on(self, alert: str, person: Person, typed: Typed) -> Progress:
        """Let a report go on that was halted, or that waits, after a human looked; SubmissionError if it does not wait.

        Of a report that may be open at NCMEC unknown to us this says: send it anew all the same.
        """
        async with self._turn(), self._ledger.transaction() as tx:
            kept = await self._settled(tx, alert)
            if kept.standing.state == "planned" or isinstance(self._next(kept), Do | None):
                raise SubmissionError("Nothing stands in its way.", "See how the report stands.")
            name = checked(typed, alert)
            who = await cases.remember(tx, self._ledger.vault, kept.space, person)
            kept = await stored.add(tx, self._ledger.vault, kept, GoneOn(self._ledger.clock(), who, name))
            await self._audit(tx, kept, "report let go on", who)
            await self._end(tx, kept)
        return self._progress(kept)

    async def retract(self, alert: str, person: Person) -> Progress:
        """Take a report back, at NCMEC too if it is open there; SubmissionError if it is finished.

        If NCMEC cannot be reached it is tried again by `carry`.
        """
        async with self._turn():
            async with self._ledger.transaction() as tx:
                kept = await self._settled(tx, alert)
                self._same_host(kept)
                if kept.standing.state == "finished":
                    raise SubmissionError(
                        f"Report {kept.standing.report} is finished: NCMEC takes it back no more.",
                        "Write to NCMEC's ESP team (espteam@ncmec.org) and name the report's id.",
                    )
                if kept.standing.state != "retracted":
                    who = await cases.remember(tx, self._ledger.vault, kept.space, person)
                    kept = await stored.add(tx, self._ledger.vault, kept, TakenBack(self._ledger.clock(), who))
                    await self._audit(tx, kept, "report taken back", who)
            return await self._carry(kept)

    async def carry(self, alert: str) -> Progress:
        """Do all that can be done now.

        SubmissionError if there is no such report, if it is for the other host, or if the case is not confirmed any
        more and nothing was sent yet.
        """
        async with self._turn():
            async with self._ledger.transaction() as tx:
                kept = await self._settled(tx, alert)
            self._same_host(kept)
            return await self._carry(kept)

    async def carry_all(self) -> list[tuple[str, Progress]]:
        """Carry every report that is on its way to this client's host. What waits for people is logged, once."""
        async with self._ledger.store.read() as tx:
            alerts = await stored.waiting(tx, self._client.live)
        carried = []
        for alert in alerts:
            try:
                progress = await self.carry(alert)
            except LampkeeperError as error:  # somebody else carries it; its case is gone; its row cannot be opened
                self._tell("submission.not_carried", alert, error.what, error.remedy)
                continue
            carried.append((alert, progress))
            if isinstance(progress.next, Halt):
                self._tell("submission.waits_for_people", alert, *progress.next)
        return carried

    async def keep_carrying(self) -> None:
        """Carry all, now and then every `EVERY` seconds until cancelled; a failure is logged and ends nothing."""
        while True:
            try:
                await self.carry_all()
            except LampkeeperError as error:
                self._tell("submission.not_carried", "", error.what, error.remedy)
            except Exception as error:  # noqa: BLE001 - a fault of ours; its words may quote a report
                self._tell("submission.not_carried", "", type(error).__name__, "Please report it.")
            await asyncio.sleep(EVERY)

    def _tell(self, event: str, alert: str, what: str, remedy: str) -> None:
        """Log what stands in a report's way, once as long as this process runs."""
        if (alert, what) not in self._told:
            self._told.add((alert, what))
            log.warning(event, case=alert, what=what, remedy=remedy)

    async def progress(self, alert: str) -> Progress | None:
        """Return how a case's report stands; None if there is none."""
        async with self._ledger.store.read() as tx:
            kept = await stored.load(tx, self._ledger.vault, alert)
        return None if kept is None else self._progress(kept)

    async def read(self, alert: str, person: Person) -> Content | None:
        """Return what was laid down for a case, messages and all, to whoever reads it; None if nothing is.

        Audited, and counted as much as a file of the case is (`core.casework.exposure`).
        """
        async with self._ledger.transaction() as tx:
            kept = await stored.load(tx, self._ledger.vault, alert)
            content = None if kept is None else await stored.load_content(tx, self._ledger.vault, alert)
            if kept is not None and content is not None:
                who = await cases.remember(tx, self._ledger.vault, kept.space, person)
                record = await casefile.record(tx, self._ledger, alert, reports=False)
                lines = 0 if record is None else record.texts
                await exposure.count(tx, kept.space, who, alert, lines, self._ledger.clock())
                await self._audit(tx, kept, "excerpt shown", who, lines=lines)
        return content

    async def receipt(self, alert: str) -> dict[str, Any] | None:
        """Return what NCMEC gave for a finished report (`stored.load_receipt`)."""
        async with self._ledger.store.read() as tx:
            return await stored.load_receipt(tx, self._ledger.vault, alert)

    async def _carry(self, kept: Kept) -> Progress:
        while isinstance(todo := self._next(kept), Do):
            async with self._ledger.transaction() as tx:
                if todo.step == "submit":
                    await _confirmed(tx, kept.alert)
                kept = await stored.add(tx, self._ledger.vault, kept, Asked(self._ledger.clock(), *todo))
            kept = await _to_its_end(self._asked(kept, todo))
        return self._progress(kept)

    async def _asked(self, kept: Kept, todo: Do) -> Kept:
        """Ask NCMEC for a step, and record what came of it."""
        outcome = await self._ask(kept, todo)
        async with self._ledger.transaction() as tx:
            return await self._add_outcome(tx, kept, outcome)

    async def _ask(self, kept: Kept, todo: Do) -> Outcome:
        """Send a step's request."""
        now, client = kept.standing, self._client
        report = now.report or ""
        if todo.step == "finish":
            return await client.finish(report)
        if todo.step == "retract":
            return await client.retract(report)
        async with self._ledger.store.read() as tx:
            content = await stored.load_content(tx, self._ledger.vault, kept.alert)
        assert content is not None, "it is kept as long as it may be sent"
        if todo.step == "submit":
            return await client.submit(content.xml)
        file = content.files[todo.file]
        if todo.step == "upload":
            return await client.upload(report, file.name, file.data)
        return await client.describe(report, file.about(report, now.uploaded[todo.file]))

    async def _add_outcome(self, tx: AsyncConnection, kept: Kept, outcome: Outcome) -> Kept:
        """Add to the log what came of what was asked, and audit it."""
        asked = kept.standing.asked
        assert asked is not None
        says = meaning(outcome)
        entry = Answered(self._ledger.clock(), outcome, says.then, says.perhaps)
        kept = await stored.add(tx, self._ledger.vault, kept, entry)
        if says.then == "done" and asked.step == "submit":
            await self._audit(tx, kept, "report submitted")
        if says.then not in ("done", "finished"):
            numbers: dict[str, Any] = {
                "step": asked.step,
                "code": outcome.code,
                "status": outcome.status,
                "trouble": outcome.trouble,
            }
            await self._audit(tx, kept, "report step failed", **numbers)
            log.warning("submission.step_failed", case=kept.alert, what=says.what, remedy=says.remedy, **numbers)
        if asked.step == "retract" and kept.standing.report is None:
            await self._audit(tx, kept, "report retracted")
        await self._end(tx, kept)
        return kept

    async def _end(self, tx: AsyncConnection, kept: Kept) -> None:
        """If it is finished, say so; at the live host the case is reported then."""
        now = kept.standing
        if now.state != "finished":
            return
        await self._audit(tx, kept, "report finished")
        log.info("submission.finished", case=kept.alert, live=now.live)
        if now.live:
            time, (first, *others) = self._ledger.clock(), (entry.who for entry in now.confirmed)
            referral = Referral(NAME, kept.alert, now.report or "")
            second = others[0] if others else ""
            await referrals.record(tx, self._ledger.vault, kept.space, kept.alert, referral, first, second, time)
            await self._changed(tx, kept, "report recorded", first)

    async def _hold(self, tx: AsyncConnection, kept: Kept, who: str) -> None:
        """Put the case under legal hold, if it is under none."""
        now = self._ledger.clock()
        if await holds.keep_until(tx, kept.alert, now, now + KEPT):
            await preserved.window(tx, self._ledger.vault, kept.alert, now)
            await self._changed(tx, kept, "legal hold set", who)

    async def _changed(self, tx: AsyncConnection, kept: Kept, what: audit.Deed, who: str) -> None:
        """Audit what changed the case itself, with its chain's end, and have its card shown anew."""
        now, head = self._ledger.clock(), (await preserved.head(tx, kept.alert))._asdict()
        await audit.record(tx, [audit.row(now, kept.space, what, who=who, about=kept.alert, **head)])
        await outbox.put_cards(tx, {kept.alert: kept.space}, now)
        self._ledger.memory.of(kept.space).preserving = None

    async def _settled(self, tx: AsyncConnection, alert: str) -> Kept:
        """Return a case's submission; what was asked before a stop, and never answered, is noted as that."""
        kept = await stored.load(tx, self._ledger.vault, alert)
        if kept is None:
            raise SubmissionError(
                "No report was laid down for this case.", f"`lampkeeper cybertip plan {alert}` does that."
            )
        if kept.standing.asked is None:
            return kept
        return await self._add_outcome(tx, kept, Outcome(trouble="interrupted"))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._one, turn(self._ledger.store.database):
            yield

    async def _audit(
        self, tx: AsyncConnection, kept: Kept, what: audit.Deed, who: str = audit.LAMPKEEPER, **more: Any
    ) -> None:
        detail = {"live": kept.standing.live, "report": kept.standing.report, **more}
        told = {name: value for name, value in detail.items() if value is not None}
        row = audit.row(self._ledger.clock(), kept.space, what, who=who, about=kept.alert, **told)
        await audit.record(tx, [row])

    def _progress(self, kept: Kept) -> Progress:
        waits = kept.standing.asked is not None
        following = Halt("A request to NCMEC is on its way.", "Look again in a moment.") if waits else self._next(kept)
        return Progress(kept.standing, following, _digest(kept.entries), kept.entries)

    def _next(self, kept: Kept) -> Next:
        return following(kept.standing, self._ledger.clock())

    def _same_host(self, kept: Kept) -> None:
        if kept.standing.live != self._client.live:
            theirs, ours = ("live", "test") if kept.standing.live else ("test", "live")
            raise SubmissionError(
                f"This report was laid down for NCMEC's {theirs} host, and [cybertipline] names the {ours} host.",
                "Set live in [cybertipline] as it was, or prepare the report anew.",
            )

    def _may_be_replaced(self, now: Standing) -> None:
        """SubmissionError if the report that stands so is on its way, or made."""
        if now.state in IDLE or (self._client.live and not now.live):
            return
        if now.state == "finished" and not now.live:
            raise SubmissionError(
                f"This case was handed in at NCMEC's test host, where nothing counts: report {now.report}.",
                "Set live = true in [cybertipline], and lay it down again; or try out another case.",
            )
        if now.state == "finished":
            raise SubmissionError(
                f"This case was reported to NCMEC: report {now.report}.",
                "A further report on the same person names this one's id as a prior report.",
            )
        raise SubmissionError("A report about this case is on its way.", "Let it arrive, or take it back first.")


async def _confirmed(tx: AsyncConnection, alert: str) -> None:
    """SubmissionError unless people confirmed the case, and it is neither closed nor put aside."""
    if not await cases.stands(tx, alert, "report"):
        raise SubmissionError(
            "Only a case that people confirmed as a concern, and that is neither closed nor put aside, is reported.",
            "Decide it, reopen it or go on with it first; or take the report back.",
        )


def _digest(entries: tuple[Entry, ...]) -> str:
    """Return the digest of what was laid down last."""
    return next(entry.digest for entry in reversed(entries) if isinstance(entry, Planned))


async def _to_its_end(step: Coroutine[Any, Any, Kept]) -> Kept:
    """Run a step; if we are stopped meanwhile, give its answer `GRACE` seconds to arrive and be recorded."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=GRACE)
        task.cancel()
        await asyncio.wait({task})
        raise
    finally:
        task.cancel()
