"""Four eyes: what two people have to agree to before it is done, where the operator asks for it.

Leans on `core.store`. The first agreement is a row of `consents`; whoever agrees next, and is somebody else, completes
it. An agreement that nobody joined within `LASTS` counts no more, so that an old one surprises nobody.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import tables, upsert

LASTS = 7 * 86_400.0
_T = tables.consents


async def agree(  # noqa: PLR0913, PLR0917 - who agrees to what, when
    tx: AsyncConnection, alert: str, space: str, what: str, who: str, now: float
) -> str | None:
    """Take somebody's agreement, by pseudonym; return who agreed first once there are two, None while there is one."""
    mine = (_T.c.alert == alert, _T.c.what == what)
    row = (await tx.execute(select(_T.c.who, _T.c.time).where(*mine))).first()
    if row is not None and row.who != who and now - row.time < LASTS:
        await tx.execute(delete(_T).where(*mine))
        return str(row.who)
    await upsert(tx, _T, [{"alert": alert, "what": what, "space": space, "time": now, "who": who}])
    return None
