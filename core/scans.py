"""Scans of a conversation's history that moderators asked for: begun, ended, or cut off by a restart.

Leans on `core.ledger`. What was begun and what ended are rows of the audit, and nothing else is kept: a scan that has
no end when nothing runs was cut off. How far one goes back, and what it reads, adapters know.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import select

from core import audit, outbox
from core.casework import cases
from core.casework.cards import Person
from core.ledger import Ledger
from core.messages import ConversationKey
from core.store import tables

Outcome = Literal["whole", "cancelled", "refused", "failed", "interrupted"]
_T = tables.audit
_BEGUN: audit.Deed = "history scan begun"
_ENDED: audit.Deed = "history scan ended"


class Scan(NamedTuple):
    """One scan of a conversation, over so many days."""

    number: int
    key: ConversationKey
    days: int


class Scans:
    """The scans on one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def begin(self, key: ConversationKey, days: int, moderator: Person) -> Scan:
        """Record that a moderator had a scan begun."""
        ledger = self._ledger
        async with ledger.transaction() as tx:
            now, who = ledger.clock(), await cases.remember(tx, ledger.vault, key.space, moderator)
            deed = audit.row(now, key.space, _BEGUN, who=who, conversation=key.conversation, days=days)
            (number,) = await audit.record(tx, [deed])
        return Scan(number, key, days)

    async def end(self, scan: Scan, outcome: Outcome, messages: int | None, notice: str | None = None) -> None:
        """Record how a scan ended, and after how many messages; `notice` tells the space's admins."""
        ledger, space = self._ledger, scan.key.space
        async with ledger.transaction() as tx:
            now = ledger.clock()
            deed = audit.row(now, space, _ENDED, scan=scan.number, outcome=outcome, messages=messages)
            await audit.record(tx, [deed])
            if notice is not None:
                await outbox.put_notice(tx, space, notice, now)

    async def unfinished(self, platform: str) -> list[Scan]:
        """Return the scans of a platform that were begun and have no end; at the start, those were cut off."""
        ours = _T.c.space.startswith(f"{platform}:", autoescape=True)
        begun: dict[int, Scan] = {}
        async with self._ledger.store.read() as tx:
            rows = await tx.execute(select(_T).where(ours, _T.c.what.in_((_BEGUN, _ENDED))).order_by(_T.c.id))
            for row in rows:
                if row.what == _BEGUN:
                    key = ConversationKey(row.space, row.detail["conversation"])
                    begun[row.id] = Scan(row.id, key, row.detail["days"])
                else:
                    begun.pop(row.detail["scan"], None)
        return list(begun.values())
