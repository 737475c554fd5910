"""The desk: what moderators ask for and decide, each a transaction of its own, audited with who, when and why.

Leans on `core.ledger`, `cases`, `transitions` and `preserved`. Adapters have checked before that whoever
asks is a moderator. Decisions:
- Of two who press at once the first is recorded, and the second is told who that was (`Verdict`).
- An action on the platform is recorded before it is tried (`acted`), which makes the first of two moderators the only
  one who acts; one that the platform refused is taken off again (`refused`). So nothing that was done is missing here,
  whatever breaks in between.
- Why is in the audit as the case, and the grounds of a dismissal; what people write themselves is sealed, and only on
  the card.
- A case that is open again has what was said meanwhile preserved, and so has every part of it (`_catch_up`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit, outbox, policy
from core.casework import (
    casefile,
    cases,
    excerpts,
    exposure,
    four_eyes,
    holds,
    listing,
    notes,
    parts,
    preserved,
    referrals,
    rotation,
)
from core.casework.acts import Acts
from core.casework.cards import Card, Decided, Decision, ExcerptLine, Grounds, Person
from core.casework.exposure import LIMIT, Exposure
from core.casework.listing import Belonging
from core.casework.referrals import Referral
from core.course import drawn
from core.export.record import CaseRecord
from core.ledger import Ledger
from core.messages import Pair
from core.policy import AlertState
from core.retention import keeping
from core.store import tables

UNDO_WITHIN = 86_400.0
"""Seconds in which a decision can be taken back by whoever made it."""
FourEyes = Literal["report", "ban"]
Referred = Literal["recorded", "second_needed", "not_typed", "state", "recorded_before"]
"""What became of a referral: recorded; agreed to by one of two; the case's number was not typed; it was not confirmed
before; the same was recorded before."""
Change = Callable[[AsyncConnection, Pair, float], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a press; `accepted` False: it changed nothing, and `card` says why, as it stands (no course)."""

    card: Card
    accepted: bool


class Desk:
    """Casework on one ledger; what is in `four_eyes` takes two people, and `excerpt_lines` a day are enough to read.

    `rotate`: people are told whose turn it could be to look into a case.
    """

    def __init__(
        self, ledger: Ledger, four_eyes: Collection[FourEyes] = (), excerpt_lines: int = LIMIT, *, rotate: bool = True
    ) -> None:
        self._ledger = ledger
        self._four_eyes = frozenset(four_eyes)
        self._excerpt_lines = excerpt_lines
        self._rotate = rotate
        self.acts = Acts(ledger)
        """What was done on the platform."""

    async def card(self, alert: str) -> Card | None:
        """Return an alert's card as it stands, or None if there is no such alert."""
        async with self._ledger.store.read() as tx:
            return await drawn(tx, self._ledger, alert)

    async def case(self, alert: str) -> Card | None:
        """Return the same without its course, which whoever only decides does not wait for."""
        async with self._ledger.store.read() as tx:
            return await self._card(tx, alert)

    async def belonging(self, card: Card) -> Belonging:
        """Return what belongs to a case: others of the same people, notes, reports to authorities."""
        return await listing.belonging(self._ledger, card.space, card.alert)

    # --- the decision ------------------------------------------------------------------------------------------------

    async def decide(
        self, alert: str, decision: Decision, moderator: Person, grounds: Grounds | None = None, remark: str = ""
    ) -> Verdict | None:
        """Record a moderator's decision; the first wins. None if there is no such alert."""

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            decided = Decided(decision, moderator, now, grounds, remark)
            recorded = await cases.decide(tx, self._ledger.vault, alert, pair.space, decided)
            if recorded:
                await four_eyes.withdraw(tx, alert)
                await self._policy(tx, alert, pair, lambda state: policy.decided(state, now))
            return recorded

        why = {"decision": decision} | ({} if grounds is None else {"grounds": grounds})
        return await self._press(alert, moderator, change, "alert decided", **why)

    async def undecide(self, alert: str, moderator: Person) -> Verdict | None:
        """Take back this moderator's own decision of the last `UNDO_WITHIN` seconds. None if there is no such alert."""

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            who = self._ledger.vault.blind(pair.space, moderator.id)
            taken_back = await cases.undecide(tx, self._ledger.vault, alert, who, now - UNDO_WITHIN)
            return taken_back and await self._undecided(tx, alert, pair, now)

        return await self._press(alert, moderator, change, "decision undone")

    async def reconsider(self, alert: str, moderator: Person) -> Verdict | None:
        """Take a decision back, whoever made it and whenever, so that it is decided anew."""

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            taken_back = await cases.reconsider(tx, self._ledger.vault, alert)
            return taken_back and await self._undecided(tx, alert, pair, now)

        return await self._press(alert, moderator, change, "decision reconsidered")

    async def _undecided(self, tx: AsyncConnection, alert: str, pair: Pair, now: float) -> Literal[True]:
        """Have a case go on whose decision was taken back."""
        await four_eyes.withdraw(tx, alert)
        await self._policy(tx, alert, pair, policy.reopened)
        await self._catch_up(tx, alert, now)
        return True

    # --- who works on it, who else is asked --------------------------------------------------------------------------

    async def claim(self, alert: str, moderator: Person, instead_of: Person | None = None) -> Verdict | None:
        """Record that a moderator works on it, if nobody does, or takes over from somebody."""

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            vault = self._ledger.vault
            who = vault.blind(pair.space, moderator.id)
            so_far = None if instead_of is None else vault.blind(pair.space, instead_of.id)
            return await cases.claim(tx, alert, who, now, so_far)

        return await self._press(alert, moderator, change, "alert claimed")

    async def release(self, alert: str, moderator: Person) -> Verdict | None:
        """Record that a moderator works on it no more."""

        async def change(tx: AsyncConnection, pair: Pair, _now: float) -> bool:
            return await cases.release(tx, alert, self._ledger.vault.blind(pair.space, moderator.id))

        return await self._press(alert, moderator, change, "alert released")

    async def escalate(self, alert: str, moderator: Person) -> Verdict | None:
        """Have a second reviewer called, once."""

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            if not await cases.step_of(tx, alert, "escalate", escalated=now):
                return False
            await outbox.put_call(tx, pair.space, alert, "second", now)
            return True

        return await self._press(alert, moderator, change, "alert escalated")

    # --- the rest of its way ----------------------------------------------------------------------------------------

    async def put_aside(self, alert: str, moderator: Person) -> Verdict | None:
        """Put the case aside until somebody outside answers: nobody is reminded of it meanwhile."""

        async def change(tx: AsyncConnection, _pair: Pair, now: float) -> bool:
            return await cases.step_of(tx, alert, "put_aside", aside=now)

        return await self._press(alert, moderator, change, "case put aside")

    async def resume(self, alert: str, moderator: Person) -> Verdict | None:
        """Go on with a case that was put aside, from where it stood."""

        async def change(tx: AsyncConnection, _pair: Pair, _now: float) -> bool:
            return await cases.step_of(tx, alert, "resume", aside=None)

        return await self._press(alert, moderator, change, "case resumed")

    async def close(self, alert: str, moderator: Person) -> Verdict | None:
        """Close a case that was decided: nothing more is preserved, and retention begins to count."""

        async def change(tx: AsyncConnection, _pair: Pair, now: float) -> bool:
            await four_eyes.withdraw(tx, alert)
            return await cases.step_of(tx, alert, "close", closed=now)

        return await self._press(alert, moderator, change, "case closed")

    async def reopen(self, alert: str, moderator: Person) -> Verdict | None:
        """Open a closed case again, where it stood; one that was merged stands by itself then."""

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            if not await cases.step_of(tx, alert, "reopen", closed=None, merged=None):
                return False
            if await cases.is_undecided(tx, alert):
                await self._policy(tx, alert, pair, policy.reopened)
            await self._catch_up(tx, alert, now)
            return True

        return await self._press(alert, moderator, change, "case reopened")

    async def merge(self, alert: str, into: str, moderator: Person) -> Verdict | None:
        """Make a case part of another about the same actor, and close it.

        What is preserved of it stays in its own chain, and goes along wherever the other is exported to. Not accepted
        where the two have no person in common, or the other is closed or part of this one.
        """

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            if not await cases.could_merge(tx, self._ledger.vault, alert, into):
                return False
            preserving = await preserved.goes_on(tx, alert)
            if not await cases.step_of(tx, alert, "merge", closed=now, merged=into):
                return False
            await four_eyes.withdraw(tx, alert)
            if not preserving:
                await self._catch_up(tx, alert, now)
            await self._policy(tx, alert, pair, lambda state: policy.decided(state, now) if state.open else None)
            await outbox.put_cards(tx, {into: pair.space}, now)
            return True

        return await self._press(alert, moderator, change, "case merged", into=into)

    async def mergeable(self, alert: str) -> list[Card]:
        """Return the open cases that one can become part of, newest first."""
        vault = self._ledger.vault
        async with self._ledger.store.read() as tx:
            related = await cases.related(tx, vault, alert)
            others = [one for one in related if await cases.could_merge(tx, vault, alert, one)]
            cards = [await self._card(tx, one) for one in others]
        return [card for card in cards if card is not None]

    async def note(self, alert: str, text: str, moderator: Person) -> Verdict | None:
        """Note something on a case.

        Not accepted where the text is empty, or the time of the case's evidence is up: a note would go with the next
        purge.
        """

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            if not text.strip() or await self._evidence_ended(tx, alert, now):
                return False
            who = self._ledger.vault.blind(pair.space, moderator.id)
            await notes.put(tx, self._ledger.vault, pair.space, alert, who, text.strip(), now)
            return True

        return await self._press(alert, moderator, change, "note added")

    async def refer(self, alert: str, referral: Referral, moderator: Person) -> Referred | None:
        """Record that a confirmed case is reported to an authority; evidence is then kept for `referrals.KEPT`.

        Only whoever typed the case's number does so, and two of them where the operator asks for four eyes. None if
        there is no such alert.
        """
        if not referrals.confirms(referral.typed, alert):
            return "not_typed"
        outcome: Referred = "state"

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            nonlocal outcome
            vault, space = self._ledger.vault, pair.space
            who, first = vault.blind(space, moderator.id), ""
            if not await cases.stands(tx, alert, "report"):
                return False
            if await referrals.known(tx, vault, alert, referral):
                outcome = "recorded_before"
                return False
            if "report" in self._four_eyes:
                words = vault.blind(space, f"{referral.to}\0{referral.reference}")  # both agree to the same
                agreed = await four_eyes.agree(tx, vault, alert, space, f"report {words}", moderator, now)
                if agreed is None:
                    outcome = "second_needed"
                    return True
                first = agreed
            await referrals.record(tx, vault, space, alert, referral, first or who, who if first else "", now)
            outcome = "recorded"
            return True

        verdict = await self._press(
            alert, moderator, change, lambda: "agreed" if outcome == "second_needed" else "report recorded"
        )
        return None if verdict is None else outcome

    async def agree(self, alert: str, what: FourEyes, moderator: Person) -> bool:
        """Tell whether something may be done: two agreed to it, or the operator asks for one only. Audited."""
        if what not in self._four_eyes:
            return True
        enough = False

        async def change(tx: AsyncConnection, pair: Pair, now: float) -> bool:
            nonlocal enough
            vault = self._ledger.vault
            enough = await four_eyes.agree(tx, vault, alert, pair.space, what, moderator, now) is not None
            return True

        await self._press(alert, moderator, change, "agreed", action=what)
        return enough

    # --- evidence ----------------------------------------------------------------------------------------------------

    async def hold(self, alert: str, moderator: Person) -> Verdict | None:
        """Put the case under legal hold: whatever is preserved of it stays until the hold is lifted.

        A hold that would end by itself has no end any more.
        """

        async def change(tx: AsyncConnection, _pair: Pair, now: float) -> bool:
            if not await holds.begin(tx, alert, now):
                return False
            await preserved.window(tx, self._ledger.vault, alert, now)
            return True

        return await self._press(alert, moderator, change, "legal hold set")

    async def lift(self, alert: str, moderator: Person) -> Verdict | None:
        """Lift the case's legal hold; of a reported case let it end by itself once its year is over (`holds.lift`)."""

        async def change(tx: AsyncConnection, _pair: Pair, now: float) -> bool:
            return await holds.lift(tx, alert, now)

        return await self._press(alert, moderator, change, "legal hold lifted")

    async def excerpt(self, alert: str, moderator: Person, more: int = 0) -> list[ExcerptLine]:
        """Return the kept text around an alert's reasons, oldest first; [] if it was purged. Audited, and counted.

        `more` messages before and after each reason, besides the few that come unasked (`excerpts.AROUND`).
        """
        ledger, vault = self._ledger, self._ledger.vault
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, vault, alert)
            if pair is None:
                return []
            lines = await excerpts.excerpt(tx, vault, alert, ledger.engine.read, more)
            if moderator.id == pair.actor:  # who is reported must not learn who asked
                lines = [line for line in lines if not line.report]
            now, who = ledger.clock(), await cases.remember(tx, vault, pair.space, moderator)
            await exposure.count(tx, pair.space, who, alert, len(lines), now)
            deed = audit.row(now, pair.space, "excerpt shown", who=who, about=alert, lines=len(lines))
            await audit.record(tx, [deed])
        return lines

    # --- how much anybody reads --------------------------------------------------------------------------------------

    async def exposure(self, space: str, moderator: Person) -> Exposure:
        """Return how much a moderator was shown in a space today."""
        vault, now = self._ledger.vault, self._ledger.clock()
        async with self._ledger.store.read() as tx:
            return await exposure.of(tx, space, vault.blind(space, moderator.id), self._excerpt_lines, now)

    async def enough(self, space: str, moderator: Person) -> Exposure | None:
        """Return the same, once a day, when the limit is reached: to say so kindly. None otherwise."""
        today = await self.exposure(space, moderator)
        if not today.over:
            return None
        async with self._ledger.transaction() as tx:
            who = self._ledger.vault.blind(space, moderator.id)
            return today if await exposure.told(tx, space, who, self._ledger.clock()) else None

    async def reviewers(self, card: Card) -> list[Person]:
        """Return whose turn it could be to look into a case, most first; [] where a community wants no rotation."""
        if not self._rotate:
            return []
        ledger = self._ledger
        async with ledger.store.read() as tx:
            return await rotation.reviewers(tx, ledger.vault, card, self._excerpt_lines, ledger.clock())

    # --- the file of a case ------------------------------------------------------------------------------------------

    async def export(
        self, alert: str, moderator: Person, make: Callable[[CaseRecord], Awaitable[None]] | None = None
    ) -> CaseRecord | None:
        """Return all there is about a case: card, actions, audit, preserved messages. Audited.

        `make` is given the record, to make of it what is handed out: if it raises, nothing was exported, and the audit
        does not say so. Members' reports are in the record, but not for the person reported: they must not learn who
        asked. A file is passed on, so its audit tells nobody who that was. None if there is no such alert (any more).
        """
        ledger = self._ledger
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, ledger.vault, alert)
            if pair is None:
                return None
            now = ledger.clock()
            who = await cases.remember(tx, ledger.vault, pair.space, moderator)
            if await preserved.goes_on(tx, alert):
                await preserved.window(tx, ledger.vault, alert, now)
            head = (await preserved.head(tx, alert))._asdict()
            so_far = await casefile.record(tx, ledger, alert, reports=moderator.id != pair.actor)
            assert so_far is not None
        record = casefile.exported(so_far, now, moderator, head)
        if make is not None:
            await make(record)
        async with ledger.transaction() as tx:
            if await cases.pair_of(tx, ledger.vault, alert) is None:
                return None
            await audit.record(tx, [audit.row(now, pair.space, "case exported", who=who, about=alert, **head)])
            await exposure.count(tx, pair.space, who, alert, record.texts, now)
        return record

    # -----------------------------------------------------------------------------------------------------------------

    async def _catch_up(self, tx: AsyncConnection, alert: str, now: float) -> None:
        """Preserve what was said meanwhile, of the case and of each of its parts, if they go on preserving."""
        if await preserved.goes_on(tx, alert):
            for one in (alert, *await parts.parts(tx, alert)):
                await preserved.catch_up(tx, self._ledger.vault, one, now)

    async def _evidence_ended(self, tx: AsyncConnection, alert: str, now: float) -> bool:
        ended = keeping.evidence_ended(self._ledger.keep, now)
        return await tx.scalar(select(tables.alerts.c.alert).where(tables.alerts.c.alert == alert, ended)) is not None

    async def _card(self, tx: AsyncConnection, alert: str) -> Card | None:
        ledger = self._ledger
        return await cases.card(tx, ledger.vault, alert, ledger.engine.own_meanings, ledger.age_bands)

    async def _press(
        self, alert: str, moderator: Person, change: Change, what: audit.Deed | Callable[[], audit.Deed], **why: Any
    ) -> Verdict | None:
        """Carry out one change of an alert, audit it and have the card shown anew, if it did change anything.

        Whoever did it is remembered by name: of a pseudonym alone nobody could ever tell who that was. `what` is the
        deed, or says it once the change was tried.
        """
        ledger, vault = self._ledger, self._ledger.vault
        async with ledger.transaction() as tx:
            pair = await cases.pair_of(tx, vault, alert)
            if pair is None:
                return None
            now = ledger.clock()
            accepted = await change(tx, pair, now)
            if accepted:
                who = await cases.remember(tx, vault, pair.space, moderator)
                head = (await preserved.head(tx, alert))._asdict()
                deed = what() if callable(what) else what
                await audit.record(tx, [audit.row(now, pair.space, deed, who=who, about=alert, **why, **head)])
                await outbox.put_cards(tx, {alert: pair.space}, now)
                ledger.memory.of(pair.space).preserving = None
            card = await self._card(tx, alert)
        assert card is not None
        return Verdict(card, accepted)

    async def _policy(self, tx: AsyncConnection, alert: str, pair: Pair, step: Callable[[AlertState], None]) -> None:
        """Tell the policy, if this is the pair's latest alert."""
        known = self._ledger.memory.of(pair.space)
        await cases.tell_policy(tx, self._ledger.vault, known, alert, pair, step)
