"""A report to NCMEC's CyberTipline (US) as a registered provider submits it: the XML, the transcript, its details.

Leans on `core.cybertip` for what a report is when it is sent, on `core.export.checks`, `core.export.transcript` and
`core.export.tree`. Order of elements, enumerations and
lengths are those of tests/ncmec/ispws.xsd, which was written from the public documentation of the Reporting API
(https://report.cybertip.org/ispws/documentation) and from public clients of it (Boostport/ncmec-go,
Nachtalb/ncmec-cybertip), read in 2026-11. NCMEC's own schema is had with credentials (`/xsd`). Decisions:

- A report needs no media: what was said is in `chatImIncident` so far as it moved the score, and whole in the attached
  transcript. Nothing that was sent along is attached, because nothing of it is ever kept.
- One reported person, first by the platform's id. Whom the messages were aimed at is always in it, as `victim`, if
  known at all: `victimPerson` first, empty where nothing is known of the person but their account.
- An age that somebody stated may be true or not. That of a target who said to be a minor is filled in as `age`, for a
  person to correct (`Facts`); that of an actor never is. What either said stands in `additionalInfo`.
- What a person has to know, no program can: `prefilled` says so much as the record does, and a person sees it first.
- Earlier reports are those passed to whoever was named NCMEC: by Lampkeeper, or by a person who filed the public form.
- Names of moderators, their remarks, their notes and members' reports stay here. The reporting person is the one of
  `[reporting]`, and says what they add themselves: nobody else's words are put into their mouth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from pydantic import ConfigDict, with_config

from core.cybertip import Attachment, Report
from core.errors import ExportError
from core.export import ExportFile, Reporter, checks, file_name
from core.export.places import platform_name
from core.export.record import CaseRecord, Content, Item, Party
from core.export.transcript import entries, transcript, when, who
from core.export.tree import Tree, document
from core.export.writing import one_line, shortened, visible

ENTICEMENT: Final = "Online Enticement of Children for Sexual Acts"
INCIDENT_TYPES: Final = (ENTICEMENT, "Unsolicited Obscene Material Sent to a Child", "Child Sex Trafficking")
"""Of NCMEC's eight types those that messages alone can be about."""
ANNOTATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sextortion": "somebody was threatened or pressed with pictures of them",
        "csamSolicitation": "pictures of a child were asked for that are not allowed",
        "minorToMinorInteraction": "both are minors",
        "spam": "it was sent to many",
        "sadisticOnlineExploitation": "somebody was pressed to harm themselves or others",
        "informational": "for information; nothing calls for action",
    }
)
"""NCMEC's name of each, in its order, and what it means."""
ADULT: Final = 18
OLDEST: Final = 150
CONVERSATIONS: Final = 20
EXCERPTS: Final = 20
EXCERPT: Final = 500
"""So many conversations, excerpts of each, and characters of an excerpt stand in the XML; the transcript has all."""
NAMES: Final = 10
FREE: Final = 3000
"""How many names a person went by are told, and how long what NCMEC bounds to 3,000 characters may be."""
_MINOR_BANDS: Final = ("under_13", "13_15", "16_17")
_ATTRIBUTES: Final = {
    "report": {
        "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation": "https://report.cybertip.org/ispws/xsd"
    },
    "originalFileHash": {"hashType": "SHA256"},
}
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
"""A report at NCMEC, as a person typed it: nothing longer is read as one."""
_EXACT: Final = ConfigDict(extra="forbid")
_REMEDY: Final = "Correct it, and export the case again."


@with_config(_EXACT)
@dataclass(frozen=True, slots=True)
class Known:
    """What somebody knows of a person: age in years, e-mail, country (ISO 3166-1), region. For their jurisdiction."""

    age: int | None = None
    email: str = ""
    country: str = ""
    region: str = ""


@with_config(_EXACT)
@dataclass(frozen=True, slots=True)
class Facts:
    """What a person says who reports, beyond the record.

    `people` is by platform id. `agency` was told already, under `agency_case`. `high_priority` is why it cannot wait:
    NCMEC looks at such a report first. `transcript_read`: a person read the whole transcript, which counts in law.
    `prior_reports` are NCMEC's numbers of earlier reports about the same person.
    """

    incident_type: str = ENTICEMENT
    annotations: tuple[str, ...] = ()
    people: Mapping[str, Known] = field(default_factory=dict)
    high_priority: str = ""
    agency: str = ""
    agency_case: str = ""
    prior_reports: tuple[int, ...] = ()
    transcript_read: bool = False
    remarks: str = ""


def prefilled(record: CaseRecord) -> Facts:
    """Say what the record does, for a person to look over.

    >>> from core.export.example import example
    >>> prefilled(example()).people
    {'1002': Known(age=12, email='', country='', region='')}
    """
    people = {}
    for target in checks.targets(record):
        minor = [age for age in target.stated_ages if 0 <= age < ADULT]
        if target.id and minor:
            people[target.id] = Known(age=minor[-1])
    bands = [record.actor.age_band, record.target.age_band if record.target else None]
    prior = [
        int(passed.reference)
        for passed in (*(passed for case in checks.cases(record) for passed in case.passed), *record.earlier)
        if "ncmec" in passed.to.casefold() and _NUMBER.fullmatch(passed.reference)
    ]
    return Facts(
        annotations=("minorToMinorInteraction",) if all(band in _MINOR_BANDS for band in bands) else (),
        people=people,
        prior_reports=tuple(number for number in prior if number),
    )


def report(record: CaseRecord, reporter: Reporter, facts: Facts) -> Report:
    """Make the report; raises `ExportError`.

    >>> from core.export.example import example
    >>> record, reporter = example(), Reporter(given_name="A", family_name="B", email="ab@example.org")
    >>> [file.name for file in report(record, reporter, prefilled(record)).files]
    ['lampkeeper-case-b7c1f2d3e4a5-ncmec-transcript.txt']
    """
    checks.sound(record)
    why = "NCMEC asks who reports"
    checks.reporter_given(reporter, ("given_name", "family_name", "email"), why)
    checks.reporter_right(reporter)
    _right(facts)
    _about_these_people(record, facts)
    said = entries(record)
    xml = document("report", _report(record, reporter, facts, [entry.item for entry in said]), _ATTRIBUTES)
    return Report(xml, (_attachment(record, facts, len(said)),) if said else ())


def export(record: CaseRecord, reporter: Reporter, *, facts: Facts | None = None) -> list[ExportFile]:
    """Return the report as files; raises `ExportError`. The details have 0 where NCMEC's ids go."""
    made = report(record, reporter, facts or prefilled(record))
    found = [ExportFile(file_name(record.case, "-ncmec-report.xml"), "application/xml", made.xml)]
    for attachment in made.files:
        found.append(ExportFile(attachment.name, "text/plain; charset=utf-8", attachment.data))
        found.append(
            ExportFile(
                file_name(record.case, "-ncmec-file_details.xml"), "application/xml", attachment.details_xml("0", "0")
            )
        )
    return found


def _report(record: CaseRecord, reporter: Reporter, facts: Facts, items: list[Item]) -> Tree:
    service = reporter.service or platform_name(record.platform)
    victims = tuple(("victim", _victim(target, facts, service, items)) for target in checks.targets(record))
    return (
        ("incidentSummary", _summary(record, facts, service, items)),
        *_conversations(record, service, items),
        ("lawEnforcement", _agency(facts)),
        ("reporter", _reporter(reporter)),
        ("personOrUserReported", _reported(record, facts, service, items)),
        *victims,
        ("additionalInfo", "\n".join(_more(record, facts, items))),
    )


def _summary(record: CaseRecord, facts: Facts, service: str, items: list[Item]) -> Tree:
    first = next((item for item in items if item.moved_the_score), items[0] if items else None)
    kind = (
        "The first message that moved the score" if first and first.moved_the_score else "The first preserved message"
    )
    chosen = tuple((name, ()) for name in ANNOTATIONS if name in facts.annotations)
    return (
        ("incidentType", facts.incident_type),
        ("platform", one_line(service, 256)),
        ("escalateToHighPriority", visible(facts.high_priority.strip())),
        ("reportAnnotations", chosen or ""),
        ("incidentDateTime", _moment(when(first) if first else record.opened)),
        (
            "incidentDateTimeDescription",
            f"{kind} was {'sent' if first.content and first.content.time else 'received'} then."
            if first
            else "Moderators were told then; no message is preserved.",
        ),
    )


def _conversations(record: CaseRecord, service: str, items: list[Item]) -> Iterator[tuple[str, Tree]]:
    """Each conversation is an incident, by the platform's id, with what moved the score in it; without it, last."""
    rooms: dict[str, list[Item]] = {}
    for item in items:
        if item.content:
            rooms.setdefault(item.content.conversation, []).append(item)
    moved_first = sorted(rooms.items(), key=lambda room: not any(item.moved_the_score for item in room[1]))
    for room, said in moved_first[:CONVERSATIONS]:
        counted = [(item, item.content) for item in said if item.moved_the_score and item.content]
        lines = [_excerpt(when(item), content) for item, content in counted if content.text is not None][:EXCERPTS]
        name = one_line(" / ".join(filter(None, (record.community, room))), 255)
        found = f"{len(said)} versions of messages of this conversation are in the attached transcript."
        yield (
            "internetDetails",
            (
                (
                    "chatImIncident",
                    (
                        ("chatClient", one_line(service, 255)),
                        ("chatRoomName", name),
                        ("content", "\n".join(lines)),
                        ("additionalInfo", found),
                    ),
                ),
            ),
        )
    if not rooms:
        yield "internetDetails", (("chatImIncident", (("chatClient", one_line(service, 255)),)),)


def _excerpt(time: datetime, content: Content) -> str:
    text = shortened(visible((content.text or "")[: EXCERPT + 1]), EXCERPT)
    edited = " [edited]" if content.kind == "edit" else ""
    return f"{_moment(time)}{edited} {one_line(content.name, 100)} ({one_line(content.author, 100)}): {text}"


def _agency(facts: Facts) -> Tree:
    if not facts.agency.strip():
        return ""
    return (("agencyName", facts.agency.strip()), ("caseNumber", facts.agency_case.strip()), ("reportedToLe", "true"))


def _reporter(reporter: Reporter) -> Tree:
    abroad = reporter.country != "US"
    address = (
        ("address", reporter.street),
        ("city", reporter.city),
        ("zipCode", reporter.postal_code),
        ("state", "" if abroad else reporter.region),
        ("nonUsaState", reporter.region if abroad else ""),
        ("country", reporter.country),
    )
    person = (
        ("firstName", reporter.given_name.strip()),
        ("lastName", reporter.family_name.strip()),
        ("phone", reporter.phone),
        ("email", reporter.email),
        ("address", address),
    )
    company = (("Organisation", reporter.organisation), ("Website", reporter.website))
    template = "\n".join(f"{name}: {value}" for name, value in company if value)
    return (("reportingPerson", person), ("companyTemplate", template))


def _reported(record: CaseRecord, facts: Facts, service: str, items: list[Item]) -> Tree:
    actor, known = record.actor, facts.people.get(record.actor.id, Known())
    done = [
        f"Moderators: {one_line(action.action, 100)} at {_moment(action.time)}"
        + (f", undone at {_moment(action.undone)}" if action.undone else "")
        for case in checks.cases(record)
        for action in case.actions
        if action.person.id == actor.id
    ]
    return (
        ("personOrUserReportedPerson", _person(known)),
        *_account(actor, service, items),
        *(("priorCTReports", str(number)) for number in dict.fromkeys(facts.prior_reports)),
        ("groupIdentifier", one_line(record.space.partition(":")[2], 255)),
        ("estimatedLocation", _location(known)),
        ("additionalInfo", "\n".join([*_about(actor), *done])),
    )


def _victim(target: Party, facts: Facts, service: str, items: list[Item]) -> Tree:
    known = facts.people.get(target.id, Known())
    return (
        ("victimPerson", tuple((name, value) for name, value in _person(known) if value)),
        *_account(target, service, items),
        ("estimatedLocation", _location(known)),
        ("additionalInfo", "\n".join(_about(target))),
    )


def _person(known: Known) -> tuple[tuple[str, str], ...]:
    return (("email", known.email), ("age", "" if known.age is None else str(known.age)))


def _location(known: Known) -> Tree:
    return (("region", known.region), ("countryCode", known.country))


def _account(party: Party, service: str, items: list[Item]) -> tuple[tuple[str, Tree], ...]:
    """Write what finds an account; `displayName` are other names that messages of it came under."""
    now = one_line(party.name, 256)
    said = (item.content for item in items if item.content and party.id)
    seen = (one_line(content.name, 256) for content in said if content.author == party.id)
    others = [name for name in dict.fromkeys(seen) if name not in {"", now}][:NAMES]
    return (
        ("espIdentifier", party.id),
        ("espService", one_line(service, 100)),
        ("screenName", now),
        *(("displayName", name) for name in others),
        ("profileUrl", party.profile or ""),
    )


def _about(party: Party) -> Iterator[str]:
    if party.stated_ages:
        yield f"Stated ages, in own words, which may be true or not: {', '.join(map(str, party.stated_ages[:20]))}."
    if party.age_band:
        yield f"Age by the community's {party.age_band_by or 'knowledge'}: {party.age_band.replace('_', ' ')}."
    if party.gone:
        yield f"No longer in the community: {party.gone}."


def _more(record: CaseRecord, facts: Facts, items: list[Item]) -> Iterator[str]:
    if facts.remarks.strip():
        yield f"The reporting person writes: {visible(facts.remarks.strip())}"
    name, space = one_line(record.community, 200), one_line(record.space, 200)
    yield f"Case {one_line(record.case, 100)} of {f'{name} ({space})' if name else space}."
    yield (
        "A program (Lampkeeper) noticed that the messages follow a risk pattern, and told moderators at "
        f"{_moment(record.opened)}. A moderator confirmed the concern."
    )
    if record.signals:
        yield f"Signs it named: {'; '.join(one_line(signal, 200) for signal in record.signals[:50])}."
    if record.welfare:
        yield f"How the other person fares: {'; '.join(one_line(sign, 200) for sign in record.welfare[:50])}."
    if not checks.targets(record):
        yield "The messages were aimed at nobody in particular, so no victim is named."
    if items:
        first, last = (when(item) for item in (min(items, key=when), max(items, key=when)))
        yield f"Preserved: {len(items)} versions of messages, {_moment(first)} to {_moment(last)}, in the transcript."
        rooms = len({item.content.conversation for item in items if item.content})
        if rooms > CONVERSATIONS:
            yield f"Of {rooms} conversations {CONVERSATIONS} are named above, first those that moved the score."
    if any(item.content is None for item in items):
        yield "Some were removed at their author's request; the transcript says where, and their digests stay."
    yield "No pictures, sounds or files are attached: they are never looked at or kept."


def _attachment(record: CaseRecord, facts: Facts, versions: int) -> Attachment:
    data = transcript(record)
    name = file_name(record.case, "-ncmec-transcript.txt")

    def details(report_id: str, file_id: str) -> bytes:
        tree: Tree = (
            ("reportId", report_id),
            ("fileId", file_id),
            ("originalFileName", name),
            ("fileViewedByEsp", "true" if facts.transcript_read else ""),
            ("fileRelevance", "Reported"),
            ("originalFileHash", sha256(data).hexdigest()),
            (
                "additionalInfo",
                f"{versions} versions of messages between {who(record.actor)} and others, times in UTC.",
            ),
        )
        return document("fileDetails", tree, _ATTRIBUTES)

    return Attachment(name, data, details)


def _right(facts: Facts) -> None:
    """Refuse what a person typed and NCMEC would not take."""
    if facts.incident_type not in INCIDENT_TYPES:
        raise ExportError("The type of the incident is not known.", f"Choose one of: {'; '.join(INCIDENT_TYPES)}.")
    if unknown := set(facts.annotations) - set(ANNOTATIONS):
        raise ExportError(f"{len(unknown)} of the annotations are not known.", f"Choose of: {', '.join(ANNOTATIONS)}.")
    _typed(facts.high_priority, "high_priority", FREE, lines=True)
    _typed(facts.agency, "agency", 255)
    _typed(facts.agency_case, "agency_case", 100)
    if facts.agency_case.strip() and not facts.agency.strip():
        raise ExportError("agency_case is given, and agency is not.", "Name the agency that has the case.")
    if any(not 0 < number < 1 << 63 for number in facts.prior_reports):
        raise ExportError("The number of an earlier report must be above 0.", _REMEDY)
    for known in facts.people.values():
        checks.email(known.email, "The e-mail of a person in this case", _REMEDY)
        checks.country(known.country, "The country of a person in this case", _REMEDY)
        _typed(known.region, "region", 255)
        if known.age is not None and not 0 <= known.age <= OLDEST:
            raise ExportError(f"An age must be 0 to {OLDEST} years.", _REMEDY)


def _about_these_people(record: CaseRecord, facts: Facts) -> None:
    targets = {target.id for target in checks.targets(record)}
    if set(facts.people) - {record.actor.id, *targets}:
        raise ExportError("Something is said of a person who is not in this case.", "Name people by their platform id.")
    if any((known.age or 0) >= ADULT for id_, known in facts.people.items() if id_ in targets):
        raise ExportError(
            "Whom the messages were aimed at is said to be an adult.", "Correct the age, if it is not so."
        )


def _typed(value: str, key: str, longest: int, *, lines: bool = False) -> None:
    if len(visible(value)) > longest or not (lines or value.isprintable()):
        many = "" if lines else "one line of "
        raise ExportError(f"{key} must be {many}at most {longest} characters.", _REMEDY)


def _moment(time: datetime) -> str:
    """Write a time as XML does, to the second.

    >>> _moment(datetime(2026, 1, 1, tzinfo=UTC))
    '2026-01-01T00:00:00Z'
    """
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
