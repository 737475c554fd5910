"""The excerpt a moderator asks for: what is preserved of a case, and what is retained around what moved its score.

Leans on `preserved` and `core.store.messages` for texts; runs inside a transaction of its caller. What is both
preserved and retained is told apart by where a message stands and by its version. Nobody is shown more than they asked
for: at first the messages that moved the score with `AROUND` before and after each, where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.casework import preserved, reported
from core.casework.cards import ExcerptLine, Person
from core.emphasis import weight, weighty
from core.evidence import Evidence
from core.messages import ConversationKey
from core.store import messages, tables
from core.store.messages import Kept, MessageKey
from core.store.states import alert_about, parse
from core.vault import Vault

AROUND = 2
"""Messages shown before and after each that moved the score, where nobody asked for more."""
_T = tables.alerts


async def excerpt(
    tx: AsyncConnection, vault: Vault, alert: str, read: Callable[[str], Evidence], more: int = 0
) -> list[ExcerptLine]:
    """Return what is kept around the card's messages, oldest first, then what members who reported wrote.

    `more` messages are shown before and after each besides the first `AROUND`. A line says how many before it, and the
    last message how many after it, were left out.

    Each message is as it read last, with the weightiest of what it said before: an edit hides nothing that people were
    called to look at. Reports come last, for where an excerpt is too long its first lines are left out.

    `read` is `core.engine.Engine.read`: what weighs most in the messages that moved the score is marked by it.
    """
    row = await _row(tx, alert)
    if row is None:
        return []
    moved = preserved.moved(vault, row)
    wordings: dict[MessageKey, list[Kept]] = {}  # in the order received
    for kept in await shown(tx, vault, alert):
        wordings.setdefault((kept.key, kept.id), []).append(kept)
    reports = reported.reports(parse(vault, row.sealed, alert_about(alert)))
    asked_for = _near(list(wordings), moved, AROUND + more)
    told = [ExcerptLine(Person(r.person, r.name), r.time, r.words, reason=False, report=True) for r in reports]
    said = [
        ExcerptLine(
            Person(kept.author, kept.name),
            kept.time,
            text := kept.text or "",
            reason := (kept.key, kept.id) in moved,
            kept.deleted,
            tuple(kept.attachments),
            weighty(read, text) if reason else (),
            earlier=_earlier(read, [version.text for version in before], text),
            edited=next((version.edited for version in (*before, kept) if version.version == 0), None),
        )
        for key, (*before, kept) in wordings.items()
        if key in asked_for
    ]
    return _with_gaps(said, [key in asked_for for key in wordings]) + told


async def shown(tx: AsyncConnection, vault: Vault, alert: str) -> list[Kept]:
    """Return what an alert's excerpt rests on, every version that is known, oldest first."""
    row = await _row(tx, alert)
    if row is None:
        return []
    found = {(kept.key, kept.id, kept.version): kept for kept in await preserved.said(tx, vault, alert)}
    for key in preserved.moved(vault, row):
        for kept in await messages.around(tx, vault, key, preserved.LINES):
            found[kept.key, kept.id, kept.version] = kept
    return sorted(found.values(), key=lambda kept: (kept.received, kept.seq, kept.version))


def _near(order: Sequence[MessageKey], moved: Collection[MessageKey], reach: int) -> set[MessageKey]:
    """Return the messages at most `reach` from one that moved the score, in its conversation; else the last ones."""
    places: dict[ConversationKey, list[MessageKey]] = {}
    for key in order:
        places.setdefault(key[0], []).append(key)
    near: set[MessageKey] = set()
    for here in places.values():
        for number, key in enumerate(here):
            if key in moved:
                near.update(here[max(number - reach, 0) : number + reach + 1])
    return near or set(order[-2 * reach - 1 :])


def _with_gaps(said: list[ExcerptLine], shown: Sequence[bool]) -> list[ExcerptLine]:
    """Say before each line, and after the last, how many were left out."""
    lines: list[ExcerptLine] = []
    left_out = 0
    for is_shown in shown:
        if is_shown:
            lines.append(replace(said[len(lines)], left_out=left_out))
        left_out = 0 if is_shown else left_out + 1
    if lines and left_out:
        lines[-1] = replace(lines[-1], more_after=left_out)
    return lines


def _earlier(read: Callable[[str], Evidence], before: list[str | None], now: str) -> str:
    """Return the weightiest of what a message said before; "" if it never said anything else."""
    return max((text for text in before if text and text != now), key=lambda text: weight(read(text)), default="")


async def _row(tx: AsyncConnection, alert: str) -> Row[Any] | None:
    return (await tx.execute(select(_T).where(_T.c.alert == alert))).first()
