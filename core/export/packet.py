"""The packet: a case as one page, for everyone without a provider's credentials: public forms, police, the UK's NCA.

Leans on `core.export.page`. With it comes a second page, for whoever reports and not to be passed on: where to go,
country by country (`core.export.authorities`). Decisions:

- The summary comes first and fits on a page: what, who (ids, names, links), when (as the platform gave it, and as
  received), where, who decided, and that texts follow. What people wrote is folded until somebody opens it.
- Merged cases are part of it: one transcript in which nothing stands twice, one audit trail, in the order of time, and
  all whom the messages were aimed at.
- It is for reading, before a decision as well as after it, and says which. Where what is preserved is not as it was
  written, it is made all the same, and says that first.
- "the person reported", "the person approached": neither is said to be anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from core.casework.cards import percent
from core.export import ExportFile, Reporter, file_name
from core.export.authorities import ELSEWHERE, authorities, emergency_numbers
from core.export.checks import faults, targets
from core.export.page import HTML, moment, page, words
from core.export.record import CaseRecord, Decision, Item, Moderator, Party
from core.export.transcript import entries
from core.export.visible import visible

PACKET = "packet.html"
"""The page in an archive, which is named after its case itself."""


class Line(NamedTuple):
    """One preserved version as the transcript shows it.

    `role` says who its author is here, `to` whom it was aimed at ("" if nobody), `of` the merged case that it is from,
    `also` which number it has in which other cases.
    """

    item: Item
    role: str
    to: str
    attached: str
    of: str
    also: tuple[str, ...]


class Written(NamedTuple):
    """What somebody wrote about the case; `by` None: it is not told who."""

    kind: str
    by: Moderator | None
    time: datetime
    text: str


def packet(record: CaseRecord, reporter: Reporter) -> list[ExportFile]:
    """Return the packet and the page of authorities."""
    return [
        ExportFile(file_name(record.case, f"-{PACKET}"), HTML, packet_page(record, reporter).encode()),
        ExportFile(file_name(record.case, "-where_to_go.html"), HTML, where_to_go(reporter.country).encode()),
    ]


def packet_page(record: CaseRecord, reporter: Reporter, *, folds: bool = True) -> str:
    """Render the packet; without `folds`, the conversation lies open, for paper."""
    said, family = words(), list(_family(record))
    lines = list(_transcript(record))
    deeds = [deed for case in family for deed in case.audit]
    asked = any(deed.what == "alert opened" and deed.detail.get("asked") for deed in record.audit)
    values = {
        "case": record,
        "folds": folds,
        "platform": said["platform"].get(record.platform, visible(record.platform)),
        "parties": [
            {"role": said["role"][role], "party": party, **_about(party)}
            for role, party in (("actor", record.actor), *(("target", target) for target in _approached(record)))
        ],
        "faults": faults(record),
        "conversations": list(
            dict.fromkeys(line.item.content.conversation for line in lines if line.item.content is not None)
        ),
        "decided": _decided(record.decision),
        "reporter": _reporter(reporter),
        "opened": said["course"]["reported" if asked else "program"].format(time=moment(record.opened)),
        "percent": "" if record.probability is None else percent(record.probability),
        "course": list(_course(record, family)),
        "actions": sorted((taken for case in family for taken in case.actions), key=attrgetter("time")),
        "written": sorted((row for case in family for row in _written(case)), key=attrgetter("time")),
        "transcript": lines,
        "audit": sorted(deeds, key=attrgetter("time")),
        "ends": [(visible(case.case), case.items[-1].chain) for case in family if case.items],
    }
    return page("packet.html", values, paper=not folds)


def where_to_go(country: str) -> str:
    """Render the page of authorities; those of `country`, if there are any, come first as well."""
    rows = authorities()
    values = {
        "country": country.upper(),
        "yours": [row for row in rows if row.country == country.upper()],
        "others": [row for row in rows if row.country != ELSEWHERE],
        "elsewhere": [row for row in rows if row.country == ELSEWHERE],
        "emergency": emergency_numbers(),
    }
    return page("where_to_go.html", values)


def _family(record: CaseRecord) -> Iterator[CaseRecord]:
    """Yield a case and all that became part of it."""
    yield record
    for case in record.merged:
        yield from _family(case)


def _approached(record: CaseRecord) -> list[Party]:
    """Return whom the messages were aimed at, in it or in a case that became part of it the other way round."""
    return [target for target in targets(record) if not target.id or target.id != record.actor.id]


def _transcript(record: CaseRecord) -> Iterator[Line]:
    """Yield the preserved versions of all cases in the order they were received, each once."""
    said = words()
    roles = {record.actor.id: said["role"]["actor"]}
    names = {record.actor.id: record.actor.name}
    for target in _approached(record):
        roles.setdefault(target.id, said["role"]["target"])
        names.setdefault(target.id, target.name)
    found = entries(record)
    names |= {entry.item.content.author: entry.item.content.name for entry in found if entry.item.content is not None}
    for case, item, others in found:
        of = "" if case is record else visible(case.case)
        also = tuple(said["transcript"]["also"].format(number=one.number, case=visible(it.case)) for it, one in others)
        content = item.content
        if content is None:
            yield Line(item, "", "", "", of, also)
            continue
        role = roles.get(content.author, said["role"]["else"])
        to = "" if content.target is None else visible(names.get(content.target) or content.target)
        attached = ", ".join(said["attached"].get(kind, visible(kind)) for kind in content.attachments)
        yield Line(item, role, to, attached, of, also)


def _about(party: Party) -> dict[str, str]:
    """Say what is known of somebody's age, whether they are gone, and which other cases there are."""
    said = words()
    ages = []
    if party.stated_ages:
        ages.append(said["summary"]["said_age"].format(ages=", ".join(map(str, party.stated_ages))))
    if party.age_band is not None:
        source = said["source"][party.age_band_by or "configuration"]
        ages.append(said["summary"]["band"].format(band=said["band"][party.age_band], source=source))
    others = [
        said["count"][kind].format(count=count) if kind in said["count"] else f"{count} {visible(kind)}"
        for kind, count in party.other_cases.items()
        if count
    ]
    return {
        "age": "; ".join(ages) or said["packet"]["unknown"],
        "others": ", ".join(others) or said["packet"]["none"],
        "gone": "" if party.gone is None else said["gone"][party.gone],
    }


def _name(who: Moderator) -> str:
    if not who.id and not who.name:
        return words()["packet"]["unknown"]
    return f"{who.name} ({who.id})" if who.name and who.id else who.name or who.id


def _decided(decision: Decision | None) -> str:
    said = words()["summary"]
    if decision is None:
        return said["undecided"]
    return said[decision.decision].format(name=visible(_name(decision.by)), time=moment(decision.time))


def _reporter(reporter: Reporter) -> list[str]:
    name = f"{reporter.given_name} {reporter.family_name}".strip()
    lines = [reporter.organisation, name, reporter.email, reporter.phone, reporter.country, reporter.website]
    return [line for line in lines if line]


def _course(record: CaseRecord, family: list[CaseRecord]) -> Iterator[str]:
    """Say what people did with it, a sentence each."""
    said = words()["course"]
    if record.claimed_by is not None:
        yield said["claimed"].format(name=_name(record.claimed_by))
    for case in family:
        if case is not record:
            yield said["merged"].format(case=case.case, time=moment(case.opened))
        yield from _why(case.decision)
    for key, time in (("escalated", record.escalated), ("held", record.held), ("held_until", record.held_until)):
        if time is not None:
            yield said[key].format(time=moment(time))
    for passed in record.passed:
        names = ", ".join(map(_name, passed.by)) or words()["packet"]["unknown"]
        number = passed.reference or words()["packet"]["unknown"]
        yield said["passed"].format(to=passed.to, time=moment(passed.time), names=names, reference=number)
    yield said["state"].format(state=record.state.replace("_", " "))


def _why(decision: Decision | None) -> Iterator[str]:
    """Say what was decided, on which grounds."""
    if decision is None:
        return
    said = words()["course"]
    yield _decided(decision)
    if decision.grounds is not None:
        yield said["grounds"].format(grounds=words()["grounds"][decision.grounds])


def _written(case: CaseRecord) -> Iterator[Written]:
    """Yield moderators' remarks and notes, and what members wrote who asked moderators to look."""
    said, made = words()["words"], case.decision
    if made is not None and made.remark:
        yield Written(said["remark"], made.by, made.time, made.remark)
    for note in case.notes:
        yield Written(said["note"], note.by, note.time, note.text)
    for report in case.reports or ():
        yield Written(said["report"], report.by, report.time, report.text)
