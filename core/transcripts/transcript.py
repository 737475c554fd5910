"""What every transcript format is read into, and the rules that all formats share: times, ages, who is alone with whom.

Leans on `core.messages`. A conversation read from a file is a space of its own: the authors of two files are two
people, even where both are called ``a1``. An optional value that makes no sense (a time nobody understands, an age of
999) never costs a conversation: it counts as unknown and is tallied in `Transcript.unclear`. Only what is required
makes a line bad.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.messages import AGE_BANDS, AgeBand, Author, Message

DAY = 86_400
BACKWARDS = 3_600
"""A clock time this many seconds before the last known time is still the same day; further back is the next day."""
OLDEST = 120
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - for times without a zone, which are UTC
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?")


class Malformed(ValueError):  # noqa: N818 - it names what the line is
    """A conversation lacks what is required; the message says what, never quoting the line."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation.

    `label` is 1 where somebody knows it for the pattern, 0 where it is ordinary, None where nobody said. `age_bands`
    holds the authors whose age the file gives. `unclear` counts optional values that were left out as unknown.
    """

    id: str
    messages: list[Message]
    label: int | None = None
    age_bands: Mapping[str, AgeBand] = field(default_factory=dict)
    unclear: int = 0


@dataclass(frozen=True, slots=True)
class BadLine:
    """Line `line` (from 1) of `source` was skipped, because of `problem`."""

    source: str
    line: int
    problem: str

    def __str__(self) -> str:
        """Give place and problem as one line.

        >>> str(BadLine("chat.jsonl", 3, "it is not JSON"))
        'chat.jsonl, line 3: it is not JSON'
        """
        return f"{self.source}, line {self.line}: {self.problem}"


def time_of(value: object, last: float | None) -> float | None:
    """Seconds since the epoch of an ISO-8601 time (UTC where it has no zone) or of a clock time, else None.

    A clock time ("HH:MM" or "HH:MM:SS") belongs to the day of the `last` known time of the conversation (the first day
    of 1970 where there is none). Going back by more than an hour means that the night is over: chat logs stand in
    order, but for a few minutes and for the hour at the end of summer time.

    >>> time_of("1970-01-02T00:00:10", None), time_of("1970-01-01T02:00:00+02:00", None)
    (86410.0, 0.0)
    >>> time_of("00:05", 86_340.0), time_of("23:30", 86_340.0)
    (86700.0, 84600.0)
    >>> time_of("yesterday", None)
    """
    if not isinstance(value, str):
        return None
    if ":" in value[1:3]:
        return _clock_time(value, last)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)).total_seconds()


def _clock_time(value: str, last: float | None) -> float | None:
    clock = _CLOCK.fullmatch(value)
    if clock is None:
        return None
    hour, minute, second = (int(part or 0) for part in clock.groups())
    if hour > 23 or minute > 59 or second > 60:  # 60: a leap second
        return None
    day = 0.0 if last is None else last // DAY * DAY
    time = day + hour * 3_600 + minute * 60 + second
    if last is not None and time < last - BACKWARDS:
        time += DAY
    return time


def age_band_of(age: object) -> AgeBand | None:
    """Return the band of an age in whole years; None for what is no age.

    >>> [age_band_of(age) for age in (12, 15, 17, 18, -1, 999, "15", None)]
    ['under_13', '13_15', '16_17', 'adult', None, None, None, None]
    """
    if not isinstance(age, int) or isinstance(age, bool) or not 0 <= age <= OLDEST:
        return None
    return AGE_BANDS[(age >= 13) + (age >= 16) + (age >= 18)]


def partners(authors: Iterable[Author]) -> dict[str, str]:
    """Tell each of exactly two authors who the other one is; with any other number, nobody has a partner.

    >>> partners([Author("actor"), Author("target")])
    {'actor': 'target', 'target': 'actor'}
    >>> partners([Author("actor"), Author("target"), Author("friend")])
    {}
    """
    people = [author.id for author in authors]
    if len(people) != 2:
        return {}
    one, other = people
    return {one: other, other: one}
