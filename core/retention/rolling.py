"""The rolling window of text: messages that were kept long enough are folded into what is remembered, and go.

Leans on `core.store`, `core.pair` and an engine to read text with. Decisions:
- The clock of retention starts when Lampkeeper received a message, not when it was written: what counts is how long it
  is kept here, and history read at a first start is not purged before anybody could look at it. Messages are purged in
  the order they were received (a time that never runs backwards, see `core.batch.Memory`), as one growing prefix.
- A purged message is folded into the `base` of its pair and its author, in that same order. So a state is always its
  base plus what is retained: scores survive the purge, and folding again after an edit stays exact to the last bit.
- A purged id can no longer be recognised when it is delivered again. The conversation's `horizon`, the newest time of
  a purged message, stands in for it. Where a message has no time, or one that lies after its receipt and would push
  the horizon past messages to come, its id stays as a row without text.
- Folding an author's messages anew after an edit costs most by opening and reading them (some 20 µs a message, three
  quarters of it all). So a batch that holds several edits of one author opens and reads once (`said_by`).
- What is preserved of a case stays in the case (`core.casework.preserved`). Text that other people wrote may name
  somebody who asked to be forgotten: it goes with the purge.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BindParameter, bindparam, delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit
from core.engine import Engine, PairKey
from core.evidence import Evidence
from core.messages import ConversationKey
from core.pair import PairState, PersonState, fold_person
from core.store import messages, tables
from core.store.messages import Kept
from core.store.states import Known, blind_target, chunks, dump, dump_pair, pair_about, parse, person_about, read_pair
from core.vault import Vault

CLOCK_SLACK = 3600.0
"""How far a platform's clock may run ahead of ours, in seconds."""
PURGED_AT_ONCE = 500


class Purged(NamedTuple):
    """How many messages, and up to which message time their conversations."""

    messages: int
    horizons: dict[ConversationKey, float]


async def purge(tx: AsyncConnection, vault: Vault, engine: Engine, older_than: float, now: float) -> Purged:
    """Purge the messages received before `older_than`, seconds since the epoch.

    At most `PURGED_AT_ONCE` of them, so that the writer is not held up: call again as long as it was that many. What
    cases under legal hold need of them has to be preserved by then (`core.retention.purging.preserve_held`).
    """
    old = await messages.oldest(tx, vault, older_than, PURGED_AT_ONCE)
    if not old:
        return Purged(0, {})
    await _fold_into_bases(tx, vault, engine, old)
    horizons = await _remove(tx, old)
    spaces = [kept.key.space for kept in old]
    counts = [audit.row(now, s, "text purged", messages=spaces.count(s)) for s in sorted(set(spaces))]
    await audit.record(tx, counts)
    return Purged(len(old), horizons)


Said = dict[int, tuple[Kept, Evidence]]
"""All that is retained of an author's messages as they read now, with what each adds; by `Kept.seq`, in that order."""


async def said_by(tx: AsyncConnection, vault: Vault, engine: Engine, space: str, author: str) -> Said:
    """Open and read what is retained of an author."""
    found = await messages.said_by(tx, vault, space, author)
    return {kept.seq: (kept, engine.read(kept.text or "")) for kept in found}


async def refold(  # noqa: PLR0913, PLR0917 - what it works on, and on whom
    tx: AsyncConnection, vault: Vault, engine: Engine, known: Known, key: PairKey, said: Said
) -> None:
    """Make the states of an author and of one of the author's pairs from their base and what is retained (`said`)."""
    author = key[0]
    people, pairs = await bases(tx, vault, known.space, [author], [key])
    for kept, evidence in said.values():
        _fold(engine, people[author], pairs.get((author, kept.target)), kept, evidence)
    known.state.people |= people
    known.state.pairs |= pairs


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


async def save_people(
    tx: AsyncConnection, vault: Vault, space: str, column: str, people: dict[str, PersonState]
) -> None:
    """Write the states of people into `column`, "base" or "state", of rows that are there."""
    table = tables.people
    rows = []
    for person, state in people.items():
        blind = vault.blind(space, person)
        rows.append({"of_person": blind, "new": dump(vault, state, person_about(space, blind, column))})
    this = update(table).where(table.c.space == space, table.c.person == bindparam("of_person"))
    if rows:
        await tx.execute(this.values({column: bindparam("new")}), rows)


async def _fold_into_bases(tx: AsyncConnection, vault: Vault, engine: Engine, old: list[Kept]) -> None:
    by_space: dict[str, list[Kept]] = {}
    for kept in old:
        by_space.setdefault(kept.key.space, []).append(kept)
    for space, some in by_space.items():
        authors, keys = {kept.author for kept in some}, {(kept.author, kept.target) for kept in some}
        people, pairs = await bases(tx, vault, space, authors, keys)
        for kept in some:
            _fold(engine, people[kept.author], pairs[kept.author, kept.target], kept, engine.read(kept.text or ""))
        await save_people(tx, vault, space, "base", people)
        await _save_pair_bases(tx, vault, space, pairs)


def _fold(engine: Engine, person: PersonState, pair: PairState | None, kept: Kept, evidence: Evidence) -> None:
    """Fold one retained message, as `Engine.feed` did when it came."""
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
