"""What the writer remembers between batches, so that most messages ask the database nothing.

Leans on `core.store.states`. It belongs to whoever holds the lock of `core.ledger`, and is dropped when a transaction
fails.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from core.store.states import Known

MOST_REMEMBERED = 50_000
"""States of conversations, people and pairs that stay in memory between batches: some 50 MB."""


@dataclass(slots=True)
class Memory:
    """What the writer knows without asking. `received` never runs backwards, even if the clock does."""

    spaces: OrderedDict[str, Known] = field(default_factory=OrderedDict)
    next_seq: int | None = None
    received: float = 0.0

    def of(self, space: str) -> Known:
        """Return what is known of a space, as the one used last."""
        known = self.spaces.setdefault(space, Known(space))
        self.spaces.move_to_end(space)
        return known

    def trim(self) -> None:
        """Forget the spaces used longest ago until the rest is small enough. Only right after a commit."""
        total = sum(len(known) for known in self.spaces.values())
        while total > MOST_REMEMBERED:
            total -= len(self.spaces.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything, after a transaction failed: memory may be ahead of the database."""
        self.spaces.clear()
        self.next_seq = None
