"""Members' reports: somebody asks moderators to look at a message or a person, and that opens a case.

Leans on `core.ledger`, `cases`, `reported` and the engine's scorer. Decisions:
- A report is an alert like those that the score opens: the same card, the same decisions, the same record. The pair's
  `AlertState` is opened with it, so that a pair never has two open alerts, and what the score does later updates this
  one. In shadow mode it is shown all the same: a person asks people.
- Its probability is the pair's last score, or None where too little was said. It is never made up.
- A message is reported with whom it was aimed at, as it was stored. A person is reported as they talk to whoever
  reports; where they never did, to an alert about them that is open already, or else to nobody in particular.
- What is retained around a reported message is preserved with the case. A message that was not kept (from before
  Lampkeeper, in a channel that is left out, purged) is a link on the card and no text: admins chose what is read, and a
  report by one does not consent for another.
- Who reports is sealed with the alert, and told to moderators with the excerpt and the case's file, never to the
  person reported, and in no record of what was done. Where nobody could find whom they meant, the alert is kept as
  aimed at whoever reports, so that each has a case of their own; its card names no target.
- What they wrote to moderators is evidence of the case, and kept as long as that (`core.retention.keeping`): a case
  that waits for its decision would lose its grounds.
- At most `MOST_A_DAY` a member: twice the same is told to be here already, and does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox, policy
from core.casework import cases, preserved, reported
from core.casework.cards import Person
from core.casework.reported import Report
from core.casework.transitions import undecided
from core.effects import LEVELS, OpenAlert, Reason, Score
from core.engine import PairKey
from core.features import shown_signals, welfare_signals
from core.ledger import Ledger
from core.messages import ConversationKey, Pair
from core.policy import AlertState
from core.retention.keeping import DAY
from core.scorer import outcome_of
from core.store import messages, tables, upsert
from core.store.states import Known, Touched, chunks, dump, load_pairs, load_people, parse, person_about, save
from core.vault import Vault

MOST_A_DAY = 5
"""Reports of one member in a space within 24 hours."""
LONGEST = 1000
"""Characters that a member can write to moderators."""
Outcome = Literal["opened", "added", "again", "too_many"]
_T = tables.alerts


@dataclass(frozen=True, slots=True)
class Asking:
    """What a member asks moderators to look at.

    `about` is the person reported; without an id, nobody knows who is meant. `message` is the message reported, and
    `target` whom it is aimed at as far as the platform tells, for where it was not kept.
    """

    reporter: Person
    about: Person
    words: str = ""
    message: tuple[ConversationKey, str] | None = None
    target: str | None = None


class Received(NamedTuple):
    """What became of a report: a new alert, added to an open one, here already, or one too many.

    `kept`: the words of the message reported are kept here.
    """

    outcome: Outcome
    alert: str | None = None
    kept: bool = False


async def receive(ledger: Ledger, space: str, asking: Asking) -> Received:
    """Take a report: open an alert or add to the open one, record it, and have its card shown. Audited."""
    vault, reporter = ledger.vault, asking.reporter
    async with ledger.transaction() as tx:
        now, who = ledger.clock(), vault.blind(space, reporter.id)
        kept, key = await _whom(tx, vault, space, asking)
        alert = await _open_about(tx, vault, space, asking, key)
        if await _here_already(tx, vault, space, asking, alert):
            return Received("again", alert, kept)
        if await _lately(tx, space, who, now) >= MOST_A_DAY:
            return Received("too_many")
        opened = alert is None
        if alert is None:
            alert = await _open(tx, ledger, space, key, now)
            await _name(tx, vault, ledger.memory.of(space), asking.about)
        conversation, message_id = ("", "") if asking.message is None else (asking.message[0][1], asking.message[1])
        report = Report(reporter.id, reporter.name, now, asking.words[:LONGEST], conversation, message_id)
        await reported.add(tx, vault, alert, report, opened=opened)
        await preserved.window(tx, vault, alert, now)
        ledger.memory.of(space).preserving = None
        await audit.record(tx, [audit.row(now, space, "report received", who=who, about=alert, opened=opened)])
        await outbox.put_cards(tx, {alert: space}, now)
    return Received("opened" if opened else "added", alert, kept)


async def met(ledger: Ledger, spaces: Iterable[str], person: str) -> set[str]:
    """Return those of `spaces` in which a person was heard."""
    table = tables.people
    keys = [(space, ledger.vault.blind(space, person)) for space in spaces]
    found: set[str] = set()
    async with ledger.store.read() as tx:
        for some in chunks(keys):
            these = tuple_(table.c.space, table.c.person).in_(some)
            found.update(await tx.scalars(select(table.c.space).where(these)))
    return found


async def named(ledger: Ledger, space: str, name: str) -> Person | None:
    """Return the one person heard in a space whose name, as last seen, is this one but for case; None if not just one.

    Names are sealed: everybody's in the space is opened, so this is for a person's question and not for every message.
    """
    table, vault = tables.people, ledger.vault
    async with ledger.store.read() as tx:
        query = select(table.c.person, table.c.identity).where(table.c.space == space)
        rows = (await tx.execute(query)).all()
    people = [parse(vault, identity, person_about(space, person, "identity")) for person, identity in rows]
    wanted = name.strip().casefold()
    found = [person for person in people if person["name"].strip().casefold() == wanted]
    return Person(found[0]["id"], found[0]["name"]) if wanted and len(found) == 1 else None


async def _whom(tx: AsyncConnection, vault: Vault, space: str, asking: Asking) -> tuple[bool, PairKey]:
    """Return whether the message's words are kept, and the pair that is reported."""
    about = asking.about.id
    if asking.message is not None:
        said = await messages.newest_version(tx, vault, asking.message)
        if said is not None and said.text is not None:
            return True, (about, said.target)
        return False, (about, asking.target)
    table, reporter = tables.pairs, asking.reporter.id
    theirs = (table.c.space == space, table.c.actor == vault.blind(space, about))
    to_me = select(func.count()).select_from(table).where(*theirs, table.c.target == vault.blind(space, reporter))
    return False, (about, reporter if await tx.scalar(to_me) or not about else None)


async def _open_about(tx: AsyncConnection, vault: Vault, space: str, asking: Asking, key: PairKey) -> str | None:
    """Return the open alert of the pair, or, where a person is reported, the newest open one about that person."""
    actor = vault.blind(space, key[0])
    query = select(_T.c.alert).where(_T.c.space == space, _T.c.actor == actor, undecided())
    target = "" if key[1] is None else vault.blind(space, key[1])
    alert: str | None = await tx.scalar(query.where(_T.c.target == target).order_by(_T.c.opened.desc()).limit(1))
    if alert is None and asking.message is None and asking.about.id:
        alert = await tx.scalar(query.order_by(_T.c.opened.desc()).limit(1))
    return alert


async def _here_already(tx: AsyncConnection, vault: Vault, space: str, asking: Asking, alert: str | None) -> bool:
    """Tell whether the same member reported the same message before, or the same person while that alert is open."""
    if asking.message is None:
        if alert is None or not asking.about.id:
            return False
        which = _T.c.alert == alert
    else:
        which = (_T.c.space == space) & (_T.c.actor == vault.blind(space, asking.about.id))
    place = ("", "") if asking.message is None else (asking.message[0].conversation, asking.message[1])
    reports = await reported.among(tx, vault, which)
    return any((r.person, r.conversation, r.message_id) == (asking.reporter.id, *place) for r in reports)


async def _lately(tx: AsyncConnection, space: str, who: str, now: float) -> int:
    table = tables.audit
    mine = (table.c.space == space, table.c.who == who, table.c.what == "report received", table.c.time > now - DAY)
    return await tx.scalar(select(func.count()).select_from(table).where(*mine)) or 0


async def _open(tx: AsyncConnection, ledger: Ledger, space: str, key: PairKey, now: float) -> str:
    """Open the pair's alert with its last score; return the alert."""
    vault, known = ledger.vault, ledger.memory.of(space)
    pair = Pair(space, *key)
    people = [person for person in key if person is not None]
    await load_people(tx, vault, known, people)
    await load_pairs(tx, vault, known, [key] if pair.target is None else [key, (pair.target, pair.actor)])
    mine, reverse, person, other = known.state.sides(pair)
    engine = ledger.engine
    probability, level = engine.model.probability(mine, reverse, person, other), LEVELS[0]
    if probability is not None:
        rules = engine.rules.get(space)
        reached = policy.weighed(probability, policy.odds_of(person, other))
        level = policy.level_of(reached, rules.thresholds if rules else engine.thresholds)
    signals, welfare = shown_signals(mine, reverse, person, other), welfare_signals(reverse)
    state = known.state.alerts.setdefault(key, AlertState())
    policy.asked(state, level, (*signals, *(f"other {name}" for name in welfare)))
    name = policy.alert_name(pair, state.count)
    score = Score(probability, level, outcome_of(mine))
    reasons = tuple(Reason(m.conversation, m.message_id, m.weight, tuple(m.signals)) for m in mine.moments)
    effect = cases.named(vault, state, OpenAlert(name, pair, "", "", now, score, signals, reasons, welfare))
    alert = effect.alert
    await upsert(tx, tables.spaces, [{"space": space}])
    await cases.save(tx, vault, [effect])
    await save(tx, vault, known, Touched(pairs={key}))
    await audit.record(
        tx, [audit.row(now, space, "alert opened", about=alert, level=level, probability=probability, asked=True)]
    )
    return alert


async def _name(tx: AsyncConnection, vault: Vault, known: Known, person: Person) -> None:
    """Keep the name of somebody reported, whom nobody may have heard before, for the card."""
    if not person.id or known.names.get(person.id):
        return
    blind = vault.blind(known.space, person.id)
    table = tables.people
    here = select(table.c.person).where(table.c.space == known.space, table.c.person == blind)
    if await tx.scalar(here) is None:
        identity = dump(vault, {"id": person.id, "name": person.name}, person_about(known.space, blind, "identity"))
        await upsert(tx, table, [{"space": known.space, "person": blind, "identity": identity}])
