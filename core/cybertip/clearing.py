"""What was laid down for NCMEC goes: with the evidence of its case, and when somebody is forgotten of whom it tells.

Leans on `core.cybertip.stored` and `core.audit`; runs inside a transaction of its caller, who knows what is under legal
hold. What is not handed in then cannot be any more, so it is taken back; where it is open at NCMEC, whoever carries
next asks for that. Of what was handed in, log and receipt stay: that it was done, and under which number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import audit
from core.cybertip import stored
from core.cybertip.log import TakenBack
from core.cybertip.steps import FINAL
from core.cybertip.stored import Content
from core.export.transcript import NAME
from core.export.writing import one_line
from core.store import tables
from core.vault import Vault

_T, _A = tables.submissions, tables.alerts


async def telling_of(
    tx: AsyncConnection, vault: Vault, space: str, person: str, among: ColumnElement[bool]
) -> list[str]:
    """Return the cases, `among` those rows of `alerts`, for which something is laid down that tells of a person."""
    laid_down = select(_T.c.alert).join(_A, _A.c.alert == _T.c.alert).where(_A.c.space == space, among)
    found = []
    for alert in (await tx.scalars(laid_down.order_by(_T.c.alert))).all():
        content = await stored.load_content(tx, vault, alert)
        if content is not None and _names(content, person):
            found.append(alert)
    return found


async def clear(tx: AsyncConnection, vault: Vault, alerts: Iterable[str], now: float) -> None:
    """Remove what is laid down for cases, and take back what is not handed in."""
    for alert in alerts:
        kept = await stored.load(tx, vault, alert)
        if kept is None:
            continue
        if kept.standing.state not in FINAL:
            await stored.add(tx, vault, kept, TakenBack(now, audit.LAMPKEEPER))
            row = audit.row(now, kept.space, "report taken back", about=alert, live=kept.standing.live)
            await audit.record(tx, [row])
        await stored.empty(tx, alert)


def _names(content: Content, person: str) -> bool:
    """Tell whether a person's id stands in what is sent, as a transcript writes it, not as a part of another word.

    >>> _names(Content(b"<a>1001</a>", ()), "1001"), _names(Content(b"<a>10012</a>", ()), "1001")
    (True, False)
    """
    theirs = re.compile(rb"(?<!\w)" + re.escape(one_line(person, NAME).encode()) + rb"(?!\w)")
    return any(theirs.search(part) for part in (content.xml, *(file.data for file in content.files)))
