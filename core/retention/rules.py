"""Retention, declared: how long each table's rows are kept, how it forgets a person or a space, what a hold keeps.

`RULES` is the one table of it: a new table is one row. Leans on `keeping` for the periods, `purging` for what
is done when they are over, `forgetting` for people. docs/privacy.md is made from the table (`page`).
Decisions:
- What is due is SQL, so that `purge` takes just what `due` lists (`keeping`).
- People's names and the numbers made from what they said have no period: a pattern shows over months, and a number that
  went too soon would start it anew. They go with the person or the space.
- The audit outlives what it tells of, for whoever asks later whether somebody looked, or what became of a case. After
  its own period, and once its case is gone, a row says only that something was done, and when.
- Forgetting a person or a space leaves cases under legal hold with all that belongs to them, brought up to date before,
  and says how many; of their pairs it leaves only how many alerts there were. Lifting the hold ends that. In cases of
  others that stay, what the person said is removed, but for its digest.
- The audit is a hash chain: what is forgotten of it leaves digests that tell nothing, and a row that accounts for them
  (`core.audit.erasing`).
- The keys of cases and spaces that are deleted are retired in the same breath and dropped after the commit
  (`core.vault`): so forgetting reaches copies of the database. Whoever deletes alerts anywhere else must do the same.
- Cards that were posted about what is forgotten are taken back (`core.casework.withdrawals`), and those that only name
  the person as a moderator are drawn anew. In a space that left, nobody can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, and_, delete, exists, false, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, peaks
from core.audit import erasing
from core.audit.chain import PARTS
from core.casework import exposure, four_eyes, holds, parts, preserved, withdrawals
from core.cybertip import clearing, stored
from core.engine import Engine
from core.ledger import Ledger
from core.retention import forgetting, keeping, purging
from core.retention.forgetting import Forgets
from core.retention.keeping import ANSWERED_DAYS, DAY, GRACE, Keep
from core.retention.purging import Take
from core.retention.rolling import refold, said_by, save_people
from core.store import messages, tables, upsert
from core.store.states import Known
from core.vault import Vault

__all__ = ["DAY", "RULES", "Due", "Found", "Held", "Rule", "due", "forget_person", "forget_space", "held", "purge"]


class Due(NamedTuple):
    """What becomes of rows whose time is up, in words; `take` is None where another step takes them along.

    `first` is done before the first of them is taken in a run.
    """

    what: str
    which: Callable[[Keep, float], ColumnElement[bool]]
    take: Take | None = None
    first: Take | None = None


class Rule(NamedTuple):
    """One table: what it holds; how long, with the periods of `Keep` as blanks; and how it forgets a person.

    `held_by` is the column that names the case by whose legal hold a row stays.
    """

    table: Table
    holds: str
    kept: str
    forgets: Forgets
    due: tuple[Due, ...] = ()
    held_by: str | None = None

    @property
    def of_a_space(self) -> bool:
        """Whether its rows belong to a space, and go with it."""
        return "space" in self.table.c


def _with_case(table: Table) -> Due:
    return Due("gone with their case", lambda keep, now: _of(table, keeping.over(keep, now)))


def _with_evidence(table: Table) -> Due:
    def which(keep: Keep, now: float) -> ColumnElement[bool]:
        return _of(table, or_(keeping.evidence_over(keep, now), keeping.over(keep, now)))

    return Due("gone with the evidence of their case", which)


def _of(table: Table, cases: ColumnElement[bool]) -> ColumnElement[bool]:
    return table.c.alert.in_(select(tables.alerts.c.alert).where(cases))


def _sent_over(keep: Keep, now: float) -> ColumnElement[bool]:
    sent = tables.submissions
    return and_(sent.c.content.is_not(None), _of(sent, keeping.evidence_over(keep, now)))


def _left(keep: Keep, now: float) -> ColumnElement[bool]:  # noqa: ARG001 - as all are called
    """Return whether a row of `spaces` is of one that left; one of which only held cases are left is none any more."""
    here, cases = tables.spaces.c, tables.alerts
    only_held = and_(here.joined.is_(None), exists().where(cases.c.space == here.space, keeping.held(now)))
    return and_(here.left <= now - GRACE, not_(only_held))


def _old_text(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return which rows of `messages` are due; of an edited message its first version, for all go together."""
    said = tables.messages.c
    return and_(said.received < now - keep.text * DAY, said.body.is_not(None), said.version == 0)


def _lapsed(keep: Keep, now: float) -> ColumnElement[bool]:
    agreed = tables.consents
    return or_(agreed.c.time <= now - four_eyes.LASTS, _of(agreed, keeping.over(keep, now)))


def _old_audit(keep: Keep, now: float) -> ColumnElement[bool]:
    said = tables.audit.c
    still_there = select(tables.alerts.c.alert).where(not_(keeping.over(keep, now)))
    return and_(said.time <= now - keep.audit * DAY, said.about.not_in(still_there), erasing.telling())


_TABLE = (
    Rule(
        tables.meta,
        "what concerns no space: a proof of the key, until when everything was read, when the clock was right last",
        "as long as the database",
        forgetting.nobody,
    ),
    Rule(
        tables.spaces,
        "what a space chose (sealed), and since when it is served",
        f"until {GRACE / DAY:g} days after Lampkeeper was removed from the space",
        forgetting.spaces,
        (Due("gone, with all that belongs to the space", _left),),
    ),
    Rule(
        tables.installations,
        "what a platform gave Lampkeeper to enter a space with (sealed)",
        "until Lampkeeper is removed from the space",
        forgetting.nobody,
    ),
    Rule(
        tables.audit,
        "what was done, when, by whom (a pseudonym), about which case; no text",
        "{audit:g} days, and as long as its case; after that it says no more by whom, and about which case",
        forgetting.audit,
        (Due("no more tell who, and about which case", _old_audit, purging.erase_audit),),
        held_by="about",
    ),
    Rule(
        tables.audit_chain,
        "digests by which a changed, removed or added row of the audit is found; they tell nothing",
        "as long as the database",
        forgetting.nobody,
    ),
    Rule(
        tables.outbox,
        "cards and notices that are still to be shown",
        "until they were shown",
        forgetting.nobody,
    ),
    Rule(
        tables.alerts,
        "cases: level, numbers, decisions; whom they are about, why people decided so, and what members wrote when "
        "they reported it (sealed)",
        "{case:g} days after the case was dismissed or closed; remarks and members' words as long as its evidence. "
        "What nobody decided is closed after {undecided:g} days, what was confirmed after {case:g}",
        forgetting.alerts,
        (
            Due("free: their legal hold is over", keeping.hold_over, purging.end_holds),
            Due("closed", keeping.closing, purging.close),
            Due("without their evidence, remarks and members' words", keeping.evidence_over, purging.remove_evidence),
            Due("gone, and their cards emptied", keeping.over, purging.remove_cases),
        ),
        held_by="alert",
    ),
    Rule(
        tables.items,
        "evidence: what was preserved of a case's messages from its alert on, every version (sealed)",
        "{dismissed:g} days after the case was dismissed, {closed:g} after it was closed",
        forgetting.items,
        (_with_evidence(tables.items),),
        held_by="alert",
    ),
    Rule(
        tables.notes,
        "what moderators noted on a case (sealed)",
        "as long as the evidence of the case",
        forgetting.notes,
        (_with_evidence(tables.notes),),
        held_by="alert",
    ),
    Rule(
        tables.consents,
        "that the first of two people agreed to something",
        f"{four_eyes.LASTS / DAY:g} days, or until the second agreed",
        forgetting.consents,
        (Due("gone", _lapsed, purging.rows(tables.consents)),),
        held_by="alert",
    ),
    Rule(
        tables.referrals,
        "to which authority a case was reported, and by whom (sealed but for pseudonyms)",
        "as long as the case",
        forgetting.referrals,
        (_with_case(tables.referrals),),
        held_by="alert",
    ),
    Rule(
        tables.submissions,
        "reports to NCMEC: what was sent, step by step (sealed), and by whom confirmed",
        "as long as the case; what was sent as long as its evidence, and what was not handed in is taken back then",
        stored.forget_person,
        (Due("without what was sent", _sent_over), _with_case(tables.submissions)),
        held_by="alert",
    ),
    Rule(
        tables.actions,
        "what moderators did on the platform by a card, to whom (sealed)",
        "as long as the case",
        forgetting.actions,
        (_with_case(tables.actions),),
        held_by="alert",
    ),
    Rule(
        tables.exposures,
        "how many lines of a case a moderator was shown on a day, under a pseudonym",
        f"{exposure.KEPT_DAYS} days, at most as long as the case",
        forgetting.exposures,
        (Due("gone", lambda _keep, now: exposure.over(now), purging.rows(tables.exposures)),),
    ),
    Rule(
        tables.requests,
        "what members asked for about themselves (sealed)",
        f"until {ANSWERED_DAYS:g} days after it was answered",
        forgetting.requests,
        (
            Due(
                "gone",
                lambda _keep, now: tables.requests.c.answered <= now - ANSWERED_DAYS * DAY,
                purging.rows(tables.requests),
            ),
        ),
    ),
    Rule(
        tables.messages,
        "text of messages, every version (sealed)",
        "{text:g} days; where a message had no time that its place could be told by, its id stays without text",
        forgetting.messages,
        (Due("gone, with every version", _old_text, purging.text, purging.preserve_held),),
    ),
    Rule(
        tables.people,
        "names and ids of people, and numbers made from what they said (sealed)",
        "until the person or the space is removed",
        forgetting.people,
    ),
    Rule(
        tables.pairs,
        "scores, counts and sums of who talks to whom, without text (sealed)",
        "until one of the two or the space is removed",
        forgetting.pairs,
    ),
    Rule(
        tables.peaks,
        "the highest probability of two people on a day, under pseudonyms",
        f"{peaks.KEPT_DAYS} days",
        forgetting.peaks,
        (Due("gone", lambda _keep, now: peaks.over(now), purging.rows(tables.peaks)),),
    ),
    Rule(
        tables.unread,
        "how many conversations could not be read, by language; numbers only",
        "until the space is removed",
        forgetting.nobody,
    ),
    Rule(
        tables.conversations,
        "who spoke last in a conversation (sealed), and up to where it was read",
        "until the space is removed",
        forgetting.conversations,
    ),
)
RULES: dict[str, Rule] = {rule.table.name: rule for rule in _TABLE}
"""Table -> its rule. People are forgotten in this order: the audit asks the alerts; the outbox goes with its alerts."""


class Found(NamedTuple):
    """How many rows of a table are due in a space, and what becomes of them; of a message all versions are one."""

    table: str
    space: str
    what: str
    rows: int


class Held(NamedTuple):
    """A case that a legal hold keeps: since when, until when (None: until somebody ends it), with how many items."""

    space: str
    alert: str
    since: float
    until: float | None
    items: int


async def due(tx: AsyncConnection, keep: Keep, now: float) -> list[Found]:
    """List what every rule takes at a time; of spaces that left, all that goes with them."""
    found = []
    left = select(tables.spaces.c.space).where(_left(keep, now))
    for rule in RULES.values():
        for one in rule.due:
            if rule.table is not tables.spaces:
                which = rule.table.c.space.not_in(left) & one.which(keep, now)
                found += await _counted(tx, rule, one.what, which)
        if rule.of_a_space:
            here = rule.table.c.space.in_(left) & not_(_stays(rule, keeping.held(now)))
            if rule.table is tables.messages:
                here &= rule.table.c.version == 0
            found += await _counted(tx, rule, "gone: Lampkeeper was removed from the space", here)
    return found


async def held(tx: AsyncConnection, now: float) -> list[Held]:
    """List the cases that legal holds keep, the oldest first."""
    cases, items = tables.alerts.c, tables.items
    many = select(func.count()).select_from(items).where(items.c.alert == cases.alert).scalar_subquery()
    these = select(cases.space, cases.alert, many).where(keeping.held(now))
    rows = (await tx.execute(these.order_by(cases.space, cases.opened, cases.alert))).all()
    on = await holds.on(tx, [alert for _, alert, _ in rows], now)
    return [Held(space, alert, on[alert].since, on[alert].until, items) for space, alert, items in rows]


async def purge(ledger: Ledger) -> Counter[str]:
    """Carry out every rule until nothing is due; return how many rows of each table that took or changed."""
    taken: Counter[str] = Counter()
    for rule in RULES.values():
        for one in rule.due:
            first = one.first
            while one.take is not None and await _any(ledger, rule, one):
                async with ledger.transaction() as tx:
                    now = ledger.clock()
                    which = one.which(ledger.keep, now)
                    if first is not None:
                        await first(ledger, tx, which, now)
                        first = None
                    rows = await one.take(ledger, tx, which, now)
                taken[rule.table.name] += rows
                if not rows:  # it was only due a moment ago
                    break
    return taken


async def _any(ledger: Ledger, rule: Rule, one: Due) -> bool:
    """Tell whether anything is due; asked without the writer's lock, for mostly nothing is."""
    found = select(literal(1)).select_from(rule.table).where(one.which(ledger.keep, ledger.clock())).limit(1)
    async with ledger.store.read() as tx:
        return await tx.scalar(found) is not None


async def forget_person(  # noqa: PLR0913, PLR0917 - what it works on, and when
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
    going = (await tx.scalars(select(alerts.c.alert).where(*mine, not_(keeping.held())))).all()
    sent = await clearing.telling_of(tx, vault, space, person, not_(or_(*mine[1:], keeping.held())))
    vault.retire([("case", alert) for alert in (*going, *sent)])
    await clearing.clear(tx, vault, sent, now)
    emptied = await preserved.erasable(tx, space, me)
    claimed = select(alerts.c.alert).where(
        alerts.c.space == space, alerts.c.claimant == me, alerts.c.alert.not_in(going)
    )
    freed = (await tx.scalars(claimed.order_by(alerts.c.alert))).all()
    for rule in RULES.values():
        erased = await rule.forgets(tx, vault, space, person)
        await erasing.account(tx, now, "person forgotten", erased or {})
    deeds = [audit.row(now, space, "alert freed", about=alert) for alert in freed]
    emptied = {alert: numbers for alert, numbers in emptied.items() if alert not in going}
    deeds += [audit.row(now, space, "items erased", about=alert, numbers=emptied[alert]) for alert in emptied]
    await audit.record(tx, deeds)
    known = Known(space)
    for author in others:
        await refold(tx, vault, engine, known, (author, person), await said_by(tx, vault, engine, space, author))
    await save_people(tx, vault, space, "state", known.state.people)
    return await tx.scalar(select(func.count()).select_from(alerts).where(*mine)) or 0


async def forget_space(tx: AsyncConnection, vault: Vault, space: str, now: float) -> int:
    """Remove everything about a space from every table, but for alerts under legal hold; return how many those are.

    Its posted cards are taken back, unless Lampkeeper left it. Of the audit tombstones stay (`core.audit.chain`), and,
    with alerts under hold, when the space was deleted.
    """
    await preserved.windows_of_held(tx, vault, {space}, now)
    alerts = tables.alerts
    stay = list(await tx.scalars(select(alerts.c.alert).where(alerts.c.space == space, keeping.held())))
    going = (await tx.scalars(select(alerts.c.alert).where(alerts.c.space == space, alerts.c.alert.not_in(stay)))).all()
    await parts.take_out(tx, going)
    vault.retire([("space", space), *(("case", alert) for alert in going)])
    left = await tx.scalar(select(tables.spaces.c.left).where(tables.spaces.c.space == space))
    cards = [] if left is not None else await withdrawals.of_space(tx, space)
    counted = await forgetting.counted(tx, vault, space)
    deeds = tables.audit.c
    kept = or_(deeds.about.in_(stay), deeds.what == "space deleted") if stay else false()
    gone = await erasing.erase_rows(tx, (deeds.space == space) & not_(kept))
    await erasing.account(tx, now, "space deleted", dict.fromkeys(PARTS, gone))
    for table in reversed(tables.metadata.sorted_tables):
        rule = RULES[table.name]
        if rule.of_a_space and table is not tables.audit:
            await tx.execute(delete(table).where(table.c.space == space, not_(_stays(rule, alerts.c.alert.in_(stay)))))
    await upsert(tx, tables.pairs, counted)
    await withdrawals.put(tx, cards)
    if stay:  # whoever asks which spaces there are must find it
        await upsert(tx, tables.spaces, [{"space": space}])
    return len(stay)


def _stays(rule: Rule, cases: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a row belongs to one of these `cases`."""
    if rule.held_by is None:
        return false()
    if rule.table is tables.alerts:
        return cases
    return rule.table.c[rule.held_by].in_(select(tables.alerts.c.alert).where(cases))


async def _counted(tx: AsyncConnection, rule: Rule, what: str, which: ColumnElement[bool]) -> list[Found]:
    space = rule.table.c.space
    count = select(space, func.count()).select_from(rule.table).where(which).group_by(space).order_by(space)
    return [Found(rule.table.name, where, what, rows) for where, rows in await tx.execute(count)]
