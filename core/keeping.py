"""How long cases are kept: what is preserved goes first, then the case, unless a legal hold keeps both.

Leans on `core.store`, `core.transitions` and `core.withdrawals`; runs inside a transaction of its caller. What
`core.retention` is for the rolling text, this is for casework. A removed chain leaves its last value in the audit, so
that it can be told from one that somebody cut away. The keys of what was removed are retired, so that copies of the
database do not keep it either (`core.vault`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox, preserved, withdrawals
from core.cards import State
from core.store import tables
from core.transitions import state, undecided
from core.vault import Vault

DAY = 86_400.0
_T = tables.alerts
_AT_ONCE = 100


class Keep(NamedTuple):
    """Days: of the evidence of a case dismissed, closed, or never decided; and of the case itself after it was over."""

    dismissed: float = 30
    closed: float = 90
    undecided: float = 180
    case: float = 730


async def purge(tx: AsyncConnection, vault: Vault, keep: Keep, now: float) -> dict[str, int]:
    """Remove what was kept long enough; return how many cases each rule took, by its name in `due`."""
    return {
        "holds": await _end_holds(tx, now),
        "undecided": await _close(tx, keep, now),
        "evidence": await _remove_evidence(tx, vault, keep, now),
        "cases": await _remove_cases(tx, vault, keep, now),
    }


def due(keep: Keep, now: float) -> dict[str, ColumnElement[bool]]:
    """Return which rows of `alerts` each rule takes now, as SQL."""
    free, over = _T.c.held.is_(None), keep.case * DAY
    has_evidence = exists().where(tables.items.c.alert == _T.c.alert)
    ended: tuple[tuple[State, ColumnElement[bool]], ...] = (
        ("dismissed", _T.c.decided <= now - keep.dismissed * DAY),
        ("closed", _T.c.closed <= now - keep.closed * DAY),
        ("concern_confirmed", _T.c.decided <= now - over),
        ("reported", _T.c.reported <= now - over),
    )
    kept = or_(*(and_(state() == name, since) for name, since in ended))
    gone = or_(_T.c.closed <= now - over, and_(state() == "dismissed", _T.c.decided <= now - over))
    return {
        "holds": and_(_T.c.held.is_not(None), _T.c.held_until <= now),
        "undecided": and_(undecided(), free, _T.c.opened <= now - keep.undecided * DAY),
        "evidence": and_(has_evidence, free, kept),
        "cases": and_(free, gone),
    }


async def _chosen(tx: AsyncConnection, which: ColumnElement[bool]) -> list[tuple[str, str]]:
    rows = await tx.execute(select(_T.c.alert, _T.c.space).where(which).order_by(_T.c.opened).limit(_AT_ONCE))
    return [(row.alert, row.space) for row in rows]


async def _end_holds(tx: AsyncConnection, now: float) -> int:
    """End the holds whose time is up."""
    which = await _chosen(tx, due(Keep(), now)["holds"])
    await _change(tx, which, "legal hold lifted", now, held=None, held_until=None)
    return len(which)


async def _close(tx: AsyncConnection, keep: Keep, now: float) -> int:
    """Close what nobody decided in all that time: evidence is not kept for ever because people were away."""
    which = await _chosen(tx, due(keep, now)["undecided"])
    await _change(tx, which, "case closed", now, closed=now)
    return len(which)


async def _remove_evidence(tx: AsyncConnection, vault: Vault, keep: Keep, now: float) -> int:
    which = await _chosen(tx, due(keep, now)["evidence"])
    for alert, space in which:
        head = (await preserved.head(tx, alert))._asdict()
        await tx.execute(delete(tables.items).where(tables.items.c.alert == alert))
        await tx.execute(delete(tables.notes).where(tables.notes.c.alert == alert))
        await tx.execute(update(_T).where(_T.c.alert == alert).values(remark=None))
        await audit.record(tx, [audit.row(now, space, "evidence purged", about=alert, **head)])
    vault.retire([("case", alert) for alert, _ in which])
    return len(which)


async def _remove_cases(tx: AsyncConnection, vault: Vault, keep: Keep, now: float) -> int:
    which = await _chosen(tx, due(keep, now)["cases"])
    these = _T.c.alert.in_([alert for alert, _ in which])
    await withdrawals.put(tx, await withdrawals.posted(tx, these))
    await tx.execute(delete(_T).where(these))
    await audit.record(tx, [audit.row(now, space, "case removed", about=alert) for alert, space in which])
    vault.retire([("case", alert) for alert, _ in which])
    return len(which)


async def _change(
    tx: AsyncConnection, which: Iterable[tuple[str, str]], what: audit.Deed, now: float, **values: float | None
) -> None:
    for alert, space in which:
        await tx.execute(update(_T).where(_T.c.alert == alert).values(values))
        await audit.record(tx, [audit.row(now, space, what, about=alert)])
        await outbox.put_cards(tx, {alert: space}, now)
