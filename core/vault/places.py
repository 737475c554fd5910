"""Where sealed values stand, and under whose key: one row a table.

Leans on nothing. What belongs to a case (an alert and all that is kept with it) is sealed under that case's key, what
else belongs to a space under that space's, what belongs to neither under the master scope's: so a key that is dropped
takes exactly what is to be deleted along, in every copy of the database.

A value's place, the `about` it is sealed with, is made one way for all tables: the table's name, the columns of `row`,
the column's name. The first of `row` names the space or the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["space", "case", "master"]
Scope = tuple[str, str]
"""Whose key: a `Kind` (or what only the vault uses), and which space or case; "" where there is but one."""
MASTER: Scope = ("master", "")
FORMER: Scope = ("former", "")
"""What the version before sealed everything with; retired from the start."""


class Place(NamedTuple):
    """Whose key a table's sealed values are under, and the columns that tell its rows apart."""

    kind: Kind
    row: tuple[str, ...]


PLACES: Mapping[str, Place] = {
    "meta": Place("master", ("name",)),
    "spaces": Place("space", ("space",)),
    "installations": Place("space", ("space",)),
    "conversations": Place("space", ("space", "conversation")),
    "messages": Place("space", ("space", "conversation", "id", "version")),
    "people": Place("space", ("space", "person")),
    "pairs": Place("space", ("space", "actor", "target")),
    "requests": Place("space", ("space", "id")),
    "alerts": Place("case", ("alert",)),
    "actions": Place("case", ("alert", "id")),
    "items": Place("case", ("alert", "number")),
    "notes": Place("case", ("alert", "id")),
    "referrals": Place("case", ("alert", "id")),
    "submissions": Place("case", ("alert",)),
    "slack": Place("master", ()),  # no table: what Slack's pages bring back (`bots.slack_app.install`)
}
"""Table -> its place. A table that is not here cannot be sealed into: whoever adds one says whose key it is under."""


def scope_of(about: tuple[str, ...]) -> Scope:
    """Tell under whose key a value is; KeyError for a table that says nothing about it.

    >>> scope_of(("messages", "discord:1", "general", "m1", "0", "body")), scope_of(("alerts", "a1", "sealed"))
    (('space', 'discord:1'), ('case', 'a1'))
    """
    kind = PLACES[about[0]].kind
    return MASTER if kind == "master" else (kind, about[1])


def about_of(table: str, row: Mapping[str, Any], column: str) -> tuple[str, ...]:
    """Say where a sealed value stands; `row` holds at least the columns that its table's place names.

    >>> about_of("actions", {"alert": "a1", "id": 7}, "sealed")
    ('actions', 'a1', '7', 'sealed')
    """
    return (table, *[str(row[name]) for name in PLACES[table].row], column)
