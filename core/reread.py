"""What is remembered of pairs is in the units of one model: under another model it is read anew.

Leans on the store and the engine. What is retained is folded again; what was purged cannot be, and is forgotten as far
as scores go. Alerts, decisions, stated ages and the record stay: they are no model's.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.engine import Engine
from core.pair import PairState
from core.store import messages, tables, upsert
from core.store.states import blind_target, dump_pair, pair_about
from core.vault import Vault

_ROW = "model"


async def reread(tx: AsyncConnection, vault: Vault, engine: Engine) -> int | None:
    """Read all pairs anew if another model made them; return how many there are, or None if it was this one."""
    if await same_model(tx, engine):
        return None
    pairs = tables.pairs
    count = 0
    for space in (await tx.scalars(select(pairs.c.space).distinct())).all():
        states = await _folded(tx, vault, engine, space)
        keys = (await tx.execute(select(pairs.c.actor, pairs.c.target).where(pairs.c.space == space))).all()
        rows = [
            {
                "of": actor,
                "to": target,
                "made": dump_pair(vault, states[actor, target], pair_about(space, actor, target, "state")),
            }
            for actor, target in keys
        ]
        here = (pairs.c.space == space, pairs.c.actor == bindparam("of"), pairs.c.target == bindparam("to"))
        await tx.execute(update(pairs).where(*here).values(state=bindparam("made"), base=None), rows)
        count += len(rows)
    await upsert(tx, tables.meta, [{"name": _ROW, "number": engine.model.identity}])
    return count


async def same_model(tx: AsyncConnection, engine: Engine) -> bool:
    """Tell whether what is remembered was made with the engine's model."""
    made_with = await tx.scalar(select(tables.meta.c.number).where(tables.meta.c.name == _ROW))
    return bool(made_with == engine.model.identity)


async def _folded(
    tx: AsyncConnection, vault: Vault, engine: Engine, space: str
) -> defaultdict[tuple[str, str], PairState]:
    """Fold what is retained of a space, author by author, into states by pseudonyms."""
    states: defaultdict[tuple[str, str], PairState] = defaultdict(PairState)
    table = tables.messages
    for author in (await tx.scalars(select(table.c.author).where(table.c.space == space).distinct())).all():
        for kept in await messages.said_as(tx, vault, space, author):
            pair = states[author, blind_target(vault, space, kept.target)]
            engine.fold(pair, engine.read(kept.text or ""), kept.key.conversation, kept.id, kept.time)
    return states
