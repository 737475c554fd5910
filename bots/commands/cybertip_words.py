"""What `lampkeeper cybertip` prints: how a report stands, what comes next, what was done; never what people wrote.

Leans on `core.cybertip` and the record of a case. Names are shown on one line, and cannot steer the terminal
(`core.export.writing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any, Final

from core.cybertip import Report
from core.cybertip.answers import meaning
from core.cybertip.log import Answered, Asked, Confirmed, Entry, GoneOn, Planned, Step, TakenBack
from core.cybertip.steps import Do, Halt, State, Wait
from core.export import Reporter
from core.export.checks import adults, targets
from core.export.ncmec import Facts
from core.export.record import CaseRecord
from core.export.transcript import entries, when, who
from core.export.writing import one_line

if TYPE_CHECKING:
    from core.cybertip.submissions import Progress

Rows = list[tuple[str, str]]
SIGNS: Final = 16
"""So much of a digest is shown, and typed."""
NAME: Final = 100
FACTS: Final = "This is filled in. To correct it, save it as a file, change it there, and plan again with --facts FILE:"
STATES: Final[Mapping[State, str]] = {
    "planned": "laid down; nothing is sent",
    "confirmed": "confirmed; nothing is sent yet",
    "submitted": "open at NCMEC; files are on their way",
    "uploaded": "open at NCMEC; its files are there",
    "described": "all of it is at NCMEC, but for handing it in",
    "finished": "handed in",
    "retracted": "taken back",
    "refused": "not valid, NCMEC says; nothing of it stays there",
    "in_doubt": "perhaps open at NCMEC: its answer did not arrive",
}
STEPS: Final[Mapping[Step, str]] = {
    "submit": "open the report",
    "upload": "send file {file}",
    "describe": "say what file {file} is",
    "finish": "hand the report in",
    "retract": "take the report back",
}


def host(*, live: bool) -> str:
    """Name one of NCMEC's two hosts.

    >>> host(live=False)
    "NCMEC's test host, where nothing counts,"
    """
    return "NCMEC's live host" if live else "NCMEC's test host, where nothing counts,"


def planned(record: CaseRecord, reporter: Reporter, facts: Facts, report: Report, progress: Progress) -> Rows:
    """Say what would be sent, without any of what people wrote."""
    said = [entry.item for entry in entries(record)]
    times = sorted(map(when, said))
    between = f", {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC" if times else ""
    moved = sum(item.moved_the_score for item in said)
    people = [who(target) for target in targets(record)] or ["nobody in particular"]
    return [
        *_head(record.case, progress),
        ("kind", facts.incident_type),
        ("person reported", who(record.actor)),
        *(("aimed at", person) for person in people),
        *(
            ("please note", f"{who(one)} is an adult by what the community says, and named as victim")
            for one in adults(record)
        ),
        ("who reports", one_line(f"{reporter.given_name} {reporter.family_name}, {reporter.email}", NAME)),
        ("preserved", f"{len(said):,} versions of messages{between}; {moved:,} of them moved the score"),
        ("report", f"{len(report.xml):,} bytes of XML"),
        *(("file", f"{file.name}, {len(file.data):,} bytes") for file in report.files),
        ("legal hold", "set; it stays until somebody lifts it, and for a year once the report is handed in"),
    ]


def standing(case: str, progress: Progress) -> Rows:
    """Say how a report stands."""
    now, told = progress.standing, [*_head(case, progress), ("stands", STATES[progress.standing.state])]
    if now.report is not None:
        told.append(("report", now.report))
    confirmed = [one_line(entry.name, NAME) or "somebody forgotten" for entry in now.confirmed]
    told.append(("confirmed", f"{len(confirmed)} of {now.eyes}{': ' * bool(confirmed)}{', '.join(confirmed)}"))
    if progress.next is not None and now.state != "planned":
        told.append(("next", waits(case, progress)))
    return told


def waits(case: str, progress: Progress) -> str:
    """Say what comes next, and whose turn it is."""
    match progress.next:
        case Do():
            return to_send(case)
        case Wait(until, why):
            return f"{why} Not before {_time(until)}: `lampkeeper run` goes on by itself then, or call `send` again."
        case Halt(what, remedy):
            return f"{what} {remedy} {_person_goes_on(case, progress)}".strip()
        case None:
            return "Nothing more."


def to_confirm(case: str, progress: Progress) -> str:
    """Say how the report is confirmed."""
    digest = progress.digest[:SIGNS]
    return (
        "Nothing is sent before a person confirms it by name: "
        f"lampkeeper cybertip confirm {case} --as NAME --type CASE --digest {digest}"
    )


def to_send(case: str) -> str:
    """Say how the report is sent."""
    return f"`lampkeeper cybertip send {case}` sends it now; `lampkeeper run` does within a minute."


def look(case: str) -> str:
    """Say where to look."""
    return f"`lampkeeper cybertip show {case}` tells how it stands."


def log(progress: Progress) -> Iterator[str]:
    """Say what was done so far, a line each."""
    yield ""
    for entry in progress.entries:
        yield f"  {_time(entry.time)}  {_deed(entry)}"


def receipt(given: Mapping[str, Any]) -> Rows:
    """Say what NCMEC gave."""
    return [
        ("report", given["report"]),
        ("at", host(live=given["live"]).rstrip(",")),
        ("handed in", _time(given["finished"])),
        *(("file", file) for file in given["files"]),
        *([("request", given["request"])] if given["request"] else []),
    ]


def _head(case: str, progress: Progress) -> Rows:
    to = host(live=progress.standing.live).rstrip(",")
    return [("case", case), ("to", to), ("digest", progress.digest[:SIGNS])]


def _person_goes_on(case: str, progress: Progress) -> str:
    """Name the command that lets it go on, where one does."""
    state = progress.standing.state
    if state == "refused":
        return f"(lampkeeper cybertip plan {case})"
    waiting = progress.standing.asked is not None or state == "planned"
    return "" if waiting else f"(lampkeeper cybertip go-on {case} --as NAME --type CASE)"


def _deed(entry: Entry) -> str:
    match entry:
        case Planned():
            return f"laid down for {host(live=entry.live).rstrip(',')}, with {len(entry.files)} files"
        case Confirmed():
            return f"confirmed by {one_line(entry.name, NAME) or 'somebody forgotten'}"
        case Asked():
            return f"NCMEC was asked to {STEPS[entry.step].format(file=entry.file + 1)}"
        case Answered():
            number = entry.outcome.code if entry.outcome.code is not None else entry.outcome.status
            return f"  {meaning(entry.outcome).what}" + ("" if number is None else f" ({number})")
        case GoneOn():
            return f"let go on by {one_line(entry.name, NAME) or 'somebody forgotten'}"
        case TakenBack():
            return "taken back"


def _time(seconds: float) -> str:
    return strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(seconds))
