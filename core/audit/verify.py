"""Verifies the audit: walks the chain, names every row that is not as it was recorded, and holds it against the heads.

Leans on `core.audit.chain` for the layout and `core.audit.heads` for the signed heads. It reads one view of the
database and changes nothing. What it knows without the heads: that rows follow from each other, and hold what their
digests say. Who can write to the database could chain it anew from any row on; that, and a tail that was cut off, shows
only against the heads, for these cannot be signed without the key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from core.audit.chain import DIGEST_BYTES, FORGOTTEN, PARTS, SALT_BYTES, START, Link, Part, Row, digest, raw, row_hash
from core.audit.erasing import numbers_in
from core.audit.heads import Head, Line
from core.errors import AuditError

LOOKED_THROUGH = 100
"""Among at most so many wrong rows is looked for those that changed places."""
_VALUES: dict[Part, str] = {"who": "who", "about": "about", "rest": "time, space, what or detail"}
_NO_TEXT = "\udc80"
"""What a text is read as that is no UTF-8; no row can hold it."""


class Problem(NamedTuple):
    """Something that is not as it was recorded: a row, or (None) a line of the heads."""

    row: int | None
    what: str

    def __str__(self) -> str:
        """Say it in a sentence."""
        return self.what if self.row is None else f"Row {self.row} {self.what}"


class Verdict(NamedTuple):
    """What was found. `erased` rows lack a part, as later rows say; `signed` is the newest head that the chain fits.

    None, where no head is: that is no problem of the rows, but nothing outside the database vouches for them then.
    """

    rows: int
    erased: int
    signed: Head | None
    problems: list[Problem]


class _Slot(NamedTuple):
    """A row that is wrong, with what stands in its place and the hash before it."""

    row: Row | None
    link: Link
    before: str
    sound: bool
    """Whether its parts are as their digests say: then only where it stands is wrong."""
    wrong: list[Problem]


def verify(connection: Connection, lines: Sequence[Line], keys: Collection[str]) -> Verdict:
    """Verify the chain in a database, and against the heads that one of `keys` (hexadecimal) signed.

    Read the heads first and then the database: a head that is written meanwhile is of a row not read yet.

    Raises
    ------
    AuditError
        The database is of a version that had no chain.
    """
    connection.text_factory = _text
    connection.execute("BEGIN")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit_chain'").fetchone():
        raise AuditError(
            "The audit in this database has no chain yet: it is of an older version of Lampkeeper.",
            "`lampkeeper run` chains it at its next start.",
        )
    heads, problems = _signed(lines, keys)
    walk = _Walk({head.id for head in heads})
    for row, link in _read(connection):
        walk.take(row, link)
    problems = [*walk.found(), *_added(connection), *problems]
    signed, unlike = _against(heads, walk)
    erased = len(set().union(*walk.erased.values()))
    return Verdict(walk.rows, erased, signed, [*problems, *unlike])


class _Walk:
    """Takes the rows in order and remembers what is wrong.

    `hashes` are those at the numbers `wanted`: as it is stored, and as it should be after the row before.
    """

    def __init__(self, wanted: set[int]) -> None:
        self.rows = 0
        self.last = 0
        self.hashes: dict[int, tuple[str | None, ...]] = {}
        self.erased: dict[Part, set[int]] = {part: set() for part in PARTS}
        self._wanted = wanted
        self._before = (START.hash, START.hash)
        self._missed = False
        self._accounts: list[tuple[int, str]] = []
        self._missing: list[Problem] = []
        self._slots: dict[int, _Slot] = {}

    def take(self, row: Row | None, link: Link) -> None:
        """Take the next row."""
        number = link.id
        if number < 1:
            self._missing.append(Problem(number, "was added: rows are numbered from 1."))
            return
        if number > self.last + 1:
            these = "is missing" if number == self.last + 2 else f"and all up to row {number - 1} are missing"
            self._missing.append(Problem(self.last + 1, f"{these}: removed together with its link in the chain."))
        follows_known = number == self.last + 1
        self.rows, self.last = self.rows + 1, number
        wrong = self._parts(row, link)
        sound = not wrong
        expected = _hash_after(self._before, link)
        if link.hash not in expected and (follows_known or None in expected):
            wrong.append(Problem(number, "does not follow from the row before it: it was changed, moved or put in."))
        if wrong:
            self._slots[number] = _Slot(row, link, self._before[0], sound, wrong)
        if row is not None and row.what == "parts erased":
            self._accounts.append((number, row.detail))
        if number in self._wanted:
            self.hashes[number] = (link.hash, *expected)
        stored = link.hash if raw(link.hash, DIGEST_BYTES) is not None else START.hash
        self._before = (stored, expected[0] or stored)

    def found(self) -> list[Problem]:
        """Name what is wrong, in the order of rows."""
        rows = [problem for number in _moved(self._slots) for problem in self._slots[number].wrong]
        return sorted([*self._missing, *rows, *self._unaccounted()], key=lambda problem: problem.row or 0)

    def _parts(self, row: Row | None, link: Link) -> list[Problem]:
        """Hold what a row says against its digests, and note which parts are erased."""
        gone = [part for part in PARTS if link.salt(part) is None]
        for part in gone:
            self.erased[part].add(link.id)
        if row is None:
            return [] if len(gone) == len(PARTS) else [Problem(link.id, "was removed: only its link is left.")]
        return [
            Problem(link.id, f"was changed: {_VALUES[part]} is not what was recorded.")
            for part in PARTS
            if not _is_as_recorded(part, row, link)
        ]

    def _unaccounted(self) -> Iterator[Problem]:
        """Hold which parts are erased against what later rows say; some rows may be missing from what was walked."""
        accounted: dict[Part, set[int]] = {part: set() for part in PARTS}
        for number, detail in self._accounts:
            try:
                said = json.loads(detail)["erased"]
                named = {part: numbers_in(said[part], 2 * self.rows) for part in PARTS if part in said}
            except (ValueError, TypeError, KeyError, RecursionError):
                yield Problem(number, "tells of erased parts in a way that cannot be understood.")
                continue
            for part, numbers in named.items():
                accounted[part] |= {one for one in numbers if one < number}
                for there in sorted(numbers - self.erased[part]):
                    yield Problem(there, f"still has its {_VALUES[part]}, though row {number} says that it was erased.")
        for part in PARTS:
            for one in sorted(self.erased[part] - accounted[part]):
                yield Problem(one, f"lost its {_VALUES[part]}: erased, and no later row accounts for it.")


def _is_as_recorded(part: Part, row: Row, link: Link) -> bool:
    texts = {"who": (row.who,), "about": (row.about,), "rest": (row.space, row.what, row.detail)}[part]
    if link.salt(part) is None:
        return texts == (FORGOTTEN,)
    salt = raw(link.salt(part), SALT_BYTES)
    if salt is None or not all(isinstance(text, str) and text != _NO_TEXT for text in texts):
        return False  # SQLite lets anything stand in any cell
    if part == "rest" and not isinstance(row.time, float):
        return False
    return digest(part, salt, row) == link.digests[PARTS.index(part)]


def _hash_after(before: Sequence[str], link: Link) -> list[str | None]:
    """Return the hash that a row should have, after each hash that may have been before it; None if nobody can know."""
    if any(raw(one, DIGEST_BYTES) is None for one in link.digests):
        return [None] * len(before)
    return [row_hash(link.id, one, link.digests) for one in before]


def _moved(slots: dict[int, _Slot]) -> list[int]:
    """Find rows that stand in each other's place, and say so; return the numbers of the rows that are wrong."""
    if len(slots) > LOOKED_THROUGH:
        return list(slots)
    moved: dict[int, int] = {}
    true: dict[int, str] = {}
    hashes = [slot.link.hash for slot in slots.values() if raw(slot.link.hash, DIGEST_BYTES) is not None]
    for number, slot in slots.items():
        for other, there in slots.items():
            if number == other:
                continue
            if slot.row is not None and all(_is_as_recorded(part, slot.row, there.link) for part in PARTS):
                moved[number] = other
            elif slot.sound and slot.link.hash in _hash_after([there.before, *hashes], slot.link._replace(id=other)):
                moved[number], true[other] = other, slot.link.hash
    for number, other in moved.items():
        slots[number].wrong[:] = [Problem(number, f"is out of order: what stands there is row {other}.")]
    return [number for number, slot in slots.items() if number in moved or not _follows(number, slot, true)]


def _follows(number: int, slot: _Slot, true: dict[int, str]) -> bool:
    """Whether a row only seemed wrong, as the row before it had changed places; `true` are the hashes of such."""
    before = true.get(number - 1)
    return slot.sound and before is not None and slot.link.hash in _hash_after([before], slot.link)


def _signed(lines: Sequence[Line], keys: Collection[str]) -> tuple[list[Head], list[Problem]]:
    """Return the heads that can be trusted, and what is wrong with the others."""
    heads: list[Head] = []
    problems: list[Problem] = []
    expected = 1
    for line, head in lines:
        if head is None:
            continue  # a crash cut it off, or somebody: then its number is missing
        if not head.signed:
            problems.append(Problem(None, f"Line {line} of the heads was changed: the signature does not fit."))
        elif head.key not in keys:
            what = f"Line {line} of the heads is signed with another key, {head.key}."
            problems.append(Problem(None, f"{what} If that was yours, too, add --key {head.key}"))
        else:
            heads.append(head)
            if head.number < expected:
                problems.append(Problem(None, f"Line {line} of the heads is out of order: it is head {head.number}."))
            elif head.number > expected:
                these = f"Head {expected} is" if head.number == expected + 1 else f"Heads {expected} and on are"
                problems.append(Problem(None, f"{these} missing before line {line} of the heads."))
        expected = max(expected, head.number + 1)
    return sorted(heads, key=lambda head: head.number), problems


def _against(heads: Sequence[Head], walk: _Walk) -> tuple[Head | None, list[Problem]]:
    """Hold the chain against the heads; return the newest that it fits up to the first that it does not."""
    fits: Head | None = None
    for head in heads:
        if head.hash in walk.hashes.get(head.id, ()):
            fits = head
            continue
        after = 1 if fits is None else fits.id + 1
        if head.id > walk.last:
            newest = max(heads, key=lambda one: one.id)
            what = f"and what follows, up to row {newest.id}, were cut off: they were there on {newest.when}."
            return fits, [Problem(walk.last + 1, what)]
        what = f"The chain is not the one that was signed on {head.when}: from a row between {after} and {head.id} on"
        return fits, [Problem(None, f"{what} it was made anew, or the heads are another database's.")]
    return fits, []


def _read(connection: Connection) -> Iterator[tuple[Row | None, Link]]:
    columns = ", ".join([f"audit_chain.{name}" for name in Link._fields] + [f"audit.{name}" for name in Row._fields])
    joined = f"SELECT {columns} FROM audit_chain LEFT JOIN audit USING (id) ORDER BY audit_chain.id"  # noqa: S608
    width = len(Link._fields)
    for cells in connection.execute(joined):
        yield None if cells[width] is None else Row(*cells[width:]), Link(*cells[:width])


def _added(connection: Connection) -> list[Problem]:
    outside = "SELECT id FROM audit WHERE id NOT IN (SELECT id FROM audit_chain) ORDER BY id"
    what = "stands outside the chain: it was added, or its link was removed."
    return [Problem(number, what) for (number,) in connection.execute(outside)]


def _text(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _NO_TEXT
