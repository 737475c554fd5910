"""The record of a case: all there is about it, as one frozen value. Every export is made of it and of nothing else.

Leans on pydantic, which checks what comes from a file and writes the JSON schema in docs/case_record.md. Decisions:

- Times are UTC, and always there as the platform gave them (`time`, None where it gave none) and as Lampkeeper received
  them (`received`). The platform's ids and links stand beside names, so that it can be read without Lampkeeper.
- Preserved messages are `Item`s: each version of each message, and its deletion, in the order they were seen. An item's
  `sha256` is over its content, canonical JSON in UTF-8: keys sorted, no spaces, every character beyond ASCII escaped.
  `chain` is SHA-256 over the chain value before it and that digest, as bytes; the first follows `beginning(case)`.
  Whoever has the record can compute all of it again.
- `FORMAT` grows when a key changes its meaning; keys may be added at any time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
)

from core.casework.cards import Gone, Grounds
from core.effects import Level
from core.messages import AgeBand

FORMAT: Final = "lampkeeper-case-2"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SALT_BYTES = 16
Salt = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * SALT_BYTES}}}$")]
Kind = Literal["message", "edit", "deletion"]


def _as_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time that UTC has no name for") from error


def stamp(time: datetime | None) -> str | None:
    """Write a time down.

    >>> stamp(datetime(2026, 1, 1, tzinfo=UTC))
    '2026-01-01T00:00:00.000000Z'
    """
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _nothing(value: object) -> bool:
    return value is None


Time = Annotated[AwareDatetime, AfterValidator(_as_utc)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Moderator(_Value):
    """Who did something: the platform's id and the name last seen; both "" where that is not kept any more."""

    id: str
    name: str


class Party(_Value):
    """One of the two whom a case is about.

    `id` is "" where a report named somebody whom nobody could find. `profile` is a link to the account. `stated_ages`
    are ages in years in their own words, which may be true or not; `age_band` was given by the community. `other_cases`
    counts the other cases that they are one of, by what was decided ("open", "confirmed", "dismissed").
    """

    id: str
    name: str
    profile: str | None = None
    age_band: AgeBand | None = None
    age_band_by: Literal["role", "configuration"] | None = None
    stated_ages: tuple[int, ...] = ()
    gone: Gone | None = None
    other_cases: dict[str, int] = {}


class Content(_Value):
    """What was preserved of a message as it was seen: its `sha256` is over exactly this.

    `conversation` and `id` are the platform's; `target` is the id of whom it was aimed at, if anybody. `text` is None
    in a deletion. `attachments` are kinds of what was sent along ("image"); what it showed was never looked at.
    `edited` is when the platform says that this text was written, if it is an edit: in version 0 before Lampkeeper saw
    it, and what it said before is not known. `salt` is random, in hexadecimal: it goes with the content, and without it
    the digest that stays tells nothing; what an earlier version of Lampkeeper preserved has none. Where there is no
    `edited` or no `salt`, the key is left out, of the digest too.
    """

    kind: Kind
    conversation: str
    id: str
    version: Annotated[int, Field(ge=0)]
    author: str
    name: str
    target: str | None
    time: Time | None
    received: Time
    text: str | None
    attachments: tuple[str, ...] = ()
    edited: Annotated[Time, PlainSerializer(stamp, when_used="json")] | None = Field(default=None, exclude_if=_nothing)
    salt: Salt | None = Field(default=None, exclude_if=_nothing)

    def canonical(self) -> bytes:
        r"""Return the bytes that its digest is over.

        >>> Content(kind="deletion", conversation="c", id="1", version=1, author="2", name="", target=None, time=None,
        ...         received=datetime(2026, 1, 1, tzinfo=UTC), text=None).canonical()[:60]
        b'{"attachments":[],"author":"2","conversation":"c","id":"1","'
        """
        values = self.model_dump()
        values |= {"time": stamp(self.time), "received": stamp(self.received)}
        if self.edited is not None:
            values["edited"] = stamp(self.edited)
        return json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")

    def digest(self) -> str:
        """Return its SHA-256."""
        return sha256(self.canonical()).hexdigest()


class Item(_Value):
    """One preserved version, by its `number` from 1. `moved_the_score`: the score rests on this message.

    `content` is None where it had to go because its author asked to be forgotten; its digest stays, and tells nothing
    without the salt that went with it.
    """

    number: Annotated[int, Field(ge=1)]
    content: Content | None
    received: Time
    sha256: Sha256
    chain: Sha256
    link: str | None = None
    moved_the_score: bool = False


class MemberReport(_Value):
    """A member asked moderators to look: who (None: kept no more, or not for the reader), when, and what they wrote."""

    by: Moderator | None
    time: Time
    message: str | None = None
    text: str = ""


class Decision(_Value):
    """What was decided, by whom, why."""

    decision: Literal["confirmed", "dismissed"]
    by: Moderator
    time: Time
    grounds: Grounds | None = None
    remark: str = ""


class Note(_Value):
    """What a moderator noted."""

    by: Moderator
    time: Time
    text: str


class Taken(_Value):
    """What a moderator did on the platform, to whom; `place` is a channel's id where it concerns one."""

    action: str
    person: Moderator
    by: Moderator
    time: Time
    until: Time | None = None
    undone: Time | None = None
    place: str | None = None


class Deed(_Value):
    """A row of the audit; `by` is None where Lampkeeper itself acted, or where the reader may not know."""

    time: Time
    what: str
    by: Moderator | None = None
    detail: dict[str, Any] = {}


class Passed(_Value):
    """A report of the case to an authority: to whom, when, confirmed by whom, under which number there."""

    to: str
    time: Time
    by: tuple[Moderator, ...]
    reference: str = ""


class CaseRecord(_Value):
    """Everything about a case. `state` is one of `core.casework.transitions`.

    `merged` are the cases that became part of it, each whole with items and a chain of its own. `earlier` are reports
    of other cases about the person reported.
    """

    format: Literal["lampkeeper-case-2"] = FORMAT
    note: str
    case: Annotated[str, Field(min_length=1)]
    space: Annotated[str, Field(pattern=r"^[a-z]+:.+$")]
    community: str = ""
    exported: Time
    opened: Time
    state: str
    level: Level
    probability: Annotated[float, Field(ge=0, le=1)] | None
    actor: Party
    target: Party | None
    signals: tuple[str, ...] = ()
    welfare: tuple[str, ...] = ()
    claimed_by: Moderator | None = None
    escalated: Time | None = None
    held: Time | None = None
    held_until: Time | None = None
    decision: Decision | None = None
    notes: tuple[Note, ...] = ()
    actions: tuple[Taken, ...] = ()
    reports: tuple[MemberReport, ...] | None = None
    passed: tuple[Passed, ...] = ()
    earlier: tuple[Passed, ...] = ()
    merged: tuple[CaseRecord, ...] = ()
    items: tuple[Item, ...] = ()
    audit: tuple[Deed, ...] = ()

    @property
    def platform(self) -> str:
        """Name the platform, as it stands before its colon in `space`."""
        return self.space.partition(":")[0]

    @property
    def all_items(self) -> tuple[Item, ...]:
        """Return its items and those of the merged cases, in the order they were received."""
        items = [*self.items, *(item for case in self.merged for item in case.all_items)]
        return tuple(sorted(items, key=lambda item: item.received))

    @property
    def texts(self) -> int:
        """Count the items that show a text."""
        return sum(item.content is not None and bool(item.content.text) for item in self.all_items)


def beginning(case: str) -> bytes:
    """Return the chain value before the first item of a case."""
    return sha256(b"lampkeeper case\n" + case.encode("utf-8", "surrogatepass")).digest()


def follow(chain: bytes, digest: bytes) -> bytes:
    """Return the chain value after an item."""
    return sha256(chain + digest).digest()


def broken(record: CaseRecord) -> list[str]:
    """Say what does not fit in the items of a record; [] if digests, numbers and chain are as they were written.

    >>> from core.export.example import example
    >>> broken(example())
    []
    """
    faults, chain = [], beginning(record.case)
    for number, item in enumerate(record.items, 1):
        digest = item.sha256 if item.content is None else item.content.digest()
        chain = follow(chain, bytes.fromhex(digest))
        if item.number != number:
            faults.append(f"Item {item.number} stands at place {number}.")
        if item.sha256 != digest:
            faults.append(f"Item {item.number} was changed: its digest is another.")
        if item.content is not None and item.content.received != item.received:
            faults.append(f"Item {item.number} was changed: its content was received at another time than it says.")
        if item.chain != chain.hex():
            faults.append(f"The chain does not hold at item {item.number}.")
            chain = bytes.fromhex(item.chain)
    return faults + [f"In case {case.case}: {fault}" for case in record.merged for fault in broken(case)]


def emptied(record: CaseRecord) -> list[str]:
    """Name the items without content that the audit does not account for; [] if it does for all.

    >>> from core.export.example import example
    >>> emptied(example())
    []
    """
    erased: set[int] = set()
    for deed in record.audit:
        if deed.what == "evidence purged":  # what is preserved after that is numbered anew
            erased.clear()
        elif deed.what == "items erased" and isinstance(numbers := deed.detail.get("numbers"), list):
            erased.update(numbers)
    faults = [
        f"Item {item.number} has no content, and the audit does not tell that it was erased."
        for item in record.items
        if item.content is None and item.number not in erased
    ]
    return faults + [f"In case {case.case}: {fault}" for case in record.merged for fault in emptied(case)]


def missed(record: CaseRecord) -> list[str]:
    """Say which values that the audit noted of a record's chain are not in it; [] if all are.

    >>> from core.export.example import example
    >>> missed(example())
    []
    """
    heads: dict[int, str] = {}
    for deed in record.audit:
        if deed.what == "evidence purged":  # what is preserved after that is numbered anew
            heads.clear()
        elif isinstance(number := deed.detail.get("items"), int) and isinstance(head := deed.detail.get("chain"), str):
            heads[number] = head
    chain = {0: None} | {item.number: item.chain for item in record.items}
    faults = []
    for number, head in sorted(heads.items()):
        if number not in chain:
            faults.append(f"The audit noted {number} items; there are {len(record.items)}.")
        elif number and chain[number] != head:
            faults.append(f"The chain is another at item {number} than the audit noted.")
    return faults + [f"In case {case.case}: {fault}" for case in record.merged for fault in missed(case)]
