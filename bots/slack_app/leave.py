"""Leaving: what is kept of a workspace goes at once when the app is removed from it, as Slack asks.

Leans on `core.communities`, which seals a space, and on `core.retention.leaving`, which deletes sealed ones when their
time has come: here it has come. Cases under legal hold stay, sealed. Decision: the space is sealed, and due, before
anything else is done to it. Whatever cuts the rest off, the guard's housekeeping deletes it within the hour.
"""

from __future__ import annotations

from core.guard import Guard
from core.retention import leaving


async def seal(guard: Guard, space: str) -> None:
    """Take note that `space` is to be deleted; from then on nothing of it is shown, nor stored any more."""
    await guard.communities.leave(space)
    await guard.communities.stands(space, left=guard.ledger.clock() - leaving.GRACE)


async def forget(guard: Guard) -> None:
    """Delete what is kept of spaces that are due, but for cases under legal hold."""
    for gone in await leaving.forget_left(guard.ledger):
        guard.communities.forgotten(gone)
