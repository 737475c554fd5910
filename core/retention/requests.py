"""What members ask for about themselves: to see what is kept, or to have it deleted. People answer, not a program.

Leans on `core.ledger`, `holdings` and `rules`. Decisions:
- A request is sealed, and goes when the person is forgotten; that it was made and answered stays in the audit, under a
  pseudonym. The notice to the admins names nobody, for notices stand unsealed until they are shown.
- What a person is shown is what they said, and what was noted of themselves (`kept`). Whether there is an alert about
  them, or was any, is never in it, nor that there is none: the answer would warn whoever a case is about. So it is made
  of nothing that a case adds or keeps: text that is preserved of a case is theirs, but that it is still there would
  tell that there is one, and it is shown only while it is kept as all text is; what they reported, as long as that;
  a name only of those who said something here, for a report makes a name known, too; and of pairs those who talked.
  What they did as a moderator is theirs, too: nobody takes a step on a case about themselves (`_work`).
  Who operates Lampkeeper sees the rest (`holdings.in_cases`), and answers for what the law gives them a right to.
- Nothing is deleted while a case that the person is part of is open or under legal hold: evidence would be gone by the
  wish of one of those whom it is about. An open case that the person reported waits for its decision too, which may
  rest on what they wrote. That is looked at in the transaction that deletes, so that no alert slips in between. The
  request stays open; what the person is told then is for the admins to say.
- A confirmed case does not stand in the way: a person's right to deletion would have no end, nor would the admins have
  a way out but to take back what they found. How many would go is said before (`confirmed`), with what keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, func, insert, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox
from core.casework import cases, holds, notes, reported
from core.casework.cards import Person
from core.casework.transitions import awaited
from core.ledger import Ledger
from core.retention import keeping, rules
from core.retention.holdings import holdings
from core.retention.keeping import DAY
from core.store import messages, tables
from core.store.messages import Kept
from core.store.states import dump, pair_about, parse, person_about, read_pair
from core.vault import Vault

Kind = Literal["access", "deletion"]
_T = tables.requests


@dataclass(frozen=True, slots=True)
class Request:
    """One open request; `time` is in seconds since the epoch."""

    number: int
    kind: Kind
    person: Person
    time: float


class Deletion(NamedTuple):
    """What became of a deletion: done, or which alerts that the person is part of are `open` or `held`.

    `open` has those that the person reported as well. `until` says when the hold on each of `held` ends, in seconds
    since the epoch; None: when somebody ends it.
    """

    done: bool
    open: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    until: tuple[float | None, ...] = ()


async def ask(ledger: Ledger, space: str, kind: Kind, person: Person, notice: str) -> int | None:
    """Record a request, have the admins told `notice`, and return its number; None if the same one is open already."""
    who = ledger.vault.blind(space, person.id)
    async with ledger.transaction() as tx:
        same = (_T.c.space == space, _T.c.person == who, _T.c.kind == kind, _T.c.answered.is_(None))
        if await tx.scalar(select(_T.c.id).where(*same)) is not None:
            return None
        now = ledger.clock()
        row = {"space": space, "person": who, "kind": kind, "time": now, "sealed": b""}
        (number,) = (await tx.execute(insert(_T).values(row))).inserted_primary_key or (0,)
        sealed = dump(ledger.vault, {"id": person.id, "name": person.name}, _about(space, number))
        await tx.execute(update(_T).where(_T.c.id == number).values(sealed=sealed))
        await audit.record(tx, [audit.row(now, space, "request received", who=who, kind=kind, request=number)])
        await outbox.put_notice(tx, space, notice, now)
    return int(number)


async def waiting(ledger: Ledger, space: str) -> list[Request]:
    """Return the open requests of a space, oldest first."""
    async with ledger.store.read() as tx:
        mine = select(_T).where(_T.c.space == space, _T.c.answered.is_(None))
        rows = (await tx.execute(mine.order_by(_T.c.id))).all()
    return [_request(ledger.vault, row) for row in rows]


async def confirmed(ledger: Ledger, space: str, person: str) -> int:
    """Count the cases that people confirmed and that a deletion of what is kept about a person would take along."""
    table, me = tables.alerts, ledger.vault.blind(space, person)
    part = (table.c.space == space, or_(table.c.actor == me, table.c.target == me), not_(keeping.held()))
    async with ledger.store.read() as tx:
        these = select(func.count()).select_from(table).where(*part, table.c.decision == "confirmed")
        return await tx.scalar(these) or 0


async def answer(ledger: Ledger, space: str, number: int, moderator: Person) -> bool:
    """Record that a request was answered; False if there is no such open one."""
    async with ledger.transaction() as tx:
        if await _one(tx, ledger.vault, space, number) is None:
            return False
        await _answered(tx, ledger, space, number, moderator)
    return True


async def delete(ledger: Ledger, space: str, number: int, moderator: Person) -> Deletion | None:
    """Carry out a request for deletion, unless a case stands in its way; None if there is no such open one. Audited."""
    vault = ledger.vault
    async with ledger.transaction() as tx:
        request = await _one(tx, vault, space, number)
        if request is None or request.kind != "deletion":
            return None
        found = await _standing(tx, vault, space, request.person.id)
        if not found.done:
            return found
        await _answered(tx, ledger, space, number, moderator)
        now = ledger.clock()
        await rules.forget_person(tx, vault, ledger.engine, space, request.person.id, now)
        await audit.record(tx, [audit.row(now, space, "person forgotten", request=number)])
        ledger.memory.clear()
    await ledger.store.checkpoint()
    return found


async def kept(ledger: Ledger, space: str, person: str) -> dict[str, Any]:
    """Return what a person is shown of what is kept about them, as JSON holds it: see this module's decisions."""
    vault, table, now = ledger.vault, tables.people, ledger.clock()
    me, counts = vault.blind(space, person), await holdings(ledger.store, space, person)
    lately = now - ledger.keep.text * DAY
    async with ledger.store.read() as tx:
        heard = (table.c.space == space, table.c.person == me, table.c.state.is_not(None))
        row = (await tx.execute(select(table).where(*heard))).first()
        said = await messages.versions_by(tx, vault, space, person)
        told = await reported.among(tx, vault, tables.alerts.c.space == space)
        talks = await _talks(tx, vault, space, me)
        work = await _work(tx, vault, space, me)
    noted: dict[str, Any] = {}
    if row is not None:
        noted["name"] = parse(vault, row.identity, person_about(space, me, "identity"))["name"]
        state = parse(vault, row.state, person_about(space, me, "state"))
        noted |= {"age_band": state["age_band"], "ages_you_told": state["ages"]}
    reports = [report for report in told if report.person == person and report.time >= lately]
    return {
        "space": space,
        "person": person,
        "made": _stamp(now),
        "noted_of_you": noted,
        "messages_kept_by_or_to_you": counts.messages,
        "conversations_counted": talks,
        "your_messages": [_message(versions) for versions in said],
        "your_reports": [{"time": _stamp(r.time), "message": r.message_id, "text": r.words} for r in reports],
        "your_work_as_a_moderator": work,
    }


def _message(versions: list[Kept]) -> dict[str, Any]:
    """Return a message as it reads now, with what it said before, the oldest first."""
    *before, now = versions
    return {
        "place": now.key.conversation,
        "id": now.id,
        "time": _stamp(now.time),
        "deleted": now.deleted,
        "text": now.text,
        "sent_along": list(now.attachments),
        "earlier": [{"text": version.text, "sent_along": list(version.attachments)} for version in before],
    }


async def _work(tx: AsyncConnection, vault: Vault, space: str, me: str) -> dict[str, Any]:
    """Return what somebody did by Lampkeeper, noted and read. Not what they reported: see this module's decisions."""
    deeds, read = tables.audit, tables.exposures
    mine = (deeds.c.space == space, deeds.c.who == me, deeds.c.what.not_in(audit.NAMELESS))
    done = (await tx.execute(select(deeds).where(*mine).order_by(deeds.c.id))).all()
    shown = select(read).where(read.c.space == space, read.c.who == me).order_by(read.c.day, read.c.alert)
    return {
        "done": [
            {"time": _stamp(row.time), "what": row.what, "case": row.about or None, "detail": row.detail}
            for row in done
        ],
        "notes": [
            {"time": _stamp(row.time), "case": row.alert, "text": text}
            for row, text in await notes.of_person(tx, vault, space, me)
        ],
        "remarks": [
            {"time": _stamp(time), "case": alert, "text": text}
            for alert, time, text in await cases.remarked(tx, vault, space, me)
        ],
        "lines_read": [
            {"day": _stamp(row.day * DAY), "case": row.alert, "lines": row.lines} for row in await tx.execute(shown)
        ],
    }


async def _talks(tx: AsyncConnection, vault: Vault, space: str, me: str) -> int:
    """Count the pairs with somebody in which anything was said; a case makes a pair's row where nothing was."""
    table = tables.pairs
    theirs = select(table).where(table.c.space == space, or_(table.c.actor == me, table.c.target == me))
    rows = (await tx.execute(theirs)).all()
    states = (read_pair(parse(vault, row.state, pair_about(space, row.actor, row.target, "state"))) for row in rows)
    return sum(state.messages > 0 for state in states)


async def _standing(tx: AsyncConnection, vault: Vault, space: str, person: str) -> Deletion:
    """Tell which alerts stand in the way of forgetting a person."""
    table, me = tables.alerts, vault.blind(space, person)
    part = (table.c.space == space, or_(table.c.actor == me, table.c.target == me))
    held = await holds.on(tx, await tx.scalars(select(table.c.alert).where(*part)))
    open_ = [alert for alert in await undecided_about(tx, vault, space, person) if alert not in held]
    return Deletion(not (held or open_), tuple(open_), tuple(held), tuple(hold.until for hold in held.values()))


async def undecided_about(tx: AsyncConnection, vault: Vault, space: str, person: str) -> list[str]:
    """Return the cases that a person is part of, or reported, and that people have yet to decide."""
    table, me = tables.alerts, vault.blind(space, person)
    waiting = (table.c.space == space) & awaited()
    mine = select(table.c.alert).where(waiting, or_(table.c.actor == me, table.c.target == me))
    found = list(await tx.scalars(mine.order_by(table.c.opened, table.c.alert)))
    told = await reported.reported_by(tx, vault, waiting, person)
    return found + [alert for alert in told if alert not in found]


async def _one(tx: AsyncConnection, vault: Vault, space: str, number: int) -> Request | None:
    """Return an open request of a space."""
    mine = select(_T).where(_T.c.space == space, _T.c.id == number, _T.c.answered.is_(None))
    row = (await tx.execute(mine)).first()
    return None if row is None else _request(vault, row)


async def _answered(tx: AsyncConnection, ledger: Ledger, space: str, number: int, moderator: Person) -> None:
    now, who = ledger.clock(), await cases.remember(tx, ledger.vault, space, moderator)
    await tx.execute(update(_T).where(_T.c.space == space, _T.c.id == number).values(answered=now))
    await audit.record(tx, [audit.row(now, space, "request answered", who=who, request=number)])


def _request(vault: Vault, row: Row[Any]) -> Request:
    person = parse(vault, row.sealed, _about(row.space, row.id))
    return Request(row.id, row.kind, Person(person["id"], person["name"]), row.time)


def _about(space: str, number: int) -> tuple[str, ...]:
    return ("requests", space, str(number), "sealed")


def _stamp(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
