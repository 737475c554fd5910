"""Whom a message is aimed at.

Leans on `core.messages`. In order: the author replied to, the first person mentioned, the partner of a direct
conversation, else the last other speaker of the same episode. An episode ends when nobody spoke for `EPISODE_GAP`
seconds: whoever opens the next one talks to nobody in particular yet. The state of a conversation is therefore two
speakers and a time, however long it grows.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.messages import Message

EPISODE_GAP = 6 * 3600.0


@dataclass(slots=True)
class ConversationState:
    """The last speaker, the last speaker who was not that one, and when somebody last spoke."""

    last: str | None = None
    before: str | None = None
    time: float | None = None


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
    if state.time is not None and message.time is not None and message.time - state.time > EPISODE_GAP:
        return None
    return state.before if state.last == me else state.last


def listen(state: ConversationState, message: Message) -> None:
    """Fold `message` into the conversation's state."""
    me = message.author.id
    if message.time is not None:
        if state.time is not None and message.time - state.time > EPISODE_GAP:
            state.last = state.before = None
        state.time = message.time if state.time is None else max(state.time, message.time)
    if state.last != me:
        state.last, state.before = me, state.last
