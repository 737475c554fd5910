"""`lampkeeper cybertip`: a report to NCMEC from the case to its receipt, each step a command of a person.

Leans on `core.cybertip`, and on `bots.commands.cybertip_words` for what is printed. Who acts at a terminal is whoever
they say they are (`--as`): the account that can read the key file could do anything anyway. The name is kept with the
report, and the audit has it under a pseudonym. What people wrote to each other is shown only where it is asked for
(`--text`), and that is audited.

What asks NCMEC for nothing needs no credentials: whoever plans and confirms may leave the sending to `lampkeeper run`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeAlias

from cyclopts import Parameter

from bots import composition
from bots.adapter import Finding
from bots.commands import cybertip_words as words
from bots.commands.cases.common import Case, found, person, text_of
from bots.common.exports import linked
from bots.terminal import complain, console, show_summary
from core.casework.desk import Desk
from core.config import Config, load_config
from core.cybertip.answers import meaning
from core.cybertip.confirmation import Typed
from core.cybertip.steps import Halt, Wait
from core.errors import ConfigError, SubmissionError
from core.observe import set_up_logging

if TYPE_CHECKING:
    from core.cybertip import Report
    from core.cybertip.submissions import Progress, Submissions
    from core.export.ncmec import Facts
    from core.export.record import CaseRecord

As: TypeAlias = Annotated[str, Parameter(name="--as", help="Your own name; it is kept with the report.")]
Again: TypeAlias = Annotated[str, Parameter(name="--type", help="The id of the case, typed once more.")]
Text: TypeAlias = Annotated[bool, Parameter(negative=())]
ConfigFile: TypeAlias = Annotated[
    Path | None, Parameter(name="--config", help="The configuration. Default: config.toml in the working directory.")
]


class Room(NamedTuple):
    """Where reports are made: the configuration, the desk, and what carries reports."""

    config: Config
    desk: Desk
    submissions: Submissions


def status(*, config: ConfigFile = None) -> int:
    """Ask NCMEC whether it takes the credentials, and say whether reports go to its live or to its test host.

    Exits with 1 if it does not, or cannot be reached.
    """
    finding = asyncio.run(credentials(load_config(config, os.environ)))
    if not finding.ok:
        complain(f"{finding.what}. {finding.remedy}")
        return 1
    console().print(f"{finding.what}.", soft_wrap=True)
    return 0


async def credentials(config: Config) -> Finding:
    """Ask NCMEC whether it takes the credentials."""
    try:
        client = composition.make_client(config)
    except ConfigError as error:
        return Finding(error.what.rstrip("."), ok=False, remedy=error.remedy)
    says, where = meaning(await client.status()), words.host(live=client.live)
    if says.then == "done":
        return Finding(f"cybertipline: {where} takes the credentials", ok=True)
    return Finding(f"cybertipline: {where} was asked: {says.what.rstrip('.')}", ok=False, remedy=says.remedy)


def plan(case: Case, *, name: As, facts: Path | None = None, text: Text = False, config: ConfigFile = None) -> int:
    """Lay down what is to be reported about a confirmed case, and put it under legal hold; nothing is sent.

    What the record says is filled in and printed. Correct it in a file, and plan again with that.

    Parameters
    ----------
    facts
        A TOML file whose keys take the place of what was filled in.
    text
        Print the report and the transcript, too: what people wrote to each other.
    """
    return _run(_plan(config, case, name, facts, text=text))


async def _plan(config: Path | None, case: str, name: str, path: Path | None, *, text: bool) -> int:
    from core.export import facts as said  # noqa: PLC0415 - only this command makes a report
    from core.export import ncmec  # noqa: PLC0415

    who = person(name)
    corrections = "" if path is None else text_of(path)
    async with _room(config) as (loaded, desk, submissions):
        await found(desk, case, who)
        reporter = loaded.reporting.reporter()
        made: list[tuple[Facts, Report, Progress]] = []

        async def lay_down(record: CaseRecord) -> None:
            links = composition.links_of(loaded, record.space)
            record = record if links is None else linked(record, links)
            facts = said.read(corrections, ncmec.prefilled(record))
            report = ncmec.report(record, reporter, facts)
            progress = await submissions.plan(case, report, who, four_eyes="report" in loaded.cases.four_eyes)
            made.append((facts, report, progress))

        record = await desk.export(case, who, lay_down)
        if record is None:
            raise SubmissionError("There is no such case.", "Look the case's id up again.")
    ((facts, report, progress),) = made
    out = console()
    show_summary(out, words.planned(record, reporter, facts, report, progress))
    out.print(f"\n{words.FACTS}\n\n{said.write(facts)}\n", soft_wrap=True)
    if text:
        for part in (report.xml, *(file.data for file in report.files)):
            out.print(f"{part.decode()}\n", soft_wrap=True)
    out.print(words.to_confirm(case, progress), soft_wrap=True)
    return 0


def show(case: Case, *, text: Text = False, name: As = "", config: ConfigFile = None) -> int:
    """Tell how a case's report stands, what comes next, and what was done so far.

    Parameters
    ----------
    text
        Print what was laid down, too: the report and its files, with what people wrote. Needs --as; audited.
    """
    return _run(_show(config, case, name, text=text))


async def _show(config: Path | None, case: str, name: str, *, text: bool) -> int:
    who = person(name) if text else None
    async with _room(config) as (_, desk, submissions):
        if who is not None:
            await found(desk, case, who)
        progress = await submissions.progress(case)
        content = None if who is None else await submissions.read(case, who)
    if progress is None:
        raise SubmissionError("No report was laid down for this case.", f"`lampkeeper cybertip plan {case}` does.")
    out = console()
    show_summary(out, words.standing(case, progress))
    for line in words.log(progress):
        out.print(line, soft_wrap=True)
    if content is not None:
        for part in (content.xml, *(file.data for file in content.files)):
            out.print(f"\n{part.decode()}", soft_wrap=True)
    elif text:
        out.print("What was laid down is not kept: the report was taken back, or the evidence of the case is gone.")
    if progress.standing.state == "planned":
        out.print(words.to_confirm(case, progress), soft_wrap=True)
    return 0


def confirm(case: Case, *, name: As, typed: Again, digest: str = "", config: ConfigFile = None) -> int:
    """Confirm by name that what was laid down is to be sent; where four eyes are asked for, another person does too.

    Parameters
    ----------
    digest
        The first signs of the digest that `plan` and `show` print: refuses where the report was changed since.
    """
    return _run(_confirm(config, case, name, typed, digest))


async def _confirm(config: Path | None, case: str, name: str, typed: str, digest: str) -> int:
    who = person(name)
    async with _room(config) as (_, desk, submissions):
        await found(desk, case, who)
        before = await submissions.progress(case)
        shown = before.digest if before is not None and before.digest.startswith(digest.strip().casefold()) else digest
        progress = await submissions.confirm(case, who, Typed(name, typed), shown)
    out = console()
    show_summary(out, words.standing(case, progress))
    if progress.standing.state == "planned":
        out.print(f"Another person confirms it, too. {words.to_confirm(case, progress)}", soft_wrap=True)
    else:
        out.print(words.to_send(case), soft_wrap=True)
    return 0


def send(case: Case, *, config: ConfigFile = None) -> int:
    """Send a confirmed report, or go on where that was cut off; never twice.

    Exits with 1 while it is not finished, and says what it waits for.
    """
    return _run(_send(config, case))


async def _send(config: Path | None, case: str) -> int:
    async with _room(config, asks=True) as (_, _, submissions):
        return _told(case, await submissions.carry(case))


def go_on(case: Case, *, name: As, typed: Again, config: ConfigFile = None) -> int:
    """Let a report go on that waits for a person, once you looked at what `show` says and mended it."""
    return _run(_go_on(config, case, name, typed))


async def _go_on(config: Path | None, case: str, name: str, typed: str) -> int:
    who = person(name)
    async with _room(config) as (_, desk, submissions):
        await found(desk, case, who)
        progress = await submissions.go_on(case, who, Typed(name, typed))
    show_summary(console(), words.standing(case, progress))
    if progress.next is not None:
        console().print(words.to_send(case), soft_wrap=True)
    return 0


def retract(case: Case, *, name: As, config: ConfigFile = None) -> int:
    """Take a report back, at NCMEC too if it is open there; what is finished NCMEC takes back no more."""
    return _run(_retract(config, case, name))


async def _retract(config: Path | None, case: str, name: str) -> int:
    who = person(name)
    async with _room(config, asks=True) as (_, desk, submissions):
        await found(desk, case, who)
        return _told(case, await submissions.retract(case, who))


def receipt(case: Case, *, config: ConfigFile = None) -> int:
    """Print what NCMEC gave for a finished report: its id there, when, and the ids of its files."""
    return _run(_receipt(config, case))


async def _receipt(config: Path | None, case: str) -> int:
    async with _room(config) as (_, _, submissions):
        given = await submissions.receipt(case)
    if given is None:
        raise SubmissionError("There is no receipt: no report about this case is finished.", words.look(case))
    show_summary(console(), words.receipt(given))
    return 0


def _told(case: str, progress: Progress) -> int:
    """Print how it stands; what it waits for is a complaint."""
    show_summary(console(), words.standing(case, progress))
    if isinstance(progress.next, Wait | Halt):
        complain(words.waits(case, progress))
        return 1
    return 0


@asynccontextmanager
async def _room(config: Path | None, *, asks: bool = False) -> AsyncIterator[Room]:
    """Open the store; `asks`: NCMEC will be asked, with credentials."""
    loaded = load_config(config, os.environ)
    composition.make_client(loaded, asks=asks)  # what is missing is told before anything is opened
    if not loaded.storage.database.exists():
        raise ConfigError(f"There is no database at {loaded.storage.database}.", "Correct [storage] database.")
    async with composition.opened_store(loaded, beside=True) as store:
        guard = composition.make_guard(loaded, composition.make_engine(loaded), store)
        yield Room(loaded, guard.desk, composition.make_submissions(loaded, guard.ledger, asks=asks))


def _run(work: Coroutine[None, None, int]) -> int:
    """Carry out a command. What the log would say of a step stands in what the command prints."""
    set_up_logging(logging.ERROR)
    return asyncio.run(work)
