"""Retention: what is purged and when, and how every table forgets a person or a space.

Leans on `core.store`, `core.pair` and an engine to read text with. Decisions:
- The clock of retention starts when Lampkeeper received a message, not when it was written: what counts is how long it
  is kept here, and history read at a first start is not purged before anybody could look at it. Messages are purged in
  the order they were received (a time that never runs backwards, see `core.batch.Memory`), as one growing prefix.
- A purged message is folded into the `base` of its pair and its author, in that same order. So a state is always its
  base plus what is retained: scores survive the purge, and folding again after an edit stays exact to the last bit.
- A purged id can no longer be recognised when it is delivered again. The conversation's `horizon`, the newest time of
  a purged message, stands in for it. Where a message has no time, or one that lies after its receipt and would push
  the horizon past messages to come, its id stays as a row without text.
- Daily peaks go after `core.peaks.KEPT_DAYS`, whatever becomes of the text.
- The text of an open alert's messages is purged like any other. Reasons keep ids only. Text that other people wrote
  may name somebody who asked to be forgotten: it goes with the purge.
- A case keeps what is preserved of it (`core.preserved`); the messages themselves go as ever, so that bases stay
  prefixes. Forgetting a person or a space leaves cases under legal hold with all that belongs to them, brought up to
  date before, and says how many; of their pairs it leaves only how many alerts there were. Lifting the hold ends that.
  In cases of others that stay, what the person said is removed, but for its digest.
- The audit is a hash chain: what is forgotten of it leaves digests that tell nothing, and a row that accounts for them
  (`core.audit.erasing`).
- The keys of cases and spaces that are deleted are retired in the same breath and dropped after the commit
  (`core.vault`): so forgetting reaches copies of the database. Whoever deletes alerts anywhere else must do the same.
- Cards that were posted about what is forgotten are taken back (`core.withdrawals`), and those that only name the
  person as a moderator are drawn anew. In a space that left, nobody can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, preserved, reported, withdrawals
from core.audit import erasing
from core.audit.chain import FORGOTTEN, PARTS
from core.cybertip import stored
from core.engine import Engine, PairKey
from core.messages import ConversationKey
from core.pair import PairState, PersonState, fold_person
from core.policy import AlertState
from core.store import messages, tables, upsert
from core.store.messages import Kept
from core.store.states import Known, blind_target, chunks, dump, dump_pair, pair_about, parse, person_about, read_pair
from core.vault import Vault

DAY = 86_400.0
CLOCK_SLACK = 3600.0
"""How far a platform's clock may run ahead of ours, in seconds."""
PURGED_AT_ONCE = 500


class Purged(NamedTuple):
    """How many messages, and up to which message time their conversations."""

    messages: int
    horizons: dict[ConversationKey, float]


async def purge(tx: AsyncConnection, vault: Vault, engine: Engine, older_than: float, now: float) -> Purged:
    """Purge the messages received before `older_than`, seconds since the epoch.

    At most `PURGED_AT_ONCE` of them, so that the writer is not held up: call again as long as it was that many.
    """
    old = await messages.oldest(tx, vault, older_than, PURGED_AT_ONCE)
    if not old:
        return Purged(0, {})
    await preserved.windows_of_held(tx, vault, {kept.key.space for kept in old}, now)
    await _fold_into_bases(tx, vault, engine, old)
    horizons = await _remove(tx, old)
    spaces = [kept.key.space for kept in old]
    counts = [audit.row(now, s, "text purged", messages=spaces.count(s)) for s in sorted(set(spaces))]
    await audit.record(tx, counts)
    return Purged(len(old), horizons)


async def refold(tx: AsyncConnection, vault: Vault, engine: Engine, known: Known, key: PairKey) -> None:
    """Make the states of an author and of one of the author's pairs from their base and what is retained."""
    author = key[0]
    people, pairs = await bases(tx, vault, known.space, [author], [key])
    for kept in await messages.said_by(tx, vault, known.space, author):
        _fold(engine, people[author], pairs.get((author, kept.target)), kept)
    known.state.people |= people
    known.state.pairs |= pairs


async def forget_person(  # noqa: PLR0913, PLR0917 - whom, where, when, and what it takes to do it
    tx: AsyncConnection, vault: Vault, engine: Engine, space: str, person: str, now: float
) -> int:
    """Remove a person from every table: what they said, what was said to them, and every state and alert about them.

    Returns how many alerts about them stay, as they are under legal hold.
    """
    me = vault.blind(space, person)
    await preserved.windows_of_held(tx, vault, {space}, now)
    kept = tables.messages
    to_me = select(kept).where(kept.c.space == space, kept.c.target == me, kept.c.author != me)
    others = {said.author for said in await messages.read(tx, vault, to_me)}
    alerts = tables.alerts
    mine = (alerts.c.space == space, or_(alerts.c.actor == me, alerts.c.target == me))
    going = (await tx.scalars(select(alerts.c.alert).where(*mine, alerts.c.held.is_(None)))).all()
    vault.retire([("case", alert) for alert in going])
    for rule in PERSON_RULES.values():
        erased = await rule(tx, vault, space, person)
        await erasing.account(tx, now, "person forgotten", erased or {})
    known = Known(space)
    for author in others:
        await refold(tx, vault, engine, known, (author, person))
    await _save_people(tx, vault, space, "state", known.state.people)
    return await tx.scalar(select(func.count()).select_from(alerts).where(*mine)) or 0


async def forget_space(tx: AsyncConnection, vault: Vault, space: str, now: float) -> int:
    """Remove everything about a space from every table, but for alerts under legal hold; return how many those are.

    Its posted cards are taken back, unless Lampkeeper left it. Of the audit tombstones stay (`core.audit.chain`), and,
    with alerts under hold, when the space was deleted.
    """
    await preserved.windows_of_held(tx, vault, {space}, now)
    alerts = tables.alerts
    held = list(await tx.scalars(select(alerts.c.alert).where(alerts.c.space == space, alerts.c.held.is_not(None))))
    going = (await tx.scalars(select(alerts.c.alert).where(alerts.c.space == space, alerts.c.held.is_(None)))).all()
    vault.retire([("space", space), *(("case", alert) for alert in going)])
    left = await tx.scalar(select(tables.spaces.c.left).where(tables.spaces.c.space == space))
    cards = [] if left is not None else await withdrawals.of_space(tx, space)
    counted = await _counted(tx, vault, space)
    deeds = tables.audit.c
    kept = or_(deeds.about.in_(held), deeds.what == "space deleted") if held else false()
    gone = await erasing.erase_rows(tx, (deeds.space == space) & not_(kept))
    await erasing.account(tx, now, "space deleted", dict.fromkeys(PARTS, gone))
    for table in reversed(tables.metadata.sorted_tables):
        if SPACE_RULES[table.name] and table is not tables.audit:
            of_a_case = HELD_BY.get(table.name)
            stays = false() if of_a_case is None else table.c[of_a_case].in_(held)
            await tx.execute(delete(table).where(table.c.space == space, not_(stays)))
    await upsert(tx, tables.pairs, counted)
    await withdrawals.put(tx, cards)
    if held:  # whoever asks which spaces there are must find it
        await upsert(tx, tables.spaces, [{"space": space}])
    return len(held)


SPACE_RULES: dict[str, bool] = {
    "meta": False,
    "spaces": True,
    "installations": True,
    "conversations": True,
    "messages": True,
    "people": True,
    "pairs": True,
    "alerts": True,
    "items": True,
    "notes": True,
    "consents": True,
    "referrals": True,
    "actions": True,
    "submissions": True,
    "requests": True,
    "peaks": True,
    "unread": True,
    "audit": True,
    "audit_chain": False,
    "outbox": True,
}
"""Table -> whether its rows belong to a space, and go with it."""
_OF_A_CASE = ("alerts", "items", "notes", "consents", "referrals", "actions", "submissions")
HELD_BY = {**dict.fromkeys(_OF_A_CASE, "alert"), "audit": "about"}
"""Table -> the column that names an alert, where its rows stay if that alert is under legal hold."""

PersonRule = Callable[[AsyncConnection, Vault, str, str], Awaitable[erasing.Erased | None]]
"""Returns what it erased from the audit, if anything: that has to be accounted for there."""


async def _nobody(_tx: AsyncConnection, _vault: Vault, _space: str, _person: str) -> None:
    """Such a table says nothing about people."""


async def _audit(tx: AsyncConnection, vault: Vault, space: str, person: str) -> erasing.Erased:
    """Keep on record that something happened, but not to whom, nor by whom if it was this person."""
    deeds, alerts = tables.audit.c, tables.alerts
    me = vault.blind(space, person)
    gone = (alerts.c.space == space, or_(alerts.c.actor == me, alerts.c.target == me), alerts.c.held.is_(None))
    about_me = select(alerts.c.alert).where(*gone)
    here = deeds.space == space
    about = await erasing.erase_part(tx, "about", here & deeds.about.in_(about_me.scalar_subquery()))
    return {"who": await erasing.erase_part(tx, "who", here & (deeds.who == me)), "about": about}


async def _alerts(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove alerts about the person, with the outbox rows that would show them, and the name behind decisions.

    Their posted cards are taken back. Those under legal hold stay. Of a report that the person made there stays that
    somebody asked, and about which message; under legal hold also what they wrote. What the person had claimed is free
    for others.
    """
    table, me = tables.alerts, vault.blind(space, person)
    mine = and_(or_(table.c.actor == me, table.c.target == me), table.c.held.is_(None))
    await withdrawals.put(tx, await withdrawals.posted(tx, and_(table.c.space == space, mine)))
    await _delete(tx, table, space, mine)
    acted = select(tables.actions.c.alert).where(tables.actions.c.space == space, tables.actions.c.who == me)
    named = or_(table.c.moderator == me, table.c.claimant == me, table.c.alert.in_(acted))
    await withdrawals.put_anew(tx, and_(table.c.space == space, named))

    def nobody(report: reported.Report) -> reported.Report:
        return report._replace(person="", name="") if report.person == person else report

    def silent(report: reported.Report) -> reported.Report:
        return report._replace(person="", name="", words="") if report.person == person else report

    here = table.c.space == space
    await reported.change(tx, vault, here & table.c.held.is_not(None), nobody)
    await reported.change(tx, vault, here & table.c.held.is_(None), silent)
    await tx.execute(update(table).where(here, table.c.moderator == me).values(moderator=FORGOTTEN))
    await tx.execute(update(table).where(here, table.c.claimant == me).values(claimant=None, claimed=None))


async def _actions(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Keep that something was done, not by whom if it was this person; what was done to them goes with the alert."""
    await _unname(tx, tables.actions.c.who, space, vault.blind(space, person))


async def _items(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove what the person said from the cases of others; what is under legal hold stays."""
    await preserved.erase(tx, space, vault.blind(space, person))


async def _unname(tx: AsyncConnection, column: Column[Any], space: str, me: str) -> None:
    """Keep that something was done by a case, not by whom if it was this person."""
    mine = update(column.table).where(column.table.c.space == space, column == me)
    await tx.execute(mine.values({column.name: FORGOTTEN}))


async def _notes(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Keep what the person noted, not who noted it."""
    await _unname(tx, tables.notes.c.who, space, vault.blind(space, person))


async def _consents(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Take back what only the person agreed to."""
    await _delete(tx, tables.consents, space, tables.consents.c.who == vault.blind(space, person))


async def _referrals(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Keep that a case was reported, not by whom if it was this person."""
    for column in (tables.referrals.c.who, tables.referrals.c.second):
        await _unname(tx, column, space, vault.blind(space, person))


async def _requests(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove what the person asked for."""
    table, me = tables.requests, vault.blind(space, person)
    await _delete(tx, table, space, table.c.person == me)


async def _messages(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove what the person said, and what was said to them."""
    table, me = tables.messages, vault.blind(space, person)
    await _delete(tx, table, space, or_(table.c.author == me, table.c.target == me))


async def _people(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
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


async def _peaks(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove the daily peaks of every pair that the person is one of."""
    table, me = tables.peaks, vault.blind(space, person)
    await _delete(tx, table, space, or_(table.c.actor == me, table.c.target == me))


async def _pairs(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
    """Remove every pair that the person is one of."""
    table, me = tables.pairs, vault.blind(space, person)
    mine = or_(table.c.actor == me, table.c.target == me)
    counted = await _counted(tx, vault, space, mine)
    await _delete(tx, table, space, mine)
    await upsert(tx, table, counted)


async def _conversations(tx: AsyncConnection, vault: Vault, space: str, person: str) -> None:
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


PERSON_RULES: dict[str, PersonRule] = {
    "meta": _nobody,
    "spaces": _nobody,
    "installations": _nobody,
    "audit": _audit,
    "audit_chain": _nobody,
    "outbox": _nobody,
    "alerts": _alerts,
    "items": _items,
    "notes": _notes,
    "consents": _consents,
    "referrals": _referrals,
    "actions": _actions,
    "submissions": stored.forget_person,
    "requests": _requests,
    "messages": _messages,
    "people": _people,
    "pairs": _pairs,
    "peaks": _peaks,
    "unread": _nobody,
    "conversations": _conversations,
}
"""Table -> how it forgets a person, in this order: the audit asks the alerts; the outbox goes with its alerts."""


async def _counted(
    tx: AsyncConnection, vault: Vault, space: str, which: ColumnElement[bool] | None = None
) -> list[dict[str, object]]:
    """Return blank rows for the pairs with a held alert, that keep nothing but how many alerts there were.

    An alert's id is made of the pair and that count: the next one must not be taken for the one under hold.
    """
    pairs, alerts = tables.pairs, tables.alerts
    held = select(alerts.c.actor, alerts.c.target).where(alerts.c.space == space, alerts.c.held.is_not(None))
    these = tuple_(pairs.c.actor, pairs.c.target).in_(held)
    found = select(pairs).where(pairs.c.space == space, these, true() if which is None else which)
    rows: list[dict[str, object]] = []
    for row in (await tx.execute(found)).all():
        key = {"space": space, "actor": row.actor, "target": row.target}
        about = pair_about(space, row.actor, row.target, "alert")
        count = 0 if row.alert is None else parse(vault, row.alert, about)["count"]
        state = dump_pair(vault, PairState(), pair_about(space, row.actor, row.target, "state"))
        rows.append(key | {"base": None, "state": state, "alert": dump(vault, AlertState(count=count), about)})
    return rows


async def _delete(tx: AsyncConnection, table: Table, space: str, about: ColumnElement[bool]) -> None:
    await tx.execute(delete(table).where(table.c.space == space, about))


async def _fold_into_bases(tx: AsyncConnection, vault: Vault, engine: Engine, old: list[Kept]) -> None:
    by_space: dict[str, list[Kept]] = {}
    for kept in old:
        by_space.setdefault(kept.key.space, []).append(kept)
    for space, some in by_space.items():
        authors, keys = {kept.author for kept in some}, {(kept.author, kept.target) for kept in some}
        people, pairs = await bases(tx, vault, space, authors, keys)
        for kept in some:
            _fold(engine, people[kept.author], pairs[kept.author, kept.target], kept)
        await _save_people(tx, vault, space, "base", people)
        await _save_pair_bases(tx, vault, space, pairs)


def _fold(engine: Engine, person: PersonState, pair: PairState | None, kept: Kept) -> None:
    """Fold one retained message, as `Engine.feed` did when it came."""
    evidence = engine.read(kept.text or "")
    fold_person(person, evidence, kept.target, kept.age_band)
    if pair is not None:
        engine.fold(pair, evidence, kept.key.conversation, kept.id, kept.time)


async def _remove(tx: AsyncConnection, old: list[Kept]) -> dict[ConversationKey, float]:
    """Delete purged messages, or only their text where the horizon cannot stand for them; move the horizons."""
    table, here = tables.messages, tables.conversations
    horizons: dict[ConversationKey, float] = {}
    gone, nameless = [], []
    for kept in old:
        if kept.time is None or kept.time > kept.received + CLOCK_SLACK:
            nameless.append(kept)
        else:
            gone.append(kept)
            horizons[kept.key] = max(horizons.get(kept.key, kept.time), kept.time)
    if gone:
        await tx.execute(delete(table).where(table.c.seq == bindparam("number")), [{"number": k.seq} for k in gone])
    for kept in nameless:
        await tx.execute(delete(table).where(table.c.seq == kept.seq, table.c.version != kept.version))
        await tx.execute(update(table).where(table.c.seq == kept.seq).values(body=None))
    if horizons:
        new: BindParameter[float] = bindparam("new")
        of = (here.c.space == bindparam("of_space"), here.c.conversation == bindparam("of_conversation"))
        later = update(here).where(*of, or_(here.c.horizon.is_(None), here.c.horizon < new)).values(horizon=new)
        rows = [{"of_space": key.space, "of_conversation": key.conversation, "new": h} for key, h in horizons.items()]
        await tx.execute(later, rows)
    return horizons


async def bases(
    tx: AsyncConnection, vault: Vault, space: str, authors: Iterable[str], keys: Iterable[PairKey]
) -> tuple[dict[str, PersonState], dict[PairKey, PairState]]:
    """Return the folds of what was purged; new ones where nothing was."""
    people = {author: PersonState() for author in authors}
    pairs = {key: PairState() for key in keys}
    authors_of = {vault.blind(space, author): author for author in people}
    keys_of = {_blinds(vault, space, key): key for key in pairs}
    table = tables.people
    query = select(table.c.person, table.c.base).where(table.c.space == space, table.c.base.is_not(None))
    for some in chunks(list(authors_of)):
        for person, sealed in await tx.execute(query.where(table.c.person.in_(some))):
            people[authors_of[person]] = PersonState(**parse(vault, sealed, person_about(space, person, "base")))
    table = tables.pairs
    query = select(table.c.actor, table.c.target, table.c.base).where(table.c.space == space, table.c.base.is_not(None))
    for few in chunks(list(keys_of)):
        for row in await tx.execute(query.where(tuple_(table.c.actor, table.c.target).in_(few))):
            about = pair_about(space, row.actor, row.target, "base")
            pairs[keys_of[row.actor, row.target]] = read_pair(parse(vault, row.base, about))
    return people, pairs


async def _save_people(
    tx: AsyncConnection, vault: Vault, space: str, column: str, people: dict[str, PersonState]
) -> None:
    table = tables.people
    rows = []
    for person, state in people.items():
        blind = vault.blind(space, person)
        rows.append({"of_person": blind, "new": dump(vault, state, person_about(space, blind, column))})
    this = update(table).where(table.c.space == space, table.c.person == bindparam("of_person"))
    if rows:
        await tx.execute(this.values({column: bindparam("new")}), rows)


async def _save_pair_bases(tx: AsyncConnection, vault: Vault, space: str, pairs: dict[PairKey, PairState]) -> None:
    table = tables.pairs
    rows = []
    for key, state in pairs.items():
        actor, target = _blinds(vault, space, key)
        new = dump_pair(vault, state, pair_about(space, actor, target, "base"))
        rows.append({"of_actor": actor, "of_target": target, "new": new})
    of = (table.c.actor == bindparam("of_actor"), table.c.target == bindparam("of_target"))
    await tx.execute(update(table).where(table.c.space == space, *of).values(base=bindparam("new")), rows)


def _blinds(vault: Vault, space: str, key: PairKey) -> tuple[str, str]:
    return vault.blind(space, key[0]), blind_target(vault, space, key[1])
