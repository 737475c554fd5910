"""How long things are kept: the periods, and which cases a period is over for, as SQL.

Leans on the tables alone; `rules` declares what becomes of which table, `purging` does it. Decisions:

- A case goes in three steps. What nobody decided, and what was confirmed but never closed, is closed in the end:
  evidence is not kept for ever because people were away. Then its evidence goes: preserved messages, notes, remarks,
  and what members wrote when they reported it. Last goes the case.
- A case that became part of another is kept as long as that one, for it goes along wherever that is exported to.
- A case waits for people from when Lampkeeper opened it, which may be long after what it is about was said; and
  as long again from when people opened it once more.
- A legal hold keeps a case, and what belongs to it, against each of these. A hold with an end is over by itself then.
- Every condition holds before and after those above it were carried out. So what is listed at one time (`lampkeeper
  purge --dry-run`) is what a purge takes that begins at that time, though one step makes room for the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, not_, or_, select, true

from core.store import tables

DAY = 86_400.0
GRACE = 7 * DAY
"""Seconds between leaving a space and its deletion."""
ANSWERED_DAYS = 30.0
"""How long a member's request stays after it was answered, so that admins can look once more."""
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
    """Return whether a row of `alerts`, or the case that it became part of, is under legal hold.

    At a time `now`, in seconds since the epoch, those are not any more whose time is up; without one they are until a
    purge ended them.
    """
    return or_(_held(_T, now), _of_whole(lambda whole: _held(whole, now)))


def hold_over(_keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` is under a legal hold whose time is up."""
    return and_(_T.c.held.is_not(None), _T.c.held_until <= now)


def closing(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` is to be closed: nobody decided it, or closed it, in all that time."""
    return and_(_closing(_T, keep, now), not_(held(now)))


def evidence_over(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` has evidence that was kept long enough."""

    def ended(whole: FromClause) -> ColumnElement[bool]:
        at_once = _closing(whole, keep, now) if keep.closed == 0 else false()
        dismissed = and_(_dismissed(whole), whole.c.decided <= now - keep.dismissed * DAY)
        return or_(whole.c.closed <= now - keep.closed * DAY, at_once, dismissed)

    return and_(_has_evidence(), not_(held(now)), _of_whole(ended))


def over(keep: Keep, now: float) -> ColumnElement[bool]:
    """Return whether a row of `alerts` was kept long enough."""

    def gone(whole: FromClause) -> ColumnElement[bool]:
        dismissed = and_(_dismissed(whole), whole.c.decided <= now - keep.case * DAY)
        return or_(whole.c.closed <= now - keep.case * DAY, dismissed)

    return and_(not_(held(now)), _of_whole(gone))


def _held(table: FromClause, now: float | None) -> ColumnElement[bool]:
    on = table.c
    return and_(on.held.is_not(None), true() if now is None else or_(on.held_until.is_(None), on.held_until > now))


def _closing(table: FromClause, keep: Keep, now: float) -> ColumnElement[bool]:
    on = table.c
    deeds = tables.audit.alias()
    done, long_ago = (deeds.c.space == on.space, deeds.c.about == on.alert), now - keep.undecided * DAY
    opened = exists().where(*done, deeds.c.what == "alert opened", deeds.c.time <= long_ago).correlate(table)
    reopened = exists().where(*done, deeds.c.what == "case reopened", deeds.c.time > long_ago).correlate(table)
    undecided = and_(on.decision.is_(None), opened)
    last = func.coalesce(on.reported, on.decided)
    waited = or_(undecided, and_(on.decision == "confirmed", last <= now - keep.case * DAY))
    return and_(on.closed.is_(None), waited, not_(reopened))


def _dismissed(table: FromClause) -> ColumnElement[bool]:
    return and_(table.c.decision == "dismissed", table.c.closed.is_(None))


def _has_evidence() -> ColumnElement[bool]:
    items, notes = tables.items.alias(), tables.notes.alias()
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
        words.correlate(_T),
    )


def _of_whole(fits: Callable[[FromClause], ColumnElement[Any]]) -> ColumnElement[bool]:
    """Return whether something is so of the case that a row of `alerts` became part of, or of itself if of none."""
    one, part, other, whole = (tables.alerts.alias() for _ in range(4))
    by_itself = or_(one.c.merged.is_(None), one.c.merged.not_in(select(other.c.alert)))
    wholes = select(one.c.alert, one.c.alert.label("whole")).where(by_itself).cte(recursive=True)
    wholes = wholes.union_all(select(part.c.alert, wholes.c.whole).join(wholes, part.c.merged == wholes.c.alert))
    fitting = select(wholes.c.alert).join(whole, whole.c.alert == wholes.c.whole).where(fits(whole))
    return _T.c.alert.in_(fitting)
