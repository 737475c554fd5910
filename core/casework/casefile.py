"""The record of a case, read from the store: the one way into `core.export`.

Leans on `cases` for the card, `preserved` for the messages, and the audit. Runs inside a transaction of its
caller.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit
from core.casework import cases, notes, preserved, referrals, reported
from core.casework.cards import NOTE, Background, Card, Person
from core.export.record import (
    CaseRecord,
    Decision,
    Deed,
    MemberReport,
    Moderator,
    Note,
    Party,
    Passed,
    Taken,
)
from core.store import tables

if TYPE_CHECKING:
    from core.ledger import Ledger

_T, _D = tables.alerts, tables.audit


async def record(tx: AsyncConnection, ledger: Ledger, alert: str, *, reports: bool) -> CaseRecord | None:
    """Return everything about a case, and about the cases that became part of it; None if there is no such case.

    `reports`: whether who reads it may know which members asked moderators to look.
    """
    vault = ledger.vault
    card = await cases.card(tx, vault, alert, ledger.engine.own_meanings, ledger.age_bands)
    if card is None:
        return None
    deeds = (await tx.execute(select(_D).where(_D.c.about == alert).order_by(_D.c.id))).all()
    noted = await notes.of_case(tx, vault, alert)
    referred = await referrals.of_case(tx, vault, alert)
    about_them = select(_T.c.alert).where(
        _T.c.space == card.space, _T.c.actor == vault.blind(card.space, card.actor.id)
    )
    others = (await tx.scalars(about_them.where(_T.c.alert != alert).order_by(_T.c.opened, _T.c.alert))).all()
    earlier = [one for other in others for one in await referrals.of_case(tx, vault, other)]
    whom = {row.who for row in deeds} | {row.who for row, _ in noted}
    whom |= {who for row, _ in (*referred, *earlier) for who in (row.who, row.second)}
    names = await cases.people_named(tx, vault, card.space, whom)
    told = await reported.among(tx, vault, _T.c.alert == alert) if reports else None
    parts = await tx.scalars(select(_T.c.alert).where(_T.c.merged == alert).order_by(_T.c.opened))
    merged = [await record(tx, ledger, part, reports=reports) for part in parts.all()]

    def by(who: str) -> Moderator:
        return _moderator(names.get(who, cases.FORMER_MODERATOR))

    def passed(row: Row[Any], referral: referrals.Referral) -> Passed:
        whose = tuple(by(who) for who in (row.who, row.second) if who)
        return Passed(to=referral.to, time=_time(row.time), by=whose, reference=referral.reference)

    return CaseRecord(
        note=NOTE,
        case=card.alert,
        space=card.space,
        exported=_time(ledger.clock()),
        opened=_time(card.opened),
        state=card.state,
        level=card.level,
        probability=card.probability,
        actor=_party(card.actor, card.about_actor),
        target=None if card.target is None else _party(card.target, card.about_target),
        signals=card.signals,
        welfare=card.welfare,
        claimed_by=None if card.claimed is None else _moderator(card.claimed.moderator),
        escalated=_time(card.escalated),
        held=_time(card.held),
        held_until=_time(card.held_until),
        decision=_decision(card),
        notes=tuple(Note(by=by(row.who), time=_time(row.time), text=text) for row, text in noted),
        actions=_actions(card),
        reports=None if told is None else tuple(map(_report, told)),
        passed=tuple(passed(row, referral) for row, referral in referred),
        earlier=tuple(passed(row, referral) for row, referral in earlier),
        merged=tuple(part for part in merged if part is not None),
        items=tuple(await preserved.items(tx, vault, alert)),
        audit=tuple(
            Deed(
                time=_time(row.time),
                what=row.what,
                by=None if row.what in audit.NAMELESS or row.who == audit.LAMPKEEPER else by(row.who),
                detail=row.detail,
            )
            for row in deeds
        ),
    )


def exported(record: CaseRecord, now: float, moderator: Person, head: dict[str, Any]) -> CaseRecord:
    """Return the record with its own export in its audit, where its chain stood at `head`."""
    deed = Deed(time=_time(now), what="case exported", by=_moderator(moderator), detail=head)
    return record.model_copy(update={"audit": (*record.audit, deed)})


def _decision(card: Card) -> Decision | None:
    made = card.decided
    if made is None:
        return None
    return Decision(
        decision=made.decision,
        by=_moderator(made.moderator),
        time=_time(made.time),
        grounds=made.grounds,
        remark=preserved.whole(made.remark),
    )


def _actions(card: Card) -> tuple[Taken, ...]:
    return tuple(
        Taken(
            action=taken.action.what,
            person=_moderator(taken.action.person),
            by=_moderator(taken.moderator),
            time=_time(taken.time),
            until=_time(taken.action.until),
            undone=_time(taken.undone),
            place=taken.action.place,
        )
        for taken in card.actions
    )


def _party(who: Person, about: Background) -> Party:
    return Party(
        id=who.id,
        name=preserved.whole(who.name),
        age_band=about.band,
        age_band_by=None if about.band is None else about.band_by,
        stated_ages=about.stated,
        gone=who.gone,
        other_cases={"open": about.open, "confirmed": about.confirmed, "dismissed": about.dismissed},
    )


def _moderator(who: Person) -> Moderator:
    return Moderator(id=who.id, name=preserved.whole(who.name))


def _report(report: reported.Report) -> MemberReport:
    return MemberReport(
        by=Moderator(id=report.person, name=preserved.whole(report.name)) if report.person else None,
        time=_time(report.time),
        message=report.message_id or None,
        text=preserved.whole(report.words),
    )


@overload
def _time(seconds: float) -> datetime: ...
@overload
def _time(seconds: float | None) -> datetime | None: ...
def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
