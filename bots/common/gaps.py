"""What was deleted while nobody listened: what is kept of a stretch of history, and is no longer shown in it.

Leans on the guard. History does not say that something was deleted, it only shows it no more. So this may be asked of a
stretch alone that was read without a hole, from its first message that was shown on: whoever reads back and stops
somewhere, is let read only so much, or is shown nothing at all, cannot tell what went before. Live events of the
conversation must wait meanwhile, or `until` lie before the reading, by the platform's own clock: messages have their
times from that one, and ours may be ahead of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol

from core.messages import ConversationKey, Deletion, Event


class Keeper(Protocol):
    """What of the guard is needed."""

    async def standing(
        self, space: str, conversations: Iterable[str], since: float, until: float
    ) -> dict[str, set[str]]:
        """Return the ids of messages that are kept, and not known to be deleted, by conversation."""

    async def receive(self, event: Event) -> None:
        """Queue an event."""


async def hand_deletions(
    keeper: Keeper, key: ConversationKey, since: float, until: float, shown: AbstractSet[str]
) -> frozenset[str]:
    """Hand over a deletion of all that is kept and not among the ids `shown`; return what is kept and is.

    What was said from `since` to `until` (seconds since the epoch, both included) is taken for deleted; what was said
    after that may be too young to be shown, and is returned only.
    """

    async def kept(to: float) -> set[str]:
        return (await keeper.standing(key.space, [key.conversation], since, to)).get(key.conversation, set())

    for gone in sorted(await kept(until) - shown):
        await keeper.receive(Deletion(key, gone))
    return frozenset(await kept(math.inf) & shown)
