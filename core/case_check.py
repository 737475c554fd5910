"""Whether what is preserved of a case is as it was written: its chain, held against what the audit noted of it.

Leans on `core.casefile` and `core.export.record`. The chain alone would not show that items were cut off at its end;
the audit has its last value from whenever the case was opened, changed, or passed on. `core.audit` says whether the
audit itself holds.
"""

from __future__ import annotations

from core import casefile
from core.errors import VaultError
from core.export.record import CaseRecord, broken
from core.ledger import Ledger

PURGED = "evidence purged"


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


def missed(record: CaseRecord) -> list[str]:
    """Say which values that the audit noted of a record's chain are not in it; [] if all are.

    >>> from core.export.example import example
    >>> missed(example())
    []
    """
    heads: dict[int, str] = {}
    for deed in record.audit:
        if deed.what == PURGED:  # what is preserved after that is numbered anew
            heads.clear()
        elif "chain" in deed.detail:
            heads[deed.detail["items"]] = deed.detail["chain"]
    chain = {0: None} | {item.number: item.chain for item in record.items}
    faults = []
    for number, head in sorted(heads.items()):
        if number not in chain:
            faults.append(f"The audit noted {number} items of case {record.case}; there are {len(record.items)}.")
        elif number and chain[number] != head:
            faults.append(f"The chain of case {record.case} is another at item {number} than the audit noted.")
    return faults + [fault for case in record.merged for fault in missed(case)]
