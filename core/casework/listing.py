"""The cases of a space as a list, what was done about one of them, in order, and what belongs to it.

Leans on `cases` for the cards and on the audit for the history; reads and changes nothing.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from sqlalchemy import func, not_, or_, select

from core.audit import LAMPKEEPER, NAMELESS, Deed
from core.casework import cases, notes, referrals
from core.casework.cards import Card, Person
from core.casework.transitions import state, undecided
from core.ledger import Ledger
from core.store import tables

Which = Literal["open", "on_hold", "decided", "reported", "closed", "all"]
"""`open` and `decided` are whether people decided, wherever a case stands; the others but `all` where it stands."""
_T = tables.alerts


class Wanted(NamedTuple):
    """Which cases: `about` is a person's id, for only those that the person is one of."""

    which: Which
    about: str | None = None


class Listed(NamedTuple):
    """One case; `reference` is where its card stands on the platform, None while it was not shown."""

    card: Card
    reference: str | None


class Done(NamedTuple):
    """One thing done about a case.

    `who` is None where it was Lampkeeper itself, and has no id where it is somebody whose name is not known here, or
    not told: who made a report.
    """

    time: float
    what: Deed
    who: Person | None
    detail: dict[str, Any]


async def listed(ledger: Ledger, space: str, wanted: Wanted, *, start: int = 0, most: int) -> tuple[list[Listed], int]:
    """Return at most `most` cases from number `start` on, newest first, and how many there are altogether."""
    here = [_T.c.space == space]
    if wanted.which in {"open", "decided"}:
        here.append(undecided() if wanted.which == "open" else not_(undecided()))
    elif wanted.which != "all":
        here.append(state() == wanted.which)
    if wanted.about is not None:
        blind = ledger.vault.blind(space, wanted.about)
        here.append(or_(_T.c.actor == blind, _T.c.target == blind))
    page = select(_T.c.alert, _T.c.reference).where(*here).order_by(_T.c.opened.desc(), _T.c.alert)
    async with ledger.store.read() as tx:
        total = await tx.scalar(select(func.count()).select_from(_T).where(*here)) or 0
        rows = (await tx.execute(page.offset(start).limit(most))).all()
        meanings = ledger.engine.own_meanings
        cards = [await cases.card(tx, ledger.vault, row.alert, meanings, ledger.age_bands) for row in rows]
    return [Listed(card, row.reference) for card, row in zip(cards, rows, strict=True) if card is not None], total


async def one(ledger: Ledger, space: str, alert: str) -> Listed | None:
    """Return one case of a space, or None if there is no such case in it."""
    async with ledger.store.read() as tx:
        reference = await tx.scalar(select(_T.c.reference).where(_T.c.alert == alert))
        card = await cases.card(tx, ledger.vault, alert, ledger.engine.own_meanings, ledger.age_bands)
    return Listed(card, reference) if card is not None and card.space == space else None


class Noted(NamedTuple):
    """What somebody noted on a case."""

    time: float
    who: Person
    text: str


class Referred(NamedTuple):
    """To whom a case was reported, by whom, and its number there; "" if there is none."""

    time: float
    who: tuple[Person, ...]
    to: str
    reference: str


class Belonging(NamedTuple):
    """What belongs to a case: others of the same people, newest first, notes and reports to authorities."""

    related: tuple[Card, ...]
    notes: tuple[Noted, ...]
    referrals: tuple[Referred, ...]


async def belonging(ledger: Ledger, space: str, alert: str) -> Belonging:
    """Return what belongs to a case."""
    vault, meanings = ledger.vault, ledger.engine.own_meanings
    async with ledger.store.read() as tx:
        others = await cases.related(tx, vault, alert)
        cards = [await cases.card(tx, vault, other, meanings, ledger.age_bands) for other in others]
        noted, referred = await notes.of_case(tx, vault, alert), await referrals.of_case(tx, vault, alert)
        whom = {row.who for row, _ in noted} | {who for row, _ in referred for who in (row.who, row.second)}
        people = await cases.people_named(tx, vault, space, whom)
    return Belonging(
        tuple(card for card in cards if card is not None),
        tuple(Noted(row.time, people.get(row.who, cases.FORMER_MODERATOR), text) for row, text in noted),
        tuple(
            Referred(
                row.time,
                tuple(people.get(who, cases.FORMER_MODERATOR) for who in (row.who, row.second) if who),
                referral.to,
                referral.reference,
            )
            for row, referral in referred
        ),
    )


async def history(ledger: Ledger, space: str, alert: str) -> list[Done]:
    """Return what was done about a case, oldest first."""
    deeds = tables.audit
    mine = select(deeds).where(deeds.c.space == space, deeds.c.about == alert).order_by(deeds.c.id)
    async with ledger.store.read() as tx:
        rows = (await tx.execute(mine)).all()
        people = await cases.people_named(tx, ledger.vault, space, {row.who for row in rows})
    unknown = Person("", "")
    return [
        Done(
            row.time,
            row.what,
            None if row.who == LAMPKEEPER else unknown if row.what in NAMELESS else people.get(row.who, unknown),
            row.detail,
        )
        for row in rows
    ]
