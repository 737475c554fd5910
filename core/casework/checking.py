"""Whether what is preserved of a case is as it was written: its chain, held against what the audit noted of it.

Leans on `casefile` and `core.export.record`. The chain alone would not show that items were cut off at its end;
the audit has its last value from whenever the case was opened, changed, or passed on. `core.audit` says whether the
audit itself holds.
"""

from __future__ import annotations

from typing import NamedTuple

from core.casework import casefile
from core.errors import VaultError
from core.export.record import broken, emptied, missed
from core.ledger import Ledger


class Checked(NamedTuple):
    """How many items a case has, those of merged cases among them, and what does not fit, in sentences.

    `empty` items have a digest only: whoever wrote them was forgotten, as the audit tells, or `faults` does.
    """

    items: int
    empty: int
    faults: list[str]


async def check(ledger: Ledger, alert: str) -> Checked | None:
    """Check what is preserved of a case; None if there is no such case."""
    try:
        async with ledger.store.read() as tx:
            record = await casefile.record(tx, ledger, alert, reports=False)
    except VaultError as error:
        told = f"Something of case {alert} cannot be opened, so it was changed or sealed with another key. {error}"
        return Checked(0, 0, [told])
    if record is None:
        return None
    empty = sum(item.content is None for item in record.all_items)
    return Checked(len(record.all_items), empty, [*broken(record), *emptied(record), *missed(record)])
