"""What is kept, for how long, and how a member asks for it or for its deletion.

Leans on `core.retention.requests`; admins answer (`bots.common.requests`).
"""

from __future__ import annotations

from bots.common.here import Here
from bots.common.words import Words
from core.casework.cards import Person
from core.retention import requests
from core.retention.keeping import Keep


def kept(words: Words, keep: Keep) -> str:
    """Say what is kept, and for how long."""
    return words.say("privacy.kept", **{name: f"{days:g}" for name, days in keep._asdict().items()})


def confirmed(words: Words, typed: str) -> bool:
    """Tell whether somebody typed the word that a deletion is asked for with."""
    return typed.strip().casefold() == words.say("privacy.confirm_word").casefold()


async def ask(here: Here, kind: requests.Kind, person: Person) -> str:
    """Record a request, and have the admins told; return what to say."""
    words = here.words
    notice = words.say("requests.notice_access" if kind == "access" else "requests.notice_deletion")
    number = await requests.ask(here.ledger, here.space, kind, person, notice)
    if number is None:
        return words.say("privacy.asked_already")
    return words.say("privacy.asked_access" if kind == "access" else "privacy.asked_deletion")
