"""How each table forgets a person: one function a table, whose first line says it in words.

Leans on `core.store` and `core.casework.withdrawals`; `rules` puts them into its table, calls them in its order, and
folds anew what is left. Each runs inside a transaction of its caller. What is under legal hold stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, delete, func, not_, or_, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit import Deed, erasing
from core.audit.chain import FORGOTTEN
from core.casework import parts, preserved, reported, withdrawals
from core.pair import PairState
from core.policy import AlertState
from core.retention import keeping
from core.store import tables, upsert
from core.store.states import dump, dump_pair, pair_about, parse, person_about
from core.vault import Vault

Forgets = Callable[[AsyncConnection, Vault, str, str], Awaitable[erasing.Erased | None]]
"""Returns what it erased from the audit, if anything: that has to be accounted for there."""


async def last(tx: AsyncConnection, space: str) -> float | None:
    """Return when somebody's data was deleted last in a space (seconds since the epoch); None if it never was."""
    deeds = tables.audit.c
    deed: Deed = "person forgotten"
    when: float | None = await tx.scalar(select(func.max(deeds.time)).where(deeds.space == space, deeds.what == deed))
    return when


async def nobody(_tx: AsyncConnection, _vault: Vault, _space: str, _person: str) -> None:
    """Nothing: it tells of nobody."""


async def spaces(_tx: AsyncConnection, _vault: Vault, _space: str, _person: str) -> None:
    """Nothing: whom admins made a moderator stays one until they choose otherwise."""


async def audit(tx: AsyncConnection, vault: Vault, space: str, person: str) -> erasing.Erased:
    """Keep on record that something happened, but not to whom, nor by whom if it was this person.

    Nor of cases that were kept long enough and are gone: their pair remembers which those were.
    """
    deeds, alerts = tables.audit.c, tables.alerts
    me = vault.blind(space, person)
    gone = (alerts.c.space == space, or_(alerts.c.actor == me, alerts.c.target == me), not_(keeping.held()))
    about_me = select(alerts.c.alert).where(*gone)
    here = deeds.space == space
    removed = await _removed(tx, vault, space, me)
    mine = or_(deeds.about.in_(about_me.scalar_subquery()), deeds.about.in_(removed))
    about = await erasing.erase_part(tx, "about", here & mine)
    return {"who": await erasing.erase_part(tx, "who", here & (deeds.who == me)), "about": about}


async def _removed(tx: AsyncConnection, vault: Vault, space: str, me: str) -> list[str]:
    """Return the alerts about a person, by pseudonym, that are gone."""
    pairs = tables.pairs
    theirs = (pairs.c.space == space, or_(pairs.c.actor == me, pairs.c.target == me), pairs.c.alert.is_not(None))
    told = [
        AlertState(**parse(vault, row.alert, pair_about(space, row.actor, row.target, "alert")))
        for row in await tx.execute(select(pairs).where(*theirs))
    ]
    return [alert for state in told for alert in state.removed]


async def alerts(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove alerts about the person, with the outbox rows that would show them, and the name behind decisions.

    Their posted cards are taken back. Those under legal hold stay. Of a report that the person made there stays that
    somebody asked, and about which message; under legal hold also what they wrote. What the person had claimed is free
    for others. What was part of a case that goes stands by itself, or is part of what that was part of.
    """
    table, me = tables.alerts, vault.blind(space, person)
    mine = and_(or_(table.c.actor == me, table.c.target == me), not_(keeping.held()))
    await withdrawals.put(tx, await withdrawals.posted(tx, and_(table.c.space == space, mine)))
    gone = (await tx.scalars(select(table.c.alert).where(table.c.space == space, mine))).all()
    await withdrawals.put_anew(tx, and_(table.c.merged.in_(gone), table.c.alert.not_in(gone)))
    await parts.take_out(tx, gone)
    await _delete(tx, table, space, table.c.alert.in_(gone))
    acted = select(tables.actions.c.alert).where(tables.actions.c.space == space, tables.actions.c.who == me)
    named = or_(table.c.moderator == me, table.c.claimant == me, table.c.alert.in_(acted))
    await withdrawals.put_anew(tx, and_(table.c.space == space, named))

    def nameless(report: reported.Report) -> reported.Report:
        return report._replace(person="", name="") if report.person == person else report

    def silent(report: reported.Report) -> reported.Report:
        return report._replace(person="", name="", words="") if report.person == person else report

    here = table.c.space == space
    await reported.change(tx, vault, here & keeping.held(), nameless)
    await reported.change(tx, vault, here & not_(keeping.held()), silent)
    await tx.execute(update(table).where(here, table.c.moderator == me).values(moderator=FORGOTTEN))
    await tx.execute(update(table).where(here, table.c.claimant == me).values(claimant=None, claimed=None))


async def actions(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Keep that something was done, not by whom if it was this person; what was done to them goes with the alert."""
    await _unname(tx, tables.actions.c.who, space, vault.blind(space, person))


async def items(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove what the person said from the cases of others; what is under legal hold stays."""
    await preserved.erase(tx, space, vault.blind(space, person))


async def _unname(tx: AsyncConnection, column: Column[Any], space: str, me: str) -> None:
    """Keep that something was done by a case, not by whom if it was this person."""
    mine = update(column.table).where(column.table.c.space == space, column == me)
    await tx.execute(mine.values({column.name: FORGOTTEN}))


async def notes(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Keep what the person noted, not who noted it."""
    await _unname(tx, tables.notes.c.who, space, vault.blind(space, person))


async def consents(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Take back what only the person agreed to."""
    await _delete(tx, tables.consents, space, tables.consents.c.who == vault.blind(space, person))


async def referrals(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Keep that a case was reported, not by whom if it was this person."""
    for column in (tables.referrals.c.who, tables.referrals.c.second):
        await _unname(tx, column, space, vault.blind(space, person))


async def exposures(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove how much the person read."""
    await _delete(tx, tables.exposures, space, tables.exposures.c.who == vault.blind(space, person))


async def requests(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove what the person asked for."""
    table, me = tables.requests, vault.blind(space, person)
    await _delete(tx, table, space, table.c.person == me)


async def messages(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove what the person said, and what was said to them."""
    table, me = tables.messages, vault.blind(space, person)
    await _delete(tx, table, space, or_(table.c.author == me, table.c.target == me))


async def people(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove the person's own row, and the person from among those whom others showed signals to."""
    table, me = tables.people, vault.blind(space, person)
    await _delete(tx, table, space, table.c.person == me)
    for row in (await tx.execute(select(table).where(table.c.space == space))).all():
        for column in ("base", "state"):
            sealed, about = row._mapping[column], person_about(space, row.person, column)  # noqa: SLF001 its public name
            state = None if sealed is None else parse(vault, sealed, about)
            if state is not None and state["targets"].pop(person, None) is not None:
                this = update(table).where(table.c.space == space, table.c.person == row.person)
                await tx.execute(this.values({column: dump(vault, state, about)}))


async def peaks(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove the daily peaks of every pair that the person is one of."""
    table, me = tables.peaks, vault.blind(space, person)
    await _delete(tx, table, space, or_(table.c.actor == me, table.c.target == me))


async def pairs(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove every pair that the person is one of."""
    table, me = tables.pairs, vault.blind(space, person)
    mine = or_(table.c.actor == me, table.c.target == me)
    blank = await counted(tx, vault, space, mine)
    await _delete(tx, table, space, mine)
    await upsert(tx, table, blank)


async def conversations(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove the person from the speakers."""
    table = tables.conversations
    for row in (await tx.execute(select(table).where(table.c.space == space))).all():
        about = ("conversations", space, row.conversation, "state")
        state = parse(vault, row.state, about)
        talks = [state, *filter(None, [state.get("past")])]
        left = [_leave_out(talk, person) for talk in talks]
        if any(left):
            this = update(table).where(table.c.space == space, table.c.conversation == row.conversation)
            await tx.execute(this.values(state=dump(vault, state, about)))


def _leave_out(talk: dict[str, Any], person: str) -> bool:
    """Remove the person from a stored talk's speakers; tell whether they were among them."""
    recent: dict[str, str] = talk.get("recent", {})
    was_there = person in (talk["last"], talk["before"]) or person in recent
    talk.update({name: None for name in ("last", "before") if talk[name] == person})
    recent.pop(person, None)
    return was_there


async def counted(
    tx: AsyncConnection, vault: Vault, space: str, which: ColumnElement[bool] | None = None
) -> list[dict[str, object]]:
    """Return blank rows for the pairs with a held alert: how many alerts there were, and the newest's id if it is held.

    An alert's id is made of the pair and that count: the next one must not be taken for the one under hold.
    """
    pairs, alerts = tables.pairs, tables.alerts
    here = (alerts.c.space == space, keeping.held())
    cases = set(await tx.scalars(select(alerts.c.alert).where(*here)))
    these = tuple_(pairs.c.actor, pairs.c.target).in_(select(alerts.c.actor, alerts.c.target).where(*here))
    found = select(pairs).where(pairs.c.space == space, these, true() if which is None else which)
    rows: list[dict[str, object]] = []
    for row in (await tx.execute(found)).all():
        key = {"space": space, "actor": row.actor, "target": row.target}
        about = pair_about(space, row.actor, row.target, "alert")
        told = AlertState() if row.alert is None else AlertState(**parse(vault, row.alert, about))
        left = AlertState(told.count, alert=told.alert if told.alert in cases else "")
        state = dump_pair(vault, PairState(), pair_about(space, row.actor, row.target, "state"))
        rows.append(key | {"base": None, "state": state, "alert": dump(vault, left, about)})
    return rows


async def _delete(tx: AsyncConnection, table: Table, space: str, about: ColumnElement[bool]) -> None:
    await tx.execute(delete(table).where(table.c.space == space, about))
