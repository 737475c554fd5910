"""The audit: what was done, when, by whom, about which alert. Rows are added in the transaction of what they record.

Leans on `core.store`. Append only, and a hash chain over the whole database; `core.audit.chain` writes its layout down.
Nothing here changes or removes a row; only forgetting a person or a space does (`core.retention.rules`), and a later
row accounts for it (`core.audit.erasing`). `core.audit.heads` signs where the chain ends, outside the database;
`core.audit.verify` finds what was changed. A row holds pseudonyms, numbers and levels, never a text or a name.

A row follows from the newest one, which is looked up once a transaction and forgotten with it: so a transaction that
fails leaves nothing behind, and what another process added meanwhile is seen. (There are no savepoints: those could be
rolled back inside of one.) Rows are part of the chain only if `record` added them.
"""

from __future__ import annotations

import json
from typing import Any, Literal
from weakref import WeakKeyDictionary

from sqlalchemy import Column, MetaData, Table, Transaction, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.audit.chain import START, End, Row, links
from core.store import add, tables

Deed = Literal[
    "alert opened",
    "alert updated",
    "alert claimed",
    "alert released",
    "alert freed",
    "alert decided",
    "alert escalated",
    "decision undone",
    "decision reconsidered",
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
    "reminded",
    "report recorded",
    "report planned",
    "report confirmed",
    "report submitted",
    "report step failed",
    "report let go on",
    "report taken back",
    "report retracted",
    "report finished",
    "evidence purged",
    "items erased",
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
    "parts erased",
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


async def record(tx: AsyncConnection, rows: list[dict[str, Any]]) -> range:
    """Add rows; return their numbers."""
    if not rows:
        return range(0)
    transaction = tx.sync_connection.get_transaction() if tx.sync_connection else None
    assert transaction is not None
    end = _ends.get(transaction) or await _end(tx)
    made = [
        Row(number, float(row["time"]), row["space"], row["who"], row["what"], row["about"], _json(row["detail"]))
        for number, row in enumerate(rows, end.id + 1)
    ]
    chained = links(end, made)
    await add(tx, _STORED, [row._asdict() for row in made])
    await add(tx, tables.audit_chain, [link._asdict() for link in chained])
    _ends[transaction] = End(chained[-1].id, chained[-1].hash)
    return range(made[0].id, made[-1].id + 1)


_ends: WeakKeyDictionary[Transaction, End] = WeakKeyDictionary()
"""Where the chain ends inside a transaction that added to it."""
_STORED = Table("audit", MetaData(), *[Column(name) for name in Row._fields])
"""The table without its types, of which the JSON would be written anew: what is stored is what was hashed."""


async def _end(tx: AsyncConnection) -> End:
    chain = tables.audit_chain.c
    newest = (await tx.execute(select(chain.id, chain.hash).order_by(chain.id.desc()).limit(1))).first()
    return START if newest is None else End(newest.id, newest.hash)


def _json(detail: dict[str, Any]) -> str:
    return json.dumps(detail, separators=(",", ":"))
