"""Casework: alerts as they are kept, their cards, and what people do about them.

Leans on `core.store` and `core.audit`; everything here runs inside a transaction of its caller. An alert's row holds
levels and numbers in the open and seals whom it is about and on which messages it rests. A card is made anew from it
each time, so that it always shows the present: names as last seen, deletions, who decided.

An alert's id is keyed: were it made of the two people's ids alone, whoever has the database, a card or a file could try
out a list of members. It is made of the engine's name for it, so that the same messages have the same id, also when
they are scored again after a crash. What an earlier version of Lampkeeper opened keeps its id, for cards, links and
reports have it.

The first press wins: every change is one conditional UPDATE, so that two moderators who press at once cannot both be
recorded.
A message's deletion shows on the card as long as the message is retained (`core.retention.rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, CursorResult, Row, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import holds, notes, parts, reported
from core.casework.cards import Action, Background, Card, Claim, Decided, MessageRef, Person, Taken
from core.casework.transitions import Step, may, state, undecided
from core.effects import OpenAlert, UpdateAlert
from core.messages import AgeBand, ConversationKey, Pair
from core.policy import AlertState, alert_name
from core.signals.computed import MEANINGS
from core.store import messages, states, tables, upsert
from core.store.messages import MessageKey
from core.store.states import (
    Known,
    Touched,
    alert_about,
    blind_target,
    chunks,
    dump,
    load_pairs,
    load_people,
    parse,
    person_about,
)
from core.vault import Vault

FORMER_MODERATOR = Person("", "a moderator")
TERMINAL = "terminal:"
"""How the id of somebody begins who works at a terminal."""
_T, _A = tables.alerts, tables.actions


def named(vault: Vault, state: AlertState, effect: OpenAlert | UpdateAlert) -> OpenAlert | UpdateAlert:
    """Return the effect under the id of its alert, which the pair's `state` remembers from its opening on."""
    if isinstance(effect, OpenAlert):
        state.alert = vault.case_id(effect.alert)
    return effect._replace(alert=state.alert or effect.alert)


async def save(tx: AsyncConnection, vault: Vault, effects: Sequence[OpenAlert | UpdateAlert]) -> None:
    """Write alerts as they were opened or updated, in order. Members' reports stay with them."""
    kept = await reported.kept(tx, vault, {effect.alert for effect in effects if isinstance(effect, UpdateAlert)})
    vault.prepare([("case", effect.alert) for effect in effects])
    await upsert(tx, _T, [_row(vault, effect, kept.get(effect.alert, {})) for effect in effects], keep=("opened",))


async def card(
    tx: AsyncConnection, vault: Vault, alert: str, own_meanings: Mapping[str, str], age_bands: Mapping[str, AgeBand]
) -> Card | None:
    """Return the card of an alert as it stands now, without its course, or None if there is no such alert.

    `own_meanings` are those of the operator's own signals, `age_bands` what the operator knows of people. A signal that
    is known no more is left out.
    """
    row = (await tx.execute(select(_T, state().label("state")).where(_T.c.alert == alert))).first()
    if row is None:
        return None
    about = parse(vault, row.sealed, alert_about(alert))
    refs = [
        (ConversationKey(row.space, conversation), message_id) for conversation, message_id in reported.places(about)
    ]
    deleted = await messages.deleted_among(tx, refs)
    taken = (await tx.execute(select(_A).where(_A.c.alert == alert).order_by(_A.c.id))).all()
    moderators = {row.moderator or "", row.claimant or "", *(action.who for action in taken)}
    names = await people_named(tx, vault, row.space, {row.actor, row.target, *moderators})
    nobody = about["target"] is None or not about["actor"]  # a report of somebody unknown: its target is who reports
    target = None if nobody else _seen(names, row.target, about["target"])
    actor = _seen(names, row.actor, about["actor"])
    whole = await tx.scalar(select(_T.c.alert).where(_T.c.alert == row.merged))
    hold = (await holds.on(tx, [alert])).get(alert)
    decided = None
    if row.decision is not None:
        why = {} if row.remark is None else parse(vault, row.remark, _about_remark(alert))
        moderator = names.get(row.moderator, FORMER_MODERATOR)
        decided = Decided(row.decision, moderator, row.decided, why.get("grounds"), why.get("remark", ""))
    meanings = {**MEANINGS, **own_meanings}
    return Card(
        alert=alert,
        space=row.space,
        level=row.level,
        probability=row.probability,
        actor=actor,
        target=target,
        signals=tuple(meanings[name] for name in row.signals if name in meanings),
        messages=tuple(MessageRef(key, message_id, (key, message_id) in deleted) for key, message_id in refs),
        opened=row.opened,
        decided=decided,
        welfare=tuple(MEANINGS[name] for name in about.get("welfare", ()) if name in MEANINGS),
        claimed=None if row.claimant is None else Claim(names.get(row.claimant, FORMER_MODERATOR), row.claimed),
        escalated=row.escalated,
        held=None if hold is None else hold.since,
        held_until=None if hold is None else hold.until,
        held_by=None if hold is None or hold.by == alert else hold.by,
        fixed_until=holds.fixed_until(row.reported),
        state=row.state,
        merged=whole,
        of_parts=await _people_of(tx, vault, row.space, await parts.parts(tx, alert)),
        actions=tuple(_taken(vault, action, names) for action in taken),
        about_actor=await _background(tx, vault, row, actor, age_bands),
        about_target=Background() if target is None else await _background(tx, vault, row, target, age_bands),
        reported=tuple(report.time for report in reported.reports(about)),
        asked=about.get("asked", False),
    )


def concerns(card: Card, who: Person) -> bool:
    """Tell whether a case, or a part of it, is about somebody, who takes no step on it.

    At a terminal people have a name and no id of a platform: there the name, or the id, of whom it is about counts.
    """
    people = (card.actor, card.target, *card.of_parts)  # who is who may be wrong, too
    return any(alike(one, who) for one in people if one is not None and one.id)


def alike(one: Person, other: Person) -> bool:
    """Tell whether two may be the same human: by their id, or by a name where one of them works at a terminal.

    >>> alike(Person("7", "Sam"), Person("8", "Sam")), alike(Person("7", "Sam"), Person("terminal:sam", "sam"))
    (False, True)
    """
    if not any(who.id.startswith(TERMINAL) for who in (one, other)):
        return one.id == other.id
    return bool(_known_as(one) & _known_as(other))


def _known_as(who: Person) -> set[str]:
    names = {who.id.removeprefix(TERMINAL)} if who.id.startswith(TERMINAL) else {who.id, who.name}
    return {name.casefold() for name in names if name}


async def pair_of(tx: AsyncConnection, vault: Vault, alert: str) -> Pair | None:
    """Return whom an alert is about, or None if there is no such alert."""
    row = (await tx.execute(select(_T.c.space, _T.c.sealed).where(_T.c.alert == alert))).first()
    if row is None:
        return None
    about = parse(vault, row.sealed, alert_about(alert))
    return Pair(row.space, about["actor"], about["target"])


async def alerts_resting_on(tx: AsyncConnection, vault: Vault, key: MessageKey) -> list[str]:
    """Return the alerts whose cards refer to a retained message."""
    (space, conversation), message_id = key
    kept = tables.messages
    here = (kept.c.space == space, kept.c.conversation == conversation, kept.c.id == message_id)
    said = (await tx.execute(select(kept.c.author, kept.c.target).where(*here).limit(1))).one()
    theirs = (_T.c.space == space, _T.c.actor == said.author, _T.c.target == said.target)
    place, rows = (conversation, message_id), await tx.execute(select(_T.c.alert, _T.c.sealed).where(*theirs))
    return [alert for alert, sealed in rows if place in reported.places(parse(vault, sealed, alert_about(alert)))]


async def decide(tx: AsyncConnection, vault: Vault, alert: str, space: str, decided: Decided) -> bool:
    """Record a decision, unless somebody decided before; tell whether it was recorded."""
    why = {"grounds": decided.grounds, "remark": decided.remark}
    values = {"decision": decided.decision, "decided": decided.time, "remark": dump(vault, why, _about_remark(alert))}
    who = vault.blind(space, decided.moderator.id)
    step: Step = "confirm" if decided.decision == "confirmed" else "dismiss"
    return await step_of(tx, alert, step, **values, moderator=who)


async def remarked(tx: AsyncConnection, vault: Vault, space: str, who: str) -> list[tuple[str, float, str]]:
    """Return what pseudonym `who` remarked with decisions that stand: the case, when, and what."""
    mine = select(_T).where(_T.c.space == space, _T.c.moderator == who, _T.c.remark.is_not(None)).order_by(_T.c.decided)
    found = [(row, parse(vault, row.remark, _about_remark(row.alert))["remark"]) for row in await tx.execute(mine)]
    return [(row.alert, row.decided, words) for row, words in found if words]


async def undecide(tx: AsyncConnection, vault: Vault, alert: str, who: str, since: float) -> bool:
    """Take back a decision that pseudonym `who` made at or after `since`; tell whether there was such a one."""
    return await _take_back(tx, vault, alert, and_(may("undo"), _T.c.moderator == who, _T.c.decided >= since))


async def reconsider(tx: AsyncConnection, vault: Vault, alert: str) -> bool:
    """Take back a decision, whoever made it, whenever; tell whether there was one that can be."""
    return await _take_back(tx, vault, alert, may("reconsider"))


async def _take_back(tx: AsyncConnection, vault: Vault, alert: str, which: ColumnElement[bool]) -> bool:
    """Take back a decision; what was remarked with it stays, as a note of whoever made it."""
    row = (await tx.execute(select(_T).where(_T.c.alert == alert, which))).first()
    if row is None:
        return False
    if row.remark is not None and (remark := parse(vault, row.remark, _about_remark(alert))["remark"]):
        await notes.put(tx, vault, row.space, alert, row.moderator, remark, row.decided)
    return await _change(tx, alert, which, {"decision": None, "decided": None, "moderator": None, "remark": None})


async def step_of(tx: AsyncConnection, alert: str, step: Step, **values: Any) -> bool:
    """Take a step of a case and write down `values`, if it stands where the step starts; tell whether it did."""
    return await _change(tx, alert, may(step), values)


async def claim(tx: AsyncConnection, alert: str, who: str, time: float, instead_of: str | None = None) -> bool:
    """Record that pseudonym `who` works on it, if nobody does, or `instead_of` did so far; tell whether it was."""
    step: Step = "claim" if instead_of is None else "take_over"
    so_far = and_(_T.c.claimant.is_not_distinct_from(instead_of), may(step))
    return await _change(tx, alert, so_far, {"claimant": who, "claimed": time})


async def release(tx: AsyncConnection, alert: str, who: str) -> bool:
    """Record that pseudonym `who` works on it no more; tell whether they did so far."""
    return await _change(tx, alert, and_(may("release"), _T.c.claimant == who), {"claimant": None, "claimed": None})


async def mark(tx: AsyncConnection, alert: str, column: str, time: float | None) -> bool:
    """Set `pinged`, once, or take it back (None); tell whether that changed anything."""
    place = _T.c[column]
    return await _change(tx, alert, place.is_not(None) if time is None else place.is_(None), {column: time})


async def tell_policy(  # noqa: PLR0913, PLR0917 - whose case, and what became of it
    tx: AsyncConnection, vault: Vault, known: Known, alert: str, pair: Pair, step: Callable[[AlertState], None]
) -> None:
    """Tell the policy what became of an alert, if it is the pair's latest: `step` is one of `core.policy`."""
    key = (pair.actor, pair.target)
    await load_pairs(tx, vault, known, [key])
    told = known.state.alerts.get(key)
    if told is not None and (told.alert or alert_name(pair, told.count)) == alert:
        step(told)
        await states.save(tx, vault, known, Touched(pairs={key}))


async def note_removed(tx: AsyncConnection, vault: Vault, known: Known, alert: str, pair: Pair) -> None:
    """Have a pair remember an alert that goes, so that the audit can forget the two of it, too."""
    key = (pair.actor, pair.target)
    await load_pairs(tx, vault, known, [key])
    known.state.alerts.setdefault(key, AlertState()).removed.append(alert)
    await states.save(tx, vault, known, Touched(pairs={key}))


async def stands(tx: AsyncConnection, alert: str, step: Step) -> bool:
    """Tell whether a case stands where a step starts."""
    return await tx.scalar(select(_T.c.alert).where(_T.c.alert == alert, may(step))) is not None


async def is_undecided(tx: AsyncConnection, alert: str) -> bool:
    """Tell whether people have yet to decide about a case."""
    return await tx.scalar(select(_T.c.alert).where(_T.c.alert == alert, undecided())) is not None


async def could_merge(tx: AsyncConnection, vault: Vault, alert: str, into: str) -> bool:
    """Tell whether a case can become part of another: same space, same actor or same two people, and no circle.

    Where nobody knows whom somebody reported, it is nobody's other case.
    """
    rows = {row.alert: row for row in await tx.execute(select(_T).where(_T.c.alert.in_((alert, into))))}
    if len(rows) < len({alert, into}) or alert == into:
        return False
    one, other = rows[alert], rows[into]
    known = one.actor != vault.blind(one.space, "")
    related = one.actor == other.actor or {one.actor, one.target} == {other.actor, other.target}
    return one.space == other.space and known and related and other.closed is None


async def related(tx: AsyncConnection, vault: Vault, alert: str) -> list[str]:
    """Return the other cases of the same actor or the same two people, newest first; none where nobody knows whom."""
    row = (await tx.execute(select(_T.c.space, _T.c.actor, _T.c.target).where(_T.c.alert == alert))).first()
    if row is None or row.actor == vault.blind(row.space, ""):
        return []
    same = or_(_T.c.actor == row.actor, and_(_T.c.actor == row.target, _T.c.target == row.actor))
    theirs = select(_T.c.alert).where(_T.c.space == row.space, _T.c.alert != alert, same)
    return list(await tx.scalars(theirs.order_by(_T.c.opened.desc(), _T.c.alert)))


async def remember(tx: AsyncConnection, vault: Vault, space: str, person: Person) -> str:
    """Keep the name of somebody who did something, for cards; return the pseudonym."""
    who = vault.blind(space, person.id)
    sealed = dump(vault, {"id": person.id, "name": person.name}, person_about(space, who, "identity"))
    await upsert(tx, tables.people, [{"space": space, "person": who, "identity": sealed}])
    return who


async def people_named(tx: AsyncConnection, vault: Vault, space: str, blinds: set[str]) -> dict[str, Person]:
    """Return the people of these pseudonyms, with their names as last seen; who is not kept is left out."""
    table = tables.people
    query = select(table.c.person, table.c.identity).where(table.c.space == space, table.c.person.in_(blinds))
    people = {}
    for row in await tx.execute(query):
        identity = parse(vault, row.identity, person_about(space, row.person, "identity"))
        people[row.person] = Person(identity["id"], identity["name"], identity.get("gone"))
    return people


async def add_action(tx: AsyncConnection, vault: Vault, values: Mapping[str, Any], action: Action) -> int:
    """Keep an action, sealed whom it was about and how it is taken back; return its number, which it is sealed with."""
    (number,) = (await tx.execute(insert(_A).values(**values, sealed=b""))).inserted_primary_key or (0,)
    sealed = _seal_action(vault, action, _about_action(values["alert"], number))
    await tx.execute(update(_A).where(_A.c.id == number).values(sealed=sealed))
    return int(number)


def _seal_action(vault: Vault, action: Action, about: tuple[str, ...]) -> bytes:
    details = {"person": action.person.id, "name": action.person.name, "until": action.until}
    return dump(vault, details | {"place": action.place, "before": action.before}, about)


def read_action(vault: Vault, row: Row[Any]) -> Action:
    """Return the action that a row keeps."""
    about = parse(vault, row.sealed, _about_action(row.alert, row.id))
    return Action(row.what, Person(about["person"], about["name"]), about["until"], about["place"], about.get("before"))


async def _change(tx: AsyncConnection, alert: str, condition: ColumnElement[bool], values: dict[str, Any]) -> bool:
    """Change an alert's row if the condition holds; tell whether it did."""
    result = await tx.execute(update(_T).where(_T.c.alert == alert, condition).values(values))
    return cast("CursorResult[Any]", result).rowcount == 1


async def _background(
    tx: AsyncConnection, vault: Vault, row: Row[Any], who: Person, age_bands: Mapping[str, AgeBand]
) -> Background:
    """Say what is known of one of the two besides this alert.

    Each case that the person is one of counts once, with those that became part of it, as it was decided or as open.
    Reports of somebody unknown do not: on them stands who reported, which is told to nobody.
    """
    space, me = row.space, vault.blind(row.space, who.id)
    if not who.id:
        return Background()
    theirs = (_T.c.space == space, or_(_T.c.actor == me, _T.c.target == me), _T.c.actor != vault.blind(space, ""))
    others = set((await parts.wholes(tx, and_(*theirs))).values())
    others -= set((await parts.wholes(tx, _T.c.alert == row.alert)).values())
    counts = dict.fromkeys(("open", "confirmed", "dismissed"), 0)
    for some in chunks(sorted(others)):
        for decision, is_open in await tx.execute(select(_T.c.decision, undecided()).where(_T.c.alert.in_(some))):
            if decision is not None or is_open:
                counts[decision or "open"] += 1
    known = Known(space)
    await load_people(tx, vault, known, [who.id])
    state = known.state.people[who.id]
    configured = age_bands.get(f"{space.partition(':')[0]}:{who.id}")
    band_by: Literal["role", "configuration"] = "role" if configured is None else "configuration"
    return Background(**counts, band=configured or state.age_band, band_by=band_by, stated=tuple(state.ages))


async def _people_of(tx: AsyncConnection, vault: Vault, space: str, alerts: Sequence[str]) -> tuple[Person, ...]:
    """Return whom some cases are about; not who reported somebody unknown."""
    if not alerts:
        return ()
    rows = (await tx.execute(select(_T).where(_T.c.alert.in_(alerts)))).all()
    names = await people_named(tx, vault, space, {blind for row in rows for blind in (row.actor, row.target)})
    found: dict[str, Person] = {}
    for row in rows:
        about = parse(vault, row.sealed, alert_about(row.alert))
        if about["actor"]:
            two = ((row.actor, about["actor"]), (row.target, about["target"]))
            found |= {person: _seen(names, blind, person) for blind, person in two if person is not None}
    return tuple(found.values())


def _taken(vault: Vault, row: Row[Any], names: Mapping[str, Person]) -> Taken:
    moderator = names.get(row.who, FORMER_MODERATOR)
    return Taken(row.id, read_action(vault, row), moderator, row.time, row.undone)


def _row(vault: Vault, effect: OpenAlert | UpdateAlert, reports: Mapping[str, Any]) -> dict[str, Any]:
    space, actor, target = effect.pair
    reasons = [[*reason] for reason in effect.reasons]
    about = {"actor": actor, "target": target, "reasons": reasons, "welfare": list(effect.welfare), **reports}
    return {
        "alert": effect.alert,
        "space": space,
        "actor": vault.blind(space, actor),
        "target": blind_target(vault, space, target),
        "level": effect.score.level,
        "probability": effect.score.probability,
        "signals": list(effect.signals),
        "sealed": dump(vault, about, alert_about(effect.alert)),
        "opened": effect.time,
    }


def _seen(people: dict[str, Person], blind: str, person: str) -> Person:
    return people[blind] if blind in people else Person(person, "")


def _about_action(alert: str, number: int) -> tuple[str, ...]:
    return ("actions", alert, str(number), "sealed")


def _about_remark(alert: str) -> tuple[str, ...]:
    return ("alerts", alert, "remark")
