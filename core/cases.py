"""Casework: alerts as they are kept, their cards, people's decisions, and the excerpt a moderator asks for.

Leans on `core.store` and `core.audit`; everything here runs inside a transaction of its caller. An alert's row holds
levels and numbers in the open and seals whom it is about and on which messages it rests. A card is made anew from it
each time, so that it always shows the present: names as last seen, deletions, who decided.

The first decision wins: one conditional UPDATE, so that two moderators who press at once cannot both be recorded.
A message's deletion shows on the card as long as the message is retained (`core.retention`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.cards import Card, Decided, ExcerptLine, MessageRef, Person
from core.effects import OpenAlert, UpdateAlert
from core.messages import ConversationKey, Pair
from core.signals.computed import MEANINGS
from core.store import messages, tables, upsert
from core.store.messages import Kept, MessageKey
from core.store.states import blind_target, dump, parse, person_about
from core.vault import Vault

EXCERPT_LINES = 5
"""Lines shown before and after each message that moved the score."""
_FORMER_MODERATOR = Person("", "a moderator")
_T = tables.alerts


async def save(tx: AsyncConnection, vault: Vault, effects: Sequence[OpenAlert | UpdateAlert]) -> None:
    """Write alerts as they were opened or updated, in order."""
    await upsert(tx, _T, [_row(vault, effect) for effect in effects], keep=("opened",))


async def card(tx: AsyncConnection, vault: Vault, alert: str, own_meanings: Mapping[str, str]) -> Card | None:
    """Return the card of an alert as it stands now, or None if there is no such alert.

    `own_meanings` are those of the operator's own signals. A signal that is known no more is left out.
    """
    row = (await tx.execute(select(_T).where(_T.c.alert == alert))).first()
    if row is None:
        return None
    about = parse(vault, row.sealed, _about(alert))
    refs = [(ConversationKey(row.space, conversation), message_id) for conversation, message_id, *_ in about["reasons"]]
    deleted = await messages.deleted_among(tx, refs)
    names = await _names(tx, vault, row.space, {row.actor, row.target, row.moderator or ""})
    target = None if about["target"] is None else Person(about["target"], _name(names, row.target))
    decided = None
    if row.decision is not None:
        decided = Decided(row.decision, names.get(row.moderator, _FORMER_MODERATOR), row.decided)
    meanings = {**MEANINGS, **own_meanings}
    return Card(
        alert=alert,
        space=row.space,
        level=row.level,
        probability=row.probability,
        actor=Person(about["actor"], _name(names, row.actor)),
        target=target,
        signals=tuple(meanings[name] for name in row.signals if name in meanings),
        messages=tuple(MessageRef(key, message_id, (key, message_id) in deleted) for key, message_id in refs),
        opened=row.opened,
        decided=decided,
        welfare=tuple(MEANINGS[name] for name in about.get("welfare", ()) if name in MEANINGS),
    )


async def pair_of(tx: AsyncConnection, vault: Vault, alert: str) -> Pair | None:
    """Return whom an alert is about, or None if there is no such alert."""
    row = (await tx.execute(select(_T.c.space, _T.c.sealed).where(_T.c.alert == alert))).first()
    if row is None:
        return None
    about = parse(vault, row.sealed, _about(alert))
    return Pair(row.space, about["actor"], about["target"])


async def alerts_resting_on(tx: AsyncConnection, vault: Vault, key: MessageKey) -> list[str]:
    """Return the alerts whose cards refer to a retained message."""
    (space, conversation), message_id = key
    kept = tables.messages
    here = (kept.c.space == space, kept.c.conversation == conversation, kept.c.id == message_id)
    said = (await tx.execute(select(kept.c.author, kept.c.target).where(*here).limit(1))).one()
    theirs = (_T.c.space == space, _T.c.actor == said.author, _T.c.target == said.target)
    found = []
    for row in await tx.execute(select(_T.c.alert, _T.c.sealed).where(*theirs)):
        reasons = parse(vault, row.sealed, _about(row.alert))["reasons"]
        if any(reason[:2] == [conversation, message_id] for reason in reasons):
            found.append(row.alert)
    return found


async def decide(tx: AsyncConnection, vault: Vault, alert: str, space: str, decided: Decided) -> bool:
    """Record a decision, unless somebody decided before; tell whether it was recorded."""
    moderator = decided.moderator
    who = vault.blind(space, moderator.id)
    first = update(_T).where(_T.c.alert == alert, _T.c.decision.is_(None))
    result = await tx.execute(first.values(decision=decided.decision, moderator=who, decided=decided.time))
    if cast("CursorResult[Any]", result).rowcount != 1:
        return False
    identity = {"id": moderator.id, "name": moderator.name}
    sealed = dump(vault, identity, person_about(space, who, "identity"))
    await upsert(tx, tables.people, [{"space": space, "person": who, "identity": sealed}])
    return True


async def excerpt(tx: AsyncConnection, vault: Vault, alert: str) -> list[ExcerptLine]:
    """Return what is retained around the messages that moved the score, oldest first."""
    row = (await tx.execute(select(_T.c.space, _T.c.sealed).where(_T.c.alert == alert))).first()
    if row is None:
        return []
    reasons = parse(vault, row.sealed, _about(alert))["reasons"]
    moved = {(ConversationKey(row.space, conversation), message_id) for conversation, message_id, *_ in reasons}
    lines: dict[int, Kept] = {}
    for key in moved:
        lines |= {kept.seq: kept for kept in await messages.around(tx, vault, key, EXCERPT_LINES)}
    return [
        ExcerptLine(Person(k.author, k.name), k.time, k.text or "", (k.key, k.id) in moved, k.deleted)
        for _, k in sorted(lines.items())
    ]


def _row(vault: Vault, effect: OpenAlert | UpdateAlert) -> dict[str, Any]:
    space, actor, target = effect.pair
    reasons = [[*reason] for reason in effect.reasons]
    about = {"actor": actor, "target": target, "reasons": reasons, "welfare": list(effect.welfare)}
    return {
        "alert": effect.alert,
        "space": space,
        "actor": vault.blind(space, actor),
        "target": blind_target(vault, space, target),
        "level": effect.score.level,
        "probability": effect.score.probability,
        "signals": list(effect.signals),
        "sealed": dump(vault, about, _about(effect.alert)),
        "opened": effect.time,
    }


async def _names(tx: AsyncConnection, vault: Vault, space: str, blinds: set[str]) -> dict[str, Person]:
    table = tables.people
    query = select(table.c.person, table.c.identity).where(table.c.space == space, table.c.person.in_(blinds))
    people = {}
    for row in await tx.execute(query):
        identity = parse(vault, row.identity, person_about(space, row.person, "identity"))
        people[row.person] = Person(identity["id"], identity["name"])
    return people


def _name(people: dict[str, Person], blind: str) -> str:
    return people[blind].name if blind in people else ""


def _about(alert: str) -> tuple[str, ...]:
    return ("alerts", alert, "sealed")
