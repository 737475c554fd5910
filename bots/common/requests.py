"""What members asked for about themselves, for admins to answer.

Leans on `core.retention.requests`. What a member is shown goes to them alone, as a direct message: the admin who
answers sees how much it was, and no word of it. Nobody answers their own request for a deletion: the answer would tell
of cases about them, and take those along.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from bots.common.exports import File
from bots.common.here import Here
from bots.common.words import Words
from core.casework.cards import Person
from core.messages import tidy
from core.retention import requests
from core.retention.requests import Deletion, Request

FILE = "kept_about_you.json"
Write: TypeAlias = Callable[[Person, str, File | None], Awaitable[bool]]
"""Writes a direct message to a member; False if they do not take any."""


def lines(words: Words, found: Iterable[Request]) -> list[str]:
    """List requests that are open."""
    return [words.say("requests.open"), *(_line(words, request) for request in found)]


def wants(words: Words, request: Request) -> str:
    """Say what somebody wants."""
    return words.say("requests.access" if request.kind == "access" else "requests.deletion")


async def show(here: Here, request: Request, admin: Person, place: str, write: Write) -> str:
    """Send a member what is kept about them in the space, named `place` as it is to be shown; say so to the admin."""
    words, person = here.words, request.person
    if request.number not in {waiting.number for waiting in await requests.waiting(here.ledger, here.space)}:
        return words.say("requests.gone")
    kept = await requests.kept(here.ledger, here.space, person.id)
    data = File(FILE, tidy(json.dumps(kept, ensure_ascii=False, indent=1)).encode())
    who = words.named(person)
    if not await write(person, words.say("requests.answer", server=place), data):
        return words.say("requests.closed", who=who)
    await requests.answer(here.ledger, here.space, request.number, admin)
    return words.say("requests.sent", who=who, messages=len(kept["your_messages"]))


def own(words: Words, request: Request, admin: Person) -> str | None:
    """Say that somebody else has to answer a request, where an admin asked for their own deletion; None otherwise."""
    return words.say("requests.own") if request.kind == "deletion" and request.person.id == admin.id else None


async def sure(here: Here, request: Request) -> str:
    """Say what a deletion takes along, before an admin orders it."""
    words, cases = here.words, await requests.confirmed(here.ledger, here.space, request.person.id)
    who = words.named(request.person)
    text = words.say("requests.confirm", who=who)
    return f"{text}\n\n{words.say('requests.confirm_cases', who=who, count=cases)}" if cases else text


async def delete(here: Here, request: Request, admin: Person, place: str, write: Write) -> str:
    """Delete what is kept about a member, and tell them, if they can be told; say so to the admin."""
    words, who = here.words, here.words.named(request.person)
    if refused := own(words, request, admin):
        return refused
    found = await requests.delete(here.ledger, here.space, request.number, admin)
    if found is None:
        return words.say("requests.gone")
    if not found.done:
        reasons = [words.say("requests.standing_open", count=len(found.open))] if found.open else []
        reasons += [_held(words, found)] if found.held else []
        return words.say("requests.standing", reasons=", ".join(reasons), who=who)
    await write(request.person, words.say("requests.told_deleted", server=place), None)
    return words.say("requests.deleted", who=who)


def _held(words: Words, found: Deletion) -> str:
    """Say how many cases are under legal hold, and until when where all of their holds have an end."""
    ends = [until for until in found.until if until is not None]
    if len(ends) < len(found.held):
        return words.say("requests.standing_held", count=len(found.held))
    return words.say("requests.standing_held_until", count=len(found.held), when=words.markup.when(max(ends)))


def _line(words: Words, request: Request) -> str:
    who, when = words.markup.person(request.person), words.markup.when(request.time, "ago")
    return words.say("requests.line", number=request.number, what=wants(words, request), who=who, when=when)
