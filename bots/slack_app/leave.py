"""Leaving: what is kept of a workspace goes at once when the app is removed from it, as Slack asks.

Leans on `core.communities`, which seals a space, and on `core.retention.leaving`, which deletes sealed ones when their
time has come: here it has come. Cases under legal hold stay, sealed.
"""

from __future__ import annotations

from core.guard import Guard
from core.retention import leaving


async def forget(guard: Guard, space: str) -> None:
    """Delete what is kept of `space`, but for cases under legal hold."""
    await guard.communities.leave(space)
    await guard.communities.stands(space, left=guard.ledger.clock() - leaving.GRACE)
    for gone in await leaving.forget_left(guard.ledger):
        guard.communities.forgotten(gone)
