"""What is remembered between batches: conversations, people and pairs, in memory and in their tables.

Leans on the states of `core.conversation`, `core.pair` and `core.policy`. States are stored as sealed JSON, for they
hold people's ids; Python's JSON keeps every float exactly, so a state that was stored scores like one that was not.
Pairs, which are many and large, are packed as well (`core.store.pack`).

A `Known` holds the part of one space that is in memory. A key that is in its state was loaded, found or not; so "never
seen" is looked up once. It is written to only inside a transaction, and dropped whole when that fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.conversation import ConversationState
from core.engine import PairKey, SpaceState
from core.pair import Moment, PairState, PersonState
from core.policy import AlertState
from core.store import tables, upsert
from core.store.among import among
from core.store.pack import as_json, pack, unpack
from core.vault import Vault

KEYS_A_QUERY = 500
T = TypeVar("T")


@dataclass(slots=True)
class Marks:
    """How far a conversation was read, and up to which message time it was purged."""

    newest_id: str | None = None
    newest_time: float | None = None
    horizon: float | None = None


@dataclass(slots=True)
class Known:
    """One space in memory.

    `names` are people's names as last seen; `preserving` are the cases that preserve what is said between two
    pseudonyms (`core.casework.preserved`), `forgotten` when somebody's data was deleted last (seconds since the epoch;
    0: never); both None while not looked up.
    """

    space: str
    state: SpaceState = field(default_factory=SpaceState)
    marks: dict[str, Marks] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    preserving: dict[tuple[str, str], set[str]] | None = None
    forgotten: float | None = None

    def __len__(self) -> int:
        return len(self.state.conversations) + len(self.state.people) + len(self.state.pairs)


@dataclass(slots=True)
class Touched:
    """What of a space changed and is to be written."""

    conversations: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    pairs: set[PairKey] = field(default_factory=set)


def dump(vault: Vault, value: object, about: tuple[str, ...]) -> bytes:
    """Seal a state, or anything else that JSON can hold."""
    return vault.seal(as_json(value, fields), about)


def dump_pair(vault: Vault, pair: PairState, about: tuple[str, ...]) -> bytes:
    """Seal a pair's state, packed."""
    return vault.seal(pack(pair, fields), about)


def parse(vault: Vault, sealed: bytes, about: tuple[str, ...]) -> Any:
    """Open what `dump` or `dump_pair` sealed, as plain JSON."""
    return unpack(vault.open(sealed, about))


def blind_target(vault: Vault, space: str, target: str | None) -> str:
    """Return the pseudonym of a target; "" is nobody in particular."""
    return "" if target is None else vault.blind(space, target)


def pair_about(space: str, actor: str, target: str, column: str) -> tuple[str, ...]:
    """Say where a pair's sealed value stands; `actor` and `target` are pseudonyms."""
    return ("pairs", space, actor, target, column)


def person_about(space: str, person: str, column: str) -> tuple[str, ...]:
    """Say where a person's sealed value stands; `person` is a pseudonym."""
    return ("people", space, person, column)


def alert_about(alert: str) -> tuple[str, ...]:
    """Say where an alert's sealed value stands."""
    return ("alerts", alert, "sealed")


def read_pair(data: dict[str, Any] | list[Any]) -> PairState:
    """Make a pair's state of what was stored: fields by name, or in order; what a later version added is not there."""
    named = data if isinstance(data, dict) else dict(zip(PairState.__slots__, data, strict=False))
    moments = [Moment(**moment) if isinstance(moment, dict) else Moment(*moment) for moment in named["moments"]]
    return PairState(**{**named, "moments": moments})


def _read_conversation(data: dict[str, Any]) -> ConversationState:
    past = data.get("past")
    return ConversationState(**{**data, "past": None if past is None else ConversationState(**past)})


async def load_conversations(tx: AsyncConnection, vault: Vault, known: Known, wanted: Iterable[str]) -> None:
    """Bring the conversations `wanted` into memory."""
    missing = [name for name in wanted if name not in known.state.conversations]
    table = tables.conversations
    for names in chunks(missing):
        query = select(table).where(table.c.space == known.space, table.c.conversation.in_(names))
        for row in await tx.execute(query):
            about = ("conversations", known.space, row.conversation, "state")
            known.state.conversations[row.conversation] = _read_conversation(parse(vault, row.state, about))
            known.marks[row.conversation] = Marks(row.newest_id, row.newest_time, row.horizon)
    for name in missing:
        known.state.conversations.setdefault(name, ConversationState())
        known.marks.setdefault(name, Marks())


async def load_people(tx: AsyncConnection, vault: Vault, known: Known, wanted: Iterable[str]) -> None:
    """Bring the people `wanted` into memory."""
    missing = {vault.blind(known.space, person): person for person in wanted if person not in known.state.people}
    table = tables.people
    for blinds in chunks(list(missing)):
        query = select(table.c.person, table.c.identity, table.c.state)
        for row in await tx.execute(query.where(table.c.space == known.space, table.c.person.in_(blinds))):
            identity = parse(vault, row.identity, person_about(known.space, row.person, "identity"))
            known.names[missing[row.person]] = identity["name"]
            if row.state is not None:
                state = parse(vault, row.state, person_about(known.space, row.person, "state"))
                known.state.people[missing[row.person]] = PersonState(**state)
    for person in missing.values():
        known.state.people.setdefault(person, PersonState())


async def load_pairs(tx: AsyncConnection, vault: Vault, known: Known, wanted: Iterable[PairKey]) -> None:
    """Bring the pairs `wanted`, and what moderators were told about them, into memory."""
    missing = {
        (vault.blind(known.space, actor), blind_target(vault, known.space, target)): (actor, target)
        for actor, target in wanted
        if (actor, target) not in known.state.pairs
    }
    table = tables.pairs
    for blinds in chunks(list(missing)):
        query = select(table.c.actor, table.c.target, table.c.state, table.c.alert)
        these = among((table.c.actor, table.c.target), blinds)
        for row in await tx.execute(query.where(table.c.space == known.space, these)):
            key = missing[row.actor, row.target]
            about = pair_about(known.space, row.actor, row.target, "state")
            known.state.pairs[key] = read_pair(parse(vault, row.state, about))
            if row.alert is not None:
                about = pair_about(known.space, row.actor, row.target, "alert")
                known.state.alerts[key] = AlertState(**parse(vault, row.alert, about))
    for key in missing.values():
        known.state.pairs.setdefault(key, PairState())


async def save(tx: AsyncConnection, vault: Vault, known: Known, touched: Touched) -> None:
    """Write what changed in one space."""
    await save_all(tx, vault, [(known, touched)])


async def save_all(tx: AsyncConnection, vault: Vault, changes: Sequence[tuple[Known, Touched]]) -> None:
    """Write what changed in many, a statement a table; `base` columns stay as they are."""
    conversations = [_conversation_row(vault, known, name) for known, did in changes for name in did.conversations]
    people = [_person_row(vault, known, person) for known, did in changes for person in did.people]
    pairs = [_pair_row(vault, known, key) for known, did in changes for key in did.pairs]
    for table, rows in ((tables.conversations, conversations), (tables.people, people), (tables.pairs, pairs)):
        await upsert(tx, table, rows)


def _conversation_row(vault: Vault, known: Known, name: str) -> Mapping[str, Any]:
    marks, about = known.marks[name], ("conversations", known.space, name, "state")
    return {
        "space": known.space,
        "conversation": name,
        "state": dump(vault, known.state.conversations[name], about),
        "newest_id": marks.newest_id,
        "newest_time": marks.newest_time,
        "horizon": marks.horizon,
    }


def _person_row(vault: Vault, known: Known, person: str) -> Mapping[str, Any]:
    blind = vault.blind(known.space, person)
    identity = {"id": person, "name": known.names.get(person, "")}
    return {
        "space": known.space,
        "person": blind,
        "identity": dump(vault, identity, person_about(known.space, blind, "identity")),
        "state": dump(vault, known.state.people[person], person_about(known.space, blind, "state")),
    }


def _pair_row(vault: Vault, known: Known, key: PairKey) -> Mapping[str, Any]:
    actor, target = vault.blind(known.space, key[0]), blind_target(vault, known.space, key[1])
    alert = known.state.alerts.get(key)
    about = pair_about(known.space, actor, target, "alert")
    return {
        "space": known.space,
        "actor": actor,
        "target": target,
        "state": dump_pair(vault, known.state.pairs[key], pair_about(known.space, actor, target, "state")),
        "alert": None if alert is None else dump(vault, alert, about),
    }


def fields(state: Any) -> dict[str, Any]:
    """Name a state's fields, for JSON (the states are dataclasses with slots)."""
    return {name: getattr(state, name) for name in state.__slots__}


def chunks(items: list[T]) -> Iterable[list[T]]:
    """Cut into queries of at most `KEYS_A_QUERY` keys."""
    return (items[start : start + KEYS_A_QUERY] for start in range(0, len(items), KEYS_A_QUERY))
