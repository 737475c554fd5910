"""Whose turn it could be to look into a case: those of `core.casework.rotation` who still moderate.

That only the platform can tell, so it is asked, of a few: a card must not wait for a whole team. Who works at a
terminal presses no button, and is not named.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from core.casework.cards import Card, Person
from core.casework.cases import TERMINAL
from core.casework.desk import Desk
from core.casework.transitions import WORKED_ON

Moderates: TypeAlias = Callable[[Person], Awaitable[bool]]
"""Tells whether somebody moderates the space now; False where the platform does not tell."""
NAMED = 3
"""How many people are named who could take over."""
ASKED_ABOUT = 6
"""Of how many people the platform is asked at most."""


def is_free(card: Card) -> bool:
    """Tell whether a case waits for somebody to look into it."""
    return card.state in WORKED_ON and card.claimed is None


async def turn(desk: Desk, card: Card, moderates: Moderates) -> Person | None:
    """Return whose turn it could be to look into a free case; None where it is not free, or there is nobody."""
    found = await others(desk, card, moderates, most=1) if is_free(card) else []
    return found[0] if found else None


async def others(desk: Desk, card: Card, moderates: Moderates, most: int = NAMED) -> list[Person]:
    """Return at most so many people who could look into a case, whose turn it is most first."""
    found: list[Person] = []
    here = [one for one in await desk.reviewers(card) if not one.id.startswith(TERMINAL)]
    for one in here[:ASKED_ABOUT]:
        if len(found) < most and await moderates(one):
            found.append(one)
    return found
