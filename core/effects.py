"""What the engine asks the world to do. Values only; `core.guard` carries them out in one transaction.

`Scored` comes once per message; `OpenAlert` once per alert; `UpdateAlert` when an open alert has something new to show.
A reason names a message and what it added in log-odds; its text is looked up where it is kept, never carried here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from core.messages import Pair

Level = Literal["none", "watch", "review", "urgent"]
LEVELS: tuple[Level, ...] = ("none", "watch", "review", "urgent")


class Score(NamedTuple):
    """A calibrated probability, or None: too little was said for one (`insufficient`, which is not 0)."""

    probability: float | None
    level: Level


class Reason(NamedTuple):
    """Message `message_id` of `conversation` moved the log-odds by `weight`; `signals` are those it showed."""

    conversation: str
    message_id: str
    weight: float
    signals: tuple[str, ...]


class Scored(NamedTuple):
    """What one message made of its pair."""

    pair: Pair
    score: Score


class OpenAlert(NamedTuple):
    """A pair reached a level that moderators want to see. `alert` is the same for the same messages, always."""

    alert: str
    pair: Pair
    conversation: str
    message_id: str
    time: float
    score: Score
    signals: tuple[str, ...]
    reasons: tuple[Reason, ...]


class UpdateAlert(NamedTuple):
    """The open alert `alert` rose a level, or shows new signals."""

    alert: str
    pair: Pair
    conversation: str
    message_id: str
    time: float
    score: Score
    signals: tuple[str, ...]
    reasons: tuple[Reason, ...]


Effect = Scored | OpenAlert | UpdateAlert
