"""A test card, to see whether cards come through: it goes through the outbox, and whoever asked is told how it went.

Leans on `core.outbox`: the test card is a notice whose text is an order to the platform's module (`order`), so that the
core knows nothing of it, and nothing of it stays: no alert, no case, no row once it was shown. It is edited once, as
cards are, to tell how long it took. One that could not be shown is taken out of the outbox again: a test card that
comes hours later would only puzzle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from bots.common.hand import Style
from bots.common.here import Here
from bots.common.markup import Id
from bots.common.words import Words
from core import outbox
from core.guard import Guard

PATIENCE = 10.0
"""Seconds to wait for the outbox."""
BUTTONS: Mapping[str, Style] = MappingProxyType({"confirm": "danger", "excerpt": "primary"})
"""Buttons of a test card; their texts are ``test.<name>``, and ``test.pressed`` answers each."""
ORDER = "lampkeeper-test:"


async def ask(here: Here, guard: Guard, channel: Id) -> str:
    """Have a test card shown in the alert channel; say how it went."""
    notice, words = order(time.time()), here.words
    async with here.ledger.transaction() as tx:
        await outbox.put_notice(tx, here.space, notice, here.ledger.clock())
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await guard.settled()
    unshown = await outbox.take_back(here.ledger.store, here.space, notice)
    if unshown is None:
        return words.say("test.shown", channel=words.markup.channel(channel))
    if unshown.error is None:
        return words.say("test.late", seconds=f"{PATIENCE:g}")
    return words.say("test.refused", error=unshown.error)


def order(began: float) -> str:
    """Write the notice that stands for a test card asked for at `began`, seconds since the epoch."""
    return f"{ORDER}{began:.3f}"


def is_order(notice: str) -> bool:
    """Tell whether a notice stands for a test card.

    >>> is_order(order(1700000000.0)), is_order("Lampkeeper is behind.")
    (True, False)
    """
    return notice.startswith(ORDER)


def took(words: Words, notice: str) -> str:
    """Say on the card that stands now how long it took since it was asked for."""
    return words.say("test.took", seconds=f"{max(0.0, time.time() - float(notice.removeprefix(ORDER))):.1f}")
