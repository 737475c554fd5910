"""The excerpt a moderator asks for: what is retained around the messages that moved a score; and legal hold.

Leans on `core.cases` for the alert and `core.store.messages` for texts; runs inside a transaction of its caller. Under
legal hold the alert keeps a sealed copy of what its excerpt shows, every version of it. The copy only grows while the
hold lasts: it is brought up to date before anything is purged or forgotten (`core.retention`), so that an excerpt under
hold never gets shorter. A message's `seq` may be given again once all was purged, so what is in the copy and what is
stored are told apart by where a message stands and when it was received.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import reported
from core.cards import ExcerptLine, Person
from core.emphasis import weight, weighty
from core.evidence import Evidence
from core.messages import ConversationKey
from core.store import messages, tables
from core.store.messages import Kept, MessageKey
from core.store.states import alert_about, dump, parse
from core.vault import Vault

EXCERPT_LINES = 5
"""Lines shown before and after each message that moved the score."""
_T = tables.alerts


async def excerpt(tx: AsyncConnection, vault: Vault, alert: str, read: Callable[[str], Evidence]) -> list[ExcerptLine]:
    """Return what is retained around the card's messages, oldest first, then what members who reported wrote.

    Each message is as it read last, with the weightiest of what it said before: an edit hides nothing that people were
    called to look at. Reports come last, for where an excerpt is too long its first lines are left out.

    `read` is `core.engine.Engine.read`: what weighs most in the messages that moved the score is marked by it.
    """
    row = await _row(tx, alert)
    if row is None:
        return []
    moved = _moved(vault, row)
    wordings: dict[MessageKey, list[Kept]] = {}
    for kept in await shown(tx, vault, alert):
        wordings.setdefault((kept.key, kept.id), []).append(kept)
    reports = reported.reports(parse(vault, row.sealed, alert_about(alert)))
    told = [ExcerptLine(Person(r.person, r.name), r.time, r.words, reason=False, report=True) for r in reports]
    said = [
        ExcerptLine(
            Person(kept.author, kept.name),
            kept.time,
            text := kept.text or "",
            reason := (kept.key, kept.id) in moved,
            kept.deleted,
            tuple(kept.attachments),
            weighty(read, text) if reason else (),
            earlier=_earlier(read, [version.text for version in before], text),
        )
        for *before, kept in wordings.values()
    ]
    return said + told


async def shown(tx: AsyncConnection, vault: Vault, alert: str) -> list[Kept]:
    """Return what an alert's excerpt rests on, every version that is known, oldest first."""
    row = await _row(tx, alert)
    if row is None:
        return []
    known = _copied(vault, row)
    for key in _moved(vault, row):
        known += await messages.around(tx, vault, key, EXCERPT_LINES)
    found = {(kept.key, kept.id, kept.received, kept.version): kept for kept in known}
    return sorted(found.values(), key=lambda kept: (kept.received, kept.seq, kept.version))


async def preserve(tx: AsyncConnection, vault: Vault, alert: str) -> None:
    """Bring an alert's copy of its excerpt up to date."""
    copy = dump(vault, await shown(tx, vault, alert), _about_evidence(alert))
    await tx.execute(update(_T).where(_T.c.alert == alert).values(evidence=copy))


async def preserve_held(tx: AsyncConnection, vault: Vault, spaces: Collection[str]) -> None:
    """Bring the copies of all alerts under legal hold in `spaces` up to date, before anything is removed there."""
    held = select(_T.c.alert).where(_T.c.space.in_(spaces), _T.c.held.is_not(None))
    for alert in (await tx.scalars(held)).all():
        await preserve(tx, vault, alert)


async def give_up(tx: AsyncConnection, alert: str) -> None:
    """Remove an alert's copy: the hold is lifted, and the retention rule is all that counts."""
    await tx.execute(update(_T).where(_T.c.alert == alert).values(evidence=None))


def _earlier(read: Callable[[str], Evidence], before: list[str | None], now: str) -> str:
    """Return the weightiest of what a message said before; "" if it never said anything else."""
    return max((text for text in before if text and text != now), key=lambda text: weight(read(text)), default="")


async def _row(tx: AsyncConnection, alert: str) -> Row[Any] | None:
    return (await tx.execute(select(_T).where(_T.c.alert == alert))).first()


def _moved(vault: Vault, row: Row[Any]) -> set[MessageKey]:
    places = reported.places(parse(vault, row.sealed, alert_about(row.alert)))
    return {(ConversationKey(row.space, conversation), message_id) for conversation, message_id in places}


def _copied(vault: Vault, row: Row[Any]) -> list[Kept]:
    if row.evidence is None:
        return []
    copied = (Kept(*fields) for fields in parse(vault, row.evidence, _about_evidence(row.alert)))
    return [kept._replace(key=ConversationKey(*kept.key)) for kept in copied]


def _about_evidence(alert: str) -> tuple[str, ...]:
    return ("alerts", alert, "evidence")
