"""Whether the people on a card are still there: they left, were banned, or came back.

Leans on `core.ledger`. Kept only of people whom an alert is about, within their sealed identity, and gone when they
write again (`core.store.states` writes identities anew). Open alerts' cards are shown anew, and the audit notes it.
"""

from __future__ import annotations

from sqlalchemy import or_, select, update

from core import audit, outbox
from core.casework.cards import Gone
from core.casework.transitions import undecided
from core.ledger import Ledger
from core.store import tables
from core.store.states import dump, parse, person_about


async def note(ledger: Ledger, space: str, person: str, gone: Gone | None) -> bool:
    """Take note that somebody is `gone`, or back (None); False where no alert is about them, or it is no news.

    Who was banned stays so when it is said that they left, which platforms say of banned people too.
    """
    vault, alerts, people = ledger.vault, tables.alerts, tables.people
    who = vault.blind(space, person)
    about = person_about(space, who, "identity")
    me = (people.c.space == space, people.c.person == who)
    mine = (alerts.c.space == space, or_(alerts.c.actor == who, alerts.c.target == who))
    async with ledger.store.read() as tx:  # most of those who leave are on no card: nothing is written then
        if await tx.scalar(select(alerts.c.alert).where(*mine).limit(1)) is None:
            return False
    async with ledger.transaction() as tx:
        sealed = await tx.scalar(select(people.c.identity).where(*me))
        if sealed is None:
            return False
        identity = parse(vault, sealed, about)
        before = identity.get("gone")
        if before == gone or (before == "banned" and gone == "left"):
            return False
        await tx.execute(update(people).where(*me).values(identity=dump(vault, identity | {"gone": gone}, about)))
        now = ledger.clock()
        shown = list(await tx.scalars(select(alerts.c.alert).where(*mine, undecided())))
        await audit.record(
            tx, [audit.row(now, space, "person gone", about=alert, how=gone or "back") for alert in shown]
        )
        await outbox.put_cards(tx, dict.fromkeys(shown, space), now)
    return True
