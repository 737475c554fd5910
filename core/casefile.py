"""The file of a case: all there is about it, as plain values that JSON holds.

Leans on the values of `core.cards` and `core.reported` only. Times are ISO 8601 in UTC, and the platform's ids stand
beside names, so that the file can be read without Lampkeeper. `FORMAT` grows when a key changes its meaning; keys may
be added at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from core.cards import NOTE, Background, Card, Person
from core.reported import Report
from core.store.messages import Kept

FORMAT = "lampkeeper-case-1"


def stamp(time: float | None) -> str | None:
    """Write a time (seconds since the epoch) down.

    >>> stamp(0.5)
    '1970-01-01T00:00:00.500+00:00'
    """
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def case_file(
    card: Card,
    texts: Sequence[Kept],
    reports: Sequence[Report] | None,
    trail: Sequence[tuple[Row[Any], Person | None]],
    now: float,
) -> dict[str, Any]:
    """Lay out a case.

    `texts` are all known versions of what its excerpt shows, oldest first; `reports` those of members, or None where
    the reader may not know them; `trail` the rows of its audit with who that was, where it is known and may be told.
    """
    moved = {(ref.key, ref.message_id) for ref in card.messages}
    decided, claimed = card.decided, card.claimed
    file = {
        "format": FORMAT,
        "note": NOTE,
        "case": card.alert,
        "space": card.space,
        "exported": stamp(now),
        "opened": stamp(card.opened),
        "level": card.level,
        "probability": card.probability,
        "actor": _person(card.actor, card.about_actor),
        "target": _person(card.target, card.about_target),
        "signals": list(card.signals),
        "welfare": list(card.welfare),
        "decision": decided
        and {
            "decision": decided.decision,
            "by": asdict(decided.moderator),
            "time": stamp(decided.time),
            "grounds": decided.grounds,
            "remark": decided.remark,
        },
        "claimed": claimed and {"by": asdict(claimed.moderator), "time": stamp(claimed.time)},
        "escalated": stamp(card.escalated),
        "held": stamp(card.held),
        "actions": [
            {
                "action": taken.action.what,
                "person": asdict(taken.action.person),
                "place": taken.action.place,
                "until": stamp(taken.action.until),
                "by": asdict(taken.moderator),
                "time": stamp(taken.time),
                "undone": stamp(taken.undone),
            }
            for taken in card.actions
        ],
        "messages": [
            {
                "conversation": kept.key.conversation,
                "id": kept.id,
                "version": kept.version,
                "author": {"id": kept.author, "name": kept.name},
                "target": kept.target,
                "time": stamp(kept.time),
                "received": stamp(kept.received),
                "text": kept.text,
                "attachments": list(kept.attachments),
                "moved_the_score": (kept.key, kept.id) in moved,
                "deleted": kept.deleted,
            }
            for kept in texts
        ],
        "audit": [
            {"time": stamp(row.time), "what": row.what, "by": who and asdict(who), "detail": row.detail}
            for row, who in trail
        ],
    }
    if reports is not None:
        file["reports"] = [_report(report) for report in reports]
    return file


def _report(report: Report) -> dict[str, Any]:
    place = {"conversation": report.conversation, "id": report.message_id}
    return {
        "by": asdict(Person(report.person, report.name)) if report.person else None,
        "time": stamp(report.time),
        "message": place if report.message_id else None,
        "text": report.words,
    }


def _person(who: Person | None, about: Background) -> dict[str, Any] | None:
    return None if who is None else asdict(who) | asdict(about) | {"stated": list(about.stated)}
