"""How long things are kept: the periods, and which cases a period is over for, as SQL.

Leans on the tables and `core.casework.parts`; `rules` declares what becomes of which table, `purging` does it.
Decisions:

- A case goes in three steps. What nobody decided, and what was confirmed but never closed, is closed in the end:
  evidence is not kept for ever because people were away. Then its evidence goes: preserved messages, notes, remarks,
  what members wrote when they reported it, and what was laid down for NCMEC. Last goes the case.
- A case that became part of another is kept as long as that one, for it goes along wherever that is exported to.
- A case waits for people from when Lampkeeper opened it, which may be long after what it is about was said; and
  as long again from when people put it aside, went on with it, took a decision back, or opened it once more. Evidence
  of a dismissed case that was opened once more, and the case, are kept as long again, too.
- A legal hold keeps a case, and what belongs to it, against each of these. A hold with an end is over by itself then.
- Every condition holds before and after those above it were carried out. So what is listed at one time (`lampkeeper
  purge --dry-run`) is what a purge takes that begins at that time, though one step makes room for the next.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, not_, or_, true

from core import audit
from core.casework.parts import of_any, of_whole
from core.store import tables

DAY = 86_400.0
GRACE = 7 * DAY
"""Seconds between leaving a space and its deletion."""
KEPT = 365 * DAY
"""Seconds for which the evidence of a reported case is kept at least: one year, as 18 U.S.C. 2258A(h) asks of providers
(https://www.law.cornell.edu/uscode/text/18/2258A)."""
ANSWERED_DAYS = 30.0
"""How long a member's request stays after it was answered, so that admins can look once more."""
BEGUN_ANEW: tuple[audit.Deed, ...] = ("case reopened", "case resumed", "decision undone", "decision reconsidered")
"""After these a case waits for people as long again."""
_T = tables.alerts


class Keep(NamedTuple):
    """What the operator chose, in days.

    `text`: of messages; `dismissed` and `closed`: of the evidence of such cases; `undecided`: until a case that nobody
    decided is closed; `case`: of the case itself once it is over, and until one that was confirmed is closed; `audit`:
    of what the record of what was done tells of people and cases.
    """

    text: float = 7
    dismissed: float = 30
    closed: float = 90
    undecided: float = 180
    case: float = 730
    audit: float = 1095


def held(now: float | None = None) -> ColumnElement[bool]:
    """Return whether a row of `alerts`, or any case that it is part of, is under legal hold.

    At a time `now`, in seconds since the epoch, those are not any more whose time is up; without one they are until a
    purge ended them.
    """
    return of_any(lambda row: is_held(row, now))


def is_held(row: FromClause, now: float | None = None) -> ColumnElement[bool]:
    """Return whether a row of `alerts`, or of an alias of it, is under a legal hold of its own; `now` as in `held`."""
    lasts = true() if now is None else or_(row.c.held_until.is_(None), row.c.held_until > now)
    return and_(row.c.held.is_not(None), lasts)


def hold_over(_keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` is under a legal hold whose time is up."""
    return and_(_T.c.held.is_not(None), _T.c.held_until <= now)


def closing(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` is to be closed: nobody decided it, or closed it, in all that time."""
    return and_(_closing(_T, keep, now), not_(held(now)))


def evidence_over(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` has evidence that was kept long enough."""
    return and_(_has_evidence(), evidence_ended(keep, now))


def evidence_ended(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether evidence of a row of `alerts` is kept no longer: there may be none left."""

    def ended(whole: FromClause) -> ColumnElement[bool]:
        at_once = _closing(whole, keep, now) if keep.closed == 0 else false()
        return or_(whole.c.closed <= now - keep.closed * DAY, at_once, _dismissed(whole, now - keep.dismissed * DAY))

    return and_(not_(held(now)), of_whole(ended))


def over(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` was kept long enough."""

    def gone(whole: FromClause) -> ColumnElement[bool]:
        return or_(whole.c.closed <= now - keep.case * DAY, _dismissed(whole, now - keep.case * DAY))

    return and_(not_(held(now)), of_whole(gone))


def _closing(table: FromClause, keep: Keep, now: float) -> ColumnElement[bool]:
    on = table.c
    deeds = tables.audit.alias()
    done, long_ago = (deeds.c.space == on.space, deeds.c.about == on.alert), now - keep.undecided * DAY
    opened = exists().where(*done, deeds.c.what == "alert opened", deeds.c.time <= long_ago).correlate(table)
    undecided = and_(on.decision.is_(None), opened, _left_alone(table, long_ago))
    last, confirmed_long_ago = func.coalesce(on.reported, on.decided), now - keep.case * DAY
    confirmed = and_(on.decision == "confirmed", last <= confirmed_long_ago, _left_alone(table, confirmed_long_ago))
    return and_(on.closed.is_(None), or_(undecided, confirmed))


def _left_alone(table: FromClause, since: float) -> ColumnElement[bool]:
    """Return whether a case was neither put aside nor begun anew after a time."""
    aside = or_(table.c.aside.is_(None), table.c.aside <= since)
    return and_(aside, not_(_deed_since(table, BEGUN_ANEW, since)))


def _dismissed(table: FromClause, since: float) -> ColumnElement[bool]:
    """Return whether a case stands dismissed, was so at a time, and nobody opened it once more after that."""
    stands = and_(table.c.decision == "dismissed", table.c.closed.is_(None), table.c.decided <= since)
    return and_(stands, not_(_deed_since(table, ("case reopened",), since)))


def _deed_since(table: FromClause, which: tuple[audit.Deed, ...], since: float) -> ColumnElement[bool]:
    deeds = tables.audit.alias()
    done = (deeds.c.space == table.c.space, deeds.c.about == table.c.alert, deeds.c.what.in_(which))
    return exists().where(*done, deeds.c.time > since).correlate(table)


def _has_evidence() -> ColumnElement[bool]:
    items, notes, sent = tables.items.alias(), tables.notes.alias(), tables.submissions.alias()
    told, purged = tables.audit.alias(), tables.audit.alias()
    since = exists().where(purged.c.about == _T.c.alert, purged.c.what == "evidence purged", purged.c.id > told.c.id)
    words = exists().where(
        told.c.space == _T.c.space,
        told.c.about == _T.c.alert,
        told.c.what == "report received",
        not_(since.where(purged.c.space == _T.c.space).correlate(_T, told)),
    )
    return or_(
        _T.c.remark.is_not(None),
        _T.c.evidence.is_not(None),
        exists().where(items.c.alert == _T.c.alert).correlate(_T),
        exists().where(notes.c.alert == _T.c.alert).correlate(_T),
        exists().where(sent.c.alert == _T.c.alert, sent.c.content.is_not(None)).correlate(_T),
        words.correlate(_T),
    )
