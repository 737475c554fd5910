"""The desk: what moderators ask for and decide, each a transaction of its own, audited with who, when and why.

Leans on `core.ledger` and `core.cases`. Adapters have checked before that whoever asks is a moderator.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from core import audit, cases, outbox, policy
from core.cards import Card, Decided, Decision, ExcerptLine, Person
from core.ledger import Ledger
from core.store import tables
from core.store.states import Touched, dump, load_pairs, parse, save


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a press; `accepted` False: somebody had decided already, and `card.decided` says who."""

    card: Card
    accepted: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What a moderator did on the platform, to whom; `what` names it ("timeout"), `until` is when it ends by itself.

    `place` is a channel's id where it concerns one.
    """

    what: str
    person: Person
    until: float | None = None
    place: str | None = None


class Desk:
    """Casework on one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def card(self, alert: str) -> Card | None:
        """Return an alert's card as it stands, or None if there is no such alert."""
        ledger = self._ledger
        async with ledger.store.read() as tx:
            return await cases.card(tx, ledger.vault, alert, ledger.engine.own_meanings)

    async def decide(self, alert: str, decision: Decision, moderator: Person) -> Verdict | None:
        """Record a moderator's decision; the first wins. None if there is no such alert."""
        ledger, vault = self._ledger, self._ledger.vault
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, vault, alert)
            if pair is None:
                return None
            now, space = ledger.clock(), pair.space
            accepted = await cases.decide(tx, vault, alert, space, Decided(decision, moderator, now))
            if accepted:
                known, key = ledger.memory.of(space), (pair.actor, pair.target)
                await load_pairs(tx, vault, known, [key])
                state = known.state.alerts.get(key)
                if state is not None and policy.alert_id(pair, state.count) == alert:
                    policy.decided(state, now)
                    await save(tx, vault, known, Touched(pairs={key}))
                who = vault.blind(space, moderator.id)
                deed = audit.row(now, space, "alert decided", who=who, about=alert, decision=decision)
                await audit.record(tx, [deed])
                await outbox.put_cards(tx, {alert: space}, now)
            card = await cases.card(tx, vault, alert, ledger.engine.own_meanings)
        assert card is not None
        return Verdict(card, accepted)

    async def excerpt(self, alert: str, moderator: Person) -> list[ExcerptLine]:
        """Return the retained text around an alert's reasons, oldest first; [] if it was purged. Audited."""
        ledger, vault = self._ledger, self._ledger.vault
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, vault, alert)
            if pair is None:
                return []
            lines = await cases.excerpt(tx, vault, alert)
            who = vault.blind(pair.space, moderator.id)
            deed = audit.row(ledger.clock(), pair.space, "excerpt shown", who=who, about=alert, lines=len(lines))
            await audit.record(tx, [deed])
        return lines

    async def acted(self, alert: str, action: Action, moderator: Person) -> int | None:
        """Record what a moderator did; return its number, to undo it by, or None if there is no such alert."""
        ledger, vault = self._ledger, self._ledger.vault
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, vault, alert)
            if pair is None:
                return None
            now, space, table = ledger.clock(), pair.space, tables.actions
            who = vault.blind(space, moderator.id)
            details = {"person": action.person.id, "name": action.person.name, "until": action.until}
            sealed = dump(vault, details | {"place": action.place}, _ABOUT_ACTION)
            row = {"space": space, "alert": alert, "time": now, "who": who, "what": action.what, "sealed": sealed}
            (number,) = (await tx.execute(insert(table).values(row))).inserted_primary_key or (0,)
            await audit.record(tx, [audit.row(now, space, "action taken", who=who, about=alert, action=action.what)])
            await outbox.put_cards(tx, {alert: space}, now)
        return int(number)

    async def undone(self, number: int, moderator: Person) -> Action | None:
        """Record that an action was undone, and return it; None if there is no such action, or it was undone before."""
        ledger, table = self._ledger, tables.actions
        async with ledger.transaction() as tx:
            mine = select(table).where(table.c.id == number, table.c.undone.is_(None))
            row = (await tx.execute(mine)).first()
            if row is None:
                return None
            now, who = ledger.clock(), ledger.vault.blind(row.space, moderator.id)
            await tx.execute(update(table).where(table.c.id == number).values(undone=now))
            deed = audit.row(now, row.space, "action undone", who=who, about=row.alert, action=row.what)
            await audit.record(tx, [deed])
            await outbox.put_cards(tx, {row.alert: row.space}, now)
        about = parse(ledger.vault, row.sealed, _ABOUT_ACTION)
        return Action(row.what, Person(about["person"], about["name"]), about["until"], about["place"])


_ABOUT_ACTION = ("actions", "sealed")
