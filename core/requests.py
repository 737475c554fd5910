"""What members ask for about themselves: to see what is kept, or to have it deleted. People answer, not a program.

Leans on `core.ledger`. A request is sealed, and goes when the person is forgotten; that it was made and answered stays
in the audit, under a pseudonym.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select, update

from core import audit
from core.cards import Person
from core.ledger import Ledger
from core.store import tables
from core.store.states import dump, parse

Kind = Literal["access", "deletion"]
_T = tables.requests
_ABOUT = ("requests", "sealed")


@dataclass(frozen=True, slots=True)
class Request:
    """One open request; `time` is in seconds since the epoch."""

    number: int
    kind: Kind
    person: Person
    time: float


async def ask(ledger: Ledger, space: str, kind: Kind, person: Person) -> int | None:
    """Record a request and return its number; None if the same one is open already."""
    who = ledger.vault.blind(space, person.id)
    async with ledger.transaction() as tx:
        same = (_T.c.space == space, _T.c.person == who, _T.c.kind == kind, _T.c.answered.is_(None))
        if await tx.scalar(select(_T.c.id).where(*same)) is not None:
            return None
        now = ledger.clock()
        sealed = dump(ledger.vault, {"id": person.id, "name": person.name}, _ABOUT)
        row = {"space": space, "person": who, "kind": kind, "time": now, "sealed": sealed}
        (number,) = (await tx.execute(insert(_T).values(row))).inserted_primary_key or (0,)
        await audit.record(tx, [audit.row(now, space, "request received", who=who, kind=kind, request=number)])
    return int(number)


async def waiting(ledger: Ledger, space: str) -> list[Request]:
    """Return the open requests of a space, oldest first."""
    async with ledger.store.read() as tx:
        mine = select(_T).where(_T.c.space == space, _T.c.answered.is_(None))
        rows = (await tx.execute(mine.order_by(_T.c.id))).all()
    found = []
    for row in rows:
        person = parse(ledger.vault, row.sealed, _ABOUT)
        found.append(Request(row.id, row.kind, Person(person["id"], person["name"]), row.time))
    return found


async def answer(ledger: Ledger, space: str, number: int, moderator: Person) -> bool:
    """Record that a request was answered; False if there is no such open one."""
    who = ledger.vault.blind(space, moderator.id)
    async with ledger.transaction() as tx:
        mine = (_T.c.space == space, _T.c.id == number, _T.c.answered.is_(None))
        if await tx.scalar(select(_T.c.id).where(*mine)) is None:
            return False
        now = ledger.clock()
        await tx.execute(update(_T).where(*mine).values(answered=now))
        await audit.record(tx, [audit.row(now, space, "request answered", who=who, request=number)])
    return True
