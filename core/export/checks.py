"""What has to hold before a case goes to an authority, whatever the format; each refusal says what to do.

Leans on the record. Decisions:

- A person decided: no export tells an authority what only a program thinks (`confirmed`).
- A preserved message that was changed is not passed on as evidence, nor is a case that one is missing from: in its
  chain, or at its end, by what the audit noted of it. The refusal names it by its number. What is for reading (the
  packet) is made all the same, and says so (`faults`).
- Times are held against `exported`, which Lampkeeper writes down when it builds the record, and not against a clock:
  the same record is taken or refused on any day.
- What the person reported can choose, a name or a text, is never refused (`core.export.writing`). What the operator or
  a moderator typed is, where it is wrong: they can mend it. No refusal quotes any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from core.errors import ExportError
from core.export import Reporter
from core.export.places import COUNTRIES, PLATFORMS, US_STATES, platform_name
from core.export.record import CaseRecord, Party, broken, missed

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before this no platform sent anything: a time before it is a mistake in a unit or in a clock."""
ID: Final = 255
URL: Final = 2083
"""How long an id and an address may be (NCMEC's documentation; others say nothing)."""
_EMAIL: Final = re.compile(
    r"(?![.])(?!.*[.][.])[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}(?<![.])@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9]{1,59})"
)
"""RFC 5321 without quoted names and domains in brackets, which no reporting person has."""
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ().-]{2,48}")
_LONG: Final = 255
_LONGEST: Final = {
    "given_name": 100,
    "family_name": 100,
    "website": URL,
    "city": 100,
    "postal_code": 20,
    "region": 100,
    "service": 100,
}
"""How long a key of `[reporting]` may be, where it is not `_LONG` (NCMEC's documentation)."""


def sound(record: CaseRecord) -> None:
    """Raise `ExportError` unless the case may go to an authority, and holds together."""
    _confirmed(record)
    for fault in faults(record):
        raise ExportError(
            f"What was preserved of this case does not hold: {fault}",
            "Look at it with `lampkeeper audit verify`; what was changed cannot be passed on as evidence.",
        )
    for what, time in _times(record):
        _in_time(what, time, record.exported)
    _one_person(record)


def cases(record: CaseRecord) -> Iterator[CaseRecord]:
    """Yield the case and all that became part of it."""
    yield record
    for case in record.merged:
        yield from cases(case)


def faults(record: CaseRecord) -> list[str]:
    """Say what of the preserved messages is not as it was written, and which the audit knew that are not there.

    >>> from core.export.example import example
    >>> faults(example())
    []
    """
    found: list[str] = []
    for case in cases(record):
        alone, part = case.model_copy(update={"merged": ()}), "" if case is record else "In a merged case: "
        twice = (item.number for item in case.items if item.content and item.content.received != item.received)
        said = (f"Item {number} says two times when it was received." for number in twice)
        found += [part + fault for fault in (*broken(alone), *missed(alone), *said)]
    return found


def targets(record: CaseRecord) -> list[Party]:
    """Return whom the messages were aimed at, each once, the case's own first.

    >>> from core.export.example import example
    >>> [target.id for target in targets(example())]
    ['1002']
    """
    found: dict[str, Party] = {}
    for case in cases(record):
        if case.target:
            found.setdefault(case.target.id or f" {case.target.name}", case.target)
    return list(found.values())


def adults(record: CaseRecord) -> list[Party]:
    """Return those of `targets` who are adults, by what the community itself says of their age.

    Whether one of them is a victim all the same, the person decides who reports.
    """
    return [target for target in targets(record) if target.age_band == "adult"]


def reporter_given(reporter: Reporter, keys: tuple[str, ...], why: str) -> None:
    """Refuse where a key of `[reporting]` is missing."""
    for key in keys:
        if not getattr(reporter, key).strip():
            raise ExportError(
                f"reporting.{key} is missing: {why}.", "Add it to the section [reporting] of the configuration."
            )


def reporter_right(reporter: Reporter) -> None:
    """Refuse where a key of `[reporting]` is not what it should be."""
    remedy = "Correct it in the section [reporting] of the configuration."
    for key, value in asdict(reporter).items():
        longest = _LONGEST.get(key, _LONG)
        if not value.isprintable() or len(value) > longest:
            raise ExportError(f"reporting.{key} must be one line of at most {longest} characters.", remedy)
    email(reporter.email, "reporting.email", remedy)
    if reporter.phone and not _PHONE.fullmatch(reporter.phone):
        raise ExportError("reporting.phone is not a telephone number, as in +1 555 0100.", remedy)
    country(reporter.country, "reporting.country", remedy)
    if reporter.country == "US" and reporter.region and reporter.region not in US_STATES:
        raise ExportError("reporting.region is not a state of the US in two capital letters.", remedy)
    if reporter.website:
        url(reporter.website, "reporting.website", remedy)


def email(value: str, what: str, remedy: str) -> None:
    """Refuse what is given and is no e-mail address."""
    if value and not (len(value) <= _LONG and _EMAIL.fullmatch(value)):
        raise ExportError(f"{what} is not an e-mail address, as in reports@example.org.", remedy)


def country(value: str, what: str, remedy: str) -> None:
    """Refuse what is given and is no country."""
    if value and value not in COUNTRIES:
        raise ExportError(f"{what} is not a country in two capital letters (ISO 3166-1), as in US.", remedy)


def url(value: str, what: str, remedy: str) -> None:
    """Refuse what is no address on the web."""
    try:
        parts = urlsplit(value)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and len(value) <= URL
    except ValueError:
        right = False
    if not (right and value.isascii() and value.isprintable() and " " not in value):
        raise ExportError(f"{what} is not an address that begins with https://.", remedy)


def _confirmed(record: CaseRecord) -> None:
    if record.decision is None:
        raise ExportError(
            "Nobody has decided this case yet.", "Only a case whose concern a moderator confirmed is reported."
        )
    if record.decision.decision != "confirmed":
        raise ExportError("This case was dismissed.", "Reopen and confirm it before it is reported.")


def _times(record: CaseRecord) -> Iterator[tuple[str, datetime]]:
    for case in cases(record):
        yield "The case was opened", case.opened
        if case.decision:
            yield "The case was decided", case.decision.time
        yield from (("A member reported it", report.time) for report in case.reports or ())
        yield from (("Something was done on the platform", action.time) for action in case.actions)
        for item in case.items:
            yield f"Item {item.number} was received", item.received
            if item.content and item.content.time:
                yield f"Item {item.number} was sent", item.content.time


def _in_time(what: str, time: datetime, exported: datetime) -> None:
    remedy = "Look at the clock of the machine that Lampkeeper runs on, then export the case again."
    if time > exported:
        raise ExportError(f"{what} after the record was made, which cannot be.", remedy)
    if time < EARLIEST:
        raise ExportError(f"{what} before the year {EARLIEST.year}, which cannot be.", remedy)


def _one_person(record: CaseRecord) -> None:
    """One person is reported, by an id that the platform can find, in one space."""
    _found(record.actor, record.platform, "the person reported")
    for target in targets(record):
        if target.id:
            _found(target, record.platform, "whom the messages were aimed at")
        if target.id == record.actor.id:
            raise ExportError("The person reported and whom they wrote to have the same id.", "Correct the case first.")
    for case in cases(record):
        if case.actor.id != record.actor.id or case.space != record.space:
            raise ExportError(
                "Cases about different people or of different communities were merged here.",
                "A report names one person: export each of the cases by itself.",
            )


def _found(party: Party, platform: str, who: str) -> None:
    """Refuse an id by which the platform would find nobody; and a link that is none."""
    shape = PLATFORMS.get(platform)
    if not party.id.strip():
        raise ExportError(
            f"It is not known who {who} is: there is no id.", "Find the account, and correct the case first."
        )
    if len(party.id) > ID or not party.id.isprintable() or not party.id.isascii():
        raise ExportError(
            f"The id of {who} is not one line of at most {ID} plain characters.", "Correct the case first."
        )
    if shape and not shape.person.fullmatch(party.id):
        raise ExportError(
            f"The id of {who} is not one of {platform_name(platform)}: {shape.words}.", "Correct the case first."
        )
    if party.profile:
        url(party.profile, f"The link to the profile of {who}", "Correct the case first.")
