"""What is wrong with a configuration, told with the line it stands on and the key that was meant.

Leans on pydantic's errors and on tomllib; never tells a value, which may be a token.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

_EXPECTED = {
    "model_type": "a section of its own",
    "model_attributes_type": "a section of its own",
    "string_pattern_mismatch": "the id of a role, in digits, of a usergroup, as in S0123456789, or of a person, as in "
    "discord:123; of a country, two capital letters; of a helpline, its number; an address that begins with https://; "
    "a Slack client id, digits and dots",
    "string_too_short": "the id of a channel",
    "too_short": "a list of one or more blocks",
}
"""Where pydantic's own words would not help."""


def problem(schema: type[BaseModel], text: str, error: dict[str, Any]) -> str:
    """Say one thing that is wrong with a configuration: line, key, and what would be right. `error` is pydantic's."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    line = _line_of(text, where)
    name = _dotted(where)
    if error["type"] == "extra_forbidden":
        known = sorted(_known_keys(schema, where[:-1]))
        near = get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"line {line}: the key {name!r} is not known ({hint})"
    if error["type"] == "missing":
        return f"line {line}: {name!r} is missing"
    expected = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if error["type"] == "value_error":
        return f"line {line}: in {name!r}, {expected}"
    return f"line {line}: {name!r} must be {_EXPECTED.get(error['type'], expected)}"


def _dotted(where: tuple[str | int, ...]) -> str:
    """Write a key's place as people do.

    >>> _dotted(("discord", "servers", 0, "id"))
    'discord.servers[0].id'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")


def _known_keys(schema: type[BaseModel], where: tuple[str | int, ...]) -> Iterator[str]:
    """Keys of the section at `where`."""
    model = schema
    for part in where:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            model = next(kind for kind in (annotation, *get_args(annotation)) if _is_section(kind))
    yield from model.model_fields


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _line_of(text: str, where: tuple[str | int, ...]) -> int:
    """Line, from 1, on which the value at `where` is written; what is missing is at its section.

    tomllib keeps no positions, so the file is read again in growing pieces: the statement after which the value is
    there is the one that wrote it. Only ever done for a mistake, and exact whatever way TOML was written in.
    """
    lines = text.splitlines(keepends=True)
    while where:
        start = 1
        for number in range(1, len(lines) + 1):
            try:
                tree = tomllib.loads("".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue
            if _holds(tree, where):
                return start
            start = number + 1
        where = where[:-1]
    return 1


def _holds(tree: Any, where: tuple[str | int, ...]) -> bool:
    for part in where:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
