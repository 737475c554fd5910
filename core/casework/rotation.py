"""Rotation: whose turn it could be to look into a case, so that it is not always the same people who read.

Leans on `exposure` for how much everybody was shown; runs inside a transaction of its caller (`desk`). Decisions:

- Whoever took part in the space lately may be proposed: was shown texts, or claimed or decided a case.
- Nobody is whom the case is about, who let go of it, or asked for a second reviewer; nor who is gone, nor who was shown
  as much today as is enough for a day.
- Who was shown least today comes first, then least in all the days kept (`exposure.KEPT_DAYS`); of those, whose last
  claim is longest ago. Counts are told to nobody.
- It is a proposal, and holds up nobody: everybody may claim everything. Who still moderates, platforms know.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import cases, exposure
from core.casework.cards import Card, Person
from core.store import tables
from core.vault import Vault

LATELY = 14 * 86_400.0
"""Seconds in which somebody took part; whoever is on holiday is not called."""
LET_GO = ("alert released", "alert escalated")
_T, _A = tables.alerts, tables.audit


async def reviewers(tx: AsyncConnection, vault: Vault, card: Card, limit: int, now: float) -> list[Person]:
    """Return who could look into a case, whose turn it is most first; `limit` lines are enough for a day (0: none)."""
    space, since = card.space, now - LATELY
    read = await exposure.read(tx, space, now)
    claimed = await _last(tx, space, "claimant", "claimed")
    decided = await _last(tx, space, "moderator", "decided")
    lately = {who for last in (claimed, decided) for who, time in last.items() if time >= since}
    lately |= await exposure.shown_since(tx, space, since)
    gave_back = select(_A.c.who).where(_A.c.space == space, _A.c.about == card.alert, _A.c.what.in_(LET_GO))
    lately -= set(await tx.scalars(gave_back))
    free = [who for who in lately if not 0 < limit <= read.get(who, exposure.NOTHING).today]
    free.sort(key=lambda who: (read.get(who, exposure.NOTHING), claimed.get(who, 0.0), who))
    people = await cases.people_named(tx, vault, space, set(free))
    known = (people[who] for who in free if who in people)
    return [one for one in known if one.gone is None and not cases.concerns(card, one)]


async def _last(tx: AsyncConnection, space: str, who: str, when: str) -> dict[str, float]:
    """Return when each pseudonym did last what two columns of `alerts` tell of."""
    done = select(_T.c[who], func.max(_T.c[when])).where(_T.c.space == space, _T.c[who].is_not(None))
    return {row[0]: row[1] or 0.0 for row in await tx.execute(done.group_by(_T.c[who]))}
