"""The transcript format of Lampkeeper itself: JSON lines, one conversation a line.

::

    {"id": str, "messages": [{"author": str, "text": str, "time": ISO-8601 | "HH:MM[:SS]" | null,
                              "reply_to": index | null, "mentions": [author]}],
     "authors": {author: {"age": int, "roles": [str]}}, "label": 0 | 1}

Only `id`, `messages`, `author` and `text` are required; unknown keys are ignored, so every dataset can keep its own. A
role counts where it is called like an age band ("adult"). Leans on msgspec, which takes half as long as the standard
library's json, and on that for the lines that only it reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any, BinaryIO

import msgspec

from core.messages import AGE_BANDS, AgeBand, Author, ConversationKey, Message, tidy
from core.transcripts.transcript import BadLine, Malformed, Transcript, age_band_of, partners, time_of


def read(stream: BinaryIO, source: str) -> Iterator[Transcript | BadLine]:
    """Read conversations from `stream`, one line in memory at a time; blank lines are skipped."""
    for number, line in enumerate(stream, 1):
        if line.isspace():
            continue
        try:
            read_line = transcript(parse(line))
        except Malformed as problem:
            yield BadLine(source, number, str(problem))
        else:
            yield read_line


def parse(line: bytes) -> Any:
    """Read one line as JSON; raises `Malformed`."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _parse_slowly(line)


def _parse_slowly(line: bytes) -> Any:
    """Read what msgspec would not: with a byte order mark, half a surrogate pair or NaN; or say what is wrong."""
    try:
        return json.loads(line.rstrip().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start + 1} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"it is not JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError):  # a number of 5,000 digits, ten thousand brackets
        raise Malformed("it is JSON of a size that makes no sense") from None


def transcript(record: Any) -> Transcript:
    """Make a transcript of one line's JSON value; raises `Malformed`."""
    if not isinstance(record, dict):
        raise Malformed("it is not a JSON object")
    for key, kind, words in (("id", str, "a string"), ("messages", list, "a list")):
        if key not in record:
            raise Malformed(f'it lacks "{key}"')
        if not isinstance(record[key], kind):
            raise Malformed(f'"{key}" must be {words}')
    label = record.get("label")
    if label not in (None, 0, 1):
        raise Malformed('"label" must be 0 or 1')

    listed, unclear = _listed(record.get("authors"))
    name = tidy(record["id"])
    messages, unclear_there = _messages(ConversationKey(f"transcript:{name}", name), record["messages"], listed)
    bands = {person: band for person, band in listed.items() if band is not None}
    return Transcript(name, messages, None if label is None else int(label), bands, unclear + unclear_there)


def _messages(
    key: ConversationKey, items: list[dict[str, Any]], listed: dict[str, AgeBand | None]
) -> tuple[list[Message], int]:
    """Build the messages, and count the optional values in them that made no sense."""
    try:
        people = {name: _author(name, listed) for name in dict.fromkeys([item["author"] for item in items])}
        texts = [tidy(item["text"]) for item in items]
    except (KeyError, TypeError, AttributeError):  # the quick way failed: find out where
        raise Malformed(_fault(items)) from None

    silent = [Author(name) for name in listed if name not in {person.id for person in people.values()}]
    partner = partners([*people.values(), *silent])
    authors = [people[item["author"]] for item in items]
    times, unclear = _times([item.get("time") for item in items])
    answered, unclear_there = _answered([item.get("reply_to") for item in items], authors)
    named, unclear_here = _named([item.get("mentions") for item in items])
    ids, partners_ = map(str, range(len(items))), [partner.get(author.id) for author in authors]
    # A column at a time, for a call of Python's own for each message and value would cost as much as scoring it.
    messages = list(map(Message, repeat(key), ids, authors, texts, times, answered, named, partners_))
    return messages, unclear + unclear_there + unclear_here


def _times(said: list[Any]) -> tuple[list[float | None], int]:
    """Return the times of one conversation's messages, and how many of those given made no sense."""
    times: list[float | None] = []
    last: float | None = None
    for value in said:
        time = None if value is None else time_of(value, last)
        times.append(time)
        last = last if time is None else time
    return times, times.count(None) - said.count(None)


def _answered(said: list[Any], authors: list[Author]) -> tuple[list[str | None], int]:
    """Return whom each message replies to, and how many references made no sense."""
    answered: list[str | None] = [None] * len(said)
    unclear = 0
    for index, place in _given(said):
        if type(place) is int and 0 <= place < index:
            answered[index] = authors[place].id
        else:
            unclear += 1
    return answered, unclear


def _named(said: list[Any]) -> tuple[list[tuple[str, ...]], int]:
    """Return whom each message mentions, and how many lists of these made no sense."""
    named: list[tuple[str, ...]] = [()] * len(said)
    unclear = 0
    for index, names in _given(said):
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            named[index] = tuple(map(tidy, names))
        else:
            unclear += 1
    return named, unclear


def _given(values: list[Any]) -> Iterable[tuple[int, Any]]:
    """Yield the values that are there, with their places."""
    if values.count(None) == len(values):  # nearly always, and told without looking at each
        return ()
    return ((index, value) for index, value in enumerate(values) if value is not None)


def _author(name: str, listed: dict[str, AgeBand | None]) -> Author:
    person = tidy(name)
    return Author(person, person, listed.get(person))


def _listed(authors: object) -> tuple[dict[str, AgeBand | None], int]:
    """Everyone under "authors" with the band that age or role tells, and how many values made no sense."""
    listed: dict[str, AgeBand | None] = {}
    if authors is None:
        return listed, 0
    if not isinstance(authors, dict):
        return listed, 1
    unclear = 0
    for name, facts in authors.items():
        known = facts if isinstance(facts, dict) else {}
        age, roles = known.get("age"), known.get("roles") or []
        band = age_band_of(age)
        unclear += known is not facts or (age is not None and band is None) or not isinstance(roles, list)
        if band is None and isinstance(roles, list):
            band = next((named for named in AGE_BANDS if named in roles), None)
        listed[tidy(name)] = band
    return listed, unclear


def _fault(items: list[Any]) -> str:
    """Say what is wrong with the first message that lacks something."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            return f"message {index} is not a JSON object"
        for key in ("author", "text"):
            if key not in item:
                return f'message {index} lacks "{key}"'
            if not isinstance(item[key], str):
                return f'"{key}" of message {index} must be a string'
    return "its messages cannot be read"
