"""How the probability of a pair moved with its latest messages: worked out when a card is drawn, and stored nowhere.

Leans on the store and the engine. The pair is folded from its base and what is retained, as `core.retention.rolling`
does, and scored after each of its latest messages. Ages and fan-out are taken as they are known now, so the last number
is the pair's score as it stands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import cases
from core.casework.cards import Card
from core.engine import Engine, PairKey
from core.messages import Pair
from core.reread import same_model
from core.retention.rolling import bases
from core.store import messages, tables
from core.store.states import Known, blind_target, load_people
from core.vault import Vault

if TYPE_CHECKING:
    from core.ledger import Ledger

LATEST = 40
"""Messages of the two, in both directions."""


async def drawn(tx: AsyncConnection, ledger: Ledger, alert: str) -> Card | None:
    """Return an alert's card with its course, as it stands now, or None if there is no such alert."""
    engine, vault = ledger.engine, ledger.vault
    card = await cases.card(tx, vault, alert, engine.own_meanings, ledger.age_bands)
    if card is None:
        return None
    pair = Pair(card.space, card.actor.id, None if card.target is None else card.target.id)
    return replace(card, course=await course(tx, vault, engine, pair))


async def course(tx: AsyncConnection, vault: Vault, engine: Engine, pair: Pair) -> tuple[float, ...]:
    """Return the probabilities, 0..1, after each of the pair's `LATEST` retained messages; those without are left out.

    () where nothing is retained, and while the stored states are still another model's (`core.reread`).
    """
    space, actor, target = pair
    if not await same_model(tx, engine):
        return ()
    me, other = vault.blind(space, actor), blind_target(vault, space, target)
    table = tables.messages
    between = or_(
        and_(table.c.author == me, table.c.target == other), and_(table.c.author == other, table.c.target == me)
    )
    said = await messages.read(
        tx, vault, select(table).where(table.c.space == space, between, table.c.body.is_not(None))
    )
    if not said:
        return ()
    known = Known(space)
    people = [person for person in (actor, target) if person is not None]
    await load_people(tx, vault, known, people)
    keys: list[PairKey] = [(actor, target)] if target is None else [(actor, target), (target, actor)]
    _, known.state.pairs = await bases(tx, vault, space, [], keys)
    reached = []
    for number, kept in enumerate(said, start=1):
        folded = known.state.pairs[kept.author, kept.target]
        engine.fold(folded, engine.read(kept.text or ""), kept.key.conversation, kept.id, kept.time)
        if number > len(said) - LATEST:
            probability = engine.model.probability(*known.state.sides(pair))
            reached += [] if probability is None else [probability]
    return tuple(reached)
