"""Whom a message is aimed at.

Leans on `core.messages`. In order: the author replied to, the first person mentioned, the partner of a direct
conversation, a recent speaker whose name the text begins with ("friend: like this"), as where many talk at once, else
the last other speaker of the same episode. An episode ends when nobody spoke for `EPISODE_GAP` seconds: whoever opens
the next one talks to nobody in particular yet. The state of a conversation is therefore two speakers, a time and at
most `RECENT` names, however long it grows.

What is older than the talk that is going on, as when history is read meanwhile, answers nobody in it, nor is it
answered: it has a state of its own (`past`).

Nothing else is guessed. In a channel of many the last other speaker is often not the one meant: `lampkeeper evaluate`
measures how often it is, where messages tell whom they mean, and how an author's words spread over pairs
(`docs/addressing.md`). Some pairs so stay short of a score, and others hold talk with somebody else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from core.language import ENGLISH
from core.messages import Message

EPISODE_GAP = 6 * 3600.0
RECENT = 32
"""Speakers whose names are remembered."""
LONGEST_NAME = 32
_CALLED = re.compile(rf"\s{{0,4}}([^\s:,][^:,\n]{{0,{LONGEST_NAME - 1}}})([:,])\s")


@dataclass(slots=True)
class ConversationState:
    """The last speaker, the last who was not that one, when somebody last spoke, and id -> name of recent speakers.

    `recent` and `past` are replaced, never changed, so that a copy of the state may share them.
    """

    last: str | None = None
    before: str | None = None
    time: float | None = None
    recent: dict[str, str] = field(default_factory=dict)
    past: ConversationState | None = None


def address(state: ConversationState, message: Message) -> str | None:
    """Return the id of the person `message` is aimed at, or None.

    >>> from core.messages import Author, ConversationKey
    >>> def said(who, **more): return Message(ConversationKey("s", "c"), "1", Author(who), "hi", **more)
    >>> address(ConversationState(last="friend", before="teacher"), said("actor"))
    'friend'
    >>> address(ConversationState(last="actor", before="teacher"), said("actor"))
    'teacher'
    >>> address(ConversationState(last="friend"), said("actor", mentions=("target",)))
    'target'
    """
    me = message.author.id
    if message.reply_to is not None and message.reply_to != me:
        return message.reply_to
    for person in message.mentions:
        if person != me:
            return person
    if message.partner is not None:
        return message.partner
    state = _going_on(state, message)
    called = _called(state, message)
    if called is not None:
        return called
    if state.time is not None and message.time is not None and message.time - state.time > EPISODE_GAP:
        return None
    return state.before if state.last == me else state.last


def listen(state: ConversationState, message: Message) -> None:
    """Fold `message` into the conversation's state."""
    if _older(state, message):
        state.past = replace(_going_on(state, message))
        state = state.past
    me = message.author.id
    if message.time is not None:
        if state.time is not None and message.time - state.time > EPISODE_GAP:
            state.last = state.before = None
        state.time = message.time if state.time is None else max(state.time, message.time)
    if state.last != me:
        state.last, state.before = me, state.last
    if message.partner is not None or next(reversed(state.recent), None) == me:
        return
    name = message.author.name.lower()
    if name and len(name) <= LONGEST_NAME:
        recent = state.recent.copy()
        recent.pop(me, None)
        if len(recent) >= RECENT:
            del recent[next(iter(recent))]
        recent[me] = name
        state.recent = recent


def _older(state: ConversationState, message: Message) -> bool:
    """Tell whether a message is older than the episode that is going on."""
    return state.time is not None and message.time is not None and state.time - message.time > EPISODE_GAP


def _going_on(state: ConversationState, message: Message) -> ConversationState:
    """Return the state of the talk that a message belongs to."""
    if not _older(state, message):
        return state
    past = state.past
    return ConversationState() if past is None or _older(past, message) else past


def _called(state: ConversationState, message: Message) -> str | None:
    """Return the one recent speaker, other than the author, whose name the text begins with.

    Before a comma a name that is an everyday word calls nobody ("ok, fine").
    """
    head = message.text[: LONGEST_NAME + 8]
    if ":" not in head and "," not in head:
        return None
    match = _CALLED.match(head)
    if match is None:
        return None
    name = match[1].strip().removeprefix("@").lower()
    if match[2] == "," and name in ENGLISH:
        return None
    meant = [who for who, known in state.recent.items() if known == name]
    return meant[0] if len(meant) == 1 and meant[0] != message.author.id else None
