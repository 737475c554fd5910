"""Communities: what each space chose for itself, and what became of it: joined, paused, left.

Leans on `core.ledger`. Decisions:
- A choice is a key of the platform's own model in `core.config` (`alert_channel`, `review`, ...). Only what was changed
  in the platform itself is stored; the rest is as the operator's configuration says, so that both stay true: the file
  sets a server up, and its admins need no file.
- `mode` and `review` are known to the core: the engine keeps a space's `core.policy.Rules` in memory, changed in the
  same breath as the row.
- Whatever waits to be shown in a space is tried again when its choices change: the alert channel that it waited for may
  be among them.
- A paused space is not read at all: its adapter keeps its pauses among its choices (`pauses`), and whatever was said
  during one of them is never read.
- `left` seals a space at once: nothing of it is shown (`core.outbox` leaves it out), its adapter reads nothing more,
  and what had been received is not stored (`sealed`): it may be deleted by then, and must not begin anew. If it comes
  back before it is deleted (`core.retention.leaving`), everything is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, channels, outbox
from core.casework import cases
from core.casework.cards import Person
from core.ledger import Ledger
from core.policy import Rules, Thresholds
from core.store import tables, upsert
from core.store.look import choices_of
from core.store.states import dump, parse
from core.vault import Vault

Choices = Mapping[str, Any]
Arrival = Literal["new", "back", "known"]
NAMING_PEOPLE = frozenset(("moderators",))
"""Choices that hold people's ids: the audit tells that they changed, not to what."""
NOTHING: Choices = MappingProxyType({})
_T = tables.spaces


@dataclass(frozen=True, slots=True)
class Standing:
    """How a space stands; times are seconds since the epoch, None where it never was.

    `joined`: since when it is served; `left`: when Lampkeeper was removed from it; `advised`: when its admins were
    offered a threshold fitted to what was seen; `digested`: when they last got the weekly digest.
    """

    joined: float | None = None
    left: float | None = None
    advised: float | None = None
    digested: float | None = None


def looked_up(database: Path, vault: Vault) -> dict[str, dict[str, Any]]:
    """Return what each space chose itself, from a database that a running Lampkeeper may have open.

    Raises StoreError and VaultError as `core.store.look.look` does.
    """
    return {space: parse(vault, sealed, _about(space)) for space, sealed in choices_of(database)}


class Communities:
    """The spaces on one ledger; `defaults` are the operator's choices for them, by space."""

    def __init__(self, ledger: Ledger, defaults: Mapping[str, Choices] = MappingProxyType({})) -> None:
        self.ledger = ledger
        self._defaults = dict(defaults)
        self.sealed: set[str] = set()
        """Spaces that left, and did not come back."""

    async def every(self, platform: str) -> dict[str, dict[str, Any]]:
        """Return what each space of a platform chose itself."""
        async with self.ledger.store.read() as tx:
            query = select(_T.c.space).where(_T.c.space.startswith(f"{platform}:", autoescape=True))
            return {space: await self._stored(tx, space) for space in (await tx.scalars(query)).all()}

    async def choose(
        self, space: str, changes: Choices, who: Person, noted: Choices = NOTHING, *, notices: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Change what a space chose; None takes a choice back. Return its choices. Audited, with the new values.

        `noted` is kept with them, and was chosen by nobody (see `note`). `notices` tell of the change, in their order.

        The values must be such as JSON holds, and right: adapters check them with their model in `core.config`.
        """
        ledger = self.ledger
        async with ledger.transaction() as tx:
            stored = await self._change(tx, space, {**changes, **noted})
            blind = await cases.remember(tx, ledger.vault, space, who)
            told = {name: value for name, value in changes.items() if name not in NAMING_PEOPLE}
            named = sorted(changes.keys() - told.keys())
            deed = audit.row(ledger.clock(), space, "settings changed", who=blind, changes=told, also=named)
            await audit.record(tx, [deed])
            await outbox.hurry(tx, space, ledger.clock())
            for notice in notices:
                await outbox.put_notice(tx, space, notice, ledger.clock())
        self._apply(space, stored)
        return stored

    async def note(self, space: str, changes: Choices) -> dict[str, Any]:
        """Keep among a space's choices what nobody there chose; return them. Neither audited nor news to the engine."""
        async with self.ledger.transaction() as tx:
            return await self._change(tx, space, changes)

    async def load(self) -> None:
        """Have the engine go by what every space chose; once, before anything is scored."""
        async with self.ledger.store.read() as tx:
            spaces = {*(await tx.scalars(select(_T.c.space))), *self._defaults}
            chosen = {space: await self._stored(tx, space) for space in spaces}
            self.sealed |= set(await tx.scalars(select(_T.c.space).where(_T.c.left.is_not(None))))
        for space, choices in chosen.items():
            self._apply(space, choices)

    async def default(self, space: str, choices: Choices) -> None:
        """Take in what the operator chose for a space whose name only its platform could tell."""
        self._defaults[space] = choices
        async with self.ledger.store.read() as tx:
            self._apply(space, await self._stored(tx, space))

    def forgotten(self, space: str) -> None:
        """Have the engine go by the operator's choices again: the space was deleted."""
        self._apply(space, {})

    async def standing(self, space: str) -> Standing:
        """Return how a space stands."""
        async with self.ledger.store.read() as tx:
            row = (await tx.execute(select(_T).where(_T.c.space == space))).first()
        return Standing() if row is None else Standing(row.joined, row.left, row.advised, row.digested)

    async def stands(self, space: str, **times: float | None) -> None:
        """Set times of `Standing`."""
        async with self.ledger.transaction() as tx:
            await upsert(tx, _T, [{"space": space}])
            await tx.execute(update(_T).where(_T.c.space == space).values(**times))

    def rules(self, space: str) -> Rules:
        """Return what holds for a space, by its own choice or by everybody's."""
        engine = self.ledger.engine
        return engine.rules.get(space) or Rules(engine.thresholds, shadow=engine.shadow)

    async def arrive(self, space: str) -> Arrival:
        """Take note that a space is served; tell whether it was: never, until it left, or all along. Audited."""
        ledger, here = self.ledger, await self.standing(space)
        self.sealed.discard(space)
        if here.joined is not None and here.left is None:
            return "known"
        now = ledger.clock()
        async with ledger.transaction() as tx:
            joined = now if here.joined is None else here.joined
            await upsert(tx, _T, [{"space": space, "joined": joined, "left": None}])
            await audit.record(tx, [audit.row(now, space, "space joined", back=here.joined is not None)])
        return "new" if here.joined is None else "back"

    async def leave(self, space: str) -> bool:
        """Seal a space that Lampkeeper was removed from; False if nothing is kept of it, or it is sealed. Audited."""
        ledger, open_ = self.ledger, (_T.c.space == space, _T.c.left.is_(None))
        async with ledger.store.read() as tx:
            is_open = await tx.scalar(select(_T.c.space).where(*open_)) is not None
        if is_open:
            async with ledger.transaction() as tx:
                now = ledger.clock()
                await tx.execute(update(_T).where(*open_).values(left=now))
                await audit.record(tx, [audit.row(now, space, "space left")])
        self.sealed.add(space)
        return is_open

    async def tell(self, space: str, text: str) -> None:
        """Have the admins of a space told something about Lampkeeper itself, once they can be."""
        async with self.ledger.transaction() as tx:
            await outbox.put_notice(tx, space, text, self.ledger.clock())

    async def _change(self, tx: AsyncConnection, space: str, changes: Choices) -> dict[str, Any]:
        stored = (await self._stored(tx, space)) | dict(changes)
        stored = {name: value for name, value in stored.items() if value is not None}
        await upsert(tx, _T, [{"space": space, "choices": dump(self.ledger.vault, stored, _about(space))}])
        return stored

    async def _stored(self, tx: AsyncConnection, space: str) -> dict[str, Any]:
        sealed = await tx.scalar(select(_T.c.choices).where(_T.c.space == space))
        return {} if sealed is None else parse(self.ledger.vault, sealed, _about(space))

    def _apply(self, space: str, stored: Choices) -> None:
        channels.note(self.ledger.store.database, space, stored.get("alert_channel"))
        choices = {**self._defaults.get(space, {}), **stored}
        engine, review, mode = self.ledger.engine, choices.get("review"), choices.get("mode")
        thresholds = engine.thresholds if review is None else Thresholds.around(review)
        engine.rules[space] = Rules(thresholds, shadow=mode == "shadow" if mode else engine.shadow)


def _about(space: str) -> tuple[str, ...]:
    return ("spaces", space, "choices")
