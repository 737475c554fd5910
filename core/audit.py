"""The audit: what was done, when, by whom, about which alert. Rows are added in the transaction of what they record.

Leans on `core.store`. Append only: nothing here changes or removes a row; only forgetting a person or a space does
(`core.retention`). A row holds pseudonyms, numbers and levels, never a text or a name.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store import tables

Deed = Literal[
    "alert opened",
    "alert updated",
    "alert claimed",
    "alert released",
    "alert decided",
    "alert escalated",
    "decision undone",
    "action taken",
    "action refused",
    "action undone",
    "legal hold set",
    "legal hold lifted",
    "excerpt shown",
    "case exported",
    "case put aside",
    "case resumed",
    "case closed",
    "case reopened",
    "case merged",
    "note added",
    "agreed",
    "report confirmed",
    "evidence purged",
    "case removed",
    "report received",
    "request received",
    "request answered",
    "settings changed",
    "space joined",
    "space left",
    "space deleted",
    "person gone",
    "history scan begun",
    "history scan ended",
    "text purged",
    "languages not read told",
    "person forgotten",
]
LAMPKEEPER = ""
"""`who` where Lampkeeper itself acted."""
NAMELESS: tuple[Deed, ...] = ("report received",)
"""Of these nobody is told who: the record of a case is read by, and passed on to, those whom it is about."""


def row(
    time: float, space: str, what: Deed, *, who: str = LAMPKEEPER, about: str = "", **detail: Any
) -> dict[str, Any]:
    """Return one audit row; `who` is a pseudonym (`Vault.blind`), `about` an alert's id."""
    return {"time": time, "space": space, "who": who, "what": what, "about": about, "detail": detail}


async def record(tx: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Add rows."""
    if rows:
        await tx.execute(insert(tables.audit), rows)
