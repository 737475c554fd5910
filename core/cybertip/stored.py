"""A submission as it is stored: one row a case, its log, content and receipt sealed.

Leans on `core.store` and `core.cybertip.steps`; everything here runs inside a transaction of its caller. What is to be
sent is stored when it is laid down, to the byte: people confirm exactly that, a restart goes on with exactly that, and
afterwards it is the record of what NCMEC was told. It goes when the report is taken back, with the evidence of its
case, and when somebody is forgotten of whom it tells (`core.cybertip.clearing`).

A ``fileDetails`` document names ids that NCMEC gives later. It is stored with gaps in their places: `REPORT_GAP` and
`FILE_GAP` hold a character that no XML document can, so nothing that anybody is called can be taken for one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.cybertip import Report, log
from core.cybertip.log import Answered, Asked, Confirmed, Entry, GoneOn
from core.cybertip.steps import UNDER_WAY, Standing, standing
from core.errors import SubmissionError
from core.store import tables, upsert
from core.store.states import dump, parse
from core.vault import Vault

FORGOTTEN = "forgotten"
REPORT_GAP, FILE_GAP = b"\0report\0", b"\0file\0"
"""Where the ids go that NCMEC gives only when it is too late to find a fault in a ``fileDetails`` document."""
_T = tables.submissions


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored submission."""

    alert: str
    space: str
    started: float
    entries: tuple[Entry, ...]
    standing: Standing


class File(NamedTuple):
    """A file as it is stored; `details` has `REPORT_GAP` and `FILE_GAP` where ids go."""

    name: str
    data: bytes
    details: bytes

    def digest(self) -> str:
        """Return the SHA-256 of its data."""
        return sha256(self.data).hexdigest()

    def about(self, report: str, file: str) -> bytes:
        """Return the ``fileDetails`` document, about these ids."""
        return self.details.replace(REPORT_GAP, report.encode()).replace(FILE_GAP, file.encode())


class Content(NamedTuple):
    """What is sent."""

    xml: bytes
    files: tuple[File, ...]

    def digest(self) -> str:
        """Return the SHA-256 of all of it, each part by its own: what people confirm."""
        parts = [self.xml, *(part for file in self.files for part in (file.name.encode(), file.data, file.details))]
        return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def content_of(report: Report) -> Content:
    """Render a report; SubmissionError where a ``fileDetails`` document does not name report and file, once each."""
    files = []
    for number, (name, data, details) in enumerate(report.files, 1):
        with_gaps = _with_gaps(details)
        if with_gaps.count(REPORT_GAP) != 1 or with_gaps.count(FILE_GAP) != 1:
            raise SubmissionError(
                f"The details of attachment {number} do not name the report and the file, once each.",
                "This is a fault in Lampkeeper: please tell its authors. Nothing was sent.",
            )
        files.append(File(name, data, with_gaps))
    return Content(report.xml, tuple(files))


def _with_gaps(details: Callable[[str, str], bytes]) -> bytes:
    """Render a ``fileDetails`` document with gaps, found by ids made of its own digest, which nobody in it can know."""
    chosen = sha256(details("0", "0")).hexdigest()
    report, file = str(int(chosen[:32], 16)), chosen[32:]
    return details(report, file).replace(report.encode(), REPORT_GAP).replace(file.encode(), FILE_GAP)


async def load(tx: AsyncConnection, vault: Vault, alert: str) -> Kept | None:
    """Return the submission of a case, None if there is none."""
    query = select(_T.c.alert, _T.c.space, _T.c.started, _T.c.log).where(_T.c.alert == alert)
    row = (await tx.execute(query)).first()
    return None if row is None else _kept(vault, *row)


async def load_content(tx: AsyncConnection, vault: Vault, alert: str) -> Content | None:
    """Return what is sent for a case; None where it was taken back, or went with the case's evidence."""
    sealed = await tx.scalar(select(_T.c.content).where(_T.c.alert == alert))
    if sealed is None:
        return None
    stored = parse(vault, sealed, _about(alert, "content"))
    files = tuple(File(name, b64decode(data), b64decode(details)) for name, data, details in stored["files"])
    return Content(b64decode(stored["xml"]), files)


async def put(tx: AsyncConnection, vault: Vault, kept: Kept, content: Content) -> None:
    """Store a submission that is laid down, in place of one before it."""
    files = [(file.name, b64encode(file.data).decode(), b64encode(file.details).decode()) for file in content.files]
    stored = {"xml": b64encode(content.xml).decode(), "files": files}
    row = {"alert": kept.alert, "space": kept.space, "started": kept.started, "receipt": None}
    sealed = dump(vault, stored, _about(kept.alert, "content"))
    await upsert(tx, _T, [row | {"content": sealed} | _columns(vault, kept)])


async def add(tx: AsyncConnection, vault: Vault, kept: Kept, entry: Entry) -> Kept:
    """Add an entry to the log; SubmissionError if the log grew otherwise meanwhile, or the case is gone."""
    entries = (*kept.entries, entry)
    after = replace(kept, entries=entries, standing=standing(entries))
    values = _columns(vault, after)
    if after.standing.state == "retracted":
        values["content"] = None
    if after.standing.state == "finished":
        values["receipt"] = dump(vault, _receipt(after), _about(kept.alert, "receipt"))
    same = (_T.c.alert == kept.alert, _T.c.steps == len(kept.entries))
    result = await tx.execute(update(_T).where(*same).values(values))
    if cast("CursorResult[Any]", result).rowcount != 1:
        raise SubmissionError(
            "The case is gone, or somebody else changed its report at the same moment.", "Look at it again."
        )
    return after


async def empty(tx: AsyncConnection, alert: str) -> None:
    """Remove what is sent for a case; its log and its receipt stay."""
    await tx.execute(update(_T).where(_T.c.alert == alert).values(content=None))


async def load_receipt(tx: AsyncConnection, vault: Vault, alert: str) -> dict[str, Any] | None:
    """Return what NCMEC gave for a finished report; None if it is not finished.

    ``report`` and ``files`` are NCMEC's ids, ``listed`` those of the files that its last answer named, ``finished`` is
    in seconds since the epoch, ``request`` NCMEC's name for the last request; ``live`` is False for its test host.
    """
    sealed = await tx.scalar(select(_T.c.receipt).where(_T.c.alert == alert))
    return None if sealed is None else parse(vault, sealed, _about(alert, "receipt"))


async def waiting(tx: AsyncConnection, live: bool) -> list[str]:
    """Return the cases whose report is on its way to the live host, or to the test host."""
    under_way = _T.c.state.in_(UNDER_WAY)
    return list(await tx.scalars(select(_T.c.alert).where(_T.c.live == live, under_way).order_by(_T.c.started)))


async def forget_person(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove a report that tells of the person; keep that one was confirmed or taken back, not by whom if by them.

    The first half is `core.cybertip.clearing`'s, which is asked before the cases forget.
    """
    me = vault.blind(space, person)
    query = select(_T.c.alert, _T.c.space, _T.c.started, _T.c.log).where(_T.c.space == space)
    for row in (await tx.execute(query)).all():
        kept = _kept(vault, *row)
        entries = tuple(_nameless(entry, me) for entry in kept.entries)
        if entries != kept.entries:
            values = _columns(vault, replace(kept, entries=entries, standing=standing(entries)))
            await tx.execute(update(_T).where(_T.c.alert == row.alert).values(values))


def _nameless(entry: Entry, who: str) -> Entry:
    if isinstance(entry, Asked | Answered) or entry.who != who:
        return entry
    if isinstance(entry, Confirmed | GoneOn):
        return replace(entry, who=FORGOTTEN, name="")
    return replace(entry, who=FORGOTTEN)


def _kept(vault: Vault, alert: str, space: str, started: float, sealed: bytes) -> Kept:
    entries = tuple(log.entries(parse(vault, sealed, _about(alert, "log"))))
    return Kept(alert, space, started, entries, standing(entries))


def _columns(vault: Vault, kept: Kept) -> dict[str, Any]:
    now = kept.standing
    confirmers = [*(entry.who for entry in now.confirmed), "", ""]
    return {
        "state": now.state,
        "live": now.live,
        "report": now.report,
        "steps": len(kept.entries),
        "confirmer": confirmers[0],
        "second": confirmers[1],
        "finished": kept.entries[-1].time if now.state == "finished" else None,
        "log": dump(vault, log.plain(kept.entries), _about(kept.alert, "log")),
    }


def _receipt(kept: Kept) -> dict[str, Any]:
    """Lay out what NCMEC gave for it."""
    told = next(entry for entry in reversed(kept.entries) if isinstance(entry, Answered)).outcome
    return {
        "report": kept.standing.report,
        "live": kept.standing.live,
        "finished": kept.entries[-1].time,
        "files": list(kept.standing.uploaded),
        "listed": list(told.files),
        "request": told.request,
    }


def _about(alert: str, column: str) -> tuple[str, ...]:
    return ("submissions", alert, column)
