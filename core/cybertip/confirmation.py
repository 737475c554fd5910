"""What a human types before a report goes to an authority: their name and the case's id. Pure.

Leans on nothing of Lampkeeper's but its errors. It stops a report from being sent by a slip of the hand, and puts a
name to it. Whether the name is theirs no program can tell; it stands in the sealed log beside who typed it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from core.errors import SubmissionError

SHORTEST, LONGEST = 3, 100
"""Characters of a name."""


class Typed(NamedTuple):
    """What was typed."""

    name: str
    case: str


def checked(typed: Typed, case: str, earlier: Collection[str] = ()) -> str:
    """Return the name, tidied; SubmissionError if this does not confirm `case`, or that name did (`earlier`) already.

    >>> checked(Typed("  Mary  Example ", "4A4E14FB06D4C4B1"), "4a4e14fb06d4c4b1")
    'Mary Example'
    """
    if typed.case.strip().casefold() != case.casefold():
        raise SubmissionError(
            "What was typed is not the id of this case.", "Type the id as it stands on the case, all of it."
        )
    name = tidied(typed.name)
    if name.casefold() == case.casefold():
        raise SubmissionError("The case's id was typed in place of a name.", "Type your own name.")
    if name.casefold() in {other.casefold() for other in earlier}:
        raise SubmissionError(
            "Somebody of this name confirmed the report already.", "The second confirmation is for another person."
        )
    return name


def tidied(typed: str) -> str:
    """Return a name on one line; SubmissionError if it is none.

    >>> tidied("  Mary  Example ")
    'Mary Example'
    """
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if (
        not SHORTEST <= len(name) <= LONGEST
        or not name.replace(" ", "").isprintable()
        or not any(map(str.isalpha, name))
    ):
        raise SubmissionError(
            "What was typed is not a name.", f"Type your own name, {SHORTEST} to {LONGEST} characters, in letters."
        )
    return name
