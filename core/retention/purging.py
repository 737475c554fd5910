"""What is done with rows that were kept long enough: one function a step, as `rules` puts them into its table.

Leans on `core.ledger`, whose transaction each runs in, and `keeping` for the rest. Each takes as many rows of
`which` as do not hold up the writer, and returns how many that were; it is called again until there are none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox, policy
from core.audit import erasing
from core.casework import cases, parts, preserved, reported, withdrawals
from core.casework.reported import Report
from core.cybertip import clearing
from core.ledger import Ledger
from core.policy import AlertState
from core.retention import rolling
from core.retention.keeping import DAY
from core.store import tables

AT_ONCE = 100
"""Cases a transaction."""
Take = Callable[[Ledger, AsyncConnection, ColumnElement[bool], float], Awaitable[int]]
_T = tables.alerts


class _Case(NamedTuple):
    alert: str
    space: str


def rows(table: Table) -> Take:
    """Delete rows of a table, with nothing else to do."""

    async def take(_ledger: Ledger, tx: AsyncConnection, which: ColumnElement[bool], _now: float) -> int:
        return len((await tx.execute(delete(table).where(which).returning(table.c.space))).all())

    return take


async def preserve_held(ledger: Ledger, tx: AsyncConnection, _which: ColumnElement[bool], now: float) -> int:
    """Bring the windows of all cases under legal hold up to date, before any text goes; once a run.

    In every space, for what is due grows while a run goes on. Who sets a hold meanwhile does the same for their case,
    and what is received meanwhile does not go in this run.
    """
    spaces = (await tx.scalars(select(_T.c.space).where(_T.c.held.is_not(None)).distinct())).all()
    await preserved.windows_of_held(tx, ledger.vault, spaces, now)
    return len(spaces)


async def text(ledger: Ledger, tx: AsyncConnection, _which: ColumnElement[bool], now: float) -> int:
    """Fold the messages received longest ago into what is remembered, and delete them (`rolling`)."""
    purged = await rolling.purge(tx, ledger.vault, ledger.engine, now - ledger.keep.text * DAY, now)
    for (space, conversation), horizon in purged.horizons.items():
        marks = ledger.memory.of(space).marks.get(conversation)
        if marks is not None and (marks.horizon is None or marks.horizon < horizon):
            marks.horizon = horizon
    return purged.messages


async def end_holds(ledger: Ledger, tx: AsyncConnection, which: ColumnElement[bool], now: float) -> int:
    """End legal holds."""
    found = await _chosen(tx, which)
    for case in found:
        await _change(ledger, tx, case, "legal hold lifted", now, held=None, held_until=None)
    return len(found)


async def close(ledger: Ledger, tx: AsyncConnection, which: ColumnElement[bool], now: float) -> int:
    """Close cases, and let the policy know: what the pair does later opens another."""

    def step(state: AlertState) -> None:
        if state.open:
            policy.decided(state, now)

    found = await _chosen(tx, which)
    for case in found:
        head = (await preserved.head(tx, case.alert))._asdict()
        await _change(ledger, tx, case, "case closed", now, head, closed=now)
        pair = await cases.pair_of(tx, ledger.vault, case.alert)
        assert pair is not None, "it was chosen in this transaction"
        await cases.tell_policy(tx, ledger.vault, ledger.memory.of(case.space), case.alert, pair, step)
    return len(found)


async def remove_evidence(ledger: Ledger, tx: AsyncConnection, which: ColumnElement[bool], now: float) -> int:
    """Delete what is preserved of cases, with notes, remarks, members' words, and what was laid down for NCMEC.

    A chain that went leaves its last value in the audit, so that it can be told from one that somebody cut away.
    """

    def wordless(report: Report) -> Report:
        return report._replace(words="")

    found = await _chosen(tx, which)
    for case in found:
        head = (await preserved.head(tx, case.alert))._asdict()
        for table in (tables.items, tables.notes):
            await tx.execute(delete(table).where(table.c.alert == case.alert))
        await reported.change(tx, ledger.vault, _T.c.alert == case.alert, wordless)
        await clearing.clear(tx, ledger.vault, [case.alert], now)
        await _change(ledger, tx, case, "evidence purged", now, head, remark=None, evidence=None)
    _retire(ledger, found)
    return len(found)


async def remove_cases(ledger: Ledger, tx: AsyncConnection, which: ColumnElement[bool], now: float) -> int:
    """Delete cases whole, and take back their cards."""
    found = await _chosen(tx, which)
    gone = [case.alert for case in found]
    these = _T.c.alert.in_(gone)
    await withdrawals.put(tx, await withdrawals.posted(tx, these))
    await withdrawals.put_anew(tx, _T.c.merged.in_(gone) & _T.c.alert.not_in(gone))
    await parts.take_out(tx, gone)
    for case in found:
        pair = await cases.pair_of(tx, ledger.vault, case.alert)
        assert pair is not None, "it was chosen in this transaction"
        await cases.note_removed(tx, ledger.vault, ledger.memory.of(case.space), case.alert, pair)
    await tx.execute(delete(_T).where(these))
    await audit.record(tx, [audit.row(now, case.space, "case removed", about=case.alert) for case in found])
    for case in found:
        ledger.memory.of(case.space).preserving = None
    _retire(ledger, found)
    return len(found)


async def erase_audit(_ledger: Ledger, tx: AsyncConnection, which: ColumnElement[bool], now: float) -> int:
    """Erase what rows of the audit tell of people and cases."""
    return await erasing.erase(tx, which, now)


def _retire(ledger: Ledger, found: Iterable[_Case]) -> None:
    """Retire the keys of cases, so that copies of the database do not keep what was removed (`core.vault`)."""
    ledger.vault.retire([("case", case.alert) for case in found])


async def _chosen(tx: AsyncConnection, which: ColumnElement[bool]) -> list[_Case]:
    oldest = select(_T.c.alert, _T.c.space).where(which).order_by(_T.c.opened, _T.c.alert).limit(AT_ONCE)
    return [_Case(*row) for row in await tx.execute(oldest)]


async def _change(  # noqa: PLR0913, PLR0917 - of which case, what, when
    ledger: Ledger,
    tx: AsyncConnection,
    case: _Case,
    what: audit.Deed,
    now: float,
    detail: dict[str, Any] | None = None,
    **values: float | None,
) -> None:
    """Change a case, on record, and have its card show it."""
    await tx.execute(update(_T).where(_T.c.alert == case.alert).values(values))
    await audit.record(tx, [audit.row(now, case.space, what, about=case.alert, **(detail or {}))])
    await outbox.put_cards(tx, {case.alert: case.space}, now)
    ledger.memory.of(case.space).preserving = None
