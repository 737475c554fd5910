"""Whom a call to a card calls, where, and in which words (`core.casework.cards.Call`; texts in section card).

Leans on a space's settings. Decisions:

- Urgent cards and second looks call the roles that were chosen for that; where none was, nobody.
- What nobody looks into is said under the card, calling nobody; then to the `call_role`, or else the moderators' roles;
  then in the second channel, for the first may be muted. Where no second channel was
  chosen, or it is closed to Lampkeeper, the same roles are called under the card once more: it must not fall silent.
- Under the card it is said whose turn it could be (`bots.common.rotation`), plainly: the name calls nobody.
- A second channel is told that a case waits and where its card stands, and nobody's name: others may read there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from bots.common.markup import Id
from bots.common.settings import Settings
from bots.common.words import Words
from core.casework.cards import Call, Card, Person

AGAIN = "ping_again"
"""What is said in place of a second channel."""
TELLS_TURN = frozenset(("remind", "ping", AGAIN))
"""What is said with whose turn it could be."""


class Called(NamedTuple):
    """Roles to call, and what to say (``card.call_<said>``): under the card, or in a `channel`."""

    roles: tuple[Id, ...]
    said: str
    channel: Id | None = None


def _moderators(held: Settings) -> Sequence[Id]:
    return held.moderator_roles if held.call_role is None else [held.call_role]


ROLES: Mapping[Call, Callable[[Settings], Sequence[Id]]] = MappingProxyType(
    {
        "urgent": lambda held: [] if held.call_role is None else [held.call_role],
        "second": lambda held: held.second_reviewers,
        "remind": lambda _held: [],
        "ping": _moderators,
        "second_channel": _moderators,
    }
)
NEEDS_ROLES: frozenset[Call] = frozenset(("urgent", "second"))


def called(held: Settings, why: Call, *, elsewhere: bool = True) -> Called | None:
    """Return whom to call for `why`; None where nobody is to be. Without `elsewhere`, under the card whatever it is."""
    if why == "second_channel" and elsewhere and held.second_channel is not None:
        return Called((), why, held.second_channel)
    roles = tuple(ROLES[why](held))
    if why in NEEDS_ROLES and not roles:
        return None
    return Called(roles, AGAIN if why == "second_channel" else why)


def text(words: Words, card: Card, said: str, roles: str, address: str) -> str:
    """Say it: `roles` as they are mentioned, and where the card stands."""
    when, link = words.markup.when(card.opened, "ago"), words.markup.link(address)
    return words.say(f"card.call_{said}", roles=roles, when=when, link=link).strip()


def turn(words: Words, said: str, who: Person | None) -> str:
    """Say whose turn it could be, in a line of its own under the rest; "" where nobody's, or nothing is said of it."""
    return "" if who is None or said not in TELLS_TURN else f"\n{words.say('card.turn', who=words.named(who))}"
