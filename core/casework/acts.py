"""What moderators did on the platform by a card: recorded before it is tried, ended where it is refused or undone.

Leans on `core.ledger` and `cases`; each method is a transaction of its own, audited. Trying and undoing is for the
adapters: here is what they did.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox
from core.casework import cases
from core.casework.cards import Action, Person
from core.ledger import Ledger
from core.store import tables

ENDS_SLACK = 60.0
"""Seconds by which a second press of the same button ends later than the first, and is still the same."""
_A = tables.actions


class Acts:
    """Actions by cards, of every space of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def taken(self, alert: str, action: Action, moderator: Person) -> int | None:
        """Record an action that is about to be tried; return its number, to undo it by.

        None if there is no such alert, or if the same was done by its card already, stands, and ends no earlier.
        """
        ledger, vault = self._ledger, self._ledger.vault
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, vault, alert)
            if pair is None:
                return None
            now, space = ledger.clock(), pair.space
            done = select(_A).where(_A.c.alert == alert, _A.c.what == action.what, _A.c.undone.is_(None))
            for row in (await tx.execute(done)).all():
                before = cases.read_action(vault, row)
                if before.place == action.place and _covers(before.until, action.until, now):
                    return None
            who = await cases.remember(tx, vault, space, moderator)
            row_of = {"space": space, "alert": alert, "time": now, "who": who, "what": action.what}
            number = await cases.add_action(tx, vault, row_of, action)
            await audit.record(tx, [audit.row(now, space, "action taken", who=who, about=alert, action=action.what)])
            await outbox.put_cards(tx, {alert: space}, now)
        return number

    async def refused(self, number: int, moderator: Person) -> None:
        """Record that the platform refused what was tried."""
        ledger = self._ledger
        async with ledger.transaction() as tx:
            row = (await tx.execute(select(_A).where(_A.c.id == number))).first()
            if row is None:
                return
            await tx.execute(delete(_A).where(_A.c.id == number))
            await self._ended(tx, row, "action refused", moderator, ledger.clock())

    async def standing(self, space: str, number: int) -> tuple[str, Action] | None:
        """Return an action that stands, with the alert it belongs to; None if there is none of this number here."""
        async with self._ledger.store.read() as tx:
            mine = select(_A).where(_A.c.id == number, _A.c.space == space, _A.c.undone.is_(None))
            row = (await tx.execute(mine)).first()
        return None if row is None else (row.alert, cases.read_action(self._ledger.vault, row))

    async def known(self, space: str, number: int) -> bool:
        """Tell whether anything is kept of an action, undone or not: with its case it goes where people are deleted."""
        async with self._ledger.store.read() as tx:
            return await tx.scalar(select(_A.c.id).where(_A.c.id == number, _A.c.space == space)) is not None

    async def taken_back(self, space: str, what: str, person: str) -> list[Action]:
        """Return what was done to a person in a space and undone since, by any of their cards, the oldest first."""
        async with self._ledger.store.read() as tx:
            undone = (
                select(_A).where(_A.c.space == space, _A.c.what == what, _A.c.undone.is_not(None)).order_by(_A.c.id)
            )
            rows = (await tx.execute(undone)).all()
        found = (cases.read_action(self._ledger.vault, row) for row in rows)
        return [action for action in found if action.person.id == person]

    async def undone(self, number: int, moderator: Person) -> Action | None:
        """Record that an action was undone, and return it; None if there is no such action, or it was undone before."""
        ledger = self._ledger
        async with ledger.transaction() as tx:
            row = (await tx.execute(select(_A).where(_A.c.id == number, _A.c.undone.is_(None)))).first()
            if row is None:
                return None
            now = ledger.clock()
            await tx.execute(update(_A).where(_A.c.id == number).values(undone=now))
            await self._ended(tx, row, "action undone", moderator, now)
        return cases.read_action(ledger.vault, row)

    async def _ended(self, tx: AsyncConnection, row: Row[Any], what: audit.Deed, moderator: Person, now: float) -> None:
        """Audit that an action stands no more, and have its card say so."""
        who = await cases.remember(tx, self._ledger.vault, row.space, moderator)
        await audit.record(tx, [audit.row(now, row.space, what, who=who, about=row.alert, action=row.what)])
        await outbox.put_cards(tx, {row.alert: row.space}, now)


def _covers(before: float | None, until: float | None, now: float) -> bool:
    """Tell whether what ends at `before` (None: never) stands now, and as long as what would end at `until`."""
    if before is None:
        return True
    return before > now and until is not None and before >= until - ENDS_SLACK
