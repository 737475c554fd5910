"""Cutting text to what a platform takes, and lengths of time with the unit symbols that every language reads (SI)."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def straight(text: str) -> str:
    r"""Leave out the signs that turn the direction of what follows (Unicode Standard, annex 9, 2.1 to 2.4).

    With them a name could be read as another one, or run into what stands beside it. Words are still written from right
    to left where their letters are.

    >>> straight("\u202eevil\u2069")
    'evil'
    """
    return TURNING.sub("", text)


def clip(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters.

    >>> clip("lampkeeper", 5)
    'lamp…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def fit(lines: Iterable[str], limit: int, left_out: str) -> str:
    r"""Join as many lines as `limit` characters hold, and say by `left_out` how many were left out.

    >>> fit(["one", "two", "three", "four"], 16, "… and {count} more")
    'one\n… and 3 more'
    """
    lines = list(lines)
    whole = "\n".join(lines)
    for kept in range(len(lines) - 1, -1, -1):
        if len(whole) <= limit:
            break
        whole = "\n".join([*lines[:kept], left_out.format(count=len(lines) - kept)])
    return clip(whole, limit)


def duration(seconds: float) -> str:
    """Write a length of time in the largest unit that it fills twice, or in seconds.

    >>> duration(0.25), duration(90), duration(150), duration(3 * 3600)
    ('0.2 s', '90 s', '2 min', '3 h')
    """
    for size, unit in UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
