"""Whether what is preserved of a case is as it was written: its chain, held against what the audit noted of it.

Leans on `casefile` and `core.export.record`. The chain alone would not show that items were cut off at its end;
the audit has its last value from whenever the case was opened, changed, or passed on. `core.audit` says whether the
audit itself holds.
"""

from __future__ import annotations

from core.casework import casefile
from core.errors import VaultError
from core.export.record import broken, missed
from core.ledger import Ledger


async def check(ledger: Ledger, alert: str) -> tuple[int, list[str]] | None:
    """Return how many items a case has, those of merged cases among them, and what does not fit, in sentences.

    None if there is no such case.
    """
    try:
        async with ledger.store.read() as tx:
            record = await casefile.record(tx, ledger, alert, reports=False)
    except VaultError as error:
        return 0, [f"Something of case {alert} cannot be opened, so it was changed or sealed with another key. {error}"]
    return None if record is None else (len(record.all_items), [*broken(record), *missed(record)])
