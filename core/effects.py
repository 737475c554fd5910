"""What the engine asks the world to do. Values only; `core.guard` carries them out in one transaction.

`Scored` comes once per message; `OpenAlert` once per alert; `UpdateAlert` when an open alert has something new to show;
`Unread` once two people's talk turns to a language that the model does not read, and with each new signal then.
A reason names a message and what it added in log-odds; its text is looked up where it is kept, never carried here.
The engine has no key: its `alert` is a name (`core.policy.alert_name`), in whose place `core.casework.cases.named` puts
the id under which the alert is kept and shown.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from core.messages import Pair

Level = Literal["none", "watch", "review", "urgent"]
LEVELS: tuple[Level, ...] = ("none", "watch", "review", "urgent")


Outcome = Literal["scored", "insufficient", "unsupported_language"]
"""insufficient: too little was said; unsupported_language: most of it is in a language that the model does not read."""


class Score(NamedTuple):
    """A calibrated probability, or None, which is not 0: `outcome` says why there is none."""

    probability: float | None
    level: Level
    outcome: Outcome


class Reason(NamedTuple):
    """Message `message_id` of `conversation` moved the log-odds by `weight`; `signals` are those it showed."""

    conversation: str
    message_id: str
    weight: float
    signals: tuple[str, ...]


class Scored(NamedTuple):
    """What one message made of its pair.

    `reached` is what thresholds are held against: the probability, weighed by what is known of ages (`core.policy`).
    """

    pair: Pair
    score: Score
    reached: float


class OpenAlert(NamedTuple):
    """A pair reached a level that moderators want to see. `alert` is the same for the same messages.

    `welfare` are signals about how the target fares, that the target's own messages showed.
    """

    alert: str
    pair: Pair
    conversation: str
    message_id: str
    time: float
    score: Score
    signals: tuple[str, ...]
    reasons: tuple[Reason, ...]
    welfare: tuple[str, ...] = ()


class UpdateAlert(NamedTuple):
    """The open alert `alert` rose a level (`rose`), or shows new signals."""

    alert: str
    pair: Pair
    conversation: str
    message_id: str
    time: float
    score: Score
    signals: tuple[str, ...]
    reasons: tuple[Reason, ...]
    welfare: tuple[str, ...] = ()
    rose: bool = False


class Unread(NamedTuple):
    """The pair's messages are in `language`, which the model does not read: nothing alerts.

    `turned`: it is so for the first time, on either side. `signals` need no language,
    and were not told of before.
    """

    pair: Pair
    language: str
    turned: bool
    signals: tuple[str, ...]


Effect = Scored | OpenAlert | UpdateAlert | Unread
