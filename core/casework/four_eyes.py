"""Four eyes: what two people have to agree to before it is done, where the operator asks for it.

Leans on `core.store` and `cases`. The first agreement is a row of `consents`; whoever agrees next, and is somebody
else, completes it. An agreement that nobody joined within `LASTS` counts no more, so that an old one surprises nobody;
nor does one from before the case was decided, closed or decided anew (`withdraw`): it was about how things stood.

Somebody else is another account with, at a terminal, another name: there people are who they say they are. So whoever
is Sam on the platform is no second Sam at the terminal; that a human has two accounts, or takes another name there, no
program can tell.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import cases
from core.casework.cards import Person
from core.store import tables, upsert
from core.vault import Vault

LASTS = 7 * 86_400.0
_T = tables.consents


async def agree(  # noqa: PLR0913, PLR0917 - who agrees to what, when
    tx: AsyncConnection, vault: Vault, alert: str, space: str, what: str, person: Person, now: float
) -> str | None:
    """Take somebody's agreement; return who agreed first, by pseudonym, once there are two, None while there is one."""
    who = vault.blind(space, person.id)
    mine = (_T.c.alert == alert, _T.c.what == what)
    row = (await tx.execute(select(_T.c.who, _T.c.time).where(*mine))).first()
    if row is not None and row.who != who and now - row.time < LASTS:
        first = (await cases.people_named(tx, vault, space, {row.who})).get(row.who)
        if first is None or not cases.alike(first, person):
            await tx.execute(delete(_T).where(*mine))
            return str(row.who)
    await upsert(tx, _T, [{"alert": alert, "what": what, "space": space, "time": now, "who": who}])
    return None


async def withdraw(tx: AsyncConnection, alert: str) -> None:
    """Take back what only one agreed to about a case."""
    await tx.execute(delete(_T).where(_T.c.alert == alert))
