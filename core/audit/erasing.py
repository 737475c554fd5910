"""Erasing from the audit: the parts that tell of a person, or the rows of a space; and the row that accounts for it.

Leans on `core.audit`. The chain stays whole (`core.audit.chain`): what is erased goes with its salt, the digest stays.
Whatever erases calls `account` in the same transaction, or `lampkeeper audit verify` names the rows.

The row that accounts belongs to no space, for it must outlive the space whose rows it tells of. It names rows and parts
and nobody. That those rows had a person in common can be read from it: an erasure that told less could not be told from
tampering.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import LAMPKEEPER, record, row
from core.audit.chain import FORGOTTEN, PARTS, Part
from core.store import tables

Why = Literal["person forgotten", "space deleted", "kept long enough", "deleted before there was a chain"]
Erased = Mapping[Part, list[int]]
"""Part -> the numbers of the rows that it was erased from."""

ERASED_AT_ONCE = 500
_T, _C = tables.audit, tables.audit_chain
_RANGES = re.compile(r"[1-9][0-9]{0,17}(-[1-9][0-9]{0,17})?(,[1-9][0-9]{0,17}(-[1-9][0-9]{0,17})?)*")


async def erase_part(tx: AsyncConnection, part: Literal["who", "about"], which: ColumnElement[bool]) -> list[int]:
    """Put "forgotten" in place of `who` or `about` in the rows of `audit` that `which` holds for; return which."""
    numbers = list(await tx.scalars(select(_T.c.id).where(which).order_by(_T.c.id)))
    if numbers:
        these = [{"number": number} for number in numbers]
        await tx.execute(update(_T).where(_T.c.id == bindparam("number")).values({part: FORGOTTEN}), these)
        await tx.execute(update(_C).where(_C.c.id == bindparam("number")).values({f"{part}_salt": None}), these)
    return numbers


async def erase_rows(tx: AsyncConnection, which: ColumnElement[bool]) -> list[int]:
    """Delete the rows of `audit` that `which` holds for, but for their tombstones; return which."""
    numbers = list(await tx.scalars(select(_T.c.id).where(which).order_by(_T.c.id)))
    if numbers:
        these = [{"number": number} for number in numbers]
        await tx.execute(delete(_T).where(_T.c.id == bindparam("number")), these)
        nothing = {f"{part}_salt": None for part in PARTS}
        await tx.execute(update(_C).where(_C.c.id == bindparam("number")).values(nothing), these)
    return numbers


def telling() -> ColumnElement[bool]:
    """Return whether a row still tells by whom, or about which case: whether `erase` would change it."""
    return _T.c.who.not_in((LAMPKEEPER, FORGOTTEN)) | _T.c.about.not_in(("", FORGOTTEN))


async def erase(tx: AsyncConnection, which: ColumnElement[bool], now: float) -> int:
    """Erase by whom, and about which case, from rows that were kept long enough, accounted for; return from how many.

    At most `ERASED_AT_ONCE` of them.
    """
    oldest = select(_T.c.id).where(which, telling()).order_by(_T.c.id).limit(ERASED_AT_ONCE)
    these = _T.c.id.in_(list(await tx.scalars(oldest)))
    who = await erase_part(tx, "who", these & _T.c.who.not_in((LAMPKEEPER, FORGOTTEN)))
    about = await erase_part(tx, "about", these & _T.c.about.not_in(("", FORGOTTEN)))
    await account(tx, now, "kept long enough", {"who": who, "about": about})
    return len({*who, *about})


async def account(tx: AsyncConnection, now: float, why: Why, erased: Erased) -> None:
    """Record which parts of which rows were erased, if any were."""
    if any(erased.values()):
        await record(tx, [row(now, "", "parts erased", **accounted(why, erased))])


def accounted(why: Why, erased: Erased) -> dict[str, Any]:
    """Return the `detail` of the row that accounts for what was erased.

    >>> accounted("person forgotten", {"who": [9, 4, 3, 5], "about": []})
    {'because': 'person forgotten', 'erased': {'who': '3-5,9'}}
    """
    return {"because": why, "erased": {part: _ranges(numbers) for part, numbers in erased.items() if numbers}}


def numbers_in(ranges: object, most: int) -> set[int]:
    """Return the numbers that ranges name; ValueError if it is not ranges, or of more than `most` numbers.

    >>> sorted(numbers_in("3-5,9", most=12))
    [3, 4, 5, 9]
    """
    if not isinstance(ranges, str) or not _RANGES.fullmatch(ranges):
        raise ValueError("no ranges of numbers")
    ends = [one.partition("-") for one in ranges.split(",")]
    found = [range(int(first), int(last or first) + 1) for first, _, last in ends]
    if sum(map(len, found)) > most:
        raise ValueError("more numbers than there are rows")
    return set().union(*found)


def _ranges(numbers: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
