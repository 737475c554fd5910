"""Ending legal holds from outside a server: by the operator, who may have to once the bot is not in it any more.

Leans on `core.ledger`. Inside a server a moderator ends one on its card (`desk`). Audited as Lampkeeper's own.
"""

from __future__ import annotations

from sqlalchemy import or_, select

from core import audit
from core.casework import cases
from core.ledger import Ledger
from core.store import tables

_T = tables.alerts


async def end(ledger: Ledger, space: str, person: str | None = None) -> int:
    """End every hold in a space, or on the cases about one person there; return how many that were."""
    which = [_T.c.space == space, _T.c.held.is_not(None)]
    if person is not None:
        me = ledger.vault.blind(space, person)
        which.append(or_(_T.c.actor == me, _T.c.target == me))
    async with ledger.transaction() as tx:
        held = list(await tx.scalars(select(_T.c.alert).where(*which)))
        for alert in held:
            await cases.mark(tx, alert, "held", None)
            await cases.mark(tx, alert, "held_until", None)
        now = ledger.clock()
        await audit.record(tx, [audit.row(now, space, "legal hold lifted", about=alert) for alert in held])
    return len(held)
