"""What Cybertip.ca asks for (Canadian Centre for Child Protection): its form, filled in, and an address tip.

Leans on `core.export.checks` and `core.export.transcript`. What is public about it (read 2026-11):

- The form for everybody (https://www.cybertip.ca/app/en/report_general, as it was in 2016): what was seen; for
  luring, whether the two plan to meet and whether pictures went either way; date (04/22/2016) and time (06:30 PM); the
  kind of service; who is suspected, who the child is; the reporting person's contact, if they like. Reports by e-mail
  are not taken. So the file is that form's text, to be copied field by field, and the same as JSON.
- The address tip of service providers: the Internet Child Pornography Reporting Regulations (SOR/2011-292, sections
  2 and 3) have the Centre run a secure system that gives each provider an identifier, takes Internet addresses only
  (an IP address or a URL where child sexual abuse material may be available to the public), and answers with a
  receipt. How that system takes them, nothing public says. So the file is the addresses alone, one in a line.
- That tip is about material, not about messages: it is made of the addresses that a person names (`material_at`), and
  never of links to a conversation. What is on a provider's own service, the Centre's page says, goes to the police.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Final

from pydantic import ConfigDict, with_config

from core.errors import ExportError
from core.export import ExportFile, Reporter, checks, file_name
from core.export.places import platform_name
from core.export.record import CaseRecord, Item, Party, stamp
from core.export.transcript import entries, transcript, when, who
from core.export.writing import one_line, shortened, visible

FORM: Final = "https://www.cybertip.ca/"
PHONE: Final = "1-866-658-9022"
CATEGORY: Final = "Online luring of a child"
LONG: Final = 5000
"""How much of what a person writes stands in the form."""
_SHOWN: Final = ("image", "video")
_ANSWERS: Final = {True: "yes", False: "no", None: "not known"}

Field = tuple[str, str]
"""What the form asks for, and what there is to say."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says who reports; None where they do not know.

    `material_at`: addresses (IP or URL) where they were told that child sexual abuse material can be seen by anybody.
    """

    plan_to_meet: bool | None = None
    child_shared: bool | None = None
    other_shared: bool | None = None
    remarks: str = ""
    material_at: tuple[str, ...] = ()


def prefilled(record: CaseRecord) -> Answers:
    """Say what the record does: whether pictures were sent along to the other one, which nobody looked at.

    What was aimed at somebody else, or at nobody, says nothing about the two.

    >>> from core.export.example import example
    >>> prefilled(example()).child_shared, prefilled(example()).other_shared
    (True, None)
    """
    shared = {
        (item.content.author, item.content.target)
        for case in checks.cases(record)
        for item in case.items
        if item.content and any(kind in _SHOWN for kind in item.content.attachments)
    }
    children = [target.id for target in checks.targets(record) if target.id]
    return Answers(
        child_shared=True if any((child, record.actor.id) in shared for child in children) else None,
        other_shared=True if any((record.actor.id, child) in shared for child in children) else None,
    )


def export(record: CaseRecord, reporter: Reporter, *, facts: Answers | None = None) -> list[ExportFile]:
    """Return the form's text and the same as JSON, the transcript, and an address tip if any address is named.

    Raises `ExportError`.

    >>> from core.export.example import example
    >>> [file.name.rpartition("-")[2] for file in export(example(), Reporter())]
    ['form.txt', 'form.json', 'transcript.txt']
    """
    answers = facts or prefilled(record)
    checks.sound(record)
    checks.reporter_right(reporter)
    if len(answers.remarks) > LONG:
        raise ExportError(f"The remarks must be at most {LONG} characters.", "Shorten them, and export the case again.")
    said = [entry.item for entry in entries(record)]
    parts = {heading: list(fields) for heading, fields in _form(record, reporter, answers, said).items()}
    found = [
        ExportFile(
            file_name(record.case, "-cybertip-ca-form.txt"),
            "text/plain; charset=utf-8",
            "\n".join(_as_text(parts)).encode(),
        ),
        ExportFile(
            file_name(record.case, "-cybertip-ca-form.json"), "application/json", _as_json(record, parts, answers)
        ),
    ]
    if said:
        found.append(
            ExportFile(
                file_name(record.case, "-cybertip-ca-transcript.txt"), "text/plain; charset=utf-8", transcript(record)
            )
        )
    if answers.material_at:
        for address in answers.material_at:
            _address(address)
        tip = "".join(f"{address}\n" for address in dict.fromkeys(answers.material_at))
        found.append(
            ExportFile(file_name(record.case, "-cybertip-ca-addresses.txt"), "text/plain; charset=utf-8", tip.encode())
        )
    return found


def _form(record: CaseRecord, reporter: Reporter, answers: Answers, said: list[Item]) -> dict[str, Iterator[Field]]:
    """Return the parts of the form by heading."""
    parts = {"Report": _incident(record, reporter, answers, said), "Suspect": _person(record.actor)}
    for number, target in enumerate(checks.targets(record), 1):
        parts[f"Child {number}"] = _person(target)
    return parts | {"Details": _details(record, answers, said), "Your contact": _contact(reporter)}


def _incident(record: CaseRecord, reporter: Reporter, answers: Answers, said: list[Item]) -> Iterator[Field]:
    first = next((item for item in said if item.moved_the_score), said[0] if said else None)
    time = when(first) if first else record.opened
    yield "What are you reporting?", CATEGORY
    yield "Do the child and the suspect plan to meet in person?", _ANSWERS[answers.plan_to_meet]
    yield "Has the child shared images or videos with the suspect?", _ANSWERS[answers.child_shared]
    yield "Has the suspect shared images or videos with the child?", _ANSWERS[answers.other_shared]
    yield "Date (UTC)", f"{time:%m/%d}/{time.year:04}"
    yield "Time (UTC)", f"{(time.hour + 11) % 12 + 1:02}:{time.minute:02} {'PM' if time.hour >= 12 else 'AM'}"
    yield "Where", "Chat or instant messages"
    yield "Service", one_line(reporter.service or platform_name(record.platform), 100)
    name, space = one_line(record.community, 200), one_line(record.space, 200)
    yield "Community", f"{name} ({space})" if name else space


def _person(party: Party) -> Iterator[Field]:
    yield "Username and id on the service", who(party)
    yield "Profile", party.profile or "not known"
    yield "Ages they stated, true or not", ", ".join(str(age) for age in party.stated_ages[:20]) or "none"
    yield "Age by the community", (party.age_band or "not known").replace("_", " ")


def _details(record: CaseRecord, answers: Answers, said: list[Item]) -> Iterator[Field]:
    if answers.remarks.strip():
        yield "What the reporting person writes", visible(answers.remarks.strip())
    noticed = f"A program (Lampkeeper) noticed at {stamp(record.opened)} that the messages follow a risk pattern."
    sent_along = "Images and videos that were sent along are named by their kind; nobody looked at them."
    yield "What happened", f"{noticed} A moderator confirmed the concern. {sent_along}"
    if record.signals:
        yield "Signs it named", shortened("; ".join(one_line(signal, 200) for signal in record.signals[:50]), LONG)
    yield "Preserved", f"{len(said)} versions of messages, with times and ids, in the transcript" if said else "none"
    yield "Reference", one_line(record.case, 100)


def _contact(reporter: Reporter) -> Iterator[Field]:
    """Contact is given as far as the operator wants to: the form can be sent without."""
    name = " ".join(filter(None, (reporter.given_name.strip(), reporter.family_name.strip())))
    place = ", ".join(
        filter(None, (reporter.street, reporter.postal_code, reporter.city, reporter.region, reporter.country))
    )
    given = (
        ("Name", name),
        ("Organisation", reporter.organisation),
        ("E-mail", reporter.email),
        ("Telephone", reporter.phone),
        ("Address", place),
        ("Website", reporter.website),
    )
    yield from ((what, value) for what, value in given if value)


def _as_text(parts: dict[str, list[Field]]) -> Iterator[str]:
    yield "For the form of Cybertip.ca, Canada's tip line: to be copied field by field."
    yield f"{FORM} or {PHONE}. Reports by e-mail are not taken. In an emergency call 911."
    yield "Suspect and child are the form's words. Lampkeeper says only that a conversation follows a risk pattern."
    for heading, fields in parts.items():
        yield from ("", heading, "-" * len(heading))
        for what, value in fields:
            first, *more = value.split("\n")
            yield f"{what}: {first}"
            yield from (f"    {line}" for line in more)
    yield ""


def _as_json(record: CaseRecord, parts: dict[str, list[Field]], answers: Answers) -> bytes:
    tree = {
        "form": FORM,
        "case": one_line(record.case, 100),
        "exported": stamp(record.exported),
        "parts": {heading: dict(fields) for heading, fields in parts.items()},
        "answers": {key: value for key, value in asdict(answers).items() if key not in {"remarks", "material_at"}},
    }
    return json.dumps(tree, ensure_ascii=False, indent=2).encode() + b"\n"


def _address(address: str) -> None:
    """Refuse what is neither an IP address nor a URL, the two that the regulations know."""
    try:
        ip_address(address)
    except ValueError:
        checks.url(address, "An address of the tip", "Give an IP address, or a URL that begins with https://.")
